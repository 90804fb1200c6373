# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from ..exceptions import Blocked, Rejected, Temporary
from .transport_case import PAYLOAD, RestCase, message


@tagged("-at_install", "post_install")
class TestRestOperations(RestCase):
    def test_create_reads_the_id(self):
        receipt = self.send()
        self.assertTrue(receipt.ok)
        self.assertEqual(receipt.external_id, "1")
        self.assertEqual(receipt.status, "201")
        self.assertEqual(receipt.request, f"POST {self.server.url}/contacts")
        self.assertIn('"id": "1"', receipt.response)
        self.assertGreater(receipt.duration, 0)
        [request] = self.server.requests
        self.assertEqual((request.method, request.path), ("POST", "/contacts"))
        self.assertEqual(request.json, PAYLOAD)
        self.assertIn("Zoë".encode(), request.body, "UTF-8, not escapes")
        self.assertEqual(request.headers["Content-Type"], "application/json")
        self.assertEqual(request.headers["Accept"], "application/json")
        self.assertEqual(request.headers["Idempotency-Key"], "key-1")
        self.assertTrue(request.headers["User-Agent"].startswith("queue_job_sync"))
        self.assertNotIn("Authorization", request.headers)

    def test_create_sent_again_makes_no_second_record(self):
        first, second = self.send(), self.send()
        self.assertEqual(first.external_id, second.external_id)
        self.assertEqual(len(self.server.records), 1)

    def test_where_the_id_is_found(self):
        for key, body, headers, expected in (
            ("id", {"id": 42}, {}, "42"),
            ("data.contact.id", {"data": {"contact": {"id": "c/1"}}}, {}, "c/1"),
            ("id", None, {"Location": "/contacts/77"}, "77"),
            (
                "id",
                "<p>ok",
                {"Location": "/contacts/a%20b/"},
                "a b",
            ),
            ("id", {"id": 1}, {"Location": "/contacts/2"}, "1"),
        ):
            with self.subTest(body=body, headers=headers):
                self.server.answer(201, body, headers=headers)
                receipt = self.send(message(external_id_key=key))
                self.assertTrue(receipt.ok, receipt.error)
                self.assertEqual(receipt.external_id, expected)

    def test_created_without_an_id(self):
        """The record is there, and nobody here knows its id."""
        for body, headers in (
            ({"ok": True}, {}),
            ({"id": None}, {}),
            ({"id": {"x": 1}}, {}),
            ({"id": ".."}, {}),
            ([{"id": 1}], {}),
            ("<html>created</html>", {}),
            (None, {"Location": "/contacts/"}),
            (None, {"Location": "/operations/55"}),
            (None, {"Location": "http://other.example/contacts/55"}),
            (None, {"Location": "http://localhost:bad/contacts/55"}),
            ({"id": 1.5}, {}),
            ({"id": 0}, {}),
            ({"id": -1}, {}),
            ({"id": "null"}, {}),
            ({"id": "undefined"}, {}),
            ({"id": "00000000-0000-0000-0000-000000000000"}, {}),
            # that of the request
            ({"jsonrpc": "2.0", "id": 7, "result": {}}, {}),
            ({"id": True}, {}),
            ({"id": [7]}, {}),
            ({"id": ""}, {}),
            ({"id": "x" * 256}, {}),
            ({"id": "a\tb"}, {}),
            (b'{"id": 1' + b"0" * 5000 + b"}", {}),
            (b"[" * 100000, {}),
        ):
            told = body if not isinstance(body, bytes) else body[:9]
            with self.subTest(body=told, headers=headers):
                self.server.answer(201, body, headers=headers)
                receipt = self.send()
                self.assertTrue(receipt.ok, receipt.error)
                self.assertIsNone(receipt.external_id)
                self.assertIn("answered 201 Created without an id", receipt.warning)
                self.assertIn("“id”", receipt.warning, "what was looked for")

    def test_location_counts_where_it_names_what_was_made(self):
        for status, expected in ((201, "77"), (204, "77"), (200, None), (202, None)):
            self.server.answer(status, headers={"Location": "/contacts/77"})
            receipt = self.send()
            self.assertEqual((receipt.ok, receipt.external_id), (True, expected))

    def test_odata_location(self):
        location = f"{self.server.url}/contacts(0f8fad5b-d9cb-469f)"
        for status in (201, 204):
            self.server.answer(status, headers={"Location": location})
            self.assertEqual(self.send().external_id, "0f8fad5b-d9cb-469f")
        # Dataverse
        self.server.answer(204, headers={"OData-EntityId": location})
        self.assertEqual(self.send().external_id, "0f8fad5b-d9cb-469f")
        self.server.answer(204, headers={"OData-EntityId": "/api/accounts(7)"})
        self.assertIsNone(self.send().external_id)

    def test_update_that_names_another_id(self):
        for body, policy, expected in (
            ({"id": 9, "name": "Zoë"}, "destination", "9"),
            ({"ID": 1, "id": "9", "Name": "Zoë", "x": 1}, "destination", "9"),
            ({"id": "5"}, "destination", "5"),
            ({"id": ["9"]}, "destination", "5"),
            ({"id": "x" * 256}, "destination", "5"),
            ({"other": "9"}, "destination", "5"),
            ({"id": 9}, "odoo", "5"),
        ):
            with self.subTest(body):
                self.server.answer(200, body, headers={"Location": "/contacts/8"})
                receipt = self.send(message(external_id="5", id_policy=policy))
                self.assertEqual((receipt.ok, receipt.external_id), (True, expected))
                if expected == "9":
                    self.assertIn("the record is 9 there", receipt.warning)
                else:
                    self.assertIsNone(receipt.warning)
        # what is not the record, as an event or a job
        for body in ({"id": 9}, {"id": 9, "name": "contact.updated"}):
            self.server.answer(200, body)
            receipt = self.send(message(external_id="5"))
            self.assertEqual((receipt.ok, receipt.external_id), (True, "5"))
            self.assertIn("The record stays 5", receipt.warning)
        # a field of ours that is called so, a mark, and what is not confirmed
        self.server.answer(200, {"id": 7, "name": "Zoë"})
        sent = message(external_id="5", payload={"id": 7, "name": "Zoë"})
        self.assertEqual(self.send(sent).external_id, "5")
        self.server.answer(200, {"id": 9})
        self.assertEqual(self.send(message("mark", external_id="5")).external_id, "5")
        self.server.answer(202, {"id": 9})
        self.assertEqual(self.send(message(external_id="5")).external_id, "5")

    def test_systems_that_keep_no_records(self):
        options = {"id_policy": "none", "proven": {"create"}}
        for number, operation in enumerate(("upsert", "mark", "upsert"), 1):
            sent = message(
                operation, idempotency_key=f"key-{number}", external_id="5", **options
            )
            self.server.answer(200, None if number == 1 else {"id": "e-1"})
            receipt = self.send(sent)
            self.assertTrue(receipt.ok, receipt.error)
            self.assertIsNone(receipt.warning)
        self.assertEqual(self.lines(), ["POST /contacts"] * 3)
        receipt = self.send(message("delete", external_id="5", **options))
        self.assertEqual((receipt.ok, receipt.request), (True, ""))
        self.assertEqual(len(self.server.requests), 3)
        self.server.answer(200, {"ok": False, "error": "no such channel"})
        self.assertFails(self.send(message(**options)), Rejected, "no such channel")

    def test_update_with_the_destination_id(self):
        for method in ("put", "patch"):
            self.server.records["/contacts/a%2Fb"] = {"name": "old", "kept": 1}
            sent = message(
                external_id="a/b", update_method=method, idempotency_key=method
            )
            receipt = self.send(sent)
            self.assertEqual((receipt.ok, receipt.external_id), (True, "a/b"))
            self.assertEqual(self.lines()[-1], f"{method.upper()} /contacts/a%2Fb")
            key = self.server.requests[-1].headers["Idempotency-Key"]
            self.assertEqual(key, method)

    def test_update_needs_no_body(self):
        for body in ("<html>thanks</html>", None, b"\xff\xfe"):
            self.server.answer(200, body)
            self.assertTrue(self.send(message(external_id="1")).ok)

    def test_update_of_a_lost_record_creates_it_again(self):
        receipt = self.send(message(external_id="99", proven={"update"}))
        self.assertEqual((receipt.ok, receipt.external_id), (True, "1"))
        self.assertEqual(self.lines(), ["PUT /contacts/99", "POST /contacts"])
        keys = [request.headers["Idempotency-Key"] for request in self.server.requests]
        self.assertEqual(keys, ["key-1", "key-1-recreate"])
        self.assertIn("PUT", receipt.request)
        self.assertIn("POST", receipt.request)

    def test_lost_record_that_cannot_be_created_keeps_its_id(self):
        self.server.answer(404)
        self.server.answer(500)
        receipt = self.send(message(external_id="99", proven={"update"}))
        self.assertFails(receipt, Temporary)
        self.assertEqual(receipt.external_id, "99")

    def test_odoo_key_is_the_id(self):
        self.server.upsert = True
        receipt = self.send(message(id_policy="odoo"))
        self.assertEqual((receipt.ok, receipt.external_id), (True, None))
        self.assertEqual(self.lines(), ["PUT /contacts/7"])
        self.assertEqual(self.server.records, {"/contacts/7": PAYLOAD})

    def test_odoo_key_refused_by_the_destination(self):
        options = {"id_policy": "odoo", "proven": {"update"}}
        for status, error_class in ((404, Blocked), (410, Rejected), (422, Rejected)):
            self.server.answer(status)
            self.assertFails(self.send(message(**options)), error_class, str(status))
        self.assertEqual(self.lines(), ["PUT /contacts/7"] * 3)

    def test_odoo_key_that_would_be_another_path(self):
        receipt = self.send(message(id_policy="odoo", key=".."))
        self.assertFails(receipt, Rejected)
        self.assertEqual((self.lines(), receipt.request), ([], ""))

    def test_delete(self):
        self.server.records["/contacts/5"] = {}
        sent = message("delete", payload={}, external_id="5")
        receipt = self.send(sent)
        self.assertEqual((receipt.ok, receipt.external_id), (True, None))
        self.assertEqual(self.server.records, {})
        self.assertEqual(self.server.requests[-1].body, b"")
        for status in (404, 410):
            self.server.answer(status)
            sent = message("delete", payload={}, external_id="5", proven={"delete"})
            self.assertTrue(self.send(sent).ok, "it is gone, as wanted")

    def test_delete_with_odoo_key(self):
        sent = message("delete", id_policy="odoo", proven={"delete"})
        self.assertTrue(self.send(sent).ok)
        self.assertEqual(self.lines(), ["DELETE /contacts/7"])

    def test_mark(self):
        self.server.records["/contacts/5"] = {"name": "Zoë"}
        sent = message("mark", payload={"deleted": True}, external_id="5")
        receipt = self.send(sent)
        self.assertEqual((receipt.ok, receipt.external_id), (True, "5"))
        self.assertEqual(self.lines(), ["PATCH /contacts/5"])
        self.assertEqual(
            self.server.records["/contacts/5"], {"name": "Zoë", "deleted": True}
        )
        self.server.answer(410)
        self.assertTrue(self.send(sent).ok)

    def test_nothing_to_remove_sends_nothing(self):
        for operation in ("delete", "mark"):
            receipt = self.send(message(operation))
            self.assertEqual((receipt.ok, receipt.request), (True, ""))
            self.assertIsNone(receipt.status)
        self.assertEqual(self.lines(), [])

    def test_what_is_held_there(self):
        self.server.records["/contacts/5"] = {"name": "Zoë"}
        transport = self.transport()
        held = transport.held(message(external_id="5"))
        self.assertEqual(held, {"name": "Zoë"})
        self.assertIsNone(transport.held(message(external_id="9")))
        self.assertIsNone(transport.held(message(id_policy="none", external_id="5")))
        for body in (b'{"a": %s1%s}' % (b"[" * 900, b"]" * 900), b"[]", b"{" * 90000):
            self.server.answer(200, body)
            with self.assertRaises(Temporary):
                transport.held(message(external_id="5"))

    def test_preview_where_no_records_are_kept(self):
        for operation in ("upsert", "mark"):
            sent = message(operation, id_policy="none", external_id="5")
            shown = self.transport().preview(sent)
            self.assertTrue(shown.startswith(f"POST {self.server.url}/contacts\n"))
        self.assertEqual(
            self.transport().preview(message("delete", id_policy="none")), ""
        )
        self.assertEqual(self.lines(), [])

    def test_payload_that_is_no_json(self):
        for value in (float("nan"), object(), "\ud800"):
            receipt = self.send(message(payload={"name": value}))
            self.assertFails(receipt, Rejected, "JSON")
        self.assertEqual(self.lines(), [])

    def test_many_messages_on_one_connection(self):
        self.server.answer(422, {"message": "bad name"})
        messages = [message(key=key, idempotency_key=f"k{key}") for key in range(4)]
        receipts = self.transport(concurrency=1).send(messages)
        self.assertEqual(
            [receipt.ok for receipt in receipts], [False, True, True, True]
        )
        self.assertEqual([receipt.message for receipt in receipts], messages)
        self.assertEqual(self.server.connections, 1)
