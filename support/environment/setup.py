# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The whole set-up, which every command runs first; a second run does nothing."""

import fcntl
from contextlib import contextmanager

from . import addon, browser, paths, postgres, python, source
from .console import need_space

# Odoo's package and its download, the Python packages and the databases.
GIGABYTES = 3


def ensure(with_browser=False):
    """Set up what is missing.

    :param with_browser: also have a browser, for tests
    :raise Failure: when something cannot be set up
    """
    paths.prepare()
    with alone():
        if not (paths.STAMPS / "python-packages").exists():
            need_space(paths.WORK, GIGABYTES)
        python.ensure()
        source.ensure()
        addon.refresh()
        postgres.ensure()
        if with_browser:
            browser.ensure()


@contextmanager
def alone():
    """One set-up at a time."""
    with (paths.WORK / "setup.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another set-up of this checkout to end ...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
