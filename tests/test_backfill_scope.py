# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.queue_job_sync.models import sync_backfill_run

from .backfill_case import BackfillCase


@tagged("post_install", "-at_install")
class TestBackfillScope(BackfillCase):
    """Which records are sent."""

    def deliver_some(self):
        """Have the first three of ten contacts delivered; return the ids of all."""
        ids = self.fill(10)
        for partner_id in ids[:3]:
            self.edit(partner_id, email="known@example.com")
        self.run_all()
        self.assertEqual(sorted(self.names_sent()), ["P1", "P2", "P3"])
        return ids

    def test_what_is_confirmed_is_left_out(self):
        self.deliver_some()
        self.start(scope="unconfirmed", resend=True)
        self.run_all()
        self.assertOnceEach(10)
        self.assertEqual(self.backfill()["total"], 7)

    def test_what_a_person_skipped_is_not_confirmed(self):
        ids = self.deliver_some()
        self.edit(ids[0], name="Skipped")
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "in", self.in_order())]).button_done()
        self.start(scope="unconfirmed")
        self.run_all()
        self.assertEqual(self.names_sent().count("Skipped"), 1)
        self.assertEqual(self.backfill()["total"], 8)

    def test_filter_is_within_that_of_the_synchronization(self):
        self.deliver_some()
        self.new_partner(name="Outside")
        names = ("P4", "P5", "Outside")
        self.start(scope="domain", domain=f"[('name', 'in', {names})]")
        self.run_all()
        self.assertEqual(sorted(self.names_sent()[3:]), ["P4", "P5"])
        self.assertEqual(self.backfill()["total"], 2)

    def test_filter_that_does_not_work_is_refused(self):
        for domain in ("[('no_such_field', '=', 1)]", "[(", "[('id', '=', uid)]"):
            with self.assertRaisesRegex(UserError, "filter"):
                self.start(scope="domain", domain=domain)

    def test_archived_records_are_left_out_unless_asked_for(self):
        ids = self.fill(10)
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE res_partner SET active = false WHERE id = ANY(%s)", (ids[:4],)
            )
        self.start()
        self.run_all()
        self.assertEqual(len(self.names_sent()), 6)

    def fail_all(self, count):
        """Have the jobs of edits of as many contacts fail; return their UUIDs."""
        ids = self.fill(count)
        self.destination.answer(422, {"message": "no"}, times=count)
        for partner_id in ids:
            self.edit(partner_id, email="bad@example.com")
        self.run_all()
        uuids = self.job_uuids("failed")
        self.assertEqual(len(uuids), count)
        self.destination.requests.clear()
        return uuids

    def test_failed_jobs_are_queued_again_and_no_others_made(self):
        uuids = self.fail_all(5)
        self.start(scope="failed", priority=8)
        self.run_next()
        self.assertEqual(len(self.outbox()), 5)
        backfill = self.backfill()
        self.assertEqual((backfill["total"], backfill["waiting"]), (5, 5))
        self.assertEqual(self.job(uuids[0], "priority")["priority"], 8)
        self.run_all()
        self.assertEqual(self.job_uuids(), uuids)
        self.assertEqual(self.job_uuids("done"), uuids)
        self.assertOnceEach(5)
        self.assertEqual(self.backfill()["done"], 5)

    def test_failed_jobs_are_queued_in_batches(self):
        self.fail_all(5)
        self.start(scope="failed")
        with patch.object(sync_backfill_run, "OUTSTANDING_FAILED", 2):
            self.run_next()
            self.assertEqual(len(self.job_uuids("pending")), 2)
            self.run_all()
        self.assertOnceEach(5)

    def test_failed_again_is_not_queued_again(self):
        self.fail_all(5)
        self.destination.answer(422, {"message": "no"}, times=5)
        self.start(scope="failed")
        self.run_all()
        backfill = self.backfill()
        self.assertEqual((backfill["state"], backfill["failed"]), ("done", 5))
        self.assertEqual(len(self.destination.requests), 5)

    def test_nothing_failed_is_done_at_once(self):
        self.deliver_some()
        self.start(scope="failed")
        self.run_all()
        self.assertEqual(self.backfill()["state"], "done")
        self.assertEqual(len(self.names_sent()), 3)
