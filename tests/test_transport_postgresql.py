# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import time

from odoo.tests import tagged

from ..exceptions import Misconfigured, Rejected
from ..transports.base import REFUSED
from ..transports.postgresql import PostgresqlTransport
from .postgresql_case import PostgresqlCase
from .transport_case import message


@tagged("-at_install", "post_install")
class TestPostgresqlOperations(PostgresqlCase):
    def test_insert_then_update(self):
        receipt = self.send(message(payload={"name": "Zoë", "email": "z@x"}))
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual((receipt.status, receipt.response), ("00000", "INSERT 0 1"))
        self.assertIsNone(receipt.external_id)
        self.assertGreater(receipt.duration, 0)
        self.assertIn('INSERT INTO "contacts" ("odoo_id", "name"', receipt.request)
        self.assertNotIn("Zoë", receipt.request)
        self.assertTrue(self.send(message(payload={"name": "Zoé"})).ok)
        rows = self.query("SELECT odoo_id, name, email FROM contacts")
        self.assertEqual(rows, [(7, "Zoé", "z@x")])

    def test_types_of_values(self):
        payload = {
            "name": "it's \\ “Łódź” %s \U0001f600",
            "age": 3,
            "tags": ["a", "b,c", 'd"'],
            "address": {"city": "Łódź", "lines": ["x", {"y": None}]},
            "active": False,
            "ratio": 1.25,
            "email": None,
        }
        receipt = self.send(message(payload=payload))
        self.assertTrue(receipt.ok, receipt.error)
        columns = ", ".join(payload)
        [row] = self.query(f"SELECT {columns} FROM contacts")
        self.assertEqual(dict(zip(payload, row, strict=True)), payload)
        for value in ([], [{"a": 1}], ["x", {"a": 1}]):
            column = "tags" if value == [] else "address"
            receipt = self.send(message(payload={"name": "x", column: value}))
            self.assertTrue(receipt.ok, receipt.error)
            self.assertEqual(self.query(f"SELECT {column} FROM contacts"), [(value,)])

    def test_key_column_in_the_payload_does_not_win(self):
        self.assertTrue(self.send(message(payload={"odoo_id": 9, "name": "x"})).ok)
        self.assertEqual(self.query("SELECT odoo_id FROM contacts"), [(7,)])

    def test_nothing_but_the_key(self):
        route = {"target": "crm.contacts"}
        for _time in range(2):
            receipt = self.send(message(payload={}, **route))
            self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(self.query("SELECT odoo_id FROM crm.contacts"), [("7",)])

    def test_schema_and_text_key(self):
        route = {"target": "crm.contacts"}
        self.assertTrue(self.send(message(payload={"name": "x"}, **route)).ok)
        self.assertEqual(self.query("TABLE crm.contacts"), [("7", "x")])
        self.assertEqual(self.query("TABLE contacts"), [])
        marked = message("mark", payload={"name": "gone"}, **route)
        self.assertTrue(self.send(marked).ok)
        self.assertEqual(self.query("TABLE crm.contacts"), [("7", "gone")])
        self.assertTrue(self.send(message("delete", **route)).ok)
        self.assertEqual(self.query("TABLE crm.contacts"), [])

    def test_delete(self):
        rows = [message(key=key, payload={"name": "x"}) for key in (7, 8)]
        self.send(*rows)
        self.assertEqual(self.send(message("delete", payload={})).response, "DELETE 1")
        self.assertEqual(self.query("SELECT odoo_id FROM contacts"), [(8,)])
        receipt = self.send(message("delete", payload={}))
        self.assertTrue(receipt.ok, "it is gone, as wanted")
        self.assertEqual((receipt.response, receipt.warning), ("DELETE 0", None))

    def test_mark(self):
        rows = [message(key=key, payload={"name": "x"}) for key in (7, 8)]
        self.send(*rows)
        marking = message("mark", payload={"deleted": True})
        self.assertTrue(self.send(marking).ok)
        self.assertEqual(
            self.query("SELECT odoo_id, deleted FROM contacts ORDER BY 1"),
            [(7, True), (8, False)],
        )
        self.query("TRUNCATE contacts")
        receipt = self.send(marking)
        self.assertFails(receipt, Rejected, "contacts", "no row to mark")
        self.assertEqual((receipt.response, receipt.fate), ("UPDATE 0", REFUSED))

    def test_names_are_never_code(self):
        receipt = self.send(
            message(
                payload={'na"me);--': "x"},
                target='we"ird; DROP TABLE contacts; --',
                key_column="k 100%s",
            )
        )
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(
            self.query('TABLE "we""ird; DROP TABLE contacts; --"'), [(7, "x")]
        )
        for route in (
            {"target": "contacts; DROP TABLE contacts"},
            {"target": 'contacts" (odoo_id) VALUES (1); DROP TABLE contacts; --'},
            {"key_column": "odoo_id) DO NOTHING; DROP TABLE contacts; --"},
        ):
            for operation in ("upsert", "mark", "delete"):
                sent = message(operation, payload={"name": "x"}, **route)
                self.assertFails(self.send(sent), Misconfigured, "does not exist")
        self.assertEqual(self.query("TABLE contacts"), [])

    def test_one_bad_row_does_not_undo_the_others(self):
        names = ["good", None, "good too"]
        rows = [
            message(key=key, payload={"name": name}) for key, name in enumerate(names)
        ]
        receipts = self.send(*rows)
        self.assertEqual([receipt.ok for receipt in receipts], [True, False, True])
        self.assertEqual(
            self.query("SELECT odoo_id FROM contacts ORDER BY 1"), [(0,), (2,)]
        )

    def test_one_connection_and_its_settings(self):
        with PostgresqlTransport(self.config()) as transport:
            self.assertEqual(self.sessions(), [])
            transport.send([message(payload={"name": "x"})])
            transport.send([message(payload={"name": None})])
            transport.send([message(payload={"name": "y"})])
            self.assertEqual(self.sessions(), [("queue_job_sync", "idle")])
            transport.check()
            self.assertEqual(len(self.sessions()), 1)
        for _time in range(100):
            if not self.sessions():
                break
            time.sleep(0.01)
        self.assertEqual(self.sessions(), [])

    def sessions(self):
        return self.query(
            "SELECT application_name, state FROM pg_stat_activity WHERE usename = %s",
            self.user,
        )
