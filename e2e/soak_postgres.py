# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The soak's own database server, which it may crash."""

import signal
import subprocess
from contextlib import suppress

import psycopg2

from support import processes
from support.environment import private_postgres

# How the server takes these signals is said in PostgreSQL's manual,
# "Shutting Down the Server".
FAST = signal.SIGINT  # roll back and disconnect everybody
IMMEDIATE = signal.SIGQUIT  # a crash: recover from the log when started again


class PostgresServer:
    """A server in a folder made by ``private_postgres.make``, down until started.

    :param folder: that folder
    """

    def __init__(self, folder):
        self._folder = folder
        self.port = processes.free_port()
        self.variables = private_postgres.variables(folder, self.port)
        self._process = None

    def start(self):
        """Start the server; it takes connections when this returns.

        :raises RuntimeError: when it ends instead
        :raises NotInTime: when it takes too long
        """
        (self._folder / "data/postmaster.pid").unlink(missing_ok=True)
        command, environment = private_postgres.command_line(self._folder, self.port)
        with (self._folder / "server.log").open("ab") as log:
            self._process = processes.start(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        processes.wait_until(self._answers, 60, "the soak's PostgreSQL ready")

    def stop(self, how=FAST):
        """End the server, if it runs, and everything that is connected to it.

        :param how: ``FAST`` or ``IMMEDIATE``
        """
        if self._process and self._process.poll() is None:
            self._process.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(30)
        if self._process:
            processes.stop(self._process)
            self._process = None

    def _answers(self):
        if self._process.poll() is not None:
            log = self._folder / "server.log"
            raise RuntimeError(f"PostgreSQL ended: {log.read_text()[-400:]}")
        names = ("host", "port", "user", "password")
        login = dict(zip(names, self.variables.values(), strict=True))
        try:
            psycopg2.connect(dbname="postgres", connect_timeout=5, **login).close()
        except psycopg2.OperationalError:
            return False
        return True
