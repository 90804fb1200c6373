# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The working environment of the addon: everything lives under ``.odoo/``.

Only the standard library is used here, for these modules run before any package
is installed.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - just what is looked for
    sys.exit("Error: Python 3.10 or later is needed, and python3 is an older one.")
