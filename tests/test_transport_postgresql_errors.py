# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import time
from contextlib import closing
from unittest.mock import patch

import psycopg2

from odoo.sql_db import connection_info_for
from odoo.tests import tagged

from ..exceptions import Misconfigured, Rejected, Temporary, Unreachable
from ..transports.base import REFUSED, UNSENT
from ..transports.postgresql import PostgresqlTransport, connection
from ..transports.postgresql.errors import meaning
from .postgresql_case import PostgresqlCase
from .postgresql_database import connect
from .transport_case import message


@tagged("-at_install", "post_install")
class TestPostgresqlErrors(PostgresqlCase):
    def test_rows_that_are_refused(self):
        self.send(message(key=1, payload={"name": "first", "email": "a@x"}))
        for options, status, word in (
            ({"payload": {"name": None}}, "23502", '"name"'),
            ({"payload": {"name": "x", "age": -1}}, "23514", "age"),
            ({"payload": {"name": "x", "age": "old"}}, "22P02", "old"),
            ({"payload": {"name": "x", "age": 2**40}}, "22003", "range"),
            ({"payload": {"name": "x" * 11}, "target": "crm.contacts"}, "22001", "10"),
        ):
            with self.subTest(options):
                receipt = self.send(message(**options))
                self.assertFails(receipt, Rejected, word)
                self.assertEqual(receipt.status, status)
                self.assertNotIn("Failing row", receipt.error.message)
                self.assertEqual(receipt.response, receipt.error.message)

    def test_what_each_record_would_meet(self):
        x = {"name": "x"}
        for options, status, setting, word in (
            ({"payload": {"name": "x", "nope": 1}}, "42703", "mapping", "nope"),
            ({"payload": x, "key_column": "nope"}, "42703", "key", "nope"),
            ({"payload": {"email": "x"}}, "23502", "mapping", "“name”"),
            ({"payload": {"name": "x", "age": ["a"]}}, "42846", "mapping", "integer"),
            ({"payload": x, "target": "nope"}, "42P01", "address", "nope"),
            ({"payload": x, "target": "no.pe"}, "42P01", "address", "no.pe"),
            ({"payload": x, "target": "private"}, "42501", "address", "private"),
            ({"payload": x, "target": "hidden.t"}, "42501", "address", "hidden"),
            ({"payload": x, "target": "partly"}, "42501", "address", "partly"),
            ({"payload": x, "target": "numbered"}, "42501", "address", "numbered"),
            ({"payload": x, "target": "keyless"}, "42P10", "key", "keyless"),
            ({"payload": x, "target": "contacts_pkey"}, "42809", "address", "pkey"),
            ({"payload": {"made": "x"}, "target": "computed"}, "428C9", "mapping", "m"),
        ):
            with self.subTest(options):
                first, *others = self.send(
                    *[message(key=key, **options) for key in (7, 8)],
                    message(key=9, payload={"name": "x", "email": "y"}),
                )
                self.assertFails(first, Misconfigured, word)
                self.assertEqual(first.error.setting, setting)
                self.assertEqual((first.status, first.fate), (status, REFUSED))
                self.assertTrue(first.holds_up_others)
                self.assertFails(others[0], Misconfigured, word)
                if not others[1].ok:
                    self.assertFails(others[1], Misconfigured, word)
                    self.assertEqual(others[1].fate, UNSENT)

    def test_empty_value_is_the_records_own(self):
        """Also where a trigger may fill in what no field is mapped to."""
        self.query(
            "CREATE TABLE filled (odoo_id integer PRIMARY KEY, name text, "
            "folded text NOT NULL); GRANT ALL ON filled TO PUBLIC;"
            "CREATE FUNCTION fold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "NEW.folded := lower(NEW.name); RETURN NEW; END $$;"
            "CREATE TRIGGER fold BEFORE INSERT OR UPDATE ON filled FOR EACH ROW "
            "EXECUTE FUNCTION fold()"
        )
        self.addCleanup(self.query, "DROP TABLE filled; DROP FUNCTION fold")
        for target in ("contacts", "filled"):
            bad, good = self.send(
                message(key=1, payload={"name": None}, target=target),
                message(key=2, payload={"name": "X"}, target=target),
            )
            self.assertFails(bad, Rejected)
            self.assertEqual((bad.status, good.ok), ("23502", True))

    def test_value_that_another_row_has(self):
        self.send(message(key=1, payload={"name": "first", "email": "a@x"}))
        receipt = self.send(message(payload={"name": "x", "email": "a@x"}))
        self.assertFails(receipt, Rejected, "contacts_email_key", "(email)=(a@x)")

    def test_key_without_a_unique_constraint(self):
        receipt = self.send(message(payload={"name": "x"}, target="keyless"))
        self.assertFails(
            receipt, Misconfigured, "unique constraint", "keyless", "odoo_id"
        )

    def test_names_that_cannot_be(self):
        for options, setting in (
            ({"target": ""}, "address"),
            ({"target": "crm."}, "address"),
            ({"target": ".contacts"}, "address"),
            ({"target": "x" * 64}, "address"),
            ({"target": "a\0b"}, "address"),
            ({"key_column": ""}, "key"),
            ({"payload": {"x" * 64: 1}}, "mapping"),
        ):
            receipt = self.send(message(**{"payload": {"name": "x"}, **options}))
            self.assertFails(receipt, Misconfigured, "cannot be the name")
            self.assertEqual((receipt.error.setting, receipt.fate), (setting, UNSENT))

    def test_texts_that_cannot_be(self):
        for value in ("a\0b", ["a\0b"], "\ud800", {"x": "\ud800"}, {"x": object()}):
            for column in ("name", "address"):
                payload = {"name": "x", column: value}
                receipt = self.send(message(payload=payload))
                self.assertFails(receipt, Rejected, column)
        self.assertFails(self.send(message(key="a\0b", payload={})), Rejected, "NUL")
        receipt = self.send(message(payload={"name": object()}))
        self.assertFails(receipt, Rejected, "adapt")

    def test_classes_of_sqlstate(self):
        for sqlstate, error_class in (
            ("P0001", Rejected),
            ("22012", Rejected),
            ("23505", Rejected),
            ("40001", Temporary),
            ("40P01", Temporary),
            ("55P03", Temporary),
            ("XX000", Temporary),
            ("08006", Unreachable),
            ("25006", Unreachable),
            ("53300", Unreachable),
            ("57014", Unreachable),
            ("57P01", Unreachable),
            ("57P03", Unreachable),
            ("28000", Unreachable),
        ):
            with self.subTest(sqlstate):
                self.assertIs(meaning(sqlstate), error_class)
                receipt = self.send(
                    message(payload={"name": sqlstate}, target="scripted")
                )
                self.assertFails(receipt, error_class)
                self.assertEqual(receipt.status, sqlstate)
                self.assertNotIsInstance(receipt.error, psycopg2.Error)
                self.assertTrue(receipt.error.__suppress_context__)

    def test_row_locked_by_somebody_else(self):
        self.send(message(payload={"name": "x"}))
        other = connect(self.dbname)
        self.addCleanup(other.close)
        other.autocommit = False
        other.cursor().execute("UPDATE contacts SET name = 'other'")
        started = time.monotonic()
        receipt = self.send(message(payload={"name": "y"}), statement_timeout=0.6)
        self.assertFails(receipt, Temporary, "lock")
        self.assertEqual(receipt.status, "55P03")
        self.assertLess(time.monotonic() - started, 2)
        other.rollback()
        self.assertTrue(self.send(message(payload={"name": "y"})).ok)

    def test_deadlock_at_the_destination(self):
        """A trigger there takes a second row that somebody else already holds."""
        self.send(*[message(key=key, payload={"name": "x"}) for key in (7, 8)])
        self.query(
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "PERFORM pg_notify('locked', ''), pg_sleep(0.1); "
            "PERFORM 1 FROM contacts WHERE odoo_id = 8 FOR UPDATE; RETURN NEW; END $$;"
            "CREATE TRIGGER touch AFTER UPDATE ON contacts FOR EACH ROW "
            "WHEN (NEW.odoo_id = 7) EXECUTE FUNCTION touch()"
        )
        self.addCleanup(self.query, "DROP FUNCTION touch CASCADE")
        parameters = connection_info_for(self.dbname)[1]
        with closing(psycopg2.connect(**parameters, async_=True)) as other:
            self.finish(other)
            cursor = other.cursor()
            cursor.execute("BEGIN; SET LOCAL deadlock_timeout = '20s'")
            self.finish(other)
            cursor.execute("SELECT 1 FROM contacts WHERE odoo_id = 8 FOR UPDATE")
            self.finish(other)
            # Sent by the server itself once ours holds row 7: no race.
            cursor.execute(
                "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted"
                " AND pg_backend_pid() = ANY (pg_blocking_pids(pid))) "
                "LOOP PERFORM pg_sleep(0.02); END LOOP; "
                "PERFORM 1 FROM contacts WHERE odoo_id = 7 FOR UPDATE; END $$"
            )
            receipt = self.send(message(payload={"name": "y"}), statement_timeout=8)
        self.assertFails(receipt, Temporary, "deadlock")
        self.assertEqual(receipt.status, "40P01")

    def finish(self, raw):
        connection._wait(raw, 10)

    def test_statement_that_takes_too_long(self):
        messages = [message(payload={}, target="slow") for _time in range(2)]
        started = time.monotonic()
        receipts = self.send(*messages, statement_timeout=0.3)
        self.assertLess(time.monotonic() - started, 1.5)
        self.assertFails(receipts[0], Unreachable, "No answer", "0.3 s")
        self.assertEqual(receipts[0].status, "57014")
        self.assertFails(receipts[1], Unreachable, "Not sent")
        self.assertEqual(receipts[1].request, "")

    def test_server_that_does_not_keep_its_own_limit(self):
        self.addCleanup(self.disconnect)
        with (
            patch.object(connection, "_limits", return_value=""),
            patch.object(connection, "GRACE", 0.1),
        ):
            started = time.monotonic()
            receipt = self.send(
                message(payload={}, target="slow"), statement_timeout=0.3
            )
        self.assertLess(time.monotonic() - started, 1.5)
        self.assertFails(receipt, Unreachable, "No answer", "0.3 s")
        self.assertIsNone(receipt.status)

    def test_connection_lost_and_opened_again(self):
        with PostgresqlTransport(self.config()) as transport:
            self.assertTrue(transport.send([message(payload={"name": "x"})])[0].ok)
            self.disconnect()
            receipts = transport.send([message(payload={"name": "y"})] * 2)
            self.assertFails(receipts[0], Unreachable, self.host)
            self.assertFails(receipts[1], Unreachable, "Not sent")
            self.assertTrue(transport.send([message(payload={"name": "z"})])[0].ok)
        self.assertEqual(self.query("SELECT name FROM contacts"), [("z",)])
