# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What every judge of a recipe is asked, and the address at which Odoo reaches it."""

import json
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from support import processes

REAL = "real"
SPECIFICATION = "specification"
DOUBLE = "double"
# What can be judged, in the order of the table.
CASES = ("create", "update", "noop", "remove", "adopt", "refuse", "many")
TIMEOUT = 30  # seconds
# What belongs to one connection, and not to what is passed on.
HOP_BY_HOP = {
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "transfer-encoding",
}


@dataclass(frozen=True)
class Odd:
    """A contact that a judge refuses.

    :param values: of the contact in Odoo
    :param says: what the judge says to it, which Odoo has to tell
    """

    values: dict
    says: str


class Call(NamedTuple):
    """A request as it arrives.

    :param path: without the query, escapes resolved
    :param query: list of names and values
    """

    method: str
    path: str
    query: list
    headers: CaseInsensitiveDict
    body: bytes

    def json(self):
        """Return the body, None where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def form(self):
        """Return the form in the body, as a dict."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace")))

    def value(self, name):
        """Return a parameter of the query, None where it is not there."""
        return dict(self.query).get(name)


class Answer(NamedTuple):
    """What is answered to a request."""

    status: int
    body: bytes = b""
    headers: dict = {}


class Entry(NamedTuple):
    """A line of a judge's journal."""

    method: str
    target: str
    body: str
    status: int
    answer: str

    def __str__(self):
        lines = (f"{self.method} {self.target}", self.body, f"-> {self.status}")
        return " ".join(part[:600] for part in (*lines, self.answer) if part)


class Judge:
    """A system that says whether what a recipe sends is right.

    :cvar name: what the table says of it
    :cvar kind: ``REAL``, ``SPECIFICATION`` or ``DOUBLE``
    :cvar heavy: whether it is for the whole run only
    :cvar cases: those that it can judge
    :cvar odd: the :class:`Odd` contact, None where it refuses none
    :cvar form: settings of system and synchronization, where there is no recipe
    """

    name = ""
    kind = REAL
    heavy = False
    cases = CASES
    odd = None
    form = None

    def __init__(self):
        self.url = None
        self.journal = []
        # what the recipe asks for: its names and what is answered
        self.answers = {}
        self.secret = "the-secret-of-this-test"
        self._open = ExitStack()

    def start(self):
        """Have it listen; it answers at ``self.url`` when this returns."""
        self.url = self._open.enter_context(listening(self))

    def stop(self):
        """End whatever was started."""
        self._open.close()

    def answer(self, call):
        """Answer one request, see :class:`Call` and :class:`Answer`."""
        raise NotImplementedError

    def held(self, email):
        """Return what it holds of a contact, by the ids there.

        :return: dict of texts, in which the values are found
        """
        raise NotImplementedError

    def plant(self, email, name):
        """Have a contact that somebody else made there.

        :return: its id
        """
        raise NotImplementedError

    def touch(self, record_id):
        """Have somebody else change a record, where there are versions of records."""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()


class Forwarding(Judge):
    """A judge in a process of its own: what reaches it is noted on the way."""

    def __init__(self):
        super().__init__()
        self.origin = None  # where it really listens
        self._http = threading.local()

    def answer(self, call):
        query = "&".join(call.query)
        url = f"{self.origin}{call.path}{'?' + query if query else ''}"
        headers = {
            name: value
            for name, value in call.headers.items()
            if name.lower() not in HOP_BY_HOP | {"host", "accept-encoding"}
        }
        said = self.session.request(
            call.method,
            url,
            headers={"Accept-Encoding": "identity", **headers},
            data=call.body or None,
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        kept = {
            name: value
            for name, value in said.headers.items()
            if name.lower() not in HOP_BY_HOP
        }
        return Answer(said.status_code, said.content, kept)

    @property
    def session(self):
        """The ``requests.Session`` of this thread."""
        if not hasattr(self._http, "session"):
            self._http.session = requests.Session()
        return self._http.session


def listening(judge):
    """Have a judge answer on loopback while the body runs, see :class:`_Server`."""
    return _Server(judge)


class _Server:
    """Gives the address; notes each request and what was answered."""

    def __init__(self, judge):
        handler = type("Handler", (_Handler,), {"judge": judge})
        self._server = ThreadingHTTPServer((processes.LOOPBACK, 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        host, port = self._server.server_address
        return f"http://{host}:{port}"

    def __exit__(self, *_exception):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that a kept connection may be quiet
    judge = None

    def _handle(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        raw = isinstance(self.judge, Forwarding)
        call = Call(
            self.command,
            parts.path if raw else unquote(parts.path),
            [parts.query] if raw else parse_qsl(parts.query, keep_blank_values=True),
            CaseInsensitiveDict(self.headers.items()),
            body,
        )
        answer = self.judge.answer(call)
        self.judge.journal.append(
            Entry(
                self.command,
                self.path,
                body.decode("utf-8", "replace"),
                answer.status,
                answer.body.decode("utf-8", "replace"),
            )
        )
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.status not in (204, 304):
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def log_message(self, *_args):
        """The journal has it."""
