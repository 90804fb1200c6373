# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Many records in one request, as it is typed: what the answer proves of each."""

import hashlib
import json
import time

from odoo.tests import tagged

from ..exceptions import (
    Blocked,
    Misconfigured,
    RateLimited,
    Rejected,
    Temporary,
    Throttled,
    Unreachable,
)
from ..transports.base import DONE, REFUSED, UNKNOWN, UNSENT
from .conformance.supply import Supply
from .servers import Answer, HttpDestination
from .test_transport_rest_lines import typed
from .transport_case import RestCase, message

RECORD = '"{record}"'
ALONE = {
    "create": "POST contacts",
    "update": "PUT contacts/{id}",
    "remove": "DELETE contacts/{id}",
}
# How the answers of known systems are read, see docs/systems.md.
SALESFORCE = {"many_items": "@", "many_id": "id", "many_refused": "errors"}
MAILCHIMP = {
    "many_items": "[new_members, updated_members, errors][]",
    "many_key": "email_address",
    "many_matches": "{email}",
    "many_refused": "error",
}
HUBSPOT = {
    "many_items": "[results, errors][]",
    "many_key": "objectWriteTraceId || context.objectWriteTraceId[0]",
    "many_matches": "{idempotency_key}",
    "many_refused": "message && category && message",
}


def many(line="POST many", body=f"[{RECORD}]", kinds=("many_create",), **options):
    """Fields of a route that sends many records of these kinds by one request."""
    requests = {**ALONE, **dict.fromkeys(kinds, (line, body))}
    return {**typed(**requests), "many_items": "@", **options}


def records(count, route, start=1, **options):
    """Messages about new records, each with a mail address."""
    return [
        message(
            key=key,
            idempotency_key=f"key-{key}",
            **{"payload": {"email": f"c{key}@example.com"}, **options},
            **route,
        )
        for key in range(start, start + count)
    ]


class _Lists(HttpDestination):
    """Creates what is in the list of a request, and answers with an id for each.

    ``most`` is how many requests it was at work on at the same time.
    """

    def __init__(self):
        super().__init__()
        self.delay = 0
        self.refuses = False
        self.most = 0
        self._present = 0

    def reply(self, request):
        with self._lock:
            self._present += 1
            self.most = max(self.most, self._present)
        time.sleep(self.delay)
        answer = super().reply(request)
        with self._lock:
            self._present -= 1
        return answer

    def _crud(self, request):
        if request.path != "/many":
            return super()._crud(request)
        if self.refuses:
            return Answer(422)
        answers = []
        for item in request.json:
            self._ids += 1
            self.records[f"/contacts/{self._ids}"] = item
            answers.append({"id": f"c-{self._ids}"})
        return Answer(200, answers)


class ManyCase(RestCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(_Lists())

    def send_all(self, messages, **options):
        receipts = self.transport(**options).send(messages)
        self.assertEqual([each.message for each in receipts], list(messages))
        return receipts

    def answered(self, body, route, status=200, count=2, **options):
        """Return the receipts of new records that are answered like this."""
        self.server.requests.clear()
        headers = options.pop("headers", None)
        self.server.answer(status, body, headers=headers)
        return self.send_all(records(count, route, **options))

    def updates(self, ids, **options):
        """Messages about records that were updated before, and another one is there"""
        body = '[{"id": "{id}", "...": "{record}"}]'
        route = many("PUT many", body, ("many_update",), **options)
        route = {**route, "proven": {"update"}, "known_ids": ("k",)}
        return [
            message(
                key=key,
                external_id=record_id,
                payload={"email": f"{record_id}@example.com"},
                idempotency_key=f"key-{key}",
                **route,
            )
            for key, record_id in enumerate(ids, 1)
        ]

    def assertUnknown(self, receipts, *words):
        for receipt in receipts:
            self.assertFails(receipt, Temporary, *words)
            self.assertEqual(receipt.fate, UNKNOWN)


@tagged("-at_install", "post_install")
class TestRestMany(ManyCase):
    def test_creations_by_place(self):
        """Salesforce"""
        body = json.dumps(
            {
                "allOrNone": False,
                "records": [{"attributes": {"type": "Contact"}, "...": "{record}"}],
            }
        )
        route = many("POST composite/sobjects?x=1", body, **SALESFORCE)
        receipts = self.answered(
            [
                {"id": "003A", "success": True, "errors": []},
                {
                    "success": False,
                    "errors": [{"message": "Taken", "statusCode": "DUPLICATE"}],
                },
                {"id": "003C", "success": True, "errors": []},
            ],
            route,
            count=3,
        )
        [request] = self.server.requests
        self.assertEqual(
            (request.method, request.path), ("POST", "/composite/sobjects?x=1")
        )
        self.assertEqual(request.headers["Content-Type"], "application/json")
        self.assertRegex(request.headers["Idempotency-Key"], "^batch-[0-9a-f]{64}$")
        self.assertEqual(
            request.json["records"][1],
            {"attributes": {"type": "Contact"}, "email": "c2@example.com"},
        )
        self.assertEqual(
            [each.external_id for each in receipts], ["003A", None, "003C"]
        )
        self.assertFails(receipts[1], Rejected, "Taken")
        self.assertEqual([each.fate for each in receipts], [DONE, REFUSED, DONE])
        self.assertIn("(3 items)", receipts[0].request)
        self.assertIn("composite/sobjects?x=1", receipts[0].request)
        self.assertIn("003A", receipts[0].response)
        self.assertNotIn("003C", receipts[0].response)

    def test_two_lists_by_key(self):
        """Mailchimp, which keeps addresses in small letters"""
        body = json.dumps({"members": [RECORD.strip('"')], "update_existing": True})
        route = many("POST lists/1", body, **MAILCHIMP)
        messages = records(2, route) + [
            message(key=9, payload={"email": "Zoe@Example.com"}, **route)
        ]
        self.server.answer(
            200,
            {
                "new_members": [
                    {"id": "m9", "email_address": "zoe@example.com"},
                    {"id": "m1", "email_address": "c1@example.com"},
                ],
                "updated_members": [],
                "errors": [{"email_address": "c2@example.com", "error": "looks fake"}],
                "error_count": 1,
            },
        )
        one, two, nine = self.send_all(messages)
        self.assertEqual((one.external_id, nine.external_id), ("m1", "m9"))
        self.assertFails(two, Rejected, "looks fake")
        self.assertEqual(two.fate, REFUSED)

    def test_one_line_for_new_and_changed_ones(self):
        """HubSpot: an upsert by the mail address"""
        body = json.dumps(
            {
                "inputs": [
                    {
                        "id": "{email}",
                        "idProperty": "email",
                        "objectWriteTraceId": "{idempotency_key}",
                        "properties": "{record}",
                    }
                ]
            }
        )
        kinds = ("many_create", "many_update")
        route = many("POST batch/upsert", body, kinds, **HUBSPOT)
        messages = records(1, route) + records(1, route, 2, external_id="h2")
        messages += records(1, route, 3)
        self.server.answer(
            207,
            {
                "status": "COMPLETE",
                "numErrors": 1,
                "results": [
                    {"id": "h2", "objectWriteTraceId": "key-2", "new": False},
                    {"id": "h1", "objectWriteTraceId": "key-1", "new": True},
                ],
                "errors": [
                    {
                        "category": "VALIDATION_ERROR",
                        "message": "no such property",
                        "context": {"objectWriteTraceId": ["key-3"]},
                    }
                ],
            },
        )
        one, two, three = self.send_all(messages)
        self.assertEqual(self.lines(), ["POST /batch/upsert"])
        self.assertEqual((one.external_id, two.external_id), ("h1", "h2"))
        self.assertTrue(one.ok and two.ok)
        self.assertFails(three, Rejected, "no such property")

    def test_lines_of_their_own(self):
        requests = {
            **ALONE,
            "many_create": ("POST new", '{"list": ["{record}"]}'),
            "many_update": ("PUT old", '[{"id": "{id:number}", "...": "{record}"}]'),
        }
        route = {**typed(**requests), "many_items": "data"}
        for status in (200, 200):
            self.server.answer(status, {"data": [{"id": 1}, {"id": 2}]})
        self.server.answer(200, {"id": 7})
        self.server.answer(200, {"id": 8})
        messages = records(2, route)
        messages += [
            message(key=key, external_id=str(key - 10), payload={"a": key}, **route)
            for key in (11, 12)
        ]
        messages += [
            message("delete", key=key, external_id=f"{key}", payload={}, **route)
            for key in (21, 22)
        ]
        receipts = self.send_all(messages, concurrency=1)
        self.assertTrue(all(each.ok for each in receipts))
        self.assertEqual(
            [each.external_id for each in receipts], ["1", "2", "1", "2", None, None]
        )
        sent = [(each.method, each.path, each.json) for each in self.server.requests]
        self.assertEqual(
            sent,
            [
                (
                    "POST",
                    "/new",
                    {"list": [{"email": f"c{key}@example.com"} for key in (1, 2)]},
                ),
                ("PUT", "/old", [{"id": 1, "a": 11}, {"id": 2, "a": 12}]),
                ("DELETE", "/contacts/21", None),
                ("DELETE", "/contacts/22", None),
            ],
        )

    def test_what_is_not_typed_goes_to_the_batch_endpoint(self):
        route = {**many(), "batch_target": "batch", "target": "contacts"}
        self.server.answer(200, [{"id": 1}, {"id": 2}])
        items = [{"key": key, "status": 200} for key in (5, 6, 7, 8)]
        self.server.answer(200, {"items": items})
        messages = records(2, route)
        messages += records(2, route, 5, external_id="x")
        messages += [
            message("delete", key=key, external_id="y", payload={}, **route)
            for key in (7, 8)
        ]
        receipts = self.send_all(messages)
        self.assertTrue(all(each.ok for each in receipts))
        self.assertEqual(self.lines(), ["POST /many", "POST /batch"])
        self.assertEqual(len(self.server.requests[1].json["items"]), 4)

    def test_ids_that_are_nothing_else(self):
        """Odoo's own JSON-2"""
        route = many(body='{"vals_list": ["{record}"]}', many_id="@")
        receipts = self.answered([14, 15], route)
        self.assertEqual([each.external_id for each in receipts], ["14", "15"])

    def test_records_as_they_are(self):
        """PostgREST, whose items are the records: what these say is no verdict"""
        route = many()
        items = [
            {"id": number, "email": f"c{number}@example.com", "status": "error"}
            for number in (1, 2)
        ]
        receipts = self.answered(items, route, 201)
        self.assertEqual([each.external_id for each in receipts], ["1", "2"])
        self.assertTrue(all(each.ok for each in receipts))

    def test_systems_that_keep_no_records(self):
        route = many(id_policy="none", many_items="@")
        receipts = self.answered([{"ok": True}, {"ok": False}], route)
        self.assertTrue(receipts[0].ok)
        self.assertIsNone(receipts[0].warning)
        self.assertFails(receipts[1], Rejected)

    def test_odoo_id_is_the_id(self):
        route = many(
            "PUT many",
            '[{"ref": "{id}", "...": "{record}"}]',
            ("many_update",),
            id_policy="odoo",
        )
        receipts = self.answered([{}, {"error": "no"}], route)
        self.assertEqual(
            [each["ref"] for each in self.server.requests[0].json], ["1", "2"]
        )
        self.assertTrue(receipts[0].ok)
        self.assertFails(receipts[1], Rejected, "no")


@tagged("-at_install", "post_install")
class TestManyProof(ManyCase):
    """What is not said of a record is not known of it."""

    def test_item_that_is_missing(self):
        by_key = many(**MAILCHIMP)
        body = {"new_members": [{"id": "m1", "email_address": "c1@example.com"}]}
        one, two = self.answered(body, by_key)
        self.assertEqual((one.ok, one.external_id), (True, "m1"))
        self.assertUnknown([two], "without an answer to the record 2")
        # which one, nobody can tell
        receipts = self.answered([{"id": 1}, {"id": 2}], many(), count=3)
        self.assertUnknown(receipts, "“@” in the answer is no list of one answer")

    def test_change_that_is_not_answered_is_sent_alone(self):
        """BigCommerce leaves out who is not there any more: the others are not held up
        by that, and it is created again"""
        self.server.records.update({f"/contacts/{name}": {} for name in "kac"})
        self.server.answer(200, [{"id": "a"}, {"id": "c"}])
        first, lost, last = self.send_all(self.updates("abc"), concurrency=1)
        self.assertTrue(first.ok and lost.ok and last.ok, lost.error)
        self.assertEqual((first.external_id, last.external_id), ("a", "c"))
        self.assertEqual(self.server.records["/contacts/c"], {"email": "c@example.com"})
        self.assertEqual(lost.external_id, "1")
        puts = ["PUT /many", "PUT /contacts/a", "PUT /contacts/b"]
        self.assertEqual(self.lines()[:3], puts)
        # by keys, only the one that has none
        by_key = {"many_key": "id", "many_matches": "{id}"}
        for items in ([{"id": "a"}], []):
            self.server.requests.clear()
            self.server.answer(200, items)
            receipts = self.send_all(self.updates("ac", **by_key))
            self.assertTrue(all(each.ok for each in receipts))
            self.assertEqual(len(self.lines()), 3 - len(items))

    def test_change_that_is_not_answered_and_refused_alone_is_in_doubt(self):
        """The first request may have carried it out"""
        self.server.answer(200, [{"id": "a"}])
        self.server.answer(422, {"message": "no such country"})
        self.server.answer(503)
        refused, down = self.send_all(self.updates("ab"), concurrency=1)
        self.assertFails(refused, Rejected, "country")
        self.assertFails(down, Unreachable)
        self.assertEqual((refused.fate, down.fate), (UNKNOWN, UNKNOWN))
        # nor is it unsent when nothing more leaves
        self.server.answer(200, [{"id": "a"}])
        self.server.answer(503)
        receipts = self.send_all(self.updates("ab"), concurrency=1)
        self.assertEqual([each.fate for each in receipts], [UNKNOWN] * 2)

    def test_answers_that_are_not_in_order(self):
        """A part shows what another record was sent with: nobody gets an ID by it"""
        route = many()
        for parts in (
            [(2, "c2@example.com"), (1, "c1@example.com"), (3, "c3@example.com")],
            [(1, "c1@example.com"), (3, "C3@example.com"), (2, "c2@example.com")],
        ):
            body = [{"id": number, "data": {"mail": mail}} for number, mail in parts]
            receipts = self.answered(body, route, count=3)
            self.assertUnknown(receipts, "not in the order", "“Key of an Answer”")
            self.assertEqual([each.external_id for each in receipts], [None] * 3)
        # not even where the whole is refused, and something was done all the same
        receipts = self.answered(body, route, 400, count=3)
        self.assertEqual({each.fate for each in receipts}, {UNKNOWN})
        self.assertEqual(self.lines(), ["POST /many"])
        # changes are sent alone
        self.server.records.update({f"/contacts/{name}": {} for name in "ab"})
        self.server.requests.clear()
        body = [{"email": f"{name}@example.com"} for name in "ba"]
        self.server.answer(200, body)
        receipts = self.send_all(self.updates("ab"))
        self.assertTrue(all(each.ok for each in receipts))
        self.assertEqual(len(self.lines()), 3)

    def test_answers_that_only_look_like_those_of_others(self):
        for body in (
            # in order, whatever else they show
            [{"id": 1, "email": "C1@EXAMPLE.COM", "ref": "beta"}, {"id": 2}],
            # the same of all of them is what the system gives everybody
            [{"id": 1, "kind": "beta"}, {"id": 2, "kind": "beta"}],
            # numbers may be anything, also IDs
            [{"id": "2002", "position": "2001"}, {"id": "2001", "position": "2002"}],
            [{"id": 1}, {"id": 2, "email": "d@example.com"}],
            [1, 2],
        ):
            route = many(many_id="id || @")
            payloads = (
                {"email": "c1@example.com", "ref": "alpha", "number": "2001"},
                {"email": "c2@example.com", "ref": "beta", "number": "2002"},
            )
            self.server.answer(200, body)
            messages = [
                records(1, route, start, payload=payload)[0]
                for start, payload in enumerate(payloads, 1)
            ]
            for receipt in self.send_all(messages):
                self.assertTrue(receipt.ok and receipt.external_id, receipt.error)

    def test_answer_to_changes_that_is_no_list(self):
        """Whoever answers so would answer each of them so"""
        for body in (None, "<html>", {"data": 1}):
            self.server.requests.clear()
            self.server.answer(200, body)
            self.assertUnknown(self.send_all(self.updates("ab")), "no list")
            self.assertEqual(self.lines(), ["PUT /many"])

    def test_more_than_were_asked_for(self):
        receipts = self.answered([{"id": 1}, {"id": 2}, {"id": 3}], many())
        self.assertUnknown(receipts, "no list of one answer")

    def test_item_that_is_there_twice(self):
        for other, is_known in (({"id": "x"}, False), ({"id": "m1"}, True)):
            item = {"id": "m1", "email_address": "c1@example.com"}
            known = {"id": "m2", "email_address": "c2@example.com"}
            body = {"new_members": [item, {**item, **other}, known]}
            one, two = self.answered(body, many(**MAILCHIMP))
            self.assertEqual(two.external_id, "m2")
            if is_known:
                self.assertTrue(one.ok, one.error)
            else:
                self.assertUnknown([one], "that can be told from the others")

    def test_key_of_nobody(self):
        body = {
            "new_members": [
                {"id": "m1", "email_address": "c1@example.com"},
                {"id": "m9", "email_address": "stranger@example.com"},
                {"id": "m8", "email_address": None},
                {"id": "m7"},
            ]
        }
        one, two = self.answered(body, many(**MAILCHIMP))
        self.assertEqual(one.external_id, "m1")
        self.assertUnknown([two], "without an answer")

    def test_two_records_with_one_key(self):
        body = {"new_members": [{"id": "m1", "email_address": "a@b.c"}]}
        route = many(**MAILCHIMP)
        for payload in ({"email": "a@b.c"}, {"email": None}, {}, {"email": 1.5}):
            self.assertUnknown(self.answered(body, route, payload=payload))
        # they differ in their case alone
        self.server.answer(200, body)
        pair = [
            message(key=key, payload={"email": email}, **route)
            for key, email in ((1, "A@b.c"), (2, "a@b.c"))
        ]
        upper, lower = self.send_all(pair)
        self.assertUnknown([upper])
        self.assertEqual(lower.external_id, "m1")

    def test_answer_that_is_no_list(self):
        for body in (None, "<html>", {"data": {"id": 1}}, 7, "x", [[1], None], []):
            with self.subTest(body):
                self.assertUnknown(
                    [
                        each
                        for each in self.answered(body, many(many_items="data || @"))
                        if not each.ok
                    ]
                )
        receipts = self.answered(b'[{"id": 1}, {"id"', many())
        self.assertUnknown(receipts, "no list")
        receipts = self.answered([{"id": 1}, None], many())
        self.assertTrue(receipts[0].ok)
        self.assertUnknown(receipts[1:])

    def test_answer_that_is_cut_short(self):
        self.server.answer(200, [{"id": 1}, {"id": 2}], announce=10)
        receipts = self.send_all(records(2, many()))
        for receipt in receipts:
            if not receipt.ok:
                self.assertEqual(receipt.fate, UNKNOWN)

    def test_whole_answer_that_says_no(self):
        body = {"success": False, "message": "no such list"}
        receipts = self.answered(body, many(many_items="data"))
        self.assertTrue(all(each.ok for each in receipts))
        expected = ["POST /contacts", "POST /contacts", "POST /many"]
        self.assertEqual(sorted(self.lines()), expected)
        # these may be the errors of some of them
        body = {"errors": [{"message": "bad name"}]}
        receipts = self.answered(body, many(many_items="data"))
        for receipt in receipts:
            self.assertFails(receipt, Rejected, "bad name")
            self.assertEqual(receipt.fate, UNKNOWN)
        self.assertEqual(self.lines(), ["POST /many"])

    def test_one_wrong_one_refuses_all(self):
        """BigCommerce, Odoo"""
        for status in (400, 404, 409, 413, 422, 501):
            self.server.requests.clear()
            self.server.answer(status, {"title": "bad", "errors": {"1.email": "bad"}})
            self.server.answer(200, {"id": 51})
            self.server.answer(422, {"title": "the address is bad"})
            self.server.answer(200, {"id": 53})
            receipts = self.send_all(records(3, many()), concurrency=1)
            with self.subTest(status):
                self.assertEqual(self.lines(), ["POST /many"] + ["POST /contacts"] * 3)
                self.assertFails(receipts[1], Rejected, "the address is bad")
                self.assertEqual([each.ok for each in receipts], [True, False, True])

    def test_refusal_of_all_that_has_done_something(self):
        # each is told by a status of its own
        route = many(many_status="code")
        body = [{"code": 201, "id": 1}, {"code": 422, "error": "bad"}, {"x": 1}]
        one, two, three = self.answered(body, route, 422, count=3)
        self.assertEqual((one.ok, one.external_id), (True, "1"))
        self.assertFails(two, Rejected, "bad")
        self.assertEqual(two.fate, REFUSED)
        self.assertFails(three, Rejected)
        self.assertEqual(self.lines(), ["POST /many"], "nothing is sent twice")
        # or something has an id all the same
        body = [{"id": 1}, {"error": "bad"}]
        receipts = self.answered(body, many(), 400)
        for receipt in receipts:
            self.assertFails(receipt, Rejected)
            self.assertEqual(receipt.fate, UNKNOWN)
        self.assertEqual(self.lines(), ["POST /many"])

    def test_failures_of_the_whole(self):
        for status, error_class, headers in (
            (401, Unreachable, None),
            (408, Temporary, None),
            (429, Throttled, {"Retry-After": "77"}),
            (500, Temporary, None),
            (503, Unreachable, None),
            (503, Throttled, {"Retry-After": "77"}),
        ):
            with self.subTest(status):
                receipts = self.answered(None, many(), status, headers=headers)
                self.assertEqual(self.lines(), ["POST /many"])
                for receipt in receipts:
                    self.assertFails(receipt, error_class, str(status))
                if headers:
                    self.assertEqual(receipts[1].error.retry_after, 77)
                if status >= 500 or status == 408:
                    self.assertEqual({each.fate for each in receipts}, {UNKNOWN})

    def test_answer_that_is_lost(self):
        """All of them are in doubt; how many, the size bounds"""
        self.server.lose_answers()
        receipts = self.send_all(records(5, many(many_size=2)), concurrency=1)
        self.assertEqual([each.fate for each in receipts[:2]], [UNKNOWN] * 2)
        self.assertEqual([each.fate for each in receipts[2:]], [UNSENT] * 3)
        self.assertEqual(len(self.server.records), 2)

    def test_creations_by_put_leave_once(self):
        """Xero: a connection that breaks may have carried it out"""
        route = many("PUT many")
        self.server.answer(200, [{"id": 1}, {"id": 2}])
        transport = self.transport()
        transport.send(records(2, route))
        self.server.lose_answers()
        receipts = transport.send(records(2, route, 3))
        self.assertEqual([each.fate for each in receipts], [UNKNOWN] * 2)
        self.assertEqual(len(self.server.requests), 2)

    def test_status_of_an_item(self):
        route = many(many_status="s", many_refused="why")
        codes = (201, "202", 404, 409, 429, "error", "fine", None, 500)
        items = [{"s": code, "id": f"x{code}"} for code in codes]
        receipts = self.answered(items, route, 200, count=len(codes))
        found = dict(zip(codes, receipts, strict=True))
        self.assertEqual(found[201].external_id, "x201")
        self.assertTrue(found["202"].accepted)
        self.assertFails(found[404], Rejected, "404")
        self.assertFails(found[409], Rejected, "409")
        self.assertFails(found[429], Throttled)
        self.assertFails(found["error"], Rejected)
        self.assertEqual(found["error"].fate, UNKNOWN, "it came with an id")
        self.assertUnknown([found["fine"]])
        self.assertEqual(found[None].external_id, "xNone")
        self.assertUnknown([found[500]], "500")

    def test_refusal_of_one_that_cannot_be_read(self):
        """It is no proof for that one; the others have theirs."""
        route = many(many_refused="codes && starts_with(codes[0], 'E')")
        self.server.answer(200, [{"id": "1"}, {"id": "2", "codes": [17]}])
        one, two = self.send_all(records(2, route))
        self.assertEqual((one.ok, one.external_id), (True, "1"))
        self.assertFails(two, Temporary, "Refusal of One", "cannot be read in this")
        self.assertEqual(two.fate, UNKNOWN)

    def test_record_that_is_lost_is_created_alone(self):
        """Once it is proven that it is: alone, and by a look at another one"""
        proof = ["PUT /contacts/b", "GET /contacts/k", "GET /contacts/b"]
        for item, alone, options in (
            ({"s": 404}, (404, None), {"many_status": "s"}),
            ({"s": 410}, (404, None), {"many_status": "s"}),
            ({"found": False}, (200, {"found": False}), {"gone": "found == `false`"}),
        ):
            self.server = self.enterContext(_Lists())
            self.server.records["/contacts/k"] = {}
            self.server.answer(200, [{"s": 200, "id": "a"}, item])
            self.server.answer(*alone)
            known, lost = self.send_all(self.updates("ab", **options))
            self.assertTrue(known.ok and lost.ok, lost.error)
            self.assertEqual(known.external_id, "a")
            self.assertIn(f"/contacts/{lost.external_id}", self.server.records)
            self.assertEqual(
                self.lines(), ["PUT /many", *proof, "POST /contacts"], item
            )

    def test_records_that_are_away_for_a_while_are_not_created(self):
        """A right or a part of the system is missing: all of them are said to be"""
        self.server.answer(200, [{"s": 404}, {"s": 404}])
        for receipt in self.send_all(self.updates("ab", many_status="s")):
            self.assertFails(receipt, Blocked, "404")
        self.assertFalse(self.server.records)
        self.assertFalse([each for each in self.lines() if each.startswith("POST")])

    def test_ids_that_two_items_share(self):
        """What is typed may be the id of something else: believed for none"""
        body = [{"account": 5}, {"account": 5}, {"account": 6}]
        receipts = self.answered(body, many(many_id="account"), count=3)
        for receipt in receipts[:2]:
            self.assertEqual((receipt.ok, receipt.external_id), (True, None))
            self.assertIn("the ID 5 for several", receipt.warning)
        self.assertEqual(receipts[2].external_id, "6")
        # nor that of another record
        kinds = ("many_create", "many_update")
        route = many("POST many", '[{"id": "{id}"}]', kinds)
        self.server.answer(200, [{"id": "c9"}, {}])
        new, old = self.send_all(
            records(1, route) + records(1, route, 2, external_id="c9")
        )
        self.assertEqual((new.ok, new.external_id), (True, None))
        self.assertEqual(old.external_id, "c9")

    def test_id_of_another_record_after_an_update(self):
        """By place, an answer may be that of another one"""
        route = many("PUT many", '[{"id": "{id}"}]', ("many_update",))
        messages = records(1, route, external_id="a") + records(
            1, route, 2, external_id="b"
        )
        self.server.answer(200, [{"id": "a"}, {"id": "z"}])
        receipts = self.send_all(messages)
        self.assertEqual([each.external_id for each in receipts], ["a", "b"])
        self.assertIn("with another id, z", receipts[1].warning)

    def test_secrets_stay(self):
        secret = "s3cr3t-token-of-ours"
        body = [{"errors": [{"message": f"what is {secret}?"}]}, {"id": secret}]
        options = {"auth": "bearer", "secret": secret}
        self.server.answer(200, body)
        one, two = self.send_all(records(2, many(many_refused="errors")), **options)
        self.assertNotIn(secret, f"{one!r} {one.error} {two!r} {two.warning}")
        self.assertFails(one, Rejected, "what is ***?")
        self.assertIsNone(two.external_id)


@tagged("-at_install", "post_install")
class TestManyRequests(ManyCase):
    """How many records leave, and when."""

    def test_size(self):
        receipts = self.send_all(records(25, many(many_size=10)))
        self.assertTrue(all(each.ok for each in receipts))
        sizes = [len(each.json) for each in self.server.requests]
        self.assertEqual(sorted(sizes), [5, 10, 10])
        names = {each.external_id: each.message for each in receipts}
        for number in range(1, 26):
            self.assertEqual(
                self.server.records[f"/contacts/{number}"],
                names[f"c-{number}"].payload,
                "each has the id of its own",
            )

    def test_several_requests_at_once(self):
        self.server.delay = 0.1
        receipts = self.send_all(records(40, many(many_size=10)), concurrency=4)
        self.assertTrue(all(each.ok for each in receipts))
        self.assertEqual(self.server.most, 4)
        self.assertEqual(self.lines(), ["POST /many"] * 4)

    def test_no_more_than_are_allowed_at_once(self):
        """Nor of those that are sent alone, when all are refused"""
        self.server.delay, self.server.refuses = 0.02, True
        receipts = self.send_all(records(12, many(many_size=2)), concurrency=3)
        self.assertTrue(all(each.ok for each in receipts))
        self.assertEqual(self.server.most, 3)
        wave = ["POST /many"] * 3 + ["POST /contacts"] * 6
        self.assertEqual(self.lines(), wave * 2)

    def test_last_one_goes_alone(self):
        self.send_all(records(11, many(many_size=10)))
        self.assertEqual(self.lines(), ["POST /many", "POST /contacts"])
        self.server.requests.clear()
        self.send_all(records(2, many(many_size=1)))
        self.assertEqual(self.lines(), ["POST /contacts"] * 2)

    def test_what_leaves_at_once_is_taken(self):
        for size, concurrency, given in ((10, 4, [4, 36, 20, 0]), (0, 8, [8, 52, 0])):
            supply = Supply(records(60, many(many_size=size)))
            with self.transport(concurrency=concurrency) as transport:
                receipts = list(supply.deliver_by(transport))
            self.assertEqual(supply.faults, [])
            self.assertEqual(supply.given, given)
            self.assertTrue(all(each.ok for each in receipts))

    def test_obstacle(self):
        self.server.answer(200, [{"id": 1}, {"id": 2}])
        self.server.answer(503)
        receipts = self.send_all(records(8, many(many_size=2)), concurrency=1)
        self.assertEqual(self.lines(), ["POST /many"] * 2)
        self.assertTrue(receipts[0].ok and receipts[1].ok)
        self.assertFails(receipts[2], Unreachable, "503")
        for receipt in receipts[4:]:
            self.assertFails(receipt, Unreachable, "Not sent after")
            self.assertEqual(receipt.fate, UNSENT)

    def test_nothing_leaves_alone_after_an_obstacle(self):
        self.server.answer(422)
        self.server.answer(503)
        receipts = self.send_all(records(4, many(many_size=2)), concurrency=2)
        self.assertEqual(self.lines(), ["POST /many"] * 2)
        fates = sorted(each.fate for each in receipts)
        self.assertEqual(fates, [UNKNOWN] * 2 + [UNSENT] * 2)

    def test_what_goes_alone_is_not_taken_before(self):
        route = many(many_size=10)
        messages = [
            *records(4, route, external_id="1"),
            *records(7, route, 5),
        ]
        supply = Supply(messages)
        self.server.records["/contacts/1"] = {}
        with self.transport(concurrency=2) as transport:
            receipts = list(supply.deliver_by(transport))
        self.assertEqual(supply.faults, [])
        self.assertTrue(all(each.ok for each in receipts))
        self.assertEqual(supply.given, [2, 2, 2, 5, 0])
        expected = ["PUT /contacts/1"] * 4 + ["POST /many"]
        self.assertEqual(self.lines(), expected)

    def test_end(self):
        batch = {"batch_target": "batch", "target": "contacts"}
        route = {**many(many_size=2), **batch}
        messages = records(1, route, external_id="1") + records(6, route, 2)
        messages += records(1, route, 8, external_id="2")
        items = [{"key": key, "status": 200} for key in (1, 8)]
        self.server.answer(200, {"items": items})
        transport = self.transport(concurrency=1)
        transport.end = 0.0
        receipts = transport.send(messages)
        self.assertEqual(self.lines(), ["POST /batch", "POST /many"])
        self.assertEqual(
            [each.ok for each in receipts], [True] * 3 + [False] * 4 + [True]
        )
        self.assertFails(receipts[4], RateLimited, "is over")
        self.assertEqual(receipts[4].fate, UNSENT)

    def test_record_that_cannot_be_written(self):
        route = many(body='[{"n": "{id:number}", "...": "{record}"}]')
        messages = records(3, route)
        messages[1] = message(key=2, payload={"x": float("nan")}, **route)
        receipts = self.send_all(messages)
        self.assertEqual([each.ok for each in receipts], [True, False, True])
        self.assertFails(receipts[1], Rejected, "JSON")
        self.assertEqual(receipts[1].fate, UNSENT)
        self.assertEqual(self.lines(), ["POST /many"])
        self.server.requests.clear()
        receipts = self.send_all(messages[:2])
        self.assertEqual([each.ok for each in receipts], [True, False])
        self.assertEqual(self.lines(), ["POST /contacts"])

    def test_same_records_have_the_same_key(self):
        for _time in range(2):
            self.send_all(records(2, many()))
        self.send_all(records(2, many(), 5))
        keys = [each.headers["Idempotency-Key"] for each in self.server.requests]
        self.assertEqual(keys[0], keys[1])
        self.assertNotEqual(keys[0], keys[2])

    def test_same_content_once_more_has_another_key(self):
        """A, B and A again: the last one is not answered from memory"""
        kinds = ("many_update",)
        body = '[{"id": "{id}", "...": "{record}"}]'
        route = many("PUT many", body, kinds)
        for number, name in enumerate("ABA"):
            self.server.answer(200, [{}, {}])
            messages = [
                message(
                    key=key,
                    external_id=f"c{key}",
                    payload={"name": name},
                    idempotency_key=f"{number}-{key}",
                    **route,
                )
                for key in (1, 2)
            ]
            self.assertTrue(all(each.ok for each in self.send_all(messages)))
        first, _second, third = self.server.requests
        self.assertEqual(first.body, third.body)
        keys = {each.headers["Idempotency-Key"] for each in self.server.requests}
        self.assertEqual(len(keys), 3)

    def test_key_of_a_batch_endpoint_is_that_of_its_body(self):
        """What it has been so far: the keys of the items are in the body"""
        self.server.answer(200, {"items": []})
        self.send_all(records(2, {"target": "contacts", "batch_target": "batch"}))
        request = self.server.requests[0]
        digest = hashlib.sha256(request.body).hexdigest()
        self.assertEqual(request.headers["Idempotency-Key"], f"batch-{digest}")
        self.assertIn(b'"key-1"', request.body)

    def test_route_that_is_not_complete(self):
        for route in (
            many(many_items=""),
            many(many_key="k"),
            many(many_key="k", many_matches="{record}"),
            many(many_key="k", many_matches="{email:doubled}"),
        ):
            for receipt in self.send_all(records(2, route)):
                self.assertFails(receipt, Misconfigured)
                self.assertEqual(receipt.fate, UNSENT)
        self.assertEqual(self.lines(), [])

    def test_what_is_looked_for_first_goes_alone(self):
        route = many(already_there="find", found="[*].id")
        find = ("find", "GET contacts?email={email}", "")
        route["requests"] = (*route["requests"], find)
        self.server.answer(200, [], times=2)
        receipts = self.send_all(records(2, route))
        self.assertTrue(all(each.ok for each in receipts))
        self.assertEqual(sorted(self.lines())[2:], ["POST /contacts"] * 2)
        # a person has looked
        self.server.requests.clear()
        self.send_all(records(2, route, looked=True))
        self.assertEqual(self.lines(), ["POST /many"])

    def test_refusal_that_may_name_what_is_there(self):
        """Alone, the ID is taken from the refusal"""
        body = [{"id": 1}, {"error": "exists", "id": 7}, {"error": "exists"}]
        route = many(many_refused="error", many_id="id")
        receipts = self.answered(body, route, count=3)
        self.assertEqual(self.lines(), ["POST /many"])
        self.assertEqual([each.fate for each in receipts], [DONE, UNKNOWN, REFUSED])
        route["already_there"] = "refusal"
        receipts = self.answered(body, route, count=3)
        self.assertEqual(self.lines(), ["POST /many"] + ["POST /contacts"] * 2)
        # not what is refused for another reason
        body = [{"id": 1}, {"error": "no such country"}]
        self.assertFails(self.answered(body, route)[1], Rejected, "country")
        self.assertEqual(self.lines(), ["POST /many"])
        # nor alone: it is updated
        route.update(there_where="existing", there_when="code == 'DUP'")
        self.server.records["/contacts/77"] = {}
        self.server.requests.clear()
        self.server.answer(200, [{"id": 1}, {"error": "exists"}])
        self.server.answer(409, {"code": "DUP", "existing": 77})
        receipts = self.send_all(records(2, route))
        self.assertEqual(
            self.lines(), ["POST /many", "POST /contacts", "PUT /contacts/77"]
        )
        self.assertTrue(receipts[1].ok and receipts[1].adopted)
        self.assertEqual(receipts[1].external_id, "77")

    def test_refusal_after_a_connection_that_broke(self):
        """That of the record alone tells nothing of what both requests have done"""
        route = many(many_refused="error", many_id="id", already_there="refusal")
        transport = self.transport(repeats_are_safe=True)
        self.server.answer(200, [{"id": 1}, {"id": 2}])
        transport.send(records(2, route))
        self.server.answer(200, drop=True)
        self.server.answer(200, [{"id": 3}, {"error": "exists"}])
        self.server.answer(422, {"message": "exists"})
        self.server.requests.clear()
        receipts = transport.send(records(2, route, 3))
        self.assertEqual(self.lines(), ["POST /many"] * 2 + ["POST /contacts"])
        self.assertEqual([each.fate for each in receipts], [DONE, UNKNOWN])

    def test_new_record_that_is_asked_for_again_without_its_key(self):
        """No key has told the system of it: it is looked for, whatever is safe"""
        own = '[{"key": "{idempotency_key}", "...": "{record}"}]'
        for body, first in ((f"[{RECORD}]", "GET"), (own, "POST")):
            route = many(body=body, already_there="refusal", there_where="id")
            find = ("find", "GET contacts?email={email}", "")
            route.update(requests=(*route["requests"], find), found="[*].id")
            self.server.requests.clear()
            self.server.answer(200, [] if first == "GET" else {"id": 1})
            [again] = records(1, route, again=True)
            self.assertTrue(self.send(again, repeats_are_safe=True).ok)
            self.assertEqual(self.server.requests[0].method, first)

    def test_keys_of_new_records(self):
        own = '[{"key": "{idempotency_key}", "...": "{record}"}]'
        for options, expected in (
            ({"target": "c"}, True),
            ({"target": "c", "batch_target": "b"}, True),
            (many(), False),
            (many(body=own), True),
            (many(body='[{"key": "\\\\{idempotency_key}", "...": "{record}"}]'), False),
            (many(body='[{"key": "{{idempotency_key}}", "...": "{record}"}]'), False),
            (many(kinds=("many_update",)), True),
        ):
            self.assertEqual(message(**options).route.tells_new_records, expected)
