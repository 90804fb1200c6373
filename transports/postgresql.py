# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Deliver records into the tables of a PostgreSQL database."""

import time
from collections.abc import Iterable

from psycopg2 import sql

from ..exceptions import Rejected, SyncError, Throttled, Unreachable
from .base import (
    DONE,
    UNSENT,
    Message,
    Receipt,
    Transport,
    not_sent,
    obstacle_in,
    unsent,
)
from .postgresql_connection import Connection, PostgresqlConfig
from .postgresql_errors import fate_after
from .postgresql_preview import PostgresqlPreview
from .postgresql_statement import rounds, row, statement
from .redact import Redactor, one_line, shorten

# Characters of a statement that are kept for the log.
MAX_STATEMENT = 500
# Rows of one statement at most.
MAX_ROWS = 1000
# SQLSTATE "invalid column reference": ON CONFLICT has found no constraint.
NO_UNIQUE_KEY = "42P10"


class PostgresqlTransport(PostgresqlPreview, Transport):
    """One statement for all rows of a kind, each statement its own transaction.

    A statement that is refused is sent again in halves, until the rows that were the
    reason are alone: each has its own error, and the others are written. Any other
    error concerns all rows of its statement.
    """

    def __init__(self, config: PostgresqlConfig):
        self._config = config
        self._connection = Connection(config)
        self._redact = Redactor([config.password])
        self._obstacle = None

    def send(self, messages: Iterable[Message]) -> list[Receipt]:
        messages = list(messages)
        self._obstacle = None
        receipts, rows = {}, []
        for number, message in enumerate(messages):
            try:
                rows.append(row(number, message))
            except Rejected as error:
                receipts[number] = unsent(message, self._redact.clean(error))
        for groups in rounds(rows):
            for group in groups:
                for start in range(0, len(group), MAX_ROWS):
                    self._write(group[start : start + MAX_ROWS], receipts)
        return [receipts[number] for number in range(len(messages))]

    def check(self) -> str:
        query = sql.SQL(
            "SELECT current_setting('server_version'), current_database(), current_user"
        )
        try:
            version, dbname, user = self._connection.execute(query).fetchone()
        except SyncError as error:
            raise self._redact.clean(error) from None
        number = version.split()[0]
        return f"PostgreSQL {number}, database {dbname}, as user {user}"

    def close(self) -> None:
        self._connection.close()

    def _write(self, rows, receipts):
        """Write rows of one shape, in as few statements as their faults allow."""
        if self._obstacle is not None:
            receipts |= {
                row.number: not_sent(row.message, self._obstacle) for row in rows
            }
            return
        found = self._execute(rows)
        self._obstacle = obstacle_in(found[:1])
        refused = isinstance(found[0].error, Rejected)
        if refused and len(rows) > 1 and not self._connection.concerns_all:
            middle = len(rows) // 2
            self._write(rows[:middle], receipts)
            self._write(rows[middle:], receipts)
            return
        receipts |= {
            row.number: receipt for row, receipt in zip(rows, found, strict=True)
        }

    def _execute(self, rows):
        """:return: a receipt for each row of one statement"""
        started = time.monotonic()
        request, response, status, error = "", "", None, None
        fate = UNSENT
        try:
            query, values = statement(rows)
            raw = self._connection.open()
            self.pace.wait()
            request = self._readable(rows, raw)
            response = self._connection.execute(query, values).statusmessage
            status, fate = self._connection.sqlstate, DONE
        except SyncError as fault:
            error = self._redact.clean(fault)
            if request:
                response, status = error.message, self._connection.sqlstate
                fate = fate_after(error, status)
            if status == NO_UNIQUE_KEY:
                error = _no_unique_key(rows[0].message.route)
        known = {
            "status": status,
            "response": response,
            "duration": time.monotonic() - started,
            "fate": fate,
        }
        first, *others = (row.message for row in rows)
        receipts = [_receipt(first, error, request=request, **known)]
        if isinstance(error, Throttled | Unreachable):
            request = ""  # the first receipt tells of it
        return receipts + [
            _receipt(each, error, request=request, **known) for each in others
        ]

    def _readable(self, rows, raw):
        """The statement with placeholders instead of values, and with one row."""
        text = self._redact(one_line(statement(rows[:1])[0].as_string(raw)))
        count = f" [{len(rows)} rows]" if len(rows) > 1 else ""
        return shorten(text, MAX_STATEMENT - len(count)) + count


def _receipt(message, error, **known):
    return Receipt(message, external_id=message.external_id, error=error, **known)


def _no_unique_key(route):
    return Rejected(
        f"Add a primary key or a unique constraint on the column "
        f"“{route.key_column}” of the table “{route.target}”: without it PostgreSQL "
        "cannot tell whether the record is there already."
    )
