# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..transports.unusable import UnusableTransport
from .sync_secret import SecretMissing, parse_reference

# Each credential, and the field that says where it is kept.
ORIGINS = {
    "auth_secret": "auth_secret_origin",
    "db_password": "db_password_origin",
    "signing_secret": "signing_secret_origin",
    "signing_secret_previous": "signing_secret_previous_origin",
}


class SyncBackend(models.Model):
    """Credentials that are kept beside the database, see ``sync.secret``."""

    _inherit = "sync.backend"

    # What these say is no secret: whoever may read the system may read them.
    auth_secret_origin = fields.Char(
        "Secret Kept", compute="_compute_origins", compute_sudo=True
    )
    db_password_origin = fields.Char(
        "Password Kept", compute="_compute_origins", compute_sudo=True
    )
    signing_secret_origin = fields.Char(
        "Signing Secret Kept", compute="_compute_origins", compute_sudo=True
    )
    signing_secret_previous_origin = fields.Char(
        "Previous Secret Kept", compute="_compute_origins", compute_sudo=True
    )

    @api.depends(*ORIGINS)
    @api.depends_context("lang")
    def _compute_origins(self):
        for backend in self:
            for name, origin in ORIGINS.items():
                backend[origin] = self.env["sync.secret"]._origin(backend[name])

    @api.constrains(*ORIGINS)
    def _check_references(self):
        for backend in self.sudo():
            for name in ORIGINS:
                reference = parse_reference(backend[name])
                problem = reference and self.env["sync.secret"]._problem(reference)
                if problem:
                    raise ValidationError(problem)

    def _secret(self, name):
        """Return a credential itself, wherever it is kept, ``""`` when there is none.

        :param name: of the field
        :raises SecretMissing: it is kept beside the database, and not there
        """
        self.ensure_one()
        return self.env["sync.secret"]._value(self.sudo()[name])

    def _open_transport(self):
        try:
            return super()._open_transport()
        except SecretMissing as error:
            # for the jobs a system that cannot be reached: nothing is sent, and
            # several in a row are one outage
            return UnusableTransport(error)
