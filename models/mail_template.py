# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import Command, models


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
        values = self.env["mail.mail"]._resend_values()
        if self.lang:
            self.send_mail(record.id, email_values=values)
            return
        found = self._generate_template_recipients(
            record.ids, ("email_to", "email_cc", "partner_to")
        )[record.id]
        partners = self.env["res.partner"].browse(found.get("partner_ids", []))
        for lang, readers in (partners.grouped("lang") or {False: partners}).items():
            # Odoo would take the language of the company for a mail about a company
            own = self.with_context(template_preview_lang=self._active_lang(lang))
            theirs = {**values, "recipient_ids": [Command.set(readers.ids)]}
            own.send_mail(record.id, email_values=theirs)
            # addresses that are no contact's get the first of them
            values = {**values, "email_to": False, "email_cc": False}

    def _active_lang(self, code):
        """Return a language that mails can be in: this one, or else the company's."""
        languages = self.env["res.lang"]
        return (
            languages._get_code(code)
            or languages._get_code(self.env.company.partner_id.lang)
            or "en_US"
        )
