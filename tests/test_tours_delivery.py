# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .tour_case import TourCase

LONG_REQUEST = f"INSERT INTO contacts ({', '.join(f'column_{n}' for n in range(60))})"


@tagged("post_install", "-at_install")
class TestToursDelivery(TourCase):
    """The log, as a jobs manager looks through it."""

    def test_manager_finds_out_what_was_sent_of_whom(self):
        self.new_partner(name="Ada Lovelace")
        self.assertEqual(self.run_pending(), ["done"])
        reason = "The telephone number of this contact is too long for the column"
        self.destination.answer(422, {"message": reason})
        self.new_partner(name="Grace Hopper")
        self.assertEqual(self.run_pending(), ["failed"])
        with self.transaction() as env:
            log = env["sync.delivery"].search([("stream_id", "=", self.stream_id)])
            log.request = LONG_REQUEST
        self.start_tour("/odoo", "queue_job_sync_deliveries", login="sync_tour_manager")
