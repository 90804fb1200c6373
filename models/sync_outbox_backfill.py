# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from .loose_link import LooseMany2one


class SyncOutbox(models.Model):
    """Changes that a backfill has queued: nobody edited anything, nobody is waiting."""

    _inherit = "sync.outbox"

    backfill_id = LooseMany2one(
        "sync.backfill",
        readonly=True,
        index="btree_not_null",
        help="The backfill that asked for it; empty for an edit.",
    )

    def _job_priority(self):
        """Return the priority of a job for these rows, ``None`` for the stream's.

        Low only if no edit is among them.
        """
        if not self or any(not row.backfill_id for row in self):
            return None
        return min(self.backfill_id.mapped("priority"))
