# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .common import DeliveryCase


@tagged("post_install", "-at_install")
class TestDeliveryDelete(DeliveryCase):
    """What becomes of the copy when the record goes, and when it comes back."""

    def sent(self):
        return [(request.method, request.path) for request in self.destination.requests]

    def delivered_partner(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.destination.requests.clear()
        return partner_id

    def last_result(self):
        return self.job(self.job_uuids()[-1], "result")["result"]

    def test_deleted_record_is_deleted_there(self):
        partner_id = self.delivered_partner()
        self.delete(partner_id)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.sent(), [("DELETE", "/contacts/1")])
        self.assertFalse(self.destination.records)
        binding = self.binding(partner_id)
        self.assertFalse(binding["external_id"] or binding["content_hash"])
        self.assertFalse(self.outbox())
        self.assertEqual(self.last_result(), "CRM: deleted.")

    def test_job_of_a_deletion_is_named_after_the_record(self):
        partner_id = self.delivered_partner()
        self.delete(partner_id)
        job = self.job(self.job_uuids("pending")[0], "name", "sync_record_name")
        self.assertEqual(job["name"], "CRM: Ada")
        self.assertEqual(job["sync_record_name"], "Ada")

    def test_archived_record_is_deleted_there_and_created_when_it_returns(self):
        partner_id = self.delivered_partner()
        self.edit(partner_id, active=False)
        self.run_pending()
        self.edit(partner_id, active=True)
        self.run_pending()
        self.assertEqual(
            self.sent(), [("DELETE", "/contacts/1"), ("POST", "/contacts")]
        )
        self.assertEqual(self.binding(partner_id)["external_id"], "2")

    def test_record_that_leaves_the_filter_is_deleted_there(self):
        self.change_stream(domain="[('email', '!=', False)]")
        partner_id = self.new_partner(email="ada@example.com")
        self.run_pending()
        self.edit(partner_id, email=False)
        self.run_pending()
        self.assertEqual(self.sent()[1:], [("DELETE", "/contacts/1")])

    def test_record_that_is_gone_there_already_is_a_success(self):
        for status in (404, 410):
            with self.subTest(status):
                partner_id = self.delivered_partner()
                self.prove("create", "delete")
                self.destination.answer(status)
                self.delete(partner_id)
                self.assertEqual(self.run_pending(), ["done"])
                self.assertFalse(self.binding(partner_id)["external_id"])
                self.assertFalse(self.outbox())

    def test_deletion_is_tried_again(self):
        partner_id = self.delivered_partner()
        self.destination.answer(500)
        self.delete(partner_id)
        (uuid,) = self.job_uuids("pending")
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(self.job(uuid, "retry")["retry"], 1)
        self.assertEqual(self.run_job(uuid), "done")
        self.assertFalse(self.destination.records)

    def test_record_that_was_never_sent_needs_no_deletion(self):
        partner_id = self.new_partner()
        self.delete(partner_id)
        self.assertEqual(self.run_pending(), ["done", "done"])
        self.assertFalse(self.destination.requests)
        self.assertFalse(self.outbox())
        self.assertFalse(self.read("sync.delivery", [("res_id", "=", partner_id)], []))

    def test_record_that_was_never_sent_under_odoo_id_needs_no_deletion(self):
        self.change_stream(id_policy="odoo")
        partner_id = self.new_partner()
        self.delete(partner_id)
        self.assertEqual(self.run_pending(), ["done", "done"])
        self.assertFalse(self.destination.requests)

    def test_lost_answer_under_odoo_id_needs_a_deletion(self):
        self.change_stream(id_policy="odoo")
        self.destination.answer(500)
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        self.run_job(uuid)
        self.prove("update", "delete")
        # it may have arrived before the answer was lost
        self.delete(partner_id)
        self.assertEqual(self.run_pending(), ["done", "done"])
        self.assertEqual(self.sent()[1:], [("DELETE", f"/contacts/{partner_id}")])

    def test_mark_policy_marks_and_clears_the_mark(self):
        self.change_stream(delete_policy="mark", mark_key="gone")
        partner_id = self.delivered_partner()
        self.assertIs(self.destination.records["/contacts/1"]["gone"], False)
        self.edit(partner_id, active=False)
        self.assertEqual(self.run_pending(), ["done"])
        (request,) = self.destination.requests
        self.assertEqual((request.method, request.path), ("PATCH", "/contacts/1"))
        self.assertEqual(request.json, {"gone": True})
        self.assertEqual(self.binding(partner_id)["external_id"], "1")
        self.assertEqual(self.last_result(), "CRM: marked as deleted.")

        self.edit(partner_id, active=True)
        self.run_pending()
        self.assertEqual(self.sent()[1:], [("PUT", "/contacts/1")])
        self.assertIs(self.destination.records["/contacts/1"]["gone"], False)
        self.assertEqual(self.destination.records["/contacts/1"]["name"], "Ada")

    def test_marked_record_is_marked_once(self):
        self.change_stream(delete_policy="mark")
        partner_id = self.delivered_partner()
        self.edit(partner_id, active=False)
        self.run_pending()
        self.delete(partner_id)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.sent(), [("PATCH", "/contacts/1")])
        self.assertFalse(self.outbox())

    def test_ignore_policy_leaves_the_copy(self):
        self.change_stream(delete_policy="ignore")
        partner_id = self.delivered_partner()
        self.delete(partner_id)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.sent(), [])
        self.assertIn("/contacts/1", self.destination.records)
        self.assertFalse(self.outbox())

    def test_ignored_record_that_returns_is_updated(self):
        self.change_stream(delete_policy="ignore")
        partner_id = self.delivered_partner()
        self.edit(partner_id, active=False, name="Grace")
        self.run_pending()
        self.edit(partner_id, active=True)
        self.run_pending()
        self.assertEqual(self.sent(), [("PUT", "/contacts/1")])
