# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .test_trial import Wrapping
from .tour_case import TourCase


@tagged("post_install", "-at_install")
class TestToursTrial(TourCase):
    """A synchronization that is tried by a system administrator."""

    destination_class = Wrapping

    def test_the_id_is_clicked(self):
        self.start_tour(
            f"/odoo/action-queue_job_sync.action_sync_stream/{self.stream_id}",
            "queue_job_sync_trial",
            login="sync_tour_system",
        )
        (stream,) = self.read(
            "sync.stream", [("id", "=", self.stream_id)], ["external_id_key"]
        )
        self.assertEqual(stream["external_id_key"], "data[0].details.id")
        asked = [(each.method, each.path) for each in self.destination.requests]
        self.assertEqual(
            asked,
            [
                ("POST", "/contacts"),
                ("GET", "/contacts/1"),
                ("PUT", "/contacts/1"),
                ("DELETE", "/contacts/1"),
                ("GET", "/contacts/1"),
            ],
        )
        with self.transaction() as env:
            env["sync.trial"].search([]).unlink()
