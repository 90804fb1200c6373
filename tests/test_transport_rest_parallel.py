# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Several requests at once: they overlap, are bounded, and mean what one means."""

import threading
import time

from odoo.tests import tagged

from ..exceptions import RateLimited, Rejected, Temporary, Throttled, Unreachable
from ..transports.http import deliver_all
from ..transports.pace import Pace, Slots
from .conformance.supply import Supply
from .servers import HttpDestination
from .transport_case import TOKEN, RestCase, message


class _Crowd(HttpDestination):
    """Notes how many requests it works on at the same time, and for how long each."""

    def __init__(self):
        super().__init__(upsert=True)
        self.delay = 0.1
        self.most = 0
        self.fails = {}
        self._present = 0

    def reply(self, request):
        with self._lock:
            self._present += 1
            self.most = max(self.most, self._present)
        time.sleep(self.delay)
        failure = self.fails.get(request.path.rpartition("/")[2])
        if failure:
            self.answer(*failure[:-1], **failure[-1])
        answer = super().reply(request)
        with self._lock:
            self._present -= 1
        return answer


def _messages(count, **options):
    options = {"id_policy": "odoo", **options}
    return [
        message(key=key, idempotency_key=f"key-{key}", **options)
        for key in range(count)
    ]


@tagged("-at_install", "post_install")
class TestRestParallel(RestCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(_Crowd())

    def send_all(self, messages, **options):
        receipts = self.transport(**options).send(messages)
        self.assertEqual([receipt.message for receipt in receipts], messages)
        return receipts

    def test_requests_overlap_and_are_bounded(self):
        messages = _messages(24)
        with self.assertNoLogs("urllib3", "WARNING"):
            started = time.monotonic()
            receipts = self.send_all(messages, concurrency=6)
            elapsed = time.monotonic() - started
        self.assertTrue(all(receipt.ok for receipt in receipts), receipts)
        self.assertEqual(self.server.most, 6)
        self.assertLess(elapsed, 1.6, "one after the other takes 2.4 s")
        self.assertEqual(self.server.connections, 6)
        self.send_all(messages, concurrency=6)
        self.assertEqual(self.server.connections, 6, "kept for the next job")

    def test_each_receipt_is_that_of_its_message(self):
        self.server.delay = 0
        self.server.fails = {"3": (422, {"message": "three"}, {})}
        receipts = self.send_all(_messages(12, id_policy="destination"))
        ids = [receipt.external_id for receipt in receipts]
        self.assertEqual(len(set(ids)), 12)
        for receipt in receipts:
            record = self.server.records[f"/contacts/{receipt.external_id}"]
            self.assertEqual(record, receipt.message.payload)

    def test_refused_record_does_not_stop_the_others(self):
        self.server.fails = {"3": (422, {"message": "three"}, {})}
        receipts = self.send_all(_messages(8), concurrency=4)
        self.assertFails(receipts[3], Rejected, "three")
        self.assertEqual([each.ok for each in receipts].count(True), 7)

    def test_nothing_more_is_started_after_an_obstacle(self):
        for failure, error_class in (
            ((503, None, {}), Unreachable),
            ((429, None, {"headers": {"Retry-After": "17"}}), Throttled),
        ):
            with self.subTest(error_class):
                self.server.requests.clear()
                self.server.fails = {"5": failure}
                receipts = self.send_all(_messages(40), concurrency=4)
                arrived = len(self.server.requests)
                self.assertLess(arrived, 13)
                sent = [each for each in receipts if each.request]
                self.assertEqual(len(sent), arrived, "those under way were finished")
                self.assertEqual([each.ok for each in sent].count(False), 1)
                for receipt in receipts:
                    if not receipt.request:
                        self.assertFails(receipt, error_class, "Not sent after")
                if error_class is Throttled:
                    self.assertEqual(receipts[-1].error.retry_after, 17)

    def test_messages_about_one_record_stay_in_order(self):
        self.server.delay = 0.02
        messages = [
            message(key=key, id_policy="odoo", payload={"name": f"{step}"})
            for step in range(5)
            for key in (1, 2, 3)
        ]
        self.assertTrue(all(each.ok for each in self.send_all(messages)))
        self.assertEqual(self.server.most, 3)
        for key in (1, 2, 3):
            path = f"/contacts/{key}"
            names = [
                each.json["name"] for each in self.server.requests if each.path == path
            ]
            self.assertEqual(names, ["0", "1", "2", "3", "4"])

    def test_secrets_are_redacted_in_every_thread(self):
        failure = (422, {"message": f"what is {TOKEN}?"}, {})
        self.server.fails = {str(key): failure for key in range(16)}
        receipts = self.send_all(_messages(16), auth="bearer", secret=TOKEN)
        for receipt in receipts:
            self.assertFails(receipt, Rejected, "what is ***?")
            shown = f"{receipt!r} {receipt.error} {receipt.response}"
            self.assertNotIn(TOKEN, shown)

    def test_one_at_a_time_needs_no_thread(self):
        names = []
        deliver = self.transport()._deliver

        def noting(each):
            names.append(threading.current_thread())
            return deliver(each)

        for threads in (1, 8):
            receipts = deliver_all(noting, Supply(_messages(4)).take, threads)
            self.assertTrue(all(each.ok for each in receipts))
        self.assertEqual(names[:4], [threading.current_thread()] * 4)
        self.assertNotIn(threading.current_thread(), names[4:])


@tagged("-at_install", "post_install")
class TestRestPace(RestCase):
    """Every real request waits for its turn."""

    def setUp(self):
        super().setUp()
        self.asked = 0

    def paced(self, turns, **options):
        """A transport with so many turns, of which the last is refused."""

        def reserve(_count, _span, _patience):
            self.asked += 1
            return Slots(0 if self.asked <= turns else 77, self.asked <= turns, 1000)

        transport = self.transport(**options)
        transport.pace = Pace(reserve)
        return transport

    def test_without_a_turn_nothing_is_sent(self):
        receipts = self.paced(3).send(_messages(9, proven={"update"}))
        self.assertEqual(len(self.server.requests), 3)
        held_back = [each for each in receipts if not each.request]
        self.assertEqual(len(held_back), 6)
        for receipt in held_back:
            self.assertFails(receipt, RateLimited, "requests per second")
            self.assertEqual(receipt.error.retry_after, 77)

    def test_creation_of_a_lost_record_needs_a_turn(self):
        lost = message(external_id="99", proven={"update"})
        [receipt] = self.paced(1).send([lost])
        self.assertFails(receipt, RateLimited)
        self.assertEqual(self.lines(), ["PUT /contacts/99"])
        self.assertEqual(receipt.external_id, "99")
        [receipt] = self.paced(4).send([lost])
        self.assertTrue(receipt.ok)
        self.assertEqual(self.asked, 4)

    def test_redirect_needs_a_turn(self):
        self.server.answer(307, headers={"Location": "/v2/contacts"})
        [receipt] = self.paced(1).send([message()])
        self.assertFails(receipt, RateLimited)
        self.assertEqual(self.lines(), ["POST /contacts"])

    def test_request_that_met_a_stale_connection_needs_a_turn(self):
        safe = {"repeats_are_safe": True}
        self.send(**safe)
        self.server.answer(drop=True)
        [receipt] = self.paced(2, **safe).send([message()])
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(self.asked, 2)
        self.server.answer(drop=True)
        [receipt] = self.paced(3, **safe).send([message()])
        self.assertNotIsInstance(receipt.error, RateLimited, "it may have arrived")
        self.assertFails(receipt, Temporary, "no time to ask again")
        self.assertEqual(self.asked, 4)

    def test_question_for_a_sign_of_life_needs_none(self):
        self.assertIn("answered", self.paced(0).check())
