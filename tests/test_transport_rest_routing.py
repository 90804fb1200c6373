# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A record is created once: a 404 is about the record only if the address is one."""

import uuid

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
from ..transports.base import REFUSED, Pace
from .servers import Answer, HttpDestination
from .transport_case import RestCase, message


class _Router(HttpDestination):
    """Knows methods of single records, and answers otherwise what it does not route.

    :param unrouted: the answer where there is no such address or method: of a method,
        a path, and whether the path is known
    """

    methods = {"GET", "PUT", "PATCH", "DELETE"}
    below = "/contacts"

    def unrouted(self, method, path, is_known):
        """As Express has it."""
        body = f"<html><pre>Cannot {method} {path}</pre></html>"
        return Answer(404, body)

    def _crud(self, request):
        path = request.path.rstrip("/")
        is_record = path.startswith(f"{self.below}/")
        routed = path == self.below if request.method == "POST" else is_record
        if not routed or request.method not in {"POST", *self.methods}:
            return self.unrouted(request.method, path, is_record)
        return super()._crud(request)


def _spring(method, path, is_known):
    """With the time, as Spring Boot has it."""
    told = {"timestamp": uuid.uuid4().hex, "status": 404, "error": "Not Found"}
    return Answer(404, {**told, "path": path})


def _strict(method, path, is_known):
    """As RFC 9110 has it."""
    return Answer(405 if is_known else 404, {"message": "unknown"})


@tagged("-at_install", "post_install")
class TestRestRouting(RestCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(_Router())
        self.server.records = {"/contacts/5": {}, "/contacts/6": {}}

    def assertMisconfigured(self, receipt, setting):
        self.assertFails(receipt, Misconfigured, "answered 4")
        self.assertEqual((receipt.error.setting, receipt.fate), (setting, REFUSED))
        posts = [line for line in self.lines() if line.startswith("POST")]
        self.assertEqual((posts, len(self.server.records)), ([], 2), "nothing was made")

    def test_method_that_nobody_there_knows(self):
        """`Cannot PUT`: the record is there, and no second one is made."""
        for methods, unrouted in (
            ({"GET", "PATCH", "DELETE"}, self.server.unrouted),
            ({"GET", "PATCH", "DELETE"}, _strict),
            ({"GET", "PATCH", "DELETE"}, _spring),
            (set(), self.server.unrouted),
            (set(), _strict),
            (set(), _spring),
        ):
            with self.subTest(methods=methods, unrouted=unrouted):
                self.server.methods, self.server.unrouted = methods, unrouted
                receipt = self.send(message(external_id="5"))
                known = methods or unrouted is _strict
                self.assertMisconfigured(receipt, "method" if known else "address")
                self.assertEqual(receipt.external_id, "5")

    def test_wrong_delete_address_is_no_deletion(self):
        self.server.methods = {"GET", "PUT"}
        for unrouted in (self.server.unrouted, _strict, _spring):
            for proven in ((), {"update"}, {"update", "create"}):
                with self.subTest(unrouted=unrouted, proven=proven):
                    self.server.unrouted = unrouted
                    sent = message("delete", payload={}, external_id="5", proven=proven)
                    self.assertMisconfigured(self.send(sent), "method")

    def test_mark_that_nobody_there_knows(self):
        self.server.methods = {"GET", "PUT", "DELETE"}
        for proven in ((), {"update", "delete"}):
            sent = message("mark", external_id="5", proven=proven)
            self.assertMisconfigured(self.send(sent), "method")

    def test_endpoint_that_is_wrong(self):
        for unrouted in (self.server.unrouted, _spring, _strict):
            self.server.unrouted = unrouted
            for operation in ("upsert", "mark", "delete"):
                sent = message(operation, external_id="5", target="kontakte")
                self.server.requests.clear()
                self.assertMisconfigured(self.send(sent), "address")
                self.assertLess(len(self.server.requests), 6)

    def test_new_records_that_nothing_takes(self):
        for status, setting in ((404, "address"), (405, "method"), (501, "method")):
            self.server.answer(status)
            receipt = self.send()
            self.assertFails(receipt, Misconfigured, str(status))
            self.assertEqual((receipt.error.setting, receipt.fate), (setting, REFUSED))
            self.server.answer(status)
            receipt = self.send(message(proven={"create"}))
            self.assertFails(receipt, Blocked, str(status))
            self.assertEqual(receipt.fate, REFUSED)
        # what is the same for all is asked once
        self.server.requests.clear()
        sent = [message(key=key, target="kontakte") for key in range(5)]
        receipts = self.transport(concurrency=1).send(sent)
        self.assertEqual(self.lines(), ["POST /kontakte"])
        for receipt in receipts[1:]:
            self.assertFails(receipt, Misconfigured, "Not sent after")
            self.assertEqual(receipt.error.setting, "address")

    def test_record_that_is_shown_to_be_gone(self):
        """By an answer of another kind than that to no address at all."""
        for unrouted in (self.server.unrouted, _spring):
            with self.subTest(unrouted):
                self.server.unrouted = unrouted
                self.server.requests.clear()
                sent = message(external_id="99", idempotency_key=uuid.uuid4().hex)
                receipt = self.send(sent)
                self.assertTrue(receipt.ok, receipt.error)
                self.assertIn(f"/contacts/{receipt.external_id}", self.server.records)
                methods = [line.split()[0] for line in self.lines()]
                self.assertEqual(methods, ["PUT", "GET", "GET", "GET", "POST"])
                for operation in ("mark", "delete"):
                    gone = message(operation, payload={}, external_id="99")
                    receipt = self.send(gone)
                    self.assertEqual((receipt.ok, receipt.external_id), (True, None))

    def test_record_that_is_gone_beside_one_that_is_there(self):
        """Where all 404 are alike, another record shows that records are shown."""
        self.server.unrouted = lambda *asked: Answer(404, {"message": "unknown"})
        sent = message(external_id="99", known_ids=("99", "98", "6", "5"))
        receipt = self.send(sent)
        self.assertTrue(receipt.ok, receipt.error)
        lines = self.lines()
        self.assertEqual(lines[0], "PUT /contacts/99")
        self.assertEqual(lines[-2:], ["GET /contacts/6", "POST /contacts"])
        for known_ids in ((), ("99",), ("97", "98")):
            self.server.records = {"/contacts/5": {}, "/contacts/6": {}}
            self.server.requests.clear()
            sent = message(external_id="99", known_ids=known_ids)
            self.assertMisconfigured(self.send(sent), "address")

    def test_random_texts_show_nothing(self):
        def unrouted(*asked):
            number = uuid.uuid4().hex
            letters = number.translate(str.maketrans("0123456789", "ghijklmnop"))
            return Answer(404, {"id": number, "trace": letters})

        self.server.unrouted = unrouted
        sent = message(external_id="5", target="kontakte")
        self.assertMisconfigured(self.send(sent), "address")

    def test_shown_once_for_all(self):
        self.server.unrouted = lambda *asked: Answer(404, {"message": "unknown"})
        sent = [
            message("delete", key=key, payload={}, external_id=f"9{key}", known_ids="5")
            for key in range(4)
        ]
        receipts = self.transport(concurrency=1).send(sent)
        self.assertTrue(all(each.ok for each in receipts), receipts)
        self.assertEqual(self.lines().count("GET /contacts/5"), 1)

    def test_what_has_worked_is_not_asked_for(self):
        for operation, proven in (
            ("upsert", {"update"}),
            ("delete", {"delete"}),
            ("mark", {"mark"}),
        ):
            self.server.requests.clear()
            self.server.answer(404)
            sent = message(operation, payload={}, external_id="99", proven=proven)
            self.assertTrue(self.send(sent).ok)
            asked = [line for line in self.lines() if line.startswith("GET")]
            self.assertEqual(asked, [])
        # a request of the same kind that has just been carried out
        self.server.requests.clear()
        first = message(key=1, external_id="5")
        gone = message(key=2, external_id="99", idempotency_key="key-2")
        self.assertTrue(all(each.ok for each in self.transport().send([first])))
        transport = self.transport(concurrency=1)
        receipts = transport.send([first, gone])
        self.assertTrue(all(each.ok for each in receipts), receipts)
        self.assertEqual(self.lines()[-2:], ["PUT /contacts/99", "POST /contacts"])

    def test_deletion_while_the_way_is_lost(self):
        self.server.below = "/elsewhere"
        for operation, proven in (
            ("delete", {"delete", "update"}),
            ("delete", {"update"}),
            ("mark", {"mark"}),
        ):
            sent = message(
                operation, payload={}, external_id="5", proven=proven, known_ids="56"
            )
            self.assertFails(self.send(sent), Blocked, "answered 404")
        # nothing is known to be there: it is believed
        sent = message("delete", external_id="5", proven={"delete"}, known_ids="5")
        self.assertTrue(self.send(sent).ok)

    def test_deletion_while_the_way_is_found_again(self):
        self.server.answer(404)
        sent = message("delete", external_id="5", proven={"delete"}, known_ids="56")
        self.assertFails(self.send(sent), Blocked, "answered 404")
        self.assertIn("/contacts/5", self.server.records)

    def test_deletion_of_what_is_gone_beside_one_that_is_there(self):
        sent = message("delete", external_id="99", proven={"delete"}, known_ids="56")
        self.assertTrue(self.send(sent).ok)

    def test_410_says_it_all(self):
        for operation in ("upsert", "mark", "delete"):
            self.server.requests.clear()
            self.server.answer(410)
            sent = message(operation, payload={}, external_id="99")
            self.assertTrue(self.send(sent).ok)
            self.assertLessEqual(len(self.server.requests), 2)

    def test_method_that_has_worked(self):
        for operation, kind in (
            ("upsert", "update"),
            ("mark", "mark"),
            ("delete", "delete"),
        ):
            for status in (405, 501):
                self.server.answer(status)
                sent = message(
                    operation, payload={}, external_id="5", proven={kind, "create"}
                )
                receipt = self.send(sent)
                self.assertFails(receipt, Blocked, str(status))
                self.assertEqual(receipt.fate, REFUSED)
        self.assertEqual(len(self.server.records), 2)

    def test_look_that_is_not_answered(self):
        for answer, error_class in (
            ({"status": 429}, Throttled),
            ({"status": 503}, Unreachable),
            ({"status": 500}, Temporary),
            ({"drop": True}, Unreachable),
        ):
            with self.subTest(answer):
                self.server.answer(404)
                self.server.answer(**answer, times=2 if "drop" in answer else 1)
                receipt = self.send(message(external_id="5"))
                self.assertFails(receipt, error_class)
                self.assertEqual(receipt.fate, REFUSED, "the update itself")
                self.server._script.clear()
        for status in (401, 403, 302):
            self.server.answer(404)
            self.server.answer(status)
            self.assertMisconfigured(self.send(message(external_id="5")), "address")

    def test_look_has_its_turn(self):
        class Turns(Pace):
            left = 1

            def expect(self, count):
                """It is the same for any number."""

            def wait(self):
                self.left -= 1
                if self.left < 0:
                    raise RateLimited("no more", 1)

        with self.transport() as transport:
            transport.pace = Turns(None)
            self.server.answer(404)
            (receipt,) = transport.send([message(external_id="5")])
        self.assertFails(receipt, RateLimited)
        self.assertEqual((receipt.fate, len(self.server.requests)), (REFUSED, 1))

    def test_odoo_keys(self):
        options = {"id_policy": "odoo", "key": 5}
        self.server.methods = {"GET"}
        self.assertMisconfigured(self.send(message(**options)), "method")
        receipt = self.send(message(**options, target="kontakte"))
        self.assertMisconfigured(receipt, "address")
        for proven in ({"update"}, {"create"}):
            receipt = self.send(message(**options, proven=proven))
            self.assertFails(receipt, Blocked, "404")
        # it updates only: that record is not there
        self.server.methods = {"GET", "PUT"}
        receipt = self.send(message(id_policy="odoo", key=99))
        self.assertFails(receipt, Rejected, "404")


@tagged("-at_install", "post_install")
class TestRestCreatedAlready(RestCase):
    """409 "exists already" after an unanswered creation is that creation."""

    EXISTS = {"message": "a contact with this email exists already"}

    def test_after_an_unanswered_request(self):
        for body, expected in (({**self.EXISTS, "id": 55}, "55"), (self.EXISTS, None)):
            self.server.answer(409, body, headers={"Location": "/contacts/9"})
            receipt = self.send(message(again=True))
            self.assertEqual((receipt.ok, receipt.external_id), (True, expected))
            self.assertEqual(receipt.warning is None, expected is not None)
        self.assertIn("without an answer has created the record", receipt.warning)

    def test_after_the_first_of_two(self):
        self.send(repeats_are_safe=True)
        self.server.answer(drop=True)
        self.server.answer(409, {**self.EXISTS, "id": 55})
        receipt = self.send(repeats_are_safe=True)
        self.assertEqual((receipt.ok, receipt.external_id), (True, "55"))

    def test_otherwise_it_is_a_refusal(self):
        for sent, body in (
            (message(), {**self.EXISTS, "id": 55}),
            (message(external_id="5", again=True), self.EXISTS),
            (message(again=True), {"message": "version conflict"}),
            (message(again=True), None),
        ):
            self.server.answer(409, body)
            self.assertFails(self.send(sent), Rejected, "409")
        # the request that was lost was another one
        self.send(message(external_id="5"))
        self.server.requests.clear()
        self.server.answer(drop=True)
        self.server.answer(404)
        self.server.answer(409, self.EXISTS)
        receipt = self.send(message(external_id="5", proven={"update"}))
        self.assertEqual(self.lines()[-1], "POST /contacts")
        self.assertFails(receipt, Rejected, "409")
