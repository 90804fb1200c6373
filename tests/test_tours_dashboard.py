# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import threading
import time
from contextlib import suppress

from websocket import WebSocketTimeoutException

from odoo.tests import tagged

from odoo.addons.bus.models.bus import channel_with_db, dispatch
from odoo.addons.bus.tests.common import WebsocketCase

from ..models.sync_backend_nudge import CHANNEL, MESSAGE
from .test_tours_jobs import JobsTourCase
from .tour_case import TourCase

PATIENCE = 60  # seconds
# Seconds until a dashboard that has just been opened has done with older messages.
STALE = 5
# Seconds in which a message that is on its way arrives.
ARRIVAL = 3


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
                time.sleep(STALE)
                states.extend(self.run_pending())
                return
            time.sleep(0.1)

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
class TestDashboardWebsocket(TourCase, WebsocketCase):
    """Who is sent what, over a real websocket."""

    def listen(self, login):
        """Open a websocket as a user's dashboard does."""
        session = self.authenticate(login, login)
        websocket = self.websocket_connect(cookie=f"session_id={session.sid}")
        self.subscribe(websocket, [CHANNEL], 0)
        return websocket

    def received(self, websocket):
        """Return the ids of systems that a dashboard was told about, till now."""
        websocket.settimeout(ARRIVAL)
        ids = []
        with suppress(WebSocketTimeoutException):
            while self.backend_id not in ids:
                for each in json.loads(websocket.recv()):
                    if each["message"]["type"] == MESSAGE:
                        ids.append(each["message"]["payload"]["id"])
        return ids

    def test_only_who_may_see_the_system_is_told(self):
        manager = self.listen("sync_tour_manager")
        user = self.listen("sync_tour_user")
        with self.transaction() as env:
            group = env.ref("queue_job.group_queue_job_manager")
            channel = channel_with_db(env.cr.dbname, (group, "queue_job_sync"))
        self.assertEqual(len(dispatch._channels_to_ws.get(channel, ())), 1)
        self.new_partner(name="Ada Lovelace")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertIn(self.backend_id, self.received(manager))
        self.assertEqual(self.received(user), [])

    def test_a_system_of_another_company_is_not_told_about(self):
        with self.transaction() as env:
            company = env["res.company"].create({"name": "Elsewhere"})
            env["sync.backend"].browse(self.backend_id).company_id = company
        self.addCleanup(self.change_backend, company_id=False)
        manager = self.listen("sync_tour_manager")
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id).action_pause()
        self.assertNotIn(self.backend_id, self.received(manager))
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id).company_id = False
            env["sync.incident"].search([]).unlink()
            company.with_env(env).unlink()
