# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Starts and stops the CRM of ``crm.py`` and reads what it was sent."""

import json
import os
import secrets
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from e2e import processes


class Crm:
    """The CRM process: down until :meth:`start`, and again after :meth:`stop`.

    :param folder: existing folder for its SQLite file; what is there stays
    :param port: loopback TCP port; None takes a free one and keeps it
    """

    def __init__(self, folder, port=None):
        self.data = Path(folder) / "crm.sqlite"
        self.port = port
        self.token = secrets.token_urlsafe(24)
        self._process = None

    @property
    def url(self):
        """Address of the interface, for example ``http://127.0.0.1:8100/api``."""
        return f"http://{processes.LOOPBACK}:{self.port}/api"

    def start(self):
        """Start the process; it answers when this returns.

        :raises RuntimeError: when it ends at once, for example as its port is taken
        """
        server = Path(__file__).with_name("crm.py")
        self._process = processes.start(
            [
                sys.executable,
                server,
                "--data",
                self.data,
                "--port",
                str(self.port or 0),
            ],
            env={**os.environ, "CRM_TOKEN": self.token},
            stdout=subprocess.PIPE,
        )
        first_line = self._process.stdout.readline()
        if not first_line:
            self.stop()
            raise RuntimeError(f"the CRM did not start on port {self.port or 0}")
        self.port = json.loads(first_line)["port"]

    def stop(self):
        """End the process; connections are refused from now on."""
        if self._process:
            processes.stop(self._process, 5)
            self._process.stdout.close()
            self._process = None

    def journal(self):
        """Return every request so far, oldest first.

        :return: list of dicts with ``number``, ``time`` (seconds since the epoch),
            ``method``, ``path``, ``key`` (Idempotency-Key or None), ``body`` (object,
            or text when it is not JSON), ``status``, ``replayed``, ``contact`` (id)
        """
        with closing(sqlite3.connect(self.data)) as db:
            db.row_factory = sqlite3.Row
            rows = db.execute("SELECT * FROM journal ORDER BY number").fetchall()
        return [
            {**row, "body": _parsed(row["body"]), "replayed": bool(row["replayed"])}
            for row in map(dict, rows)
        ]

    def contacts(self):
        """Return the CRM's contacts as dicts, by id."""
        with closing(sqlite3.connect(self.data)) as db:
            rows = db.execute("SELECT id, content FROM contact ORDER BY number")
            return {contact: json.loads(content) for contact, content in rows}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()


def _parsed(body):
    try:
        return json.loads(body)
    except ValueError:
        return body
