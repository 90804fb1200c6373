# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.tools.misc import formatLang


class SyncStream(models.Model):
    """Whether a stream sends: nothing leaves before somebody has said so."""

    _inherit = "sync.stream"

    state = fields.Selection(
        [("draft", "Draft"), ("live", "Live")],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        tracking=True,
        help="Draft: edits are not recorded and nothing is sent; a preview works. "
        "Live: what is edited from then on is sent.",
    )

    def write(self, vals):
        res = super().write(vals)
        if vals.get("state") == "draft":
            self.sudo()._open_backfills()._stop_resting()
        return res

    def _resting_text(self):
        """Return why this stream does not send at all, ``False`` if it does."""
        self.ensure_one()
        if self.deleting_since:
            return self.env._("%s is being deleted.", self.name)
        if not self.backend_id.active:
            return self.env._("%s is archived.", self.backend_id.name)
        if not self.active:
            return self.env._("%s is archived.", self.name)
        if self.state != "live":
            return self.env._("%s is a draft.", self.name)
        return False

    def _count_to_send(self):
        """Return how many records this stream sends, whoever asks."""
        self.ensure_one()
        records = self._for_sending(self.env[self.model_name])
        return records.search_count(records._sync_domain(self))

    def _count_text(self):
        """Return how many records it sends, such as "1,204 records (Contact)"."""
        return self.env._(
            "%(count)s records (%(model)s)",
            count=formatLang(self.env, self._count_to_send(), digits=0),
            model=self.model_id.name,
        )

    def _go_live(self, send_all):
        """Begin to send.

        :param bool send_all: every record now, not only what is edited from now on
        :return: the ``sync.backfill`` that sends them, empty if none
        :raises ValidationError: something is missing, such as the endpoint
        """
        self.ensure_one()
        self.state = "live"
        backfills = self.env["sync.backfill"]
        if not send_all:
            return backfills
        # it was stopped when the stream was put back to draft
        self._open_backfills().action_cancel()
        backfills.flush_model(["state"])  # only one may be open
        return backfills._start(self)

    def action_go_live(self):
        """Say how many records would be sent, and ask."""
        self.ensure_one()
        self.check_access("write")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job_sync.action_sync_go_live"
        )
        action["context"] = {"default_stream_id": self.id}
        return action

    def action_back_to_draft(self):
        """Send nothing any more; what waits goes on waiting."""
        self.write({"state": "draft"})
        return True
