# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The columns of the table, and what the mapping lacks of them."""

import re

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..exceptions import Misconfigured, Unreachable
from ..transports.base import Column
from ..transports.postgresql import PostgresqlTransport
from .common import SyncCase, write_backend
from .postgresql_case import PostgresqlCase


@tagged("post_install", "-at_install")
class TestColumns(PostgresqlCase):
    def columns(self, target, **options):
        with PostgresqlTransport(self.config(**options)) as transport:
            return transport.columns(target)

    def test_name_type_and_whether_required(self):
        self.query(
            """
            CREATE TABLE crm.kinds (
                k integer PRIMARY KEY, "of ""it%s" varchar(10) NOT NULL,
                n numeric(8,2) NOT NULL DEFAULT 0, dropped text,
                i integer GENERATED ALWAYS AS IDENTITY,
                s serial, g integer GENERATED ALWAYS AS (k + 1) STORED NOT NULL,
                tags text[], "at" timestamptz
            );
            ALTER TABLE crm.kinds DROP COLUMN dropped;
            """
        )
        self.addCleanup(self.query, "DROP TABLE crm.kinds")
        self.assertEqual(
            self.columns("crm.kinds"),
            [
                Column("k", "integer", True),
                Column('of "it%s', "character varying(10)", True),
                Column("n", "numeric(8,2)"),
                Column("i", "integer"),
                Column("s", "integer"),
                Column("g", "integer"),
                Column("tags", "text[]"),
                Column("at", "timestamp with time zone"),
            ],
        )

    def test_table_is_found_as_a_statement_finds_it(self):
        self.assertEqual(
            [column.name for column in self.columns("crm.contacts")],
            ["odoo_id", "name"],
        )
        self.assertEqual(len(self.columns("contacts")), 9)
        self.assertEqual(
            [column.name for column in self.columns('we"ird; DROP TABLE contacts; --')],
            ["k 100%s", 'na"me);--'],
        )

    def test_table_that_is_not_there(self):
        for target in ("nowhere", "no.where", "contacts; DROP TABLE contacts"):
            with (
                self.subTest(target),
                self.assertRaisesRegex(Misconfigured, "no table"),
            ):
                self.columns(target)

    def test_name_that_is_none(self):
        with self.assertRaises(Misconfigured):
            self.columns("")

    def test_server_that_does_not_let_in(self):
        with self.assertRaises(Unreachable):
            self.columns("contacts", password="another")


@tagged("post_install", "-at_install")
class TestStreamColumns(SyncCase, PostgresqlCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stream.write(
            {
                "table": "contacts",
                # one that is live is not changed into one that lacks something
                "state": "draft",
                "mapping_ids": [
                    fields.Command.clear(),
                    fields.Command.create({"field_path": "email", "target": "email"}),
                ],
            }
        )
        write_backend(cls.backend, cls.system_values(cls))

    def add(self, path, target, **values):
        self.stream.mapping_ids = [
            fields.Command.create({"field_path": path, "target": target, **values})
        ]

    def warning(self):
        """Return what the form says is missing when it is opened."""
        self.stream.invalidate_recordset(["lacking"])
        return "\n".join(re.findall("<li>(.*?)</li>", self.stream.lacking or ""))

    def status(self):
        self.stream.invalidate_recordset(["columns_status"])
        return self.stream.columns_status

    def test_nothing_is_said_before_they_are_read(self):
        self.assertFalse(self.warning())
        self.assertFalse(self.status())

    def test_required_column_that_is_not_mapped(self):
        self.stream.action_read_columns()
        self.assertEqual(len(self.stream.columns), 9)
        self.assertTrue(self.stream.columns_date)
        self.assertIn("requires a value for: name.", self.warning())
        self.assertEqual(self.status().count("Not mapped"), 1)
        self.assertIn("Odoo's id", self.status())
        self.add("name", "name")
        self.assertFalse(self.warning())
        self.assertNotIn("Not mapped", self.status())

    def test_column_that_is_not_there(self):
        self.add("name", "name")
        self.add("phone", "telephone")
        self.stream.write({"delete_policy": "mark", "mark_key": "gone"})
        self.stream.action_read_columns()
        self.assertEqual(
            self.warning().splitlines(),
            ["The table contacts has no column: gone, telephone."],
        )

    def test_list_that_a_column_does_not_take(self):
        self.add("name", "name")
        self.add("category_id.name", "tags")
        self.stream.action_read_columns()
        self.assertFalse(self.warning())
        self.add("category_id", "address")
        self.assertIn("address is a JSON column", self.warning())
        self.stream.mapping_ids[-1].conversion = "json"
        self.assertFalse(self.warning())
        self.stream.mapping_ids[0].field_path = "category_id.name"
        self.assertIn("email does not take a list", self.warning())
        self.stream.mapping_ids[0].several = "comma"
        self.assertFalse(self.warning())

    def test_columns_of_another_table_say_nothing(self):
        self.stream.action_read_columns()
        self.assertTrue(self.warning())
        self.stream.table = "crm.contacts"
        self.assertFalse(self.warning())
        self.assertFalse(self.status())
        self.assertFalse(self.stream.copy().columns)

    def test_table_that_is_not_there(self):
        self.stream.table = "nowhere"
        with self.assertRaisesRegex(UserError, "no table “nowhere”"):
            self.stream.action_read_columns()

    def test_system_without_tables(self):
        self.stream.endpoint = "contacts"
        self.backend.transport = "rest"
        with self.assertRaisesRegex(UserError, "has no tables"):
            self.stream.action_read_columns()

    def test_only_administrators_read_them(self):
        for groups in (
            "base.group_user",
            "base.group_user,queue_job.group_queue_job_manager",
        ):
            user = new_test_user(self.env, f"sync_columns_{len(groups)}", groups)
            with self.subTest(groups), self.assertRaises(AccessError):
                self.stream.with_user(user).action_read_columns()
        admin = new_test_user(self.env, "sync_columns_admin", "base.group_system")
        self.stream.with_user(admin).action_read_columns()
        manager = self.env["res.users"].search([("login", "=", "sync_columns_50")])
        self.stream.action_read_columns()
        self.assertTrue(self.stream.with_user(manager).lacking)
