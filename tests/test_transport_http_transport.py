# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a transport over HTTP inherits, shown by one that has nothing else."""

import dataclasses
import time

from odoo.tests import tagged

from ..exceptions import RateLimited, Rejected, Temporary, Throttled, Unreachable
from ..transports.base import DONE, REFUSED, UNKNOWN, UNSENT
from ..transports.http import HttpConfig, HttpTransport, connection, to_json
from ..transports.pace import Pace, Slots
from .conformance.supply import Supply
from .servers import HttpDestination
from .transport_case import SECRET, TOKEN, TransportCase, message

LOOKED_AT = "looked-at"


class _Plain(HttpTransport):
    """Posts each content; looks at the place first where the message wants it."""

    #: called with each message in the thread that sends it
    before = staticmethod(lambda message: None)

    def _apply(self, trail, message):
        self.before(message)
        url = self._client.url(message.route.target)
        if message.version == LOOKED_AT:
            self._look(trail, "GET", url).require_ok()
        headers = {"Idempotency-Key": message.idempotency_key}
        body = to_json(message.payload)
        answer = self._client.request(trail, "POST", url, headers, body)
        return self.outcome(message, answer, creates=True, again=message.again)


@tagged("-at_install", "post_install")
class TestHttpTransport(TransportCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(HttpDestination())
        self.addCleanup(connection.sessions.forget)

    def transport(self, **options):
        values = {"connect_timeout": 2, "read_timeout": 1, "url": self.server.url}
        return _Plain(HttpConfig(**{**values, **options}))

    def send(self, sent=None, **options):
        with self.transport(**options) as transport:
            (receipt,) = transport.send([sent or message()])
        return receipt

    def messages(self, count):
        return [
            dataclasses.replace(message(), key=key, idempotency_key=str(key))
            for key in range(count)
        ]

    def test_success_needs_proof(self):
        receipt = self.send()
        self.assertEqual((receipt.fate, receipt.external_id), (DONE, "1"))
        self.server.answer(200, {"success": False, "message": "not today"})
        receipt = self.send()
        self.assertFails(receipt, Rejected, "not today")
        # nothing was done, although the status says so
        self.assertEqual(receipt.fate, REFUSED)
        self.server.answer(202, {"id": "operation-7"})
        receipt = self.send()
        self.assertTrue(receipt.ok and receipt.accepted)
        self.assertIsNone(receipt.external_id)
        self.server.answer(200, {})
        self.assertIn("without an id", self.send().warning)

    def test_id_may_be_somewhere_else(self):
        class Elsewhere(_Plain):
            def _id_path(self, message):
                return "data.contact.key"

        self.server.answer(201, {"data": {"contact": {"key": 7}}}, times=2)
        self.assertIn("without an id", self.send().warning)
        with Elsewhere(HttpConfig(url=self.server.url)) as transport:
            (receipt,) = transport.send([message()])
        self.assertEqual((receipt.external_id, receipt.warning), ("7", None))

    def test_each_answer_has_its_class_and_its_fate(self):
        for status, kind, fate in (
            (422, Rejected, REFUSED),
            (429, Throttled, REFUSED),
            (500, Temporary, UNKNOWN),
            (503, Unreachable, UNKNOWN),
            (401, Unreachable, REFUSED),
        ):
            with self.subTest(status):
                self.server.answer(status, {"message": "no"})
                receipt = self.send()
                self.assertIs(type(receipt.error), kind)
                self.assertEqual(receipt.fate, fate)
                self.assertEqual(receipt.status, str(status))

    def test_what_is_not_answered_is_of_unknown_fate(self):
        self.server.answer(drop=True)
        receipt = self.send()
        self.assertFails(receipt, Unreachable)
        self.assertEqual(receipt.fate, UNKNOWN)
        self.server.answer(delay=1.5)
        receipt = self.send()
        self.assertFails(receipt, Unreachable)
        self.assertEqual(receipt.fate, UNKNOWN)
        self.assertLess(receipt.duration, 1.5)

    def test_what_was_created_without_an_answer_is_found_by_its_key(self):
        self.server.answer(409, {"id": "7", "state": "exists already"})
        receipt = self.send(message(again=True))
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(receipt.external_id, "7")

    def test_what_is_looked_at_besides_says_nothing_of_the_message(self):
        looks = dataclasses.replace(message(), version=LOOKED_AT)
        self.server.answer(404, {"message": "nothing here"})
        receipt = self.send(looks)
        self.assertFails(receipt, Rejected, "nothing here")
        # it never left, and the log tells what was asked instead
        self.assertEqual((receipt.fate, receipt.status), (UNSENT, None))
        self.assertEqual(receipt.request, f"GET {self.server.url}/contacts")
        self.server.answer(delay=1.5)
        receipt = self.send(looks)
        self.assertFails(receipt, Unreachable)
        self.assertEqual(receipt.fate, UNSENT)

    def test_content_that_cannot_be_written_is_refused_before_it_leaves(self):
        receipt = self.send(message(payload={"name": object()}))
        self.assertFails(receipt, Rejected, "cannot be written as JSON")
        self.assertEqual(receipt.fate, UNSENT)
        self.assertFalse(self.server.requests)

    def test_what_nobody_has_thought_of_ends_in_a_receipt(self):
        with self.transport() as transport:
            for fault in (ValueError("odd"), KeyError("odd"), RecursionError()):

                def fail(_message, fault=fault):
                    raise fault

                transport.before = fail
                with self.subTest(repr(fault)):
                    (receipt,) = transport.send([message()])
                    self.assertFails(receipt, Temporary)
                    self.assertEqual(receipt.fate, UNKNOWN)

    def test_messages_are_taken_when_they_can_be_sent(self):
        supply = Supply(self.messages(20))
        with self.transport(concurrency=3) as transport:
            receipts = [*supply.deliver_by(transport)]
        self.assertEqual(supply.faults, [])
        self.assertLessEqual(max(supply.given), 3)
        self.assertTrue(all(each.ok for each in receipts))
        self.assertLessEqual(self.server.connections, 3)

    def test_each_request_waits_for_its_turn(self):
        turns = []

        def reserve(count, _span, _patience):
            turns.append(count)
            return Slots(0, 0 if len(turns) > 2 else 1, 1000)

        with self.transport(concurrency=1) as transport:
            transport.pace = Pace(reserve)
            receipts = transport.send(self.messages(4))
        self.assertEqual([each.ok for each in receipts], [True, True, False, False])
        self.assertIsInstance(receipts[2].error, RateLimited)
        self.assertEqual({each.fate for each in receipts[2:]}, {UNSENT})
        self.assertEqual(len(self.server.requests), 2)

    def test_nothing_waits_for_a_turn_after_the_time_of_the_run(self):
        with self.transport(concurrency=1) as transport:
            end = time.monotonic() - 1
            transport.pace = Pace(lambda *_asked: Slots(5, 1, 1), end)
            (receipt,) = transport.send([message()])
        self.assertIsInstance(receipt.error, RateLimited)
        self.assertFalse(self.server.requests)

    def test_preview_and_sign_of_life_come_with_it(self):
        with self.transport(auth="bearer", secret=TOKEN) as transport:
            self.assertIn(f"{self.server.url} answered 404", transport.check())
            self.server.requests.clear()
            shown = transport.preview(message())
        self.assertIn(f"POST {self.server.url}/contacts", shown)
        self.assertIn("Authorization: ***", shown)
        self.assertNotIn(TOKEN, shown)
        self.assertFalse(self.server.requests)

    def test_secret_of_its_own_is_hidden_wherever_it_is_told(self):
        heard = []
        with self.transport() as transport:
            transport._client.redact.hide(SECRET)
            self.server.answer(422, {"message": f"what is {SECRET}?"}, times=2)
            (receipt,) = transport.send([message()])
            told = transport.heard(heard.append)
            (again,) = told.send([message()])
        self.assertEqual(len(heard), 1)
        for each in (receipt, again, receipt.error, again.error, *heard):
            self.assertNotIn(SECRET, repr(each))
        self.assertFails(again, Rejected, "what is ***?")
