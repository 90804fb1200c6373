# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
from contextlib import contextmanager

from odoo import api, fields, models
from odoo.tools import SQL

from ..engine.store import LIVE_STATES, read_committed

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
        self._watch_origin()
        for incident in self.search([("closed", "=", False)]):
            with incident._apart() as own:
                own._prolong()
        self._queue_lost_probes()
        self.env["sync.backfill"]._queue_lost_steps()
        self._tell("told_opened")
        self._tell("told_closed")
        self._move_all_jobs()

    @contextmanager
    def _apart(self):
        """Yield this incident in a transaction of its own, as it is by now.

        Jobs open and close incidents while the cron works; what it writes must neither
        fail for that nor be written over something newer.
        """
        with read_committed(self.env.registry) as cr:
            yield self.with_env(self.env(cr=cr)).exists()

    @api.model
    def _tell(self, flag):
        """Mail once about each incident that has opened, or closed.

        :param flag: ``told_opened`` or ``told_closed``
        """
        domain = [(flag, "=", False)]
        if flag == "told_closed":
            domain.append(("closed", "!=", False))
        for incident in self.search(domain):
            try:
                with incident._apart() as own:
                    if own._claim(flag):
                        own._mail(flag)
            except Exception:
                # to be mended by whoever changed the text; tried again until then
                _logger.exception("No mail could be written about %s", incident)

    def _claim(self, flag):
        """Note that people are told, and return whether they still have to be.

        A copy is one event, whichever of its systems this incident is about.
        """
        which = SQL("id = %s", self.id or None)
        if self.kind == "copy":
            which = SQL("kind = 'copy'")
        rows = self.env.execute_query(
            SQL(
                "UPDATE sync_incident SET %(flag)s = true"
                " WHERE %(flag)s IS NOT TRUE AND %(which)s RETURNING id",
                flag=SQL.identifier(flag),
                which=which,
            )
        )
        self.invalidate_model([flag])
        return bool(rows)

    def _mail(self, flag):
        name = "copy" if self.kind == "copy" else flag.removeprefix("told_")
        template = self.env.ref(
            f"queue_job_sync.mail_template_incident_{name}", raise_if_not_found=False
        )
        if template and self.recipient_ids:
            template._queue_for_readers(self)
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _compute_recipient_ids(self):
        for incident in self:
            # a copy concerns the systems of all companies
            company = incident.company_id
            if incident.kind == "copy":
                company = company.browse()
            incident.recipient_ids = company._job_failure_partners()

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
