# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64
import os
import socket
import tempfile
from unittest.mock import patch

from odoo.tests import tagged

from ..exceptions import Rejected, Unreachable
from ..transports import RestConfig
from .servers import HttpDestination
from .transport_case import PAYLOAD, SECRET, TOKEN, RestCase, message


@tagged("-at_install", "post_install")
class TestRestSecrets(RestCase):
    CASES = (
        ({"auth": "bearer", "secret": TOKEN}, "Authorization", f"Bearer {TOKEN}"),
        (
            {"auth": "basic", "username": "jöe", "secret": SECRET},
            "Authorization",
            "Basic " + base64.b64encode(f"jöe:{SECRET}".encode()).decode(),
        ),
        (
            {"auth": "key", "username": "X", "secret": f"{TOKEN}\n"},
            "Authorization",
            "Basic " + base64.b64encode(f"{TOKEN}:X".encode()).decode(),
        ),
        (
            {"auth": "header", "header": "X-Api-Key", "secret": TOKEN},
            "X-Api-Key",
            TOKEN,
        ),
        (
            {"auth": "header", "header": "X-Api-Key", "secret": f" {TOKEN}\n"},
            "X-Api-Key",
            TOKEN,
        ),
    )

    def test_authentication(self):
        for options, name, value in self.CASES:
            with self.subTest(options):
                self.assertTrue(self.send(**options).ok)
                self.assertEqual(self.server.requests[-1].headers[name], value)

    def test_secret_that_the_destination_echoes(self):
        for options, name, value in self.CASES:
            with self.subTest(options):
                self.server.answer(422, {"message": f"bad {name}: {value}", "x": value})
                self.assertNothingLeaks(self.send(**options), options, value)
                self.server.answer(200, f"<p>{value}</p>".encode())
                receipt = self.send(message(external_id="1"), **options)
                self.assertNothingLeaks(receipt, options, value)
                self.assertIn("***", receipt.response)

    def test_secret_that_a_redirect_echoes(self):
        for options, _name, value in self.CASES:
            self.server.answer(302, headers={"Location": f"/login/{TOKEN}?t={TOKEN}"})
            self.assertNothingLeaks(self.send(**options), options, value)

    def test_secret_in_the_endpoint(self):
        secret = "abc0123456789"
        self.server.answer(503)
        sent = message(target=f"hook/{secret}")
        [receipt] = self.transport(auth="bearer", secret=secret).send([sent])
        self.assertTrue(receipt.request.endswith("/hook/***"), receipt.request)
        self.assertNotIn(secret, receipt.error.message)

    def assertNothingLeaks(self, receipt, options, value):
        shown = f"{receipt!r} {receipt.error} {receipt.request} {receipt.response}"
        for secret in (value, options["secret"].strip(), value.rpartition(" ")[2]):
            self.assertNotIn(secret, shown)

    def test_secret_in_place_of_an_id(self):
        secret = "1234567890123"
        options = {"auth": "bearer", "secret": secret}
        encoded = base64.b64encode(f"id={secret}".encode()).decode()
        for body, headers in (
            ({"id": secret}, {}),
            ({"id": int(secret)}, {}),
            ({"id": f"c-{secret}"}, {}),
            ({"id": secret.encode().hex()}, {}),
            ({"id": encoded}, {}),
            ({}, {"Location": f"/contacts/{secret}"}),
            ({}, {"Location": f"/contacts/{secret.replace('3', '%33')}"}),
        ):
            with self.subTest(body=body, headers=headers):
                self.server.answer(201, body, headers=headers)
                receipt = self.send(**options)
                self.assertTrue(receipt.ok, receipt.error)
                self.assertIsNone(receipt.external_id)
                self.assertIn("can be no id", receipt.warning)
                self.assertNothingLeaks(receipt, options, encoded)
                item = {"key": 1, "status": 201, "id": body.get("id", secret)}
                self.server.answer(200, {"items": [item, {**item, "key": 2}]})
                sent = [message(key=key, batch_target="batch") for key in (1, 2)]
                for each in self.transport(**options).send(sent):
                    self.assertEqual((each.ok, each.external_id), (True, None))
                    self.assertIn("can be no id", each.warning)
                    self.assertNothingLeaks(each, options, encoded)

    def test_no_half_of_a_secret_in_a_reason(self):
        # letters: digits are in ports and durations too
        options = {"auth": "bearer", "secret": "qwertzuiop" * 4}
        for size in (30, 50, 250, 290, 590, 1990):
            for text in ("x" * size, " x" * (size // 2)):
                reason = text + options["secret"]
                for body in ({"message": reason}, {"errors": {reason: "bad"}}):
                    self.server.answer(422, body)
                    receipt = self.send(**options)
                    self.assertNotIn("qwer", f"{receipt!r} {receipt.error}")

    def test_question_for_a_sign_of_life(self):
        self.server.answer(307, headers={"Location": f"/login/{TOKEN}"})
        told = self.transport(auth="bearer", secret=TOKEN).check()
        self.assertIn("/login/*** answered 404", told)

    def test_short_secret_is_not_hidden(self):
        self.server.answer(422, {"message": "the street1 is unknown"})
        receipt = self.send(auth="bearer", secret="street1")
        self.assertFails(receipt, Rejected, "the street1 is unknown")
        # together with the user name it is long enough
        self.server.answer(422, {"message": "who is administrator:abc?"})
        receipt = self.send(auth="basic", username="administrator", secret="abc")
        self.assertFails(receipt, Rejected, "who is ***?")

    def test_headers_that_are_none_are_not_logged(self):
        raw = f"HTTP/1.1 422 No\r\nContent-Length: 0\r\n{TOKEN}\r\nX: y\r\n\r\n"
        self.server.answer(raw=raw.encode())
        with self.assertNoLogs("urllib3", "INFO"):
            self.assertFails(self.send(auth="bearer", secret=TOKEN), Rejected)

    def test_header_that_has_another_meaning(self):
        for header in ("Host", "content-length", "Transfer-Encoding", "User-Agent"):
            receipt = self.send(auth="header", header=header, secret=TOKEN)
            self.assertFails(receipt, Unreachable, header, "another meaning")
        self.assertEqual(self.server.requests, [])

    def test_config_does_not_show_the_secret(self):
        config = RestConfig("http://x", auth="bearer", secret=TOKEN)
        self.assertNotIn(TOKEN, repr(config))

    def test_exception_chain_shows_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        error = self.send(url=f"http://127.0.0.1:{port}").error
        self.assertTrue(error.__suppress_context__)
        self.assertIsNone(error.__cause__)
        with self.assertRaises(Unreachable) as caught:
            self.transport(url=f"http://127.0.0.1:{port}").check()
        self.assertTrue(caught.exception.__suppress_context__)

    def test_passwords_of_the_environment_are_not_used(self):
        netrc = self.enterContext(tempfile.NamedTemporaryFile("w"))
        netrc.write("machine localhost login joe password hunter2")
        netrc.flush()
        proxy = self.enterContext(HttpDestination())
        environment = {
            "NETRC": netrc.name,
            "HTTP_PROXY": proxy.url,
            "http_proxy": proxy.url,
            "NO_PROXY": "",
            "no_proxy": "",
        }
        with patch.dict(os.environ, environment):
            self.assertTrue(self.send().ok)
        self.assertNotIn("Authorization", self.server.requests[0].headers)
        self.assertEqual(proxy.requests, [])

    def test_cookies_are_not_kept(self):
        self.server.answer(201, {"id": 1}, headers={"Set-Cookie": "session=x; Path=/"})
        self.send()
        self.send()
        self.assertEqual(len(self.server.requests), 2)
        self.assertNotIn("Cookie", self.server.requests[1].headers)


@tagged("-at_install", "post_install")
class TestRestRedirects(RestCase):
    def test_same_place_keeps_method_body_and_key(self):
        for status in (307, 308):
            self.server.requests.clear()
            self.server.answer(status, headers={"Location": "/v2/contacts"})
            receipt = self.send(auth="bearer", secret=TOKEN)
            self.assertTrue(receipt.ok, receipt.error)
            self.assertEqual(self.lines(), ["POST /contacts", "POST /v2/contacts"])
            second = self.server.requests[1]
            self.assertEqual(second.json, PAYLOAD)
            self.assertEqual(second.headers["Idempotency-Key"], "key-1")
            self.assertEqual(second.headers["Authorization"], f"Bearer {TOKEN}")

    def test_another_place_gets_nothing(self):
        other = self.enterContext(HttpDestination())
        same_port_other_name = self.server.url.replace("localhost", "127.0.0.1")
        for place in (
            other.url,
            same_port_other_name,
            f"https://localhost:{self.server.port}",
        ):
            for status in (301, 302, 303, 307, 308):
                with self.subTest(place=place, status=status):
                    self.server.requests.clear()
                    self.server.answer(
                        status, headers={"Location": f"{place}/contacts?token=x"}
                    )
                    receipt = self.send(auth="bearer", secret=TOKEN)
                    self.assertFails(
                        receipt, Unreachable, str(status), f"{place}/contacts", "change"
                    )
                    self.assertNotIn("token", receipt.error.message)
                    self.assertEqual(len(self.server.requests), 1)
        self.assertEqual(other.requests, [])

    def test_redirect_that_would_change_the_method(self):
        for status in (301, 302, 303):
            self.server.answer(status, headers={"Location": "/v2/contacts"})
            self.assertFails(self.send(), Unreachable, "/v2/contacts", "endpoint")

    def test_redirect_with_a_password_or_without_an_address(self):
        url = self.server.url.replace("://", "://joe:hunter2@")
        self.server.answer(307, headers={"Location": f"{url}/x"})
        receipt = self.send()
        self.assertFails(receipt, Unreachable)
        self.assertNotIn("hunter2", receipt.error.message)
        for headers in ({}, {"Location": "http://[bad"}):
            self.server.answer(302, headers=headers)
            self.assertFails(self.send(), Unreachable, "302")

    def test_endless_redirects(self):
        self.server.answer(307, headers={"Location": "/contacts"}, times=20)
        self.assertFails(self.send(), Unreachable, "redirects")
        self.assertEqual(len(self.server.requests), 4)
