# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.exceptions import ValidationError

from odoo.addons.queue_job_sync.engine import waiting

from .common import SaleCase


class TestPrecedenceDecisions(SaleCase):
    """What becomes of an order whose contact does not get through."""

    def setUp(self):
        super().setUp()
        self.destination.refused.add("Ada")
        self.partner_id = self.new_partner()
        self.order_id = self.new_order(self.partner_id)
        (self.contact_job,) = self.job_uuids(model="res.partner")
        (self.order_job,) = self.job_uuids(model="sale.order")

    def accept(self):
        self.destination.refused.clear()

    def requeue(self, *uuids):
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "in", uuids)]).requeue()

    def cancel(self, *uuids):
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "in", uuids)]).button_cancelled()

    def test_requeue_of_the_contact_releases_the_order(self):
        self.assertEqual(self.run_job(self.order_job), "pending")
        self.assertEqual(self.run_job(self.contact_job), "failed")
        # a failure wakes nobody
        self.assertEqual(self.asleep(), [self.order_job])
        self.look_everywhere()
        self.assertEqual(self.asleep(), [self.order_job])
        state, status = self.told_of(self.order_id)
        self.assertEqual(state, "waiting")
        self.assertIn("Waits for Ada, which failed", status)
        self.accept()
        self.requeue(self.contact_job)
        self.run_all()
        self.assertContactsFirst()
        self.assertAllDelivered()
        self.assertEqual(self.told_of(self.order_id)[0], "synced")

    def test_failed_contact_is_one_failure_however_many_orders_wait(self):
        self.run_job(self.contact_job)
        for _number in range(3):
            self.new_order(self.partner_id)
        self.run_all()
        self.assertEqual(self.job_uuids("failed"), [self.contact_job])
        self.assertEqual(len(self.asleep()), 4)
        self.accept()
        self.requeue(self.contact_job)
        self.run_all()
        self.assertContactsFirst()
        self.assertAllDelivered()
        self.assertEqual(len(self.sent_to("orders")), 4)

    def test_cancel_of_the_contact_releases_the_order(self):
        self.run_job(self.order_job)
        self.run_job(self.contact_job)
        self.assertEqual(self.asleep(), [self.order_job])
        self.cancel(self.contact_job)
        # a person decided about the contact, and not about the order
        self.assertEqual(self.awake(), [self.order_job])
        self.assertEqual(len(self.order_outbox()), 1)
        self.run_all()
        self.assertEqual(len(self.sent_to("orders")), 1)
        self.assertEqual(self.told_of(self.order_id)[0], "synced")
        self.assertEqual(self.job_uuids("pending", "failed"), [])

    def test_order_that_was_cancelled_while_it_slept_stays_so(self):
        self.run_job(self.order_job)
        self.cancel(self.order_job)
        self.assertFalse(self.order_outbox())
        self.accept()
        self.run_all()
        self.look_everywhere()
        self.assertEqual(self.job(self.order_job, "state")["state"], "cancelled")
        self.assertFalse(self.sent_to("orders"))
        self.requeue(self.order_job)
        self.run_all()
        self.assertEqual(len(self.sent_to("orders")), 1)
        self.assertContactsFirst()

    def test_contact_that_is_set_to_done_releases_the_order(self):
        self.run_job(self.order_job)
        with self.transaction() as env:
            jobs = env["queue.job"].search([("uuid", "=", self.contact_job)])
            jobs.button_done()
        self.run_all()
        self.assertEqual(len(self.sent_to("orders")), 1)
        self.assertFalse(self.sent_to("contacts"))

    def test_order_is_released_although_the_worker_died_before_it_could(self):
        self.accept()
        self.run_job(self.order_job)
        with patch.object(waiting, "let_go"), patch.object(waiting, "after_run"):
            self.assertEqual(self.run_job(self.contact_job), "done")
        self.assertEqual(self.awake(), [])
        self.look_everywhere()
        self.assertEqual(self.awake(), [self.order_job])
        self.run_all()
        self.assertContactsFirst()
        self.assertAllDelivered()

    def test_order_is_released_although_the_job_of_the_contact_was_deleted(self):
        self.accept()
        self.run_job(self.order_job)
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", self.contact_job)]).unlink()
        self.look_everywhere()
        self.assertEqual(self.awake(), [])
        with self.transaction() as env:
            env["sync.outbox"]._cron_queue_orphans()
        self.run_all()
        self.assertContactsFirst()
        self.assertAllDelivered()

    def test_deleted_order_does_not_wait(self):
        self.accept()
        self.run_all()
        self.edit(self.partner_id, email="ada@example.com")
        (contact_job,) = self.job_uuids("pending")
        with self.transaction() as env:
            env["sale.order"].browse(self.order_id).unlink()
        (order_job,) = self.job_uuids("pending", model="sale.order")
        self.assertEqual(self.run_job(order_job), "done")
        self.assertNotIn("/orders/2", self.destination.records)
        self.assertEqual(self.job_uuids("pending"), [contact_job])

    def test_path_that_leads_to_no_record_is_refused(self):
        for path in ("name", "partner_id.name", "nonsense", "partner_id.x"):
            with (
                self.assertRaisesRegex(ValidationError, "does not lead"),
                self.transaction() as env,
            ):
                env["sync.stream"].browse(self.order_stream_id).send_first = path
