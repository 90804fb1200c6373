# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from lxml import etree

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import html2plaintext

from ..wizards import sync_job_batches
from .test_reschedule import RescheduleCase

DECISIONS = {
    "queue.requeue.job": "pending",
    "queue.jobs.to.done": "done",
    "queue.jobs.to.cancelled": "cancelled",
}


class SelectionCase(RescheduleCase):
    def wizard_of(self, model, jobs, user=None, **context):
        context = {"active_model": "queue.job", "active_ids": jobs.ids, **context}
        wizards = self.env[model].with_user(user or self.manager)
        return wizards.with_context(**context).create({})

    def carry_out(self, wizard):
        """Do as the web client does with an action of the wizard; return the rounds."""
        params = wizard.action_decide()["params"]
        if "until" not in params:
            return 0
        after, rounds = 0, 0
        while after is not False:
            answer = wizard.decide_batch(after, params["until"], params["total"])
            after = answer["after"]
            rounds += 1
        return rounds


@tagged("post_install", "-at_install")
class TestJobSelection(SelectionCase):
    """What is done about many jobs: which they are, and what people are told first."""

    def test_all_that_the_list_shows(self):
        """The client tells no more than so many ids of all that are selected."""
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param("web.active_ids_limit", 2)
        for model, state in DECISIONS.items():
            with self.subTest(model):
                before = "failed" if state == "pending" else "pending"
                jobs = self.new_jobs(*[before] * 4)
                shown = [["id", "in", jobs.ids]]
                wizard = self.wizard_of(model, jobs[:2], active_domain=shown)
                self.assertEqual(wizard.job_count, 4)
                self.assertEqual(wizard.job_ids, jobs)
                self.carry_out(wizard)
                self.assertEqual(set(jobs.mapped("state")), {state})

    def test_those_that_are_selected_and_no_others(self):
        """A domain comes along with every selection."""
        jobs = self.new_jobs(*["pending"] * 4)
        shown = [["id", "in", jobs.ids]]
        wizard = self.wizard_of(
            "queue.jobs.to.cancelled", jobs[:2], active_domain=shown
        )
        self.carry_out(wizard)
        states = ["cancelled", "cancelled", "pending", "pending"]
        self.assertEqual(jobs.mapped("state"), states)

    def test_in_batches(self):
        self.startPatcher(patch.object(sync_job_batches, "BATCH", 2))
        for model, state in DECISIONS.items():
            with self.subTest(model):
                before = "failed" if state == "pending" else "pending"
                jobs = self.new_jobs(*[before] * 5)
                wizard = self.wizard_of(model, jobs)
                self.assertEqual(self.carry_out(wizard), 3)
                self.assertEqual(set(jobs.mapped("state")), {state})

    def test_what_is_done_stays_done(self):
        self.startPatcher(patch.object(sync_job_batches, "BATCH", 2))
        jobs = self.new_jobs(*["pending"] * 5)
        wizard = self.wizard_of("queue.jobs.to.cancelled", jobs)
        params = wizard.action_decide()["params"]
        self.assertEqual(params["total"], 5)
        # nothing is changed before the client asks for it
        self.assertEqual(set(jobs.mapped("state")), {"pending"})
        answer = wizard.decide_batch(0, params["until"], 5)
        self.assertEqual(answer, {"changed": 2, "after": jobs[1].id})
        self.assertEqual(jobs.mapped("state"), ["cancelled"] * 2 + ["pending"] * 3)

    def test_jobs_that_come_meanwhile_are_not_meant(self):
        self.startPatcher(patch.object(sync_job_batches, "BATCH", 1))
        self.env["ir.config_parameter"].sudo().set_param("web.active_ids_limit", 2)
        jobs = self.new_jobs("pending", "pending")
        shown = [["sync_stream_id", "=", self.stream.id], ["state", "=", "pending"]]
        wizard = self.wizard_of("queue.jobs.to.done", jobs, active_domain=shown)
        params = wizard.action_decide()["params"]
        late = self.new_jobs("pending")
        after = 0
        while after is not False:
            answer = wizard.decide_batch(after, params["until"], params["total"])
            after = answer["after"]
        self.assertEqual(set(jobs.mapped("state")), {"done"})
        self.assertEqual(late.state, "pending")

    def test_what_becomes_of_the_records_is_said_first(self):
        jobs = self.new_jobs("pending", "failed", "started", "done")
        for model, count, records in (
            ("queue.jobs.to.done", 2, 2),
            ("queue.jobs.to.cancelled", 2, 2),
            # the done one too, though its change is still there in this test
            ("queue.requeue.job", 2, 2),
        ):
            with self.subTest(model):
                context = {"active_model": "queue.job", "active_ids": jobs.ids}
                wizards = self.env[model].with_user(self.manager)
                form = Form(wizards.with_context(**context))
                self.assertEqual(form.job_count, count)
                self.assertEqual(form.other_count, 2)
                self.assertEqual(form.record_count, records)
                told = html2plaintext(form.systems)
                self.assertIn(self.backend.name, told)
                self.assertIn(str(records), told)
                self.assertNotIn("job_ids", form._view["fields"])

    def test_what_owes_nothing_is_sent_again(self):
        jobs = self.new_bulk(2) | self.new_jobs("pending")
        jobs.with_user(self.manager).button_cancelled()
        owing = [("job_uuid", "in", jobs.mapped("uuid"))]
        self.assertFalse(self.env["sync.outbox"].search_count(owing))
        self.assertEqual(self.wizard_of("queue.requeue.job", jobs).record_count, 3)
        self.assertFalse(self.wizard_of("queue.jobs.to.done", jobs).record_count)

    def test_nothing_to_change(self):
        jobs = self.new_jobs("started")
        for model in DECISIONS:
            with self.assertRaises(UserError):
                self.wizard_of(model, jobs).action_decide()
            with self.assertRaises(UserError):
                self.wizard_of(model, jobs.browse()).action_decide()

    def test_only_job_managers_may(self):
        jobs = self.new_jobs("pending", "failed")
        clerk = new_test_user(
            self.env,
            "sync_selection_clerk",
            "base.group_user,base.group_partner_manager",
        )
        for model in DECISIONS:
            with self.subTest(model):
                with self.assertRaises(AccessError):
                    self.wizard_of(model, jobs, clerk)
                wizard = self.wizard_of(model, jobs).with_user(clerk)
                with self.assertRaises(AccessError):
                    wizard.action_decide()
                with self.assertRaises(AccessError):
                    wizard.decide_batch(0, jobs[-1].id, 2)
        self.assertEqual(jobs.mapped("state"), ["pending", "failed"])

    def test_only_one_button_says_cancel_on_the_form(self):
        view = self.env.ref("queue_job.view_queue_job_form")
        records = self.env["queue.job"].with_user(self.manager)
        arch = etree.fromstring(records.get_view(view.id)["arch"])
        for name, label in (
            ("button_done", "Set to Done"),
            ("button_cancelled", "Cancel Job"),
        ):
            (button,) = arch.xpath(f"//button[@name='{name}']")
            self.assertEqual(button.get("confirm-label"), label)
            self.assertEqual(button.get("cancel-label"), "Keep Job")

    def test_only_one_button_says_cancel(self):
        view = self.env.ref("queue_job.view_set_jobs_cancelled")
        arch = self.env["queue.jobs.to.cancelled"].get_view(view.id)["arch"]
        self.assertEqual(arch.count('string="Cancel'), 1)
