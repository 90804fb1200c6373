# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""promtool, which checks metrics and alerts as Prometheus reads them."""

import shutil

from . import debian, paths, stamps

PACKAGE = "prometheus"
FOLDER = paths.WORK / "prometheus"
UNPACKED = FOLDER / "usr/bin/promtool"
KEY = stamps.key("1", PACKAGE)


def ensure():
    """Have promtool: the machine's own, or Debian's, unpacked into ``.odoo``.

    :return: its path
    :raise Failure: when this system has neither
    """
    own = shutil.which("promtool")
    if own:
        return own
    if not (stamps.fresh(PACKAGE, KEY) and UNPACKED.is_file()):
        with stamps.made(PACKAGE, KEY):
            debian.unpack_one(PACKAGE, FOLDER)
    return str(UNPACKED)
