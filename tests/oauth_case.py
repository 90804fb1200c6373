# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A destination that lets in who has a token, and the server that gives them."""

import base64
import hashlib
import itertools
import time
from unittest.mock import patch
from urllib.parse import parse_qsl, unquote_plus

from odoo.modules.registry import DummyRLock, Registry
from odoo.tools import SQL

from ..engine import tokens
from .common import DeliveryCase, backend_values
from .servers import Answer, HttpDestination

CLIENT_ID, CLIENT_SECRET = "odoo@example.com", "cl13nt/s3cret+x"


class TokenDestination(HttpDestination):
    """A REST API whose requests need a token, which it gives at ``/token``.

    As RFC 6749 has it, with rotation and the detection of RFC 9700 section 4.14.2: who
    brings a token to renew with that was used before loses all that came of it.

    :ivar life: seconds that access lasts; ``None`` if it does not say
    :ivar rotates: each renewal gives another token to renew with
    :ivar given: pairs of what was given: access, and what to renew it with
    :ivar renewals: what it was asked to renew with, in order
    """

    def __init__(self, **options):
        super().__init__(**options)
        self.life, self.rotates, self.slow = 3600, True, 0
        self.given, self.renewals, self.asked = [], [], []
        self.codes = {}
        self.scripted = []  # answers of the token server alone
        self.on_token = self.on_request = lambda: None  # called while it is asked
        self._ends, self._family, self._live = {}, {}, set()
        self._number = itertools.count(1)

    def begin(self):
        """:return: a token to renew with, as somebody gets it who has consented"""
        return self._new_refresh(next(self._number))

    def consent(self, page, challenge):
        """:return: a code for who has been sent to that page"""
        code = f"c0de-{next(self._number):06}-of-consent"
        self.codes[code] = page, challenge
        return code

    def revoke_access(self):
        """Have all access end that was given."""
        self._ends.clear()

    def revoke(self):
        """Have all end that somebody has consented to."""
        self._ends.clear()
        self._live.clear()

    @property
    def access(self):
        """The access that was given last."""
        return self.given[-1][0]

    def _obey(self, request):
        path, _mark, _query = request.path.partition("?")
        if path == "/token":
            answer = self._token(request)
            answer.delay = self.slow
            return answer
        scheme, _blank, token = request.headers.get("Authorization", "").partition(" ")
        if self._ends.get(token, 0) < time.monotonic():
            return Answer(401, {"message": "invalid token", "given": token})
        self.on_request()
        return super()._obey(request)

    def _token(self, request):
        form = dict(parse_qsl(request.body.decode()))
        self.asked.append((dict(request.headers), form))
        if form["grant_type"] == "refresh_token":
            self.renewals.append(form["refresh_token"])
        self.on_token()
        if self.scripted:
            return self.scripted.pop(0)
        if not self._is_client(request.headers, form):
            return Answer(401, {"error": "invalid_client"})
        return getattr(self, f"_by_{form['grant_type']}")(form)

    @staticmethod
    def _is_client(headers, form):
        scheme, _blank, pair = headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            user, _colon, secret = base64.b64decode(pair).decode().partition(":")
            shown = unquote_plus(user), unquote_plus(secret)
        else:
            shown = form.get("client_id"), form.get("client_secret")
        return shown == (CLIENT_ID, CLIENT_SECRET)

    def _by_client_credentials(self, form):
        return self._give(None)

    def _by_authorization_code(self, form):
        page, challenge = self.codes.pop(form["code"], (None, None))
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if page != form["redirect_uri"] or proof != challenge:
            return Answer(400, {"error": "invalid_grant"})
        return self._give(next(self._number))

    def _by_refresh_token(self, form):
        refresh = form["refresh_token"]
        family = self._family.get(refresh)
        if refresh not in self._live:
            # a thief has it, or we have lost the one after it
            self._live -= {e for e, f in self._family.items() if f == family}
            self._ends.clear()
            said = {"error": "invalid_grant", "error_description": f"not {refresh}"}
            return Answer(400, said)
        if self.rotates:
            self._live.discard(refresh)
        return self._give(family, refresh)

    def _give(self, family, refresh=None):
        access = f"acc3ss-{next(self._number):06}-token"
        self._ends[access] = time.monotonic() + (self.life or 3600)
        said = {"access_token": access, "token_type": "bearer"}
        if self.life is not None:
            said["expires_in"] = self.life
        if family is not None and (self.rotates or not refresh):
            refresh = said["refresh_token"] = self._new_refresh(family)
        self.given.append((access, refresh))
        return Answer(200, said)

    def _new_refresh(self, family):
        refresh = f"r3fresh-{next(self._number):06}-token"
        self._family[refresh] = family
        self._live.add(refresh)
        return refresh


class OAuthCase(DeliveryCase):
    """A system that is reached by OAuth 2."""

    auth = "oauth_code"

    def setUp(self):
        self.token_server = self.enterContext(TokenDestination())
        # the runner of the tests holds it, and would keep every other thread out
        self.enterContext(patch.object(Registry, "_lock", DummyRLock()))
        super().setUp()
        if self.auth == "oauth_code":
            self.change_backend(oauth_refresh_token=self.token_server.begin())

    @property
    def destination_class(self):
        """The same server: it knows the tokens that it has given."""
        return lambda: _Kept(self.token_server)

    def backend_values(self):
        return backend_values(
            url=f"{self.token_server.url}/api",
            auth=self.auth,
            oauth_token_url=f"{self.token_server.url}/token",
            oauth_authorize_url=f"{self.token_server.url}/consent?prompt=consent",
            oauth_client_id=CLIENT_ID,
            oauth_client_secret=CLIENT_SECRET,
        )

    def held(self):
        """Return what is known of the access, as committed."""
        with self.transaction() as env:
            return tokens.read(env.cr, self.backend_id)

    def refresh(self):
        """Return the token to renew with, as committed."""
        with self.transaction() as env:
            return env["sync.backend"].browse(self.backend_id)._secret(tokens.REFRESH)

    def current(self, spent=None):
        """Return the access that a worker has, renewed if it has to be."""
        return tokens.current(self.registry, self.backend_id, spent).access

    def let_pass(self, seconds):
        """Let time pass for what is known of the access."""
        with self.transaction() as env:
            env.cr.execute(
                SQL(
                    "UPDATE sync_token SET granted = granted - %(time)s,"
                    " expires = expires - %(time)s, failed = failed - %(time)s"
                    " WHERE backend_id = %(id)s",
                    time=SQL("%s * interval '1 second'", seconds),
                    id=self.backend_id,
                )
            )

    def sent(self):
        """Return what arrived beside what the token server was asked."""
        return [
            f"{each.method} {each.path}"
            for each in self.token_server.requests
            if each.path != "/token"
        ]

    def open_incident(self):
        """Return kind and reason of the open incident of the system, as a tuple."""
        found = self.read(
            "sync.incident",
            [("backend_id", "=", self.backend_id), ("closed", "=", False)],
            ["kind", "reason", "stream_id"],
        )
        return found and (found[0]["kind"], found[0]["reason"])


class _Kept:
    """A server that whoever enters it does not own."""

    def __init__(self, server):
        self._server = server

    def __enter__(self):
        return self._server

    def __exit__(self, *exc_info):
        """Whoever has started it stops it."""
