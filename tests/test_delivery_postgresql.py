# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.tests import tagged

from .common import DeliveryCase
from .postgresql_case import PostgresqlCase


@tagged("post_install", "-at_install")
class TestDeliveryPostgresql(DeliveryCase, PostgresqlCase):
    """The same main path, into a table of a real database."""

    def setUp(self):
        super().setUp()
        self.change_stream(
            table="contacts",
            mapping_ids=[
                fields.Command.clear(),
                fields.Command.create({"field_path": "name", "target": "name"}),
                fields.Command.create({"field_path": "email", "target": "email"}),
            ],
        )
        self.change_backend(**self.system_values())

    def rows(self):
        return self.query(
            "SELECT odoo_id, name, email, deleted FROM contacts ORDER BY odoo_id"
        )

    def into_scripted(self):
        """Send into a table that raises the SQLSTATE that is the record's name."""
        self.change_stream(
            table="scripted",
            mapping_ids=[
                fields.Command.clear(),
                fields.Command.create({"field_path": "name", "target": "name"}),
            ],
        )

    def test_contact_is_inserted_updated_and_deleted(self):
        partner_id = self.new_partner(email="ada@example.com")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.rows(), [(partner_id, "Ada", "ada@example.com", False)])
        self.edit(partner_id, name="Grace", email=False)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.rows(), [(partner_id, "Grace", None, False)])
        self.delete(partner_id)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.rows(), [])
        self.assertFalse(self.outbox())
        self.assertFalse(self.destination.requests)

    def test_contact_is_marked_and_unmarked(self):
        self.change_stream(delete_policy="mark")
        partner_id = self.new_partner()
        self.run_pending()
        self.edit(partner_id, active=False)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.rows(), [(partner_id, "Ada", None, True)])
        self.edit(partner_id, active=True)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.rows(), [(partner_id, "Ada", None, False)])

    def test_row_that_is_gone_there_is_inserted_again(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.query("DELETE FROM contacts")
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assertEqual(self.rows(), [(partner_id, "Grace", None, False)])

    def test_constraint_of_the_table_fails_the_job_at_once(self):
        self.new_partner(email="ada@example.com")
        twin_id = self.new_partner(name="Twin", email="ada@example.com")
        first, twin = self.job_uuids()
        self.assertEqual(self.run_job(first), "done")
        self.assertEqual(self.run_job(twin), "failed")
        job = self.job(twin, "retry", "failure_reason")
        self.assertEqual(job["retry"], 1)
        self.assertIn("contacts_email_key", job["failure_reason"])
        self.assertIn("contacts_email_key", self.binding(twin_id)["last_error"])
        (delivery,) = self.read("sync.delivery", [("res_id", "=", twin_id)], [])
        self.assertEqual(delivery["status"], "23505")
        self.assertIn('INSERT INTO "contacts"', delivery["request"])

    def test_conflict_at_the_destination_counts_as_a_try(self):
        # queue_job would take these codes for a conflict in Odoo's own database:
        # try again after 5 seconds, for ever
        for code in ("40001", "40P01", "55P03"):
            with self.subTest(code):
                self.into_scripted()
                partner_id = self.new_partner(name=code)
                uuid = self.job_uuids()[-1]
                for retry, state in ((1, "pending"), (2, "pending"), (3, "failed")):
                    self.assertEqual(self.run_job(uuid), state)
                    job = self.job(uuid, "retry", "eta")
                    self.assertEqual(job["retry"], retry)
                    if state == "pending":
                        wait = job["eta"] - fields.Datetime.now()
                        # up to a tenth more, see JITTER
                        self.assertAlmostEqual(wait.total_seconds(), 630, delta=35)
                log = self.read("sync.delivery", [("res_id", "=", partner_id)], [])
                self.assertEqual([line["status"] for line in log], [code] * 3)

    def test_server_that_ends_the_session_counts_as_a_try(self):
        self.into_scripted()
        self.new_partner(name="57P01")
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(self.job(uuid, "retry")["retry"], 1)
        self.change_stream(table="contacts")
        self.assertEqual(self.run_job(uuid), "done")

    def test_refused_login_counts_as_a_try(self):
        self.change_backend(db_name="no such database")
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(self.job(uuid, "retry")["retry"], 1)
        (delivery,) = self.read("sync.delivery", [("res_id", "=", partner_id)], [])
        self.assertIn("no such database", delivery["error"])
