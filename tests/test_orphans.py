# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.queue_job_sync.engine import capture

from .common import DeliveryCase


@tagged("post_install", "-at_install")
class TestOrphans(DeliveryCase):
    """Changes whose job has vanished are queued again."""

    def sweep(self):
        with self.transaction() as env:
            env["sync.outbox"]._cron_queue_orphans()

    def lose_jobs(self):
        with self.transaction() as env:
            env["queue.job"].search([("sync_stream_id", "=", self.stream_id)]).unlink()

    def test_vanished_job_is_replaced_and_delivers(self):
        with self.transaction() as env:
            user_id = env.ref("base.user_admin").id
        self.new_partner(uid=user_id, name="Ada")
        self.lose_jobs()
        self.assertEqual(len(self.outbox()), 1)
        self.sweep()
        (uuid,) = self.job_uuids("pending")
        job = self.job(uuid, "user_id", "sync_record_name", "priority")
        self.assertEqual(job["user_id"][0], user_id)
        self.assertEqual(job["sync_record_name"], "Ada")
        self.assertEqual(self.outbox()[0]["job_uuid"], uuid)
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.destination.records["/contacts/1"]["name"], "Ada")
        self.assertFalse(self.outbox())

    def test_change_that_never_had_a_job_gets_one(self):
        partner_id = self.new_partner()
        with self.transaction() as env:
            rows = env["sync.outbox"].search([("res_id", "=", partner_id)])
            rows.job_uuid = False
        self.lose_jobs()
        self.sweep()
        self.assertEqual(self.run_pending(), ["done"])

    def test_deletion_whose_job_vanished_is_sent(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.delete(partner_id)
        self.lose_jobs()
        self.sweep()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertFalse(self.destination.records)

    def test_several_changes_of_a_record_share_the_new_job(self):
        partner_id = self.new_partner()
        self.edit(partner_id, name="Grace")
        self.lose_jobs()
        self.sweep()
        (uuid,) = self.job_uuids("pending")
        self.assertEqual({row["job_uuid"] for row in self.outbox()}, {uuid})

    def test_living_and_failed_jobs_are_not_replaced(self):
        self.destination.answer(422)
        self.new_partner()
        self.assertEqual(self.run_pending(), ["failed"])
        self.new_partner()
        before = self.job_uuids()
        self.sweep()
        self.assertEqual(self.job_uuids(), before)

    def test_change_that_a_worker_holds_is_left_to_it(self):
        self.new_partner()
        self.lose_jobs()
        with self.transaction() as worker:
            rows = worker["sync.outbox"].search([("stream_id", "=", self.stream_id)])
            rows.lock_for_update()
            self.sweep()
            self.assertFalse(self.job_uuids())
        self.sweep()
        self.assertEqual(len(self.job_uuids()), 1)

    def test_edits_do_not_go_in_bulk_however_many_are_queued_again(self):
        self.change_stream(batch_size=1)
        for _number in range(2):
            self.new_partner()
        self.lose_jobs()
        self.sweep()
        jobs = [self.job(uuid, "priority") for uuid in self.job_uuids("pending")]
        self.assertEqual([job["priority"] for job in jobs], [5, 5])

    def test_many_are_queued_in_batches(self):
        for _number in range(5):
            self.new_partner()
        self.lose_jobs()
        with patch.object(capture, "SWEEP_BATCH", 2):
            self.sweep()
        # one job for each batch of the sweep, each change in one of them
        jobs = self.job_uuids("pending")
        self.assertEqual(len(jobs), 3)
        rows = self.outbox()
        self.assertEqual(len(rows), 5)
        self.assertEqual({row["job_uuid"] for row in rows}, set(jobs))
        self.assertEqual(self.run_pending(), ["done"] * 3)
        self.assertEqual(len(self.destination.records), 5)
