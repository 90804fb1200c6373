# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Headers that a destination wants besides ours, and the name of the key's."""

import base64

from odoo.tests import tagged

from ..exceptions import Rejected, Unreachable
from ..transports.http import (
    FurtherHeader,
    further_problem,
    names_problem,
    proxy_problem,
    value_problem,
)
from ..transports.rest import RestConfig
from .transport_case import TOKEN, RestCase, message

SIGNING = "whsec_" + "s3cret//" * 5
# Whatever somebody types, these are ours or nobody's.
NEVER = (
    "Host",
    "Connection",
    "Content-Length",
    "transfer-encoding",
    "Trailer",
    "Upgrade",
    "Expect",
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Idempotency-Key",
    "idempotency-key",
    "User-Agent",
    "Accept-Encoding",
    "Content-Encoding",
    "webhook-signature",
    "X-HTTP-Method-Override",
)
NO_NAMES = ("", " ", "X Tenant", "X:", "X\r\nHost", "Clé", "X-Tenant\0", "(x)", "x/y")
NO_VALUES = ("", " ", "a\r\nX: y", "a\nb", "a\rb", "a\0b", "clé", "键", "a\tb", "\x7f")


def header(name, value, secret=False):
    return FurtherHeader(name, value, secret)


@tagged("-at_install", "post_install")
class TestFurtherHeaders(RestCase):
    def sent(self, *headers, to_send=None, **options):
        receipt = self.send(to_send, headers=headers, **options)
        self.assertTrue(receipt.ok, receipt.error)
        return self.server.requests[-1].headers

    def test_every_request_has_them(self):
        headers = (header("X-Tenant", "acme"), header("revision", " 2026-10-15 "))
        for to_send in (message(), message(external_id="1"), message("delete")):
            found = self.sent(*headers, to_send=to_send)
            self.assertEqual(found["X-Tenant"], "acme")
            self.assertEqual(found["Revision"], "2026-10-15")
        self.transport(headers=headers).check()
        self.assertEqual(self.server.requests[-1].headers["X-Tenant"], "acme")

    def test_only_what_a_body_is_may_be_told_otherwise(self):
        kind = "application/vnd.api+json"
        headers = (header("accept", kind), header("CONTENT-TYPE", kind))
        found = self.sent(*headers)
        self.assertEqual(found.get_all("Accept"), [kind])
        self.assertEqual(found.get_all("Content-Type"), [kind])
        # without a body there is nothing to tell of
        found = self.sent(*headers, to_send=message("delete", external_id="1"))
        self.assertNotIn("Content-Type", found)
        self.assertEqual(found.get_all("Accept"), [kind])

    def test_what_can_never_be_set(self):
        for name in NEVER:
            with self.subTest(name):
                self.assertTrue(further_problem(name))
                receipt = self.send(headers=(header(name, "some-value"),))
                self.assertFails(receipt, Unreachable, name.split("-")[0])
        self.assertEqual(self.server.requests, [])

    def test_names_that_are_none(self):
        for name in NO_NAMES:
            with self.subTest(name):
                self.assertTrue(further_problem(name))
                self.assertFails(self.send(headers=(header(name, "x"),)), Unreachable)
        self.assertEqual(self.server.requests, [])

    def test_values_that_cannot_be_sent(self):
        for value in NO_VALUES:
            with self.subTest(value):
                problem = value_problem("X-Tenant", value)
                self.assertIn("X-Tenant", problem)
                if value.strip():
                    self.assertNotIn(value, problem)
                receipt = self.send(headers=(header("X-Tenant", value),))
                self.assertFails(receipt, Unreachable, problem)
        self.assertEqual(self.server.requests, [])
        # blanks around a value are none of it
        self.assertIsNone(value_problem("X-Tenant", " a b\n"))

    def test_twice_is_told(self):
        for options in (
            {"headers": (header("X-A", "1"), header("x-a", "2"))},
            {
                "auth": "header",
                "header": "X-Key",
                "secret": TOKEN,
                "headers": (header("x-key", "1"),),
            },
            {"key_header": "X-Request-Id", "headers": (header("x-request-id", "1"),)},
        ):
            with self.subTest(options):
                config = RestConfig("http://x", **options)
                self.assertIn("twice", names_problem(config))
                self.assertFails(self.send(**options), Unreachable, "twice")
        self.assertEqual(self.server.requests, [])

    def test_secret_that_the_destination_echoes(self):
        secret = (header("X-Api-Token", TOKEN, secret=True),)
        encoded = base64.b64encode(TOKEN.encode()).decode()
        for said in (TOKEN, encoded):
            self.server.answer(422, {"message": f"what is {said}?"})
            receipt = self.send(headers=secret)
            self.assertFails(receipt, Rejected, "what is ***")
            self.assertNotIn(said, f"{receipt!r} {receipt.error} {receipt.response}")
        # what is no secret is left as it is
        self.server.answer(422, {"message": f"what is {TOKEN}?"})
        receipt = self.send(headers=(header("X-Api-Token", TOKEN),))
        self.assertFails(receipt, Rejected, f"what is {TOKEN}?")

    def test_preview_shows_names_and_no_secrets(self):
        headers = (
            header("X-Tenant", "acme"),
            # too short to be found in a text
            header("X-Pin", "1234", secret=True),
            header("X-Api-Token", TOKEN, secret=True),
        )
        with self.transport(headers=headers) as transport:
            shown = transport.preview(message())
        for line in ("X-Tenant: acme", "X-Pin: ***", "X-Api-Token: ***"):
            self.assertIn(line, shown.splitlines())
        self.assertEqual(self.server.requests, [])

    def test_config_does_not_show_them(self):
        config = RestConfig("http://x", headers=(header("X", TOKEN, True),))
        self.assertNotIn(TOKEN, repr(config))


@tagged("-at_install", "post_install")
class TestKeyHeader(RestCase):
    def test_key_goes_by_its_name_there(self):
        options = {"key_header": "X-Request-Id", "signing_secrets": (SIGNING,)}
        self.assertTrue(self.send(**options).ok)
        found = self.server.requests[-1].headers
        self.assertEqual(found["X-Request-Id"], "key-1")
        self.assertNotIn("Idempotency-Key", found)
        # what is signed is told apart by the same key
        self.assertEqual(found["webhook-id"], "key-1")

    def test_key_of_a_batch(self):
        sent = [message(key=key, batch_target="batch") for key in (1, 2)]
        self.server.answer(200, {"items": []})
        self.transport(key_header="X-Request-Id").send(sent)
        self.assertTrue(
            self.server.requests[0].headers["X-Request-Id"].startswith("batch-")
        )
        self.assertNotIn("Idempotency-Key", self.server.requests[0].headers)

    def test_key_in_a_preview(self):
        with self.transport(key_header="X-Request-Id") as transport:
            self.assertIn("X-Request-Id: key-1", transport.preview(message()))

    def test_names_that_cannot_be(self):
        for name in (*NO_NAMES, *NEVER, "Accept", "Content-Type"):
            if name.lower() == "idempotency-key":
                continue
            with self.subTest(name):
                self.assertTrue(names_problem(RestConfig("http://x", key_header=name)))
                self.assertFails(self.send(key_header=name), Unreachable, "key")
        self.assertEqual(self.server.requests, [])


@tagged("-at_install", "post_install")
class TestUserNames(RestCase):
    def test_any_text_without_a_colon(self):
        """As Zendesk and Mailchimp have them, with a key for the password."""
        for user in ("ada@example.com/token", "anystring"):
            options = {"auth": "basic", "username": user, "secret": TOKEN}
            self.assertTrue(self.send(**options).ok)
            pair = self.server.requests[-1].headers["Authorization"].split()[1]
            self.assertEqual(base64.b64decode(pair).decode(), f"{user}:{TOKEN}")


@tagged("-at_install", "post_install")
class TestProxyAddress(RestCase):
    def test_addresses(self):
        for proxy in ("", "http://proxy:3128", "http://proxy:3128/", "http://[::1]:8"):
            self.assertIsNone(proxy_problem(RestConfig("http://x", proxy=proxy)), proxy)
        for proxy in (
            "proxy:3128",
            "https://proxy:3128",
            "socks5://proxy:1080",
            "http://joe:hunter2@proxy:3128",
            "http://proxy:3128/path",
            "http://proxy:3128?x=y",
            "http://",
            "http://proxy:0",
            "file:///etc/passwd",
            "http://pro xy",
            "http://proxy\r\nHost: x",
        ):
            with self.subTest(proxy):
                problem = proxy_problem(RestConfig("http://x", proxy=proxy))
                self.assertTrue(problem)
                self.assertNotIn("hunter2", problem)
                self.assertFails(self.send(proxy=proxy), Unreachable, problem)
        self.assertEqual(self.server.requests, [])
