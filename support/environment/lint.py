# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Runs every linter, and tells all that they find before it ends."""

import argparse
import os
import shutil
import subprocess

from . import addon, complete, node, paths, prettier, python, setup
from .console import Failure

FORMATTED = (".xml", ".js", ".scss", ".css")
# Copied from elsewhere or made by a program.
NOT_FORMATTED = ("static/lib/", "static/description/")


def main(args):
    """What ``dev/lint`` does.

    :return: exit status, 0 when nothing was found
    """
    parser = argparse.ArgumentParser(
        prog="dev/lint",
        description="ruff, pylint-odoo, OCA's checks and prettier on the repository.",
    )
    parser.add_argument("--fix", action="store_true", help="format and repair files")
    fix = parser.parse_args(args).fix
    paths.prepare()
    with setup.alone():
        python.ensure()
        python.ensure_lint()
        node.ensure()
    checks = {
        "ruff check": lambda: _ruff_check(fix),
        "ruff format": lambda: _ruff_format(fix),
        "prettier": lambda: _prettier(fix),
        "pylint-odoo": _pylint,
        "OCA checks": _oca_checks,
        "files loaded": _complete,
    }
    found = []
    for name, check in checks.items():
        passed = check()
        print(f"{'ok  ' if passed else 'FAIL'} {name}", flush=True)
        if not passed:
            found.append(name)
    if found:
        print(f"Lint failed: {', '.join(found)}.")
    return 1 if found else 0


def _ruff_check(fix):
    return _call(_tool("ruff"), "check", "--quiet", *(["--fix"] * fix), ".")


def _ruff_format(fix):
    return _call(_tool("ruff"), "format", "--quiet", *(["--diff"] * (not fix)), ".")


def _prettier(fix):
    files = [
        name
        for name in tracked()
        if name.endswith(FORMATTED) and not name.startswith(NOT_FORMATTED)
    ]
    return not files or _call(*prettier.command(fix), *files)


def _pylint():
    # A copy under its technical name, which some checks look at, in a folder that is
    # no addon: pylint-odoo looks at nothing where the addon is the repository's root.
    copy = _copy()
    samples = [
        f"{copy.name}/{addon.relative_to(copy)}"
        for addon in (copy / "tests/addons").glob("*")
    ]
    own = _call(*pylint(copy.name), cwd=copy.parent)
    # They are read by nobody but developers.
    command = pylint("--disable=missing-readme", *samples)
    return (not samples or _call(*command, cwd=copy.parent)) and own


def pylint(*args):
    """The command that checks addons, which are folders where it is run.

    In one process: of several, each would compare its own part of the classes only.

    :param args: their names, and options
    """
    return [str(_tool("pylint")), f"--rcfile={paths.ROOT / '.pylintrc'}", *args]


def _oca_checks():
    copy = _copy()
    # How the XML declaration is spelt is left to Odoo's own habit.
    disabled = "--disable=xml-header-wrong"
    module = _call(_tool("oca-checks-odoo-module"), disabled, copy, cwd=copy.parent)
    catalogs = [str(path) for path in copy.glob("i18n*/*.po*")]
    return (not catalogs or _call(_tool("oca-checks-po"), *catalogs)) and module


def _complete():
    found = complete.problems()
    for problem in found:
        print(problem)
    return not found


def tracked():
    """The repository's files, also those not committed yet, that are not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True)
    if answer.returncode:
        raise Failure("Linting needs a Git checkout and the command git.")
    return [name for name in answer.stdout.splitlines() if (paths.ROOT / name).exists()]


def _copy():
    copy = paths.WORK / "lint" / paths.ADDON
    shutil.rmtree(copy, ignore_errors=True)
    addon.copy_to(copy)
    return copy


def _tool(name):
    return paths.VENV / "bin" / name


def _call(*command, cwd=paths.ROOT):
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    words = [str(word) for word in command]
    return not subprocess.run(words, cwd=cwd, env=env, check=False).returncode
