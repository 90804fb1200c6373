# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the button on a record opens: one part for each system."""

from datetime import datetime, timedelta

from lxml import html

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import format_datetime, format_time

from ..exceptions import Rejected
from ..wording import Sentence
from .common import SyncCase

REQUEST = "PUT http://10.1.2.3:8069/api/contacts/7"


def refused(said=""):
    """Return the error of an answer, as the REST transport makes it."""
    return Rejected(
        "%(request)s answered %(status)s" + (": %(said)s" if said else ""),
        reason="answered",
        request=REQUEST,
        status="422 Unprocessable Entity",
        said=said,
    )


@tagged("post_install", "-at_install")
class TestStatusDialog(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Ada"})
        cls.before_commit(cls)
        cls.job = cls.jobs(cls)
        cls.user = new_test_user(
            cls.env, "sync_reader", groups="base.group_user", tz="Asia/Tokyo"
        )
        cls.editor = new_test_user(
            cls.env,
            "sync_editor",
            groups="base.group_user,base.group_partner_manager",
        )
        cls.manager = new_test_user(
            cls.env,
            "sync_manager",
            groups="base.group_user,queue_job.group_queue_job_manager",
        )

    def dialog(self, user=None, partner=None):
        """Open the dialog as a user."""
        record = (partner or self.partner).with_user(user or self.user)
        action = record.action_sync_status()
        return record.env[action["res_model"]].browse(action["res_id"])

    def text(self, *args):
        """Return what a user reads in the dialog."""
        content = html.fromstring(f"<div>{self.dialog(*args).content}</div>")
        return " ".join(content.text_content().split())

    def deliver(self, state="success", **values):
        """Log a delivery of the contact."""
        return self.env["sync.delivery"].create(
            {
                "stream_id": self.stream.id,
                "res_id": self.partner.id,
                "operation": "upsert",
                "state": state,
                **values,
            }
        )

    def confirm(self, **values):
        """Let the system have the contact as it is."""
        self.outbox(self.partner).unlink()
        return self.env["sync.binding"].create(
            {
                "stream_id": self.stream.id,
                "res_id": self.partner.id,
                "external_id": "crm 7/8",
                "last_success": datetime(2026, 3, 1, 20, 30),
                **values,
            }
        )

    def test_not_sent_yet(self):
        self.outbox(self.partner).unlink()
        text = self.text()
        for part in ("CRM", "Not Sent Yet", "with its next change", "Never"):
            self.assertIn(part, text)

    def test_synced(self):
        self.confirm()
        text = self.text()
        for part in ("CRM", "Synced", "crm 7/8", "ago"):
            self.assertIn(part, text)
        # 20:30 UTC is the next morning in Tokyo
        self.assertIn("3/2/26, 5:30", text)

    def test_language_of_the_reader(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.confirm(last_success=fields.Datetime.now() - timedelta(minutes=5))
        partner = self.partner.with_context(lang="fr_FR")
        self.assertIn("il y a 5 minutes", self.text(self.user, partner))

    def test_no_link_without_a_pattern(self):
        self.confirm()
        self.assertNotIn("<a ", self.dialog().content)

    def test_link_to_the_page_there(self):
        self.stream.record_url = "https://crm.example.com/contacts/{external_id}"
        self.confirm()
        self.assertIn(
            'href="https://crm.example.com/contacts/crm%207%2F8"',
            self.dialog().content,
        )

    def test_next_try_and_its_reason(self):
        self.job.write(
            {
                "retry": 1,
                "max_retries": 3,
                "eta": fields.Datetime.now() + timedelta(minutes=9, seconds=20),
                "sync_error": refused("e-mail is not valid"),
            }
        )
        text = self.text()
        self.assertIn("CRM answered: e-mail is not valid", text)
        self.assertIn("Next try in 9 minutes (2 of 3).", text)

    def test_first_try(self):
        self.assertIn("It will be sent as soon as a worker is free.", self.text())
        self.job.eta = fields.Datetime.now() + timedelta(hours=2, minutes=1)
        self.assertIn("It will be sent in 2 hours.", self.text())
        self.job.state = "started"
        self.assertIn("It is being sent now.", self.text())

    def test_tries_for_ever(self):
        self.job.write({"retry": 7, "max_retries": 0})
        self.assertIn("Next try as soon as a worker is free.", self.text())

    def test_failed(self):
        self.job.write({"state": "failed", "sync_error": refused("no such town")})
        self.assertIn("CRM answered: no such town", self.text())
        self.assertIn("It is not tried again by itself.", self.text())
        self.assertNotIn("press Synchronize now", self.text())
        self.assertIn("press Synchronize now", self.text(self.editor))

    def test_answer_without_an_explanation(self):
        self.job.write({"state": "failed", "sync_error": refused()})
        self.assertIn("CRM answered: 422 Unprocessable Entity", self.text())

    def edit_while_paused(self):
        """Edit the contact while the system is paused; return the job, which sleeps."""
        self.outbox(self.partner).unlink()
        self.backend.action_pause()
        self.paused_at = self.backend._open_incident().opened
        with self.committed() as jobs:
            self.partner.name = "Ada Lovelace"
        (job,) = jobs
        self.assertGreater(job.eta, fields.Datetime.now() + timedelta(hours=20))
        return job

    def test_paused_system(self):
        job = self.edit_while_paused()
        reader = self.user.with_user(self.user).env
        name = self.env.user.name
        text = self.text()
        # 20:30 UTC is the next morning in Tokyo
        at = format_time(reader, self.paused_at, tz="Asia/Tokyo", time_format="short")
        told = f"Paused by {name} at {at}; sent when somebody resumes CRM."
        self.assertIn(" ".join(told.split()), text)
        # nobody is shown when it would wake by itself
        self.assertNotRegex(text, r"\bin \d|It will be sent")
        due = format_datetime(reader, job.sync_due, dt_format="short")
        self.assertIn(" ".join(f"Due: {due}".split()), text)
        self.backend.action_resume()
        self.env.invalidate_all()
        waits = "It will be sent as soon as it need not wait any longer."
        self.assertIn(f"CRM: Waits for its turn. {waits}", self.text())
        job.write({"retry": 1, "max_retries": 3})
        self.assertIn(
            "Next try as soon as it need not wait any longer (2 of 3).", self.text()
        )

    def break_down(self, error=None):
        """Let the system be down; return its incident."""
        incidents = self.env["sync.incident"]
        return incidents._insert(self.backend.id, "outage", error or refused("gone"))

    def test_system_that_is_down(self):
        self.break_down().opened = fields.Datetime.now() - timedelta(minutes=3)
        # also of a job that is not asleep, and was to run, or to be tried, later
        for minutes, retry in ((0, 0), (90, 0), (9, 1)):
            self.job.write(
                {
                    "eta": fields.Datetime.now() + timedelta(minutes=minutes),
                    "retry": retry,
                    "max_retries": 3,
                }
            )
            text = self.text()
            self.assertRegex(
                text, r"CRM is down since [\d:]+ .M; sent when it is back\."
            )
            self.assertNotRegex(text, r"\bin \d|It will be sent|gone")
            self.assertNotIn("10.1.2.3", self.dialog().content)
        self.assertIn(
            "Next try as soon as it need not wait any longer (2 of 3).", self.text()
        )

    def test_system_that_is_down_since_yesterday(self):
        incident = self.break_down()
        incident.opened = datetime(2026, 3, 1, 20, 30)
        self.assertIn("CRM is down since 3/2/26, 5:30 AM;", self.text())

    def test_synchronization_that_is_held_or_rests(self):
        self.env["sync.incident"]._insert(
            self.backend.id, "settings", refused("no"), stream_id=self.stream.id
        )
        self.assertRegex(self.text(), "Contacts to CRM is held since .* are mended.")
        self.assertNotIn("10.1.2.3", self.dialog().content)

    def test_job_that_comes_back_with_what_it_has_met(self):
        self.job.write(
            {
                "result": refused("no such town").message,
                "eta": fields.Datetime.now() + timedelta(minutes=9, seconds=20),
            }
        )
        text = self.text()
        self.assertRegex(text, "CRM answered 422 [^:]*: no such town")
        self.assertIn("It will be sent in 9 minutes.", text)
        self.assertNotIn("10.1.2.3", self.dialog().content)

    def test_what_is_sent_now_is_said_to_be_in_an_outage_too(self):
        self.break_down()
        self.job.state = "started"
        self.assertIn("It is being sent now.", self.text())
        self.assertNotIn("is down", self.text())

    def test_tells_whether_there_is_anything_to_follow(self):
        self.assertTrue(self.dialog().waits)
        self.job.state = "failed"
        self.assertFalse(self.dialog().waits)

    def test_code_is_read_from_left_to_right(self):
        self.confirm()
        self.deliver("failed", status="422 Unknown", error=refused("no"))
        content = html.fromstring(self.dialog().content)
        for text in ("crm 7/8", "422 Unknown"):
            (node,) = content.xpath(f"//*[normalize-space(text())='{text}']")
            self.assertEqual(node.get("dir"), "ltr")

    def test_of_several_jobs_the_one_that_is_due_first_is_told_of(self):
        self.edit_while_paused()
        self.stream.write({"delay_policy": "delay", "delay_minutes": 30})
        with self.committed() as jobs:
            self.partner.name = "Countess of Lovelace"
        self.assertIn("sent when somebody resumes CRM.", self.text())
        jobs[0].write({"state": "started", "eta": False})
        self.assertIn("It is being sent now.", self.text())

    def test_skipped_says_who_decided(self):
        self.job.with_user(self.manager).button_done()
        self.env.invalidate_all()
        text = self.text()
        self.assertIn("Skipped", text)
        self.assertIn("sync_manager", text)

    def test_last_deliveries(self):
        for number in range(7):
            self.deliver("failed", status=f"50{number}", error=f"Reason {number}.")
        self.deliver(status="201")
        text = self.text()
        for part in ("Delivered", "506", "CRM: Reason 6.", "503"):
            self.assertIn(part, text)
        for part in ("201", "502"):
            self.assertNotIn(part, text)
        self.assertLess(text.index("Delivered"), text.index("506"))

    def test_doubt_about_a_success_is_told(self):
        sentence = Sentence(
            "%(request)s answered %(status)s: it is accepted, not confirmed.",
            request=REQUEST,
            status="202",
        )
        self.deliver(status="202", warning=sentence)
        content = self.dialog(self.user).content
        self.assertIn("it is accepted, not confirmed", content)
        self.assertNotIn("10.1.2.3", content)

    def test_no_payload_address_or_answer_for_plain_users(self):
        self.deliver(
            "failed",
            request=REQUEST,
            request_body="the whole content",
            response="the whole answer",
            status="422",
            error=refused("e-mail is not valid"),
        )
        for user in (self.user, self.manager):
            content = self.dialog(user).content
            self.assertIn("e-mail is not valid", content)
            for secret in ("the whole", "10.1.2.3"):
                self.assertNotIn(secret, content)

    def test_log_is_linked_for_those_who_may_read_it(self):
        delivery = self.deliver()
        link = f"action_sync_delivery/{delivery.id}"
        self.assertNotIn(link, self.dialog().content)
        self.assertIn(link, self.dialog(self.manager).content)

    def test_escapes_what_it_shows(self):
        self.job.write({"state": "failed", "exc_message": "<script>alert(1)</script>"})
        content = self.dialog().content
        self.assertIn("alert(1)", content)
        self.assertNotIn("<script>", content)

    def test_record_that_no_system_has(self):
        self.outbox(self.partner).unlink()
        self.stream.domain = "[('id', '=', 0)]"
        self.assertIn("No external system has been sent this record", self.text())

    # -- rights ---------------------------------------------------------------

    def test_only_editors_are_offered_to_send(self):
        self.assertFalse(self.dialog().can_send)
        self.assertTrue(self.dialog(self.editor).can_send)
        with self.assertRaises(AccessError):
            self.dialog().action_send_now()
        with self.assertRaises(AccessError):
            self.dialog().action_options()

    def test_send_from_the_dialog(self):
        self.stream.priority = 7
        with self.committed() as jobs:
            self.dialog(self.editor).action_send_now()
        self.assertEqual(jobs[0].priority, 7)
        self.assertFalse(jobs[0].eta)
        self.assertEqual(jobs[0].user_id, self.editor)

    def test_jobs_are_for_managers(self):
        arch = self.env["sync.status"].with_user(self.user).get_view(False, "form")
        self.assertNotIn("action_jobs", arch["arch"])
        arch = self.env["sync.status"].with_user(self.manager).get_view(False, "form")
        self.assertIn("action_jobs", arch["arch"])

    def test_tells_nothing_of_what_the_user_may_not_read(self):
        private = self.env["res.partner"].create({"name": "Secret"})
        self.env["ir.rule"].create(
            {
                "name": "Not the secret one",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "domain_force": f"[('id', '!=', {private.id})]",
            }
        )
        with self.assertRaises(AccessError):
            private.with_user(self.user).action_sync_status()
        made_up = self.env["sync.status"].with_user(self.user)
        values = {"res_model": "res.partner", "res_id": private.id}
        with self.assertRaises(AccessError):
            made_up.create(values)
        with self.assertRaises(AccessError):
            made_up.sudo().create(values).sudo(False).content  # noqa: B018

    def test_dialog_belongs_to_who_opened_it(self):
        dialog = self.dialog(self.editor)
        with self.assertRaises(AccessError):
            dialog.with_user(self.user).read(["content"])

    def test_portal_user_opens_nothing(self):
        portal = new_test_user(self.env, "sync_portal", groups="base.group_portal")
        with self.assertRaises(AccessError):
            self.dialog(portal, portal.partner_id)
