# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The Odoo 19 source tree: Debian's package, or the one in ``ODOO_SOURCE``."""

import os
import re
from functools import cache
from pathlib import Path

from . import debian, paths, stamps
from .console import Failure
from .python import site_packages

PACKAGE_FOLDER = "usr/lib/python3/dist-packages"
# Debian leaves this file out. Without it the asset bundler reports an error in the
# browser's console, which fails every browser tour; an empty one is enough.
LEFT_OUT = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"


def ensure():
    """Have an Odoo 19 tree and put it on the virtual environment's path.

    :raise Failure: when ``ODOO_SOURCE`` is not such a tree or no package can be had
    """
    if not os.environ.get("ODOO_SOURCE"):
        _ensure_package()
    library, _script = locate()
    path_file = site_packages() / "odoo-tree.pth"
    if not path_file.is_file() or path_file.read_text() != f"{library}\n":
        path_file.write_text(f"{library}\n")


@cache
def locate():
    """Where Odoo is.

    :return: (folder that holds the ``odoo`` package, start script)
    :raise Failure: when it is not an Odoo 19 tree
    """
    given = os.environ.get("ODOO_SOURCE")
    tree = Path(given).resolve() if given else paths.ODOO_TREE
    for library, script in (
        (tree / PACKAGE_FOLDER, tree / "usr/bin/odoo"),
        (tree, tree / "odoo-bin"),
    ):
        release = library / "odoo/release.py"
        if release.is_file() and script.is_file():
            found = re.search(
                r"^version_info = \((.+?),", release.read_text(), re.MULTILINE
            )
            if not found or found[1].strip("'\"") != "19":
                raise Failure(f"{tree} holds another version of Odoo than 19.")
            return library, script
    if given:
        raise Failure(f"ODOO_SOURCE: there is no Odoo source tree in {tree}.")
    raise Failure("Odoo is not set up yet: run dev/setup.")


def addons_paths():
    """Odoo's own addons folders."""
    library, _script = locate()
    folders = (library / "addons", library / "odoo/addons")
    # Debian's package has an empty folder beside the full one.
    return [folder for folder in folders if any(folder.glob("*/__manifest__.py"))]


def version():
    """What tells one tree from another: its place and when it was made."""
    library, _script = locate()
    release = library / "odoo/release.py"
    return f"{library} {release.stat().st_mtime_ns} {release.read_text()}"


def _ensure_package():
    key = debian.tree_key()
    if stamps.fresh("odoo-tree", key) and paths.ODOO_TREE.is_dir():
        return
    with stamps.made("odoo-tree", key):
        debian.unpack()
        locate.cache_clear()
        _repair()


def _repair():
    """Put right what Debian's packaging left out, and tell what else is missing."""
    library, _script = locate()
    addons = library / "odoo/addons"
    left_out = addons / LEFT_OUT
    if (addons / "mail").is_dir() and not left_out.exists():
        left_out.parent.mkdir(parents=True, exist_ok=True)
        left_out.touch()
    broken = [
        str(path.relative_to(addons))
        for path in (addons / "web/static").rglob("*")
        if path.is_symlink() and not path.exists()
    ]
    if broken:
        names = ", ".join(broken)
        print(f"Warning: web client files that no package of this suite has: {names}")
