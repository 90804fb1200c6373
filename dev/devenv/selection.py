# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which tests a person means by the names given to ``dev/test``."""

import re

from . import paths
from .console import Failure

GROUPS = ("odoo", "e2e")


class Selection:
    """What to run.

    ``odoo``: Odoo's test tags, empty for none. ``e2e``: files or tests for pytest,
    empty for none.
    """

    def __init__(self, names):
        """:param names: what was asked for; nothing means everything

        :raise Failure: when a name is not a test
        """
        self.odoo, self.e2e = [], []
        for name in names or GROUPS:
            self._add(name)

    def _add(self, name):
        name = name.removeprefix("./").removeprefix("tests/")
        if name == "odoo":
            self.odoo.append(f"/{paths.ADDON}")
        elif name == "e2e":
            self.e2e += [f"e2e/{file.name}" for file in e2e_files()]
        elif name.startswith("e2e/"):
            if not (paths.ROOT / name.split("::")[0]).exists():
                raise Failure(f"There is no test file {name}.")
            self.e2e.append(name)
        elif name.startswith("test_"):
            self._add_file(name.removesuffix(".py"))
        else:
            self._add_class(name)

    def _add_file(self, name):
        """``test_capture``, or ``test_capture.TestCapture.test_x``"""
        file, _dot, rest = name.partition(".")
        if not (paths.ROOT / f"tests/{file}.py").is_file():
            raise Failure(f"There is no test file tests/{file}.py.")
        tag = f"/{paths.ADDON}/tests/{file}.py"
        self.odoo.append(f"{tag}:{rest}" if rest else tag)

    def _add_class(self, name):
        """``TestCapture`` or ``TestCapture.test_x``"""
        klass = name.partition(".")[0]
        pattern = re.compile(rf"^class {re.escape(klass)}\b", re.MULTILINE)
        files = (paths.ROOT / "tests").glob("*.py")
        if not any(pattern.search(file.read_text()) for file in files):
            raise Failure(f"{name} is neither a file nor a class of tests.")
        self.odoo.append(f"/{paths.ADDON}:{name}")


def e2e_files():
    """The tests from outside."""
    return sorted((paths.ROOT / "e2e").glob("test_*.py"))


def has_tours():
    """Whether some test of the addon needs a browser."""
    needs = re.compile(r"\b(start_tour|browser_js)\b")
    files = (paths.ROOT / "tests").glob("*.py")
    return any(needs.search(file.read_text()) for file in files)
