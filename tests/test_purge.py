# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import DeliveryCase


@tagged("post_install", "-at_install")
class TestPurge(DeliveryCase):
    def test_log_older_than_the_setting_is_dropped(self):
        self.new_partner()
        self.new_partner()
        self.run_pending()
        domain = [("stream_id", "=", self.stream_id)]
        with self.transaction() as env:
            deliveries = env["sync.delivery"].search(domain, order="id")
            self.assertEqual(len(deliveries), 2)
            deliveries[0].date = fields.Datetime.now() - timedelta(days=100)
            parameters = env["ir.config_parameter"]
            parameters.set_param("queue_job_sync.delivery_days", "101")
            env["sync.delivery"]._gc_old_deliveries()
            self.assertEqual(deliveries.exists(), deliveries)
            parameters.set_param("queue_job_sync.delivery_days", "99")
            env["sync.delivery"]._gc_old_deliveries()
            self.assertEqual(deliveries.exists(), deliveries[1])
            parameters.set_param("queue_job_sync.delivery_days", False)

    def purge_bindings(self):
        with self.transaction() as env:
            long_ago = fields.Datetime.now() - timedelta(days=100)
            bindings = env["sync.binding"].search([("stream_id", "=", self.stream_id)])
            bindings.last_success = long_ago
        with self.transaction() as env:
            env["sync.binding"]._gc_gone_on_both_sides()

    def test_binding_of_what_is_gone_on_both_sides_is_dropped(self):
        gone_id, archived_id, there_id = (self.new_partner() for _each in range(3))
        self.run_pending()
        self.delete(gone_id)
        self.edit(archived_id, active=False)
        self.run_pending()
        self.purge_bindings()
        self.assertFalse(self.binding(gone_id))
        self.assertTrue(self.binding(archived_id))
        self.assertTrue(self.binding(there_id))

    def test_binding_of_a_deletion_on_its_way_is_kept(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.delete(partner_id)
        self.purge_bindings()
        self.assertTrue(self.binding(partner_id))
        self.assertEqual(self.run_pending(), ["done"])

    def test_recent_binding_is_kept(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.delete(partner_id)
        self.run_pending()
        with self.transaction() as env:
            env["sync.binding"]._gc_gone_on_both_sides()
        self.assertTrue(self.binding(partner_id))

    def test_note_that_a_crash_left_behind_is_dropped(self):
        partner_id = self.new_partner()
        self.run_pending()
        domain = [("stream_id", "=", self.stream_id)]
        confirmed = self.binding(partner_id)["content_hash"]
        # of the request that was confirmed last; of one before it, of a worker that has
        # lost its connection; and of one whose answer is still awaited
        for version, digest in ((0, confirmed), (0, "other"), (1, "other")):
            with self.transaction() as env:
                env["sync.attempt"].create(
                    {
                        "stream_id": self.stream_id,
                        "res_id": partner_id,
                        "version": version,
                        "operation": "upsert",
                        "idempotency_key": f"{version} {digest}",
                        "digest": digest,
                        "content": "{}",
                        "late_until": fields.Datetime.now() - timedelta(seconds=2),
                    }
                )
        with self.transaction() as env:
            env["sync.outbox"].with_context(cron_id=None)._cron_queue_orphans()
        with self.transaction() as env:
            notes = env["sync.attempt"].search(domain)
            self.assertEqual(notes.mapped("idempotency_key"), ["0 other", "1 other"])
        self.assertEqual(len(self.outbox(partner_id)), 1)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(len(self.destination.requests), 2)
        self.assertFalse(self.read("sync.attempt", domain, []))
