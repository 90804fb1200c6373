# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A virtual environment of its own in which the addon is installed from a wheel."""

import os
import shutil
import subprocess

from support.environment import paths, postgres, source
from support.environment.python import site_packages


class WheelEnvironment:
    """A new environment with the working environment's packages, not its addon.

    The packages are linked, so it takes seconds and no download. Odoo comes in as it
    does there, by a path file among them.

    :param folder: where to make it; on the file system of the working environment
        it takes no space
    """

    def __init__(self, folder):
        self._folder = folder
        venv = folder / "venv"
        self.python = venv / "bin" / "python"
        _call(paths.PYTHON, "-m", "venv", "--without-pip", venv)
        (self.site_packages,) = (venv / "lib").glob("python3.*/site-packages")
        shutil.copytree(
            site_packages(), self.site_packages, copy_function=_link, dirs_exist_ok=True
        )

    def install(self, wheel):
        """Install a wheel beside what is there."""
        options = ("--no-deps", "--no-index", "--disable-pip-version-check")
        _call(self.python, "-m", "pip", "install", *options, wheel)

    def unmet(self, distribution):
        """Return what pip finds missing or too old for a distribution, as lines."""
        answer = subprocess.run(
            [self.python, "-m", "pip", "check", "--disable-pip-version-check"],
            capture_output=True,
            text=True,
        )
        assert answer.stdout, answer.stderr
        lines = answer.stdout.splitlines()
        return [line for line in lines if line.lower().startswith(distribution)]

    def command(self):
        """Return the program and arguments that run Odoo's command line."""
        _library, script = source.locate()
        return [str(self.python), str(script)]

    def variables(self):
        """Return the environment variables under which Odoo finds this addon only."""
        addons = (*source.addons_paths(), self.site_packages / "odoo" / "addons")
        config = self._folder / "odoo.conf"
        config.write_text(
            "[options]\n"
            f"addons_path = {','.join(map(str, addons))}\n"
            f"data_dir = {paths.DATA_DIR}\n"
        )
        return {**os.environ, **postgres.variables(), "ODOO_RC": str(config)}


def _link(target, link):
    try:
        os.link(target, link)
    except OSError:  # another file system, or one without links
        shutil.copy2(target, link)


def _call(*command):
    answer = subprocess.run(
        list(map(str, command)), cwd="/", capture_output=True, text=True
    )
    assert not answer.returncode, answer.stdout + answer.stderr
