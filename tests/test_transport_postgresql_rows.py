# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Many rows in one statement: each of them counts for itself."""

from unittest.mock import patch

from odoo.tests import tagged

from ..exceptions import (
    Misconfigured,
    RateLimited,
    Rejected,
    Temporary,
    Unreachable,
)
from ..transports.pace import Pace, Slots
from ..transports.postgresql import PostgresqlTransport
from ..transports.postgresql import transport as postgresql_transport
from ..transports.postgresql.connection import Connection
from .conformance.supply import Supply
from .postgresql_case import PostgresqlCase
from .transport_case import message


def _rows(count, operation="upsert", **options):
    return [
        message(operation, **{"key": key, "payload": {"name": f"n{key}"}, **options})
        for key in range(count)
    ]


@tagged("-at_install", "post_install")
class TestPostgresqlRows(PostgresqlCase):
    def setUp(self):
        super().setUp()
        self.statements = []

    def send(self, *messages, **options):
        execute = Connection.execute

        def counting(connection, query, parameters=None):
            self.statements.append(parameters)
            return execute(connection, query, parameters)

        with patch.object(Connection, "execute", counting):
            return super().send(*messages, **options)

    def test_one_statement_for_many_rows(self):
        receipts = self.send(*_rows(100))
        self.assertEqual(len(self.statements), 1)
        for receipt in receipts:
            self.assertTrue(receipt.ok, receipt.error)
            self.assertEqual(receipt.status, "00000")
            self.assertEqual(receipt.response, "INSERT 0 100")
            self.assertLess(len(receipt.request), 500)
            self.assertRegex(receipt.request, r"VALUES \(%s, %s\) ON .* \[100 rows\]$")
        rows = self.query("SELECT odoo_id, name FROM contacts ORDER BY odoo_id")
        self.assertEqual(rows, [(key, f"n{key}") for key in range(100)])
        self.send(*_rows(100, payload={"name": "again"}))
        self.assertEqual(self.query("SELECT DISTINCT name FROM contacts"), [("again",)])

    def test_values_of_one_column_may_differ_in_kind(self):
        payloads = [
            {"name": "a", "age": 3, "tags": ["x"], "address": {"a": 1}, "active": True},
            {"name": "b", "age": None, "tags": [], "address": None, "active": None},
            {"name": "c", "age": "4", "tags": None, "address": [{}], "active": False},
        ]
        messages = [
            message(key=key, payload=payload) for key, payload in enumerate(payloads)
        ]
        for receipt in self.send(*messages):
            self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(len(self.statements), 1)
        self.assertEqual(
            self.query("SELECT age, tags, address, active FROM contacts ORDER BY name"),
            [
                (3, ["x"], {"a": 1}, True),
                (None, [], None, None),
                (4, None, [{}], False),
            ],
        )

    def test_bad_row_is_found_among_a_hundred(self):
        messages = _rows(100)
        messages[41] = message(key=41, payload={"name": None})
        messages[73] = message(key=73, payload={"name": "x\0"})
        receipts = self.send(*messages)
        self.assertFails(receipts[41], Rejected, '"name"')
        self.assertEqual(receipts[41].status, "23502")
        self.assertFails(receipts[73], Rejected, "NUL")
        self.assertEqual([each.ok for each in receipts].count(True), 98)
        [(count,)] = self.query("SELECT count(*) FROM contacts")
        self.assertEqual(count, 98)
        # in halves: 99, 49 and 50, and so on: 2 for each of 7 levels
        self.assertLessEqual(len(self.statements), 15)

    def test_each_bad_row_has_its_own_error(self):
        self.query("INSERT INTO contacts (odoo_id, name, email) VALUES (99, 'x', 'a')")
        bad = {3: {"name": None}, 4: {"name": "y", "age": -1}, 9: {"name": "z" * 11}}
        messages = [
            message(key=key, payload={"age": 1, **bad.get(key, {"name": "good"})})
            for key in range(12)
        ]
        messages[6] = message(key=6, payload={"name": "q", "email": "a"})
        receipts = self.send(*messages)
        self.assertFails(receipts[3], Rejected, '"name"')
        self.assertFails(receipts[4], Rejected, "age")
        self.assertFails(receipts[6], Rejected, "(email)=(a)")
        self.assertEqual([each.ok for each in receipts].count(False), 3)

    def test_fault_of_the_table_is_found_at_once(self):
        for options, status in (
            ({"target": "nope"}, "42P01"),
            ({"payload": {"nope": 1}}, "42703"),
            ({"target": "private"}, "42501"),
            ({"target": "keyless"}, "42P10"),
        ):
            with self.subTest(status):
                self.statements.clear()
                for receipt in self.send(*_rows(50, **options)):
                    self.assertFails(receipt, Misconfigured)
                    self.assertEqual(receipt.status, status)
                self.assertEqual(len(self.statements), 1)

    def test_trigger_that_meets_a_missing_table_for_one_row(self):
        messages = _rows(8, target="scripted")
        for number, name in enumerate(("42P01", "22012")):
            messages[number] = message(
                key=number, payload={"name": name}, target="scripted"
            )
        receipts = self.send(*messages[:2])
        self.assertEqual([each.status for each in receipts], ["42P01", "22012"])

    def test_other_errors_concern_the_whole_statement(self):
        for sqlstate, error_class, told in (
            ("40P01", Temporary, 9),
            ("53300", Unreachable, 1),
        ):
            with self.subTest(sqlstate):
                self.statements.clear()
                payload = {"name": sqlstate}
                receipts = self.send(*_rows(9, target="scripted", payload=payload))
                for receipt in receipts:
                    self.assertFails(receipt, error_class, "as told")
                    self.assertEqual(receipt.status, sqlstate)
                # an outage is one attempt, and one line of the log
                self.assertEqual(len([each for each in receipts if each.request]), told)
                self.assertEqual(len(self.statements), 1)

    def test_operations_and_columns_have_their_own_statements(self):
        self.send(*_rows(30))
        self.statements.clear()
        messages = []
        for key in range(0, 30, 3):
            messages += [
                message("delete", key=key, payload={}),
                message("mark", key=key + 1, payload={"deleted": True}),
                message(key=key + 2, payload={"name": "new", "age": key}),
            ]
        messages.append(message(key=40, payload={"name": "other columns"}))
        messages.append(message("mark", key=2, payload={"deleted": False}))
        receipts = self.send(*messages)
        self.assertTrue(all(each.ok for each in receipts), receipts)
        self.assertEqual(
            [each.response for each in receipts[:3]],
            ["DELETE 10", "UPDATE 10", "UPDATE 10"],
        )
        self.assertEqual(len(self.statements), 5)
        self.assertEqual(
            self.query(
                "SELECT deleted, name = 'new', count(*) FROM contacts "
                "GROUP BY 1, 2 ORDER BY 1, 2"
            ),
            [(False, False, 1), (False, True, 10), (True, False, 10)],
        )

    def test_value_that_another_row_gives_up(self):
        self.send(message(key=1, payload={"name": "a", "email": "a@x"}))
        receipts = self.send(
            message(key=2, payload={"name": "b", "email": "b@x"}),
            message("delete", key=1, payload={}),
            message(key=3, payload={"name": "c", "email": "a@x"}),
        )
        self.assertTrue(all(each.ok for each in receipts), receipts)

    def test_messages_about_one_record_stay_in_order(self):
        receipts = self.send(
            message(key=1, payload={"name": "a"}),
            message(key="1", payload={"name": "b"}),
            message("delete", key=1, payload={}),
            message(key=2, payload={"name": "a"}),
            message(key=1, payload={"name": "c"}),
        )
        self.assertTrue(all(each.ok for each in receipts), receipts)
        rows = self.query("SELECT odoo_id, name FROM contacts ORDER BY 1")
        self.assertEqual(rows, [(1, "c"), (2, "a")])

    def test_statements_are_bounded(self):
        with patch.object(postgresql_transport, "MAX_ROWS", 10):
            receipts = self.send(*_rows(25))
        self.assertTrue(all(each.ok for each in receipts))
        self.assertEqual([each.response for each in receipts].count("INSERT 0 5"), 5)
        self.assertEqual(len(self.statements), 3)

    def test_each_statement_needs_a_turn(self):
        asked = []

        def reserve(*arguments):
            asked.append(arguments)
            return Slots(0, 1, 1000) if len(asked) < 3 else Slots(44, 0, 1000)

        with PostgresqlTransport(self.config()) as transport:
            transport.pace = Pace(reserve)
            receipts = transport.send(
                [*_rows(20), message("delete", key=99), *_rows(3)]
            )
        self.assertEqual([each.ok for each in receipts], [True] * 21 + [False] * 3)
        for receipt in receipts[21:]:
            self.assertFails(receipt, RateLimited)
            self.assertEqual((receipt.request, receipt.error.retry_after), ("", 44))

    def test_receipts_come_before_the_next_statement(self):
        messages = [
            *_rows(3),
            message(key=3, target="scripted", payload={"name": "53300"}),
        ]
        supply = Supply(messages)
        with PostgresqlTransport(self.config()) as transport:
            receipts = supply.deliver_by(transport)
            written = [next(receipts) for _number in range(3)]
            self.assertTrue(all(each.ok for each in written))
            self.assertEqual(self.query("SELECT count(*) FROM contacts"), [(3,)])
            (last,) = receipts
        self.assertFails(last, Unreachable, "as told")
        self.assertEqual((supply.faults, supply.given), ([], [4, 0]))

    def test_what_was_taken_and_not_started_is_told_of(self):
        messages = [
            message(key=1, target="scripted", payload={"name": "53300"}),
            *_rows(5),
        ]
        supply = Supply(messages)
        with PostgresqlTransport(self.config()) as transport:
            receipts = list(supply.deliver_by(transport))
        self.assertEqual(supply.faults, [])
        self.assertEqual([each.message for each in receipts], messages)
        for receipt in receipts[1:]:
            self.assertFails(receipt, Unreachable, "Not sent after")
        self.assertEqual(self.query("SELECT count(*) FROM contacts"), [(0,)])
