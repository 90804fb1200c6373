# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import os
from unittest.mock import patch

from odoo.tools import config

MODULES = ["base", "rpc", "web"]


def be_server(case, workers=4, channels="root:2", loaded=True, **variables):
    """Let this process be a server that is configured so, until a test ends.

    :param int workers: 0 for threads
    :param str channels: as the environment gives them to queue_job's runner
    :param bool loaded: queue_job is loaded with it
    :param variables: others of the environment
    """
    options = {
        "workers": workers,
        "server_wide_modules": MODULES + ["queue_job"] * loaded,
    }
    case.enterContext(patch.dict(config.options.maps[0], options))
    variables = {"ODOO_QUEUE_JOB_CHANNELS": channels, **variables}
    case.enterContext(patch.dict(os.environ, variables))
