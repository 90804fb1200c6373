# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..transports.signing import new_secret, secret_problem
from .sync_secret import parse_reference


class SyncBackend(models.Model):
    """How a REST system can tell that a request is Odoo's, unchanged and recent."""

    _inherit = "sync.backend"

    signing_secret = fields.Char(
        groups="base.group_system",
        copy=False,
        help="Signs each request as Standard Webhooks describes it (whsec_ and 24 to "
        "64 bytes in base64). The system needs it too, to verify the signatures. "
        "Empty: requests are not signed. env:NAME or config:key, if it is kept beside "
        "the database. Only system administrators can read it.",
    )
    signing_secret_previous = fields.Char(
        "Previous Secret",
        groups="base.group_system",
        copy=False,
        help="Signs as well, so that the system can change to the new secret at any "
        "time. Remove it once the system has changed.",
    )

    @api.constrains("signing_secret", "signing_secret_previous")
    def _check_signing_secrets(self):
        for backend in self:
            for secret in backend._kept_signing_secrets():
                # what a reference leads to is checked when it is used
                problem = not parse_reference(secret) and secret_problem(secret)
                if problem:
                    raise ValidationError(
                        backend.env._(
                            "The signing secret of %(system)s cannot be used: "
                            "%(problem)s",
                            system=backend.name,
                            problem=problem,
                        )
                    )

    def _signing_secrets(self):
        """Return the secrets that sign, as a tuple: the current one first.

        :raises SecretMissing: one is kept beside the database, and not there
        """
        value = self.env["sync.secret"]._value
        return tuple(value(secret) for secret in self._kept_signing_secrets())

    def _kept_signing_secrets(self):
        """Return what is stored of those that sign: secrets, or references."""
        self.ensure_one()
        backend = self.sudo()
        secrets = (backend.signing_secret, backend.signing_secret_previous)
        return tuple(secret for secret in secrets if secret)

    def _rest_config(self):
        return replace(super()._rest_config(), signing_secrets=self._signing_secrets())

    def action_rotate_signing_secret(self):
        """Make a new signing secret; the one before it goes on signing as well.

        The one before that signs no more.
        """
        self.check_access("write")
        for backend in self:
            if parse_reference(backend.signing_secret):
                raise UserError(
                    self.env._(
                        "The signing secret of %s is not kept in the database. Keep "
                        "the new one where the current one is, under another name, "
                        "and name the current one as the previous one.",
                        backend.name,
                    )
                )
            kept = backend.signing_secret or backend.signing_secret_previous
            backend.write(
                {"signing_secret": new_secret(), "signing_secret_previous": kept}
            )
        return True
