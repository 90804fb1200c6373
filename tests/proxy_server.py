# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A real HTTP proxy for tests: it listens on loopback and keeps a journal."""

import base64
import http.client
import http.server
import select
import socket
import threading
from urllib.parse import urlsplit

# Bytes that are handed on at once.
PIECE = 65536


class HttpProxy:
    """A proxy in a thread, for use in a ``with`` statement.

    ``asked`` has a tuple of each request: its method, what it asked for, and whom it
    said to be (``user:password``, or ``None``). What goes through a tunnel is no
    request of the proxy's.

    :param login: ``user:password`` that it asks for; none if empty
    :param answers: status that it answers instead of doing what it is asked
    :param raw: bytes that it answers instead
    """

    def __init__(self, login="", answers=None, raw=b""):
        self.login = login
        self.answers = answers
        self.raw = raw
        self.asked = []
        self.headers = []
        self.tunnelled = b""  # as it came from the client

    def __enter__(self):
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", 0), handler)
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
        self._server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """A client that hangs up is part of what is tested."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy = None

    def is_refused(self):
        """Note a request, and answer it if the proxy does not do what it asks for."""
        kind, _blank, login = self.headers.get("Proxy-Authorization", "").partition(" ")
        login = base64.b64decode(login).decode() if kind == "Basic" else None
        self.proxy.asked.append((self.command, self.path, login))
        self.proxy.headers.append(self.headers)
        if self.proxy.raw:
            self.wfile.write(self.proxy.raw)
            self.close_connection = True
            return True
        status = self.proxy.answers
        if self.proxy.login and login != self.proxy.login:
            status = 407
        if status:
            self.close_connection = True
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
        return bool(status)

    def do_CONNECT(self):
        if self.is_refused():
            return
        host, _colon, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.tunnel(there)
        self.close_connection = True

    def tunnel(self, there):
        here = self.connection
        while True:
            for sock in select.select([here, there], [], [])[0]:
                piece = sock.recv(PIECE)
                if not piece:
                    return
                if sock is here:
                    self.proxy.tunnelled += piece
                (there if sock is here else here).sendall(piece)

    def forward(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.is_refused():
            return
        parts = urlsplit(self.path)
        headers = {
            name: value
            for name, value in self.headers.items()
            if not name.lower().startswith("proxy-")
        }
        there = http.client.HTTPConnection(parts.netloc)
        target = parts._replace(scheme="", netloc="").geturl() or "/"
        there.request(self.command, target, body, headers)
        answer = there.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("server", "date"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        there.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward

    def log_message(self, *args):
        """The journal is in ``asked``."""
