# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.exceptions import ValidationError

from odoo.addons.queue_job.controllers.main import RunJobController

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
        self.assertEqual(self.run_job(self.order_job), "done")
        self.assertEqual(self.run_job(self.contact_job), "failed")
        self.assertEqual(self.job_uuids("pending"), [])
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
        self.assertEqual(len(self.job_uuids("wait_dependencies")), 4)
        self.accept()
        self.requeue(self.contact_job)
        self.run_all()
        self.assertContactsFirst()
        self.assertAllDelivered()
        self.assertEqual(len(self.sent_to("orders")), 4)

    def test_cancel_of_the_contact_settles_the_order_with_a_note(self):
        self.run_job(self.order_job)
        self.run_job(self.contact_job)
        (waiting,) = self.job_uuids("wait_dependencies")
        self.cancel(self.contact_job)
        self.assertEqual(self.job(waiting, "state")["state"], "cancelled")
        self.assertFalse(self.order_outbox())
        state, status = self.told_of(self.order_id)
        self.assertEqual(state, "skipped")
        self.assertIn("Cancelled with the job that it waited for", status)
        with self.transaction() as env:
            env["sync.outbox"]._cron_queue_orphans()
        self.assertEqual(self.job_uuids("pending"), [])
        # a later change of the order goes out: a person decided about the contact
        with self.transaction() as env:
            env["sale.order"].browse(self.order_id).action_sync_now()
        self.run_all()
        self.assertEqual(len(self.sent_to("orders")), 1)

    def test_requeue_of_an_order_that_was_cancelled_with_its_contact(self):
        self.run_job(self.order_job)
        (waiting,) = self.job_uuids("wait_dependencies")
        self.cancel(self.contact_job)
        self.requeue(waiting)
        self.assertEqual(self.job(waiting, "state")["state"], "pending")
        self.run_all()
        self.assertEqual(len(self.sent_to("orders")), 1)

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
        with patch.object(RunJobController, "_enqueue_dependent_jobs"):
            self.assertEqual(self.run_job(self.contact_job), "done")
        self.assertEqual(self.job_uuids("pending"), [])
        with self.transaction() as env:
            env["sync.outbox"]._cron_queue_orphans()
        self.run_all()
        self.assertContactsFirst()
        self.assertAllDelivered()

    def test_order_is_released_although_the_job_of_the_contact_was_deleted(self):
        self.accept()
        self.run_job(self.order_job)
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", self.contact_job)]).unlink()
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
