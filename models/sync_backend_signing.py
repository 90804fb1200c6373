# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import replace

from odoo import models

from .sync_backend_secret import SIGNING_SECRETS


class SyncBackend(models.Model):
    """How a REST system can tell that a request is Odoo's, unchanged and recent."""

    _inherit = "sync.backend"

    def rotate_signing_secret(self, value):
        """Set another signing secret; the one before it goes on signing as well.

        The one before that signs no more.

        :param value: as for :meth:`set_secret`
        :return: where the new one is kept, as a text for people
        :raises AccessError: the user is no system administrator
        :raises UserError: the secret cannot be used
        """
        self.ensure_one()
        self._check_secret_access()
        before = self.env["sync.secret"]._kept("signing_secret", self.id)
        origin = self.set_secret("signing_secret", value)
        if before:
            self.set_secret("signing_secret_previous", before)
        return origin

    def _signing_secrets(self):
        """Return the secrets that sign, as a tuple: the current one first.

        :raises SecretMissing: one is kept beside the database, and not there
        """
        secrets = map(self._secret, SIGNING_SECRETS)
        return tuple(secret for secret in secrets if secret)

    def _rest_config(self):
        return replace(super()._rest_config(), signing_secrets=self._signing_secrets())
