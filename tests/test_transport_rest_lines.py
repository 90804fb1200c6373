# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests as they are typed, and answers as they are described, at a real server."""

import json
import random
from urllib.parse import parse_qsl, unquote

from odoo.tests import tagged

from ..exceptions import Blocked, Misconfigured, Rejected, Temporary
from ..transports.base import REFUSED, UNKNOWN, UNSENT, Route, Use
from ..transports.rest.requests import request_problem
from .servers import Answer, HttpDestination
from .transport_case import PAYLOAD, TOKEN, RestCase, message

RECORD = '"{record}"'
GRAPHQL = (
    "mutation($i: Input!) { customerCreate(input: $i) { customer { id } "
    "userErrors { message } } }"
)


def typed(**requests):
    """Fields of a route with requests: lines by kind, or pairs of line and body."""
    pairs = {
        kind: (each, "") if isinstance(each, str) else each
        for kind, each in requests.items()
    }
    lines = tuple((kind, line, body) for kind, (line, body) in sorted(pairs.items()))
    return {"target": "", "requests": lines}


class LinesCase(RestCase):
    def assertSent(self, *expected):
        """Assert what arrived, as ``(line, content)``; the content is JSON or bytes."""
        found = []
        for request, (_line, content) in zip(
            self.server.requests, expected, strict=False
        ):
            is_raw = isinstance(content, bytes)
            found.append(
                (
                    f"{request.method} {request.path}",
                    request.body if is_raw else request.json,
                )
            )
        self.assertEqual(found, list(expected))
        self.assertEqual(len(self.server.requests), len(expected), self.lines())

    def deliver(self, status, body, operation="upsert", headers=None, **options):
        """Send one message, which is answered like this."""
        self.server.requests.clear()
        self.server.answer(status, body, headers=headers)
        return self.send(message(operation, **options))

    def assertDone(self, receipt, external_id=None):
        self.assertTrue(receipt.ok, receipt.error)
        self.assertIsNone(receipt.warning)
        self.assertEqual(receipt.external_id, external_id)


@tagged("-at_install", "post_install")
class TestRestLines(LinesCase):
    def test_envelope(self):
        """Zoho CRM"""
        body = json.dumps({"data": ["{record}"]})
        route = typed(
            create=("POST crm/v8/Contacts", body),
            update=("PUT crm/v8/Contacts/{id}", body),
            remove="DELETE crm/v8/Contacts/{id}",
        )
        route["external_id_key"] = "data[0].details.id"
        done = {"data": [{"code": "SUCCESS", "details": {"id": "48"}}]}
        self.assertDone(self.deliver(201, done, **route), "48")
        self.assertSent(("POST /crm/v8/Contacts", {"data": [PAYLOAD]}))
        self.assertDone(self.deliver(200, done, external_id="48", **route), "48")
        self.assertSent(("PUT /crm/v8/Contacts/48", {"data": [PAYLOAD]}))
        options = {"external_id": "48", "payload": {}, **route}
        self.assertDone(self.deliver(200, done, "delete", **options))
        self.assertSent(("DELETE /crm/v8/Contacts/48", b""))

    def test_list_of_one(self):
        """BigCommerce: no record has an address of its own"""
        body = json.dumps([{"id": "{id:number}", "...": "{record}"}])
        route = typed(
            create=("POST customers", f"[{RECORD}]"),
            update=("PUT customers", body),
            remove="DELETE customers?id:in={id}",
        )
        route["external_id_key"] = "data[0].id"
        self.assertDone(self.deliver(200, {"data": [{"id": 5}]}, **route), "5")
        self.assertSent(("POST /customers", [PAYLOAD]))
        receipt = self.deliver(200, {"data": [{"id": 5}]}, external_id="5", **route)
        self.assertDone(receipt, "5")
        self.assertSent(("PUT /customers", [{"id": 5, **PAYLOAD}]))
        options = {"external_id": "5", "payload": {}, **route}
        self.assertDone(self.deliver(204, None, "delete", **options))
        self.assertSent(("DELETE /customers?id:in=5", b""))

    def test_graphql(self):
        """Shopify"""
        body = json.dumps({"query": GRAPHQL, "variables": {"i": "{record}"}})
        route = typed(create=("POST admin/graphql.json", body))
        route["external_id_key"] = "data.customerCreate.customer.id"
        gid = "gid://shopify/Customer/7"
        done = {"data": {"customerCreate": {"customer": {"id": gid}, "userErrors": []}}}
        self.assertDone(self.deliver(200, done, **route), gid)
        content = {"query": GRAPHQL, "variables": {"i": PAYLOAD}}
        self.assertSent(("POST /admin/graphql.json", content))
        no = {
            "customerCreate": {"customer": None, "userErrors": [{"message": "Taken"}]}
        }
        receipt = self.deliver(200, {"data": no}, **route)
        self.assertFails(receipt, Rejected, "Taken")
        self.assertEqual(receipt.fate, REFUSED)

    def test_suffixes_slashes_and_queries(self):
        for line, expected in (
            ("PUT users/{id}.json", "PUT /users/a%2F5.json"),
            ("PUT /users/{id}/", "PUT /users/a%2F5/"),
            ("POST users/{id}?notify=false&x", "POST /users/a%2F5?notify=false&x"),
            ("PATCH contacts({id})", "PATCH /contacts(a%2F5)"),
            ("POST customers/{id}/archive", "POST /customers/a%2F5/archive"),
            ("PATCH contacts?id=eq.{id}", "PATCH /contacts?id=eq.a%2F5"),
        ):
            with self.subTest(line):
                options = {"external_id": "a/5", **typed(update=line)}
                self.assertDone(self.deliver(200, None, **options), "a/5")
                self.assertSent((expected, PAYLOAD))
                self.assertEqual(
                    self.server.requests[0].headers["Idempotency-Key"], "key-1"
                )

    def test_address_of_the_system_alone(self):
        receipt = self.send(
            message(id_policy="none", **typed(create="POST")),
            url=f"{self.server.url}/hooks/x",
        )
        self.assertTrue(receipt.ok, receipt.error)
        self.assertSent(("POST /hooks/x", PAYLOAD))

    def test_remove_is_any_request(self):
        archive = json.dumps({"ContactStatus": "ARCHIVED", "ContactID": "{id}"})
        for remove, expected in (
            (
                "DELETE customers/{id}?force=true",
                ("DELETE /customers/5?force=true", b""),
            ),
            (
                ("POST Contacts/{id}", archive),
                ("POST /Contacts/5", {"ContactStatus": "ARCHIVED", "ContactID": "5"}),
            ),
            ("POST contacts/{id}/archive", ("POST /contacts/5/archive", b"")),
        ):
            with self.subTest(remove):
                options = {"external_id": "5", "payload": {}, **typed(remove=remove)}
                self.assertDone(self.deliver(200, {}, "delete", **options))
                self.assertSent(expected)

    def test_remove_marks(self):
        route = typed(remove=("PATCH contacts/{id}", RECORD))
        options = {"external_id": "5", "payload": {"gone": True}, **route}
        self.assertDone(self.deliver(200, {}, "mark", **options), "5")
        self.assertSent(("PATCH /contacts/5", {"gone": True}))

    def test_form(self):
        """Stripe"""
        route = typed(create="POST v1/customers", update="POST v1/customers/{id}")
        route["encoding"] = "form"
        self.assertDone(self.deliver(200, {"id": "cus_1"}, **route), "cus_1")
        form = [("name", "Zoë"), ("address[city]", "Łódź")]
        [request] = self.server.requests
        self.assertEqual(parse_qsl(request.body.decode()), form)
        media = "application/x-www-form-urlencoded"
        self.assertEqual(request.headers["Content-Type"], media)
        # also what goes to the endpoint
        receipt = self.deliver(200, {}, external_id="5", encoding="form")
        self.assertDone(receipt, "5")
        [request] = self.server.requests
        self.assertEqual(request.path, "/contacts/5")
        self.assertEqual(parse_qsl(request.body.decode()), form)

    def test_what_is_not_typed_goes_to_the_endpoint(self):
        requests = typed(remove="DELETE contacts/{id}?force=true")["requests"]
        for operation, expected in (
            ("upsert", "PUT /contacts/5"),
            ("delete", "DELETE /contacts/5?force=true"),
        ):
            options = {"external_id": "5", "requests": requests}
            self.assertTrue(self.deliver(200, {}, operation, **options).ok)
            self.assertEqual(self.lines(), [expected])
        self.deliver(201, {"id": 6}, requests=requests)
        self.assertSent(("POST /contacts", PAYLOAD))

    def test_request_that_is_missing(self):
        for operation, options in (
            ("upsert", typed(update="PUT contacts/{id}")),
            ("upsert", {"external_id": "5", **typed(create="POST contacts")}),
            ("delete", {"external_id": "5", **typed(create="POST contacts")}),
            ("mark", {"external_id": "5", **typed(create="POST contacts")}),
        ):
            receipt = self.send(message(operation, **options))
            self.assertFails(receipt, Misconfigured, "has no request for this")
            self.assertEqual((receipt.fate, receipt.request), (UNSENT, ""))
        for wrong in (
            typed(create="POST ../x"),
            {"external_id_key": "data["},
            {"refused": "length("},
            {"gone": "headers.Set-Cookie"},
        ):
            for more in ({}, {"batch_target": "batch"}):
                receipt = self.send(message(**wrong, **more))
                self.assertFails(receipt, Misconfigured)
                self.assertEqual(receipt.fate, UNSENT)
        self.assertFalse(self.lines())

    def test_records_without_an_id(self):
        """A webhook, which is also told what is gone"""
        body = json.dumps({"event": "{operation}", "id": "{key}", "is": "{record}"})
        gone = json.dumps({"event": "{operation}", "id": "{key}"})
        route = typed(create=("POST hook?v=1", body), remove=("POST hook?v=1", gone))
        route["id_policy"] = "none"
        self.assertDone(self.deliver(200, {"id": "e-1"}, **route))
        content = {"event": "upsert", "id": 7, "is": PAYLOAD}
        self.assertSent(("POST /hook?v=1", content))
        for operation in ("delete", "mark"):
            self.assertDone(self.deliver(200, None, operation, payload={}, **route))
            self.assertSent(("POST /hook?v=1", {"event": operation, "id": 7}))
        # many at a time need a request of their own
        batch = {**route, "batch_target": "batch"}
        sent = message("delete", payload={}, **batch)
        self.server.requests.clear()
        self.assertTrue(self.send(sent).ok)
        self.assertSent(("POST /hook?v=1", {"event": "delete", "id": 7}))

    def test_records_without_an_id_that_nobody_is_told_of(self):
        """A webhook that is no more: what is gone is no record."""
        gone = json.dumps({"event": "{operation}", "id": "{key}"})
        route = typed(create="POST hook", remove=("POST hook", gone))
        route = {**route, "id_policy": "none", "payload": {}}
        for operation in ("upsert", "mark", "delete"):
            for status in (404, 410):
                receipt = self.deliver(status, None, operation, **route)
                self.assertFails(receipt, Misconfigured, str(status))
                self.assertEqual(receipt.fate, REFUSED)
                receipt = self.deliver(
                    status, None, operation, proven=("create",), **route
                )
                self.assertFails(receipt, Blocked, str(status))
        self.assertFails(self.deliver(500, None, "delete", **route), Temporary)
        # what it has said itself is believed
        said = {"gone": "unknown", **route}
        self.assertDone(self.deliver(200, {"unknown": True}, "delete", **said))

    def test_odoo_id_is_the_id(self):
        """Elasticsearch"""
        route = typed(
            update="PUT contacts/_doc/{id}", remove="DELETE contacts/_doc/{key}"
        )
        route["id_policy"] = "odoo"
        self.assertDone(self.deliver(201, {"_id": "7"}, **route))
        self.assertSent(("PUT /contacts/_doc/7", PAYLOAD))
        self.assertDone(self.deliver(200, {}, "delete", payload={}, **route))
        self.assertSent(("DELETE /contacts/_doc/7", b""))

    def test_key_in_a_body(self):
        body = json.dumps({"ref": "{idempotency_key}"})
        route = typed(create=("POST c", body), update="PUT c/{id}")
        self.server.answer(410)
        self.server.answer(201, {"id": 8})
        receipt = self.send(message(external_id="5", **route))
        self.assertDone(receipt, "8")
        self.assertSent(("PUT /c/5", PAYLOAD), ("POST /c", {"ref": "key-1-recreate"}))
        key = self.server.requests[-1].headers["Idempotency-Key"]
        self.assertEqual(key, "key-1-recreate")

    def test_value_that_is_missing_or_wrong(self):
        for line, payload, words in (
            ("POST c?email={email}", {"email": None}, "no value for {email}"),
            ("POST c?email='{email}'", {"email": "a'b"}, "between quotes"),
            ("POST c/{email}", {"email": ".."}, "part of a URL"),
        ):
            sent = message(payload=payload, **typed(create=line))
            receipt = self.send(sent)
            self.assertFails(receipt, Rejected, words)
            self.assertEqual(receipt.fate, UNSENT)
        self.assertFalse(self.lines())

    def test_put_that_creates_is_not_sent_twice(self):
        """Xero: by its method it might be"""
        for line, fate in (("PUT Contacts", UNKNOWN), ("PUT contacts/{id}", None)):
            kind = "update" if "{id}" in line else "create"
            options = {"external_id": "5"} if kind == "update" else {}
            transport = self.transport()
            self.server.answer(200, {"id": 5})
            [first] = transport.send([message(**options, **typed(**{kind: line}))])
            self.assertTrue(first.ok, first.error)
            self.server.requests.clear()
            self.server.answer(drop=True)
            self.server.answer(200, {"id": 5})
            [receipt] = transport.send([message(**options, **typed(**{kind: line}))])
            self.assertEqual(len(self.server.requests), 1 if fate else 2)
            if fate:
                self.assertEqual(receipt.fate, fate)
            else:
                self.assertTrue(receipt.ok, receipt.error)
            self.server._script.clear()


@tagged("-at_install", "post_install")
class TestRestIds(LinesCase):
    def test_where_the_id_is(self):
        for reading, status, body, headers, expected in (
            ("@", 200, 42, {}, "42"),
            ("[0]", 200, [42], {}, "42"),
            ("[0].id", 201, [{"id": "x"}], {}, "x"),
            ("Contacts[0].ContactID", 200, {"Contacts": [{"ContactID": "c"}]}, {}, "c"),
            ("headers.Location", 201, None, {"Location": "/v2/person/77"}, "77"),
            ("headers.X-Id", 200, None, {"X-Id": "a b"}, "a b"),
            (
                "headers.OData-EntityId",
                204,
                None,
                {"OData-EntityId": "https://x.example/api/contacts(0f8f-1)"},
                "0f8f-1",
            ),
        ):
            with self.subTest(reading):
                receipt = self.deliver(
                    status, body, headers=headers, external_id_key=reading
                )
                self.assertDone(receipt, expected)

    def test_where_no_id_is(self):
        for reading, body in (
            ("data[0].id", {"data": []}),
            ("data[*].id", {"data": [{"id": 1}, {"id": 2}]}),
            ("@", {"id": 1}),
            ("headers.Location", {"id": 1}),
            ("sum(data)", {"data": "x"}),
        ):
            receipt = self.deliver(200, body, external_id_key=reading)
            self.assertTrue(receipt.ok, receipt.error)
            self.assertIsNone(receipt.external_id)
            self.assertIn(f"“{reading}”", receipt.warning)

    def test_update_names_another_id(self):
        options = {"external_id": "5", "external_id_key": "[0].id"}
        record = {"id": 9, "name": "Zoë"}
        receipt = self.deliver(200, [record], **options)
        self.assertEqual((receipt.ok, receipt.external_id), (True, "9"))
        self.assertIn("the record is 9 there", receipt.warning)
        receipt = self.deliver(200, [{"id": 9, "name": "Bob"}], **options)
        self.assertEqual((receipt.ok, receipt.external_id), (True, "5"))
        self.assertIn("The record stays 5", receipt.warning)
        for body in ([{"id": 5}], [], None, [{"id": None}]):
            self.assertDone(self.deliver(200, body, **options), "5")
        # as QuickBooks answers an update
        options = {"external_id": "5", "external_id_key": "Customer.Id"}
        body = {"Customer": {"Id": "9", "name": "Zoë"}, "time": "2026-11-26"}
        self.assertEqual(self.deliver(200, body, **options).external_id, "9")

    def test_creation_that_was_there_already(self):
        conflict = {"errors": [{"id": 7, "message": "Contact already exists"}]}
        receipt = self.deliver(
            409, conflict, again=True, external_id_key="errors[0].id"
        )
        self.assertEqual((receipt.ok, receipt.external_id), (True, "7"))

    def test_secret_in_place_of_an_id(self):
        self.server.answer(200, [{"id": TOKEN}])
        sent = message(external_id_key="[0].id")
        receipt = self.send(sent, auth="bearer", secret=TOKEN)
        self.assertEqual((receipt.ok, receipt.external_id), (True, None))
        self.assertNotIn(TOKEN, f"{receipt!r} {receipt.warning}")


@tagged("-at_install", "post_install")
class TestRefusedWhen(LinesCase):
    ZOHO = {"refused": "data[?status == 'failure'].message | [0]"}

    def refusal(self, said="the name is taken"):
        return {"data": [{"status": "failure", "message": said}, {"status": "odd"}]}

    def test_a_200_that_says_no(self):
        for known in ({}, {"external_id": "5"}):
            receipt = self.deliver(200, self.refusal(), **known, **self.ZOHO)
            self.assertFails(receipt, Rejected, "the name is taken", "says is no")
            self.assertEqual(receipt.fate, REFUSED)
            body = {"id": "5", "data": [{"status": "fine"}]}
            self.assertDone(self.deliver(200, body, **known, **self.ZOHO), "5")
        receipt = self.deliver(200, self.refusal(), "delete", payload={}, **self.ZOHO)
        self.assertTrue(receipt.ok, "nothing was there to delete")
        options = {"external_id": "5", "payload": {}, **self.ZOHO}
        receipt = self.deliver(200, self.refusal(), "delete", **options)
        self.assertFails(receipt, Rejected, "the name is taken")

    def test_what_is_no_refusal(self):
        for reading in ("no", "id", "@.said", "flag", "empty", "zero", "list[0]"):
            body = {"said": "OK", "flag": False, "empty": "", "zero": 0, "list": []}
            receipt = self.deliver(200, {**body, "id": 0}, refused=reading)
            self.assertTrue(receipt.ok, receipt.error)

    def test_one_with_an_id_may_have_been_done(self):
        for key, external_id, fate in (
            ("id", None, UNKNOWN),
            ("id", "5", REFUSED),
            ("id", "4", UNKNOWN),
            ("other", None, REFUSED),
        ):
            receipt = self.deliver(
                200,
                {"id": "5", "odd": "only a part"},
                refused="odd",
                external_id=external_id,
                external_id_key=key,
            )
            self.assertFails(receipt, Rejected, "only a part")
            self.assertEqual(receipt.fate, fate)

    def test_reason_of_other_statuses(self):
        body = {"message": "Unusable", "validation": {"zip": "is not a Polish one"}}
        receipt = self.deliver(400, body, refused="validation.zip")
        self.assertFails(receipt, Rejected, "400", "is not a Polish one")
        self.assertNotIn("Unusable", receipt.error.message)
        # a reason changes nothing about what it means
        receipt = self.deliver(503, body, refused="validation.zip")
        self.assertEqual(type(receipt.error).__name__, "Unreachable")
        body = {"message": "Unusable"}
        receipt = self.deliver(400, body, refused="validation.zip")
        self.assertFails(receipt, Rejected, "Unusable")

    def test_refusal_of_a_server_that_has_not_judged(self):
        body = {"status": 500, "fail": "not now"}
        receipt = self.deliver(200, body, refused="fail")
        self.assertFails(receipt, Temporary)
        self.assertEqual(receipt.fate, UNKNOWN)

    def test_answer_that_cannot_be_read(self):
        """What nobody can read is no proof."""
        codes = "faults[?starts_with(code, 'E')]"
        for refused, body in (
            ("sum(n)", {"id": 5, "n": "x"}),
            (codes, {"id": 5, "faults": [{"code": 17}]}),
        ):
            for known in ({}, {"external_id": "5"}):
                receipt = self.deliver(200, body, refused=refused, **known)
                words = "Check “Refused When”", "cannot be read in this answer"
                self.assertFails(receipt, Temporary, *words)
                self.assertEqual(receipt.fate, UNKNOWN)
        # one that is a refusal anyhow is one
        receipt = self.deliver(200, {"success": False}, refused="sum(success)")
        self.assertFails(receipt, Rejected)
        receipt = self.deliver(422, {"n": "x"}, refused="sum(n)")
        self.assertFails(receipt, Rejected)

    def test_secrets(self):
        for status in (200, 400):
            self.server.answer(status, {"odd": f"the token {TOKEN} is old"})
            sent = message(refused="odd")
            receipt = self.send(sent, auth="bearer", secret=TOKEN)
            self.assertFails(receipt, Rejected, "the token *** is old")
            self.assertNotIn(TOKEN, f"{receipt!r} {receipt.error}")


class _PostgRest(HttpDestination):
    """Records are addressed by a filter, and nothing found is a ``200 []``.

    :param hidden: rows that are there and not shown, as by a policy
    """

    hidden = False

    def _crud(self, request):
        place, _mark, query = request.path.partition("?id=eq.")
        if request.method == "POST":
            answer = super()._crud(request)
            return Answer(201, [{**request.json, **answer.body}])
        path = f"{place}/{query}"
        if self.hidden or path not in self.records:
            return Answer(200, [])
        if request.method == "DELETE":
            self.records.pop(path)
            return Answer(200, [{"id": query}])
        if request.method == "PATCH":
            self.records[path] = request.json
        return Answer(200, [{**self.records[path], "id": query}])


@tagged("-at_install", "post_install")
class TestGoneWhen(LinesCase):
    ROUTE = {
        **typed(
            create="POST contacts",
            update="PATCH contacts?id=eq.{id}",
            remove="DELETE contacts?id=eq.{id}",
            read="GET contacts?id=eq.{id}&select=*",
        ),
        "external_id_key": "[0].id",
        "gone": "length(@) == `0`",
    }

    def setUp(self):
        super().setUp()
        self.server = self.enterContext(_PostgRest())
        self.server.records = {"/contacts/5": {}, "/contacts/6": {}}
        self.route = {
            **self.ROUTE,
            "requests": tuple(
                (kind, line.removesuffix("&select=*"), body)
                for kind, line, body in self.ROUTE["requests"]
            ),
        }

    def made(self):
        return [line for line in self.lines() if line.startswith("POST")]

    def test_update_of_what_is_there(self):
        receipt = self.send(message(external_id="5", **self.route))
        self.assertEqual((receipt.ok, receipt.external_id), (True, "5"))
        self.assertEqual(self.lines(), ["PATCH /contacts?id=eq.5"])
        held = self.transport().held(message(external_id="5", **self.route))
        self.assertEqual(held, {**PAYLOAD, "id": "5"})
        self.assertIsNone(self.transport().held(message(external_id="9", **self.route)))

    def test_update_of_nothing_creates_it_again(self):
        for proven in ((), {"update"}):
            self.server.requests.clear()
            options = {"known_ids": ("6",), "proven": proven, **self.route}
            key = f"key-{len(proven)}"
            receipt = self.send(
                message(external_id="99", idempotency_key=key, **options)
            )
            self.assertTrue(receipt.ok, receipt.error)
            self.assertIn(f"/contacts/{receipt.external_id}", self.server.records)
            self.assertEqual(self.made(), ["POST /contacts"])
            self.assertIn("GET /contacts?id=eq.6", self.lines())

    def test_nothing_is_shown_at_all(self):
        """A policy hides all: nothing is made by that"""
        self.server.hidden = True
        for proven, error in (((), Misconfigured), ({"update"}, Blocked)):
            options = {"known_ids": ("6",), "proven": proven, **self.route}
            receipt = self.send(message(external_id="5", **options))
            self.assertFails(receipt, error)
            self.assertEqual((receipt.external_id, receipt.fate), ("5", REFUSED))
            self.assertEqual(self.made(), [])
        receipt = self.send(message(external_id="5", **self.route))
        self.assertFails(receipt, Misconfigured)
        self.assertEqual(self.made(), [])

    def test_record_that_is_shown_is_not_gone(self):
        self.server.answer(200, [])
        options = {"known_ids": ("6",), "proven": {"update"}, **self.route}
        receipt = self.send(message(external_id="5", **options))
        self.assertFails(receipt, Blocked)
        self.server.answer(200, [])
        options["proven"] = ()
        receipt = self.send(message(external_id="5", **options))
        self.assertFails(receipt, Misconfigured)
        self.assertEqual(self.made(), [])

    def test_deletion_that_a_policy_hides(self):
        """A filter that has met nothing says nothing of the record."""
        self.server.hidden = True
        for proven, error in (((), Misconfigured), ({"delete"}, Blocked)):
            options = {"known_ids": ("6",), "proven": proven, **self.route}
            sent = message("delete", payload={}, external_id="5", **options)
            self.assertFails(self.send(sent), error)

    def test_deletion_of_nothing_is_done(self):
        options = {"known_ids": ("6",), "payload": {}, **self.route}
        receipt = self.send(message("delete", external_id="99", **options))
        self.assertEqual((receipt.ok, receipt.external_id), (True, None))

    def test_without_the_setting_it_is_a_success(self):
        options = {**self.route, "gone": ""}
        self.assertTrue(self.send(message(external_id="99", **options)).ok)
        self.assertEqual(len(self.lines()), 1)

    def test_what_cannot_be_looked_at_is_believed(self):
        body = json.dumps({"id": "{id}", "...": "{record}"})
        route = typed(create="POST c", update=("POST c/update", body))
        route["gone"] = "error == 'not found'"
        for proven in ((), {"update"}):
            self.server.requests.clear()
            self.server.answer(200, {"error": "not found"})
            self.server.answer(201, {"id": "8"})
            sent = message(external_id="5", proven=proven, **route)
            self.assertDone(self.send(sent), "8")
            self.assertEqual(self.lines(), ["POST /c/update", "POST /c"])
        # a refusal of another status may be for a right that is missing
        self.server.answer(403, {"error": "not found"})
        self.assertFails(self.send(message(external_id="5", **route)), Misconfigured)

    def test_answers_that_judge_nothing(self):
        for status in (401, 408, 429, 500, 503):
            self.server.requests.clear()
            self.server.answer(status, [])
            options = {"known_ids": ("6",), "proven": {"update"}, **self.route}
            receipt = self.send(message(external_id="99", **options))
            self.assertFalse(receipt.ok)
            self.assertEqual(len(self.lines()), 1, status)

    def test_odoo_id_is_the_id(self):
        route = {**self.route, "id_policy": "odoo", "proven": {"update"}}
        receipt = self.send(message(**route))
        self.assertFails(receipt, Blocked)


class _Stripe(HttpDestination):
    """Shows what was deleted with its id, and that it is."""

    def __init__(self):
        super().__init__()
        self.deleted = set()

    def _crud(self, request):
        path = request.path
        if path not in self.deleted:
            answer = super()._crud(request)
            if request.method != "DELETE":
                return answer
            self.deleted.add(path)
        elif request.method != "GET":
            code = {"type": "invalid_request_error", "code": "resource_missing"}
            return Answer(404, {"error": code})
        known_id = path.rpartition("/")[2]
        return Answer(200, {"id": known_id, "object": "customer", "deleted": True})


@tagged("-at_install", "post_install")
class TestShownAsDeleted(LinesCase):
    ROUTE = {
        **typed(
            create="POST c",
            update="PUT c/{id}",
            remove="DELETE c/{id}",
            read="GET c/{id}",
        ),
        "gone": "deleted",
    }

    def setUp(self):
        super().setUp()
        self.server = self.enterContext(_Stripe())
        self.server.records = {"/c/cus_5": {}, "/c/cus_6": {}}

    def test_deletion_is_done(self):
        for known_ids in ((), ("cus_6",)):
            for proven in ((), {"delete"}):
                with self.subTest(known_ids=known_ids, proven=proven):
                    self.server.requests.clear()
                    self.server.records["/c/cus_5"] = {}
                    self.server.deleted.clear()
                    options = {"known_ids": known_ids, "proven": proven, **self.ROUTE}
                    sent = message("delete", payload={}, external_id="cus_5", **options)
                    receipt = self.send(sent)
                    self.assertTrue(receipt.ok, receipt.error)
                    self.assertEqual(self.lines(), ["DELETE /c/cus_5"])

    def test_what_is_deleted_there(self):
        """It is created again, and a deletion has nothing to do."""
        self.server.deleted.add("/c/cus_5")
        for others in (set(), {"/c/cus_6"}):
            self.server.deleted |= others
            for known_ids in ((), ("cus_6",)):
                for proven in ((), {"update", "delete"}):
                    with self.subTest(others, known_ids=known_ids, proven=proven):
                        self.server.requests.clear()
                        key = f"key-{len(others)}-{len(known_ids)}-{len(proven)}"
                        options = {
                            "known_ids": known_ids,
                            "proven": proven,
                            "external_id": "cus_5",
                            "idempotency_key": key,
                            **self.ROUTE,
                        }
                        receipt = self.send(message(**options))
                        self.assertTrue(receipt.ok, receipt.error)
                        self.assertEqual(self.lines()[-1], "POST /c")
                        self.assertIn(f"/c/{receipt.external_id}", self.server.records)
                        receipt = self.send(message("delete", **options))
                        self.assertEqual(
                            (receipt.ok, receipt.external_id), (True, None)
                        )

    def test_answer_that_says_no_is_no_deletion(self):
        self.server.answer(200, {"success": False, "deleted": True})
        sent = message("delete", payload={}, external_id="cus_5", **self.ROUTE)
        self.assertFails(self.send(sent), Misconfigured)
        self.assertIn("/c/cus_5", self.server.records)


@tagged("-at_install", "post_install")
class TestLinesAndRoutes(LinesCase):
    """What a 404 means where addresses are typed."""

    def test_record_that_is_gone(self):
        route = typed(create="POST c.json", update="PUT c/{id}.json")
        self.server.answer(404)
        self.server.answer(200, {"id": "6"})  # another one
        self.server.answer(404)  # and this one is not
        self.server.answer(201, {"id": "8"})
        options = {"known_ids": ("6",), "proven": {"update"}, **route}
        self.assertDone(self.send(message(external_id="5", **options)), "8")
        lines = ["PUT /c/5.json", "GET /c/6.json", "GET /c/5.json", "POST /c.json"]
        self.assertEqual(self.lines(), lines)

    def test_read_is_typed(self):
        read = ("POST search", json.dumps({"where": {"id": "{id}"}}))
        route = typed(create="POST c", update="PUT c/{id}", read=read)
        self.server.answer(404)
        self.server.answer(200, {"found": [{"id": 6}]})
        self.server.answer(200, {"found": []})
        self.server.answer(201, {"id": "8"})
        options = {"known_ids": ("6",), "proven": {"update"}, **route}
        self.assertDone(self.send(message(external_id="5", **options)), "8")
        look = ("POST /search", {"where": {"id": "6"}})
        self.assertEqual(self.server.requests[1].json, look[1])
        self.assertNotIn("Idempotency-Key", self.server.requests[1].headers)

    def test_search_that_finds_nothing_shows_nothing(self):
        read = ("POST search", json.dumps({"where": {"id": "{id}"}}))
        route = typed(create="POST c", update="PUT c/{id}", read=read)
        for found in ({"found": []}, {"found": [{"id": 99}]}, {"error": "no"}):
            self.server.requests.clear()
            self.server.answer(404)
            self.server.answer(200, found, times=3)
            sent = message(external_id="5", known_ids=("6",), **route)
            self.assertFails(self.send(sent), Misconfigured)
            self.assertNotIn("POST /c", self.lines())
            self.server._script.clear()

    def test_read_by_what_is_known_of_this_record_alone(self):
        route = typed(create="POST c", update="PUT c/{id}", read="GET c?ref={key}")
        self.server.answer(404)
        self.server.answer(200, [])
        sent = message(external_id="5", known_ids=("6",), **route)
        self.assertFails(self.send(sent), Misconfigured)
        self.assertEqual(self.lines(), ["PUT /c/5", "GET /c?ref=7"])

    def test_creation_that_nothing_takes(self):
        for proven, error in (((), Misconfigured), ({"create"}, Blocked)):
            self.server.answer(404)
            sent = message(proven=proven, **typed(create="POST c?x=1"))
            self.assertFails(self.send(sent), error, "404")

    def test_mark_at_another_address_proves_nothing_of_updates(self):
        route = typed(update="PATCH c/{id}", remove="PATCH d/{id}")
        self.server.answer(404, times=5)
        options = {"external_id": "5", "proven": {"update"}, **route}
        receipt = self.send(message("mark", **options))
        self.assertFails(receipt, Misconfigured)

    def test_what_worked_is_that_of_these_requests(self):
        transport = self.transport(concurrency=1)
        one = typed(update="PUT a/{id}", create="POST a")
        other = typed(update="PUT b/{id}", create="POST b")
        self.server.answer(200, {})
        self.server.answer(404, times=6)
        receipts = transport.send(
            [
                message(external_id="5", **one),
                message(external_id="6", key=8, **other),
            ]
        )
        self.assertTrue(receipts[0].ok)
        self.assertFails(receipts[1], Misconfigured)


@tagged("-at_install", "post_install")
class TestLinesShown(LinesCase):
    def test_query_is_shown_as_it_is_typed(self):
        line = "POST c?email={email}&force=true"
        sent = message(payload={"email": "a@b.example"}, **typed(create=line))
        self.server.answer(400, {"message": "no"})
        receipt = self.send(sent)
        shown = f"POST {self.server.url}/c?email={{email}}&force=true"
        self.assertEqual(receipt.request, shown)
        self.assertNotIn("a@b.example", f"{receipt.request} {receipt.error}")
        self.assertEqual(self.lines(), ["POST /c?email=a%40b.example&force=true"])
        preview = self.transport().preview(sent)
        self.assertEqual(preview.splitlines()[0], shown)

    def test_preview_of_each(self):
        route = typed(
            create=("POST c?x=1", f'{{"data": {RECORD}}}'),
            update="PUT c/{id}.json",
            remove="DELETE c/{id}?force=true",
        )
        for operation, external_id, line, body in (
            ("upsert", None, "POST {}/c?x=1", '{"data": {"name": "Zoë"}}'),
            ("upsert", "5", "PUT {}/c/5.json", '{"name": "Zoë"}'),
            ("delete", "5", "DELETE {}/c/5?force=true", ""),
        ):
            payload = {"name": "Zoë"} if body else {}
            sent = message(operation, payload=payload, external_id=external_id, **route)
            head, _blank, shown = self.transport().preview(sent).partition("\n\n")
            self.assertEqual(head.splitlines()[0], line.format(self.server.url))
            self.assertEqual(shown, body)
        self.assertFalse(self.lines())

    def test_preview_of_what_cannot_be_sent(self):
        sent = message(payload={"email": ""}, **typed(create="POST c?email={email}"))
        with self.assertRaises(Rejected):
            self.transport().preview(sent)

    def test_secret_that_is_typed(self):
        sent = message(**typed(create=f"POST c?api_key={TOKEN}"))
        receipt = self.send(sent, auth="bearer", secret=TOKEN)
        preview = self.transport(auth="bearer", secret=TOKEN).preview(sent)
        self.assertNotIn(TOKEN, f"{receipt.request} {preview}")

    def test_held(self):
        for body, key in (
            ({"data": {"id": 5, "name": "Zoë"}}, "data.id"),
            ([{"id": 5, "name": "Zoë"}], "[0].id"),
            ({"data": [{"id": 5, "name": "Zoë"}]}, "data.id"),
            ({"id": 5, "name": "Zoë"}, "data.id"),
        ):
            self.server.answer(200, body)
            route = {"external_id_key": key, **typed(update="PUT c/{id}.json")}
            held = self.transport().held(message(external_id="5", **route))
            self.assertEqual(held, {"id": 5, "name": "Zoë"})
        self.assertEqual(set(self.lines()), {"GET /c/5.json"})
        with self.assertRaises(NotImplementedError):
            self.transport().held(
                message(external_id="5", **typed(update="POST c/{id}/update"))
            )


@tagged("-at_install", "post_install")
class TestLinesExamined(LinesCase):
    def examine(self, known_ids=(), **requests):
        route = Route(**typed(**requests), known_ids=known_ids)
        return self.transport().examine(Use(route, ("name",)))

    def test_record_that_is_there(self):
        self.server.answer(200, {"id": 5})
        found = self.examine(("5",), update="PUT c/{id}.json", create="POST c.json")
        self.assertEqual(found.outcome, "works")
        self.assertEqual(self.lines(), ["GET /c/5.json"])

    def test_search_that_finds_another_record_or_none(self):
        for found in ([], [{"id": 6}]):
            self.server.requests.clear()
            self.server.answer(200, found)
            self.server.answer(405)
            read = "GET c?id={id}"
            found = self.examine(("5",), read=read, create="POST c")
            self.assertEqual(found.outcome, "untold")
            self.assertEqual(self.lines(), ["GET /c?id=5", "GET /c"])

    def test_address_of_new_records(self):
        for status, outcome in (
            (200, "works"),
            (404, "untold"),
            (405, "untold"),
            (400, "untold"),
            (403, "fails"),
        ):
            self.server.requests.clear()
            self.server.answer(status, {})
            found = self.examine(create="POST c/new?x=1")
            self.assertEqual(found.outcome, outcome)
            self.assertEqual(self.lines(), ["GET /c/new"])

    def test_nothing_to_look_at(self):
        found = self.examine(("5",), update="PUT c/{key}", create="PUT c/{email}")
        self.assertEqual(found.outcome, "untold")
        self.assertFalse(self.lines())


@tagged("-at_install", "post_install")
class TestHostileLines(LinesCase):
    """Whatever is typed or filled in, it stays below the URL, and has no secret."""

    TYPED = (
        "{scheme}//{host}/x",
        "//{host}/x",
        "/\\{host}/x",
        "@{host}/x",
        ":80@{host}/",
        "..//{host}",
        "../admin",
        "a/../../admin",
        "a/..%2f..%2fadmin",
        "%2e%2e/admin",
        "a/%252e%252e/admin",
        "./..;/admin",
        "a/..\\admin",
        "a b",
        "a\r\nHost: {host}",
        "a?x=1 HTTP/1.1\r\nX: y",
        "a#/admin",
        "{{name}}/{{address.city}}",
        ".{{name}}/x",
        "{{name}}{{name}}/admin",
        "a?next={scheme}//{host}/",
        "a?x={{secret}}&y={{auth_secret}}&z={{url}}",
        "{{config.secret}}/{{headers.Authorization}}",
        "a?f=file:///etc/passwd",
        "/etc/passwd",
        "env:SECRET",
        "a?x={{name.__class__}}&y={{name.__globals__}}",
        "a?x={{record.__class__}}",
    )
    VALUES = (
        *("..", ".", "../..", "/", "//evil.example", "a/../../b", "%2e%2e", "\\..\\"),
        *(
            "\r\nX: y",
            "http://evil.example/",
            "@evil.example",
            "..;",
            "‥",
            "．．",
            "\0",
        ),
        *("x' or '1'='1", "{secret}", "{{id}}", "?a=b", "#", "a&b=c", "", " ", None),
    )

    def test_nothing_leads_out(self):
        other = self.enterContext(HttpDestination())
        host = f"localhost:{other.port}"
        transport = self.transport(
            url=f"{self.server.url}/api/v2", auth="bearer", secret=TOKEN
        )
        fixed = random.Random(17)
        sent = 0
        for kind, method in (("create", "POST"), ("update", "PUT")):
            for text in self.TYPED:
                address = text.format(host=host, scheme="http:", name="{name}")
                line = f"{method} {address}"
                problem = request_problem(kind, line, RECORD)
                for value in fixed.sample(self.VALUES, 6):
                    payload = {"name": value, "address": {"city": value}}
                    options = {"external_id": "5"} if kind == "update" else {}
                    self.server.answer(200, {"id": 5})
                    [receipt] = transport.send(
                        [message(payload=payload, **options, **typed(**{kind: line}))]
                    )
                    if problem:
                        self.assertFails(receipt, Misconfigured)
                        self.assertEqual(receipt.fate, UNSENT)
                    sent += receipt.fate != UNSENT
                    self.server._script.clear()
        self.assertGreater(sent, 20, "some of it is harmless")
        self.assertEqual(other.requests, [])
        self.assertEqual(other.connections, 0)
        for request in self.server.requests:
            path = request.path.partition("?")[0]
            self.assertTrue(path.startswith("/api/v2/"), path)
            for layer in (path, unquote(path), unquote(unquote(path))):
                parts = layer.replace("\\", "/").split("/")
                self.assertFalse({"..", "."} & {each.strip() for each in parts}, path)
            self.assertEqual(request.headers["Host"], f"localhost:{self.server.port}")
            self.assertNotIn("X", request.headers)

    def test_no_secret_gets_into_a_request(self):
        body = json.dumps(
            {
                "a": "{secret}",
                "b": "{auth_secret}",
                "c": "{config.secret}",
                "d": "{headers.Authorization}",
                "e": "{signing_secrets[0]}",
                "f": "env:SECRET",
                "g": "{route}",
                "h": "{record.__class__}",
            }
        )
        query = "a={name}&b=env:SECRET&c=config:secret"
        route = typed(
            create=(f"POST c?{query}", body),
            update=(f"PUT c/{{id}}?{query}", body),
            remove=("POST c/{id}/gone?b=env:SECRET", '{"id": "{id}"}'),
        )
        options = {"auth": "header", "header": "X-Key", "secret": TOKEN}
        options["signing_secrets"] = ("whsec_" + "c2VjcmV0" * 8,)
        for operation, known in (("upsert", None), ("upsert", "5"), ("delete", "5")):
            self.server.answer(200, {"id": "5"})
            sent = message(operation, external_id=known, **route)
            self.assertTrue(self.send(sent, **options).ok)
        for request in self.server.requests:
            seen = f"{request.path} {request.body!r}"
            for secret in (TOKEN, "c2VjcmV0", "whsec"):
                self.assertNotIn(secret, seen)
        content = self.server.requests[0].json
        self.assertEqual(content, {"f": "env:SECRET"}, "what is not there is left out")

    def test_redirect_to_another_place(self):
        other = self.enterContext(HttpDestination())
        self.server.answer(307, headers={"Location": f"{other.url}/x?a=1"})
        receipt = self.send(message(**typed(create="POST c?x={name}")))
        self.assertFalse(receipt.ok)
        self.assertEqual(other.requests, [])
        # within the system it is followed, and what is shown has no values
        self.server.answer(307, headers={"Location": "/d?a=1&name=Zoe"})
        self.server.answer(201, {"id": 5})
        receipt = self.send(message(**typed(create="POST c?x={name}")))
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(
            receipt.request,
            f"POST {self.server.url}/c?x={{name}}; POST {self.server.url}/d",
        )
