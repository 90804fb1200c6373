# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged
from odoo.tools import html2plaintext, mute_logger

from .failure_mail_case import FailureMailCase
from .incident_case import IncidentCase

OPENED = "CRM does not answer"
CLOSED = "CRM answers again"


@tagged("post_install", "-at_install")
class TestIncidentMail(FailureMailCase, IncidentCase):
    """An outage is told once when it begins and once when it is over."""

    def mails_about_incidents(self):
        with self.transaction() as env:
            mails = env["mail.mail"].search(
                [("model", "=", "sync.incident")], order="id"
            )
            return [
                {
                    "subject": mail.subject,
                    "html": mail.body_html,
                    "text": " ".join(html2plaintext(mail.body_html).split()),
                    "users": set(mail.recipient_ids.user_ids.ids),
                }
                for mail in mails
            ]

    def assertTold(self, *subjects):
        mails = self.mails_about_incidents()
        self.assertEqual([mail["subject"] for mail in mails], list(subjects))
        return mails

    def watch_twice(self):
        self.watch()
        self.watch()

    def test_one_mail_when_it_begins_and_one_when_it_is_over(self):
        self.open_outage("Connection refused by crm.example.com")
        self.watch_twice()
        (mail,) = self.assertTold(OPENED)
        self.assertIn("Connection refused by crm.example.com", mail["text"])
        self.close_outage()
        self.watch_twice()
        mails = self.assertTold(OPENED, CLOSED)
        with self.transaction() as env:
            base_url = env["ir.config_parameter"].get_param("web.base.url")
            self.assertTrue(env.ref("queue_job_sync.action_sync_backend").exists())
        for mail in mails:
            self.assertIn(
                f'href="{base_url}/odoo/action-queue_job_sync.action_sync_backend/'
                f'{self.backend_id}"',
                mail["html"],
            )

    def test_many_jobs_make_no_more_mails(self):
        self.break_down()
        self.attempt(8)
        self.watch_twice()
        self.notify()
        self.assertTold(OPENED)
        self.assertEqual(self.all_mails(), 1)

    def test_beginning_and_end_call_the_cron_at_once(self):
        for step in (self.open_outage, self.close_outage):
            count = self._triggers()
            step()
            self.assertGreater(self._triggers(), count)

    def _triggers(self):
        with self.transaction() as env:
            cron = env.ref("queue_job_sync.ir_cron_incidents")
            return env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])

    def test_cron_does_not_fail_for_what_jobs_change_meanwhile(self):
        self.open_outage()
        for method in ("_watch_origin", "_queue_lost_probes", "_tell"):
            with self.subTest(method):
                self.change_incident(told_opened=False, told_closed=False)
                with self.just_before(method, lambda: self.change_incident(probes=7)):
                    self.watch()
                incident = self.incident()
                self.assertTrue(incident["told_opened"])
                self.assertEqual(incident["probes"], 7)

    def test_cron_that_meets_another_one_tells_once(self):
        self.open_outage()
        with self.just_before("_claim", self.watch):
            self.watch()
        self.assertTold(OPENED)

    def test_pause_by_a_person_is_not_told(self):
        self.pause()
        self.watch()
        self.resume()
        self.watch()
        self.assertTold()

    def test_relapse_is_told_if_the_end_was(self):
        self.open_outage()
        self.watch()
        self.close_outage()
        self.watch()
        self.open_outage()
        self.watch_twice()
        self.assertTold(OPENED, CLOSED, OPENED)
        self.close_outage()
        self.watch_twice()
        self.assertTold(OPENED, CLOSED, OPENED, CLOSED)

    def test_relapse_is_not_told_if_the_end_was_not(self):
        self.open_outage()
        self.watch()
        self.close_outage()
        self.open_outage()
        self.watch_twice()
        self.assertTold(OPENED)
        self.close_outage()
        self.watch_twice()
        self.assertTold(OPENED, CLOSED)

    def test_managers_are_told(self):
        self.open_outage()
        self.watch()
        (mail,) = self.assertTold(OPENED)
        self.assertIn(self.manager_id, mail["users"])
        self.assertNotIn(self.silent_id, mail["users"])
        self.assertNotIn(self.plain_id, mail["users"])

    def test_who_was_chosen_is_told(self):
        self.choose(self.plain_id)
        with self.transaction() as env:
            company_id = env.company.id
        self.change_backend(company_id=company_id)
        self.open_outage()
        self.watch()
        (mail,) = self.assertTold(OPENED)
        self.assertEqual(mail["users"], {self.plain_id})

    def test_nobody_to_tell_stops_nothing(self):
        self.choose(self.silent_id)
        with self.transaction() as env:
            company_id = env.company.id
        self.change_backend(company_id=company_id)
        self.open_outage()
        self.watch()
        self.assertTold()
        self.assertTrue(self.incident()["told_opened"])

    def test_text_that_cannot_be_rendered_stops_nothing_else(self):
        with self.transaction() as env:
            template = env.ref("queue_job_sync.mail_template_incident_opened")
            subject = template.subject
            template.subject = "{{ object.no_such_field }}"
        self.addCleanup(self._change_subject, subject)
        self.open_outage()
        with self.registry.cursor() as cr:
            cr.execute("DELETE FROM queue_job WHERE model_name = 'sync.incident'")
        with mute_logger(
            "odoo.addons.queue_job_sync.models.sync_incident",
            "odoo.addons.mail.models.mail_render_mixin",
        ):
            self.watch()
        self.assertEqual(len(self.probes("pending")), 1)
        self.assertTold()
        # it is told when the text is mended
        self._change_subject(subject)
        self.watch()
        self.assertTold(OPENED)

    def _change_subject(self, subject):
        with self.transaction() as env:
            template = env.ref("queue_job_sync.mail_template_incident_opened")
            template.subject = subject

    def test_incident_that_was_over_before_anybody_looked(self):
        self.open_outage()
        self.close_outage()
        self.change_incident(closed=fields.Datetime.now() - timedelta(hours=1))
        self.watch_twice()
        self.assertTold(OPENED, CLOSED)
