# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""What backfills ask of the streams that they go over."""

from odoo import fields, models


class SyncStream(models.Model):
    _inherit = "sync.stream"

    backfill_ids = fields.One2many(
        "sync.backfill",
        "stream_id",
        "Backfills",
        help="The times at which all or many records were sent on request.",
    )
    backfill_count = fields.Integer(
        compute="_compute_backfill_count",
        help="How often all or many records were sent on request.",
    )

    def _compute_backfill_count(self):
        counts = dict(
            self.env["sync.backfill"]._read_group(
                [("stream_id", "in", self.ids)], ["stream_id"], ["__count"]
            )
        )
        for stream in self:
            stream.backfill_count = counts.get(stream, 0)

    def _open_backfills(self):
        """Return the backfills of these streams that run or could be resumed."""
        return self.env["sync.backfill"].search(
            [("stream_id", "in", self.ids), ("state", "in", ("running", "stopped"))]
        )

    def write(self, vals):
        res = super().write(vals)
        if vals.get("active") is False:
            self.sudo()._open_backfills()._stop_resting()
        return res

    def action_backfill(self):
        """Ask what to send, or show the backfill that is under way."""
        self.ensure_one()
        self.check_access("read")
        backfill = self._open_backfills()
        if backfill:
            return backfill.get_formview_action()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job_sync.action_sync_backfill_start"
        )
        action["context"] = {"default_stream_id": self.id}
        return action
