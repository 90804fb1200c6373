# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models


class SyncGoLive(models.TransientModel):
    """Say how many records a draft would send, and let it send."""

    _name = "sync.go.live"
    _description = "Go Live"

    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        required=True,
        ondelete="cascade",
        help="What begins to send.",
    )
    start_with = fields.Selection(
        [
            ("all", "Send all existing records now"),
            ("changes", "Send only what is changed from now on"),
        ],
        required=True,
        default="all",
        help="All existing records are sent in the background, some at a time; edits "
        "go first. Otherwise a record is sent when it is next edited.",
    )
    lacking = fields.Html(related="stream_id.lacking")
    columns_unread = fields.Text(
        readonly=True, help="Why the columns of the table could not be read."
    )
    summary = fields.Char(
        compute="_compute_summary", help="What will happen, with the number of records."
    )
    health = fields.Json(
        compute="_compute_health", help="What keeps jobs from running well."
    )

    def _compute_health(self):
        self.health = self.env["sync.health"].banner()

    @api.depends("stream_id", "start_with")
    def _compute_summary(self):
        for wizard in self:
            # how many there are tells something of records that one may not read
            wizard.stream_id.check_access("write")
            wizard.summary = wizard.stream_id and wizard._summary_of(
                wizard.stream_id, wizard.start_with
            )

    @api.model
    def _summary_of(self, stream, start_with):
        """Return what going live means for a stream, in a sentence."""
        values = {"records": stream._count_text(), "system": stream.backend_id.name}
        if start_with == "all":
            return self.env._(
                "Going live will send %(records)s to %(system)s.", **values
            )
        return self.env._(
            "Going live will send nothing at once: each of %(records)s goes to "
            "%(system)s when it is edited.",
            **values,
        )

    def action_go_live(self):
        """Go live, and show how far the records are, if they are sent.

        :raises ValidationError: something is missing, with all that is
        """
        self.ensure_one()
        self.check_access("write")
        self.stream_id.check_access("write")
        backfill = self.stream_id._go_live(self.start_with == "all")
        if backfill:
            return backfill.get_formview_action()
        return {"type": "ir.actions.act_window_close"}
