# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import Command, api, fields, models

# What Odoo says of such a mail: nothing, when no session with the server came about,
# although it has a type for that (which is accepted too); "unknown" for whatever else
# happens after it was opened. The other types are about the mail, not about a server.
NOT_TAKEN = (False, "mail_smtp", "unknown")


class MailMail(models.Model):
    """A mail server that does not take a mail of this addon is asked for some days."""

    _inherit = "mail.mail"

    resend_until = fields.Datetime(
        readonly=True,
        help="Until then the mail is sent again if the mail server has not taken it.",
    )

    # Used by _cron_resend
    _to_resend = models.Index(
        "(resend_until) WHERE state = 'exception' AND resend_until IS NOT NULL"
    )

    @api.model
    def _cron_resend(self):
        """Queue mails again that the mail server has not taken, for whatever reason.

        One that it refuses now may be welcome once somebody has mended the server, or
        the address.
        """
        mails = self.search(
            [
                ("state", "=", "exception"),
                ("failure_type", "in", NOT_TAKEN),
                ("resend_until", ">", fields.Datetime.now()),
            ]
        )
        for mail in mails:
            mail._split_if_sent_in_part()
        mails.write(
            {"state": "outgoing", "failure_type": False, "failure_reason": False}
        )
        if mails:
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _split_if_sent_in_part(self):
        """Make a mail of each recipient if a session broke off between two of them.

        Nobody knows who has got it. Sent on its own, a mail that one server never takes
        is not sent again and again to everybody else.
        """
        if self.failure_type != "unknown":
            return
        for partner in self.recipient_ids[1:]:
            self.copy(
                {"recipient_ids": [Command.set(partner.ids)], "failure_type": False}
            )
        self.recipient_ids = self.recipient_ids[:1]
