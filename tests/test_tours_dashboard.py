# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import threading
import time

from odoo.tests import tagged

from .health_case import be_server
from .test_tours_jobs import JobsTourCase
from .tour_case import TourCase

PATIENCE = 60  # seconds


@tagged("post_install", "-at_install")
class TestToursDashboard(JobsTourCase):
    """An admin's first screen."""

    def test_admin_sees_failures_pauses_resumes_and_tests(self):
        self.start_tour("/odoo", "queue_job_sync_dashboard", login="sync_tour_system")
        incidents = self.read(
            "sync.incident",
            [("backend_id", "=", self.backend_id)],
            ["kind", "closed", "opened_uid"],
        )
        self.assertEqual([each["kind"] for each in incidents], ["manual"])
        self.assertTrue(incidents[0]["closed"])
        self.assertEqual(self.destination.requests[-1].method, "GET")

    def test_manager_recovers_what_has_failed(self):
        self.start_tour(
            "/odoo", "queue_job_sync_dashboard_recover", login="sync_tour_manager"
        )
        self.assertEqual(self.job(self.failed_uuid, "state")["state"], "pending")

    def test_manager_filters_by_the_summary_and_sees_the_list(self):
        self.start_tour(
            "/odoo", "queue_job_sync_dashboard_overview", login="sync_tour_manager"
        )


@tagged("post_install", "-at_install")
class TestToursDashboardPhone(JobsTourCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_nothing_sticks_out_on_a_phone(self):
        self.start_tour(
            "/odoo/synchronization",
            "queue_job_sync_dashboard_phone",
            login="sync_tour_manager",
        )


@tagged("post_install", "-at_install")
class TestToursDashboardLive(TourCase):
    """Cards change by themselves."""

    def test_a_delivery_is_seen_at_once(self):
        self.new_partner(name="Ada Lovelace")
        self.assertEqual(self.run_pending(), ["done"])
        states = []
        worker = threading.Thread(target=self.deliver_next, args=(states,))
        worker.start()
        try:
            self.start_tour(
                "/odoo", "queue_job_sync_dashboard_live", login="sync_tour_system"
            )
        finally:
            worker.join()
        self.assertEqual(states, ["done"])
        self.assertEqual(self.destination.records["/contacts/1"]["name"], "Ada King")

    def deliver_next(self, states):
        """Be the worker that runs the job of an edit made in the browser."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.job_uuids("pending"):
                states.extend(self.run_pending())
                return
            time.sleep(0.1)

    def test_nothing_is_read_while_nobody_looks(self):
        self.start_tour(
            "/odoo", "queue_job_sync_dashboard_seen", login="sync_tour_system"
        )

    def test_first_system(self):
        with self.transaction() as env:
            backends = env["sync.backend"].search([])
            backends.active = False
        self.addCleanup(self.unarchive, backends.ids)
        self.start_tour(
            "/odoo", "queue_job_sync_dashboard_empty", login="sync_tour_system"
        )

    def unarchive(self, backend_ids):
        with self.transaction() as env:
            env["sync.backend"].browse(backend_ids).active = True


@tagged("post_install", "-at_install")
class TestToursHealth(TourCase):
    """Jobs can take every worker."""

    def setUp(self):
        super().setUp()
        be_server(self, channels="root:4")

    def test_admin_gets_the_lines_for_the_configuration(self):
        self.start_tour("/odoo", "queue_job_sync_health", login="sync_tour_system")

    def test_manager_is_told_whom_to_tell(self):
        self.start_tour(
            "/odoo", "queue_job_sync_health_manager", login="sync_tour_manager"
        )
