# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

from odoo import api, fields, models

from .sync_binding import LIVE_STATES

_logger = logging.getLogger(__name__)


class SyncIncident(models.Model):
    """What the cron does about incidents: mails, and what a crash has left undone."""

    _inherit = "sync.incident"

    recipient_ids = fields.Many2many(
        "res.partner",
        compute="_compute_recipient_ids",
        compute_sudo=True,
        help="Who is told that it is down, and that it is back.",
    )

    @api.model
    def _cron_watch(self):
        """Mend what was lost in a crash, and tell people about incidents."""
        self.search([("closed", "=", False)])._prolong()
        self._queue_lost_probes()
        self.env["sync.backfill"]._queue_lost_steps()
        self._tell("told_opened", "queue_job_sync.mail_template_incident_opened")
        self._tell("told_closed", "queue_job_sync.mail_template_incident_closed")
        self._move_all_jobs()

    @api.model
    def _tell(self, flag, template_xmlid):
        """Mail once about each incident that has opened, or closed."""
        domain = [(flag, "=", False)]
        if flag == "told_closed":
            domain.append(("closed", "!=", False))
        template = self.env.ref(template_xmlid, raise_if_not_found=False)
        for incident in self.search(domain):
            try:
                with self.env.cr.savepoint():
                    if template and incident.recipient_ids:
                        template._queue_for_readers(incident)
            except Exception:
                # to be mended by whoever changed the text; tried again until then
                _logger.exception("No mail could be written about %s", incident)
                continue
            incident[flag] = True
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
            self.env["ir.cron"]._commit_progress(1)

    def _compute_recipient_ids(self):
        for incident in self:
            incident.recipient_ids = incident.company_id._job_failure_partners()

    @api.model
    def _queue_lost_probes(self):
        """Queue a probe for each outage that has none left."""
        for incident in self.search([("kind", "=", "outage"), ("closed", "=", False)]):
            if not self.env["queue.job"].search_count(
                [
                    ("model_name", "=", self._name),
                    ("sync_res_id", "=", incident.id),
                    ("state", "in", LIVE_STATES),
                ],
                limit=1,
            ):
                incident._queue_probe()
