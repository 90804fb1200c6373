# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who may import whom, of what surrounds the addon: all take from ``support/`` only."""

import ast

import pytest

from support.environment import paths

# What each folder may take from, beside itself.
MAY = {"support": set(), "dev": {"support"}, "e2e": {"support"}}
MAY["benchmarks"] = {"support"}


def sources(folder):
    """Return the Python files of a folder, programs without an ending among them."""
    found = []
    for file in sorted((paths.ROOT / folder).rglob("*")):
        if not file.is_file() or "__pycache__" in file.parts:
            continue
        if file.suffix == ".py" or file.read_bytes()[:22] == b"#!/usr/bin/env python3":
            found.append(file)
    return found


def taken(text):
    """Return the folders of :data:`MAY` that a source imports something of."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return {name.partition(".")[0] for name in names} & MAY.keys()


@pytest.mark.parametrize("folder", MAY)
def test_each_takes_only_from_below(folder):
    files = sources(folder)
    assert len(files) > 5
    wrong = {
        str(file.relative_to(paths.ROOT)): sorted(more)
        for file in files
        if (more := taken(file.read_text()) - {folder} - MAY[folder])
    }
    assert wrong == {}


def test_dev_holds_commands_and_what_they_read():
    """Programs that are more than a few lines have a folder."""
    files = [file for file in sources("dev") if file.parent == paths.DEV]
    assert [file.name for file in files if file.suffix] == []
    assert all(len(file.read_text().splitlines()) < 60 for file in files)


def test_a_forbidden_import_is_found():
    assert taken("from e2e.client import Client\nimport os") == {"e2e"}
    assert taken("import dev.programs.demo.main\nfrom . import x") == {"dev"}
