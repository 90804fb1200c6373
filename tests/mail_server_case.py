# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.tools import mute_logger

from .failure_mail_case import FailureMailCase
from .smtp_server import SmtpServer

LOGGERS = (
    "odoo.addons.mail.models.mail_mail",
    "odoo.addons.base.models.ir_mail_server",
)


class MailServerCase(FailureMailCase):
    """Mails leave through a real connection to ``self.smtp``, which is not up yet."""

    def setUp(self):
        super().setUp()
        self.smtp = SmtpServer()
        self.addCleanup(self.smtp.close)
        with self.transaction() as env:
            self.other_servers = env["ir.mail_server"].search([]).ids
            env["ir.mail_server"].browse(self.other_servers).active = False
            self.server_id = (
                env["ir.mail_server"]
                .create(
                    {
                        "name": "Test",
                        "smtp_host": "127.0.0.1",
                        "smtp_port": self.smtp.port,
                        "smtp_encryption": "none",
                    }
                )
                .id
            )
            # Odoo sends nothing while it is tested, unless told so
            servers = type(env["ir.mail_server"])
        self.addCleanup(self._restore_servers)
        self.enterContext(patch.object(servers, "_disable_send", lambda *_self: False))

    def _restore_servers(self):
        with self.transaction() as env:
            env["ir.mail_server"].browse(self.server_id).unlink()
            env["ir.mail_server"].browse(self.other_servers).active = True

    def send(self):
        """Do what Odoo's mail cron does with the mails of this test."""
        with self.transaction() as env, mute_logger(*LOGGERS):
            mails = env["mail.mail"].search([("id", ">", self.last_mail)])
            mails.process_email_queue(mails.ids)
