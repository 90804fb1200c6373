# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import runpy
from pathlib import Path

from odoo.tests import tagged

from .common import DeliveryCase

MIGRATION = Path(__file__).parents[1] / "migrations/19.0.6.0.0/end-absent.py"


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

    def states(self, partner_id):
        """Return what a contact says, which filter finds it, and what its copy says."""
        mine = [("id", "=", partner_id), ("active", "in", [True, False])]
        (said,) = self.read("res.partner", mine, ["sync_state"])
        state = said["sync_state"]
        found = self.read("res.partner", [*mine, ("sync_state", "=", state)], [])
        copy = self.read("sync.binding", [("res_id", "=", partner_id)], ["state"])
        return state, len(found), *(each["state"] for each in copy)

    def test_archived_record_says_that_it_is_deleted_there(self):
        for policy in ("delete", "mark"):
            with self.subTest(policy):
                self.change_stream(delete_policy=policy, mark_key="gone")
                partner_id = self.delivered_partner()
                self.assertEqual(self.states(partner_id), ("synced", 1, "synced"))
                self.edit(partner_id, active=False)
                # nobody has confirmed it yet
                self.assertEqual(self.states(partner_id), ("waiting", 1, "waiting"))
                self.run_pending()
                self.assertEqual(self.states(partner_id), ("deleted", 1, "deleted"))
                self.edit(partner_id, active=True)
                self.run_pending()
                self.assertEqual(self.states(partner_id), ("synced", 1, "synced"))

    def test_record_that_is_never_sent_says_nothing_once_it_is_archived(self):
        partner_id = self.new_partner()
        self.edit(partner_id, active=False)
        self.run_pending()
        self.assertEqual(self.states(partner_id)[:2], (False, 1))

    def test_what_was_deleted_there_before_the_upgrade(self):
        self.change_stream(delete_policy="delete")
        gone = self.delivered_partner()
        self.edit(gone, active=False)
        self.run_pending()
        self.change_stream(delete_policy="mark", mark_key="gone")
        marked, there = self.delivered_partner(), self.delivered_partner()
        self.edit(marked, active=False)
        self.run_pending()
        with self.transaction() as env:
            env.cr.execute("UPDATE sync_binding SET absent = NULL")
            runpy.run_path(MIGRATION)["migrate"](env.cr, "19.0.5.0.0")
        self.assertEqual(self.states(gone)[0], "deleted")
        self.assertEqual(self.states(marked)[0], "deleted")
        self.assertEqual(self.states(there)[0], "synced")

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
