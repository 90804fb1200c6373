# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..engine import waiting
from .incident_case import IncidentCase

BATCH = 20
JOBS = 50


@tagged("post_install", "-at_install")
class TestIncidentBatches(IncidentCase):
    """Of very many jobs, the runner hears of few at a time."""

    takes_along = True

    def setUp(self):
        super().setUp()
        self.enterContext(patch.object(waiting, "BATCH", BATCH))
        self.new_job()
        with self.registry.cursor() as cr:
            # the later made, the older; they owe one more change of the same record
            cr.execute(
                """
                WITH job AS (
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
                RETURNING uuid, sync_stream_id, sync_res_id)
                INSERT INTO sync_outbox (stream_id, res_id, operation, job_uuid)
                SELECT sync_stream_id, sync_res_id, 'upsert', uuid FROM job
                """,
                (JOBS - 1, self.stream_id),
            )
        self.uuids = self.job_uuids()
        self.assertEqual(len(self.uuids), JOBS)

    def assertDelivered(self):
        """Run who is awake; that settles everything, and sends it once."""
        self.run_job(self.ready()[0])
        self.assertEqual(self.job_uuids("done"), self.uuids)
        self.assertEqual(len(self.destination.requests), 1)
        self.assertFalse(self.outbox())

    def test_those_due_first_fall_asleep_first(self):
        self.pause()
        self.assertEqual(self.asleep(), self.uuids[-BATCH:])
        # the others find out when they start; the cron moves nobody
        self.watch()
        self.assertEqual(self.asleep(), self.uuids[-BATCH:])

    def test_job_at_the_gate_puts_the_next_ones_to_sleep(self):
        self.pause()
        self.assertEqual(self.run_job(self.uuids[0]), "pending")
        self.assertEqual(len(self.asleep()), 2 * BATCH + 1)
        self.assertEqual(self.run_job(self.uuids[1]), "pending")
        self.assertEqual(self.asleep(), self.uuids)
        for uuid in self.uuids:
            self.assertAsleep(uuid)
            self.assertIn("Paused by", self.job(uuid, "state_reason")["state_reason"])
        self.assertFalse(self.destination.requests)

    def all_asleep(self):
        self.pause()
        for uuid in self.uuids[:2]:
            self.run_job(uuid)
        self.assertEqual(self.asleep(), self.uuids)

    def test_one_is_woken_however_many_sleep(self):
        self.all_asleep()
        self.resume()
        self.assertEqual(self.ready(), self.uuids[-1:])
        self.watch()
        self.assertEqual(self.ready(), self.uuids[-1:])
        self.assertDelivered()

    def test_resumed_before_all_were_asleep(self):
        self.pause()
        self.resume()
        # those that are awake are enough
        self.assertEqual(self.asleep(), self.uuids[-BATCH:])
        self.assertDelivered()

    def test_paused_again_before_all_were_awake(self):
        self.pause()
        self.resume()
        self.pause()
        self.assertEqual(len(self.incidents()), 2)
        self.assertEqual(len(self.asleep()), 2 * BATCH)
        self.resume()
        self.assertEqual(len(self.asleep()), 2 * BATCH)
        self.assertDelivered()

    def test_relapse_after_one_was_woken(self):
        self.all_asleep()
        self.resume()
        self.open_outage()
        self.assertEqual(self.asleep(), self.uuids)
        self.close_outage()
        self.assertEqual(len(self.ready()), 1)
        self.assertDelivered()

    def etas(self):
        mine = [("sync_stream_id", "=", self.stream_id)]
        return [job["eta"] for job in self.read("queue.job", mine, ["eta"], order="id")]

    def test_what_sleeps_already_is_not_moved_by_the_next_pause(self):
        self.all_asleep()
        etas = self.etas()
        self.resume()
        (woken,) = self.ready()
        self.pause()
        self.assertEqual(self.asleep(), self.uuids)
        self.assertEqual(self.uuids[-1], woken)
        self.assertEqual(self.etas()[:-1], etas[:-1])

    def test_those_that_would_soon_wake_by_themselves_sleep_on(self):
        self.all_asleep()
        soon = fields.Datetime.now() + timedelta(minutes=30)
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET eta = %s WHERE sync_stream_id = %s",
                (soon, self.stream_id),
            )
        self.watch()
        for uuid in self.uuids:
            self.assertAsleep(uuid)
