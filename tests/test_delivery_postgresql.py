# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64

from odoo import fields
from odoo.tests import tagged

from ..engine import waiting
from .common import DeliveryCase
from .postgresql_case import PostgresqlCase

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


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

    def into_own(self, table, *lines):
        """Send into a table of this test."""
        self.query(f"CREATE TABLE own ({table}); GRANT ALL ON own TO PUBLIC")
        self.query("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO PUBLIC")
        self.addCleanup(self.query, "DROP TABLE own")
        self.change_stream(
            table="own",
            mapping_ids=[
                fields.Command.clear(),
                *(fields.Command.create(line) for line in lines),
            ],
        )

    def preview(self, partner_id):
        """Return the comparison that people are shown of a contact."""
        with self.transaction() as env:
            wizard = env["sync.preview"].create(
                {"stream_id": self.stream_id, "res_id": partner_id}
            )
            wizard.action_preview()
            self.assertFalse(wizard.request_problem or wizard.held_problem)
            return wizard.comparison

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

    def test_edits_use_up_no_numbers_of_the_table(self):
        self.into_own(
            "id serial PRIMARY KEY, odoo_id integer UNIQUE, name text",
            {"field_path": "name", "target": "name"},
        )
        partner_id = self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        for name in ("Grace", "Edith"):
            self.edit(partner_id, name=name)
            self.assertEqual(self.run_pending(), ["done"])
        other_id = self.new_partner(name="Mary")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(
            self.query("SELECT id, odoo_id, name FROM own ORDER BY id"),
            [(1, partner_id, "Edith"), (2, other_id, "Mary")],
        )

    def test_table_that_is_shared_by_a_constant(self):
        self.into_own(
            "tenant text, odoo_id integer, name text, PRIMARY KEY (tenant, odoo_id)",
            {"field_path": "name", "target": "name"},
            {
                "conversion": "constant",
                "conversion_argument": "ours",
                "target": "tenant",
            },
        )
        partner_id = self.new_partner()
        self.query("INSERT INTO own VALUES ('theirs', %s, 'x')", partner_id)
        theirs = ("theirs", partner_id, "x")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(
            self.query("TABLE own ORDER BY 1"), [("ours", partner_id, "Ada"), theirs]
        )
        self.assertEqual(self.preview(partner_id).count("Same"), 2)
        self.delete(partner_id)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.query("TABLE own"), [theirs])

    def test_file_goes_as_bytes_and_is_the_same_there(self):
        self.into_own(
            "odoo_id integer PRIMARY KEY, photo bytea, copy text, days date[]",
            {"field_path": "image_1920", "target": "photo"},
            {"field_path": "image_1920", "target": "copy"},
            {"field_path": "child_ids.create_date", "target": "days"},
        )
        partner_id = self.new_partner(image_1920=PIXEL)
        with self.transaction() as env:
            text = env["res.partner"].browse(partner_id).image_1920
        self.assertEqual(self.run_pending(), ["done"])
        [(photo, copy, days)] = self.query("SELECT photo, copy, days FROM own")
        self.assertEqual(bytes(photo), base64.b64decode(text))
        self.assertEqual((copy, days), (text.decode(), []))
        self.assertEqual(self.preview(partner_id).count("Same"), 3)

    def test_number_is_the_same_there(self):
        self.into_own(
            "odoo_id integer PRIMARY KEY, money numeric(12,2), real float8, text text",
            {"field_path": "partner_latitude", "target": "money"},
            {"field_path": "partner_latitude", "target": "real"},
            {"field_path": "partner_latitude", "target": "text"},
        )
        partner_id = self.new_partner()
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE res_partner SET partner_latitude = 60739.2000000004"
                " WHERE id = %s",
                (partner_id,),
            )
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(
            self.query("SELECT money::text, real::text, text FROM own"),
            [("60739.20", "60739.2", "60739.2")],
        )
        self.assertEqual(self.preview(partner_id).count("Same"), 3)
        # noise is no change
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE res_partner SET partner_latitude = 60739.2 WHERE id = %s",
                (partner_id,),
            )
        self.edit(partner_id, name="Grace", partner_latitude=60739.2)
        self.run_pending()
        log = self.read("sync.delivery", [("res_id", "=", partner_id)], [])
        self.assertEqual(len(log), 1)

    def test_row_that_is_gone_there_is_inserted_again(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.query("DELETE FROM contacts")
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assertEqual(self.rows(), [(partner_id, "Grace", None, False)])

    def test_table_that_has_worked_and_is_gone_for_a_moment(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.edit(partner_id, name="Grace")
        self.query("ALTER TABLE contacts RENAME TO made_anew")
        (uuid,) = self.job_uuids("pending")
        self.assertEqual(self.run_job(uuid), "pending")
        self.query("ALTER TABLE made_anew RENAME TO contacts")
        job = self.job(uuid, "retry", "sync_wait_key")
        self.assertEqual((job["retry"], job["sync_wait_key"]), (1, False))
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.rows(), [(partner_id, "Grace", None, False)])

    def test_table_that_was_never_there_holds_the_synchronization(self):
        self.change_stream(table="nowhere")
        self.new_partner()
        (uuid,) = self.job_uuids("pending")
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(
            self.job(uuid, "sync_wait_key")["sync_wait_key"],
            waiting.for_stream(self.stream_id),
        )
        with self.transaction() as env:
            env["sync.stream"].browse(self.stream_id)._open_incident().unlink()

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

    def test_row_that_a_trigger_keeps_back_fails_the_job_at_once(self):
        self.into_own(
            "odoo_id integer PRIMARY KEY, name text",
            {"field_path": "name", "target": "name"},
        )
        self.query(
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN NULL; END $$;"
            "CREATE TRIGGER keep BEFORE INSERT ON own FOR EACH ROW "
            "EXECUTE FUNCTION keep()"
        )
        self.addCleanup(self.query, "DROP FUNCTION keep CASCADE")
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "failed")
        job = self.job(uuid, "retry", "failure_reason")
        self.assertEqual(job["retry"], 1)
        self.assertIn("“own” took 0 of 1 rows", job["failure_reason"])
        (delivery,) = self.read("sync.delivery", [("res_id", "=", partner_id)], [])
        self.assertEqual(
            (delivery["state"], delivery["error_kind"]), ("failed", "rejected")
        )
        self.assertEqual(
            (delivery["status"], delivery["response"]), ("00000", "INSERT 0 0")
        )

    def test_doubt_is_shown_on_the_delivery(self):
        self.query(
            """
            CREATE TABLE base (odoo_id integer PRIMARY KEY, name text);
            CREATE VIEW own AS SELECT odoo_id, upper(name) AS name FROM base;
            CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
                AS $$ BEGIN
                    INSERT INTO base VALUES (NEW.odoo_id, NEW.name)
                        ON CONFLICT (odoo_id) DO UPDATE SET name = NEW.name;
                    RETURN NULL;
                END $$;
            CREATE TRIGGER put INSTEAD OF INSERT OR UPDATE ON own FOR EACH ROW
                EXECUTE FUNCTION put();
            GRANT ALL ON own TO PUBLIC
            """
        )
        self.addCleanup(self.query, "DROP TABLE base CASCADE; DROP FUNCTION put")
        self.change_stream(
            table="own",
            mapping_ids=[
                fields.Command.clear(),
                fields.Command.create({"field_path": "name", "target": "name"}),
            ],
        )
        partner_id = self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.query("TABLE base"), [(partner_id, "Ada")])
        (delivery,) = self.read("sync.delivery", [("res_id", "=", partner_id)], [])
        self.assertIn("shows other content than was sent", delivery["warning"])
        self.assertFalse(delivery["error"])

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
