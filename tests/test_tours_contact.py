# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import time
from threading import Thread

from odoo.tests import tagged

from . import tour_case

REFUSAL = {"message": "e-mail is not valid"}
USER = "sync_tour_user"


class ContactTourCase(tour_case.TourCase):
    def setUp(self):
        super().setUp()
        self.destination.answer(422, REFUSAL, times=1)
        self.jakob_id = self.new_partner(name="Jakob Bernoulli")
        self.assertEqual(self.run_pending(), ["failed"])


@tagged("post_install", "-at_install")
class TestToursContact(ContactTourCase):
    """What people see of synchronizations on contacts, each kind of user."""

    def test_user_sends_contacts_from_the_list(self):
        others = [
            self.new_partner(name=f"{name} Bernoulli") for name in ("Daniel", "Johann")
        ]
        self.assertEqual(self.run_pending(), ["done"] * 2)
        self.start_tour("/odoo", "queue_job_sync_now", login="sync_tour_user")
        jobs = self.job_uuids("pending")
        rows = [row for row in self.outbox() if row["job_uuid"] in jobs]
        self.assertEqual({row["res_id"] for row in rows}, {self.jakob_id, *others})
        self.assertEqual(
            {self.job(uuid, "priority")["priority"] for uuid in jobs}, {12}
        )
        self.assertEqual(set(self.run_pending()), {"done"})
        self.assertFalse(self.outbox())

    def test_user_sends_a_contact_from_the_dialog(self):
        self.start_tour(
            "/odoo", "queue_job_sync_now_from_dialog", login="sync_tour_user"
        )
        self.assertEqual(self.run_pending(), ["done"])
        self.assertFalse(self.outbox())

    def test_reader_sees_why_it_failed(self):
        self.start_tour("/odoo", "queue_job_sync_reader", login="sync_tour_reader")
        self.assertFalse(self.job_uuids("pending"))

    def test_reader_groups_by_state(self):
        self.start_tour("/odoo", "queue_job_sync_states", login="sync_tour_reader")

    def test_manager_opens_the_jobs(self):
        self.start_tour(
            "/odoo", "queue_job_sync_jobs_of_a_contact", login="sync_tour_manager"
        )


@tagged("post_install", "-at_install")
class TestToursContactPhone(ContactTourCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_user_sends_a_contact_from_a_phone(self):
        self.start_tour(
            f"/odoo/contacts/{self.jakob_id}",
            "queue_job_sync_contact_phone",
            login="sync_tour_user",
        )
        self.assertEqual(self.run_pending(), ["done"])

    def test_failed_contact_does_not_look_healthy(self):
        self.new_partner(name="Daniel Bernoulli")
        self.assertEqual(self.run_pending(), ["done"])
        # a phone shows cards
        self.start_tour(
            "/odoo/contacts", "queue_job_sync_cards", login="sync_tour_reader"
        )


@tagged("post_install", "-at_install")
class TestToursFollowing(tour_case.TourCase):
    """What waits when it is looked at changes by itself once it is delivered."""

    def setUp(self):
        super().setUp()
        self.partner_id = self.new_partner(name="Ada Lovelace")
        self.assertEqual(self.run_pending(), ["done"])

    def deliver_soon(self):
        """Run the next job, as a worker would, a moment after somebody has saved."""
        worker = Thread(target=self._deliver)
        worker.start()
        self.addCleanup(worker.join)

    def _deliver(self):
        deadline = time.monotonic() + 60
        while not self.job_uuids("pending") and time.monotonic() < deadline:
            time.sleep(0.1)
        # until the tour has looked at what waits
        time.sleep(3)
        self.run_pending()

    def test_button(self):
        self.deliver_soon()
        self.start_tour("/odoo", "queue_job_sync_button_follows", login=USER)

    def test_button_when_it_fails(self):
        self.destination.answer(422, REFUSAL)
        self.deliver_soon()
        self.start_tour("/odoo", "queue_job_sync_button_follows_failure", login=USER)

    def test_dialog(self):
        self.deliver_soon()
        self.start_tour("/odoo", "queue_job_sync_dialog_follows", login=USER)

    def test_nothing_is_asked_of_what_does_not_wait(self):
        self.start_tour("/odoo", "queue_job_sync_button_at_rest", login=USER)
