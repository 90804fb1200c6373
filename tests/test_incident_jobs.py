# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .incident_case import THRESHOLD, IncidentCase


@tagged("post_install", "-at_install")
class TestIncidentJobs(IncidentCase):
    """What an incident does to the jobs of its system, and to no others."""

    def test_pending_jobs_are_put_off(self):
        waiting = [self.new_job() for _each in range(3)]
        self.break_down()
        self.attempt(THRESHOLD)
        for uuid in waiting:
            self.assertPutOff(uuid)
            self.assertIn("refused", self.job(uuid, "result")["result"])
        self.assertFalse(self.destination.requests)

    def test_jobs_of_others_are_not_put_off(self):
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
        self.assertPutOff(mine)
        for uuid in uuids:
            self.assertFalse(self.job(uuid, "eta")["eta"])
        self.close_outage()
        for uuid in uuids:
            self.assertFalse(self.job(uuid, "eta")["eta"])

    def _delete_jobs(self, *uuids):
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "in", uuids)]).unlink()

    def test_job_that_opens_the_incident_uses_no_try(self):
        self.break_down()
        *before, last = self.attempt(THRESHOLD)
        self.assertPutOff(last)
        for uuid in before:
            # it failed before anybody knew, and waits with the others all the same
            self.assertPutOff(uuid, retry=1)

    def test_job_at_the_gate_uses_no_try(self):
        uuid = self.new_job()
        self.open_outage()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertPutOff(uuid)
        self.assertFalse(self.destination.requests)

    def test_job_that_was_past_the_gate_uses_no_try(self):
        self.break_down()
        self.attempt(THRESHOLD - 1)
        late = self.new_job()
        with self.started(late):
            self.attempt()
        self.assertPutOff(late)
        self.assertEqual(len(self.incidents()), 1)

    def test_edit_during_the_incident_waits(self):
        self.open_outage()
        self.assertBornAsleep(self.new_job())

    def assertBornAsleep(self, uuid):
        job = self.job(uuid, "eta")
        self.assertEqual(job["eta"], self.incident()["wait_until"])

    def test_what_a_person_asks_for_waits_too(self):
        self.open_outage()
        partner_id = self.new_partner()
        with self.transaction() as env:
            env["res.partner"].browse(partner_id).action_sync_now()
        asked = self.job_uuids()[-1]
        self.assertEqual(self.run_job(asked), "pending")
        self.assertPutOff(asked)
        self.assertFalse(self.destination.requests)

    def test_edit_that_began_before_the_end_is_called_back(self):
        self.open_outage()
        with self.overlapping() as env:
            partner = env["res.partner"].create({"name": "Ada"})
            self.close_outage()
        self.partner_ids.append(partner.id)
        (uuid,) = self.job_uuids()
        self.assertBornAsleep(uuid)
        self.watch()
        self.assertCalledBack(uuid)
        self.assertEqual(self.run_job(uuid), "done")

    def test_edit_that_began_before_a_relapse_is_called_back(self):
        self.open_outage()
        self.change_incident(
            wait_until=fields.Datetime.now() + timedelta(hours=23, minutes=50)
        )
        with self.overlapping() as env:
            partner = env["res.partner"].create({"name": "Ada"})
            self.close_outage()
            self.open_outage()
        self.partner_ids.append(partner.id)
        (uuid,) = self.job_uuids()
        self.close_outage()
        self.assertCalledBack(uuid)

    def test_jobs_are_called_back_by_priority_at_the_rate(self):
        self.change_backend(drain_rate=2)
        uuids = [self.new_job() for _each in range(8)]
        with self.transaction() as env:
            jobs = env["queue.job"].search([("uuid", "in", uuids[4:])])
            jobs.write({"priority": 2})
        self.open_outage()
        self.close_outage()
        now = self.incident()["closed"]
        etas = [self.job(uuid, "eta")["eta"] for uuid in uuids[4:] + uuids[:4]]
        self.assertEqual(etas, sorted(etas))
        seconds = [(eta - now).total_seconds() for eta in etas]
        self.assertLess(seconds[0], 2)
        self.assertAlmostEqual(seconds[-1] - seconds[0], 4, delta=1)
        for first in range(6):
            self.assertGreaterEqual(seconds[first + 2] - seconds[first], 1)
        for uuid in uuids:
            self.assertFalse(self.job(uuid, "result")["result"])
        self.assertEqual(set(self.run_pending()), {"done"})

    def test_later_times_are_kept(self):
        self.change_stream(delay_policy="delay", delay_minutes=3 * 24 * 60)
        uuid = self.new_job()
        eta = self.job(uuid, "eta")["eta"]
        self.open_outage()
        self.assertEqual(self.job(uuid, "eta")["eta"], eta)
        self.close_outage()
        self.assertEqual(self.job(uuid, "eta")["eta"], eta)

    def test_called_back_into_closed_off_peak_hours(self):
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
        self.assertCalledBack(uuid)
        self.assertEqual(self.run_job(uuid), "pending")
        job = self.job(uuid, "eta", "retry")
        self.assertAlmostEqual(job["eta"], opens, delta=timedelta(seconds=5))
        self.assertEqual(job["retry"], 0)
        self.assertFalse(self.destination.requests)

    def test_pause_and_resume(self):
        uuid = self.new_job()
        self.pause()
        self.assertPutOff(uuid)
        self.assertIn("paused", self.job(uuid, "result")["result"])
        self.assertFalse(self.probes())
        self.resume()
        self.assertCalledBack(uuid)
        self.assertEqual(self.run_job(uuid), "done")

    def test_failed_jobs_are_left_alone(self):
        self.destination.answer(422)
        uuid = self.new_job()
        self.assertEqual(self.run_job(uuid), "failed")
        before = self.job(uuid, "state", "eta", "result")
        self.pause()
        self.resume()
        self.assertEqual(self.job(uuid, "state", "eta", "result"), before)

    def test_waiting_time_that_is_nearly_over_is_prolonged(self):
        soon = fields.Datetime.now() + timedelta(minutes=30)
        for begin in (self.pause, self.open_outage):
            uuid = self.new_job()
            begin()
            self.change_incident(wait_until=soon)
            self.watch()
            until = self.incidents()[-1]["wait_until"]
            wait = until - fields.Datetime.now()
            self.assertAlmostEqual(wait.total_seconds(), 24 * 3600, delta=60)
            self.assertPutOff(uuid)
            self.resume()
            self.assertCalledBack(uuid)

    def test_job_does_not_run_again_and_again_after_a_long_pause(self):
        uuid = self.new_job()
        self.pause()
        over = fields.Datetime.now() - timedelta(days=3)
        self.change_incident(wait_until=over)
        self.assertEqual(self.run_job(uuid), "pending")
        # the cron comes in a minute, and puts it off for a day
        self.assertGreaterEqual(self.seconds_until(uuid), 55)
        self.watch()
        self.assertPutOff(uuid)

    def test_job_that_the_runner_changes_meanwhile(self):
        uuid, other = self.new_job(), self.new_job()

        def enqueue():
            with self.registry.cursor() as cr:
                cr.execute(
                    "UPDATE queue_job SET state = 'enqueued' WHERE uuid = %s", (uuid,)
                )

        with self.just_before("_put_off_jobs", enqueue):
            seconds = self.open_outage()
        self.assertAlmostEqual(seconds, 24 * 3600, delta=60)
        self.assertEqual(len(self.incidents()), 1)
        self.assertEqual(len(self.probes()), 1)
        self.assertPutOff(other)
        job = self.job(uuid, "state", "eta")
        self.assertEqual((job["state"], job["eta"]), ("enqueued", False))
        # and when it arrives, it is told to wait
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertPutOff(uuid)

    def test_job_that_the_runner_holds_is_not_waited_for(self):
        uuid, other = self.new_job(), self.new_job()
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET state = 'enqueued' WHERE uuid = %s", (uuid,)
            )
            self.pause()
            self.assertPutOff(other)
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertPutOff(uuid)
