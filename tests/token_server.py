# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A destination that lets in who has a token, and the server that gives them."""

import base64
import hashlib
import itertools
import time
from urllib.parse import parse_qsl, unquote_plus, urlencode

from .servers import Answer, HttpDestination

CLIENT_ID, CLIENT_SECRET = "odoo@example.com", "cl13nt/s3cret+x"


class TokenDestination(HttpDestination):
    """A REST API whose requests need a token, which it gives at ``/token``.

    As RFC 6749 has it, with rotation and the detection of RFC 9700 section 4.14.2: who
    brings a token to renew with that was used before loses all that came of it.

    :ivar life: seconds that access lasts; ``None`` if it does not say
    :ivar rotates: each renewal gives another token to renew with
    :ivar repeats: each renewal gives that which it was asked with
    :ivar consents: whether the user does who is sent to its page at ``/consent``
    :ivar is_closed: it lets nobody in
    :ivar echoes: it refuses everything, and repeats the token that it was shown
    :ivar given: pairs of what was given: access, and what to renew it with
    :ivar renewals: what it was asked to renew with, in order
    """

    def __init__(self, **options):
        super().__init__(**options)
        self.life, self.rotates, self.slow = 3600, True, 0
        self.repeats = False
        self.consents, self.is_closed, self.echoes = True, False, False
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

    def reply(self, request):
        if request.path != "/token":
            return super().reply(request)
        with self._lock:
            # what is scripted is for the API
            self.requests.append(request)
            return self._obey(request)

    def _obey(self, request):
        path, _mark, query = request.path.partition("?")
        if path == "/consent":
            return self._send_back(dict(parse_qsl(query)))
        if path == "/token":
            answer = self._token(request)
            answer.delay = answer.delay or self.slow
            return answer
        scheme, _blank, token = request.headers.get("Authorization", "").partition(" ")
        if self.is_closed or self._ends.get(token, 0) < time.monotonic():
            return Answer(401, {"message": "invalid token", "given": token})
        self.on_request()
        if self.echoes:
            said = {"message": f"what is {token}?"}
            return Answer(422, said, headers={"X-Echo": token})
        return super()._obey(request)

    def _send_back(self, asked):
        """Consent, as the user of a page would."""
        code = self.consent(asked["redirect_uri"], asked["code_challenge"])
        back = {"code": code} if self.consents else {"error": "access_denied"}
        query = urlencode({"state": asked["state"], **back})
        return Answer(302, headers={"Location": f"{asked['redirect_uri']}?{query}"})

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
        elif family is not None and self.repeats:
            said["refresh_token"] = refresh
        self.given.append((access, refresh))
        return Answer(200, said)

    def _new_refresh(self, family):
        refresh = f"r3fresh-{next(self._number):06}-token"
        self._family[refresh] = family
        self._live.add(refresh)
        return refresh
