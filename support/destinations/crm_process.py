# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Starts and stops the CRM of ``crm.py`` and reads what it was sent."""

import json
import os
import secrets
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from support import processes


class Crm:
    """The CRM process: down until :meth:`start`, and again after :meth:`stop`.

    :param folder: existing folder for its SQLite file; what is there stays
    :param port: loopback TCP port; None takes a free one and keeps it
    :param name: begins the names of its files and faults, another one for each in a
        folder
    :param honours_keys: whether it looks at ``Idempotency-Key``
    :param unique, versions: as the options of ``crm.py``
    """

    def __init__(
        self,
        folder,
        port=None,
        name="crm",
        honours_keys=True,
        unique=None,
        versions=False,
    ):
        self.name = name
        self.data = Path(folder) / f"{name}.sqlite"
        self.port = port
        self._options = [] if honours_keys else ["--ignore-keys"]
        self._options += ["--unique", unique] if unique else []
        self._options += ["--versions"] if versions else []
        self._faults_file = Path(folder) / f"{name}_faults.json"
        self._faults = []
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
                "--faults",
                self._faults_file,
                *self._options,
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

    def is_running(self):
        """Tell whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def misbehave(self, kind, duration, **options):
        """Switch a fault on, beside those that are on already.

        :param kind: see ``crm_faults.py``, as for ``options``
        :param duration: how long it lasts, in seconds
        """
        now = time.time()
        fault = {"kind": kind, "until": now + duration, **options}
        # The newest first: it is the one that is meant now.
        self._faults = [fault, *(old for old in self._faults if old["until"] > now)]
        self._write_faults()

    def behave(self):
        """Switch all faults off."""
        self._faults = []
        self._write_faults()

    def faults(self):
        """Return how many requests each fault has hit, as a ``Counter`` by name.

        For example ``crm_status_429``.
        """
        with closing(sqlite3.connect(self.data)) as db:
            rows = db.execute("SELECT name, count(*) FROM fault GROUP BY name")
            return Counter({f"{self.name}_{name}": count for name, count in rows})

    def promised(self):
        """Return how many requests are accepted and not carried out yet."""
        with closing(sqlite3.connect(self.data)) as db:
            ((count,),) = db.execute("SELECT count(*) FROM accepted")
            return count

    def _write_faults(self):
        # In one step: the CRM may be reading.
        partial = self._faults_file.with_suffix(".partial")
        partial.write_text(json.dumps(self._faults))
        os.replace(partial, self._faults_file)

    def journal(self):
        """Return every request so far, oldest first.

        :return: list of dicts with ``number``, ``time`` (seconds since the epoch),
            ``method``, ``path``, ``key`` (Idempotency-Key or None), ``body`` (object,
            or text when it is not JSON), ``status`` (what became of it; 202 where an
            entry of its own follows once it is carried out), ``replayed``, ``contact``
            (id), ``answered`` (what the client was told, None if it was not)
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
