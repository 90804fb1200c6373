# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a token server is asked, and what is made of anything it may answer."""

import time
from urllib.parse import parse_qs, parse_qsl, urlsplit

from odoo.tests import BaseCase, tagged

from ..exceptions import Throttled, Unreachable
from ..transports.http import connection, tokens
from ..transports.http.tokens import CONNECT, Client, TokenServer
from .proxy_server import HttpProxy
from .servers import Answer
from .token_server import CLIENT_ID, CLIENT_SECRET, TokenDestination

PAGE = "https://odoo.example.com/queue_job_sync/connect"


class TokensCase(BaseCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(TokenDestination())
        self.addCleanup(connection.sessions.forget)

    def client(self, **options):
        values = {
            "url": f"{self.server.url}/token",
            "id": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "connect_timeout": 1,
            "read_timeout": 1,
        }
        return Client(**{**values, **options})

    def ask(self, **options):
        return TokenServer(self.client(**options))

    def answer(self, status, body, **options):
        self.server.scripted.append(Answer(status, body, **options))


@tagged("post_install", "-at_install")
class TestAsked(TokensCase):
    def last(self):
        headers, form = self.server.asked[-1]
        return headers.get("Authorization", ""), form

    def test_client_credentials(self):
        grant = self.ask(scope="contacts.read contacts.write").own_access()
        self.assertEqual((grant.access, grant.refresh), (self.server.access, ""))
        self.assertAlmostEqual(grant.life, 3600, delta=2)
        shown, form = self.last()
        self.assertTrue(shown.startswith("Basic "))
        self.assertEqual(
            form,
            {
                "grant_type": "client_credentials",
                "scope": "contacts.read contacts.write",
            },
        )

    def test_secret_in_the_body(self):
        self.ask(in_body=True).own_access()
        shown, form = self.last()
        self.assertFalse(shown)
        self.assertEqual(form["client_id"], CLIENT_ID)
        self.assertEqual(form["client_secret"], CLIENT_SECRET)

    def test_further_parameters(self):
        more = (("audience", "https://api.example.com/?a=b&c"), ("resource", "urn:1"))
        more += (("resource", "urn:2"), ("body", "x"))
        self.ask(more=more).own_access()
        form = parse_qsl(self.server.requests[-1].body.decode())
        for each in more:
            self.assertIn(each, form)

    def test_renewed(self):
        first = self.server.begin()
        grant = self.ask().renewed(first)
        self.assertEqual((grant.access, grant.refresh), self.server.given[-1])
        self.assertNotEqual(grant.refresh, first)
        _shown, form = self.last()
        self.assertEqual(form, {"grant_type": "refresh_token", "refresh_token": first})

    def test_renewed_with_the_same_again(self):
        self.server.rotates, self.server.repeats = False, True
        grant = self.ask().renewed(self.server.begin())
        self.assertEqual((grant.access, grant.refresh), (self.server.access, ""))

    def test_renewed_in_the_body(self):
        self.ask(in_body=True).renewed(self.server.begin())
        self.assertEqual(self.last()[1]["client_id"], CLIENT_ID)

    def test_through_a_proxy(self):
        proxy = self.enterContext(HttpProxy())
        self.ask(network={"proxy": proxy.url}).own_access()
        self.assertEqual(proxy.asked, [("POST", f"{self.server.url}/token", None)])

    def test_consent_and_code(self):
        verifier = tokens.new_verifier()
        self.assertRegex(verifier, r"\A[A-Za-z0-9._~-]{43,128}\Z")
        self.assertNotEqual(verifier, tokens.new_verifier())
        page = tokens.consent_page(
            "https://crm.example.com/auth?access_type=offline",
            self.client(scope="a b"),
            PAGE,
            "st4te",
            verifier,
        )
        self.assertTrue(page.startswith("https://crm.example.com/auth?"))
        asked = {
            name: value for name, [value] in parse_qs(urlsplit(page).query).items()
        }
        challenge = asked.pop("code_challenge")
        self.assertEqual(
            asked,
            {
                "access_type": "offline",
                "response_type": "code",
                "client_id": CLIENT_ID,
                "redirect_uri": PAGE,
                "scope": "a b",
                "state": "st4te",
                "code_challenge_method": "S256",
            },
        )
        code = self.server.consent(PAGE, challenge)
        grant = self.ask().exchanged(code, verifier, PAGE)
        self.assertEqual((grant.access, grant.refresh), self.server.given[-1])
        # once
        with self.assertRaises(Unreachable):
            self.ask().exchanged(code, verifier, PAGE)

    def test_code_of_another_verifier(self):
        code = self.server.consent(PAGE, "x" * 43)
        with self.assertRaises(Unreachable):
            self.ask().exchanged(code, tokens.new_verifier(), PAGE)

    def test_challenge_of_the_specification(self):
        """RFC 7636 appendix B."""
        verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        page = tokens.consent_page("http://x/a", self.client(), PAGE, "s", verifier)
        self.assertIn("=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", page)


@tagged("post_install", "-at_install")
class TestAnswered(TokensCase):
    """Whatever it answers, the error is about the system, and says no secret."""

    def fails(self, *words, kind=Unreachable, reason=None):
        """Renew; return the error, which names these words."""
        refresh = self.server.begin()
        with self.assertRaises(kind) as caught:
            self.ask().renewed(refresh)
        error = caught.exception
        self.assertIs(type(error), kind)
        if reason is not None:
            self.assertEqual(error.reason, reason)
        for word in words:
            self.assertIn(word, error.message)
        for secret in (refresh, CLIENT_SECRET):
            self.assertNotIn(secret, f"{error} {error.values}")
        return error

    def test_ended(self):
        for status, body in (
            (400, {"error": "invalid_grant"}),
            (401, {"error": "invalid_grant", "error_description": "expired"}),
            (200, {"error": "invalid_code"}),
            (200, {"ok": False, "error": "invalid_refresh_token"}),
            (400, {"status": "BAD_REFRESH_TOKEN", "message": "unknown"}),
        ):
            with self.subTest(body=body):
                self.answer(status, body)
                self.fails("connect again", reason=CONNECT)

    def test_its_own_words_are_told_without_secrets(self):
        """It repeats what it was sent."""
        self.server.revoke()
        refresh = "r3fresh-unknown-token"
        with self.assertRaises(Unreachable) as caught:
            self.ask().renewed(refresh)
        self.assertIn("not ***", caught.exception.message)
        self.assertNotIn(refresh, caught.exception.message)

    def test_refused_for_another_reason(self):
        for status, body in (
            (401, {"error": "invalid_client"}),
            (400, {"error": "invalid_scope"}),
            (200, {"error": "invalid_client"}),
            (403, "<p>No.</p>"),
            (404, None),
        ):
            with self.subTest(body=body):
                self.answer(status, body)
                error = self.fails("no access")
                self.assertNotEqual(error.reason, CONNECT)

    def test_no_token_in_it(self):
        for body in (
            None,
            {},
            [],
            [{"access_token": "x"}],
            "access_token=form-encoded",
            "<html>Please log in</html>",
            b"\xff\xfe\x00{",
            {"access_token": None},
            {"access_token": ["x"]},
            {"access_token": {"x": 1}},
            {"access_token": 7},
            {"access_token": ""},
            {"access_token": "with blank"},
            {"access_token": "line\r\nend"},
            {"access_token": "Łódź"},
            {"access_token": "x" * 20_000},
            b"[" * 100_000,
        ):
            with self.subTest(body=str(body)[:60]):
                self.answer(200, body)
                self.fails("without an access token")

    def test_what_leads_elsewhere_is_no_token_to_renew_with(self):
        """It would be looked up among the secrets of the server, and sent."""
        for refresh in ("env:PATH", "config:admin_passwd", "a\0b", 7, ["x"]):
            with self.subTest(refresh=refresh):
                body = {"access_token": "acc3ss", "refresh_token": refresh}
                self.answer(200, body)
                self.fails("cannot be kept")

    def test_life(self):
        for said, life in (
            (60, 60),
            (59.5, 59.5),
            ("60", 60),
            (" 60 ", 60),
            (10**400, None),
            (1e12, 366 * 24 * 3600),
            (0, None),
            (-5, None),
            ("soon", None),
            ("nan", None),
            ("inf", None),
            (True, None),
            (None, None),
            ([60], None),
        ):
            with self.subTest(said=said):
                body = {"access_token": "acc3ss", "expires_in": said}
                self.answer(200, body)
                found = self.ask().own_access().life
                if life is None:
                    self.assertIsNone(found)
                else:
                    self.assertAlmostEqual(found, life, delta=2)

    def test_life_begins_when_it_is_asked_for(self):
        self.answer(200, {"access_token": "acc3ss", "expires_in": 10}, delay=0.6)
        self.assertLess(self.ask().own_access().life, 9.5)

    def test_down(self):
        self.answer(500, {"message": "oops"})
        self.fails("no access", "500")
        self.answer(503, None)
        self.fails("no access", "503")
        self.answer(200, None, drop=True)
        self.fails("no access", "closed the connection")
        with self.assertRaises(Unreachable):
            self.ask(url="http://127.0.0.1:9/token").own_access()

    def test_patience(self):
        self.answer(429, None, headers={"Retry-After": "7"})
        self.assertEqual(self.fails(kind=Throttled).retry_after, 7)

    def test_slow(self):
        started = time.monotonic()
        self.answer(200, {"access_token": "acc3ss"}, delay=3)
        self.fails("within 1 s")
        self.assertLess(time.monotonic() - started, 2)

    def test_drip(self):
        started = time.monotonic()
        self.answer(200, {"access_token": "acc3ss" * 20}, drip=0.05)
        self.fails("within 1 s")
        self.assertLess(time.monotonic() - started, 2)

    def test_huge(self):
        body = {"access_token": "acc3ss", "more": "x" * 2 * tokens.MAX_ANSWER}
        self.answer(200, body)
        self.fails("without an access token")

    def test_asked_once(self):
        """What comes twice is taken for stolen."""
        refresh = self.server.begin()
        self.answer(200, None, drop=True)
        with self.assertRaises(Unreachable):
            self.ask().renewed(refresh)
        self.assertEqual(self.server.renewals, [refresh])

    def test_sent_nowhere_else(self):
        for status in (301, 302, 303, 307, 308):
            with TokenDestination() as other:
                there = {"Location": f"{other.url}/token"}
                self.answer(status, None, headers=there)
                self.fails()
                self.assertEqual(other.requests, [])

    def test_repr(self):
        self.assertNotIn(CLIENT_SECRET, repr(self.client()))
        grant = self.ask().renewed(self.server.begin())
        for token in self.server.given[-1]:
            self.assertNotIn(token, repr(grant))


@tagged("post_install", "-at_install")
class TestSettings(BaseCase):
    def test_consent_address(self):
        for address in (
            "https://crm.example.com/auth",
            "https://crm.example.com/auth?access_type=offline&prompt=consent",
        ):
            self.assertIsNone(tokens.page_problem(address))
        for address in (
            "javascript:alert(1)",
            "https://user:pw@crm.example.com/auth",
            "https://crm.example.com/auth?a=b#c",
            "https://crm.example.com/a b",
            "https://crm.example.com/auth?state=mine",
            "https://crm.example.com/auth?x=1&redirect_uri=https://evil.example",
            "//crm.example.com",
            "",
        ):
            with self.subTest(address):
                self.assertTrue(tokens.page_problem(address))

    def test_parameters(self):
        text = " audience = https://a/?b=c \n\nresource=urn:1\n"
        found = (("audience", "https://a/?b=c"), ("resource", "urn:1"))
        self.assertEqual(tokens.parameters(text), found)
        self.assertIsNone(tokens.parameters_problem(text))
        for text in ("audience", "=x", "a=", "client_secret=x", "Grant_Type=password"):
            with self.subTest(text):
                self.assertTrue(tokens.parameters_problem(text))

    def test_scheme(self):
        for scheme in ("Bearer", "Zoho-oauthtoken", "token"):
            self.assertIsNone(tokens.scheme_problem(scheme))
        for scheme in ("", "a b", "x\r\ny", "Bearer:"):
            self.assertTrue(tokens.scheme_problem(scheme))
