# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""What goes with a synchronization that is deleted."""

from odoo import models

from .sync_deletion import BATCH, Owned


class SyncStream(models.Model):
    _inherit = "sync.stream"

    _owned = (
        Owned("sync_outbox", "stream_id", "res_id"),
        Owned("sync_attempt", "stream_id", "res_id"),
        Owned("sync_delivery", "stream_id", "id"),
        Owned("sync_binding", "stream_id", "res_id"),
        Owned("sync_counter", "stream_id", "id"),
    )
    _owned_jobs = Owned("queue_job", "sync_stream_id", "date_created")

    def _owns_rows(self):
        return (
            super()._owns_rows()
            or bool(self._backfills())
            or any(self._owns(owned, self.id) for owned in self._owned)
        )

    def _backfills(self):
        return self.env["sync.backfill"].search(
            [("stream_id", "=", self.id)], limit=BATCH
        )

    def _delete_last(self):
        backfills = self._backfills()
        if not backfills:
            return super()._delete_last()
        backfills.unlink()
        return len(backfills)
