# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who is connected to what a user has consented to, and what he is told."""

import json
import logging
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine import tokens
from .oauth_case import OAuthCase
from .servers import Answer
from .token_server import CLIENT_ID
from .tour_case import USERS, TourCase

NOTHING = "Nothing was connected"
MODELS = ("sync.backend", "sync.stream", "sync.incident", "sync.delivery", "queue.job")


class ConnectCase(OAuthCase, TourCase):
    def setUp(self):
        super().setUp()
        self.change_backend(oauth_refresh_token=False)
        self.log_in("sync_tour_system")

    def log_in(self, login):
        """Have a new session of a user."""
        self.authenticate(login, login)

    def call(self, model, method, *args, **kwargs):
        """Call a method as the web client does; return what comes back."""
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        response = self.url_open(
            f"/web/dataset/call_kw/{model}/{method}",
            data=json.dumps({"jsonrpc": "2.0", "method": "call", "params": params}),
            headers={"Content-Type": "application/json"},
        )
        return json.loads(response.text)

    def begin(self):
        """Press Connect; return what the page of the system is told."""
        action = self.call("sync.backend", "action_connect", [self.backend_id])
        self.assertIn("result", action)
        self.assertEqual(action["result"]["type"], "ir.actions.act_url")
        url = action["result"]["url"]
        self.assertTrue(url.startswith(f"{self.token_server.url}/consent?"), url)
        return dict(parse_qsl(urlsplit(url).query))

    def consent(self, asked):
        """Consent, and return what the system sends the user back with."""
        page, challenge = asked["redirect_uri"], asked["code_challenge"]
        code = self.token_server.consent(page, challenge)
        return {"state": asked["state"], "code": code}

    def come_back(self, **parameters):
        """Return the page that the user is shown then."""
        response = self.url_open(f"{tokens.PATH}?{urlencode(parameters)}")
        self.assertEqual(response.status_code, 200)
        return response.text

    def assertNothing(self, page):
        """Assert that nothing was connected, nor even asked for."""
        self.assertIn(NOTHING, page)
        self.assertEqual(self.token_server.asked, [])
        self.assertFalse(self.held().access)


@tagged("post_install", "-at_install")
class TestConnect(ConnectCase):
    def test_what_the_page_is_told(self):
        asked = self.begin()
        self.assertEqual(asked["prompt"], "consent")
        self.assertEqual(asked["client_id"], CLIENT_ID)
        self.assertEqual(asked["response_type"], "code")
        self.assertEqual(asked["code_challenge_method"], "S256")
        self.assertGreaterEqual(len(asked["state"]), 43)
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            base = env["ir.config_parameter"].get_param("web.base.url")
            self.assertEqual(backend.oauth_page, f"{base}{tokens.PATH}")
        self.assertEqual(asked["redirect_uri"], f"{base}{tokens.PATH}")
        self.assertNotEqual(self.begin()["state"], asked["state"])

    def test_connected(self):
        back = self.consent(self.begin())
        response = self.url_open(f"{tokens.PATH}?{urlencode(back)}")
        self.assertIn("CRM is connected", response.text)
        self.assertIn("Connected since", response.text)
        self.assertEqual(response.headers["Referrer-Policy"], "no-referrer")
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        ((access, refresh),) = self.token_server.given
        self.assertEqual((self.held().access, self.refresh()), (access, refresh))
        for secret in (access, refresh, back["code"]):
            self.assertNotIn(secret, response.text)
        self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])

    def test_goes_on_with_what_was_held(self):
        self.new_partner()
        self.assertEqual(self.run_pending(), ["pending"])
        self.assertTrue(self.open_incident())
        self.come_back(**self.consent(self.begin()))
        self.assertFalse(self.open_incident())
        self.assertEqual(self.run_pending(), ["done"])

    def test_again(self):
        """With another user's consent nothing of the one before is left."""
        self.come_back(**self.consent(self.begin()))
        self.come_back(**self.consent(self.begin()))
        _access, refresh = self.token_server.given[-1]
        self.assertEqual(self.refresh(), refresh)
        self.let_pass(3600)
        self.current()
        self.assertEqual(self.token_server.renewals, [refresh])

    def test_nothing_to_renew_it_with(self):
        self.come_back(**self.consent(self.begin()))
        self.token_server.scripted = [
            Answer(200, {"access_token": "acc3ss-for-an-hour", "expires_in": 3600})
        ]
        page = self.come_back(**self.consent(self.begin()))
        self.assertIn("Connected until", page)
        self.assertIn("offline_access", page)
        self.assertEqual(self.refresh(), "")

    def test_once(self):
        back = self.consent(self.begin())
        self.come_back(**back)
        self.assertIn(NOTHING, self.come_back(**back))
        self.assertEqual(len(self.token_server.asked), 1)

    def test_in_time(self):
        back = self.consent(self.begin())
        with self.transaction() as env:
            env.cr.execute(
                "UPDATE sync_consent SET until = until - interval '10 minutes 1 second'"
            )
        self.assertNothing(self.come_back(**back))

    def test_state_of_nobody(self):
        for state in ("", "x", "\0", "é", "a" * 5000):
            back = {**self.consent(self.begin()), "state": state}
            self.assertNothing(self.come_back(**back))
        self.assertNothing(self.come_back())

    def test_state_of_another_user(self):
        back = self.consent(self.begin())
        with self.transaction() as env:
            other = env["res.users"].search([("login", "=", "sync_tour_manager")])
            other.group_ids += env.ref("base.group_system")
        try:
            self.log_in("sync_tour_manager")
            self.assertNothing(self.come_back(**back))
        finally:
            with self.transaction() as env:
                other = env["res.users"].browse(other.id)
                other.group_ids -= env.ref("base.group_system")

    def test_state_of_another_session(self):
        back = self.consent(self.begin())
        self.log_in("sync_tour_system")
        self.assertNothing(self.come_back(**back))

    def test_code_of_another_begin(self):
        """A code that somebody else has asked for proves nothing here."""
        first, second = self.begin(), self.begin()
        back = {**self.consent(first), "state": second["state"]}
        page = self.come_back(**back)
        self.assertIn("CRM is not connected", page)
        self.assertFalse(self.held().access)

    def test_denied(self):
        page = self.come_back(state=self.begin()["state"], error="access_denied")
        self.assertIn("CRM is not connected", page)
        self.assertIn("Consent was denied", page)
        self.assertEqual(self.token_server.asked, [])

    def test_another_error(self):
        said = {"error": "invalid_scope", "error_description": "<b>no</b>" + "x" * 999}
        page = self.come_back(state=self.begin()["state"], **said)
        self.assertIn("invalid_scope &lt;b&gt;no&lt;/b&gt;", page)
        self.assertNotIn("x" * 400, page)
        self.assertIn("without a code", self.come_back(state=self.begin()["state"]))

    def test_token_server_is_down(self):
        back = self.consent(self.begin())
        self.token_server.scripted = [Answer(503)]
        page = self.come_back(**back)
        self.assertIn("CRM is not connected", page)
        self.assertIn("503", page)
        self.assertNotIn(back["code"], page)

    def test_system_is_gone_meanwhile(self):
        with self.transaction() as env:
            twin = env["sync.backend"].browse(self.backend_id).copy()
            self.addCleanup(self.drop_backend, twin.id)
        action = self.call("sync.backend", "action_connect", [twin.id])
        asked = dict(parse_qsl(urlsplit(action["result"]["url"]).query))
        back = self.consent(asked)
        self.drop_backend(twin.id)
        self.assertNothing(self.come_back(**back))

    def drop_backend(self, backend_id):
        with self.transaction() as env:
            env["sync.backend"].browse(backend_id).exists().unlink()

    def test_what_is_missing_is_said(self):
        self.change_backend(oauth_authorize_url=False)
        with mute_logger("odoo.http"):
            answer = self.call("sync.backend", "action_connect", [self.backend_id])
        self.assertIn("needs a consent address", json.dumps(answer))

    def test_code_is_in_no_log(self):
        """As Odoo's server logs a request."""
        back = self.consent(self.begin())
        line = f"GET {tokens.PATH}?{urlencode(back)} HTTP/1.1"
        record = logging.LogRecord(
            "werkzeug", logging.INFO, "", 0, '"%s" %s %s', (line, "200", "-"), None
        )
        self.assertTrue(logging.getLogger("werkzeug").filter(record))
        self.assertEqual(record.args[0], f"GET {tokens.PATH} HTTP/1.1")
        for value in back.values():
            self.assertNotIn(value, record.getMessage())

    def test_code_is_in_no_log_after_a_login(self):
        """Who was logged out meanwhile comes by the login page, as Odoo has it."""
        back = self.consent(self.begin())
        self.logout()
        response = self.url_open(
            f"{tokens.PATH}?{urlencode(back)}", allow_redirects=False
        )
        line = f"GET {response.headers['Location']} HTTP/1.1"
        self.assertIn(back["code"], line)
        record = logging.LogRecord(
            "werkzeug", logging.INFO, "", 0, '"%s" %s %s', (line, "200", "-"), None
        )
        self.assertTrue(logging.getLogger("werkzeug").filter(record))
        for value in back.values():
            self.assertNotIn(value, record.getMessage())

    def test_code_that_is_escaped_is_in_no_log(self):
        address = f"{tokens.PATH}?state=st4te&code=c0de"
        once = quote(address, safe="")
        for escaped in (once, once.lower(), quote(once, safe="")):
            line = f"GET /web/login?redirect={escaped} HTTP/1.1"
            record = logging.LogRecord(
                "werkzeug", logging.INFO, "", 0, '"%s" %s', (line, "200"), None
            )
            self.assertTrue(logging.getLogger("werkzeug").filter(record))
            for value in ("st4te", "c0de"):
                self.assertNotIn(value, record.getMessage())
            self.assertTrue(record.args[0].endswith("connect HTTP/1.1"), record.args)


@tagged("post_install", "-at_install")
class TestWhoMayConnect(ConnectCase):
    @mute_logger("odoo.http", "odoo.addons.base.models.ir_model")
    def test_only_system_administrators(self):
        for login in set(USERS) - {"sync_tour_system"}:
            self.log_in(login)
            for method in ("action_connect", "action_disconnect"):
                with self.subTest(login=login, method=method):
                    answer = self.call("sync.backend", method, [self.backend_id])
                    self.assertIn("error", answer)
            self.assertNothing(self.come_back(state="x", code="y"))

    def test_rights_are_taken_away_meanwhile(self):
        back = self.consent(self.begin())
        with self.transaction() as env:
            user = env["res.users"].search([("login", "=", "sync_tour_system")])
            groups = user.group_ids
            user.group_ids -= env.ref("base.group_system")
        try:
            self.assertNothing(self.come_back(**back))
        finally:
            with self.transaction() as env:
                user = env["res.users"].browse(user.id)
                user.group_ids = [Command.set(groups.ids)]

    def test_nobody(self):
        back = self.consent(self.begin())
        self.logout()
        response = self.url_open(
            f"{tokens.PATH}?{urlencode(back)}", allow_redirects=False
        )
        self.assertIn("/web/login", response.headers["Location"])
        self.assertEqual(self.token_server.asked, [])

    @mute_logger("odoo.http", "odoo.models", "odoo.sql_db")
    def test_no_role_reads_a_token(self):
        self.come_back(**self.consent(self.begin()))
        self.new_partner()
        self.run_pending()
        found = self.token_server.given[-1]
        for login in USERS:
            self.log_in(login)
            for model in MODELS:
                fields = self.call(model, "fields_get").get("result", {})
                self.assertFalse({"oauth_refresh_token", "access"} & fields.keys())
                ids = self.call(model, "search", []).get("result") or []
                for answer in (
                    self.call(model, "read", ids),
                    self.call(model, "web_search_read", [], dict.fromkeys(fields, {})),
                    self.call(model, "export_data", ids, list(fields)),
                ):
                    for token in found:
                        self.assertNotIn(token, json.dumps(answer))
