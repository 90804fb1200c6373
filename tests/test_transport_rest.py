# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from ..exceptions import Rejected, Temporary
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
                {"Location": "http://other.example/contacts/a%20b/"},
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
        for body, headers in (
            ({"ok": True}, {}),
            ({"id": None}, {}),
            ({"id": {"x": 1}}, {}),
            ({"id": ".."}, {}),
            ([{"id": 1}], {}),
            ("<html>created</html>", {}),
            (None, {"Location": "/contacts/"}),
            (b"[" * 100000, {}),
        ):
            with self.subTest(body=body if not isinstance(body, bytes) else "deep"):
                self.server.answer(201, body, headers=headers)
                receipt = self.send()
                self.assertFails(receipt, Temporary, "answered 201", "without an id")
                self.assertIsNone(receipt.external_id)

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
        receipt = self.send(message(external_id="99"))
        self.assertEqual((receipt.ok, receipt.external_id), (True, "1"))
        self.assertEqual(self.lines(), ["PUT /contacts/99", "POST /contacts"])
        keys = [request.headers["Idempotency-Key"] for request in self.server.requests]
        self.assertEqual(keys, ["key-1", "key-1-recreate"])
        self.assertIn("PUT", receipt.request)
        self.assertIn("POST", receipt.request)

    def test_lost_record_that_cannot_be_created_keeps_its_id(self):
        self.server.answer(404)
        self.server.answer(500)
        receipt = self.send(message(external_id="99"))
        self.assertFails(receipt, Temporary)
        self.assertEqual(receipt.external_id, "99")

    def test_odoo_key_is_the_id(self):
        self.server.upsert = True
        receipt = self.send(message(id_policy="odoo"))
        self.assertEqual((receipt.ok, receipt.external_id), (True, None))
        self.assertEqual(self.lines(), ["PUT /contacts/7"])
        self.assertEqual(self.server.records, {"/contacts/7": PAYLOAD})

    def test_odoo_key_refused_by_the_destination(self):
        receipt = self.send(message(id_policy="odoo"))
        self.assertFails(receipt, Rejected, "404")
        self.assertEqual(self.lines(), ["PUT /contacts/7"])

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
            self.assertTrue(self.send(sent).ok, "it is gone, as wanted")

    def test_delete_with_odoo_key(self):
        self.assertTrue(self.send(message("delete", id_policy="odoo")).ok)
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
