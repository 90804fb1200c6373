# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""pylint-odoo really looks where dev/lint has it look."""

import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.environment import lint, paths, python, setup

MANIFEST = """{
    "name": "Faulty",
    "version": "19.0.1.0.0",
    "license": "LGPL-3",
    "summary": "Faulty",
    "development_status": "Beta",
    "author": "Somebody else",
    "depends": ["contacts"],
    "data": ["views/not_there.xml"],
}
"""
MODEL = """from odoo import models


class Partner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        self.env.cr.execute("SELECT %s" % self.name)
        super().write(vals)
"""
FOUND = {
    "manifest-required-author",
    "resource-not-exist",
    "missing-readme",
    "consider-merging-classes-inherited",  # R8180
    "missing-return",
    "sql-injection",
}


@pytest.fixture
def folder():
    """A folder where dev/lint has its own, gone at the end."""
    with setup.alone():
        python.ensure()
        python.ensure_lint()
    with tempfile.TemporaryDirectory(prefix="lint-test-", dir=paths.WORK) as made:
        yield Path(made)


def test_deliberate_faults_are_reported(folder):
    addon = folder / paths.ADDON
    (addon / "models").mkdir(parents=True)
    (addon / "__manifest__.py").write_text(MANIFEST)
    (addon / "__init__.py").write_text("from . import models\n")
    (addon / "models/__init__.py").write_text("from . import one\nfrom . import two\n")
    for name in ("one", "two"):
        (addon / f"models/{name}.py").write_text(MODEL)
    done = subprocess.run(
        lint.pylint(paths.ADDON), cwd=folder, capture_output=True, text=True
    )
    assert done.returncode, done.stderr
    found = set(re.findall(r"^\S+:\d+: ([\w-]+): ", done.stdout, re.MULTILINE))
    assert found == FOUND
