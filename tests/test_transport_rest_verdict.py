# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Success needs proof: a 2xx may say no, and may leave it open."""

from odoo.tests import tagged

from ..exceptions import Rejected, Temporary, Throttled, Unreachable
from ..transports.base import DONE, REFUSED, UNKNOWN
from .transport_case import TOKEN, RestCase, message

TAKEN = {"message": "Email is taken"}
# What real systems answer with 200 to what they have not done.
REFUSALS = {
    "flag": {"success": False, "message": "Email is taken"},
    "Slack": {"ok": False, "error": "Email is taken"},
    "flag of .NET": {"IsSuccess": False, "Errors": ["Email is taken"]},
    "list": {"errors": [TAKEN]},
    "fields": {"errors": {"email": ["Email is taken"]}},
    "text": {"errors": "Email is taken"},
    "error": {"error": "Email is taken"},
    "error with a code": {"error": {"code": 17, **TAKEN}},
    "no id": {"id": None, "error": "Email is taken"},
    "GraphQL": {"errors": [{**TAKEN, "path": ["x"]}], "data": {"contactCreate": None}},
    "Shopify": {
        "data": {
            "contactCreate": {
                "contact": None,
                "userErrors": [{"field": ["email"], **TAKEN}],
            }
        }
    },
    "Shopify's storefront": {
        "data": {"customerCreate": {"customer": None, "customerUserErrors": [TAKEN]}}
    },
    "GitLab": {
        "data": {"createNote": {"note": None, "errors": ["Email is taken"]}},
    },
    "Zoho": {
        "data": [
            {
                "code": "DUPLICATE_DATA",
                "details": {"api_name": "Email", "id": "4876876000000376008"},
                "status": "error",
                **TAKEN,
            }
        ]
    },
    "HubSpot": {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [TAKEN]},
    "one result": {"results": [{"status": "error", **TAKEN}]},
    "one contact": {"contacts": [{"status": "error", **TAKEN}]},
    "Salesforce": {"id": None, "success": False, "errors": [TAKEN]},
    "Salesforce collection": [{"success": False, "errors": [TAKEN]}],
    "Salesforce composite": {
        "compositeResponse": [
            {"body": [TAKEN], "httpStatusCode": 400, "referenceId": "refContact"}
        ]
    },
    "Elasticsearch": {
        "errors": True,
        "items": [{"index": {"status": 400, "error": {"reason": "Email is taken"}}}],
    },
    "JSON-RPC": {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, **TAKEN}},
    "JSON-RPC that says false": {
        "jsonrpc": "2.0",
        "id": 7,
        "result": False,
        **TAKEN,
    },
    "flag of Go": {"is_error": True, **TAKEN},
    "number of it": {"isError": 1, **TAKEN},
    "WeChat": {"errcode": 40013, "errmsg": "Email is taken"},
    "code": {"error_code": "E17", **TAKEN},
    "Moodle": {"exception": "moodle_exception", "errorcode": "taken", **TAKEN},
    "Intuit": {"Fault": {"Error": [{"Message": "Email is taken"}]}},
    "Apigee": {"fault": {"faultstring": "Email is taken"}},
    "result": {"result": "error", **TAKEN},
    "result that is false": {"result": False, **TAKEN},
    "status that is false": {"status": False, **TAKEN},
    "JSend": {"status": "error", **TAKEN},
    "JSend of a field": {"status": "fail", "data": {"title": "Email is taken"}},
}
# The same with something that was done, it may be.
PARTLY = {
    "GraphQL": {
        "errors": [TAKEN],
        "data": {"contactCreate": {"contact": {"id": "7"}}},
    },
    "Shopify": {
        "data": {"contactCreate": {"contact": {"id": "7"}, "userErrors": [TAKEN]}}
    },
    "id": {"id": 7, "success": False, **TAKEN},
    "id and errors": {"id": 7, "errors": [TAKEN]},
    "a record": {"contact": {"id": 7, "name": "Zoë"}, "error": "Email is taken"},
    "yes and no": {"success": True, "errors": [TAKEN]},
    # what tells of it comes after what was made
    "payments": {"order": {"id": 7}, "payments": [{"status": "failed", **TAKEN}]},
}
# Records, and what is empty.
SUCCESSES = (
    {"id": 7, "errors": [], "error": None, "success": True},
    {"id": 7, "errors": {}, "error": ""},
    {"id": 7, "errors": {"email": []}, "error": {"code": 0, "message": ""}},
    {"id": 7, "errors": 0, "error": False},
    {"id": 7, "error": "none"},
    {"id": 7, "ok": True, "status": "success"},
    {"id": 7, "status": "failsafe"},
    {"id": 7, "data": {"contactCreate": {"userErrors": []}}},
    {"id": 7, "results": [{"status": "success", "message": "record added"}]},
    {"id": 7, "lines": [{"status": "error", "message": "a line's own"}]},
    {"id": 7, "data": "error"},
    {"id": 7, "errcode": 0, "errmsg": "ok"},
    {"id": 7, "error_code": "00000", "is_error": False, "exception": None},
    {"id": 7, "result": "ok", "status": True, "code": 200, "message": "ok"},
    {"id": 7, "contacts": [{"status": "error", "message": "the record's own"}]},
)
# What can be read either way.
DOUBTS = {
    "status": {"id": 7, "status": "error"},
    "error": {"id": 7, "status": "error", "error": "x"},
    "success": {"id": 7, "success": "false"},
    "ok": {"id": 7, "ok": 0},
    "errors": {"id": 7, "errors": 3},
    "errcode": {"id": 7, "errcode": 3},
    "result": {"id": 7, "result": False},
    "exception": {"id": 7, "exception": "a"},
}


@tagged("-at_install", "post_install")
class TestRestVerdict(RestCase):
    def test_2xx_that_says_no(self):
        for name, body in REFUSALS.items():
            for options in ({}, {"external_id": "5"}, {"id_policy": "odoo"}):
                with self.subTest(name, **options):
                    self.server.answer(200, body)
                    receipt = self.send(message(**options))
                    self.assertFails(receipt, Rejected, "Email is taken", "200")
                    self.assertEqual((receipt.fate, receipt.status), (REFUSED, "200"))
        self.assertEqual(
            len(self.server.requests), 3 * len(REFUSALS), "nothing else was sent"
        )

    def test_every_operation_and_status(self):
        for status in (200, 201, 202, 207):
            for operation in ("upsert", "mark", "delete"):
                with self.subTest(status=status, operation=operation):
                    self.server.answer(status, {"success": False, **TAKEN})
                    sent = message(operation, payload={}, external_id="5")
                    self.assertFails(self.send(sent), Rejected, "taken", str(status))

    def test_something_came_with_the_refusal(self):
        for name, body in PARTLY.items():
            with self.subTest(name):
                self.server.answer(200, body)
                receipt = self.send()
                self.assertFails(receipt, Rejected, "Email is taken")
                self.assertEqual(receipt.fate, UNKNOWN)

    def test_2xx_that_says_yes(self):
        for body in SUCCESSES:
            with self.subTest(body):
                self.server.answer(200, body)
                receipt = self.send()
                self.assertTrue(receipt.ok, receipt.error)
                self.assertEqual((receipt.external_id, receipt.fate), ("7", DONE))
                self.assertIsNone(receipt.warning)

    def test_what_leaves_it_open_is_a_success_with_a_warning(self):
        for name, body in DOUBTS.items():
            with self.subTest(body):
                self.server.answer(200, body)
                receipt = self.send()
                self.assertTrue(receipt.ok, receipt.error)
                self.assertEqual(receipt.external_id, "7")
                self.assertRegex(receipt.warning, f"“(error|{name})” in the answer")

    def test_fields_of_a_record_are_no_verdict(self):
        # below the place of the id
        self.server.answer(
            200, {"data": {"id": 7, "status": "error", "error": "x", "ok": True}}
        )
        receipt = self.send(message(external_id_key="data.id"))
        self.assertEqual((receipt.ok, receipt.external_id), (True, "7"))
        # we have sent them, with an id in the answer or without
        payload = {"status": "error", "error": "E7", "ok": False, "errors": ["a"]}
        for more in ({}, {"id": 7}):
            self.server.answer(200, {**payload, **more})
            receipt = self.send(message(payload=payload, external_id="7"))
            self.assertTrue(receipt.ok, receipt.error)
            self.assertIsNone(receipt.warning)
        # another value than ours may be either
        self.server.answer(200, {"status": "failed", "message": "no"})
        receipt = self.send(message(payload={"status": "open"}, external_id="7"))
        self.assertTrue(receipt.ok)
        self.assertIn("“status”", receipt.warning)

    def test_lists_beside_the_id(self):
        """They are of what belongs to the record, and never say that it was refused."""
        for body, warned in (
            ({"order": {"id": 7}, "payments": [{"status": "failed"}]}, True),
            ({"order": {"id": 7}, "results": [{"success": False}]}, True),
            ({"order": {"id": 7}, "payments": [{"status": "paid"}]}, False),
        ):
            with self.subTest(body):
                self.server.answer(201, body)
                receipt = self.send(message(external_id_key="order.id"))
                self.assertTrue(receipt.ok, receipt.error)
                self.assertEqual(receipt.external_id, "7")
                self.assertEqual(receipt.warning is not None, warned)

    def test_status_of_a_server_that_has_not_judged(self):
        """Within a 2xx it means what it means alone."""
        throttled = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
        for body, error_class, fate in (
            ({"statusCode": 504, "message": "upstream"}, Unreachable, UNKNOWN),
            ({"status": 503, "message": "upstream"}, Unreachable, UNKNOWN),
            ({"httpStatusCode": "500"}, Temporary, UNKNOWN),
            ({"statusCode": 408, "message": "late"}, Temporary, UNKNOWN),
            ([{"httpStatusCode": 503, "body": None}], Unreachable, UNKNOWN),
            ({"error": {"code": 503, "message": "busy"}}, Unreachable, UNKNOWN),
            ({"statusCode": 429, "message": "slowly"}, Throttled, REFUSED),
            ({"ok": False, "error": "ratelimited"}, Throttled, REFUSED),
            ({"errors": [throttled]}, Throttled, REFUSED),
            ({"statusCode": 501, "message": "no such method"}, Rejected, REFUSED),
            ({"statusCode": 400, "message": "bad"}, Rejected, REFUSED),
        ):
            with self.subTest(body):
                self.server.answer(200, body)
                receipt = self.send()
                self.assertFails(receipt, error_class, "200", "is no")
                self.assertEqual(receipt.fate, fate)
        self.server.answer(200, {"statusCode": 429}, headers={"Retry-After": "7"})
        self.assertEqual(self.send().error.retry_after, 7)

    def test_nothing_but_false(self):
        self.server.answer(200, b"false")
        receipt = self.send(message(external_id="5"))
        self.assertFails(receipt, Rejected, "is no")
        self.assertEqual(receipt.fate, REFUSED)

    def test_words_that_may_mean_a_refusal(self):
        for body, kind, name in (
            ({"code": 1017, "message": "Email is taken"}, None, "code"),
            ({"code": "E1", "msg": "Email is taken", "data": None}, None, "code"),
            (b"ERROR: email is taken", "text/plain", "ERROR"),
            (b"<soap:Fault/>", "text/xml", "Fault"),
            ("failed", "application/json", "failed"),
            (b'"failed"', "application/json", "failed"),
        ):
            with self.subTest(body):
                headers = kind and {"Content-Type": kind}
                self.server.answer(200, body, headers=headers)
                receipt = self.send(message(external_id="5"))
                self.assertTrue(receipt.ok, receipt.error)
                self.assertIn(f"“{name}” in the answer", receipt.warning)
        for body in (
            {"code": 0, "message": "done"},
            {"code": 200, "message": "done"},
            {"code": 17, "message": "done", "data": {"x": 1}},
            b"accepted",
        ):
            self.server.answer(200, body, headers={"Content-Type": "text/plain"})
            self.assertIsNone(self.send(message(external_id="5")).warning)

    def test_one_of_several_items(self):
        items = [{"status": "success", "id": 7}, {"status": "error", **TAKEN}]
        self.server.answer(200, {"data": items})
        receipt = self.send(message(external_id="5"))
        self.assertTrue(receipt.ok, "nobody knows of which record it is")
        self.assertIn("“status”", receipt.warning)

    def test_update_that_met_no_record(self):
        self.server.answer(200, {"matchedCount": 0, "modifiedCount": 0})
        receipt = self.send(message(external_id="5"))
        self.assertTrue(receipt.ok)
        self.assertIn("“matchedcount”", receipt.warning)

    def test_page_for_people(self):
        for options in ({"external_id": "5"}, {"id_policy": "none"}):
            self.server.answer(200, "<html><h1>Please log in</h1></html>")
            receipt = self.send(message(**options))
            self.assertTrue(receipt.ok)
            self.assertIn("a page for people", receipt.warning)

    def test_accepted_is_not_confirmed(self):
        for options, expected in (
            ({}, None),
            ({"external_id": "5"}, "5"),
            ({"id_policy": "odoo"}, None),
            ({"id_policy": "none"}, None),
        ):
            for body in (None, {"id": "operation-55"}):
                with self.subTest(body, **options):
                    headers = {"Location": "/contacts/77"}
                    self.server.answer(202, body, headers=headers)
                    receipt = self.send(message(**options))
                    self.assertTrue(receipt.ok, receipt.error)
                    self.assertTrue(receipt.accepted)
                    self.assertEqual(receipt.external_id, expected)
                    self.assertIn("accepted, not confirmed", receipt.warning)
        self.server.answer(201, {"id": 1})
        self.assertFalse(self.send().accepted)

    def test_no_secret_is_told(self):
        self.server.answer(200, {"ok": False, "error": f"what is {TOKEN}?"})
        receipt = self.send(auth="bearer", secret=TOKEN)
        self.assertFails(receipt, Rejected, "what is ***?")
        self.server.answer(201, {"id": f"a-{TOKEN}"})
        receipt = self.send(auth="bearer", secret=TOKEN)
        self.assertEqual((receipt.ok, receipt.external_id), (True, None))
        self.assertIn("holds a secret", receipt.warning)
        self.server.answer(200, {"id": f"a-{TOKEN}"})
        receipt = self.send(message(external_id="5"), auth="bearer", secret=TOKEN)
        self.assertEqual((receipt.ok, receipt.external_id), (True, "5"))
        self.assertNotIn(TOKEN, f"{receipt!r} {receipt.warning}")

    def test_deep_and_wide_answers(self):
        deep = b"[" * 400 + b"1" + b"]" * 400
        for body, error_class in (
            (b'{"id": 7, "data": {"x": %s}}' % deep, None),
            (b'{"id": 7, "errors": [%s]}' % deep, Rejected),
            (b'{"id": 7, "success": %s, "status": %s}' % (deep, deep), None),
            (b'{"id": 7, "data": {"errors": {"x": %s}}}' % deep, None),
            (b'{"id": 7, "results": [%s]}' % b",".join([b"{}"] * 50000), None),
        ):
            self.server.answer(200, body)
            receipt = self.send()
            self.assertIs(error_class and type(receipt.error), error_class)
