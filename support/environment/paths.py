# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Where everything is."""

from pathlib import Path

ADDON = "queue_job_sync"

# The checkout, whatever its folder is called.
ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "dev"
SUPPORT = ROOT / "support"
PYPROJECT = ROOT / "pyproject.toml"

# Everything made by the set-up, git-ignored; removing the folder starts afresh.
WORK = ROOT / ".odoo"
STAMPS = WORK / "stamps"
LOGS = WORK / "log"
VENV = WORK / "venv"
PYTHON = VENV / "bin" / "python"
ODOO_TREE = WORK / "odoo-tree"
ADDONS = WORK / "addons"
# Addons on top of this one, made for its tests; nothing of them ships.
TEST_ADDONS = ROOT / "tests" / "addons"
DATA_DIR = WORK / "data"
POSTGRES = WORK / "postgres"
NODE = WORK / "node"
NODE_COMMANDS = NODE / "node_modules" / ".bin"
DIST = WORK / "dist"

REQUIREMENTS = DEV / "requirements.txt"
REQUIREMENTS_LINT = DEV / "requirements-lint.txt"
REQUIREMENTS_BUILD = DEV / "requirements-build.txt"
REQUIREMENTS_DOCS = DEV / "requirements-docs.txt"
REQUIREMENTS_JUDGES = DEV / "requirements-judges.txt"


def prepare():
    """Make the folders that every command writes to."""
    for folder in (WORK, STAMPS, LOGS):
        folder.mkdir(exist_ok=True)
