# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import Command, fields, models
from odoo.tools.misc import get_lang

# For how long a mail is offered again that the mail server has not taken.
RESEND_DAYS = 3


class MailTemplate(models.Model):
    """The mails of this addon are in the language of whoever reads them."""

    _inherit = "mail.template"

    def _queue_for_readers(self, record):
        """Queue one mail about a record for each language of its recipients.

        Who changes the template stays free to: its recipients are those of its fields,
        and a language that is set there goes for everybody.
        """
        self.ensure_one()
        self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
        values = {"resend_until": fields.Datetime.now() + timedelta(days=RESEND_DAYS)}
        if self.lang:
            self.send_mail(record.id, email_values=values)
            return
        found = self._generate_template_recipients(
            record.ids, ("email_to", "email_cc", "partner_to")
        )[record.id]
        partners = self.env["res.partner"].browse(found.get("partner_ids", []))
        for lang, readers in (partners.grouped("lang") or {False: partners}).items():
            # the company's only where theirs is switched off; Odoo would take it for
            # any mail about a company
            code = get_lang(self.with_context(lang=None).env, lang).code
            own = self.with_context(template_preview_lang=code)
            theirs = {**values, "recipient_ids": [Command.set(readers.ids)]}
            own.send_mail(record.id, email_values=theirs)
            # addresses that are no contact's get the first of them
            values = {**values, "email_to": False, "email_cc": False}
