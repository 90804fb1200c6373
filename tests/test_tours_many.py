# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .tour_case import TourCase


@tagged("post_install", "-at_install")
class TestToursMany(TourCase):
    """An administrator types a request that takes many records."""

    stream_options = {"batch_size": 2}

    def test_admin_types_a_request_for_many_records(self):
        self.start_tour("/odoo", "queue_job_sync_many", login="sync_tour_system")
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            self.assertEqual(
                (
                    stream.many_size,
                    stream.many_items,
                    stream.many_key,
                    stream.many_matches,
                    stream.request_ids.mapped("line"),
                ),
                (2, "data", "mail", "{email}", ["POST contacts/many"]),
            )
            partners = env["res.partner"].create(
                [{"name": name, "email": f"{name}@example.com"} for name in "ab"]
            )
            self.partner_ids += partners.ids
        data = [{"id": f"{name}1", "mail": f"{name}@example.com"} for name in "ba"]
        self.destination.answer(200, {"data": data})
        self.assertEqual(self.run_pending(), ["done"])
        found = [self.binding(each)["external_id"] for each in partners.ids]
        self.assertEqual(found, ["a1", "b1"])
