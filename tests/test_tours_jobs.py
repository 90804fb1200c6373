# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import time
from unittest.mock import patch

from odoo.tests import tagged

from ..wizards import sync_job_batches
from ..wizards.sync_job_batches import SyncJobBatches
from .tour_case import TourCase


class JobsTourCase(TourCase):
    def setUp(self):
        super().setUp()
        # the tour selects all jobs of the list: what others have left, and what systems
        # that others have set up make of these contacts, would be in it
        with self.transaction() as env:
            env["queue.job"].search([]).unlink()
            streams = env["sync.stream"].search([("id", "!=", self.stream_id)])
            streams.active = False
        self.new_partner(name="Ada Lovelace")
        self.assertEqual(self.run_pending(), ["done"])
        self.destination.answer(500, {"message": "out of order"}, times=3)
        self.new_partner(name="Grace Hopper")
        self.failed_uuid = self.job_uuids()[-1]
        states = [self.run_job(self.failed_uuid) for _try in range(3)]
        self.assertEqual(states, ["pending", "pending", "failed"])
        self.new_partner(name="Alan Turing")


@tagged("post_install", "-at_install")
class TestToursJobs(JobsTourCase):
    """The screens about jobs, as an admin and as somebody who is none."""

    def test_admin_looks_into_jobs_and_changes_them(self):
        self.start_tour(
            "/odoo", "queue_job_sync_jobs_screens", login="sync_tour_manager"
        )
        jobs = self.read(
            "queue.job",
            [("sync_stream_id", "=", self.stream_id)],
            ["state", "priority"],
            order="id",
        )
        self.assertEqual(
            [(job["state"], job["priority"] == 3) for job in jobs],
            [("done", False), ("failed", True), ("pending", True)],
        )

    def test_admin_decides_about_several_jobs_at_once(self):
        self.start_tour(
            "/odoo/action-queue_job.action_queue_job",
            "queue_job_sync_jobs_mass",
            login="sync_tour_manager",
        )
        jobs = self.read(
            "queue.job",
            [("sync_stream_id", "=", self.stream_id)],
            ["state", "sync_record_name"],
            order="id",
        )
        self.assertEqual(
            [(job["sync_record_name"], job["state"]) for job in jobs],
            [
                ("Ada Lovelace", "done"),
                ("Grace Hopper", "done"),
                ("Alan Turing", "cancelled"),
            ],
        )
        # nothing is left to be delivered, and the contacts tell who decided
        self.assertFalse(
            self.read("sync.outbox", [("stream_id", "=", self.stream_id)], [])
        )

    def decide_about_all(self, tour):
        """Decide about jobs of two pages, some at a time; return their states."""
        self.change_stream(batch_size=1)
        with self.transaction() as env:
            values = [{"name": f"P{number}"} for number in range(99)]
            self.partner_ids += env["res.partner"].create(values).ids
        decide = SyncJobBatches.decide_batch

        def slowly(*args):
            time.sleep(0.3)
            return decide(*args)

        with (
            patch.object(sync_job_batches, "BATCH", 20),
            patch.object(SyncJobBatches, "decide_batch", slowly),
        ):
            self.start_tour(
                "/odoo/action-queue_job.action_queue_job",
                tour,
                login="sync_tour_manager",
            )
        mine = [("sync_stream_id", "=", self.stream_id)]
        jobs = self.read("queue.job", mine, ["state"], order="id")
        return [job["state"] for job in jobs]

    def test_admin_decides_about_all_that_the_list_has(self):
        states = self.decide_about_all("queue_job_sync_jobs_all")
        self.assertEqual(states, ["done"] + ["cancelled"] * 101)

    def test_admin_stops_what_was_begun(self):
        states = self.decide_about_all("queue_job_sync_jobs_stop")
        done = states.count("done")
        self.assertIn(done - 1, range(20, 101, 20))
        self.assertEqual(states.count("pending") + states.count("failed"), 102 - done)

    def test_admin_knows_states_by_their_colors(self):
        self.start_tour(
            "/odoo/action-queue_job_sync.action_queue_job_statistics",
            "queue_job_sync_jobs_graph",
            login="sync_tour_manager",
        )

    def test_back_office_sees_nothing_of_jobs(self):
        self.start_tour("/odoo", "queue_job_sync_no_jobs", login="sync_tour_user")


@tagged("post_install", "-at_install")
class TestToursJobsPhone(JobsTourCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_admin_finds_out_on_a_phone_why_a_job_failed(self):
        self.start_tour(
            "/odoo/action-queue_job.action_queue_job",
            "queue_job_sync_jobs_phone",
            login="sync_tour_manager",
        )
