# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Builds the wheel by which the addon is installed beside others of the OCA.

whool names the wheel after the addon's folder, and takes Git's files where there is
Git: so it is given a folder of the right name, out of Git's sight, with the addon's
own files and no others.
"""

import argparse
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from . import addon, paths, python, setup
from .console import Failure, Step, run


def main(args):
    """What ``dev/build`` does.

    :return: exit status
    """
    parser = argparse.ArgumentParser(
        prog="dev/build",
        description="Build the addon's wheel with whool; prints where it is.",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=paths.DIST,
        help="where to put it (default: .odoo/dist)",
    )
    parser.add_argument(
        "--commit",
        metavar="COMMIT",
        help="build what this commit of the repository holds, not the files as they "
        "are; the test of upgrades needs the wheel of the previous version",
    )
    options = parser.parse_args(args)
    paths.prepare()
    with setup.alone():
        python.ensure()
        python.ensure_build()
    print(build(options.folder, options.commit))
    return 0


def build(folder, commit=None):
    """Build the wheel.

    :param folder: where to put it
    :param commit: what to build instead of the checkout's files
    :return: path of the wheel
    :raises Failure: when there is no such commit, or whool refuses
    """
    with (
        Step("Building the wheel"),
        tempfile.TemporaryDirectory(prefix="build-", dir=paths.WORK) as scratch,
    ):
        scratch = Path(scratch)
        root = checkout(commit, scratch / "commit") if commit else paths.ROOT
        copy = scratch / paths.ADDON
        addon.copy_to(copy, root)
        # Those are only for this repository's own tests.
        shutil.rmtree(copy / "tests/addons", ignore_errors=True)
        # Of the present one: an older commit may have none.
        shutil.copy2(paths.PYPROJECT, copy)
        made = scratch / "dist"
        command = [paths.PYTHON, "-m", "pip", "wheel", "--no-deps", "--no-index"]
        command += ["--no-build-isolation", "--disable-pip-version-check"]
        run(
            [*command, "--wheel-dir", made, copy],
            log="build.log",
            what="Building the wheel",
            env={**os.environ, **_variables(root, commit, scratch)},
        )
        (wheel,) = made.glob("*.whl")
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy2(wheel, folder)).resolve()


def _variables(root, commit, scratch):
    """Environment variables for whool: no Git, and a commit's own time."""
    variables = {"GIT_CEILING_DIRECTORIES": str(scratch)}
    if commit:
        # The same commit makes the same wheel, byte for byte.
        made = int((root / "__manifest__.py").stat().st_mtime)
        variables["SOURCE_DATE_EPOCH"] = str(made)
    return variables


def checkout(commit, folder):
    """Write the files of a commit, with its time as theirs, to a new folder.

    :return: the folder
    :raises Failure: when there is no such commit
    """
    archive = folder.with_suffix(".tar")
    command = ["git", "archive", f"--output={archive}", commit]
    answer = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True)
    if answer.returncode:
        raise Failure(f"git archive: {answer.stderr.strip()}")
    folder.mkdir()
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    return folder
