# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .mail_server_case import MailServerCase

MANAGER, PLAIN = "manager@example.com", "plain@example.com"


@tagged("post_install", "-at_install")
class TestMailServerDown(MailServerCase):
    """A mail server in trouble delays mails: real connections to a real port."""

    def setUp(self):
        super().setUp()
        self.choose(self.manager_id, self.plain_id)

    def queued_mail(self):
        """Return the id of a mail about a failed job."""
        self.job_uuid = self.failed_test_job()
        self.notify()
        (mail,) = self.mails(self.job_uuid)
        return mail["id"]

    def resend(self):
        with self.transaction() as env:
            env["mail.mail"]._cron_resend()

    def mail(self, mail_id):
        names = ["state", "failure_type", "failure_reason"]
        found = self.read("mail.mail", [("id", "=", mail_id)], names)
        return found[0] if found else None

    def assertState(self, mail_id, state, failure_type):
        mail = self.mail(mail_id)
        self.assertEqual((mail["state"], mail["failure_type"]), (state, failure_type))
        return mail

    def test_mail_waits_for_a_server_that_is_down(self):
        mail = self.queued_mail()
        before = self.job(self.job_uuid, "state", "retry", "exc_message")
        for _round in range(3):
            self.send()
            failed = self.assertState(mail, "exception", False)
            self.assertIn("Connection refused", failed["failure_reason"])
            self.resend()
            self.assertState(mail, "outgoing", False)
        self.assertEqual(self.job(self.job_uuid, *before), before)
        with self.smtp:
            self.send()
            self.assertEqual(sorted(self.smtp.recipients()), [MANAGER, PLAIN])
            # sent, and deleted as the template says
            self.assertIsNone(self.mail(mail))
            self.resend()
            self.send()
            self.assertEqual(len(self.smtp.mails), 2)

    def test_cron_of_odoo_is_called(self):
        self.queued_mail()
        self.send()
        with self.transaction() as env:
            last = env["ir.cron.trigger"].search([], order="id DESC", limit=1).id or 0
        self.resend()
        with self.transaction() as env:
            found = env["ir.cron.trigger"].search([("id", ">", last)])
            self.assertEqual(
                found.cron_id, env.ref("mail.ir_cron_mail_scheduler_action")
            )

    def test_mail_is_given_up_after_three_days(self):
        mail = self.queued_mail()
        self.send()
        with self.transaction() as env:
            record = env["mail.mail"].browse(mail)
            now = fields.Datetime.now()
            self.assertAlmostEqual(
                record.resend_until, now + timedelta(days=3), delta=timedelta(minutes=5)
            )
            record.resend_until = now - timedelta(seconds=1)
        self.resend()
        self.assertState(mail, "exception", False)

    def test_mails_of_others_are_left_alone(self):
        with self.transaction() as env:
            mail = env["mail.mail"].create({"email_to": MANAGER, "subject": "Other"})
        self.send()
        self.resend()
        self.assertState(mail.id, "exception", False)

    def test_mail_cancelled_by_a_person_is_left_alone(self):
        mail = self.queued_mail()
        self.send()
        with self.transaction() as env:
            env["mail.mail"].browse(mail).cancel()
        self.resend()
        self.assertEqual(self.mail(mail)["state"], "cancel")

    def test_refused_address_is_offered_again_for_three_days(self):
        self.choose(self.plain_id)
        mail = self.queued_mail()
        self.smtp.refuse[PLAIN] = "550 no such user"
        with self.smtp:
            for _round in range(2):
                self.send()
                failed = self.assertState(mail, "exception", "unknown")
                self.assertIn("(550, b", failed["failure_reason"])
                self.resend()
                self.assertState(mail, "outgoing", False)
            self.send()
        with self.transaction() as env:
            record = env["mail.mail"].browse(mail)
            record.resend_until = fields.Datetime.now() - timedelta(seconds=1)
        self.resend()
        self.assertState(mail, "exception", "unknown")

    def test_address_that_was_refused_and_is_mended(self):
        self.choose(self.plain_id)
        mail = self.queued_mail()
        self.smtp.refuse[PLAIN] = "550 no such user"
        with self.smtp:
            self.send()
            self.assertState(mail, "exception", "unknown")
            self.resend()
            self.smtp.refuse.clear()
            self.send()
            self.assertEqual(self.smtp.recipients(), [PLAIN])

    def test_address_refused_for_now_is_tried_again(self):
        self.choose(self.plain_id)
        mail = self.queued_mail()
        self.smtp.refuse[PLAIN] = "451 try later"
        with self.smtp:
            self.send()
            self.assertState(mail, "exception", "unknown")
            self.resend()
            self.assertState(mail, "outgoing", False)
            self.smtp.refuse.clear()
            self.send()
            self.assertEqual(self.smtp.recipients(), [PLAIN])

    def test_server_that_hangs_up_is_tried_again(self):
        self.choose(self.plain_id)
        mail = self.queued_mail()
        self.smtp.drop_after = 0
        with self.smtp:
            self.send()
            self.assertState(mail, "exception", "unknown")
            self.resend()
            self.send()
            self.assertEqual(self.smtp.recipients(), [PLAIN])

    def test_server_that_never_takes_one_mail_does_not_spam_the_others(self):
        self.queued_mail()
        self.smtp.refuse[PLAIN] = "451 try later"
        self.smtp.refuse[MANAGER] = "250 OK"
        with self.smtp:
            for _round in range(5):
                self.send()
                self.resend()
            # once with the others perhaps, and once alone
            self.assertIn(self.smtp.recipients().count(MANAGER), (1, 2))
            self.smtp.refuse.clear()
            self.send()
            self.assertEqual(self.smtp.recipients().count(PLAIN), 1)
        self.assertEqual(self.all_mails(), 0)

    def test_incident_s_mail_is_tried_again_too(self):
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            env["sync.incident"]._insert(backend.id, "outage", "down")
        with self.transaction() as env:
            env["sync.incident"]._cron_watch()
        with self.transaction() as env:
            domain = [("model", "=", "sync.incident"), ("id", ">", self.last_mail)]
            (mail,) = env["mail.mail"].search(domain).ids
        self.send()
        self.assertState(mail, "exception", False)
        self.resend()
        self.assertState(mail, "outgoing", False)
