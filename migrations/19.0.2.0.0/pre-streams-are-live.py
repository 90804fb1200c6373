# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tools import SQL
from odoo.tools.sql import column_exists, create_column


def migrate(cr, version):
    """Let what sends go on: a synchronization begins as a draft only from now on."""
    if not column_exists(cr, "sync_stream", "state"):
        create_column(cr, "sync_stream", "state", "varchar", "State")
        cr.execute(SQL("UPDATE sync_stream SET state = 'live'"))
