# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .doubt_case import put_in_doubt
from .tour_case import TourCase


@tagged("post_install", "-at_install")
class TestToursClarify(TourCase):
    """People say what is there of records that may be there already."""

    stream_options = {"record_url": "https://crm.example.com/contacts/{external_id}"}

    def doubt(self, name):
        """Commit a contact that may be there already, and return its id."""
        partner_id = self.new_partner(name=name)
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            put_in_doubt(stream, partner_id, uuid=self.job_uuids()[-1])
        return partner_id

    def test_manager_decides_about_several(self):
        self.doubt("Ada Lovelace")
        self.doubt("Grace Hopper")
        self.destination.records["/contacts/7"] = {}
        self.start_tour("/odoo", "queue_job_sync_clarify", login="sync_tour_manager")
        self.assertEqual(self.run_pending(), ["done", "done"])
        names = {each["name"] for each in self.destination.records.values()}
        self.assertEqual(names, {"Ada Lovelace", "Grace Hopper"})
        self.assertEqual(len(self.destination.records), 2)

    def test_manager_decides_on_the_contact(self):
        self.doubt("Ada Lovelace")
        self.start_tour(
            "/odoo", "queue_job_sync_clarify_one", login="sync_tour_manager"
        )
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(len(self.destination.records), 1)
