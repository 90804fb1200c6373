# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from ..engine import words
from ..exceptions import SyncError
from ..text import storable
from ..transports.base import FAILS, UNTOLD, WORKS

# The worst first.
OUTCOMES = (FAILS, UNTOLD, WORKS)


class SyncConnectionTest(models.TransientModel):
    """Show what a system has answered, and what is known of each synchronization."""

    _name = "sync.connection.test"
    _description = "Test Connection"

    backend_id = fields.Many2one(
        "sync.backend",
        "System",
        readonly=True,
        required=True,
        ondelete="cascade",
        help="What was asked.",
    )
    answer = fields.Text(readonly=True, help="What the system answered.")
    works = fields.Boolean(
        readonly=True, help="It has answered as a system that works does."
    )
    findings = fields.Json(
        readonly=True,
        help="What is known of each synchronization: its name, whether it works, and "
        "what shows it.",
    )
    found = fields.Html(
        "Synchronizations",
        compute="_compute_found",
        help="What is known of each synchronization.",
    )

    # Kept as text, and made HTML for whoever looks: HTML that is kept could be written.
    @api.depends("findings")
    def _compute_found(self):
        for test in self:
            test.found = self._rendered(test.findings or ())

    @api.model
    def _rendered(self, findings):
        """Return HTML that shows findings.

        :param findings: name, outcome and sentence of each
        """
        return bool(findings) and self.env["ir.qweb"]._render(
            "queue_job_sync.connection_findings", {"findings": findings}
        )

    @api.model
    def _told(self, finding):
        """Return what a finding says, in the user's language."""
        return storable(words.said(self.env, finding.sentence))

    @api.model
    def _show(self, backend, answer, found):
        """Return the action that shows what a test has found.

        :param answer: a sentence, or the error that the system has answered with
        :param found: pairs of a ``sync.stream`` and its finding
        """
        findings = [
            (stream.name, finding.outcome, self._told(finding))
            for stream, finding in found
        ]
        findings.sort(key=lambda each: OUTCOMES.index(each[1]))
        # nobody else makes one
        test = self.sudo().create(
            {
                "backend_id": backend.id,
                "answer": storable(words.said(self.env, answer)),
                "works": not isinstance(answer, SyncError),
                "findings": findings,
            }
        )
        return test.sudo(False)._get_records_action(
            name=self.env._("Test Connection"), target="new", context={}
        )
