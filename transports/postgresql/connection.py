# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A connection to a destination's PostgreSQL that never blocks for ever.

It is asynchronous and waited for here, because ``libpq`` has no limit of its own on
the time a server takes to answer: a server that hangs, or a host that vanished,
would hold a worker. ``statement_timeout`` only helps while the server works.
"""

import os
import selectors
import time
from dataclasses import dataclass, field

import psycopg2
from psycopg2 import errorcodes, extensions

from ... import wording
from ...exceptions import Misconfigured, Rejected, Unreachable
from ..redact import Redactor
from .errors import connection_error, statement_error
from .table import TABLE, Table

APPLICATION_NAME = "queue_job_sync"
# Seconds that the server gets to report its own timeout before we give up.
GRACE = 2.0
# Seconds to wait for a lock of somebody else at the destination, at most.
MAX_LOCK_WAIT = 10.0
# No file can be there. libpq takes an empty name for "the default one".
_NO_FILE = os.path.join(os.devnull, "none")


@dataclass(frozen=True)
class PostgresqlConfig:
    """How to reach a PostgreSQL database.

    :param host: name, address, or folder of the socket
    :param sslmode: as in libpq; ``verify-full`` also checks the host's name, with
        the authorities in ``PGSSLROOTCERT`` or ``~/.postgresql/root.crt``
    :param connect_timeout: seconds to connect, over all addresses of the host
    :param statement_timeout: seconds for each statement
    """

    host: str
    port: int
    dbname: str
    user: str
    password: str = field(default="", repr=False)
    sslmode: str = "prefer"
    connect_timeout: float = 5
    statement_timeout: float = 30

    def __post_init__(self):
        if self.connect_timeout <= 0 or self.statement_timeout <= 0:
            raise ValueError("a timeout must be longer than 0 seconds")

    @property
    def where(self) -> str:
        """:return: host and port, as a person writes them"""
        return f"{self.host}:{self.port}"


class Connection:
    """One connection, opened when it is first needed and again when it broke.

    Every statement is a transaction of its own.
    """

    def __init__(self, config: PostgresqlConfig):
        self._config = config
        self.redact = Redactor([config.password])
        self._raw = None
        # SQLSTATE of the last statement; None when there was no answer.
        self.sqlstate = None
        # Column that the error of the last statement is about, where it names one and
        # comes from no trigger.
        self.column = None
        # What is known of tables, by their names as SQL.
        self._tables = {}

    def open(self):
        """Connect, unless that is done.

        :return: the psycopg2 connection
        :raise Unreachable: when the server does not take the connection
        """
        if self._raw is not None:
            return self._raw
        config = self._config
        if not (config.host and config.dbname and config.user):
            # libpq would fill them in with those of Odoo's own database.
            sentence = wording._lt("The host, the database and the user must be set.")
            raise Unreachable(sentence)
        try:
            # all is given, so that libpq reads no password, address or option meant for
            # Odoo's own database from the environment or a file
            self._raw = psycopg2.connect(
                host=config.host,
                port=config.port,
                dbname=config.dbname,
                user=config.user,
                password=config.password,
                passfile=_NO_FILE,
                hostaddr="",
                options="",
                sslmode=config.sslmode,
                application_name=APPLICATION_NAME,
                client_encoding="UTF8",
                keepalives=1,
                keepalives_idle=30,
                keepalives_interval=10,
                keepalives_count=3,
                async_=True,
            )
            _wait(self._raw, config.connect_timeout)
        except (psycopg2.Error, ValueError) as error:
            self.close()
            raise connection_error(error, config, self.redact) from None
        return self._raw

    def execute(self, query, parameters=None):
        """Run one statement in its own transaction.

        :return: the cursor, with the result
        :raise SyncError: when it fails; the row then is as it was before, or, when
            the connection broke, may be either
        """
        self.sqlstate = None
        self.column = None
        return self._run(query, parameters)

    def table(self, name) -> Table:
        """Ask what a table is like; once, while the connection lasts.

        :param name: as it is written in a statement
        :return: an empty one when there is none, or it must not be seen
        :raise SyncError: the server does not say
        """
        # not a statement here: no percent sign of it is a placeholder
        name = name.as_string(self.open()).replace("%%", "%")
        if name not in self._tables:
            try:
                found = self._run(TABLE, [name]).fetchone()
            except (Misconfigured, Rejected):
                found = None
            self._tables[name] = Table.from_row(*found) if found else Table()
        return self._tables[name]

    def _run(self, query, parameters):
        timeout = self._config.statement_timeout
        cursor = self.open().cursor()
        try:
            # One round trip: statements sent together are one transaction. The
            # limits are local to it, so that they also hold, and do not stay,
            # behind a connection pooler.
            cursor.execute(_limits(timeout) + query.as_string(cursor), parameters)
            _wait(self._raw, timeout + GRACE)
        except psycopg2.Error as error:
            self.sqlstate = error.pgcode
            self.column = None if error.diag.context else error.diag.column_name
            if error.pgcode is None or self._raw.closed:
                self.close()
            raise statement_error(error, self._config, self.redact) from None
        self.sqlstate = errorcodes.SUCCESSFUL_COMPLETION
        return cursor

    def close(self):
        """Close the connection, if there is one."""
        raw, self._raw = self._raw, None
        self._tables = {}
        if raw is not None:
            raw.close()


def _wait(raw, seconds):
    """Let the connection finish, or raise the driver's error of what took too long."""
    deadline = time.monotonic() + seconds
    while (state := raw.poll()) != extensions.POLL_OK:
        reading = state == extensions.POLL_READ
        event = selectors.EVENT_READ if reading else selectors.EVENT_WRITE
        # A new one each time: libpq changes its socket while it tries addresses.
        with selectors.DefaultSelector() as selector:
            selector.register(raw.fileno(), event)
            if not selector.select(max(deadline - time.monotonic(), 0)):
                raise extensions.QueryCanceledError


def _limits(timeout):
    seconds = (timeout, min(timeout / 2, MAX_LOCK_WAIT))
    statement, lock = (max(round(each * 1000), 1) for each in seconds)
    # A statement sees what others commit while it waits for them, whatever the role's
    # own default is.
    return (
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; "
        f"SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}; "
    )
