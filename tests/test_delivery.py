# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.tests import tagged

from .common import DeliveryCase


@tagged("post_install", "-at_install")
class TestDelivery(DeliveryCase):
    """What arrives at the destination, and what does not."""

    def methods(self):
        return [request.method for request in self.destination.requests]

    def keys(self):
        return [
            request.headers["Idempotency-Key"] for request in self.destination.requests
        ]

    def send_now(self, partner_id):
        with self.transaction() as env:
            env["res.partner"].browse(partner_id).action_sync_now()

    def test_new_contact_is_posted_and_its_id_kept(self):
        partner_id = self.new_partner(name="Ada", email="ada@example.com")
        self.assertEqual(self.run_pending(), ["done"])
        (request,) = self.destination.requests
        self.assertEqual((request.method, request.path), ("POST", "/contacts"))
        self.assertEqual(
            request.json, {"name": "Ada", "email": "ada@example.com", "country": None}
        )
        binding = self.binding(partner_id)
        self.assertEqual(binding["external_id"], "1")
        self.assertTrue(binding["last_success"])
        self.assertFalse(self.outbox())
        (uuid,) = self.job_uuids()
        self.assertEqual(self.job(uuid, "result")["result"], "CRM: delivered as 1.")

    def test_edit_updates_by_that_id(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.edit(partner_id, name="Ada Lovelace")
        self.assertEqual(self.run_pending(), ["done"])
        request = self.destination.requests[-1]
        self.assertEqual((request.method, request.path), ("PUT", "/contacts/1"))
        self.assertEqual(request.json["name"], "Ada Lovelace")
        self.assertEqual(self.destination.records["/contacts/1"], request.json)

    def test_edit_is_a_patch_where_the_stream_says_so(self):
        self.change_stream(update_method="patch")
        partner_id = self.new_partner()
        self.run_pending()
        self.edit(partner_id, email="ada@example.com")
        self.run_pending()
        self.assertEqual(self.methods(), ["POST", "PATCH"])

    def test_link_is_followed_to_its_value(self):
        with self.transaction() as env:
            belgium = env.ref("base.be").id
        self.new_partner(country_id=belgium)
        self.run_pending()
        self.assertEqual(self.destination.requests[0].json["country"], "BE")

    def test_dots_in_a_name_nest_the_content(self):
        self.change_stream(
            mapping_ids=[
                fields.Command.clear(),
                fields.Command.create({"field_path": "name", "target": "name"}),
                fields.Command.create({"field_path": "city", "target": "address.city"}),
                fields.Command.create({"field_path": "zip", "target": "address.code"}),
            ]
        )
        self.new_partner(city="London", zip="W1")
        self.run_pending()
        self.assertEqual(
            self.destination.requests[0].json,
            {"name": "Ada", "address": {"city": "London", "code": "W1"}},
        )

    def test_line_added_to_the_mapping_is_sent_and_watched(self):
        partner_id = self.new_partner()
        self.run_pending()
        with self.transaction() as env:
            line = env["sync.mapping"].create(
                {
                    "stream_id": self.stream_id,
                    "field_path": "city",
                    "target": "town",
                }
            )
        self.edit(partner_id, city="London")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.destination.requests[-1].json["town"], "London")
        with self.transaction() as env:
            env["sync.mapping"].browse(line.id).unlink()
        self.edit(partner_id, city="Paris")
        self.assertFalse(self.job_uuids("pending"))

    def test_odoo_id_is_the_id_where_the_stream_says_so(self):
        self.destination.upsert = True
        self.change_stream(id_policy="odoo")
        partner_id = self.new_partner()
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.edit(partner_id, name="Grace Hopper")
        self.run_pending()
        self.assertEqual(
            [(r.method, r.path) for r in self.destination.requests],
            [("PUT", f"/contacts/{partner_id}")] * 2,
        )
        self.assertFalse(self.binding(partner_id)["external_id"])

    def test_what_is_sent_is_the_record_as_it_is_then(self):
        partner_id = self.new_partner(name="First")
        self.edit(partner_id, name="Second")
        first, second = self.job_uuids()
        self.assertEqual(self.run_job(first), "done")
        (request,) = self.destination.requests
        self.assertEqual(request.json["name"], "Second")
        # the second job's change was covered: it is done as well
        shown = ("state", "result", "sync_carrier_uuid", "sync_delivery_ids")
        job = self.job(second, *shown)
        self.assertEqual(job["state"], "done")
        self.assertEqual(
            job["result"], "CRM: delivered as 1. Together with other changes."
        )
        self.assertEqual(job["sync_carrier_uuid"], first)
        (delivery,) = self.job(first, "sync_delivery_ids")["sync_delivery_ids"]
        self.assertEqual(job["sync_delivery_ids"], [delivery])
        self.assertEqual(self.job_uuids("pending"), [])

    def test_job_that_is_on_its_way_finds_its_change_covered(self):
        partner_id = self.new_partner(name="First")
        self.edit(partner_id, name="Second")
        first, second = self.job_uuids()
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET state = 'enqueued' WHERE uuid = %s", (second,)
            )
        self.assertEqual(self.run_job(first), "done")
        self.assertEqual(self.job(second, "state")["state"], "enqueued")
        self.assertEqual(self.run_job(second), "done")
        self.assertEqual(len(self.destination.requests), 1)
        self.assertIn("already delivered", self.job(second, "result")["result"])
        # and links to what was sent for it
        sent = self.job(first, "sync_delivery_ids")["sync_delivery_ids"]
        job = self.job(second, "sync_delivery_ids", "sync_along_count")
        self.assertEqual(len(sent), 1)
        self.assertEqual(job["sync_delivery_ids"], sent)
        self.assertEqual(job["sync_along_count"], 1)
        with self.transaction() as env:
            job = env["queue.job"].search([("uuid", "=", second)])
            self.assertEqual(job.action_delivery()["res_id"], sent[0])

    def test_older_job_that_runs_later_does_not_bring_back_the_past(self):
        partner_id = self.new_partner(name="First")
        self.edit(partner_id, name="Second")
        first, second = self.job_uuids()
        self.run_job(second)
        self.run_job(first)
        self.assertEqual(
            [request.json["name"] for request in self.destination.requests], ["Second"]
        )

    def test_unchanged_content_is_not_sent(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.edit(partner_id, name="Ida")
        self.edit(partner_id, name="Ada")
        self.assertEqual(self.run_pending(), ["done", "done"])
        self.assertEqual(len(self.destination.requests), 1)
        self.assertFalse(self.outbox())
        uuid = self.job_uuids()[1]
        self.assertEqual(self.job(uuid, "result")["result"], "CRM: nothing to send.")

    def test_asking_for_it_sends_what_has_not_changed(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.send_now(partner_id)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.methods(), ["POST", "PUT"])
        first, again = self.destination.requests
        self.assertEqual(first.json, again.json)
        # or a destination that remembers keys would not apply it
        self.assertNotEqual(*self.keys())

    def test_content_that_comes_back_has_a_new_key(self):
        partner_id = self.new_partner(name="A")
        self.run_pending()
        for name in ("B", "A"):
            self.edit(partner_id, name=name)
            self.run_pending()
        self.assertEqual(
            [request.json["name"] for request in self.destination.requests],
            ["A", "B", "A"],
        )
        self.assertEqual(len(set(self.keys())), 3)

    def test_retry_of_the_same_content_has_the_same_key(self):
        self.destination.answer(500)
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(self.run_job(uuid), "done")
        first, second = self.keys()
        self.assertTrue(first)
        self.assertEqual(first, second)

    def test_retry_of_other_content_has_another_key(self):
        self.destination.answer(500)
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        self.run_job(uuid)
        self.edit(partner_id, name="Grace")
        self.run_job(uuid)
        # what may have been created is asked for once more before the new content
        first, again, update = self.keys()
        self.assertEqual(first, again)
        self.assertNotEqual(again, update)

    def test_record_lost_by_the_destination_is_created_again(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.prove("create", "update")
        self.destination.records.clear()
        self.edit(partner_id, name="Grace")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.methods(), ["POST", "PUT", "POST"])
        self.assertEqual(self.binding(partner_id)["external_id"], "2")
        self.edit(partner_id, name="Grace Hopper")
        self.run_pending()
        self.assertEqual(self.destination.requests[-1].path, "/contacts/2")

    def test_delivery_is_logged(self):
        partner_id = self.new_partner()
        self.run_pending()
        (delivery,) = self.read("sync.delivery", [("res_id", "=", partner_id)], [])
        self.assertEqual(delivery["state"], "success")
        self.assertEqual(delivery["operation"], "upsert")
        self.assertEqual(delivery["job_uuid"], self.job_uuids()[0])
        self.assertEqual(delivery["request"], f"POST {self.destination.url}/contacts")
        self.assertIn('"name":"Ada"', delivery["request_body"])
        self.assertEqual(delivery["status"], "201")
        self.assertIn('"id": "1"', delivery["response"])
        self.assertGreaterEqual(delivery["duration"], 0)
