# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .tour_case import TourCase, committed


@tagged("post_install", "-at_install")
class TestToursHelp(TourCase):
    """People who use the keyboard, another language or another clock."""

    @classmethod
    def setUpClass(cls):
        with committed() as env:
            french = env["res.lang"].with_context(active_test=False)
            french = french.search([("code", "=", "fr_FR")])
            was_active, french.active = french.active, True
            env["ir.module.module"]._load_module_terms(["queue_job_sync"], ["fr_FR"])
        if not was_active:
            cls.addClassCleanup(cls._forget, french.id)
        super().setUpClass()

    @staticmethod
    def _forget(lang_id):
        with committed() as env:
            env["res.lang"].browse(lang_id).active = False

    @classmethod
    def user_values(cls, login):
        if login == "sync_tour_reader":
            return {"lang": "fr_FR", "tz": "Asia/Kuala_Lumpur"}
        return super().user_values(login)

    def test_the_dialog_of_a_contact_by_the_keyboard_alone(self):
        self.destination.answer(422, {"message": "e-mail is not valid"})
        partner_id = self.new_partner(name="Ada Lovelace")
        self.assertEqual(self.run_pending(), ["failed"])
        self.start_tour(
            f"/odoo/contacts/{partner_id}",
            "queue_job_sync_keyboard",
            login="sync_tour_user",
        )
        self.assertEqual(self.run_pending(), ["done"])

    def test_french_and_the_clock_of_kuala_lumpur(self):
        partner_id = self.new_partner(name="Ada Lovelace")
        self.assertEqual(self.run_pending(), ["done"])
        with self.transaction() as env:
            binding = env["sync.binding"].search([("res_id", "=", partner_id)])
            binding.last_success = "2026-01-02 20:30:00"
        self.start_tour(
            f"/odoo/contacts/{partner_id}",
            "queue_job_sync_french",
            login="sync_tour_reader",
        )

    def test_administrator_finds_the_settings(self):
        self.start_tour("/odoo", "queue_job_sync_settings", login="sync_tour_system")
