# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Prettier with its XML plugin, installed under ``.odoo/node``."""

import re
import shutil
import subprocess

from . import debian, paths, stamps
from .console import Failure, Step, run

OLDEST_NODE = 18
MANIFESTS = (paths.DEV / "package.json", paths.DEV / "package-lock.json")


def ensure():
    """Install prettier unless it is there.

    :raise Failure: when there is no Node.js and it cannot be installed
    """
    key = stamps.key("1", *MANIFESTS)
    if stamps.fresh("prettier", key):
        return
    if not (shutil.which("npm") and shutil.which("node")) and debian.can_install():
        with Step("Installing Node.js and npm"):
            debian.install("nodejs", "npm")
    _check_node()
    with stamps.made("prettier", key), Step("Installing prettier"):
        shutil.rmtree(paths.NODE, ignore_errors=True)
        paths.NODE.mkdir()
        for manifest in MANIFESTS:
            shutil.copy(manifest, paths.NODE)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        run(command, log="npm.log", what="Installing prettier", cwd=paths.NODE)


def command(fix):
    """The command that checks, or rewrites, the files named after it."""
    modules = paths.NODE / "node_modules"
    return [
        *("node", str(modules / "prettier/bin/prettier.cjs")),
        *("--config", str(paths.DEV / "prettier.json")),
        *("--plugin", str(modules / "@prettier/plugin-xml/src/plugin.js")),
        *("--no-color", "--log-level=warn", "--write" if fix else "--check"),
    ]


def _check_node():
    if not (shutil.which("npm") and shutil.which("node")):
        raise Failure(
            "Checking the format of XML needs Node.js: install the packages nodejs "
            "and npm, or run this once as root."
        )
    answer = subprocess.run(["node", "--version"], capture_output=True, text=True)
    version = re.match(r"v(\d+)", answer.stdout)
    if not version or int(version[1]) < OLDEST_NODE:
        raise Failure(f"Prettier needs Node.js {OLDEST_NODE} or later.")
