# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Starts the destination of ``lean.py`` and asks what it has seen."""

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import requests

from support import processes

CONTROL_TIMEOUT = 10  # seconds


class Destination:
    """The process; down until :meth:`start`, and again after :meth:`stop`."""

    def __init__(self):
        self._process = None
        self._port = 0
        self._latency = 0  # seconds
        self._http = requests.Session()

    @property
    def url(self):
        """Address of the interface, for example ``http://127.0.0.1:8100/api``."""
        return f"http://{processes.LOOPBACK}:{self._port}/api"

    def start(self):
        """Start the process; it answers when this returns.

        :raises RuntimeError: when it does not start
        """
        server = Path(__file__).with_name("lean.py")
        self._process = processes.start(
            [sys.executable, server, str(self._port)], stdout=subprocess.PIPE
        )
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError("the destination did not start")
        self._port = int(line)

    def stop(self):
        """End the process; connections are refused from now on."""
        if self._process:
            processes.stop(self._process, 5)
            self._process.stdout.close()
            self._process = None
            self._http.close()

    def tell(self, **settings):
        """Change how it behaves: ``latency`` in seconds, ``hang`` (list of mail
        addresses whose requests get no answer), ``reset`` (forget what was seen).
        """
        self._control("post", json=settings)

    def counts(self):
        """Return how much has arrived: ``contacts``, ``requests``, ``hanging``,
        ``answered_at`` (monotonic seconds).
        """
        return self._control("get")

    def first_arrivals(self):
        """Return by mail address when each contact's first request arrived
        (monotonic seconds).
        """
        return self._control("get", "/arrivals")["first"]

    def first_arrival(self, email):
        """As :meth:`first_arrivals`, of one contact, None before it has arrived."""
        return self._control("get", f"/arrival/{email}")["first"]

    def last_arrivals(self):
        """As :meth:`first_arrivals`, of each contact's latest request."""
        return self._control("get", "/arrivals")["last"]

    def wait_for(self, contacts, seconds, every=0.05):
        """Wait until this many contacts have arrived since the last reset.

        :param seconds: how long that may take, in seconds
        :return: when the last of them was answered (monotonic seconds)
        :raises NotInTime: when it takes longer
        """
        processes.wait_until(
            lambda: self.counts()["contacts"] >= contacts,
            seconds,
            f"{contacts} contacts at the destination",
            every,
        )
        time.sleep(self._latency + 0.05)  # the last ones have only begun to arrive
        return self.counts()["answered_at"]

    @contextmanager
    def with_latency(self, seconds):
        """Answer after this many seconds while the body runs, else at once."""
        self.tell(latency=seconds)
        self._latency = seconds
        try:
            yield
        finally:
            self.tell(latency=0)
            self._latency = 0

    def _control(self, method, path="", **options):
        url = f"http://{processes.LOOPBACK}:{self._port}/control{path}"
        answer = self._http.request(method, url, timeout=CONTROL_TIMEOUT, **options)
        answer.raise_for_status()
        return answer.json()
