# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A record is created once: a 404 is about the record only if the address is one."""

import uuid
from dataclasses import replace

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
from ..transports.base import REFUSED, UNKNOWN, Pace
from ..transports.http import Answer as HttpAnswer
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
        is_record = path.rpartition("/")[0] == self.below
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
        """By an answer of another kind than that to what is below any record."""
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

    def test_known_records_that_are_not_shown_either(self):
        """The endpoint is wrong, and what knows it answers otherwise than the rest."""
        self.server.below = "/kontakte"
        for operation in ("upsert", "mark", "delete"):
            self.server.requests.clear()
            sent = message(
                operation, external_id="5", known_ids=("5", "6"), target="kontakte"
            )
            self.assertMisconfigured(self.send(sent), "address")
            self.assertNotIn("POST /kontakte", self.lines())

    def test_another_server_answers_elsewhere(self):
        """Only what is below the record has surely the server of the record."""

        def crud(request):
            if request.path.startswith("/contacts"):
                return Answer(404, {"message": "no such route"})
            return Answer(404, "<html>default backend</html>")

        self.server._crud = crud
        self.assertMisconfigured(self.send(message(external_id="5")), "address")

    def test_what_worked_is_gone_for_all(self):
        """As while a server is replaced: nothing is deleted or made by that."""
        for operation, kind in (
            ("upsert", "update"),
            ("mark", "mark"),
            ("delete", "delete"),
            ("delete", "update"),
        ):
            for known_ids in (("5", "6"), ("6",)):
                self.server.requests.clear()
                self.server.answer(404, "404 page not found", times=4)
                sent = message(
                    operation, external_id="5", proven={kind}, known_ids=known_ids
                )
                with self.subTest(operation, kind=kind):
                    receipt = self.send(sent)
                    self.assertFails(receipt, Blocked, "404")
                    self.assertEqual(
                        (receipt.fate, receipt.external_id), (REFUSED, "5")
                    )
                    self.assertIn("GET /contacts/6", self.lines())
                    self.assertNotIn("POST /contacts", self.lines())
                self.server._script.clear()

    def test_what_worked_and_is_gone_is_looked_into(self):
        sent = [
            message(
                "delete",
                key=key,
                external_id=f"9{key}",
                proven={"delete"},
                known_ids=("5",),
            )
            for key in range(6)
        ]
        receipts = self.transport(concurrency=1).send(sent)
        self.assertTrue(all(each.ok for each in receipts), receipts)
        self.assertEqual(self.lines().count("GET /contacts/5"), 1)
        # each is looked at as well: the way to it may have been lost for a moment
        self.assertEqual(len(self.server.requests), 13)
        # where records are not for us to look at, it is believed
        for status in (401, 403, 405):
            self.server.answer(404)
            self.server.answer(status)
            self.assertTrue(self.send(sent[0]).ok)
        # one of those that are known may be gone as well
        self.server.requests.clear()
        known = replace(sent[0].route, known_ids=("98", "5"))
        self.assertTrue(self.send(replace(sent[0], route=known)).ok)
        self.assertEqual(
            self.lines()[1:], [f"GET /contacts/{each}" for each in (98, 5, 90)]
        )

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
class TestRestOtherSpelling(RestCase):
    """A server that only spells the address otherwise has not looked at the request."""

    def test_slash_and_tls(self):
        secure = self.server.url.replace("http:", "https:")
        for status, location in (
            (301, "/contacts/"),
            (302, "/contacts/"),
            (301, f"{secure}/contacts"),
            (302, f"{secure}/contacts/"),
            (307, f"{secure}/contacts"),
            (308, f"{secure}/contacts"),
        ):
            with self.subTest(status, location=location):
                self.server.answer(status, headers={"Location": location})
                receipt = self.send()
                self.assertFails(receipt, Misconfigured, str(status), location)
                self.assertEqual(receipt.error.setting, "address")
                self.assertEqual(receipt.fate, REFUSED)
        self.assertEqual(self.server.records, {})

    def test_other_places(self):
        for status, location in (
            (301, "/contacts"),
            (301, "/contacts/1"),
            (302, "/login?next=/contacts"),
            (302, "/contacts/?created=1"),
            (302, f"http://elsewhere.example:{self.server.port}/contacts"),
            (303, "/contacts/"),
        ):
            with self.subTest(status, location=location):
                self.server.answer(status, headers={"Location": location})
                receipt = self.send()
                self.assertFails(receipt, Unreachable, str(status))
                self.assertEqual(receipt.fate, UNKNOWN)

    def test_names_of_a_host(self):
        for url, location, respelt in (
            ("http://h.example/c", "https://www.h.example/c/", True),
            ("https://www.h.example/c", "https://h.example/c", True),
            ("http://h.example:8080/c", "https://h.example/c", False),
            ("http://h.example/c", "https://x.h.example/c", False),
            ("http://h.example/c", "https://[bad/c", False),
        ):
            answer = HttpAnswer("POST", url, 301, {"Location": location})
            self.assertEqual(answer.is_respelt, respelt, location)

    def test_slash_that_is_asked_for(self):
        sent = message(external_id="5", target="contacts/", proven={"update"})
        self.server.records = {"/contacts/5": {}}
        for each in (sent, message(target="contacts/")):
            self.assertTrue(self.send(each).ok)
        self.assertEqual(self.lines(), ["PUT /contacts/5/", "POST /contacts/"])
        self.server.answer(201, headers={"Location": "/contacts/77/"})
        self.assertEqual(self.send(message(target="contacts/")).external_id, "77")


@tagged("-at_install", "post_install")
class TestRestCreatedAlready(RestCase):
    """409 "exists already" after an unanswered creation is that creation."""

    EXISTS = {"message": "a contact with this email exists already"}

    def test_after_an_unanswered_request(self):
        for body, path, expected in (
            ({**self.EXISTS, "contact": {"id": 55}}, "contact.id", "55"),
            ({"id": 55, "name": "Zoë", "status": "exists"}, "id", "55"),
            (self.EXISTS, "id", None),
            # that of the error, as PayPal has it
            ({**self.EXISTS, "id": 55}, "id", None),
            ({"id": 55, "name": "DUPLICATE_CONTACT"}, "id", None),
        ):
            self.server.answer(409, body, headers={"Location": "/contacts/9"})
            receipt = self.send(message(again=True, external_id_key=path))
            self.assertEqual((receipt.ok, receipt.external_id), (True, expected))
            self.assertEqual(receipt.warning is None, expected is not None)
        self.assertIn("without an answer has created the record", receipt.warning)

    def test_key_that_has_made_it(self):
        """GoCardless: that request is over, and no patience is needed."""
        for said in (
            "A resource has already been created with this idempotency key",
            "Idempotency-Key has already been used",
        ):
            for again in (True, False):
                with self.subTest(said, again=again):
                    self.server.answer(409, {"error": {"message": said}})
                    receipt = self.send(message(again=again))
                    self.assertEqual(receipt.ok, again)
                    if not again:
                        self.assertFails(receipt, Rejected, "409")

    def test_after_the_first_of_two(self):
        self.send(repeats_are_safe=True)
        self.server.answer(drop=True)
        self.server.answer(409, {**self.EXISTS, "contact": {"id": 55}})
        sent = message(external_id_key="contact.id")
        receipt = self.send(sent, repeats_are_safe=True)
        self.assertEqual((receipt.ok, receipt.external_id), (True, "55"))

    def test_otherwise_it_is_a_refusal(self):
        for sent, body in (
            (message(), {**self.EXISTS, "id": 55}),
            (message(external_id="5", again=True), self.EXISTS),
            (message(again=True), {"message": "version conflict"}),
            (message(again=True), None),
            (message(again=True), {"message": "the company does not exist"}),
            (message(again=True), {"message": "no such company exists"}),
            (message(again=True), {"message": "company not found: it must exist"}),
            (message(again=True), {"message": "the pipeline is in use"}),
            (
                message(again=True),
                {"message": "this idempotency key has already been used: it is reused"},
            ),
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
