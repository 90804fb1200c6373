# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.tests import tagged

from .postgresql_case import PostgresqlCase
from .tour_case import TourCase


@tagged("post_install", "-at_install")
class TestToursMapping(TourCase, PostgresqlCase):
    """An administrator maps the columns of a table, and looks before sending."""

    def test_admin_maps_the_columns_and_previews(self):
        self.change_stream(
            table="contacts",
            mapping_ids=[
                fields.Command.clear(),
                fields.Command.create({"field_path": "email", "target": "email"}),
            ],
        )
        self.change_backend(**self.system_values())
        partner_id = self.new_partner(name="Hedy Lamarr")
        self.query(
            "INSERT INTO contacts (odoo_id, name, email) "
            "VALUES (%s, 'Hedy Lamarr', 'old@example.com')",
            partner_id,
        )
        before = self.query("SELECT xmin::text, * FROM contacts")

        self.start_tour("/odoo", "queue_job_sync_mapping", login="sync_tour_system")
        self.assertEqual(self.query("SELECT xmin::text, * FROM contacts"), before)
        self.assertFalse(
            self.read("sync.delivery", [("stream_id", "=", self.stream_id)], [])
        )
        self.assertIsNone(self.binding(partner_id))
        lines = self.read(
            "sync.mapping",
            [("stream_id", "=", self.stream_id)],
            ["field_path", "target", "default_value"],
        )
        self.assertEqual(
            {(line["field_path"], line["default_value"]) for line in lines},
            {("email", "unknown"), ("name", False)},
        )

        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(
            self.query("SELECT name, email FROM contacts"),
            [("Hedy Lamarr", "unknown")],
        )


@tagged("post_install", "-at_install")
class TestToursMappingNames(TourCase):
    """An administrator names an entry of a list, and leaves out what is empty."""

    def test_admin_names_an_entry_and_leaves_out_what_is_empty(self):
        self.new_partner(name="Hedy Lamarr", phone="+43 1")
        self.start_tour(
            "/odoo", "queue_job_sync_mapping_names", login="sync_tour_system"
        )
        (stream,) = self.read(
            "sync.stream", [("id", "=", self.stream_id)], ["leave_out_empty"]
        )
        self.assertTrue(stream["leave_out_empty"])
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(
            self.destination.requests[-1].json,
            {"name": "Hedy Lamarr", "phones": [{"value": "+43 1"}]},
        )
