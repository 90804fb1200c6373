# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Every field says what it is for, and every empty list what to do next."""

from odoo import models
from odoo.tests import TransactionCase, tagged

ADDON = "queue_job_sync"


@tagged("post_install", "-at_install")
class TestHelp(TransactionCase):
    def test_every_field_that_we_define_has_a_help_text(self):
        checked = 0
        for model in self.env.values():
            if model._abstract:
                continue
            for name, field in model._fields.items():
                if field._module != ADDON or name in models.MAGIC_COLUMNS:
                    continue
                if name == "display_name":
                    continue
                checked += 1
                with self.subTest(f"{model._name}.{name}"):
                    self.assertTrue(field.help)
        self.assertGreater(checked, 150)

    def test_every_list_says_what_to_do_when_it_is_empty(self):
        data = self.env["ir.model.data"].search(
            [("module", "=", ADDON), ("model", "=", "ir.actions.act_window")]
        )
        actions = self.env["ir.actions.act_window"].browse(data.mapped("res_id"))
        lists = actions.filtered(lambda each: each.view_mode.split(",")[0] != "form")
        self.assertGreater(len(lists), 5)
        for action in lists:
            with self.subTest(action.xml_id):
                self.assertTrue(action.help)
