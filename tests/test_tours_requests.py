# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .tour_case import TourCase


@tagged("post_install", "-at_install")
class TestToursRequests(TourCase):
    """An administrator types a request that the system wants otherwise."""

    def test_admin_types_a_request(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.start_tour("/odoo", "queue_job_sync_requests", login="sync_tour_system")
        [request] = self.read(
            "sync.request",
            [("stream_id", "=", self.stream_id)],
            ["kind", "line", "body"],
        )
        self.assertEqual(
            (request["kind"], request["line"], request["body"]),
            ("remove", "DELETE contacts/{id}?force=true", False),
        )
        self.delete(partner_id)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.destination.requests[-1].path, "/contacts/1?force=true")

    def test_admin_has_records_looked_for(self):
        self.start_tour(
            "/odoo", "queue_job_sync_already_there", login="sync_tour_system"
        )
        domain = [("id", "=", self.stream_id)]
        names = ["already_there", "found_where", "version_where", "version_header"]
        [stream] = self.read("sync.stream", domain, names)
        values = ("find", "results[*].id", "headers.ETag", "If-Match")
        self.assertEqual(tuple(stream[name] for name in names), values)
        [request] = self.read(
            "sync.request", [("stream_id", "=", self.stream_id)], ["kind", "line"]
        )
        self.assertEqual(request["kind"], "find")
