# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Deliver records into the tables of a PostgreSQL database."""

import json
import time
from dataclasses import replace
from operator import attrgetter, itemgetter

from psycopg2 import errorcodes as codes
from psycopg2 import sql

from ... import wording
from ...exceptions import Rejected, SyncError
from ..base import (
    Column,
    PullingTransport,
    Receipt,
    deliver_groups,
    grouped,
    none_sent,
    unsent,
)
from ..redact import one_line, shorten
from .connection import Connection, PostgresqlConfig
from .errors import fate_after, lacking_character
from .statement import as_sent, row, selection, statement, table_name
from .table import ADVISED, TABLES, Table, advice

# Whatever a view or a rule does when it is asked, it must not write.
READ_ONLY = sql.SQL("SET LOCAL transaction_read_only = on; ")
BYTES_IN_HEX = sql.SQL("SET LOCAL bytea_output = hex; ")
# Characters of a statement that are kept for the log.
MAX_STATEMENT = 500
# Rows of one statement at most.
MAX_ROWS = 1000
# How often a statement is run at most, when somebody else was in its way.
RUNS = 3


class PostgresqlTransport(PullingTransport):
    """One statement for all rows of a kind, each statement its own transaction.

    A statement that is refused is sent again in halves, until the rows that were the
    reason are alone: each has its own error, and the others are written. Any other
    error concerns all rows of its statement.
    """

    def __init__(self, config: PostgresqlConfig):
        self._connection = Connection(config)
        self._redact = self._connection.redact

    def deliver(self, take):
        while messages := take(MAX_ROWS):
            yield from self._deliver(messages)

    def check(self) -> str:
        query = sql.SQL(
            "SELECT current_setting('server_version'), current_database(), current_user"
        )
        with self._redact.cleaning():
            version, dbname, user = self._connection.execute(query).fetchone()
        sentence = wording.Sentence(
            wording._lt(
                "PostgreSQL %(version)s, database %(database)s, as user %(user)s"
            ),
            version=version.split()[0],
            database=dbname,
            user=user,
        )
        return self._redact.clean_sentence(sentence)

    def preview(self, message):
        with self._redact.cleaning():
            table = self._table(message.route)
            written = statement([row(message, table)], table)
            cursor = self._connection.open().cursor()
        return self._redact(cursor.mogrify(written.query, written.values).decode())

    def held(self, message):
        with self._redact.cleaning():
            table = self._table(message.route)
            query, values = selection(message, table)
            found = self._ask(BYTES_IN_HEX + query, values)
        if not found:
            return None
        return self._redact.within(as_sent(json.loads(found[0][0]), message, table))

    def columns(self, target):
        with self._redact.cleaning():
            found = self._connection.table(table_name(target)).columns
            if not found:
                sentence = wording._lt(
                    "There is no table “%(table)s”, or the login may not see it."
                )
                raise Rejected(sentence, table=target)
        return [
            Column(self._redact(name), column.declared, column.required)
            for name, column in found.items()
        ]

    def tables(self):
        with self._redact.cleaning():
            found = self._ask(TABLES)
        return [self._redact(name) for (name,) in found]

    def _ask(self, query, values=None):
        return self._connection.execute(READ_ONLY + query, values).fetchall()

    def close(self) -> None:
        self._connection.close()

    def _deliver(self, messages):
        try:
            tables = {
                route.target: self._table(route)
                for route in dict.fromkeys(message.route for message in messages)
            }
        except SyncError as fault:
            yield from none_sent(messages, self._redact.clean(fault))
            return
        rows = []
        for message in messages:
            try:
                rows.append(row(message, tables[message.route.target]))
            except Rejected as error:
                yield unsent(message, self._redact.clean(error))
        groups = grouped(rows, attrgetter("shape"), order=itemgetter(0))
        yield from deliver_groups(self._write, groups)

    def _write(self, rows):
        """Write rows of one shape, in as few statements as their faults allow."""
        receipts = self._execute(rows)
        refused = isinstance(receipts[0].error, Rejected)
        if refused and len(rows) > 1 and not self._connection.concerns_all:
            middle = len(rows) // 2
            return deliver_groups(self._write, [rows[:middle], rows[middle:]])
        return receipts

    def _execute(self, rows):
        """:return: a receipt for each row of one statement"""
        first, started = rows[0].message, time.monotonic()
        try:
            written = statement(rows, self._table(first.route))
            raw = self._connection.open()
            self.pace.wait()
            request = self._readable(rows, raw)
        except SyncError as fault:
            error = self._redact.clean(fault)
            waited = time.monotonic() - started
            return [
                replace(unsent(each.message, error), duration=waited) for each in rows
            ]
        error = fate = None
        try:
            response = self._run(written)
            status = self._connection.sqlstate
        except SyncError as fault:
            error = self._redact.clean(fault)
            response, status = error.message, self._connection.sqlstate
            fate = fate_after(error, status)
            error = self._advised(error, first, status)
        told = {"request": request, "status": status, "response": response}
        told |= {"error": error, "fate": fate, "duration": time.monotonic() - started}
        receipts = [
            Receipt(each.message, each.message.external_id, **told) for each in rows
        ]
        if receipts[0].holds_up_others:  # the first one tells of the request
            receipts[1:] = [replace(each, request="") for each in receipts[1:]]
        return receipts

    def _run(self, written):
        """Run a statement, and again at once where that is all it takes.

        :return: what it has done, as PostgreSQL says it
        """
        for left in reversed(range(RUNS)):
            try:
                cursor = self._connection.execute(written.query, written.values)
                break
            except SyncError:
                passing = {codes.SERIALIZATION_FAILURE}
                if written.may_collide:
                    passing.add(codes.UNIQUE_VIOLATION)
                if not left or self._connection.sqlstate not in passing:
                    raise
            self.pace.wait()
        if not written.counts:
            return cursor.statusmessage
        updated, inserted = cursor.fetchone()
        done = [f"UPDATE {updated}"] if updated else []
        done += [f"INSERT 0 {inserted}"] if inserted or not updated else []
        return ", ".join(done)

    def _table(self, route):
        """:return: what is known of the table that a route leads to"""
        try:
            name = table_name(route.target)
        except Rejected:
            return Table()
        return self._connection.table(name)

    def _advised(self, error, message, status):
        """:return: the error, in words that tell what to change where there are any"""
        route, found = message.route, None
        if status == codes.UNTRANSLATABLE_CHARACTER:
            payload = {route.key_column: message.key, **message.payload}
            encoding = self._connection.open().info.parameter_status("server_encoding")
            found = lacking_character(payload, encoding)
        elif status in ADVISED:
            found = advice(self._table(route), route.target, route.key_column, status)
        return self._redact.clean(found) if found else error

    def _readable(self, rows, raw):
        """What is done, with placeholders instead of values, and with one row."""
        query = statement(rows[:1], self._table(rows[0].message.route)).summary
        text = self._redact(one_line(query.as_string(raw)))
        count = f" [{len(rows)} rows]" if len(rows) > 1 else ""
        return shorten(text, MAX_STATEMENT - len(count)) + count
