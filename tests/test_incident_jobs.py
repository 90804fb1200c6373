# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..engine import store
from .incident_case import THRESHOLD, IncidentCase


@tagged("post_install", "-at_install")
class TestIncidentJobs(IncidentCase):
    """What an incident does to the jobs of its system, and to no others."""

    def test_jobs_that_are_due_fall_asleep(self):
        waiting = [self.new_job() for _each in range(3)]
        self.break_down()
        self.attempt(THRESHOLD)
        for uuid in waiting:
            self.assertAsleep(uuid)
            reason = self.job(uuid, "state_reason")["state_reason"]
            self.assertIn("refused", reason)
        self.assertFalse(self.destination.requests)

    def test_jobs_of_others_are_left_alone(self):
        other = self.new_system()
        self.new_partner()
        with self.transaction() as env:
            task = env["queue.job"].with_delay()._test_job()
            mine = [("sync_stream_id", "=", other.stream_id)]
            (job,) = env["queue.job"].search(mine)
            uuids = job.uuid, task.uuid
        self.addCleanup(self._delete_jobs, *uuids)
        self.open_outage()
        (mine,) = self.job_uuids()
        self.assertAsleep(mine)
        for uuid in uuids:
            self.assertAwake(uuid)
        self.close_outage()
        for uuid in (mine, *uuids):
            self.assertAwake(uuid)

    def _delete_jobs(self, *uuids):
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "in", uuids)]).unlink()

    def test_job_that_opens_the_incident_uses_no_try(self):
        self.break_down()
        *before, last = self.attempt(THRESHOLD)
        self.assertAsleep(last)
        for uuid in before:
            # it failed before anybody knew, and finds out when it is tried again
            job = self.job(uuid, "retry", "sync_wait_key")
            self.assertEqual((job["retry"], job["sync_wait_key"]), (1, False))
            self.assertGreater(self.seconds_until(uuid), 0)
            self.assertEqual(self.run_job(uuid), "pending")
            self.assertAsleep(uuid, retry=1)

    def test_job_at_the_gate_uses_no_try(self):
        uuid = self.new_job()
        self.open_outage()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertAsleep(uuid)
        self.assertFalse(self.destination.requests)

    def test_job_that_was_past_the_gate_uses_no_try(self):
        self.break_down()
        self.attempt(THRESHOLD - 1)
        late = self.new_job()
        with self.started(late):
            self.attempt()
        self.assertAsleep(late)
        self.assertEqual(len(self.incidents()), 1)

    def test_edit_during_the_incident_waits(self):
        self.open_outage()
        self.assertAsleep(self.new_job())

    def test_what_a_person_asks_for_waits_too(self):
        self.open_outage()
        partner_id = self.new_partner()
        with self.transaction() as env:
            env["res.partner"].browse(partner_id).action_sync_now()
        asked = self.job_uuids()[-1]
        self.assertEqual(self.run_job(asked), "pending")
        self.assertAsleep(asked)
        self.assertFalse(self.destination.requests)

    def test_edit_that_began_before_the_end_is_woken(self):
        self.open_outage()
        with self.overlapping() as env:
            partner = env["res.partner"].create({"name": "Ada"})
            self.close_outage()
        self.partner_ids.append(partner.id)
        (uuid,) = self.job_uuids()
        self.assertAwake(uuid)
        self.assertEqual(self.run_job(uuid), "done")

    def test_edit_that_began_before_a_relapse_sleeps_until_it_is_over(self):
        self.open_outage()
        with self.overlapping() as env:
            partner = env["res.partner"].create({"name": "Ada"})
            self.close_outage()
            self.open_outage()
        self.partner_ids.append(partner.id)
        (uuid,) = self.job_uuids()
        self.assertAsleep(uuid)
        self.close_outage()
        self.assertAwake(uuid)

    def test_jobs_are_woken_one_by_one_by_priority(self):
        uuids = [self.new_job() for _each in range(8)]
        with self.transaction() as env:
            jobs = env["queue.job"].search([("uuid", "in", uuids[4:])])
            jobs.write({"priority": 2})
        self.open_outage()
        self.assertEqual(self.asleep(), uuids)
        self.close_outage()
        order = []
        while self.ready():
            (uuid,) = self.ready()
            self.assertAwake(uuid)
            self.assertFalse(self.job(uuid, "result")["result"])
            self.assertEqual(self.run_job(uuid), "done")
            order.append(uuid)
        self.assertEqual(order, uuids[4:] + uuids[:4])

    def test_the_one_that_is_woken_takes_the_others_along(self):
        uuids = [self.new_job() for _each in range(8)]
        self.open_outage()
        self.close_outage()
        (first,) = self.ready()
        self.takes_along = True
        self.assertEqual(self.run_job(first), "done")
        self.assertEqual(len(self.destination.requests), 8)
        self.assertEqual(self.job_uuids("done"), uuids)

    def test_later_times_are_kept(self):
        self.change_stream(delay_policy="delay", delay_minutes=3 * 24 * 60)
        uuid = self.new_job()
        eta = self.job(uuid, "eta")["eta"]
        self.open_outage()
        self.assertEqual(self.job(uuid, "eta")["eta"], eta)
        self.close_outage()
        self.assertEqual(self.job(uuid, "eta")["eta"], eta)
        # and those of edits that are made meanwhile
        self.open_outage()
        another = self.new_job()
        self.assertFalse(self.asleep())
        self.assertAlmostEqual(self.seconds_until(another), 3 * 24 * 3600, delta=60)

    def test_woken_into_closed_off_peak_hours(self):
        now = fields.Datetime.now()
        opens = (now + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
        uuid = self.new_job()
        self.change_stream(
            delay_policy="window",
            window_start=opens.hour,
            window_end=(opens.hour + 1) % 24,
            window_tz="UTC",
        )
        self.open_outage()
        self.close_outage()
        self.assertAwake(uuid)
        self.assertEqual(self.run_job(uuid), "pending")
        job = self.job(uuid, "eta", "retry", "sync_wait_key")
        self.assertAlmostEqual(job["eta"], opens, delta=timedelta(seconds=5))
        self.assertEqual((job["retry"], job["sync_wait_key"]), (0, False))
        self.assertFalse(self.destination.requests)

    def test_pause_and_resume(self):
        uuid = self.new_job()
        self.pause()
        self.assertAsleep(uuid)
        self.assertIn("Paused by", self.job(uuid, "state_reason")["state_reason"])
        self.assertFalse(self.probes())
        self.resume()
        self.assertAwake(uuid)
        self.assertEqual(self.run_job(uuid), "done")

    def test_jobs_are_due_when_they_were_due_before(self):
        uuid = self.new_job()
        due = fields.Datetime.now() - timedelta(hours=3)
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", uuid)]).eta = due
        for _each in range(2):
            self.pause()
            self.assertAsleep(uuid)
            self.assertEqual(self.job(uuid, "sync_due")["sync_due"], due)
            self.resume()
            self.assertEqual(self.job(uuid, "eta")["eta"], due)
        self.pause()
        self.resume()
        self.assertAwake(uuid)

    def test_failed_jobs_are_left_alone(self):
        self.destination.answer(422)
        uuid = self.new_job()
        self.assertEqual(self.run_job(uuid), "failed")
        before = self.job(uuid, "state", "eta", "result", "sync_wait_key")
        self.pause()
        self.resume()
        after = self.job(uuid, "state", "eta", "result", "sync_wait_key")
        self.assertEqual(after, before)

    def test_sleep_that_is_nearly_over_is_prolonged(self):
        for begin in (self.pause, self.open_outage):
            uuid = self.new_job()
            begin()
            self.sleep_until(fields.Datetime.now() + timedelta(minutes=30))
            self.watch()
            self.assertAsleep(uuid)
            self.resume()
            self.assertAwake(uuid)
            self.assertEqual(self.run_job(uuid), "done")

    def sleep_until(self, eta):
        """Let the time pass, until this is when sleepers wake by themselves."""
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET eta = %s"
                " WHERE sync_stream_id = %s AND sync_wait_key IS NOT NULL",
                (eta, self.stream_id),
            )

    def test_job_does_not_run_again_and_again_after_a_long_pause(self):
        uuid = self.new_job()
        self.pause()
        self.sleep_until(fields.Datetime.now() - timedelta(days=3))
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertAsleep(uuid)
        self.resume()
        self.assertAwake(uuid)

    def test_job_that_the_runner_has_given_to_a_worker(self):
        uuid, other = self.new_job(), self.new_job()
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET state = 'enqueued' WHERE uuid = %s", (uuid,)
            )
        self.open_outage()
        self.assertAsleep(other)
        job = self.job(uuid, "state", "eta", "sync_wait_key")
        del job["id"]
        self.assertEqual(tuple(job.values()), ("enqueued", False, False))
        # and when it arrives, it is told to wait
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertAsleep(uuid)

    def test_job_that_the_runner_starts_although_it_sleeps_already(self):
        """It has not read yet that the job has fallen asleep."""
        uuid = self.new_job()
        self.open_outage()
        self.assertAsleep(uuid)
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertAsleep(uuid)
        self.close_outage()
        self.assertAwake(uuid)

    def test_job_that_the_runner_holds_is_not_waited_for(self):
        uuid, other = self.new_job(), self.new_job()
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET state = 'enqueued' WHERE uuid = %s", (uuid,)
            )
            self.pause()
            self.assertAsleep(other)
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertAsleep(uuid)

    def test_over_before_the_jobs_were_put_to_sleep(self):
        first, second = self.new_job(), self.new_job()
        put_to_sleep = store.put_to_sleep

        def late(*args):
            self.close_outage()
            put_to_sleep(*args)

        with patch.object(store, "put_to_sleep", late):
            self.open_outage()
        self.assertEqual((self.ready(), self.asleep()), ([first], [second]))

    def test_cancelling_the_one_that_is_awake_wakes_the_next(self):
        first, second = self.new_job(), self.new_job()
        self.pause()
        self.resume()
        self.assertEqual((self.ready(), self.asleep()), ([first], [second]))
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", first)]).button_cancelled()
        self.assertEqual((self.ready(), self.asleep()), ([second], []))
