# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is written for Node.js, installed under ``.odoo/node``."""

import re
import shutil
import subprocess

from . import debian, paths, stamps
from .console import Failure, Step, run

OLDEST_NODE = 18
MANIFESTS = (paths.DEV / "package.json", paths.DEV / "package-lock.json")


def ensure():
    """Install the packages of ``dev/package.json`` unless they are there.

    :raise Failure: when there is no Node.js and it cannot be installed
    """
    key = stamps.key("1", *MANIFESTS)
    if stamps.fresh("node", key):
        return
    if not (shutil.which("npm") and shutil.which("node")) and debian.can_install():
        with Step("Installing Node.js and npm"):
            debian.install("nodejs", "npm")
    _check_node()
    with stamps.made("node", key), Step("Installing packages of Node.js"):
        install(MANIFESTS, paths.NODE, "--ignore-scripts")


def install(manifests, folder, *options):
    """Install what two files of npm name into a folder of its own.

    :param manifests: paths of ``package.json`` and ``package-lock.json``
    :param options: more of npm's own arguments
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for manifest in manifests:
        shutil.copy(manifest, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", *options]
    run(command, log=f"npm-{folder.name}.log", what="npm ci", cwd=folder)


def _check_node():
    if not (shutil.which("npm") and shutil.which("node")):
        raise Failure(
            "The format of XML, axe-core and right-to-left languages need Node.js: "
            "install the packages nodejs and npm, or run this once as root."
        )
    answer = subprocess.run(["node", "--version"], capture_output=True, text=True)
    version = re.match(r"v(\d+)", answer.stdout)
    if not version or int(version[1]) < OLDEST_NODE:
        raise Failure(f"Node.js {OLDEST_NODE} or later is needed.")
