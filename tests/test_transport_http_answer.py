# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An answer belongs to its request."""

import time
from unittest.mock import patch

from odoo.tests import tagged

from ..exceptions import Rejected, Temporary, Unreachable
from ..transports.base import DONE, UNKNOWN
from ..transports.http import answer as answer_module
from ..transports.http import client, connection
from ..transports.http.answer import MAX_AT_ONCE
from ..transports.rest import batch
from .common import DeliveryCase
from .test_transport_http_connection import TlsCase
from .transport_case import PAYLOAD, RestCase, message

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"
# An answer that nobody has asked for.
STRAY = b'HTTP/1.1 201 Created\r\nContent-Length: 14\r\n\r\n{"id": "9999"}'
# How a destination may write its answers, with more in them than the answer.
UNTIDY = {
    "103": lambda answer: [EARLY_HINTS + answer],
    "103 apart": lambda answer: [EARLY_HINTS, 0.002, answer],
    "100": lambda answer: [CONTINUE, 0.002, answer],
    "several": lambda answer: [CONTINUE, PROCESSING, EARLY_HINTS, EARLY_HINTS, answer],
    "twice": lambda answer: [answer + answer],
    "twice apart": lambda answer: [answer, answer],
    "twice, later": lambda answer: [answer, 0.005, answer],
    "another": lambda answer: [answer + STRAY],
    "half of another": lambda answer: [answer + STRAY[:30]],
    "line ends": lambda answer: [answer + b"\r\n\r\n"],
}


class AnswerCase(RestCase):
    def contacts(self, count):
        return [
            message(key=key, payload={"name": f"Ada {key}"}, idempotency_key=f"k-{key}")
            for key in range(count)
        ]

    def assertOwnIds(self, receipts):
        """Every contact is delivered, and has the id of its own record."""
        for receipt in receipts:
            self.assertTrue(receipt.ok, receipt)
            record = self.server.records.get(f"/contacts/{receipt.external_id}")
            self.assertEqual(record, receipt.message.payload, receipt)


@tagged("-at_install", "post_install")
class TestRestAnswers(AnswerCase):
    def test_nobody_gets_the_id_of_another(self):
        # on a busy machine, the second answer may come late
        self.enterContext(patch.object(connection, "PROBATION", 0.5))
        for name, writes in UNTIDY.items():
            with self.subTest(name):
                self.server.records.clear()
                self.server._replies.clear()
                self.server.requests.clear()
                connection.sessions.forget()
                self.server.writes = writes
                for _time in range(2):  # the second on connections that are kept
                    with self.transport(concurrency=4) as transport:
                        self.assertOwnIds(transport.send(self.contacts(40)))
                self.assertEqual(len(self.server.records), 40)
                self.assertEqual(len(self.server.requests), 80)

    def test_interim_answers_keep_the_connection(self):
        self.server.writes = UNTIDY["several"]
        self.assertOwnIds(self.transport().send(self.contacts(1)))
        self.assertOwnIds(self.transport().send(self.contacts(1)))
        self.assertEqual(self.server.connections, 1)

    def test_interim_answers_without_an_end(self):
        self.server.writes = lambda answer: [EARLY_HINTS] * 1000 + [answer]
        self.assertFails(self.send(), Temporary, "interim answers")
        self.assertEqual(len(self.server.requests), 1)

    def test_interim_answers_do_not_prolong_the_wait(self):
        self.server.writes = lambda answer: [EARLY_HINTS, 0.1] * 15 + [answer]
        started = time.monotonic()
        self.assertFails(self.send(read_timeout=0.5), Unreachable, "0.5 s")
        self.assertLess(time.monotonic() - started, 1)

    def test_another_protocol_is_no_answer(self):
        self.server.writes = lambda answer: [SWITCHING + answer]
        self.assertFails(self.send(), Temporary, "101", "not asked for")
        self.server.writes = None
        self.assertTrue(self.send().ok)
        self.assertEqual(self.server.connections, 2)

    def test_connection_with_bytes_left_over_is_dropped(self):
        for writes in ("twice", "another", "half of another", "line ends"):
            with self.subTest(writes):
                connection.sessions.forget()
                before = self.server.connections
                self.server.writes = UNTIDY[writes]
                self.assertTrue(self.send().ok)
                self.server.writes = None
                self.assertTrue(self.send().ok)
                self.assertEqual(self.server.connections, before + 2)

    def test_chunked_answer_with_bytes_left_over(self):
        head = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
        body = b'b\r\n{"id": "1"}\r\n0\r\n\r\n'
        self.server.answer(raw=head + body + STRAY)
        self.assertEqual(self.send().external_id, "1")
        self.assertTrue(self.send().ok)
        self.assertEqual(self.server.connections, 2)

    def test_answer_without_a_body_and_bytes_left_over(self):
        self.server.answer(raw=b"HTTP/1.1 204 No Content\r\n\r\n" + STRAY)
        self.assertTrue(self.send(message("delete", external_id="1")).ok)
        self.assertNotEqual(self.send().external_id, "9999")
        self.assertEqual(self.server.connections, 2)

    def test_bytes_that_arrive_while_the_connection_rests(self):
        self.send()
        self.server.writes = lambda answer: [answer, 0.1, STRAY]
        self.send()
        time.sleep(0.2)
        self.server.writes = None
        self.assertNotEqual(self.send().external_id, "9999")
        self.assertEqual(self.server.connections, 2)
        self.assertEqual(len(self.server.requests), 3)

    def test_two_answers_on_a_connection_that_was_kept(self):
        """Either may be what is left of the request before: neither is believed."""
        self.send()
        time.sleep(0.05)
        self.server.writes = lambda answer: [STRAY + answer]
        sent = message(key=8, idempotency_key="key-8")
        self.assertFails(self.send(sent), Temporary, "more than one answer")
        self.assertEqual(len(self.server.requests), 2, "not sent again by itself")
        self.server.writes = None
        receipt = self.send(sent)
        self.assertOwnIds([receipt])
        self.assertEqual(self.server.connections, 2)

    def test_answer_that_broke_off_is_not_asked_for_again(self):
        """A kept connection that breaks after a part of an answer was no stale one."""
        self.send()
        self.server.writes = lambda _answer: [EARLY_HINTS, None]
        receipt = self.send(message(key=8, idempotency_key="key-8"))
        self.assertFails(receipt, Unreachable, "closed the connection")
        self.assertEqual(len(self.server.requests), 2)

    def test_server_that_speaks_before_it_is_asked(self):
        http = connection._HTTPPool.ConnectionCls
        connect = http.connect

        def slowly(connection):
            connect(connection)
            time.sleep(0.1)  # or what it says might arrive later

        self.server.greets = STRAY
        with patch.object(http, "connect", slowly):
            self.assertFails(self.send(), Temporary, "before it was asked")
        self.assertEqual(self.server.requests, [])

    def test_headers_that_cannot_be_read(self):
        """They are about this message at most, and never leave the thread."""
        body = b'{"id": "7"}'
        for header in (
            b"Content-Type: application/json; charset*=utf-8\x00''%E9",
            b"Content-Type: application/json; charset*0*=a''%ff; charset*1=b",
            b"Content-Type: application/json; charset=" + b"x" * 300,
            b"Content-Type: application/json; charset=\xb2",
            b"Content-Encoding: \xff",
            b"Location: http://[bad",
            b"Retry-After: \xb2",
        ):
            with self.subTest(header):
                head = b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n" % len(body)
                self.server.answer(raw=head + header + b"\r\n\r\n" + body)
                receipt = self.send()
                self.assertTrue(receipt.ok, receipt.error)
                self.assertEqual(receipt.external_id, "7")
        for length in (b"\xb2", b"9" * 5000, b"-1", b"1, 2"):
            with self.subTest(length=length[:9]):
                head = b"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: "
                self.server.answer(raw=head + length + b"\r\n\r\n" + body)
                self.assertIn(self.send().fate, (DONE, UNKNOWN))
                self.assertTrue(self.send().ok)

    def test_what_nobody_has_thought_of(self):
        """It fails this message, whose request may have been carried out."""
        for place, error in (
            (client, MemoryError()),
            (client, RecursionError()),
            (answer_module, ValueError("t0k3n")),
            (answer_module, MemoryError()),
        ):
            name = "inflate" if place is client else "judged"
            with self.subTest(name, error=error):
                real = getattr(place, name)
                first = iter([error])

                def fail_once(*args, real=real, first=first):
                    for fault in first:
                        raise fault
                    return real(*args)

                sent = [message(), message(key=8, idempotency_key="key-8")]
                with patch.object(place, name, fail_once):
                    first, second = self.transport(concurrency=1).send(sent)
                self.assertFails(first, Temporary, "cannot be read")
                self.assertNotIn("t0k3n", first.error.message)
                self.assertEqual(first.fate, UNKNOWN)
                self.assertTrue(second.ok, second.error)

    def test_batch_that_nobody_has_thought_of(self):
        self.server.answer(200, {"items": []})
        sent = [message(key=key, batch_target="batch") for key in range(2)]
        with patch.object(batch, "judged", side_effect=RecursionError):
            receipts = self.transport().send(sent)
        for receipt in receipts:
            self.assertFails(receipt, Temporary, "cannot be read")
            self.assertEqual(receipt.fate, UNKNOWN)

    def test_large_answers_are_read_one_at_a_time(self):
        filler = b"[" + b"1," * (MAX_AT_ONCE // 2) + b"1]"
        body = b'{"data": %s, "id": "77"}' % filler
        self.server.answer(201, body, times=3)
        sent = [message(key=key, idempotency_key=f"key-{key}") for key in range(3)]
        judged, reading, together = answer_module.judged, [], []

        def counted(*args):
            reading.append(args)
            together.append(len(reading))
            time.sleep(0.1)
            try:
                return judged(*args)
            finally:
                reading.pop()

        with patch.object(answer_module, "judged", counted):
            receipts = self.transport(concurrency=3, read_timeout=20).send(sent)
        self.assertEqual([each.external_id for each in receipts], ["77"] * 3)
        self.assertEqual(together, [1, 1, 1])
        # the reason of an error is not looked for in that much
        self.server.answer(422, b'{"message": "no", "data": %s}' % filler)
        self.assertFails(self.send(), Rejected, "422")

    def test_id_in_a_redirect_is_not_taken(self):
        self.server.answer(307, {"id": "9"}, headers={"Location": "/v2/contacts"})
        receipt = self.send()
        self.assertEqual(self.server.records["/v2/contacts/1"], PAYLOAD)
        self.assertEqual(receipt.external_id, "1")
        # nor is an address in the answer to an update
        self.server.answer(200, {"id": "1"}, headers={"Location": "/contacts/9"})
        self.assertEqual(self.send(message(external_id="1")).external_id, "1")

    def test_answers_of_a_batch_that_name_a_record_twice(self):
        items = [
            {"key": 0, "status": 201, "id": "a"},
            {"key": 1, "status": 201, "id": "b"},
            {"key": 1, "status": 201, "id": "c"},
            {"key": 2, "status": 201, "id": "d"},
            {"key": 2, "status": 201, "id": "d"},
        ]
        self.server.answer(200, {"items": items})
        sent = [message(key=key, batch_target="batch") for key in range(3)]
        first, second, third = self.transport().send(sent)
        self.assertEqual((first.external_id, third.external_id), ("a", "d"))
        self.assertFails(second, Temporary, "key 1")
        self.assertIsNone(second.external_id)


@tagged("-at_install", "post_install")
class TestRestAnswersOverTls(TlsCase, AnswerCase):
    def setUp(self):
        super().setUp()
        self.serve(self.good)
        self.trust(self.good[0])

    def test_nobody_gets_the_id_of_another(self):
        self.enterContext(patch.object(connection, "PROBATION", 0.5))
        for name in ("103 apart", "twice", "twice apart"):
            with self.subTest(name):
                connection.sessions.forget()
                self.server.writes = UNTIDY[name]
                self.assertOwnIds(self.transport(concurrency=2).send(self.contacts(10)))

    def test_connections_are_kept(self):
        for _time in range(3):
            self.assertTrue(self.send().ok)
        self.assertEqual(self.server.connections, 1)

    def test_bytes_left_over(self):
        self.server.writes = UNTIDY["another"]
        self.assertTrue(self.send().ok)
        self.server.writes = None
        self.assertNotEqual(self.send().external_id, "9999")
        self.assertEqual(self.server.connections, 2)


@tagged("-at_install", "post_install")
class TestDeliveredIds(DeliveryCase):
    stream_options = {"batch_size": 20}

    def test_each_of_forty_contacts_has_its_own_id(self):
        self.destination.writes = UNTIDY["103"]
        with self.transaction() as env:
            partners = env["res.partner"].create(
                [{"name": f"Ada {number}"} for number in range(40)]
            )
            self.partner_ids += partners.ids
            names = {partner.id: partner.name for partner in partners}
        self.assertEqual(self.run_pending(), ["done", "done"])
        for id_, name in names.items():
            external_id = self.binding(id_)["external_id"]
            record = self.destination.records[f"/contacts/{external_id}"]
            self.assertEqual(record["name"], name)
        self.assertEqual(len(self.destination.records), 40)
