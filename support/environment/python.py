# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The virtual environment and its packages."""

import os
import shutil
import subprocess
import sys

from . import debian, paths, stamps
from .console import Failure, Step, run

# Odoo 19 needs 3.10; the pinned packages have wheels up to 3.13.
OLDEST, NEWEST = (3, 10), (3, 13)
CANDIDATES = ("python3.11", "python3", "python3.12", "python3.13", "python3.10")


def ensure():
    """Make the virtual environment and install the pinned packages in it."""
    ensure_venv()
    title = "[2/7] Installing Python packages"
    _ensure_packages("python-packages", title, paths.REQUIREMENTS)


def ensure_lint():
    """Install the linters too."""
    title = "Installing the linters"
    _ensure_packages("lint-packages", title, paths.REQUIREMENTS_LINT)


def ensure_build():
    """Install what builds the wheel too."""
    title = "Installing the wheel's builder"
    _ensure_packages("build-packages", title, paths.REQUIREMENTS_BUILD)


def ensure_docs():
    """Install what makes README.rst and the figures too."""
    title = "Installing what makes documents"
    _ensure_packages("docs-packages", title, paths.REQUIREMENTS_DOCS)


def ensure_judges():
    """Install those judges of recipes that are written in Python too."""
    title = "Installing judges of recipes"
    _ensure_packages("judges-packages", title, paths.REQUIREMENTS_JUDGES)


def _ensure_packages(name, title, requirements):
    key = stamps.key(_venv_key(), requirements)
    if stamps.fresh(name, key):
        return
    with stamps.made(name, key):
        install(title, requirements)


def ensure_venv():
    """Make the virtual environment unless it is there.

    :raise Failure: when no usable Python, or no venv module, is installed
    """
    if paths.PYTHON.exists() and stamps.fresh("venv", _venv_key()):
        return
    python = _find_python()
    with stamps.made("venv", _venv_key()), Step("[1/7] Making a virtual environment"):
        for stamp in paths.STAMPS.glob("*-packages"):
            stamp.unlink()
        shutil.rmtree(paths.VENV, ignore_errors=True)
        if not _answers(python, "import venv, ensurepip"):
            _install_venv_module(python)
        command = [python, "-m", "venv", paths.VENV]
        run(command, log="venv.log", what="Making a virtual environment")


def hand_over(module):
    """Become a program that runs in the virtual environment, with the same arguments.

    :param module: full name of the program's module, as from the repository's root
    """
    command = [str(paths.PYTHON), str(paths.ROOT / "support/run.py"), module]
    os.execv(command[0], [*command, *sys.argv[1:]])


def install(title, requirements):
    """Install a requirements file, in which every package is named and pinned.

    :param title: what the person is told
    :param requirements: path of the file
    """
    names = [
        line
        for line in requirements.read_text().splitlines()
        if line and not line.startswith(("#", "-"))
    ]
    command = [paths.PYTHON, "-m", "pip", "install", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off"]
    with Step(f"{title} ({len(names)})") as step:
        seen = 0

        def progress(line):
            nonlocal seen
            if line.startswith(("Collecting ", "Requirement already")):
                seen += 1
                step.update(f"{seen}/{len(names)}")
            elif line.startswith("Installing collected"):
                step.update("unpacking")

        run(
            [*command, "-r", requirements],
            log="pip.log",
            what="Installing Python packages",
            env={**os.environ, "PIP_DEFAULT_TIMEOUT": "60"},
            on_line=progress,
        )


def site_packages():
    """The folder that holds the virtual environment's packages."""
    return next((paths.VENV / "lib").glob("python3.*/site-packages"))


def _venv_key():
    # A virtual environment holds absolute paths: a moved checkout needs a new one.
    return stamps.key("1", str(paths.VENV))


def _answers(python, code):
    return subprocess.run([python, "-c", code], capture_output=True).returncode == 0


def _find_python():
    limits = f"{OLDEST} <= sys.version_info[:2] <= {NEWEST}"
    for name in (*CANDIDATES, sys.executable):
        python = shutil.which(name)
        if python and _answers(python, f"import sys; sys.exit(not {limits})"):
            return python
    raise Failure("Python 3.10 to 3.13 is needed and none is installed.")


def _install_venv_module(python):
    """Debian ships the venv module apart."""
    if debian.can_install() and os.path.realpath(python).startswith("/usr/bin/"):
        debian.install(f"{os.path.basename(os.path.realpath(python))}-venv")
    if not _answers(python, "import venv, ensurepip"):
        raise Failure(f"{python} has no venv module: install the package python3-venv.")
