# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A network between a client and a server that can be cut, or lose answers."""

import socket
import threading
from contextlib import suppress

CHUNK = 65536  # bytes


class TcpProxy:
    """Passes connections on from a port of its own; use it as a context manager.

    :param host: where the server listens, and on which ``port``
    """

    def __init__(self, host, port):
        self.host = "127.0.0.1"
        with socket.create_server((self.host, 0)) as probe:
            self.port = probe.getsockname()[1]
        self.dropped = 0  # answers lost so far
        self._target = (host, port)
        self._listener = None
        self._pairs = set()
        self._lock = threading.Lock()
        self._marks = ()
        self._silent = False

    def start(self):
        """Take connections, from now on or again."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self.port))
        listener.listen()
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self):
        """Refuse new connections and break the open ones; harmless when stopped."""
        listener, self._listener = self._listener, None
        if listener:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the waiting thread
            listener.close()
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            _close(*pair)

    def is_running(self):
        """Tell whether connections are taken."""
        return self._listener is not None

    def drop_answers(self, *marks):
        """Break a connection when the server answers what contains one of the marks.

        The server has done by then what it was asked for. No mark: lose nothing.

        :param marks: bytes strings
        """
        self._marks = marks

    def hush(self, silent=True):
        """Keep connections, and pass no answer on."""
        self._silent = silent

    def _accept(self, listener):
        while True:
            try:
                client, _address = listener.accept()
            except OSError:  # stopped
                return
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            asked = threading.Event()
            for method in (self._pass_questions, self._pass_answers):
                threading.Thread(target=method, args=(pair, asked), daemon=True).start()
            if self._listener is not listener:  # stopped meanwhile
                _close(*pair)

    def _pass_questions(self, pair, asked):
        client, server = pair
        for data in _received(client):
            if any(mark in data for mark in self._marks):
                asked.set()
            with suppress(OSError):
                server.sendall(data)
        self._end(pair)

    def _pass_answers(self, pair, asked):
        client, server = pair
        for data in _received(server):
            if asked.is_set():
                self.dropped += 1
                break
            if self._silent:
                continue
            with suppress(OSError):
                client.sendall(data)
        self._end(pair)

    def _end(self, pair):
        with self._lock:
            self._pairs.discard(pair)
        _close(*pair)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()


def _received(connection):
    """Yield what arrives until the connection ends."""
    while True:
        try:
            data = connection.recv(CHUNK)
        except OSError:
            return
        if not data:
            return
        yield data


def _close(*connections):
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
