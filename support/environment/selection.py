# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which tests a person means by the names given to ``dev/test``."""

import re

from . import paths
from .console import Failure

GROUPS = ("odoo", "e2e")
# What a test needs a browser or a server for: pages take half a minute to be made.
BROWSER = re.compile(r"\b(\w*TourCase|HttpCase|start_tour|browser_js)\b")


class Selection:
    """What to run.

    ``odoo``: Odoo's test tags, empty for none. ``samples``: the same for the addons
    in ``tests/addons``, by addon. ``e2e``: files or tests for pytest, empty for none.
    """

    def __init__(self, names):
        """:param names: what was asked for; nothing means everything

        :raise Failure: when a name is not a test
        """
        self.odoo, self.samples, self.e2e = [], {}, []
        for name in names or GROUPS:
            self._add(name)

    def _add(self, name):
        name = name.removeprefix("./").removeprefix("tests/")
        if name == "odoo":
            for addon in (paths.ADDON, *sample_addons()):
                self._choose(addon, f"/{addon}")
        elif name == "samples":
            for addon in sample_addons():
                self._choose(addon, f"/{addon}")
        elif name in sample_addons():
            self._choose(name, f"/{name}")
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

    def _choose(self, addon, tag):
        tags = self.odoo if addon == paths.ADDON else self.samples.setdefault(addon, [])
        tags.append(tag)

    def _add_file(self, name):
        """``test_capture``, or ``test_capture.TestCapture.test_x``"""
        file, _dot, rest = name.partition(".")
        found = [each for each in _test_files() if each.stem == file]
        if not found:
            raise Failure(f"There is no test file tests/{file}.py.")
        for each in found:
            tag = f"/{_addon_of(each)}/tests/{file}.py"
            self._choose(_addon_of(each), f"{tag}:{rest}" if rest else tag)

    def _add_class(self, name):
        """``TestCapture`` or ``TestCapture.test_x``"""
        klass = name.partition(".")[0]
        pattern = re.compile(rf"^class {re.escape(klass)}\b", re.MULTILINE)
        found = {
            _addon_of(file)
            for file in _test_files()
            if pattern.search(file.read_text())
        }
        if not found:
            raise Failure(f"{name} is neither a file nor a class of tests.")
        for addon in sorted(found):
            self._choose(addon, f"/{addon}:{name}")


def parts():
    """Divide the addon's own tests, so that some run beside others.

    :return: Odoo's test tags by name of the part; together they are all tests
    """
    browser, rest = [], []
    for file in sorted((paths.ROOT / "tests").glob("test_*.py")):
        tag = f"/{paths.ADDON}/tests/{file.name}"
        (browser if BROWSER.search(file.read_text()) else rest).append(tag)
    half = rest[::2]
    # whatever is in no file of the others
    others = [f"/{paths.ADDON}", *(f"-{tag}" for tag in (*browser, *half))]
    return {"first": half, "second": others, "browser": browser}


def sample_addons():
    """The names of the addons that are made for tests only."""
    found = paths.TEST_ADDONS.glob("*/__manifest__.py")
    return sorted(file.parent.name for file in found)


def _test_files():
    """The test files of the addon and of those made for its tests."""
    own = sorted((paths.ROOT / "tests").glob("*.py"))
    return [*own, *sorted(paths.TEST_ADDONS.glob("*/tests/*.py"))]


def _addon_of(file):
    addon = file.parents[1]
    return addon.name if addon.parent == paths.TEST_ADDONS else paths.ADDON


def e2e_files():
    """The tests from outside."""
    return sorted((paths.ROOT / "e2e").glob("test_*.py"))


def has_tours():
    """Whether some test of the addon needs a browser."""
    needs = re.compile(r"\b(start_tour|browser_js)\b")
    files = (paths.ROOT / "tests").glob("*.py")
    return any(needs.search(file.read_text()) for file in files)
