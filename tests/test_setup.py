# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The guided set-up, step by step."""

from lxml import etree

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import TransactionCase, new_test_user, tagged

from ..engine import secrets
from ..transports.postgresql import PostgresqlTransport
from .postgresql_case import PASSWORD, PostgresqlCase
from .servers import HttpDestination


class SetupCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # without the rights of a job manager
        cls.admin = new_test_user(
            cls.env,
            "sync_setup_admin",
            "base.group_system,base.group_partner_manager",
        )

    def begin(self, **values):
        """Return a set-up of another system by an administrator, whose kind is said."""
        setup = self.env["sync.setup"].with_user(self.admin)
        setup = setup.create({"name": "Web Shop", **values})
        setup.action_choose(False)
        setup.action_next()
        return setup

    def to_records(self, **values):
        """Return a set-up of a REST system, before its third step."""
        setup = self.begin()
        setup.write({"url": "http://127.0.0.1:9/api", **values})
        setup.action_next()
        return setup


@tagged("post_install", "-at_install")
class TestSetup(SetupCase):
    def test_the_name_is_asked_for(self):
        setup = self.env["sync.setup"].with_user(self.admin).create({})
        setup.action_choose(False)
        with self.assertRaisesRegex(UserError, "Give the system a name"):
            setup.action_next()
        self.assertEqual((setup.step, setup.backend_id.id), ("kind", False))

    def test_an_address_that_cannot_be_one_is_refused_and_nothing_is_lost(self):
        setup = self.begin()
        setup.write({"url": "ftp://shop", "auth": "bearer"})
        setup.set_secret("auth_secret", "t0ken")
        for button in (setup.action_next, setup.action_test):
            with self.assertRaisesRegex(ValidationError, "cannot be used"):
                button()
        self.assertEqual(setup.step, "address")
        setup.action_back()
        self.assertEqual(setup.step, "kind")
        setup.action_next()
        self.assertEqual(setup.url, "ftp://shop")
        self.assertIn("Stored in the database", setup.auth_secret_origin)
        self.assertFalse(setup.backend_id.active)

    def test_the_answer_of_a_test_is_shown_in_place(self):
        setup = self.begin()
        setup.url = "http://127.0.0.1:9"
        setup.action_test()
        self.assertEqual(setup.test_state, "failed")
        self.assertIn("refused", setup.test_answer)
        with HttpDestination() as destination:
            setup.url = destination.url
            self.assertFalse(setup.test_state)
            setup.action_test()
            # something answers there: that is all that is known yet
            self.assertEqual(setup.test_state, "untold")
            self.assertIn("answered 404", setup.test_answer)

    def test_another_secret_is_another_thing_to_test(self):
        setup = self.begin()
        setup.write({"auth": "bearer", "test_state": "ok", "test_answer": "It works"})
        setup.set_secret("auth_secret", "t0ken")
        self.assertFalse(setup.test_state or setup.test_answer)
        self.assertEqual(setup.backend_id._secret("auth_secret"), "t0ken")
        self.assertFalse({"auth_secret", "db_password"} & setup._fields.keys())

    def test_what_is_given_up_goes_with_its_credentials(self):
        setup = self.to_records(auth="bearer")
        setup.set_secret("auth_secret", "t0ken")
        backend, stream = setup.backend_id, setup.stream_id
        self.env.flush_all()
        self.env.cr.execute("UPDATE sync_setup SET write_date = '2020-01-01'")
        self.env["sync.setup"]._transient_vacuum()
        self.assertFalse(setup.exists() or backend.exists() or stream.exists())
        self.assertEqual(secrets.get(self.env.cr, backend.id), {})

    def test_what_is_finished_stays(self):
        setup = self.to_records()
        setup.action_next()
        setup.action_next()
        setup.start_with = "draft"
        setup.action_finish()
        backend, stream = setup.backend_id, setup.stream_id
        # a window that was opened before still has the buttons
        for method, *args in (
            ("action_choose", "queue_job_sync/stripe"),
            ("action_back",),
            ("action_next",),
            ("set_secret", "auth_secret", "n3xt"),
            ("action_finish",),
        ):
            with self.assertRaisesRegex(UserError, "connected already"):
                getattr(setup, method)(*args)
        setup.unlink()
        self.assertTrue(backend.exists().active)
        self.assertEqual(stream.exists().state, "draft")

    def test_the_usual_fields_of_contacts_are_suggested(self):
        setup = self.to_records()
        setup.action_next()
        lines = {line.field_path: line.target for line in setup.mapping_ids}
        self.assertEqual(lines["email"], "email")
        self.assertEqual(lines["country_id.code"], "country")
        setup.mapping_ids.filtered(lambda line: line.target == "email").unlink()
        setup.action_back()
        setup.action_next()
        self.assertNotIn("email", setup.mapping_ids.mapped("target"))

    def test_an_endpoint_and_a_field_are_asked_for(self):
        setup = self.to_records()
        setup.endpoint = False
        with self.assertRaisesRegex(ValidationError, "needs an endpoint"):
            setup.action_next()
        setup.endpoint = "customers"
        setup.action_next()
        setup.mapping_ids.unlink()
        with self.assertRaisesRegex(UserError, "at least one field"):
            setup.action_next()

    def test_the_check_shows_a_request_and_says_how_many(self):
        setup = self.to_records()
        partner = self.env["res.partner"].create({"name": "Only", "ref": "only one"})
        setup.domain = "[('ref', '=', 'only one')]"
        setup.action_next()
        setup.action_next()
        self.assertEqual(setup.preview_res_id, partner.id)
        self.assertIn('"Only"', setup.request)
        self.assertIn("send 1 records (Contact) to Web Shop", setup.summary)
        setup.action_finish()
        self.assertEqual(setup.stream_id.state, "live")
        self.assertEqual(setup.stream_id._open_backfills().scope, "all")

    def test_the_place_is_tested_with_the_credentials(self):
        setup = self.begin()
        with HttpDestination() as destination:
            destination.lists.add("/customers")
            setup.write({"url": destination.url, "endpoint": "contacts"})
            setup.action_test()
            self.assertEqual(setup.test_state, "untold")
            setup.action_next()
            for endpoint, state in (("custommers", "failed"), ("customers", "ok")):
                setup.endpoint = endpoint
                self.assertFalse(setup.test_state)
                setup.action_test()
                self.assertEqual(setup.test_state, state, setup.test_answer)
            # whether repeats are safe is asked for there, and is nothing to be tested
            setup.repeats_are_safe = True
            self.assertTrue(setup.backend_id.repeats_are_safe)
            self.assertEqual(setup.test_state, "ok")
            setup.action_next()
            setup.write({"test_state": False, "test_answer": False})
            setup.action_next()
            self.assertEqual((setup.step, setup.test_state), ("check", "ok"))
            asked = {each.method for each in destination.requests}
            self.assertEqual(asked, {"GET", "OPTIONS"})

    def test_what_is_missing_is_told_at_the_last_step(self):
        setup = self.to_records()
        setup.action_next()
        setup.mapping_ids[0].field_path = "sync_state"
        setup.action_next()
        self.assertIn("tells of the synchronization itself", setup.lacking)
        with self.assertRaisesRegex(ValidationError, "tells of the synchronization"):
            with self.env.cr.savepoint():
                setup.action_finish()
        setup.start_with = "draft"
        setup.action_finish()
        self.assertEqual(setup.stream_id.state, "draft")

    def test_nothing_goes_live_without_a_place(self):
        setup = self.to_records()
        setup.action_next()
        setup.action_next()
        setup.endpoint = False
        self.assertIn("needs an endpoint", setup.lacking)
        with self.assertRaisesRegex(ValidationError, "needs an endpoint"):
            setup.action_finish()

    def test_only_system_administrators_connect_systems(self):
        for number, groups in enumerate(
            (
                "base.group_user",
                "base.group_user,queue_job.group_queue_job_manager",
            )
        ):
            user = new_test_user(self.env, f"sync_setup_{number}", groups)
            with self.subTest(groups), self.assertRaises(AccessError):
                self.env["sync.setup"].with_user(user).create({"name": "Shop"})


@tagged("post_install", "-at_install")
class TestSetupPostgresql(PostgresqlCase):
    """Against a real database, with a login of its own."""

    def test_tables_that_the_login_may_fill(self):
        with PostgresqlTransport(self.config()) as transport:
            names = transport.tables()
        self.assertIn("contacts", names)
        self.assertIn("crm.contacts", names)
        self.assertNotIn("private", names)


@tagged("post_install", "-at_install")
class TestSetupTable(PostgresqlCase, SetupCase):
    """From the address of a database to the columns of a table."""

    def test_columns_are_read_and_mapped(self):
        setup = self.begin(transport="postgresql")
        setup.write(
            {
                "db_host": self.host,
                "db_port": self.port,
                "db_name": self.dbname,
                "db_user": self.user,
            }
        )
        setup.set_secret("db_password", "wrong")
        setup.action_test()
        self.assertEqual(setup.test_state, "failed")
        setup.set_secret("db_password", PASSWORD)
        setup.action_test()
        self.assertEqual(setup.test_state, "ok", setup.test_answer)
        setup.action_next()
        self.assertIn("contacts", setup.tables)
        setup.table = "nowhere"
        with self.assertRaisesRegex(UserError, "no table"):
            setup.action_next()
        setup.write({"table": "contacts", "key_column": "id"})
        with self.assertRaisesRegex(UserError, "Which of its columns"):
            setup.action_next()
        setup.key_column = "odoo_id"
        setup.action_next()
        found = {line.target: line.field_path for line in setup.mapping_ids}
        self.assertEqual(found, {"name": "name", "email": "email", "active": "active"})
        setup.action_next()
        self.assertIn("INSERT INTO", setup.request)

    def test_a_database_that_cannot_be_reached_is_no_end(self):
        setup = self.begin(transport="postgresql")
        setup.write({"db_host": "127.0.0.1", "db_port": 9})
        setup.write({"db_name": "warehouse", "db_user": "writer"})
        setup.action_next()
        setup.table = "contacts"
        setup.action_next()
        self.assertIn("could not be read", setup.columns_unread)
        self.assertIn("email", setup.mapping_ids.mapped("target"))
        setup.action_next()
        self.assertEqual(setup.test_state, "failed")
        setup.start_with = "changes"
        setup.action_finish()
        self.assertEqual(setup.stream_id.state, "live")

    def test_ports_are_shown_without_separators(self):
        for model in ("sync.setup", "sync.backend"):
            arch = etree.fromstring(self.env[model].get_view(view_type="form")["arch"])
            ports = arch.xpath("//field[@name='db_port']")
            self.assertTrue(ports)
            for port in ports:
                self.assertEqual(port.get("options"), "{'enable_formatting': false}")
