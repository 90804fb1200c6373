# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..transports.signing import secret_problem
from . import sync_secret_table
from .sync_secret import parse_reference

# Those that sign: the one of now goes first.
SIGNING_SECRETS = ("signing_secret", "signing_secret_previous")


class SyncBackend(models.Model):
    """Credentials: set by a method, kept where no field is, read at use.

    Of each there is a field ``<name>_origin`` that tells whether it is set, where it
    is kept and since when. That is no secret: whoever may read the system may read it.
    """

    _inherit = "sync.backend"

    auth_secret_origin = fields.Char(
        "Secret",
        compute="_compute_secret_origins",
        help="Token, password or key. Nobody can read it, only set another one.",
    )
    db_password_origin = fields.Char(
        "Password",
        compute="_compute_secret_origins",
        help="Password of the role. Nobody can read it, only set another one.",
    )
    signing_secret_origin = fields.Char(
        "Signing Secret",
        compute="_compute_secret_origins",
        help="Signs each request as Standard Webhooks describes it. The system needs "
        "it too, to verify the signatures. Not set: requests are not signed.",
    )
    signing_secret_previous_origin = fields.Char(
        "Previous Secret",
        compute="_compute_secret_origins",
        help="Signs as well, so that the system can change to the new secret at any "
        "time. Remove it once the system has changed.",
    )

    def init(self):
        super().init()
        sync_secret_table.create_table(self.env.cr)

    @api.model
    def _secret_names(self):
        """Return the names of the secrets that a system may have.

        To be extended for a kind of system that has others; each needs a field
        ``<name>_origin`` like those above.
        """
        return {"auth_secret", "db_password", *SIGNING_SECRETS}

    # nothing tells when another one has been set: read anew in each transaction
    @api.depends_context("lang", "tz")
    def _compute_secret_origins(self):
        origins = self.env["sync.secret"]._origins(*self._origin.ids)
        for backend in self:
            for name in self._secret_names():
                origin = origins.get((backend._origin.id, name), False)
                backend[f"{name}_origin"] = origin

    def set_secret(self, name, value):
        """Set a secret of this system.

        The value passes through no field, and nothing logs it.

        :param name: which one, ``auth_secret`` or another of :meth:`_secret_names`
        :param value: the secret; ``env:NAME`` or ``config:key`` to have it read at
            each use from where the server keeps it; nothing to forget it
        :return: where it is kept now, as a text for people, or False
        :raises AccessError: the user is no system administrator
        :raises UserError: there is no such secret, or it cannot be used; no error
            repeats what was given, not even the name: the two may have changed places
        """
        self.ensure_one()
        self._check_secret_access()
        if not isinstance(name, str) or name not in self._secret_names():
            raise UserError(
                self.env._(
                    "There is no such secret. There are: %s.",
                    ", ".join(sorted(self._secret_names())),
                )
            )
        text = self.env["sync.secret"]._checked(value)
        self._check_secret(name, text)
        origin = self.env["sync.secret"]._keep(name, text, self.id)
        self.modified([f"{name}_origin"])
        self.invalidate_recordset([f"{name}_origin"])
        return origin

    def _check_secret(self, name, text):
        """Raise unless a secret can be used. To be extended.

        :param text: the secret, a reference to one, or empty
        :raises ValidationError: the reason, without a word of the secret
        """
        # what a reference leads to is checked when it is used
        if name in SIGNING_SECRETS and text and not parse_reference(text):
            problem = secret_problem(text)
            if problem:
                raise ValidationError(
                    self.env._(
                        "The signing secret of %(system)s cannot be used: %(problem)s",
                        system=self.name,
                        problem=problem,
                    )
                )

    def _check_secret_access(self):
        """Raise unless the user may set secrets: to write the rest is not enough."""
        self.check_access("write")
        if not self.env.is_system():
            raise AccessError(
                self.env._("Only system administrators may set the secrets of systems.")
            )

    def _secret(self, name):
        """Return a secret itself, wherever it is kept, ``""`` when there is none.

        :param name: one of :meth:`_secret_names`
        :raises SecretMissing: it is kept beside the database, and not there
        """
        self.ensure_one()
        secrets = self.env["sync.secret"]
        return secrets._value(secrets._kept(name, self.id))
