# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Nothing of the addon is left out: files that exist and are never loaded."""

import ast

from . import addon, paths

DATA_FOLDERS = ("data", "demo", "security", "views", "wizards", "reports", "report")


def problems():
    """What is listed and not there, or there and not listed, one sentence each."""
    return [*_data_files(), *_python_files()]


def _data_files():
    manifest = ast.literal_eval((paths.ROOT / "__manifest__.py").read_text())
    listed = [*manifest.get("data", ()), *manifest.get("demo", ())]
    for name in listed:
        if not (paths.ROOT / name).is_file():
            yield f"__manifest__.py lists {name}, which does not exist."
    for folder in DATA_FOLDERS:
        for file in sorted((paths.ROOT / folder).rglob("*")):
            name = str(file.relative_to(paths.ROOT))
            if file.suffix in (".xml", ".csv") and name not in listed:
                yield f"{name} is not in __manifest__.py."


def _python_files():
    """Modules that nothing imports, tests above all: they would never run."""
    imported = set()
    for file in paths.ROOT.glob("*.py"):
        imported |= _imports(file)
    folders = [item for item in addon.items() if (item / "__init__.py").is_file()]
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    for file in files:
        imported |= _imports(file)
    for file in files:
        if (file.parent / "__manifest__.py").exists():  # an addon made for tests
            continue
        name = file.parent.name if file.name == "__init__.py" else file.stem
        if name not in imported:
            yield f"{file.relative_to(paths.ROOT)} is not imported by anything."


def _imports(file):
    """The last names of the modules, and the names, that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            names.update((node.module or "").split("."))
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.name.split(".")[-1] for alias in node.names)
    return names
