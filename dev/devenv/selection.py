# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which tests a person means by the names given to ``dev/test``."""

import re

from . import addon, paths
from .console import Failure

GROUPS = ("odoo", "samples", "e2e")


class Selection:
    """What to run.

    ``odoo`` and ``samples``: Odoo's test tags for the addon and for the sample addons,
    empty for none. ``e2e``: files or tests for pytest, empty for none.
    """

    def __init__(self, names):
        """:param names: what was asked for; nothing means everything

        :raise Failure: when a name is not a test
        """
        self.odoo, self.samples, self.e2e = [], [], []
        for name in names or GROUPS:
            self._add(name)

    def _add(self, name):
        name = name.removeprefix("./").removeprefix("tests/")
        if name == "odoo":
            self.odoo.append(f"/{paths.ADDON}")
        elif name == "samples":
            self.samples += [f"/{folder.name}" for folder in addon.samples()]
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
        for name, folder, tags in self._suites():
            if (folder / f"tests/{file}.py").is_file():
                tag = f"/{name}/tests/{file}.py"
                tags.append(f"{tag}:{rest}" if rest else tag)
                return
        raise Failure(f"There is no test file tests/{file}.py.")

    def _add_class(self, wanted):
        """``TestCapture`` or ``TestCapture.test_x``"""
        klass = wanted.partition(".")[0]
        pattern = re.compile(rf"^class {re.escape(klass)}\b", re.MULTILINE)
        for name, folder, tags in self._suites():
            files = (folder / "tests").glob("*.py")
            if any(pattern.search(file.read_text()) for file in files):
                tags.append(f"/{name}:{wanted}")
                return
        raise Failure(f"{wanted} is neither a file nor a class of tests.")

    def _suites(self):
        """Yield each addon's name and folder, and the list that its test tags go to."""
        yield paths.ADDON, paths.ROOT, self.odoo
        for folder in addon.samples():
            yield folder.name, folder, self.samples


def e2e_files():
    """The tests from outside."""
    return sorted((paths.ROOT / "e2e").glob("test_*.py"))


def has_tours():
    """Whether some test of the addon needs a browser."""
    needs = re.compile(r"\b(start_tour|browser_js)\b")
    files = (paths.ROOT / "tests").glob("*.py")
    return any(needs.search(file.read_text()) for file in files)
