# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Small stateful stand-ins for systems that cannot be had, written from what their
vendors document: addresses, envelopes, refusals and searches, in memory.

A double says nothing about what a vendor does beside its documents. The table of
recipes says which judges are doubles.
"""

import base64
import json
import re
import secrets
import threading

from support.judges import judge
from support.judges.judge import Answer

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
JSON = "application/json"


def route(method, pattern):
    """Mark what answers a request.

    :param pattern: of the path; ``{name}`` is one part of it, given to the method
    """

    def marked(function):
        function.routes = [*getattr(function, "routes", ()), (method, pattern)]
        return function

    return marked


class Said(Exception):
    """What a request is answered, instead of what was about to be."""

    def __init__(self, status, content=None, headers=None):
        super().__init__(status, content)
        self.answer = (status, content, headers or {})


class Double(judge.Judge):
    """A stand-in. A subclass has methods marked by :func:`route`, which are given a
    ``Call`` and return a status, an answer for JSON and perhaps headers.

    :cvar email: where in a record its mail address is
    """

    kind = judge.DOUBLE
    media_type = JSON
    email = "email"

    def __init__(self):
        super().__init__()
        self.records = {}
        self._numbers = iter(range(1001, 10**9))
        self._lock = threading.RLock()
        routes = [
            (method, pattern, name)
            for name in dir(type(self))
            for method, pattern in getattr(getattr(type(self), name), "routes", ())
        ]
        # a name that is spelt out before one that may be anything
        routes.sort(key=lambda each: each[1].count("{"))
        self._routes = [
            (method, _pattern(pattern), name) for method, pattern, name in routes
        ]

    # -- what a vendor changes ----------------------------------------------------

    def authorized(self, call):
        """Tell whether a request has the credentials."""
        return call.headers.get("Authorization") == f"Bearer {self.secret}"

    def refused_at_the_door(self):
        """Return what is answered without the credentials."""
        return 401, {"message": "Unauthorized"}, {}

    def missing(self):
        """Return what is answered where there is nothing."""
        return 404, {"message": "Not Found"}, {}

    def check(self, record, record_id=None):
        """Refuse what the vendor refuses, by :class:`Said`.

        :param record_id: of the record that is changed, None for a new one
        """

    def new_id(self):
        """Return the next id, a text."""
        return str(next(self._numbers))

    def planted(self, email, name):
        """Return a record as somebody else would have made it."""
        return {self.email: email, "name": name}

    # -- what all share -----------------------------------------------------------

    def answer(self, call):
        with self._lock:
            status, content, headers = self._answer(call)
        body = b"" if content is None else json.dumps(content).encode()
        if content is not None:
            headers = {"Content-Type": self.media_type, **headers}
        return Answer(status, body, headers)

    def _answer(self, call):
        try:
            for method, pattern, name in self._routes:
                match = method == call.method and pattern.fullmatch(call.path)
                if not match:
                    continue
                is_open = getattr(getattr(self, name), "is_open", False)
                if not is_open and not self.authorized(call):
                    return self.refused_at_the_door()
                said = getattr(self, name)(call, **match.groupdict())
                return (*said, {})[:3]
        except Said as said:
            return said.answer
        return self.missing()

    def stored(self, record):
        """Keep a new record.

        :return: its id
        """
        self.check(record)
        record_id = self.new_id()
        self.records[record_id] = record
        return record_id

    def changed(self, record_id, values):
        """Change a record.

        :return: the record
        """
        record = {**self.got(record_id), **values}
        self.check(record, record_id)
        self.records[record_id] = record
        return record

    def got(self, record_id):
        """Return a record, or refuse."""
        if record_id not in self.records:
            raise Said(*self.missing())
        return self.records[record_id]

    def removed(self, record_id):
        """Remove a record, or refuse."""
        self.got(record_id)
        del self.records[record_id]

    def others(self, name, value, record_id=None):
        """Return the ids of the other records with a value, without regard to case."""
        wanted = str(value).lower()
        return [
            other
            for other, record in self.records.items()
            if other != record_id and str(record.get(name)).lower() == wanted
        ]

    def held(self, email):
        with self._lock:
            return {
                record_id: json.dumps(record)
                for record_id, record in self.records.items()
                if email.lower() in json.dumps(record).lower()
            }

    def plant(self, email, name):
        with self._lock:
            record_id = self.new_id()
            self.records[record_id] = self.planted(email, name)
        return record_id


class Granting(Double):
    """A double that gives out tokens itself (RFC 6749 sections 4.4 and 6).

    A refresh token is good once: each answer to one has the next.

    :cvar token_path: path of its token endpoint
    """

    token_path = ""
    scheme = "Bearer"
    client = "the-client"

    def __init__(self):
        super().__init__()
        self.answers["client"] = self.client
        self.tokens = set()
        self.refresh_token = "the-first-refresh-token"
        self._routes.append(
            ("POST", re.compile(re.escape(self.token_path)), "give_token")
        )

    def give_token(self, call):
        form = call.form()
        pair = f"{self.client}:{self.secret}".encode()
        basic = f"Basic {base64.b64encode(pair).decode()}"
        named = (form.get("client_id"), form.get("client_secret"))
        known = call.headers.get("Authorization") == basic
        if not known and named != (self.client, self.secret):
            return 401, {"error": "invalid_client"}
        grant = form.get("grant_type")
        if grant == "refresh_token" and form.get("refresh_token") != self.refresh_token:
            return 400, {"error": "invalid_grant"}
        if grant not in ("refresh_token", "client_credentials"):
            return 400, {"error": "unsupported_grant_type"}
        token = secrets.token_urlsafe(16)
        self.tokens.add(token)
        given = {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
        if grant == "refresh_token":
            self.refresh_token = given["refresh_token"] = secrets.token_urlsafe(16)
        return 200, given

    give_token.is_open = True

    def authorized(self, call):
        scheme, _blank, token = call.headers.get("Authorization", "").partition(" ")
        return scheme == self.scheme and token in self.tokens


def _pattern(path):
    quoted = re.escape(path)
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", quoted))


def basic(call):
    """Return the user and the password of a request."""
    scheme, _blank, code = call.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return "", ""
    user, _colon, password = base64.b64decode(code).decode().partition(":")
    return user, password


def is_email(value):
    """Tell whether a value may be a mail address."""
    return bool(EMAIL.fullmatch(str(value or "")))


def merged(old, new):
    """Return an object with another put into it, also where they nest."""
    both = {**old}
    for name, value in new.items():
        inner = isinstance(value, dict) and isinstance(both.get(name), dict)
        both[name] = merged(both[name], value) if inner else value
    return both
