# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import gzip
import socket
import time
from email.utils import formatdate
from unittest.mock import patch

from odoo.tests import tagged

from ..exceptions import Rejected, SyncError, Temporary, Throttled, Unreachable
from ..transports import RestConfig
from ..transports.http import answer
from ..transports.http.client import MAX_EXCERPT
from .transport_case import TOKEN, RestCase, message


@tagged("-at_install", "post_install")
class TestRestErrors(RestCase):
    def test_classes_of_status(self):
        for status, error_class in (
            (400, Rejected),
            (402, Rejected),
            (404, Rejected),
            (405, Rejected),
            (409, Rejected),
            (410, Rejected),
            (413, Rejected),
            (422, Rejected),
            (401, Unreachable),
            (403, Unreachable),
            (408, Temporary),
            (425, Temporary),
            (429, Throttled),
            (500, Temporary),
            (501, Temporary),
            (502, Unreachable),
            (503, Unreachable),
            (504, Unreachable),
            (507, Temporary),
            (599, Temporary),
        ):
            with self.subTest(status):
                self.server.answer(status)
                receipt = self.send()
                self.assertFails(
                    receipt,
                    error_class,
                    f"POST {self.server.url}/contacts",
                    str(status),
                )
                self.assertEqual(receipt.status, str(status))

    def test_update_gone_is_rejected(self):
        self.server.answer(410)
        self.assertFails(self.send(message(external_id="1")), Rejected, "Gone")

    def test_how_long_to_wait(self):
        date = formatdate(time.time() + 120, usegmt=True)
        for status, header, seconds in (
            (429, "17", 17),
            (429, None, answer.DEFAULT_RETRY_AFTER),
            (429, "soon", answer.DEFAULT_RETRY_AFTER),
            (429, "-5", answer.DEFAULT_RETRY_AFTER),
            (429, "0", answer.MIN_RETRY_AFTER),
            (429, "9" * 400, answer.MAX_RETRY_AFTER),
            (429, "Sun, 06 Nov 1994 08:49:37 GMT", answer.MIN_RETRY_AFTER),
            (429, date, 120),
            (503, date, 120),
            (503, "30", 30),
        ):
            with self.subTest(status=status, header=header):
                headers = {"Retry-After": header} if header else {}
                self.server.answer(status, headers=headers)
                receipt = self.send()
                self.assertFails(receipt, Throttled)
                self.assertAlmostEqual(receipt.error.retry_after, seconds, delta=3)

    def test_503_that_does_not_say_how_long(self):
        for headers in ({}, {"Retry-After": "soon"}):
            self.server.answer(503, headers=headers)
            self.assertFails(self.send(), Unreachable)

    def test_reason_of_the_destination(self):
        for body, words in (
            ({"message": "name is too long"}, ["name is too long"]),
            ({"error": {"message": "no such country"}}, ["no such country"]),
            ({"title": "Invalid", "detail": "no VAT"}, ["Invalid; no VAT"]),
            ({"errors": {"email": ["is invalid"]}}, ["email: is invalid"]),
            ({"errors": [{"detail": "a"}, "b"]}, ["a; b"]),
            ([{"message": "in a list"}], ["in a list"]),
        ):
            with self.subTest(body):
                self.server.answer(422, body)
                self.assertFails(self.send(), Rejected, *words)
        self.server.answer(422, {"error": "twice", "message": "twice"})
        self.assertEqual(self.send().error.message.count("twice"), 1)
        self.server.answer(400, b"plain words", headers={"Content-Type": "text/plain"})
        self.assertFails(self.send(), Rejected, "plain words")

    def test_reason_is_bounded(self):
        self.server.answer(422, {"errors": [f"{number} " * 90 for number in range(90)]})
        text = self.send().error.message
        self.assertIn("0 0 0", text)
        self.assertLess(len(text), 450)
        self.server.answer(422, "<html>" + "x" * 5000)
        self.assertNotIn("xxx", self.send().error.message)

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        receipt = self.send(url=f"http://127.0.0.1:{port}")
        self.assertFails(
            receipt, Unreachable, f"Connection refused by 127.0.0.1:{port}"
        )
        self.assertIsNone(receipt.status)

    def test_name_not_found(self):
        failure = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        with patch("socket.getaddrinfo", side_effect=failure):
            receipt = self.send()
        self.assertFails(receipt, Unreachable, "The name localhost was not found")

    def test_connection_closed_without_an_answer(self):
        self.server.answer(drop=True, times=2)
        receipt = self.send()
        self.assertFails(
            receipt, Unreachable, "closed the connection without an answer"
        )
        self.assertEqual(
            len(self.server.requests), 1, "a new connection: no second try"
        )

    def test_no_http(self):
        self.server.answer(raw=b"220 mail.example ESMTP\r\n")
        self.assertFails(self.send(), Temporary, "not HTTP")

    def test_too_late(self):
        self.server.answer(200, delay=1)
        started = time.monotonic()
        receipt = self.send(read_timeout=0.3)
        self.assertFails(receipt, Unreachable, "within 0.3 s")
        self.assertLess(time.monotonic() - started, 0.9)

    def test_slow_drip_is_bounded_as_a_whole(self):
        whole = b"x" * 100
        chunked = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
        for options in (
            {"body": whole, "drip": 0.01},  # too late in the headers
            {"body": whole, "drip": 0.003},  # in the body
            {"raw": chunked + b"1\r\nx\r\n" * 20, "drip": 0.005},
        ):
            with self.subTest(options):
                self.server.answer(201, **options)
                started = time.monotonic()
                receipt = self.send(read_timeout=0.4)
                self.assertFails(receipt, Unreachable, "No complete answer", "0.4 s")
                self.assertLess(time.monotonic() - started, 0.8)

    def test_silence_after_a_slow_start_is_bounded_too(self):
        self.server.answer(201, {"id": 1}, drip=0.45)
        started = time.monotonic()
        self.assertFails(self.send(read_timeout=0.5), Unreachable, "0.5 s")
        self.assertLess(time.monotonic() - started, 0.8, "not until the second byte")

    def test_rest_of_a_batch_is_not_sent_to_a_dead_destination(self):
        self.server.answer(502)
        receipts = self.transport().send([message(), message()])
        self.assertEqual(len(self.server.requests), 1)
        self.assertFails(receipts[1], Unreachable, "Not sent", "502")

    def test_settings_that_are_not_complete(self):
        for options, word in (
            ({"url": "https://joe:hunter2@localhost"}, "user name or password"),
            ({"url": False}, "missing"),
            ({"auth": "bearer"}, "secret"),
            ({"auth": "bearer", "secret": "a\nb"}, "not allow"),
            ({"auth": "bearer", "secret": "tökén"}, "not allow"),
            ({"auth": "header", "secret": "value"}, "header"),
            ({"auth": "header", "header": "a: b", "secret": "value"}, "header"),
            ({"auth": "basic", "username": "a:b", "secret": "value"}, "colon"),
        ):
            with self.subTest(options):
                receipt = self.send(**options)
                self.assertFails(receipt, Unreachable, word)
                self.assertNotIn("hunter2", repr(receipt))
        self.assertEqual(self.lines(), [])
        with self.assertRaises(ValueError):
            RestConfig("http://localhost", read_timeout=0)


@tagged("-at_install", "post_install")
class TestRestBounds(RestCase):
    def test_huge_answer_is_not_read(self):
        self.server.answer(200, b"x" * (8 * answer.MAX_BODY))
        receipt = self.send(message(external_id="1"))
        self.assertTrue(receipt.ok, "the answer to an update is not needed")
        self.assertEqual(len(receipt.response), MAX_EXCERPT)

    def test_huge_answer_that_is_needed(self):
        body = b'{"x": "' + b"x" * answer.MAX_BODY + b'", "id": 1}'
        self.server.answer(201, body)
        self.assertFails(self.send(), Temporary, "cut short")

    def test_compressed_although_told_not_to(self):
        self.server.answer(
            201, gzip.compress(b'{"id": 5}'), headers={"Content-Encoding": "gzip"}
        )
        self.assertEqual(self.send().external_id, "5")
        self.assertEqual(self.server.requests[0].headers["Accept-Encoding"], "identity")

    def test_expanding_answer_is_bounded(self):
        bomb = gzip.compress(b" " * (64 * answer.MAX_BODY))
        body, missing = answer.inflate(bomb, "gzip")
        self.assertEqual((len(body), missing), (answer.MAX_BODY, True))
        self.server.answer(200, bomb, headers={"Content-Encoding": "gzip"})
        self.assertTrue(self.send(message(external_id="1")).ok)

    def test_broken_compression(self):
        self.server.answer(201, b"nonsense", headers={"Content-Encoding": "gzip"})
        self.assertFails(self.send(), Temporary, "cut short")

    def test_answer_that_breaks_off(self):
        self.server.answer(201, b'{"id": "1', announce=50)
        self.assertFails(self.send(), Temporary, "without an id", "cut short")
        self.server.answer(200, b'{"id": "1', announce=50)
        self.assertTrue(self.send(message(external_id="1")).ok)
        self.server.answer(422, b'{"message": ', announce=50)
        self.assertFails(self.send(), Rejected, "422")

    def test_connection_after_a_cut_answer_is_not_used_again(self):
        self.server.answer(200, b"x" * (8 * answer.MAX_BODY))
        self.send(message(external_id="1"))
        self.assertEqual(self.send().external_id, "1")
        self.assertEqual(self.server.connections, 2)


@tagged("-at_install", "post_install")
class TestRestCheck(RestCase):
    def test_what_answers(self):
        for status in (200, 204, 404, 405, 302):
            headers = {"Location": "/login"} if status == 302 else {}
            self.server.answer(status, headers=headers)
            text = self.transport(auth="bearer", secret=TOKEN).check()
            self.assertRegex(text, rf"^{self.server.url} answered {status} in \d+ ms$")
        [request, *_rest] = self.server.requests
        self.assertEqual((request.method, request.path), ("GET", "/"))
        self.assertEqual(request.headers["Authorization"], f"Bearer {TOKEN}")

    def test_what_does_not(self):
        for status, error_class, word in (
            (401, Unreachable, "credentials are refused"),
            (403, Unreachable, "credentials are refused"),
            (429, Throttled, "429"),
            (500, Temporary, "500"),
            (503, Unreachable, "503"),
        ):
            self.server.answer(status, {"message": f"not with {TOKEN}"})
            with self.assertRaises(SyncError) as caught:
                self.transport(auth="bearer", secret=TOKEN).check()
            self.assertIs(type(caught.exception), error_class)
            self.assertIn(word, str(caught.exception))
            self.assertNotIn(TOKEN, str(caught.exception))
        self.server.answer(301, headers={"Location": "https://elsewhere.example/"})
        with self.assertRaisesRegex(Unreachable, "points to https://elsewhere.example"):
            self.transport().check()
