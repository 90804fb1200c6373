# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..models import sync_incident
from .incident_case import IncidentCase

BATCH = 20
JOBS = 50


@tagged("post_install", "-at_install")
class TestIncidentBatches(IncidentCase):
    """Very many jobs are moved bit by bit, by whoever comes by."""

    def setUp(self):
        super().setUp()
        # who pauses or resumes has time for one batch
        for name, value in (("BATCH", BATCH), ("PATIENCE", -1)):
            self.enterContext(patch.object(sync_incident, name, value))
        self.new_job()
        with self.registry.cursor() as cr:
            # the older, the more urgent
            cr.execute(
                """
                INSERT INTO queue_job (
                    uuid, name, model_name, method_name, state, priority, channel,
                    records, args, kwargs, retry, max_retries, date_created, user_id,
                    sync_stream_id, sync_backend_id, sync_res_id
                ) SELECT gen_random_uuid(), name, model_name, method_name, state,
                         priority, channel, records, args, kwargs, retry, max_retries,
                         date_created - n * interval '1 second', user_id,
                         sync_stream_id, sync_backend_id, sync_res_id
                    FROM queue_job, generate_series(1, %s) AS n
                   WHERE sync_stream_id = %s
                """,
                (JOBS - 1, self.stream_id),
            )
        self.assertEqual(len(self.jobs()), JOBS)

    def jobs(self, order="id"):
        return self.read(
            "queue.job",
            [("sync_stream_id", "=", self.stream_id)],
            ["uuid", "state", "eta", "result"],
            order=order,
        )

    def asleep(self):
        """Return the UUIDs of the jobs that wait for the end of the incident."""
        until = self.incidents()[-1]["wait_until"]
        return [
            job["uuid"]
            for job in self.jobs()
            if job["eta"] and abs(job["eta"] - until) < timedelta(seconds=30)
        ]

    def test_those_due_first_are_put_off_first_the_rest_by_the_cron(self):
        oldest = [job["uuid"] for job in self.jobs("date_created")[:BATCH]]
        self.pause()
        self.assertEqual(set(self.asleep()), set(oldest))
        self.watch()
        self.assertEqual(len(self.asleep()), JOBS)
        for job in self.jobs():
            self.assertIn("paused", job["result"])

    def test_job_at_the_gate_puts_the_next_ones_off(self):
        self.pause()
        late = [job["uuid"] for job in self.jobs("date_created desc")]
        self.assertEqual(self.run_job(late[0]), "pending")
        self.assertEqual(len(self.asleep()), 2 * BATCH + 1)
        self.assertEqual(self.run_job(late[1]), "pending")
        self.assertEqual(len(self.asleep()), JOBS)
        self.assertFalse(self.destination.requests)

    def test_called_back_at_the_rate_across_batches(self):
        self.change_backend(drain_rate=5)
        self.pause()
        self.watch()
        self.resume()
        self.assertEqual(len(self.asleep()), JOBS - BATCH)
        self.watch()
        self.assertFalse(self.asleep())
        closed = self.incident()["closed"]
        seconds = [(job["eta"] - closed).total_seconds() for job in self.jobs()]
        self.assertEqual(seconds, sorted(seconds))
        self.assertLess(seconds[0], 2)
        self.assertAlmostEqual(seconds[-1], JOBS / 5, delta=2)
        for first in range(JOBS - 10):
            self.assertGreaterEqual(seconds[first + 10] - seconds[first], 1)

    def test_resumed_before_all_were_put_off(self):
        self.pause()
        self.resume()
        self.watch()
        self.assertFalse(self.asleep())
        soon = fields.Datetime.now() + timedelta(seconds=10)
        for job in self.jobs():
            self.assertLess(job["eta"] or soon - timedelta(seconds=1), soon)

    def test_paused_again_before_all_were_called_back(self):
        self.pause()
        self.watch()
        self.resume()
        self.pause()
        self.assertEqual(len(self.incidents()), 2)
        self.watch()
        self.assertEqual(len(self.asleep()), JOBS)
        self.resume()
        self.watch()
        self.assertFalse(self.asleep())

    def test_relapse_before_all_were_called_back(self):
        self.open_outage()
        self.watch()
        self.close_outage()
        self.open_outage()
        self.watch()
        self.assertEqual(len(self.asleep()), JOBS)
        self.close_outage()
        self.watch()
        self.assertFalse(self.asleep())
        self.assertLess(self.seconds_until(self.jobs()[0]["uuid"]), 10)

    def test_called_back_a_little_ahead_of_their_turn(self):
        self.change_backend(drain_rate=5)
        self.pause()
        self.watch()
        with patch.object(sync_incident, "AHEAD", 4):
            self.resume()
            first = set(self.asleep())
            self.assertEqual(len(first), JOBS - 20)
            self.watch()
            self.assertAlmostEqual(len(self.asleep()), JOBS - 20, delta=5)
            self.change_incident(called_until=fields.Datetime.now())
            self.watch()
            self.assertAlmostEqual(len(self.asleep()), JOBS - 40, delta=5)
            self.assertLess(set(self.asleep()), first)

    def test_what_sleeps_already_is_not_moved_by_the_next_pause(self):
        self.pause()
        self.watch()
        with patch.object(sync_incident, "AHEAD", 0):
            self.resume()
        hours_ago = self.incident()["wait_until"] - timedelta(hours=5)
        self.change_incident(wait_until=hours_ago)
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET eta = %s WHERE sync_stream_id = %s",
                (hours_ago, self.stream_id),
            )
        self.pause()
        self.watch()
        self.assertEqual({job["eta"] for job in self.jobs()}, {hours_ago})
        self.resume()
        self.watch()
        for job in self.jobs():
            self.assertLess(self.seconds_until(job["uuid"]), 10)
