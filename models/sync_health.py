# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
from datetime import timedelta

from odoo import api, fields, models

from ..engine import clock, health, words
from ..engine.store import read_committed

_logger = logging.getLogger(__name__)

# A problem that comes back within this many minutes is the same one.
RELAPSE_MINUTES = 10


class SyncHealth(models.Model):
    """A problem of the servers that people were told of, until it is over.

    What is wrong now, ``engine/health.py`` finds anew each time it is asked. A row only
    says that a mail about it was written.
    """

    _name = "sync.health"
    _description = "Problem of the Job Runner"
    _log_access = False
    _rec_name = "kind"

    kind = fields.Selection(
        [
            ("no_place", "Jobs can take every worker"),
            ("no_runner", "No job runs"),
            ("stuck", "Jobs are due, and none starts"),
        ],
        required=True,
        readonly=True,
        help="What is wrong.",
    )
    reason = words.SentenceText(readonly=True, help="What is wrong, in a sentence.")
    lines = fields.Text(
        readonly=True, help="What should stand in the configuration of the servers."
    )
    seen = fields.Datetime(
        required=True, readonly=True, help="When it was last found to be so."
    )
    recipient_ids = fields.Many2many(
        "res.partner",
        compute="_compute_recipient_ids",
        compute_sudo=True,
        help="Who is told of it.",
    )

    _kind_uniq = models.UniqueIndex("(kind)")

    def _compute_recipient_ids(self):
        # it concerns the systems of all companies
        self.recipient_ids = self.env["res.company"]._job_failure_partners()

    @api.depends_context("lang")
    def _compute_display_name(self):
        labels = dict(self._fields["kind"]._description_selection(self.env))
        for problem in self:
            problem.display_name = labels[problem.kind]

    @api.model
    @api.readonly
    def banner(self):
        """Return what screens say about the servers.

        :return: list of dicts: ``kind``, ``title``, ``text`` and ``lines``, the last
            one for those who may configure systems
        """
        self.check_access("read")
        titles = dict(self._fields["kind"]._description_selection(self.env))
        is_system = self.env.is_system()
        return [
            {
                "kind": each.kind,
                "title": titles[each.kind],
                "text": words.said(self.env, each.reason),
                "lines": each.lines if is_system else "",
            }
            for each in health.problems(self.sudo().env)
        ]

    # -- cron -----------------------------------------------------------------

    @api.model
    def _watch(self):
        """Note this server, and mail once about each problem that has come up."""
        health.note(self.env.registry)
        try:
            with read_committed(self.env.registry) as cr:
                self.with_env(self.env(cr=cr, su=True))._tell()
        except Exception:
            # to be mended by whoever changed the text; tried again until then
            _logger.exception("The health of the servers could not be watched")

    @api.model
    def _tell(self):
        now = clock.now(self.env.cr)
        told = {problem.kind: problem for problem in self.search([])}
        for found in health.problems(self.env):
            if found.kind in told:
                told[found.kind].seen = now
                continue
            problem = self.create({**found._asdict(), "seen": now})
            told[found.kind] = problem
            template = self.env.ref(
                "queue_job_sync.mail_template_health", raise_if_not_found=False
            )
            if template and problem.recipient_ids:
                template._queue_for_readers(problem)
        over = now - timedelta(minutes=RELAPSE_MINUTES)
        self.search([("seen", "<", over)]).unlink()
        self.env["sync.node"].search(
            [("noted", "<", now - timedelta(days=health.KEEP_DAYS))]
        ).unlink()
