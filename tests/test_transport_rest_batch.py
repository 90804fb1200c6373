# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Many records in one request: each of them counts for itself."""

from odoo.tests import tagged

from ..exceptions import (
    Blocked,
    Misconfigured,
    Rejected,
    Temporary,
    Throttled,
    Unreachable,
)
from ..transports.base import UNKNOWN
from ..transports.rest import batch
from .conformance.supply import Supply
from .servers import Answer, HttpDestination
from .transport_case import TOKEN, RestCase, message


class _BatchApi(HttpDestination):
    """Does what each item asks for, by the rules for a record alone.

    ``fails`` holds the item of the answer for some keys, ``None`` for no item.
    """

    fails = {}

    def _crud(self, request):
        if request.path != "/batch":
            return super()._crud(request)
        items = []
        for item in request.json["items"]:
            failure = self.fails.get(item["key"], {})
            if failure is None:
                continue
            items.append({"key": item["key"], **(failure or self._apply(item))})
        return Answer(207, {"items": items[::-1]})

    def _apply(self, item):
        path = f"/contacts/{item['external_id']}"
        if item["operation"] == "upsert" and not item["external_id"]:
            self._ids += 1
            self.records[f"/contacts/{self._ids}"] = item["data"]
            return {"status": 201, "id": self._ids}
        if path not in self.records:
            return {"status": 404, "error": "unknown"}
        if item["operation"] == "delete":
            del self.records[path]
        elif item["operation"] == "mark":
            self.records[path] = {**self.records[path], **item["data"]}
        else:
            self.records[path] = item["data"]
        return {"status": 200}


def _message(key, operation="upsert", **options):
    options = {"idempotency_key": f"key-{key}", "batch_target": "batch", **options}
    return message(operation, key=key, **options)


@tagged("-at_install", "post_install")
class TestRestBatch(RestCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(_BatchApi())

    def send_all(self, *messages, **options):
        receipts = self.transport(**options).send(messages)
        self.assertEqual([each.message for each in receipts], list(messages))
        return receipts

    def test_many_records_in_one_request(self):
        receipts = self.send_all(*map(_message, range(5)), auth="bearer", secret=TOKEN)
        self.assertEqual([each.external_id for each in receipts], list("12345"))
        self.assertEqual(self.lines(), ["POST /batch"])
        [request] = self.server.requests
        self.assertEqual(request.headers["Authorization"], f"Bearer {TOKEN}")
        self.assertEqual(request.headers["Content-Type"], "application/json")
        self.assertEqual(
            request.json["items"][1],
            {
                "operation": "upsert",
                "key": 1,
                "external_id": None,
                "idempotency_key": "key-1",
                "data": receipts[1].message.payload,
            },
        )
        for receipt in receipts:
            self.assertTrue(receipt.ok)
            self.assertEqual(receipt.status, "201")
            self.assertIn(f'"id": {receipt.external_id}', receipt.response)
            self.assertEqual(receipt.request, f"POST {self.server.url}/batch (5 items)")

    def test_same_items_have_the_same_key(self):
        first = [_message(key) for key in (1, 2)]
        self.send_all(*first)
        self.send_all(*first)
        self.send_all(*first, _message(3))
        keys = [each.headers["Idempotency-Key"] for each in self.server.requests]
        self.assertEqual(keys[0], keys[1])
        self.assertNotEqual(keys[0], keys[2])
        self.assertEqual(len(self.server.records), 5, "nothing was created twice")

    def test_every_operation(self):
        for number in (1, 2, 3):
            self.server.records[f"/contacts/{number}"] = {"name": "old"}
        receipts = self.send_all(
            _message(1, external_id="1", payload={"name": "new"}),
            _message(2, "mark", external_id="2", payload={"gone": True}),
            _message(3, "delete", external_id="3", payload={}),
            _message(4, "delete", external_id="4", payload={}),
            _message(5, "delete", payload={}),
        )
        self.assertTrue(all(each.ok for each in receipts), receipts)
        self.assertEqual(
            [each.external_id for each in receipts], ["1", "2", None, None, None]
        )
        self.assertEqual(len(self.server.requests[0].json["items"]), 4)
        self.assertEqual(receipts[4].request, "", "it never arrived there")
        self.assertEqual(
            self.server.records,
            {"/contacts/1": {"name": "new"}, "/contacts/2": {"name": "old", "gone": 1}},
        )

    def test_each_status_means_what_it_means_alone(self):
        self.server.fails = {
            1: {"status": 422, "error": "name is taken"},
            2: {"status": 500},
            3: {"status": 429},
            4: {"status": 401},
            5: None,
            6: {"status": "fine"},
            7: {"status": 201},
            8: {"status": 409, "error": f"what is {TOKEN}?"},
        }
        receipts = self.send_all(*map(_message, range(10)), auth="bearer", secret=TOKEN)
        for key, (error_class, word) in {
            1: (Rejected, "name is taken"),
            2: (Temporary, "500"),
            3: (Throttled, "429"),
            4: (Unreachable, "credentials"),
            5: (Temporary, "without an item and status for the key 5"),
            6: (Temporary, "for the key 6"),
            8: (Rejected, "what is ***?"),
        }.items():
            with self.subTest(key):
                self.assertFails(receipts[key], error_class, word)
                self.assertNotIn(TOKEN, f"{receipts[key]!r} {receipts[key].error}")
        self.assertTrue(receipts[0].ok and receipts[9].ok)
        self.assertEqual((receipts[7].ok, receipts[7].external_id), (True, None))
        self.assertIn("without an id", receipts[7].warning)
        self.assertEqual(self.lines(), ["POST /batch"])

    def test_what_an_item_says_counts_as_it_does_alone(self):
        known = {"external_id": "c"}
        self.server.fails = {
            1: {"status": 200, "success": False, "message": "too long"},
            2: {"status": 200, "errors": ["a", "b"]},
            3: {"status": "error", "error": "taken"},
            4: {"status": "error", "id": "c", "message": "no such tag"},
            5: {"status": 200, "error": "no such country"},
            6: {"status": 201, "id": "c-6", "error": "not checked"},
            7: {"status": 202, "id": "op-7"},
            8: {"status": 403, "error": "a firewall"},
            9: {"status": 410},
            10: {"status": 409, "error": "in progress"},
            11: {"status": 409, "error": "exists already", "id": "c-11"},
            12: {"status": 409, "error": "exists already", "id": "c-12"},
            13: {"status": 200, "id": "c-merged"},
        }
        options = {4: known, 5: known, 11: {"again": True}, 13: known}
        sent = [_message(key, **options.get(key, {})) for key in range(1, 14)]
        sent[8] = _message(9, "delete", payload={}, **known)
        receipts = dict(enumerate(self.send_all(*sent), 1))
        for key, (error_class, word) in {
            1: (Rejected, "too long"),
            2: (Rejected, "a; b"),
            3: (Rejected, "taken"),
            4: (Rejected, "no such tag"),
            5: (Rejected, "no such country"),
            8: (Blocked, "a firewall"),
            10: (Temporary, "in progress"),
            12: (Rejected, "exists already"),
        }.items():
            with self.subTest(key):
                self.assertFails(receipts[key], error_class, word)
        for key, external_id, word in (
            (6, "c-6", "“error”"),
            (7, None, "accepted, not confirmed"),
            (9, None, ""),
            (11, "c-11", ""),
            (13, "c-merged", "not c."),
        ):
            with self.subTest(key):
                found = receipts[key]
                self.assertEqual((found.ok, found.external_id), (True, external_id))
                self.assertIn(word, found.warning or "")
        accepted = [key for key, each in receipts.items() if each.accepted]
        self.assertEqual(accepted, [7])
        self.assertEqual(self.lines(), ["POST /batch"])

    def test_whole_answer_that_says_no(self):
        for body in (
            {"success": False, "message": "no batches for you"},
            {"ok": False, "error": "not_allowed"},
            {"error": {"message": "unknown operation"}},
        ):
            with self.subTest(body):
                self.server.requests.clear()
                self.server.answer(200, body)
                receipts = self.send_all(*map(_message, range(3)))
                self.assertTrue(all(each.ok for each in receipts), receipts)
                self.assertEqual(
                    sorted(self.lines()), ["POST /batch"] + ["POST /contacts"] * 3
                )
        # these may be the errors of some of them
        self.server.requests.clear()
        self.server.answer(200, {"errors": ["bad name"], "created": 2})
        for receipt in self.send_all(*map(_message, range(3))):
            self.assertFails(receipt, Rejected, "bad name")
            self.assertEqual(receipt.fate, UNKNOWN)
        self.assertEqual(self.lines(), ["POST /batch"])

    def test_nothing_false_follows_from_an_endpoint_that_is_none(self):
        """Each alone shows for itself whether its address is one."""
        options = {"external_id": "5", "known_ids": ("5",)}
        for number in (404, 405, 501):
            self.server.requests.clear()
            self.server.answer(number, times=2)
            receipts = self.send_all(
                _message(1, "delete", payload={}, **options),
                _message(2, "delete", payload={}, **options),
                concurrency=1,
            )
            self.assertEqual(self.lines()[:2], ["POST /batch", "DELETE /contacts/5"])
            self.assertFails(receipts[0], Misconfigured, str(number))
            self.assertFails(receipts[1], Misconfigured, "Not sent after")

    def test_systems_that_keep_no_records(self):
        options = {"id_policy": "none", "target": "events"}
        items = [{"key": key, "status": 200} for key in (1, 2)]
        self.server.answer(200, {"items": items})
        receipts = self.send_all(
            _message(1, **options),
            _message(2, "mark", payload={"gone": True}, **options),
            _message(3, "delete", payload={}, **options),
        )
        for receipt in receipts:
            self.assertTrue(receipt.ok, receipt.error)
            self.assertIsNone(receipt.warning)
        self.assertEqual(len(self.server.requests[0].json["items"]), 2)

    def test_lost_record_is_created_alone(self):
        self.server.records["/contacts/8"] = {}
        receipts = self.send_all(
            _message(8, external_id="8"), _message(9, external_id="9")
        )
        self.assertTrue(all(each.ok for each in receipts), receipts)
        self.assertEqual([each.external_id for each in receipts], ["8", "1"])
        self.assertEqual(self.lines(), ["POST /batch", "POST /contacts"])
        key = self.server.requests[1].headers["Idempotency-Key"]
        self.assertEqual(key, "key-9-recreate")

    def test_odoo_id_that_is_not_known_there(self):
        options = {"id_policy": "odoo"}
        self.server.fails = {1: {"status": 200}, 2: {"status": 404}}
        good, bad = self.send_all(_message(1, **options), _message(2, **options))
        self.assertEqual((good.ok, good.external_id), (True, None))
        self.assertFails(bad, Rejected, "404")

    def test_refused_request_falls_back_to_single_ones(self):
        for status in (400, 403, 404, 405, 406, 413, 422, 501):
            with self.subTest(status):
                self.server.requests.clear()
                self.server.answer(status)
                receipts = self.send_all(*map(_message, range(3)))
                self.assertTrue(all(each.ok for each in receipts), receipts)
                self.assertEqual(
                    sorted(self.lines()), ["POST /batch"] + ["POST /contacts"] * 3
                )

    def test_request_that_fails_as_a_whole(self):
        for status, error_class in (
            (401, Unreachable),
            (407, Unreachable),
            (408, Temporary),
            (429, Throttled),
            (500, Temporary),
            (503, Unreachable),
        ):
            with self.subTest(status):
                self.server.requests.clear()
                self.server.answer(status)
                receipts = self.send_all(*map(_message, range(3)))
                self.assertEqual(self.lines(), ["POST /batch"])
                for receipt in receipts:
                    self.assertFails(receipt, error_class, str(status))
                told = [each for each in receipts if each.request]
                # an outage is one attempt, and one line of the log
                self.assertEqual(len(told), 3 if error_class is Temporary else 1)

    def test_answer_that_is_none(self):
        for body in (None, "<html>", {"items": {}}, [1], {"items": [1, None]}):
            with self.subTest(body):
                self.server.answer(200, body)
                for receipt in self.send_all(_message(1), _message(2)):
                    self.assertFails(receipt, Temporary, "without an item")

    def test_one_record_is_sent_alone(self):
        self.assertTrue(self.send_all(_message(1))[0].ok)
        receipts = self.send_all(_message(2), _message(3, "delete", payload={}))
        self.assertTrue(all(each.ok for each in receipts), receipts)
        self.assertEqual(self.lines(), ["POST /contacts"] * 2)

    def test_record_that_is_no_json_does_not_hold_up_the_others(self):
        receipts = self.send_all(
            _message(1), _message(2, payload={"x": float("nan")}), _message(3)
        )
        self.assertFails(receipts[1], Rejected, "JSON")
        self.assertEqual([each.ok for each in receipts], [True, False, True])
        self.assertEqual(self.lines(), ["POST /batch"])

    def test_messages_about_one_record_stay_in_order(self):
        self.server.records = {"/contacts/1": {}, "/contacts/2": {}}
        steps = [
            _message(key, external_id=str(key), payload={"step": step})
            for step in (1, 2)
            for key in (1, 2)
        ]
        self.assertTrue(all(each.ok for each in self.send_all(*steps)))
        self.assertEqual(self.lines(), ["POST /batch"] * 2)
        self.assertEqual(self.server.records["/contacts/2"], {"step": 2})

    def test_request_is_bounded(self):
        count = batch.MAX_ITEMS + 1
        receipts = self.send_all(*map(_message, range(count)))
        self.assertTrue(all(each.ok for each in receipts))
        self.assertEqual(self.lines(), ["POST /batch", "POST /contacts"])

    def test_nothing_more_is_sent_after_an_obstacle(self):
        self.server.answer(503)
        receipts = self.send_all(*[_message(key) for key in (1, 2, 1, 2)])
        self.assertEqual(self.lines(), ["POST /batch"])
        self.assertFails(receipts[3], Unreachable, "Not sent after")

    def deliver(self, messages, **options):
        supply = Supply(messages)
        with self.transport(**options) as transport:
            receipts = list(supply.deliver_by(transport))
        self.assertEqual(supply.faults, [])
        return receipts, supply

    def test_first_messages_tell_that_many_may_be_taken(self):
        receipts, supply = self.deliver([_message(key) for key in range(30)])
        self.assertTrue(all(each.ok for each in receipts))
        self.assertEqual(supply.given, [8, 22, 0])
        self.assertEqual(self.lines(), ["POST /batch"])
        _receipts, supply = self.deliver([_message(1, external_id="1")])
        self.assertEqual(supply.given, [1, 0])
        _receipts, supply = self.deliver(
            [_message(key, batch_target="") for key in range(30)], concurrency=4
        )
        self.assertLessEqual(max(supply.given), 4, "no more than leave at once")

    def test_what_was_taken_and_not_started_is_told_of(self):
        self.server.answer(503)
        messages = [_message(key, target=f"t{key // 4}") for key in range(8)]
        receipts, supply = self.deliver(messages)
        self.assertEqual(self.lines(), ["POST /batch"])
        self.assertEqual([each.message for each in receipts], messages)
        for receipt in receipts[4:]:
            self.assertFails(receipt, Unreachable, "Not sent after")
        self.assertEqual(sum(supply.given), 8)

    def test_lost_record_is_not_created_after_an_obstacle(self):
        self.server.fails = {1: {"status": 429}, 2: {"status": 404}}
        asked, lost = self.send_all(
            _message(1, external_id="1"), _message(2, external_id="2")
        )
        self.assertFails(asked, Throttled, "429")
        self.assertFails(lost, Throttled, "Not sent after")
        self.assertEqual(self.lines(), ["POST /batch"])
