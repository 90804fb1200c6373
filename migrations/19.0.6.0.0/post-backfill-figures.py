# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Keep what came of the backfills that are done, as far as it can still be told.

    None ended while one of its records waited: those that do have been requeued since.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    for backfill in env["sync.backfill"].search([("state", "=", "done")]):
        waiting, _jobs, failed, doubtful = backfill._open_counts()
        failed += waiting
        backfill.write(
            {
                "done_at_end": max(0, backfill.queued - failed - doubtful),
                "failed_at_end": failed,
                "doubtful_at_end": doubtful,
            }
        )
