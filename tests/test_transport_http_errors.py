# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import gzip
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from unittest.mock import patch

from odoo.tests import tagged

from ..exceptions import (
    Blocked,
    Misconfigured,
    Rejected,
    SyncError,
    Temporary,
    Throttled,
    Unreachable,
)
from ..transports import RestConfig
from ..transports.base import REFUSED, UNKNOWN
from ..transports.http import answer, patience
from ..transports.http.client import MAX_EXCERPT
from .transport_case import TOKEN, RestCase, message


def _date(pattern):
    """:return: two minutes from now, in a form of dates"""
    return (datetime.now(UTC) + timedelta(minutes=2)).strftime(pattern)


@tagged("-at_install", "post_install")
class TestRestErrors(RestCase):
    def test_classes_of_status(self):
        for status, error_class in (
            (400, Rejected),
            (402, Rejected),
            # nothing there has ever taken a new record
            (404, Misconfigured),
            (405, Misconfigured),
            (410, Misconfigured),
            (501, Misconfigured),
            (409, Rejected),
            (413, Rejected),
            (414, Rejected),
            (422, Rejected),
            (431, Rejected),
            (401, Unreachable),
            (407, Unreachable),
            (403, Blocked),
            (406, Blocked),
            (451, Blocked),
            (408, Temporary),
            (425, Temporary),
            (429, Throttled),
            (500, Temporary),
            (502, Unreachable),
            (503, Unreachable),
            (504, Unreachable),
            (507, Temporary),
            *((status, Unreachable) for status in range(520, 528)),
            (528, Temporary),
            (530, Unreachable),
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

    def test_route_that_has_worked_and_is_gone(self):
        for status in (404, 405, 410, 501):
            self.server.answer(status)
            receipt = self.send(message(proven={"create"}))
            self.assertFails(receipt, Blocked, f"answered {status}")
            self.assertEqual(receipt.fate, REFUSED)

    def test_how_long_to_wait(self):
        date = formatdate(time.time() + 120, usegmt=True)
        for status, header, seconds in (
            (429, "17", 17),
            (429, None, patience.DEFAULT_RETRY_AFTER),
            (429, "soon", patience.DEFAULT_RETRY_AFTER),
            (429, "-5", patience.DEFAULT_RETRY_AFTER),
            (429, "0", patience.MIN_RETRY_AFTER),
            (429, "9" * 400, patience.MAX_RETRY_AFTER),
            (429, "Sun, 06 Nov 1994 08:49:37 GMT", patience.MIN_RETRY_AFTER),
            (429, date, 120),
            (503, date, 120),
            (503, "30", 30),
            (429, "2.0", 2),
            (429, "0.493", patience.MIN_RETRY_AFTER),
            (429, "90.5", 90.5),
            (429, "1m0s", 60),
            (429, "1h2m3s", 3723),
            (429, "500ms", patience.MIN_RETRY_AFTER),
            (429, "1m30.5s", 90.5),
            (429, "45 seconds", 45),
            (429, "2 min", 120),
            (429, _date("%A, %d-%b-%y %H:%M:%S GMT"), 120),
            (429, _date("%a %b %e %H:%M:%S %Y"), 120),
            (429, _date("%Y-%m-%dT%H:%M:%SZ"), 120),
            (429, _date("%Y-%m-%dT%H:%M:%S+00:00"), 120),
            (429, f"{time.time() + 120:.0f}", 120),
            (429, f"{time.time() + 120:.3f}", 120),
            (429, f"{(time.time() + 120) * 1000:.0f}", 120),
            (429, "60, 60", 60),
            (429, "1m0", patience.DEFAULT_RETRY_AFTER),
            (429, "nan", patience.DEFAULT_RETRY_AFTER),
            (503, "1m0s", 60),
        ):
            with self.subTest(status=status, header=header):
                headers = {"Retry-After": header} if header else {}
                self.server.answer(status, headers=headers)
                receipt = self.send()
                self.assertFails(receipt, Throttled)
                self.assertAlmostEqual(receipt.error.retry_after, seconds, delta=3)

    def test_limits_that_say_when_they_are_over(self):
        soon = f"{time.time() + 50:.0f}"
        for status, headers, seconds in (
            (429, {"RateLimit-Reset": "50"}, 50),
            (429, {"X-RateLimit-Reset": "50"}, 50),
            (429, {"X-RateLimit-Reset": soon}, 50),
            (429, {"X-RateLimit-Reset": soon + "000"}, 50),
            (429, {"X-RateLimit-Reset": _date("%Y-%m-%dT%H:%M:%SZ")}, 120),
            (429, {"X-Rate-Limit-Reset": soon}, 50),
            (429, {"x-ratelimit-reset-after": "1.5"}, 1.5),
            (429, {"Retry-After-Ms": "1500"}, 1.5),
            (429, {"RateLimit": "limit=100, remaining=0, reset=50"}, 50),
            (429, {"RateLimit": '"default";r=0;t=50'}, 50),
            (429, {"RateLimit": '"second";r=0;t=5, "day";r=99;t=9999'}, 5),
            (429, {"RateLimit": "?" * 5000}, patience.DEFAULT_RETRY_AFTER),
            # what is asked for counts first
            (429, {"Retry-After": "7", "X-RateLimit-Reset": "50"}, 7),
            (429, {"Retry-After": "soon", "X-RateLimit-Reset": "50"}, 50),
            # nothing is left of a limit, whatever the status
            (503, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": soon}, 50),
            (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": soon}, 50),
            (403, {"Retry-After": "30"}, 30),
        ):
            with self.subTest(status=status, headers=headers):
                self.server.answer(status, headers=headers)
                receipt = self.send()
                self.assertFails(receipt, Throttled)
                self.assertAlmostEqual(receipt.error.retry_after, seconds, delta=3)

    def test_limits_that_are_not_used_up_are_no_reason(self):
        left = {"X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": "3000"}
        for status, error_class in ((503, Unreachable), (403, Blocked)):
            self.server.answer(status, headers=left)
            self.assertFails(self.send(), error_class)

    def test_same_key_still_in_progress(self):
        for body, headers in (
            # Stripe
            (
                {
                    "error": {
                        "type": "idempotency_error",
                        "message": "There is currently another in-progress request "
                        "using this Idempotent Key",
                    }
                },
                {},
            ),
            ({"title": "A request is outstanding for this Idempotency-Key"}, {}),
            ({"message": "The request is already being processed"}, {}),
            ({"message": "Idempotency key already used by a request in progress"}, {}),
            ({"code": "REQUEST_IN_PROGRESS"}, {}),
            ("still processing", {}),
            (None, {"Retry-After": "1"}),
        ):
            with self.subTest(body):
                self.server.answer(409, body, headers=headers)
                receipt = self.send()
                self.assertFails(receipt, Temporary, "409")
                self.assertEqual(receipt.fate, UNKNOWN)
                self.send()
        keys = {each.headers["Idempotency-Key"] for each in self.server.requests}
        self.assertEqual(keys, {"key-1"}, "it waits with the same key")

    def test_other_conflicts(self):
        for body in (
            None,
            {"message": "version conflict"},
            {"message": "duplicate key value violates unique constraint"},
            {"message": "Work In Progress Ltd exists already"},
            {"message": "this Idempotency-Key came with a different request"},
        ):
            with self.subTest(body):
                self.server.answer(409, body)
                receipt = self.send()
                self.assertFails(receipt, Rejected, "409")
                self.assertEqual(receipt.fate, REFUSED)

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
        self.server.answer(200, b"x" * (2 * answer.MAX_BODY))
        receipt = self.send(message(external_id="1"))
        self.assertTrue(receipt.ok, "the answer to an update is not needed")
        self.assertEqual(len(receipt.response), MAX_EXCERPT)

    def test_large_answer_with_the_id_at_its_end(self):
        for size in (1_200_000, answer.MAX_BODY - 100):
            body = b'{"x": "' + b"x" * size + b'", "id": 77}'
            self.server.answer(201, body)
            receipt = self.send()
            self.assertEqual((receipt.ok, receipt.external_id), (True, "77"))
            self.assertIsNone(receipt.warning)
            self.assertEqual(len(receipt.response), MAX_EXCERPT)

    def test_huge_answer_that_is_needed(self):
        body = b'{"x": "' + b"x" * answer.MAX_BODY + b'", "id": 1}'
        self.server.answer(201, body)
        self.assertNoId(self.send(), "cut short")

    def assertNoId(self, receipt, *words):
        """It is delivered, and what is not known of it is said."""
        self.assertTrue(receipt.ok, receipt.error)
        self.assertIsNone(receipt.external_id)
        for word in ("without an id", *words):
            self.assertIn(word, receipt.warning)

    def test_encodings(self):
        text = '{"name": "Zoë Łódź 😀", "id": "ë-77"}'
        latin = '{"name": "Zoë", "id": "ë-77"}'
        plain = "application/json"
        for body, kind in (
            (text.encode(), plain),
            (text.encode("utf-8-sig"), plain),
            (text.encode("utf-16"), plain),
            (text.encode("utf-16-le"), plain),
            (text.encode("utf-16-be"), f"{plain}; charset=utf-16"),
            (text.encode("utf-32"), plain),
            (text.encode("utf-32-be"), plain),
            (latin.encode("iso-8859-1"), plain),
            (latin.encode("iso-8859-1"), f"{plain}; charset=iso-8859-1"),
            (latin.encode("cp1252"), f'{plain}; charset="windows-1252"'),
            (latin.encode("cp437"), f"{plain};charset=CP437"),
            # what the header says is wrong, or nothing
            (latin.encode("iso-8859-1"), f"{plain}; charset=utf-8"),
            (text.encode(), f"{plain}; charset=klingon"),
            (text.encode(), f"{plain}; charset=base64"),
            (text.encode(), f"{plain}; charset=unicode_escape"),
            (text.encode(), f"{plain}; charset="),
        ):
            with self.subTest(kind=kind, body=body[:20]):
                self.server.answer(201, body, headers={"Content-Type": kind})
                receipt = self.send()
                self.assertEqual((receipt.ok, receipt.external_id), (True, "ë-77"))
                self.assertIn("Zoë", receipt.response)

    def test_untidy_answers(self):
        for body, expected in (
            (b'{"id": 7, "name": "a\0b\nc"}', "7"),
            (b'{"id": 7, "name": "\xff\xfe\xfd"}', "7"),
            (b'{"id": 7, "name": "\\ud800"}', "7"),
            (b'{"deep": ' + b"[" * 300 + b"]" * 300 + b', "id": 7}', "7"),
            (b'{"deep": ' + b"[" * 90000 + b"]" * 90000 + b', "id": 7}', None),
            (b'{"id": 7, "many": [' + b"[]," * 200000 + b"[]]}", "7"),
            (b"\0\1\2\3", None),
            (b'{"id": ', None),
        ):
            with self.subTest(body=body[:30]):
                self.server.answer(201, body)
                receipt = self.send()
                self.assertTrue(receipt.ok, receipt.error)
                self.assertEqual(receipt.external_id, expected)
                self.assertNotIn("\0", receipt.response)
                self.assertLessEqual(len(receipt.response), MAX_EXCERPT)
                # the same as a refusal, and as what is held there
                self.server.answer(422, body)
                self.assertFails(self.send(), Rejected, "422")

    def test_compressed_although_told_not_to(self):
        self.server.answer(
            201, gzip.compress(b'{"id": 5}'), headers={"Content-Encoding": "gzip"}
        )
        self.assertEqual(self.send().external_id, "5")
        self.assertEqual(self.server.requests[0].headers["Accept-Encoding"], "identity")

    def test_expanding_answer_is_bounded(self):
        bomb = gzip.compress(b" " * (4 * answer.MAX_BODY))
        body, missing = answer.inflate(bomb, "gzip")
        self.assertEqual((len(body), missing), (answer.MAX_BODY, True))
        self.server.answer(200, bomb, headers={"Content-Encoding": "gzip"})
        self.assertTrue(self.send(message(external_id="1")).ok)

    def test_broken_compression(self):
        self.server.answer(201, b"nonsense", headers={"Content-Encoding": "gzip"})
        self.assertNoId(self.send(), "cut short")

    def test_answer_that_breaks_off(self):
        self.server.answer(201, b'{"id": "1', announce=50)
        self.assertNoId(self.send(), "cut short")
        self.server.answer(200, b'{"id": "1', announce=50)
        self.assertTrue(self.send(message(external_id="1")).ok)
        self.server.answer(422, b'{"message": ', announce=50)
        self.assertFails(self.send(), Rejected, "422")

    def test_connection_after_a_cut_answer_is_not_used_again(self):
        self.server.answer(200, b"x" * (2 * answer.MAX_BODY))
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
