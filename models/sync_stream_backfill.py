# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""What backfills ask of the streams and systems that they go over."""

from odoo import models


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    def write(self, vals):
        res = super().write(vals)
        if vals.get("active") is False:
            streams = self.sudo().with_context(active_test=False).stream_ids
            streams._open_backfills()._stop_resting()
        return res
