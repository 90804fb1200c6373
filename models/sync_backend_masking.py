# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models

from ..transports.redact import MIN_LENGTH


class SyncBackend(models.Model):
    """Which secrets are hidden where a system repeats them."""

    _inherit = "sync.backend"

    secret_hint = fields.Char(
        compute="_compute_secret_hint",
        help="Which secrets are hidden in what the system answers.",
    )

    def _compute_secret_hint(self):
        self.secret_hint = self._secret_hint()

    def _secret_hint(self):
        """Return what whoever sets a secret has to know, as a sentence."""
        return self.env._(
            "Choose a secret of at least %s characters: a shorter one is not hidden "
            "where the system repeats it, since texts may hold it by chance.",
            MIN_LENGTH,
        )
