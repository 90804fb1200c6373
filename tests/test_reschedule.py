# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import select
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ..engine import store
from .common import DeliveryCase, SyncCase

LATER = fields.Datetime.now().replace(microsecond=0) + timedelta(days=1)


class RescheduleCase(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env,
            "sync_reschedule_manager",
            "base.group_user,queue_job.group_queue_job_manager",
        )
        # users are contacts too
        cls.before_commit(cls)

    def new_jobs(self, *states):
        """Return a job of a new contact for each state."""
        with self.committed() as jobs:
            for state in states:
                self.env["res.partner"].create({"name": state})
                self.before_commit()
        for job, state in zip(jobs, states, strict=True):
            job.state = state
        return self.env["queue.job"].browse(job.id for job in jobs)

    def new_bulk(self, count):
        """Return the jobs of as many new contacts, imported together."""
        self.stream.batch_size = 1
        with self.committed() as jobs:
            self.env["res.partner"].create([{"name": "Imported"}] * count)
        return self.env["queue.job"].browse(job.id for job in jobs)

    def wizard(self, jobs, user=None, **values):
        context = {"active_model": "queue.job", "active_ids": jobs.ids}
        wizards = self.env["sync.reschedule"].with_user(user or self.manager)
        return wizards.with_context(**context).create(values)


@tagged("post_install", "-at_install")
class TestReschedule(RescheduleCase):
    """Another priority or another time for the selected jobs."""

    def test_waiting_and_failed_jobs_are_changed(self):
        jobs = self.new_jobs("pending", "failed", "wait_dependencies")
        self.wizard(
            jobs, change_priority=True, priority=3, change_eta=True, eta=LATER
        ).action_reschedule()
        self.assertEqual(jobs.mapped("priority"), [3, 3, 3])
        self.assertEqual(jobs.mapped("eta"), [LATER, LATER, LATER])
        self.assertEqual(
            jobs.mapped("state"), ["pending", "failed", "wait_dependencies"]
        )

    def test_jobs_that_run_or_have_ended_are_left_alone(self):
        jobs = self.new_jobs("enqueued", "started", "done", "cancelled", "pending")
        *others, waiting = jobs
        before = [job.priority for job in others]
        wizard = self.wizard(jobs, change_priority=True, priority=7)
        self.assertEqual(
            (wizard.waiting_count, wizard.failed_count, wizard.other_count), (1, 0, 4)
        )
        wizard.action_reschedule()
        self.assertEqual([job.priority for job in others], before)
        self.assertEqual(waiting.priority, 7)

    def test_bulk_stays_behind_the_others_if_wanted(self):
        alone, bulk = self.new_jobs("pending"), self.new_bulk(2)
        with Form(self.wizard(alone | bulk)) as form:
            self.assertEqual(form.bulk_count, 2)
            form.change_priority = True
            form.priority = 3
        form.record.action_reschedule()
        self.assertEqual((alone | bulk).mapped("priority"), [3, 13, 13])
        self.wizard(
            bulk, change_priority=True, priority=4, keep_bulk=False
        ).action_reschedule()
        self.assertEqual(bulk.mapped("priority"), [4, 4])
        self.assertEqual(self.wizard(alone | bulk).bulk_count, 0)

    def test_synchronizations_have_priorities_from_one_to_ten(self):
        jobs = self.new_jobs("pending")
        for priority in (0, 11):
            with self.assertRaisesRegex(UserError, "from 1"):
                self.wizard(
                    jobs, change_priority=True, priority=priority
                ).action_reschedule()
        self.assertEqual(jobs.priority, 5)

    def test_only_what_is_chosen_is_changed(self):
        jobs = self.new_jobs("pending")
        jobs.eta = LATER
        before = jobs.priority
        self.wizard(jobs, change_priority=True, priority=2).action_reschedule()
        self.assertEqual((jobs.priority, jobs.eta), (2, LATER))
        wizard = self.wizard(jobs, priority=before, change_eta=True)
        wizard.action_reschedule()
        self.assertEqual((jobs.priority, jobs.eta), (2, False))

    def test_the_job_tells_why_it_waits(self):
        jobs = self.new_jobs("pending")
        jobs.result = "CRM does not answer: Connection refused"
        self.wizard(jobs, change_eta=True, eta=LATER).action_reschedule()
        self.assertIn(self.manager.name, jobs.state_reason)
        self.wizard(jobs, change_eta=True).action_reschedule()
        self.assertFalse(jobs.state_reason)

    def test_another_time_takes_the_place_of_what_a_job_waits_for(self):
        for eta, reason in ((LATER, f"Put off by {self.manager.name}"), (False, False)):
            jobs = self.new_jobs("pending")
            key = f"system:{self.backend.id}"
            now = fields.Datetime.now()
            jobs.write(
                {
                    "eta": now + timedelta(hours=30),
                    "sync_wait_key": key,
                    "sync_wait_reason": "Waits for its turn.",
                    "sync_due": now,
                }
            )
            self.assertEqual(jobs.state_reason, "Waits for its turn.")
            self.wizard(jobs, change_eta=True, eta=eta).action_reschedule()
            self.assertEqual((jobs.eta, jobs.state_reason), (eta, reason))
            self.assertFalse(jobs.sync_wait_key or jobs.sync_due)
            # nor does it go sooner when that is over
            self.env.flush_all()
            store.wake(self.env.cr, key)
            self.env.invalidate_all()
            self.assertEqual(jobs.eta, eta)

    def test_failed_jobs_are_requeued_if_wanted(self):
        jobs = self.new_jobs("failed", "pending")
        jobs.retry = 3
        self.wizard(jobs, requeue=True, change_eta=True, eta=LATER).action_reschedule()
        self.assertEqual(jobs.mapped("state"), ["pending", "pending"])
        # a job that waits keeps the tries it has used
        self.assertEqual(jobs.mapped("retry"), [0, 3])
        self.assertEqual(jobs.mapped("eta"), [LATER, LATER])

    def test_several_that_are_requeued_go_when_it_was_said(self):
        jobs = self.new_jobs("failed", "failed", "failed")
        wizard = self.wizard(jobs, requeue=True, change_eta=True, eta=LATER)
        wizard.write({"change_priority": True, "priority": 2, "keep_bulk": False})
        wizard.action_reschedule()
        self.assertEqual(set(jobs.mapped("state")), {"pending"})
        self.assertEqual(set(jobs.mapped("eta")), {LATER})
        self.assertEqual(set(jobs.mapped("priority")), {2})
        self.assertFalse(any(jobs.mapped("sync_wait_key")))

    def test_nothing_to_change(self):
        with self.assertRaises(UserError):
            self.wizard(self.new_jobs("pending")).action_reschedule()
        done = self.new_jobs("done")
        with self.assertRaises(UserError):
            self.wizard(done, change_priority=True).action_reschedule()

    def test_only_job_managers_may(self):
        jobs = self.new_jobs("pending")
        for login, groups in (
            ("sync_reschedule_clerk", "base.group_user,base.group_partner_manager"),
            ("sync_reschedule_system", "base.group_user,base.group_system"),
        ):
            user = new_test_user(self.env, login, groups)
            with self.assertRaises(AccessError):
                self.wizard(jobs, user, change_priority=True)

    def test_jobs_of_other_companies_are_out_of_reach(self):
        jobs = self.new_jobs("pending", "pending")
        wizard = self.wizard(jobs, change_priority=True, priority=2)
        jobs[1].company_id = self.env["res.company"].create({"name": "Elsewhere"})
        wizard.invalidate_recordset()
        wizard.action_reschedule()
        self.assertEqual(jobs[0].priority, 2)
        self.assertNotEqual(jobs[1].priority, 2)
        # nor are they counted
        self.assertEqual(self.wizard(jobs).job_ids, jobs[0])
        self.assertEqual(self.wizard(jobs).waiting_count, 1)
        with self.assertRaises(UserError):
            self.wizard(jobs[1], change_priority=True, priority=2).action_reschedule()
        self.assertNotEqual(jobs[1].priority, 2)


@tagged("post_install", "-at_install")
class TestRescheduleTold(DeliveryCase):
    def test_the_runner_is_told(self):
        """queue_job's trigger speaks on the channel that its runner listens to."""
        self.new_partner()
        (uuid,) = self.job_uuids()
        with self.registry.cursor() as listener:
            listener.execute("LISTEN queue_job")
            listener.commit()
            with self.transaction() as env:
                jobs = env["queue.job"].search([("uuid", "=", uuid)])
                wizards = env["sync.reschedule"]
                wizards.create(
                    {"job_ids": jobs.ids, "change_eta": True, "eta": LATER}
                ).action_reschedule()
            connection = listener._cnx
            ready, *_others = select.select([connection], [], [], 10)
            self.assertTrue(ready, "the runner would not be told")
            connection.poll()
            told = {notice.payload for notice in connection.notifies}
        self.assertIn(uuid, told)
        self.assertEqual(self.job(uuid, "eta")["eta"], LATER)
