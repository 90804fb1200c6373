# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The wheel holds the addon and no more, and does its work where it is installed."""

import ast
import shutil
import subprocess
import tempfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from e2e.wheel_environment import WheelEnvironment
from support import configure, scratch_odoo
from support.environment import addon, paths
from support.odoo_server import install
from support.processes import wait_until

DISTRIBUTION = "odoo-addon-queue_job_sync"
INSIDE = f"odoo/addons/{paths.ADDON}/"
PATIENCE = 60  # seconds to wait at most for a delivery
# What the checkout has, or may have, and an addon has not.
NEVER = {"dev", "e2e", "docs", "benchmarks", "support", ".odoo", ".git"}
NEVER |= {"pyproject.toml"}


@pytest.fixture(scope="module")
def folder():
    """A folder on the file system of the working environment, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="test-packaging-", dir=paths.WORK) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def wheel(folder):
    """The wheel that ``dev/build`` makes."""
    answer = subprocess.run(
        [paths.DEV / "build", folder / "dist"], capture_output=True, text=True
    )
    assert not answer.returncode, answer.stderr
    (built,) = (folder / "dist").iterdir()
    assert answer.stdout.splitlines()[-1] == str(built)
    return built


def manifest():
    return ast.literal_eval((paths.ROOT / "__manifest__.py").read_text())


def test_the_wheel_holds_the_addon_and_no_more(wheel):
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    inside = [name.removeprefix(INSIDE) for name in names if name.startswith(INSIDE)]
    top = {name.split("/")[0] for name in inside}
    assert top == {item.name for item in addon.items()}
    assert not top & NEVER
    assert {"tests/common.py", "README.rst", "static/description/icon.png"} <= {*inside}
    # the words of queue_job on our screens
    assert {"i18n/fr.po", "i18n_extra/fr.po"} <= {*inside}
    assert not [name for name in inside if "__pycache__" in name or "/." in name]
    rest = {name.split("/")[0] for name in names if not name.startswith(INSIDE)}
    assert rest == {f"odoo_addon_queue_job_sync-{manifest()['version']}.dist-info"}


def test_the_wheel_says_what_it_is_and_needs(wheel):
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (n for n in opened.namelist() if n.endswith("/METADATA"))
        said = HeaderParser().parsestr(opened.read(name).decode())
    assert said["Name"] == DISTRIBUTION
    assert said["Version"] == manifest()["version"]
    assert said["Summary"] == manifest()["summary"]
    assert said["License"] == "LGPL-3"
    assert set(said.get_all("Requires-Dist")) == {
        "odoo==19.0.*",
        "odoo-addon-queue_job==19.0.*",
        "jmespath",
        "oauthlib",
        "requests",
    }
    assert "Framework :: Odoo :: 19.0" in said.get_all("Classifier")
    assert said["Description-Content-Type"] == "text/x-rst"
    assert said.get_payload().strip() == (paths.ROOT / "README.rst").read_text().strip()


def test_a_checkout_of_any_name_makes_the_same_wheel(wheel, folder):
    """Without Git too, as in an archive of the sources."""
    checkout = folder / "some-fork.of_it"
    checkout.mkdir()
    for item in (*addon.items(), paths.DEV, paths.SUPPORT, paths.PYPROJECT):
        (shutil.copytree if item.is_dir() else shutil.copy2)(item, checkout / item.name)
    (checkout / ".odoo").mkdir()
    for name in ("venv", "stamps"):
        (checkout / ".odoo" / name).symlink_to(paths.WORK / name)
    (checkout / ".odoo" / "log").mkdir()
    # not the command, which would set this checkout up from nothing
    code = (
        "from support.environment import build\n"
        "build.build(build.Path('../dist-of-fork'))\n"
    )
    answer = subprocess.run(
        [paths.PYTHON, "-c", code],
        cwd=checkout,
        capture_output=True,
        text=True,
    )
    assert not answer.returncode, answer.stderr
    assert _contents(folder / "dist-of-fork" / wheel.name) == _contents(wheel)


def _contents(wheel):
    """Return checksums by name."""
    with zipfile.ZipFile(wheel) as opened:
        return {info.filename: info.CRC for info in opened.infolist()}


def test_it_works_where_the_wheel_is_installed(wheel, folder, crm):
    environment = WheelEnvironment(folder)
    environment.install(wheel)
    assert environment.unmet(DISTRIBUTION.lower()) == []
    variables = environment.variables()
    log = paths.LOGS / "test-packaging.log"
    log.unlink(missing_ok=True)
    command = environment.command()
    with scratch_odoo.database("packaging") as database:
        install(command, database, [paths.ADDON], log, variables)
        with scratch_odoo.serving(
            database, log, command, environment=variables
        ) as server:
            admin = configure.log_in(server)
            configure.make_crm_stream(admin, crm)
            admin.create("res.partner", {"name": "Ada", "email": "ada@example.com"})
            wait_until(crm.contacts, PATIENCE, "a contact in the CRM")
    (contact,) = crm.contacts().values()
    assert (contact["name"], contact["email"]) == ("Ada", "ada@example.com")
