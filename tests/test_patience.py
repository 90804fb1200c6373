# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A system that has asked for patience is left alone by all jobs, until a person ends
it."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..engine import jobs, run, store
from ..exceptions import Throttled
from .blame_case import BlameCase, named

PATIENCE = {"Retry-After": "120"}


@tagged("post_install", "-at_install")
class TestPatience(BlameCase):
    def ask(self, status=429):
        """Have a job asked for patience; return its UUID, and those of others."""
        uuids = self.new_jobs("N1", "N2", "N3")
        self.destination.answer(status, headers=PATIENCE)
        self.run_each(uuids)
        return uuids

    def quiet_until(self):
        mine = [("id", "=", self.backend_id)]
        return self.read("sync.backend", mine, ["quiet_until"])[0]["quiet_until"]

    def test_one_answer_holds_all_jobs(self):
        for status in (429, 503):
            with self.subTest(status):
                asked = len(self.destination.requests)
                first, *others = self.ask(status)
                self.assertEqual(len(self.destination.requests) - asked, 1)
                self.assertGreater(self.seconds_until(first), 110)
                for uuid in others:
                    self.assertAsleep(uuid)
                    reason = self.job(uuid, "state_reason")["state_reason"]
                    self.assertIn("takes no more requests", reason)
                self.assertFalse(self.incidents())
                self.press("action_send_now")
                self.run_until_idle()

    def test_every_node_asks_the_database(self):
        """Another one has heard of it; this one has not."""
        store.keep_quiet(self.registry, self.backend_id, 60)
        uuid = self.new_job()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(self.job(uuid, "retry")["retry"], 0)
        self.assertGreater(self.seconds_until(uuid), 50)
        self.assertFalse(self.destination.requests)

    def test_job_at_work_hears_of_it(self):
        self.takes_along = True
        self.change_backend(concurrency=1)
        uuids = self.new_jobs(*(f"N{number}" for number in range(10)))

        def refuses(request):
            if len(self.destination.requests) == 2:
                # as another job does, on another node
                store.keep_quiet(self.registry, self.backend_id, 60)

        self.refuse(refuses)
        looked = run.LOOK_EVERY
        self.addCleanup(setattr, run, "LOOK_EVERY", looked)
        run.LOOK_EVERY = 0
        self.run_job(uuids[0])
        self.assertEqual(len(self.destination.requests), 2)
        self.assertEqual(len(self.job_uuids("pending")), 8)

    def test_they_do_not_come_back_together(self):
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            error = Throttled("wait", 60)
            found = {jobs.retry_seconds(stream, error, 1) for _each in range(50)}
        self.assertGreater(len(found), 10)
        self.assertGreaterEqual(min(found), 60)
        self.assertLess(max(found), 60 + store.CALLER_LATE)

    def test_person_ends_the_wait(self):
        uuids = self.ask()
        until = self.quiet_until()
        self.assertAlmostEqual(
            until, fields.Datetime.now() + timedelta(seconds=120), delta=timedelta(0, 5)
        )
        self.press("action_send_now")
        self.assertFalse(self.quiet_until())
        self.assertIn(uuids[0], self.ready(), "who was asked")
        self.run_until_idle()
        self.assertEqual(self.states(uuids), ["done"] * 3)

    def test_jobs_that_wait_for_a_time_are_left_alone(self):
        self.change_stream(delay_policy="delay", delay_minutes=1)
        later = self.new_job(name="later")
        eta = self.job(later, "eta")["eta"]
        self.change_stream(delay_policy="none")
        self.ask()
        self.press("action_send_now")
        self.assertEqual(self.job(later, "eta")["eta"], eta)

    def test_nobody_else_ends_it(self):
        store.keep_quiet(self.registry, self.backend_id, 60)
        with self.transaction() as env:
            user = new_test_user(env, "sync_patience_user", groups="base.group_user")
            user_id, partner_id = user.id, user.partner_id.id
        self.addCleanup(self._delete, "res.partner", partner_id)
        self.addCleanup(self._delete, "res.users", user_id)
        with self.assertRaises(AccessError):
            self.press("action_send_now", user_id)
        self.assertTrue(self.quiet_until())

    def _delete(self, model, id_):
        with self.transaction() as env:
            env[model].browse(id_).unlink()

    def test_patience_is_no_refusal(self):
        self.refuse(named("N2"))
        uuids = self.ask()
        self.outlast_patience()
        self.run_each(uuids)
        self.run_until_idle()
        self.assertEqual(self.states(uuids), ["done", "failed", "done"])
