# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64
import html
import json
import pathlib
import pickle
import re
import time
from urllib.parse import quote

from odoo.tests import BaseCase, tagged

from .. import transports
from ..exceptions import Rejected, SyncError, Temporary, Throttled, Unreachable
from ..transports.base import Message, Receipt, Route, SequentialTransport
from ..transports.redact import Redactor, maskable
from ..transports.urls import (
    endpoint_problem,
    given_id,
    join_url,
    loggable,
    new_id,
    origin,
    url_problem,
    usable_id,
)

ROUTE = Route("contacts")


class _Scripted(SequentialTransport):
    """Fails as told; ``None`` is a success."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.closed = False

    def _deliver(self, message):
        return Receipt(message, error=self.errors.pop(0), request=f"PUT {message.key}")

    def check(self):
        return "fine"

    def close(self):
        self.closed = True


def _messages(count):
    return [Message("upsert", key, {}, ROUTE, f"x{key}") for key in range(count)]


@tagged("-at_install", "post_install")
class TestTransportContract(BaseCase):
    def test_one_receipt_for_each_message_in_order(self):
        messages = _messages(3)
        receipts = _Scripted(None, None, None).send(iter(messages))
        self.assertEqual([receipt.message for receipt in receipts], messages)
        self.assertTrue(all(receipt.ok for receipt in receipts))
        self.assertEqual(_Scripted().send([]), [])

    def test_a_bad_record_does_not_stop_the_others(self):
        receipts = _Scripted(Rejected("no"), Temporary("later"), None).send(
            _messages(3)
        )
        self.assertEqual([receipt.ok for receipt in receipts], [False, False, True])

    def test_nothing_more_is_sent_to_a_destination_that_is_down(self):
        transport = _Scripted(None, Unreachable("down"), None)
        receipts = transport.send(_messages(3))
        self.assertEqual(len(transport.errors), 1, "the third was not tried")
        self.assertEqual([receipt.ok for receipt in receipts], [True, False, False])
        self.assertIsInstance(receipts[2].error, Unreachable)
        self.assertIn("down", receipts[2].error.message)
        self.assertEqual(receipts[2].request, "")
        self.assertEqual(receipts[2].external_id, "x2")

    def test_nothing_more_is_sent_to_a_destination_that_asks_to_wait(self):
        transport = _Scripted(Throttled("slowly", 17), None)
        receipts = transport.send(_messages(2))
        self.assertIsInstance(receipts[1].error, Throttled)
        self.assertEqual(receipts[1].error.retry_after, 17)

    def test_with_statement_closes(self):
        with _Scripted() as transport:
            self.assertFalse(transport.closed)
        self.assertTrue(transport.closed)

    def test_errors_survive_pickling(self):
        error = pickle.loads(pickle.dumps(Throttled("slowly", 17)))
        self.assertEqual((error.message, error.retry_after), ("slowly", 17))
        self.assertEqual(str(error), "slowly")
        self.assertIsInstance(error, SyncError)

    def test_transports_know_nothing_of_odoo(self):
        folder = pathlib.Path(transports.__file__).parent
        sources = sorted(folder.rglob("*.py"))
        self.assertGreater(len(sources), 5)
        for source in sources:
            self.assertNotRegex(
                source.read_text(), re.compile(r"^\s*(import|from) odoo", re.M)
            )


@tagged("-at_install", "post_install")
class TestRedactor(BaseCase):
    SECRET = 'sé"cret/+<5 key'

    def test_letters_whose_lower_case_depends_on_what_follows(self):
        for secret in ("geheim-xΣ", "geheimİΣ"):
            for text in (f"x {secret}a y", f"x {secret} y", f"İ {secret}!"):
                with self.subTest(secret=secret, text=text):
                    self.assertIn("***", Redactor([secret])(text))

    def test_secret_is_hidden_in_every_spelling(self):
        hide = Redactor([self.SECRET])
        raw = self.SECRET.encode()
        for spelling in (
            self.SECRET,
            self.SECRET.upper(),
            json.dumps(self.SECRET),
            json.dumps(self.SECRET, ensure_ascii=False),
            json.dumps(self.SECRET).replace("/", "\\/"),
            quote(self.SECRET, safe=""),
            quote(self.SECRET, safe="").lower(),
            quote(self.SECRET),
            base64.b64encode(raw).decode(),
            base64.urlsafe_b64encode(raw).decode(),
            json.dumps(json.dumps(json.dumps(self.SECRET))),
            "".join(f"\\u{ord(char):04x}" for char in self.SECRET),
            "".join(f"\\u{ord(char):04X}" for char in self.SECRET).replace(
                "\\", "\\\\"
            ),
            self.SECRET.encode("unicode_escape").decode(),
            "".join(f"&#{ord(char)};" for char in self.SECRET),
            "".join(f"&#0{ord(char)};" for char in self.SECRET),
            "".join(f"&#x{ord(char):x};" for char in self.SECRET),
            "".join(f"&#X00{ord(char):X};" for char in self.SECRET),
            html.escape("".join(f"&#{ord(char)};" for char in self.SECRET)),
            html.escape(self.SECRET),
            html.escape(json.dumps(self.SECRET)),
            json.dumps(html.escape(self.SECRET)).replace("&", "\\u0026"),
            "s&eacute;&QUOT;cret&sol;&plus;&lt;5 key",
            raw.hex(),
            raw.hex().upper(),
            "".join(f"%{byte:02X}" for byte in raw),
            "".join(f"%25{byte:02x}" for byte in raw),
        ):
            with self.subTest(spelling):
                hidden = hide(f"you sent {spelling} to me")
                self.assertRegex(
                    hidden, r"^you sent (&quot;|[^a-z])*\*\*\*(&quot;|[^a-z])* to me$"
                )
                excerpt = hide.excerpt(f"you sent {spelling}", 5000, cut=True)
                self.assertRegex(excerpt, r"^you sent (&quot;|[^a-z])*$")
                for size in range(1, len(spelling)):
                    half = hide.excerpt(f"you sent {spelling[:size]}", 5000, cut=True)
                    self.assertRegex(half, r"^you sent(&quot;|[^a-z])*$")

    def test_secret_within_a_longer_text_in_base64(self):
        """Groups of three bytes begin anywhere before it, and end anywhere after."""
        hide = Redactor([self.SECRET])
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            for before in range(4):
                for after in range(4):
                    text = b"x" * before + self.SECRET.encode() + b"y" * after
                    with self.subTest(encode=encode.__name__, text=text):
                        hidden = hide(encode(text).decode())
                        self.assertIn("***", hidden)
                        # at most two more characters on each side, for a part of a byte
                        most = 3 + 4 * -(-(before + after + 2) // 3)
                        self.assertLessEqual(len(hidden), most)

    def test_what_surrounds_a_secret_does_not_hide_it(self):
        """An escape that begins before the secret, or ends after it."""
        hide = Redactor(["41abcdefgh", "secret&am", "secret\\\\"])
        for text in ("100%41abcdefgh", "secret&amp;", 'x "secret\\\\\\\\" y'):
            self.assertRegex(hide(text), r"^[^a-z]*(x \")?\*\*\*[^a-z]*( y|p;)?$")

    def test_secret_that_is_a_number_or_a_name(self):
        hide = Redactor(["1234567890"])
        value = {"id": 1234567890, "1234567890": [12345678901, 5, True, None]}
        hidden = {"id": "***", "***": ["***", 5, True, None]}
        self.assertEqual(hide.within(value), hidden)

    def test_short_secrets_stay(self):
        self.assertTrue(maskable("12345678"))
        for secret in ("1234567", "  1234567 ", "", None):
            self.assertFalse(maskable(secret))
        self.assertEqual(Redactor(["street1"])("street1, street2"), "street1, street2")

    def test_longest_secret_goes_first(self):
        self.assertEqual(Redactor(["key", "key-and-more"])("key-and-more"), "***")

    def test_no_secret_changes_nothing(self):
        self.assertEqual(Redactor(["", None, " "])("as it is"), "as it is")

    def test_time_does_not_grow_out_of_proportion(self):
        """A destination may answer with anything, as a megabyte of what begins an
        escape and is none."""
        hide = Redactor([self.SECRET])
        for begun in ("\\", "&", "%", "%25", "\\u", "&#", "&amp;", "%0", "\\ud83d"):
            for text in (begun * 50_000, begun * 50_000 + "z"):
                with self.subTest(begun, end=text[-1]):
                    began = time.process_time()
                    hide(text)
                    hide.excerpt(text, 50_000, cut=True)
                    self.assertLess(time.process_time() - began, 5)

    def test_excerpt_holds_no_half_of_a_secret(self):
        hide = Redactor(["0123456789"])
        self.assertEqual(hide.excerpt("x" * 30, 10), "x" * 9 + "…")
        # A secret across the limit, and one that an earlier cut has halved.
        self.assertNotIn("0", hide.excerpt("x" * 15 + "0123456789", 20))
        self.assertNotIn("0", hide.excerpt("x" * 30 + "01234", 100, cut=True))
        self.assertEqual(hide.excerpt("xx 0123456789 01", 100, cut=True), "xx *** ")
        # what has been cut may also end just after one
        for rest in range(30):
            text = "0123456789" + "x" * rest
            self.assertNotRegex(hide.excerpt(text, 100, cut=True), "[0-9]")
        self.assertEqual(
            hide.excerpt("0123456789 " * 9999, 11), "*** *** ***…"[:10] + "…"
        )


@tagged("-at_install", "post_install")
class TestUrls(BaseCase):
    def test_good_urls(self):
        for url in (
            "https://crm.example.com/api",
            "http://localhost:8080",
            "https://[::1]:8443/x/",
        ):
            self.assertIsNone(url_problem(url), url)

    def test_bad_urls_and_why(self):
        for url, why in (
            ("", "missing"),
            ("ftp://crm.example.com", "https://"),
            ("file:///etc/passwd", "https://"),
            ("crm.example.com", "https://"),
            ("https://", "host"),
            ("https:///path", "host"),
            ("https://crm.example.com:99999", "not valid"),
            ("https://crm.example.com:0", "host"),
            ("https://[::1", "not valid"),
            ("https://joe:hunter2@crm.example.com", "user name or password"),
            ("https://hunter2@crm.example.com", "user name or password"),
            ("https://crm.example.com/#hunter2", "fragment"),
            ("https://crm.example.com/?key=hunter2", "query"),
            ("https://crm.example.com/\nHost: x", "control"),
            ("https://good\\@crm.example.com/", "backslash"),
        ):
            with self.subTest(url):
                self.assertIn(why, url_problem(url))
                self.assertNotIn("hunter2", url_problem(url))

    def test_endpoints(self):
        for endpoint in ("contacts", "v2/contacts", "", "/contacts/"):
            self.assertIsNone(endpoint_problem(endpoint), endpoint)
        for endpoint in (
            "https://evil.example",
            "//evil.example",
            "../admin",
            "a/./b",
            "contacts?x=1",
            "contacts#x",
            "my contacts",
        ):
            self.assertTrue(endpoint_problem(endpoint), endpoint)

    def test_join(self):
        self.assertEqual(
            join_url("http://h/api/", "/contacts"), "http://h/api/contacts"
        )
        self.assertEqual(join_url("http://h/", "/"), "http://h")
        self.assertEqual(join_url("http://h/", "/", "7"), "http://h/7")
        # where a slash at the end is asked for, records have one too, as Django has it
        self.assertEqual(
            join_url("http://h/api/", "/contacts/"), "http://h/api/contacts/"
        )
        self.assertEqual(join_url("http://h", "c/", "7"), "http://h/c/7/")
        self.assertEqual(join_url("http://h", "", "7"), "http://h/7")
        self.assertEqual(
            join_url("http://h", "c", "a/b?c#d é"), "http://h/c/a%2Fb%3Fc%23d%20%C3%A9"
        )

    def test_ids_that_can_stand_in_a_url(self):
        self.assertEqual(usable_id(7), "7")
        self.assertEqual(usable_id("a/b"), "a/b")
        self.assertEqual(usable_id(-7), "-7")
        self.assertEqual(usable_id("x" * 255), "x" * 255)
        for value in ("", " ", ".", "..", None, True, 1.5, {}, [], "x" * 256):
            self.assertIsNone(usable_id(value), value)
        for value in ("a\tb", "7\n", "a\x7f", "a\x85", 10**256, 10**5000):
            self.assertIsNone(usable_id(value))

    def test_ids_that_are_given(self):
        self.assertEqual(given_id(7), "7")
        self.assertEqual(given_id("-7"), "-7")
        nil = "00000000-0000-0000-0000-000000000000"
        for value in (0, -7, "0", "null", "None", "undefined", nil, f"{{{nil}}}"):
            self.assertIsNone(given_id(value), value)
        self.assertEqual(given_id("00"), "00")

    def test_address_of_a_new_record(self):
        for path, expected in (
            ("/api/c/77/", "77"),
            ("/api/c/a%2Fb?x=1#y", "a/b"),
            ("/api/%63/77", "77"),
            # OData
            ("/api/c(0f8fad5b-d9cb)", "0f8fad5b-d9cb"),
            ("/api/c('x')", "x"),
            ("/api/c(%27O''Hara%27)", "O'Hara"),
            ("/api/c(id=7)", "7"),
            ("/api/c(id=7,year=8)", None),
            ("/api/c('')", None),
            ("/api/c()", None),
            # no address of a record of this collection
            ("/api/c/", None),
            ("/api/c", None),
            ("/api/cc", None),
            ("/api/c/77/parts", None),
            ("/api/c/..", None),
            ("/api/c/a%00", None),
            ("/operations/55", None),
            ("/api/55", None),
            ("/c/77", None),
            ("", None),
        ):
            with self.subTest(path):
                self.assertEqual(new_id(f"http://h{path}", "http://h/api/c"), expected)
        self.assertEqual(new_id("http://h/7", "http://h"), "7")
        self.assertEqual(new_id("http://h/c(7)", "http://h/c/"), "7")

    def test_address_of_a_new_record_elsewhere(self):
        for location, collection, expected in (
            ("http://H:80/c/7", "http://h/c", "7"),
            # a proxy speaks TLS for the server
            ("http://h/c/7", "https://h/c", "7"),
            ("http://h:8080/c/7", "https://h/c", None),
            ("https://h:1/c/7", "https://h:2/c", None),
            ("https://other/c/7", "https://h/c", None),
            ("https://h:port/c/7", "https://h/c", None),
            ("ftp://h/c/7", "https://h/c", None),
        ):
            with self.subTest(location):
                self.assertEqual(new_id(location, collection), expected)

    def test_origin_counts_default_ports(self):
        self.assertEqual(origin("https://H.example/x"), origin("https://h.example:443"))
        self.assertNotEqual(origin("http://h.example"), origin("https://h.example"))
        self.assertNotEqual(origin("http://h.example"), origin("http://h.example:8"))

    def test_loggable(self):
        self.assertEqual(
            loggable("https://joe:hunter2@h:8/x?token=hunter2#hunter2"), "https://h:8/x"
        )
