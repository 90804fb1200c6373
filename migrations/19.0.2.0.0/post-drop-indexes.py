# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tools import SQL

# Of fields that are no longer indexed by themselves: Odoo leaves those in place, and
# every insert goes on paying for them.
NO_LONGER_USED = (
    "queue_job__sync_backend_id_index",
    "queue_job__sync_stream_id_index",
    "sync_delivery__date_index",
    "sync_delivery__state_index",
)


def migrate(cr, version):
    for name in NO_LONGER_USED:
        cr.execute(SQL("DROP INDEX IF EXISTS %s", SQL.identifier(name)))
