# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Real destinations for tests: they listen on loopback and keep a journal."""

import dataclasses
import http.server
import json
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request that arrived; ``headers`` ignore case."""

    method: str
    path: str
    headers: Any
    body: bytes

    @property
    def json(self):
        return json.loads(self.body) if self.body else None


@dataclass
class Answer:
    """What to answer once, see :meth:`HttpDestination.answer`."""

    status: int = 200
    body: Any = None
    headers: dict | None = None
    delay: float = 0
    drop: bool = False
    drip: float = 0
    announce: int = 0
    raw: bytes = b""

    def encode(self):
        """:return: headers and body as bytes"""
        if self.raw:
            return b"", self.raw
        body, kind = b"", "application/json"
        if isinstance(self.body, bytes):
            body = self.body
        elif isinstance(self.body, str):
            body, kind = self.body.encode(), "text/html"
        elif self.body is not None:
            body = json.dumps(self.body).encode()
        headers = {"Content-Type": kind, **(self.headers or {})}
        if self.status != 204:
            headers["Content-Length"] = str(len(body) + self.announce)
        head = f"HTTP/1.1 {self.status} Scripted\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return head.encode() + b"\r\n", body


class HttpDestination:
    """A REST API in a thread, for use in a ``with`` statement.

    It keeps records: ``POST /x`` creates one and answers its id, ``PUT`` and
    ``PATCH /x/<id>`` change it, ``DELETE`` removes it, ``GET`` shows it, and what is
    unknown is a 404. A ``POST`` with an ``Idempotency-Key`` that it has seen gets the
    first answer again. A ``strict`` one answers 422 to a key that comes with another
    request than before, as the draft of the IETF on that header has it.

    ``GET`` of what is in ``lists`` shows the records below it; another list is a 404.

    :param upsert: let ``PUT`` create what is unknown
    :param tls: ``ssl.SSLContext`` of the server, for https
    """

    strict = False

    def __init__(self, upsert=False, tls=None):
        self.upsert = upsert
        self.tls = tls
        self.requests = []
        self.records = {}
        self.lists = set()
        self.connections = 0
        # A function of an answer's bytes, for one that writes more or less than them:
        # it returns what is done one after the other, see ``_Handler.write_answer``.
        self.writes = None
        # Bytes that are sent to each new connection at once.
        self.greets = b""
        self._script = deque()
        self._replies = {}
        self._asked = {}  # by key
        self._ids = 0
        self._lost = 0
        self._lock = threading.Lock()
        self._sockets = set()

    def __enter__(self):
        handler = type("Handler", (_Handler,), {"destination": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.destination = self
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            daemon=True,
        )
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._server.shutdown()
        self._thread.join()
        self.disconnect()
        self._server.server_close()

    @property
    def port(self):
        return self._server.server_address[1]

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    def answer(self, status=200, body=None, *, times=1, **options):
        """Answer the next requests like this, whatever they ask for.

        :param body: ``str`` and ``bytes`` as they are, anything else as JSON
        :param times: number of requests
        :param headers: dictionary, added to the usual ones
        :param delay: seconds before the answer
        :param drop: close the connection instead of answering
        :param drip: seconds before each byte of the answer
        :param announce: bytes that are announced but never come
        :param raw: send these bytes, which need not be HTTP
        """
        self._script.extend([Answer(status, body, **options)] * times)

    def lose_answers(self, times=1):
        """Do what the next requests ask for, and close the connection unanswered."""
        with self._lock:
            self._lost += times

    def disconnect(self):
        """Close all open connections."""
        with self._lock:
            open_sockets = list(self._sockets)
        for sock in open_sockets:
            try:
                # Beneath TLS: no goodbye, and no harm to a thread that reads.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                continue

    def reply(self, request):
        """:return: the answer to a request: scripted, else that of the API"""
        with self._lock:
            self.requests.append(request)
            if self._script:
                return self._script.popleft()
            answer = self._obey(request)
            if self._lost:
                self._lost -= 1
                return dataclasses.replace(answer, drop=True)
            return answer

    def _obey(self, request):
        key = request.headers.get("Idempotency-Key")
        asked = request.method, request.path, request.body
        if self.strict and key and self._asked.setdefault(key, asked) != asked:
            return Answer(422, {"message": "this key was used for another request"})
        if request.method != "POST" or not key:
            return self._crud(request)
        if key not in self._replies:
            self._replies[key] = self._crud(request)
        return self._replies[key]

    def _crud(self, request):
        path = request.path.partition("?")[0].rstrip("/")
        if request.method == "POST":
            self._ids += 1
            self.records[f"{path}/{self._ids}"] = request.json
            return Answer(201, {"id": str(self._ids)})
        if request.method == "GET" and path in self.lists:
            below = f"{path}/"
            return Answer(
                200,
                [self.records[each] for each in self.records if each.startswith(below)],
            )
        known = path in self.records
        if not known and not (self.upsert and request.method == "PUT"):
            return Answer(404, {"message": "unknown"})
        if request.method == "DELETE":
            del self.records[path]
            return Answer(204)
        if request.method == "PATCH":
            self.records[path] = {**self.records[path], **request.json}
        elif request.method == "PUT":
            self.records[path] = request.json
        return Answer(200 if known else 201, self.records[path])


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def process_request(self, request, client_address):
        with self.destination._lock:
            self.destination.connections += 1
            self.destination._sockets.add(request)
        return super().process_request(request, client_address)

    def shutdown_request(self, request):
        with self.destination._lock:
            self.destination._sockets.discard(request)
        return super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """A client that hangs up is part of what is tested."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    destination = None

    def setup(self):  # pylint: disable=missing-return
        if self.destination.tls:
            # Here and not in the listening thread: a client that does not finish
            # the handshake only holds its own thread.
            plain = self.request
            self.request = self.destination.tls.wrap_socket(plain, server_side=True)
            with self.destination._lock:
                self.destination._sockets.discard(plain)
                self.destination._sockets.add(self.request)
        super().setup()
        self.wfile.write(self.destination.greets)

    def finish(self):  # pylint: disable=missing-return
        super().finish()
        if self.destination.tls:
            # The server itself only knows the plain socket that this one replaced.
            self.server.shutdown_request(self.request)

    def serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        request = Request(self.command, self.path, self.headers, body)
        answer = self.destination.reply(request)
        if answer.delay:
            time.sleep(answer.delay)
        head, body = answer.encode()
        if answer.drop:
            self.close_connection = True
        elif answer.drip:
            self._drip(head + body, answer.drip)
        else:
            self.write_answer(head + body)
        if answer.announce or (answer.raw and not answer.raw.startswith(b"HTTP/")):
            self.close_connection = True

    def write_answer(self, answer):
        """Write an answer: bytes, seconds to wait, ``None`` to end the connection."""
        writes = self.destination.writes
        for part in writes(answer) if writes else [answer]:
            if part is None:
                self.close_connection = True
            elif isinstance(part, bytes):
                self.wfile.write(part)
            else:
                time.sleep(part)

    def _drip(self, data, pause):
        for byte in data:
            time.sleep(pause)
            self.wfile.write(bytes([byte]))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve
    do_PROPFIND = serve

    def log_message(self, *args):
        """The journal is in ``requests``."""


class PasswordThief:
    """What looks like a PostgreSQL server and asks for the password in clear.

    It never lets anybody in: ``hang`` makes it silent once a client has connected,
    otherwise it notes the password and refuses it, or with ``refusal`` says these bytes
    instead of asking.
    PostgreSQL manual, "Message Formats".
    """

    def __init__(self, hang=False, refusal=None):
        self.hang = hang
        self.refusal = refusal
        self.passwords = []

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._clients = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        # Closing alone would not wake a thread that waits for a client.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in self._clients:
            client.close()
        self._thread.join()

    def _serve(self):
        while True:
            try:
                client, _address = self._listener.accept()
                self._clients.append(client)
                if not self.hang:
                    self._refuse(client)
            except (OSError, struct.error):
                if self._listener.fileno() < 0:
                    return

    def _refuse(self, client):
        self._packet(client)
        if self.refusal is None:
            self._ask(client)
        reason = self.refusal or b"password authentication failed"
        fields = b"SFATAL\0C28P01\0M" + reason + b"\0\0"
        client.sendall(b"E" + struct.pack("!I", 4 + len(fields)) + fields)
        client.close()

    def _ask(self, client):
        client.sendall(b"R" + struct.pack("!II", 8, 3))  # password in clear, please
        if client.recv(1) == b"p":
            self.passwords.append(self._packet(client).rstrip(b"\0").decode())

    def _packet(self, client):
        size = struct.unpack("!I", client.recv(4, socket.MSG_WAITALL))[0]
        return client.recv(size - 4, socket.MSG_WAITALL)
