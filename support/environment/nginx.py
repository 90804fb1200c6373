# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""nginx, the reverse proxy that the demo serves Odoo behind, as production does."""

import os
import shutil

from . import debian, paths, stamps
from .console import Failure

PACKAGE = "nginx"
FOLDER = paths.WORK / "nginx"
UNPACKED = FOLDER / "usr/sbin/nginx"
KEY = stamps.key("1", PACKAGE)
# Where it is installed is not on the path of every user.
ELSEWHERE = ("/usr/sbin", "/usr/local/sbin")


def ensure():
    """Have nginx: the machine's own, or Debian's, unpacked into ``.odoo``.

    :return: its path
    :raise Failure: when this system has neither
    """
    folders = os.pathsep.join((os.environ.get("PATH", os.defpath), *ELSEWHERE))
    own = shutil.which("nginx", path=folders)
    if own:
        return own
    if not (stamps.fresh(PACKAGE, KEY) and UNPACKED.is_file()):
        try:
            with stamps.made(PACKAGE, KEY):
                debian.unpack_one(PACKAGE, FOLDER)
        except Failure as failure:
            raise Failure(f"{failure} Install the package nginx.") from failure
    return str(UNPACKED)
