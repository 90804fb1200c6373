# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine import store, waiting
from ..engine.run import Run
from ..exceptions import Rejected
from .common import DeliveryCase


@tagged("post_install", "-at_install")
class TestDeliveryBatch(DeliveryCase):
    """One job for many records: each of them counts for itself."""

    stream_options = {"batch_size": 2}

    def setUp(self):
        super().setUp()
        # the answers of a test are meant for one record after the other
        self.change_backend(concurrency=1)

    def new_partners(self, *names):
        """Commit new contacts in one transaction, and return their ids."""
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": name} for name in names])
            self.partner_ids += partners.ids
        return partners.ids

    def edit_all(self, partner_ids, **values):
        with self.transaction() as env:
            env["res.partner"].browse(partner_ids).write(values)

    def jobs_of(self, state):
        return self.read(
            "queue.job",
            [("sync_stream_id", "=", self.stream_id), ("state", "=", state)],
            ["uuid", "name", "result", "sync_res_id", "failure_reason", "eta"],
            order="id",
        )

    def rows_by_record(self):
        return {row["res_id"]: row["job_uuid"] for row in self.outbox()}

    def test_many_records_are_sent_by_few_jobs(self):
        ids = self.new_partners("A", "B", "C")
        first, last = self.jobs_of("pending")
        self.assertFalse(first["sync_res_id"])
        self.assertEqual(last["sync_res_id"], ids[2])
        self.assertEqual(self.run_pending(), ["done", "done"])
        self.assertEqual(
            [request.json["name"] for request in self.destination.requests],
            ["A", "B", "C"],
        )
        self.assertFalse(self.outbox())
        for number, partner_id in enumerate(ids, 1):
            self.assertEqual(self.binding(partner_id)["external_id"], str(number))

    def test_system_that_refuses_to_be_opened_is_no_fault_of_its_records(self):
        self.change_stream(batch_size=3)
        self.new_partners("A", "B", "C")
        (uuid,) = self.job_uuids()
        refused = Rejected("This folder is none.")
        backends = self.registry["sync.backend"]
        with patch.object(backends, "_transport_rest", side_effect=refused):
            self.assertEqual(self.run_job(uuid), "failed")
        # one job for all of them, as before
        self.assertEqual(self.job_uuids(), [uuid])
        self.assertEqual(set(self.rows_by_record().values()), {uuid})
        self.assertFalse(self.read("sync.attempt", [], []))

    def test_content_that_cannot_be_told_does_not_hold_up_the_others(self):
        self.change_stream(batch_size=3)
        good, bad, other = self.new_partners("A", "B", "C")

        def payload(record, stream):
            if record.id == bad:
                record.env.cr.execute("SELECT 1 / 0")
            return original(record, stream)

        partners = self.registry["res.partner"]
        original = partners._sync_payload
        self.patch(partners, "_sync_payload", payload)
        (chunk,) = self.job_uuids()
        with mute_logger("odoo.sql_db"):
            self.assertEqual(self.run_job(chunk), "done")
            self.assertEqual(set(self.rows_by_record()), {bad})
            for partner_id in (good, other):
                self.assertTrue(self.binding(partner_id)["external_id"])
            (own,) = self.jobs_of("pending")
            self.assertEqual((own["sync_res_id"], own["name"]), (bad, "CRM: B"))
            self.assertEqual(self.run_job(own["uuid"]), "failed")
        (failed,) = self.jobs_of("failed")
        self.assertIn("division by zero", failed["failure_reason"])

    def test_batch_that_fails_as_a_whole_is_tried_again_as_a_whole(self):
        self.new_partners("A", "B")
        for _request in range(2):
            self.destination.answer(500)
        (chunk,) = self.job_uuids()
        self.assertEqual(self.run_job(chunk), "pending")
        self.assertEqual(self.job(chunk, "retry")["retry"], 1)
        self.assertEqual(self.run_job(chunk), "done")
        self.assertEqual(len(self.destination.records), 2)
        self.assertEqual(self.job_uuids(), [chunk])

    @contextmanager
    def being_sent(self, *partner_ids):
        """Hold contacts as a job does that is sending them."""
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            ids = set(partner_ids)
            self.assertEqual(store.claim(env.cr, stream.id, list(ids), len(ids)), ids)
            self.assertEqual(len(store.lock_bindings(stream, ids)), len(ids))
            yield

    def look_everywhere(self):
        """Wake who was forgotten, as a scheduled action does each minute."""
        with self.transaction() as env:
            waiting.look_everywhere(env)

    def assertWaitsForRecord(self, uuid, partner_id):
        """Assert that a job sleeps until a contact is sent, and used no try."""
        job = self.job(uuid, "state", "retry", "sync_wait_key", "state_reason")
        self.assertEqual((job["state"], job["retry"]), ("pending", 0))
        self.assertEqual(job["sync_wait_key"], f"record:{self.stream_id}:{partner_id}")
        self.assertEqual(job["state_reason"], "Another job is sending this record.")

    def test_batch_whose_records_are_all_being_sent_sleeps(self):
        ids = self.new_partners("A", "B")
        self.run_pending()
        self.edit_all(ids, email="all@example.com")
        (chunk,) = self.job_uuids("pending")
        with self.being_sent(*ids):
            self.assertEqual(self.run_job(chunk), "pending")
            self.assertWaitsForRecord(chunk, ids[0])
            self.look_everywhere()
            self.assertEqual(self.asleep(), [chunk])
        self.look_everywhere()
        self.assertEqual(self.awake(), [chunk])
        self.assertEqual(self.run_pending(), ["done"])

    def watch(self):
        """Do what the cron does each minute."""
        with self.transaction() as env:
            env["sync.incident"]._cron_watch()

    def test_binding_that_is_locked_by_something_else_is_waited_for(self):
        """As by a person who closes a job; nobody is told when that is over."""
        ids = self.new_partners("A", "B")
        self.run_pending()
        self.edit_all(ids, email="all@example.com")
        (chunk,) = self.job_uuids("pending")
        with self.registry.cursor() as cr:
            cr.execute(
                "SELECT id FROM sync_binding WHERE stream_id = %s FOR NO KEY UPDATE",
                (self.stream_id,),
            )
            self.assertEqual(self.run_job(chunk), "pending")
            self.assertEqual(self.job(chunk, "retry")["retry"], 0)
            self.assertEqual(self.awake(), [])
            self.watch()
            self.assertEqual(self.awake(), [])
        self.watch()
        self.assertEqual(self.awake(), [chunk])
        self.assertEqual(self.run_pending(), ["done"])

    def test_delivered_records_cost_one_look(self):
        ids = self.new_partners("A", "B")
        self.edit_all(ids, email="all@example.com")
        first, second = self.job_uuids()
        self.assertEqual(self.run_job(first), "done")
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            system = stream.backend_id.name
            before = env.cr.sql_log_count
            result = Run(stream, ids).go()
            # whether the stream exists, and what is owed
            self.assertEqual(env.cr.sql_log_count - before, 2)
        self.assertEqual(result, f"{system}: already delivered by another job.")
        self.assertEqual(self.job(second, "state")["state"], "done")
        self.assertEqual(len(self.destination.requests), 2)

    def test_result_counts_what_happened(self):
        self.change_stream(batch_size=3)
        ids = self.new_partners("A", "B", "C", "D")
        self.run_pending()
        with self.transaction() as env:
            partners = env["res.partner"].browse(ids)
            partners.write({"email": "all@example.com"})
            partners[0].email = False
        (uuid,) = (j["uuid"] for j in self.jobs_of("pending") if not j["sync_res_id"])
        self.run_job(uuid)
        self.assertEqual(
            self.job(uuid, "result")["result"],
            "CRM: 2 delivered, 1 unchanged, 0 left to another job.",
        )

    def test_refused_record_does_not_hold_up_the_others(self):
        self.change_stream(batch_size=3)
        good, bad, other, _last = self.new_partners("A", "B", "C", "D")
        self.destination.answer(201, {"id": "a"})
        self.destination.answer(422, {"message": "B is taken"})
        chunk, last = self.job_uuids()
        self.assertEqual(self.run_job(chunk), "done")
        self.assertEqual(
            self.job(chunk, "result")["result"],
            "CRM: 2 delivered, 0 unchanged, 1 left to another job.",
        )
        self.assertEqual(self.binding(good)["external_id"], "a")
        self.assertTrue(self.binding(other)["external_id"])
        self.assertFalse(self.binding(bad)["external_id"])

        # its job is told so, and does not ask again
        self.assertEqual([job["uuid"] for job in self.jobs_of("pending")], [last])
        (failed,) = self.jobs_of("failed")
        self.assertIn("B is taken", failed["failure_reason"])
        self.assertIn("B is taken", self.binding(bad)["last_error"])
        (delivery,) = self.read("sync.delivery", [("res_id", "=", bad)], ["state"])
        self.assertEqual(delivery["state"], "failed")
        # and shows what was sent, and answered
        shown = self.job(failed["uuid"], "sync_delivery_ids", "sync_along_count")
        self.assertEqual(shown["sync_delivery_ids"], [delivery["id"]])
        self.assertEqual(shown["sync_along_count"], 1)

    def test_record_that_another_job_holds_does_not_hold_up_the_others(self):
        self.change_stream(batch_size=3)
        ids = self.new_partners("A", "B", "C", "D")
        self.run_pending()
        self.edit_all(ids, email="all@example.com")
        chunk, last = self.job_uuids("pending")
        with self.being_sent(ids[1]):
            self.assertEqual(self.run_job(chunk), "pending")
            self.assertWaitsForRecord(chunk, ids[1])
        # nothing is handed on: it is the job that comes back for it
        self.assertEqual(self.rows_by_record(), {ids[1]: chunk, ids[3]: last})
        self.assertEqual(self.job_uuids("pending"), [chunk, last])
        self.look_everywhere()
        self.assertEqual(self.awake(), [chunk, last])
        self.assertEqual(self.run_pending(), ["done", "done"])
        self.assertFalse(self.outbox())
        for record in self.destination.records.values():
            self.assertEqual(record["email"], "all@example.com")
        self.assertEqual(len(self.destination.requests), 8)

    def test_batch_stays_one_job_while_nobody_answers(self):
        self.change_stream(batch_size=3)
        self.new_partners("A", "B", "C", "D")
        self.destination.answer(503)
        chunk, _last = self.job_uuids()
        self.assertEqual(self.run_job(chunk), "pending")
        self.assertEqual(self.job(chunk, "retry")["retry"], 1)
        # the first one told enough; and there is still one job for the three
        self.assertEqual(len(self.destination.requests), 1)
        self.assertEqual(len(self.job_uuids()), 2)

    def test_records_after_a_request_for_patience_wait_as_long(self):
        self.change_stream(batch_size=3)
        sent, *others, _last = self.new_partners("A", "B", "C", "D")
        self.destination.answer(201, {"id": "a"})
        self.destination.answer(429, headers={"Retry-After": "120"})
        chunk, last = self.job_uuids()
        self.assertEqual(self.run_job(chunk), "pending")
        self.assertEqual(self.binding(sent)["external_id"], "a")
        # the rest stays with its job, which uses no try
        self.assertEqual(self.job_uuids(), [chunk, last])
        self.assertEqual(
            {id_: uuid for id_, uuid in self.rows_by_record().items() if uuid != last},
            dict.fromkeys(others, chunk),
        )
        job = self.job(chunk, "retry", "eta", "sync_wait_key")
        self.assertEqual((job["retry"], job["sync_wait_key"]), (0, False))
        wait = job["eta"] - fields.Datetime.now()
        self.assertAlmostEqual(wait.total_seconds(), 120, delta=5)
        self.assertEqual(self.run_job(last), "pending")
        self.assertEqual(len(self.destination.requests), 2)
        self.outlast_patience()
        self.assertEqual(self.run_job(chunk), "done")
        self.assertEqual(len(self.destination.requests), 4)
        self.assertEqual(self.awake(), [last])

    def test_deleted_records_of_a_batch_are_deleted_there(self):
        self.change_stream(batch_size=3)
        ids = self.new_partners("A", "B", "C", "D")
        self.run_pending()
        with self.transaction() as env:
            env["res.partner"].browse(ids).unlink()
        self.assertEqual(self.run_pending(), ["done", "done"])
        self.assertFalse(self.destination.records)
        self.assertFalse(self.outbox())

    def test_batch_endpoint_takes_many_records_at_once(self):
        self.change_stream(batch_size=3, batch_endpoint="contacts/batch")
        good, bad, other, _last = self.new_partners("A", "B", "C", "D")
        self.destination.answer(
            207,
            {
                "items": [
                    {"key": other, "status": 201, "id": "c"},
                    {"key": bad, "status": 422, "error": "B is taken"},
                    {"key": good, "status": 201, "id": "a"},
                ]
            },
        )
        chunk, _single = self.job_uuids()
        self.assertEqual(self.run_job(chunk), "done")
        [request] = self.destination.requests
        self.assertEqual((request.method, request.path), ("POST", "/contacts/batch"))
        self.assertEqual(self.binding(good)["external_id"], "a")
        self.assertEqual(self.binding(other)["external_id"], "c")
        (delivery,) = self.read("sync.delivery", [("res_id", "=", bad)], [])
        self.assertEqual((delivery["state"], delivery["status"]), ("failed", "422"))
        self.assertIn("B is taken", delivery["error"])
        self.assertIn("(3 items)", delivery["request"])

    def test_outage_of_a_batch_is_one_attempt(self):
        self.change_stream(batch_size=3, batch_endpoint="contacts/batch")
        self.new_partners("A", "B", "C", "D")
        self.destination.answer(503)
        chunk, _single = self.job_uuids()
        self.assertEqual(self.run_job(chunk), "pending")
        log = self.read("sync.delivery", [("stream_id", "=", self.stream_id)], [])
        self.assertEqual([line["status"] for line in log], ["503"])
