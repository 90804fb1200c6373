# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re
from datetime import timedelta

from odoo import Command, api, fields, models

# For how long a mail is tried again while the mail server is in trouble.
RESEND_DAYS = 3
# How Odoo writes down a reply of 5yz, "permanent negative completion" (RFC 5321,
# 4.2.1): with smtplib's exception, as in "SMTPDataError: (554, b'No')". After 4yz the
# client is encouraged to try again.
REFUSED = re.compile(r"\(5\d\d, b")


class MailMail(models.Model):
    """A mail server that is down delays the mails of this addon, and loses none."""

    _inherit = "mail.mail"

    resend_until = fields.Datetime(
        readonly=True,
        help="Until then the mail is sent again when the mail server was in trouble.",
    )

    # Used by _cron_resend
    _to_resend = models.Index(
        "(resend_until) WHERE state = 'exception' AND resend_until IS NOT NULL"
    )

    @api.model
    def _resend_values(self):
        """Return the values of a new mail that is not given up too soon."""
        return {"resend_until": fields.Datetime.now() + timedelta(days=RESEND_DAYS)}

    @api.model
    def _cron_resend(self):
        """Queue mails again that the mail server could not take.

        Mails that it has refused, such as to an unknown address, are left alone.
        """
        mails = self.search(
            [("state", "=", "exception"), ("resend_until", ">", fields.Datetime.now())]
        ).filtered(lambda mail: mail._server_in_trouble())
        for mail in mails:
            mail._split_if_sent_in_part()
        mails.write(
            {"state": "outgoing", "failure_type": False, "failure_reason": False}
        )
        if mails:
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _server_in_trouble(self):
        """Return whether a mail failed for the server's sake, not for its own.

        Odoo leaves the type of failure empty when no session with the server came
        about, although it has a type for that (which is accepted too). A session that
        breaks off is "unknown", like everything else after it was opened.
        """
        self.ensure_one()
        if self.failure_type == "unknown":
            return not REFUSED.search(self.failure_reason or "")
        return self.failure_type in (False, "mail_smtp")

    def _split_if_sent_in_part(self):
        """Make a mail of each recipient if a session broke off between two of them.

        Nobody knows who has got it. Sent on its own, a mail that one server never takes
        is not sent again and again to everybody else.
        """
        self.ensure_one()
        if self.failure_type != "unknown":
            return
        for partner in self.recipient_ids[1:]:
            self.copy(
                {"recipient_ids": [Command.set(partner.ids)], "failure_type": False}
            )
        self.recipient_ids = self.recipient_ids[:1]
