# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo from Debian's packages, without touching the machine's own packages.

Debian offers Odoo 19 in its unstable suite only. A private apt configuration, with
its own lists, cache and (empty) status, asks the mirror that the machine is already
set up with for that suite too; the packages are unpacked, never installed.
"""

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from . import paths, stamps
from .console import Failure, Step, run

UNSTABLE = "sid"
# Packages of the machine's own suite whose files Odoo links to. Font Awesome in
# particular must not be taken from unstable: version 7 has other file names.
LINKED = (
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-font-awesome",
    "fonts-roboto-unhinted",
    "fonts-inconsolata",
    "fonts-glyphicons-halflings",
)
FROM_UNSTABLE = ("odoo-19", "fonts-montserrat")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
OTHER_WAY = "set ODOO_SOURCE to the folder of an Odoo 19 source tree instead"

APT = paths.WORK / "apt"


def tree_key():
    """What the unpacked tree depends on."""
    return stamps.key("2", *LINKED, *FROM_UNSTABLE)


def unpack():
    """Download and unpack Odoo 19 into ``.odoo/odoo-tree``.

    :raise Failure: when this system has no apt, no Debian mirror or no such package
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise Failure(f"Odoo 19 is taken from Debian and apt is not here: {OTHER_WAY}.")
    uri, suite = _mirror()
    config = _configure(uri, suite)
    with Step("[3/7] Reading Debian's package index"):
        run(["apt-get", "-c", config, "update"], log="apt.log", what="apt-get update")
    packages = [f"{name}/{suite}" for name in LINKED]
    packages += [f"{name}/{UNSTABLE}" for name in FROM_UNSTABLE]
    debs = APT / "debs"
    shutil.rmtree(debs, ignore_errors=True)
    debs.mkdir()
    with Step("[4/7] Downloading Odoo 19"):
        try:
            run(
                ["apt-get", "-c", config, "download", *packages],
                log="apt.log",
                what="Downloading Odoo 19",
                cwd=debs,
            )
        except Failure as failure:
            raise Failure(f"{failure}; {OTHER_WAY}.") from failure
    _extract(sorted(debs.glob("*.deb")))
    shutil.rmtree(debs)


def unpack_one(package, folder):
    """Download one package of the machine's own suite, and unpack it.

    :param folder: where to; what is there is replaced
    :raise Failure: when this system has no apt, no Debian mirror or no such package
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise Failure(f"{package} is taken from Debian and apt is not here.")
    _uri, suite = mirror = _mirror()
    config = _configure(*mirror)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    apt, logged = ["apt-get", "-c", config], {"log": "apt.log"}
    with Step(f"Downloading {package}"):
        run([*apt, "update"], what="apt-get update", **logged)
        what = f"Downloading {package}"
        run([*apt, "download", f"{package}/{suite}"], what=what, cwd=partial, **logged)
    (deb,) = partial.glob("*.deb")
    run(["dpkg-deb", "-x", deb, partial], log="unpack.log", what=f"Unpacking {package}")
    deb.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _extract(debs):
    """Unpack beside the tree and rename: a half-unpacked tree is never used."""
    partial = paths.ODOO_TREE.with_name("odoo-tree.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with Step("[5/7] Unpacking Odoo 19") as step:
        for number, deb in enumerate(debs, 1):
            step.update(f"{number}/{len(debs)}")
            run(
                ["dpkg-deb", "-x", deb, partial],
                log="unpack.log",
                what=f"Unpacking {deb.name}",
            )
        shutil.rmtree(paths.ODOO_TREE, ignore_errors=True)
        partial.rename(paths.ODOO_TREE)


def _mirror():
    """The machine's own Debian mirror.

    :return: (address, suite as the machine's sources name it)
    """
    fields = ("REPO_URI", "COMPONENT", "RELEASE", "LABEL")
    form = "|".join(f"$({field})" for field in fields)
    # The first answer knows who publishes what, but only of indexes that the
    # machine has fetched; the second lists all, without the publisher.
    for options in ([], ["--no-release-info"]):
        answer = subprocess.run(
            ["apt-get", "indextargets", *options, "--format", form]
            + ["Created-By: Packages"],
            capture_output=True,
            text=True,
        )
        for line in answer.stdout.splitlines():
            uri, component, release, label = line.split("|")
            in_debian = urlsplit(uri).path.rstrip("/").endswith("/debian")
            debian = label == "Debian" or (label.startswith("$") and in_debian)
            # Not "bookworm-updates" and the like.
            if debian and component == "main" and "-" not in release:
                return uri, release
    raise Failure(f"No Debian mirror is set up on this system: {OTHER_WAY}.")


def _configure(uri, suite):
    """Write the private apt configuration; the machine's proxies still apply."""
    for folder in ("state/lists/partial", "cache/archives/partial", "etc/parts"):
        (APT / folder).mkdir(parents=True, exist_ok=True)
    (APT / "state/status").touch()
    signed = f"[signed-by={KEYRING}] " if KEYRING.is_file() else ""
    suites = dict.fromkeys((suite, UNSTABLE))
    sources = APT / "etc/sources.list"
    sources.write_text("".join(f"deb {signed}{uri} {s} main\n" for s in suites))
    config = APT / "apt.conf"
    settings = {
        "Dir::State": APT / "state",
        "Dir::State::status": APT / "state/status",
        "Dir::Cache": APT / "cache",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": APT / "etc/parts",
        "Dir::Etc::preferences": APT / "etc/preferences",
        "Dir::Etc::preferencesparts": APT / "etc/parts",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    if os.geteuid() == 0:
        # apt would drop to a user that may not enter the checkout.
        settings["APT::Sandbox::User"] = "root"
    lines = [f'{name} "{value}";\n' for name, value in settings.items()]
    config.write_text("".join(lines))
    return config


def install(*packages):
    """Install packages on this machine; the caller has checked that we are root.

    :raise Failure: when apt cannot
    """
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    options = {"log": "apt-install.log", "env": env}
    what = f"Installing {' '.join(packages)}"
    try:
        run(command, what=what, **options)
    except Failure:
        # The machine's lists are missing, or older than what the mirror has.
        run(["apt-get", "update"], what="apt-get update", **options)
        run(command, what=what, **options)


def can_install():
    """Whether this process may install Debian packages."""
    return os.geteuid() == 0 and bool(shutil.which("apt-get"))
