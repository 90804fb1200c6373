# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The destination of all peers: a lean HTTP server, so that it is never the limit.

It does nothing but wait for the latency it was told, answer, and note when the first
byte of each contact's request arrived (seconds of the machine's monotonic clock, which
all its processes share). A contact is told by its mail address; one request may have
many of them, below ``/many``, and is answered with an id for each. Started by
``lean_process.py``; the port is the first line that it prints, and its only
argument is the port to take, 0 for a free one.
"""

import asyncio
import json
import re
import sys
import time

EMAIL = re.compile(rb'"email": ?"([^"]*)"')
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
MANY = b"/many"
CONTROL = b"/control"
ARRIVAL = CONTROL + b"/arrival/"  # and a mail address


class State:
    """What the destination was told and what it has seen."""

    def __init__(self):
        self.latency = 0.0  # seconds
        self.hang = set()  # mail addresses of contacts that get no answer for now
        self.released = asyncio.Event()
        self.numbers = 0
        self.reset()

    def reset(self):
        """Forget what was seen."""
        self.first = {}  # arrival of each contact's first request
        self.last = {}  # arrival of each contact's latest request
        self.requests = 0
        self.hanging = 0
        self.answered_at = None  # when the latest answer was given

    def tell(self, settings):
        """Take settings over.

        :param settings: dict that may hold ``latency``, ``hang`` (list) and ``reset``
        """
        if settings.get("reset"):
            self.reset()
        self.latency = settings.get("latency", self.latency)
        if "hang" in settings:
            self.hang = set(settings["hang"])
            self.released.set()
            self.released = asyncio.Event()

    def counts(self):
        """Return the figures that are asked for again and again."""
        return {
            "contacts": len(self.first),
            "requests": self.requests,
            "hanging": self.hanging,
            "answered_at": self.answered_at,
        }


class Connection(asyncio.Protocol):
    """One kept-alive connection; requests on it are answered in turn."""

    def __init__(self, state):
        self._state = state
        self._buffer = b""
        self._began = None
        self._queue = asyncio.Queue()

    def connection_made(self, transport):
        self._transport = transport
        self._task = asyncio.ensure_future(self._serve())

    def connection_lost(self, _error):
        self._task.cancel()

    def data_received(self, data):
        if not self._buffer:
            self._began = time.monotonic()
        self._buffer += data
        while (head := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self._buffer, 0, head)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < end:
                if b"100-continue" in self._buffer[:head]:
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            line = self._buffer[: self._buffer.find(b"\r\n")]
            self._queue.put_nowait((self._began, line, self._buffer[head + 4 : end]))
            self._buffer = self._buffer[end:]

    async def _serve(self):
        while True:
            began, line, body = await self._queue.get()
            method, path, _version = line.split(b" ", 2)
            if path.startswith(CONTROL):
                self._answer(200, self._control(method, path, body))
            else:
                await self._contact(began, method, path, body)

    def _control(self, method, path, body):
        if method == b"POST":
            self._state.tell(json.loads(body))
        elif path == CONTROL + b"/arrivals":
            return {"first": self._state.first, "last": self._state.last}
        elif path.startswith(ARRIVAL):
            return {"first": self._state.first.get(path[len(ARRIVAL) :].decode())}
        return self._state.counts()

    async def _contact(self, began, method, path, body):
        state = self._state
        emails = [found.decode() for found in EMAIL.findall(body)]
        for email in emails:
            state.first.setdefault(email, began)
            state.last[email] = began
        state.requests += 1
        if state.hang.intersection(emails):
            state.hanging += 1
            try:
                await state.released.wait()
            finally:
                state.hanging -= 1
        elif state.latency:
            await asyncio.sleep(state.latency)
        state.answered_at = time.monotonic()
        if path.endswith(MANY):
            self._answer(200, {"results": [self._created() for _email in emails]})
        elif method == b"POST":
            self._answer(201, self._created())
        else:
            self._answer(200, {"id": path.rsplit(b"/", 1)[-1].decode()})

    def _created(self):
        self._state.numbers += 1
        return {"id": f"C-{self._state.numbers}"}

    def _answer(self, status, content):
        body = json.dumps(content).encode()
        self._transport.write(
            b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (status, len(body), body)
        )


async def main():
    """Serve until the process is ended."""
    state = State()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(state), "127.0.0.1", int(sys.argv[1]), backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
