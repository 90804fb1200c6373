# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A REST API for the kit."""

import dataclasses
import json
import time
from email.utils import formatdate

from ..servers import Answer, HttpDestination
from .destination import (
    BABBLE,
    BLOCK,
    BUSY,
    BUSY_DATE,
    DENY,
    DOWN,
    ECHO,
    FORGET,
    LOCKED,
    LOSE,
    MISLEAD,
    NAMELESS,
    REFUSE,
    REFUSED,
    RETRY_AFTER,
    SILENT,
    STUMBLE,
    THROTTLE,
    THROTTLE_DATE,
    Destination,
)
from .tcp_proxy import TcpProxy

TOKEN = "r3st-t0ken/of+the=kit"
WRITES = (b"POST ", b"PUT ", b"PATCH ", b"DELETE ")
# How it asks to wait: the status, and whether it names a date.
WAITS = {
    THROTTLE: (429, False),
    THROTTLE_DATE: (429, True),
    BUSY: (503, False),
    BUSY_DATE: (503, True),
}
# What can be no id.
NO_IDS = (
    {"id": {"id": 1}},
    {"id": ""},
    {"id": "x" * 5000},
    {"id": True},
    {"id": []},
    {},
)


class Api(HttpDestination):
    """The API of the other tests, which now also looks at the token."""

    fault = None
    token = TOKEN

    def _obey(self, request):
        shown = request.headers.get("Authorization", "")
        refused = self.is_refused(request)
        if shown != f"Bearer {self.token}":
            return Answer(401, {"message": f"{shown} is not welcome"})
        if self.fault == ECHO:
            return Answer(422, {"message": f"{shown} may not do that"})
        if self.fault == REFUSE and refused:
            return Answer(422, {"message": "no such name, please"})
        if self.fault == STUMBLE:
            return Answer(500, {"message": "something went wrong"})
        if self.fault == DENY and refused:
            return Answer(200, {"success": False, "message": "no such name, please"})
        if self.fault == BLOCK and refused:
            return Answer(403, "<html><h1>Request blocked</h1></html>")
        if self.fault == MISLEAD and request.path.count("/") > 1:
            text = f"<pre>Cannot {request.method} {request.path}</pre>"
            return Answer(404, text)
        if self.fault == BABBLE:
            return self._babble(request, refused)
        if self.fault == NAMELESS and request.method == "POST":
            super()._obey(request)
            return Answer(201, NO_IDS[len(self.requests) % len(NO_IDS)])
        if self.fault in WAITS:
            return self._waits(*WAITS[self.fault])
        return super()._obey(request)

    def is_refused(self, request):
        """Return whether the name of what is sent begins with ``REFUSED``."""
        return str((request.json or {}).get("name", "")).startswith(REFUSED)

    @staticmethod
    def _waits(status, names_date):
        # RFC 9110 section 10.2.3
        date = formatdate(time.time() + RETRY_AFTER, usegmt=True)
        wait = date if names_date else str(RETRY_AFTER)
        return Answer(status, headers={"Retry-After": wait})

    def _babble(self, request, refused):
        """Answer in megabytes, nested deeply, in no text, or in another encoding."""
        answer = Answer(422, {}) if refused else HttpDestination._obey(self, request)
        said = json.dumps({**(answer.body or {}), "note": "\0łódź"}).removesuffix("}")
        deep = "[" * 100_000 + "]" * 100_000
        more, encoding = (
            ("x" * 2_000_000, "utf-8"),
            (deep, "utf-8"),
            ("é", "latin-1"),
            ("é", "utf-16"),
        )[len(self.requests) % 4]
        more = more if more is deep else f'"{more}"'
        body = f'{said}, "all": {more}}}'
        return dataclasses.replace(answer, body=body.encode(encoding))


class RestDestination(Destination):
    secrets = (TOKEN,)
    api_class = Api

    def __init__(self):
        self._api = self.api_class()
        self._proxy = None

    def start(self):
        self._api.__enter__()
        self._proxy = TcpProxy("127.0.0.1", self._api.port)
        self._proxy.start()

    def stop(self):
        if self._proxy is not None:
            self._proxy.stop()
            self._api.__exit__()

    def backend_values(self):
        return {
            "transport": "rest",
            "url": f"http://localhost:{self._proxy.port}",
            "auth": "bearer",
            "auth_secret": TOKEN,
            "repeats_are_safe": True,
        }

    def stream_values(self):
        return {"endpoint": "contacts"}

    def records(self):
        return list(self._api.records.values())

    @property
    def requests(self):
        """All requests that arrived."""
        return self._api.requests

    def answer(self, *args, **options):
        """Answer the next requests as told, see :meth:`.HttpDestination.answer`."""
        self._api.answer(*args, **options)

    def fault(self, kind):
        self._api.fault = kind
        self._proxy.hush(kind == SILENT)
        if kind == DOWN:
            self._proxy.stop()
        if kind == LOCKED:
            self._api.token = "another"
        if kind == FORGET:
            self._api.records.clear()
        if kind == LOSE:
            self._proxy.drop_answers(*WRITES)

    def mend(self):
        self._api.fault, self._api.token = None, TOKEN
        self._proxy.drop_answers()
        self._proxy.hush(False)
        self._proxy.stop()
        self._proxy.start()
