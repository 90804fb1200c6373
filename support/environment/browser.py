# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The browser that Odoo's tours run in."""

import shutil

from . import debian
from .console import Failure, Step

# The names by which Odoo looks for it.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def ensure():
    """Have a browser, installing Debian's when that is allowed.

    :raise Failure: when there is none and it cannot be installed
    """
    if find():
        return
    if not debian.can_install():
        raise Failure(
            "Browser tests need Chromium: install the package chromium, or run "
            "this once as root."
        )
    with Step("[7/7] Installing Chromium"):
        debian.install("chromium")
    if not find():
        raise Failure("Chromium was installed but no command starts it.")


def find():
    """The browser's command, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)
