# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""What goes with a synchronization, or with a system, that is deleted."""

from odoo import models

from .sync_deletion import Owned


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    # few rows, which the cron finds also when the system is gone
    _owned = (
        Owned("sync_incident", "backend_id", "id"),
        Owned("sync_rate", "backend_id", "id"),
    )
    _owned_jobs = Owned("queue_job", "sync_backend_id", "date_created")

    def _owns_rows(self):
        return bool(self._all_streams()) or super()._owns_rows()

    def _in_use_text(self):
        streams = self._all_streams()
        if not streams:
            return super()._in_use_text()
        return self.env._(
            "%(system)s still has synchronizations (%(streams)s). Press Delete at the "
            "top of its form: that archives it, cancels its jobs and deletes it with "
            "them in the background.",
            system=self.name,
            streams=", ".join(streams.mapped("name")),
        )

    def _all_streams(self):
        return self.with_context(active_test=False).stream_ids

    def _begin_deletion(self):
        super()._begin_deletion()
        self._all_streams().sudo()._begin_deletion()
