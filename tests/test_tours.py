# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo.tests import tagged

from .common import drop
from .tour_case import TourCase


@tagged("post_install", "-at_install")
class TestTours(TourCase):
    """The ways through the addon, in a browser."""

    def test_user_sees_the_status_of_an_edited_contact(self):
        page = "https://crm.example.com/contacts/{external_id}"
        self.change_stream(record_url=page)
        self.new_partner(name="Ada Lovelace", email="ada@example.com")
        self.assertEqual(self.run_pending(), ["done"])

        self.start_tour(
            "/odoo", "queue_job_sync_contact_edited", login="sync_tour_user"
        )
        job = self.last_job("state", "user_id")
        self.assertEqual(job["state"], "pending")
        self.assertIn("sync_tour_user", job["user_id"][1])
        self.assertEqual(len(self.destination.requests), 1)

        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(
            self.destination.records["/contacts/1"],
            {"name": "Ada King", "email": "ada.king@example.com", "country": None},
        )
        self.start_tour(
            "/odoo", "queue_job_sync_contact_delivered", login="sync_tour_user"
        )

    def test_admin_requeues_a_failed_job(self):
        self.destination.answer(500, {"message": "out of order"}, times=3)
        self.new_partner(name="Grace Hopper")
        (uuid,) = self.job_uuids()
        states = [self.run_job(uuid) for _try in range(3)]
        self.assertEqual(states, ["pending", "pending", "failed"])
        self.new_partner(name="Alan Turing")

        self.start_tour("/odoo", "queue_job_sync_failed_job", login="sync_tour_manager")
        job = self.job(uuid, "state", "retry")
        self.assertEqual((job["state"], job["retry"]), ("pending", 0))
        self.assertFalse(self.destination.records)

        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(
            [record["name"] for record in self.destination.records.values()],
            ["Grace Hopper"],
        )

    def test_admin_sets_up_a_system_and_sends_a_contact(self):
        # the one made in the browser takes the place of the usual one
        self.change_stream(active=False)
        with self.transaction() as env:
            belgium = env.ref("base.be").id
        partner_id = self.new_partner(
            name="Katherine Johnson", email="kj@example.com", country_id=belgium
        )

        self.start_tour(
            "/odoo",
            "queue_job_sync_new_system",
            login="sync_tour_system",
            cookies={"queue_job_sync_destination": self.destination.url},
        )
        self.take_over("Web Shop")
        (probe,) = self.destination.requests
        self.assertEqual((probe.method, probe.path), ("GET", "/"))
        self.assertEqual(probe.headers["Authorization"], "Bearer a-token-of-the-shop")
        (change,) = self.outbox(partner_id)
        self.assertEqual(self.job_uuids("pending"), [change["job_uuid"]])

        self.assertEqual(self.run_pending(), ["done"])
        request = self.destination.requests[-1]
        self.assertEqual((request.method, request.path), ("POST", "/customers"))
        self.assertEqual(request.headers["Authorization"], "Bearer a-token-of-the-shop")
        self.assertEqual(
            self.destination.records,
            {
                "/customers/1": {
                    "name": "Katherine Johnson",
                    "contact": {"mail": "kj@example.com"},
                    "country": "BE",
                }
            },
        )
        binding = self.binding(partner_id)
        self.assertEqual(binding["external_id"], "1")
        self.start_tour(
            f"/odoo/action-queue_job_sync.action_sync_binding/{binding['id']}",
            "queue_job_sync_synchronized_record",
            login="sync_tour_system",
        )

    def test_admin_starts_stops_and_resumes_a_backfill(self):
        self.change_stream(domain="[('ref', '=', 'backfill')]", batch_size=2)
        for number in range(60):
            self.new_partner(name=f"P{number}", ref="backfill")
        for uuid in self.job_uuids():
            self.run_job(uuid)
        self.destination.requests.clear()
        self.start_tour(
            "/odoo", "queue_job_sync_backfill_started", login="sync_tour_manager"
        )
        self.run_steps(1)
        for uuid in self.job_uuids("pending")[:3]:
            self.run_job(uuid)
        with self.transaction() as env:
            backfill = env["sync.backfill"].search([("state", "=", "running")])
            backfill.resumed -= timedelta(minutes=1)
        self.start_tour(
            "/odoo", "queue_job_sync_backfill_stopped", login="sync_tour_manager"
        )
        while self.run_steps(1):
            self.run_pending()
        self.start_tour(
            "/odoo", "queue_job_sync_backfill_done", login="sync_tour_manager"
        )
        self.assertFalse(self.outbox() or self.destination.requests)

    def test_admin_is_told_what_failed_of_a_backfill(self):
        self.change_stream(domain="[('ref', '=', 'backfill')]", batch_size=1)
        for number in range(6):
            self.new_partner(name=f"P{number}", ref="backfill")
        self.run_pending()
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            env["sync.backfill"]._start(stream, resend=True)
        self.run_steps(1)
        for number, uuid in enumerate(self.job_uuids("pending")):
            if number in (3, 5):
                self.destination.answer(422, {"message": "no"})
            self.run_job(uuid)
        while self.run_steps(1):
            self.run_pending()
        self.start_tour(
            "/odoo", "queue_job_sync_backfill_failed", login="sync_tour_manager"
        )

    def run_steps(self, count):
        """Run the steps of backfills that wait; return how many did."""
        steps = self.read(
            "queue.job",
            [("model_name", "=", "sync.backfill"), ("state", "=", "pending")],
            ["uuid"],
            limit=count,
            order="id desc",
        )
        for step in steps:
            self.run_job(step["uuid"])
        return len(steps)

    def take_over(self, name):
        """Look from now on at the only stream of the system of this name."""
        (stream,) = self.read(
            "sync.stream", [("backend_id.name", "=", name)], ["backend_id"]
        )
        self.stream_id = stream["id"]
        self.backend_id = stream["backend_id"][0]

    def _delete_everything(self):
        # what was set up in the browser, even if the tour has failed
        with self.transaction() as env:
            everything = env["sync.backend"].with_context(active_test=False)
            backends = everything.search([("url", "=", self.destination.url)])
            streams = backends.stream_ids
            env["queue.job"].search([("sync_backend_id", "in", backends.ids)]).unlink()
            drop(streams)
            drop(backends)
        return super()._delete_everything()
