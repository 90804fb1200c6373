# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Deliver records into the tables of a PostgreSQL database."""

import itertools
import json
import time
from dataclasses import replace
from operator import attrgetter, itemgetter

from psycopg2 import errorcodes as codes
from psycopg2 import sql

from ... import wording
from ...exceptions import Misconfigured, Rejected, SyncError, Unreachable
from ..base import (
    REFUSED,
    UNKNOWN,
    UNTOLD,
    WORKS,
    Column,
    Finding,
    Message,
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
from .statement import as_sent, look, row, selection, statement, table_name
from .table import ADVISED, RIGHTS, TABLES, Table, advice

# Whatever a view or a rule does when it is asked, it must not write.
READ_ONLY = sql.SQL("SET LOCAL transaction_read_only = on; ")
# Whether what runs in the same transaction has written anything at all.
HAS_WRITTEN = sql.SQL("; SELECT txid_current_if_assigned() IS NOT NULL")
# Plans a statement as if it was to be run: its names, its types, the login's rights and
# the unique index that it needs. It runs nothing. PostgreSQL manual, "EXPLAIN".
EXPLAIN = sql.SQL("EXPLAIN (COSTS off) ")
TAKES_NOTHING = sql.SQL(
    "SELECT pg_is_in_recovery()"
    " OR current_setting('default_transaction_read_only')::boolean"
)
BYTES_IN_HEX = sql.SQL("SET LOCAL bytea_output = hex; ")
# Say that a table is not there.
GONE = {codes.UNDEFINED_TABLE, codes.INVALID_SCHEMA_NAME}
# Characters of a statement that are kept for the log.
MAX_STATEMENT = 500
# Rows of one statement at most.
MAX_ROWS = 1000
# How often a statement is run at most, when somebody else was in its way.
RUNS = 3


class PostgresqlTransport(PullingTransport):
    """One statement for all rows of a kind, each statement its own transaction.

    A statement that is refused is sent again in halves, until the rows that were the
    reason are alone: each has its own error, and the others are written. So are rows
    that a statement has met fewer of than it was sent, unless a look finds that they
    are as they should be. Any other error concerns all rows of its statement.
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
        return self._redact(cursor.mogrify(written.whole, written.values).decode())

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
            table = self._existing_table(target)
        return [
            Column(self._redact(name), column.declared, table.requires(name))
            for name, column in table.columns.items()
        ]

    def _existing_table(self, target):
        """
        :raise Misconfigured: it is not there
        """
        table = self._connection.table(table_name(target))
        if not table.columns:
            sentence = wording._lt(
                "There is no table “%(table)s”, or the login may not see it."
            )
            raise Misconfigured(sentence, "address", table=target)
        return table

    def tables(self):
        with self._redact.cleaning():
            found = self._ask(TABLES)
        return [self._redact(name) for (name,) in found]

    def examine(self, use):
        with self._redact.cleaning():
            self.pace.wait()
            (takes_nothing,) = self._ask(TAKES_NOTHING)[0]
            if takes_nothing:
                raise Unreachable(
                    wording._lt("The database is read-only, as a standby is.")
                )
            table = self._existing_table(use.route.target)
            self._require_columns(use, table)
            self._require_rights(use, table)
            for message in _examples(use):
                self._require_plan(message, table)
        if table.passes_on:
            sentence = wording._lt(
                "“%(table)s” takes these columns. What becomes of a row is decided "
                "behind it, or by policies; only sending tells."
            )
        else:
            sentence = wording._lt(
                "“%(table)s” has these columns, and the login has the rights."
            )
        told = wording.Sentence(sentence, table=use.route.target)
        outcome = UNTOLD if table.passes_on else WORKS
        return Finding(outcome, self._redact.clean_sentence(told))

    def _require_columns(self, use, table):
        """
        :raise Misconfigured: one is not there, or one that must not be empty is not
            filled
        """
        route = use.route
        if route.key_column not in table.columns:
            raise _no_column(route.key_column, route, "key")
        filled = {*use.names, *filter(None, [use.mark]), *dict(route.constants)}
        for name in sorted(filled - table.columns.keys()):
            raise _no_column(name, route, "mapping")
        if "upsert" in use.operations and use.names:
            for name in table.columns.keys() - {*filled, route.key_column}:
                if table.requires(name):
                    raise _not_filled(name, route)

    def _require_rights(self, use, table):
        """
        :raise Misconfigured: the login lacks one
        """
        key, needed = use.route.key_column, []
        if "upsert" in use.operations:
            needed += [("INSERT", name) for name in (key, *use.names)]
            needed += [("UPDATE", name) for name in use.names if name != key]
        if "mark" in use.operations:
            needed.append(("UPDATE", use.mark))
        if "delete" in use.operations:
            needed.append(("DELETE", None))
        needed = list(dict.fromkeys([*needed, ("SELECT", key)]))
        rights, names = map(list, zip(*needed, strict=True))
        self.pace.wait()
        lacking = self._ask(RIGHTS, [rights, names, table.oid, table.oid])
        if lacking:
            said = ", ".join(
                f"{right} ({columns})" if columns else right
                for right, columns in lacking
            )
            sentence = wording._lt(
                "The login lacks rights on “%(table)s”: %(rights)s. GRANT them to it."
            )
            raise Misconfigured(
                sentence, "address", table=use.route.target, rights=said
            )

    def _require_plan(self, message, table):
        """
        :raise SyncError: PostgreSQL refuses a statement before it runs it
        """
        written = statement([row(message, table)], table)
        self.pace.wait()
        try:
            self._ask(EXPLAIN + written.query, written.values)
        except SyncError as error:
            raise self._advised(error, message, self._connection.sqlstate) from None

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
        receipts, met = self._execute(rows)
        if met is not None and met < len(rows):
            return self._made_sure(rows, receipts, met)
        if isinstance(receipts[0].error, Rejected) and len(rows) > 1:
            return self._in_halves(rows)
        return receipts

    def _in_halves(self, rows):
        middle = (len(rows) + 1) // 2
        halves = [rows[:middle], rows[middle:]]
        return deliver_groups(self._write, filter(None, halves))

    def _made_sure(self, rows, receipts, met):
        """Look what is there of rows after a statement that has met too few.

        A trigger may have written a row and not say so, and what is to be deleted may
        be gone already.

        :param receipts: of the statement, as if all were well
        :param met: for so many of the records it has met a row
        """
        try:
            return self._judged(rows, receipts, met)
        except SyncError as fault:
            error = self._redact.clean(fault)
            return [replace(each, error=error, fate=UNKNOWN) for each in receipts]

    def _judged(self, rows, receipts, met):
        """
        :raise SyncError: it cannot be told what is there
        """
        table = self._table(rows[0].message.route)
        query, values = look(rows, table)
        try:
            there, seen = dict(self._ask(query, values)), True
        except (Misconfigured, Rejected):  # this login must not look
            there, seen = {}, None
        sure, rest = [], []
        for number, receipt in enumerate(receipts):
            if receipt.message.operation != "delete":
                as_wanted = there.get(number)
            elif as_wanted := seen and number not in there and not table.hides_rows:
                receipt = self._gone(receipt, table, met, len(rows))
            if as_wanted:
                sure.append(receipt)
            else:
                rest.append(rows[number])
        if rest and len(rows) == 1:
            is_there = seen and 0 in there
            return [self._kept_back(rest[0], receipts[0], table, is_there)]
        return itertools.chain(sure, self._once_more(rest))

    def _once_more(self, rows):
        """Send rows again of which nobody can tell whether they have been written.

        An error then does not say that they have not.
        """
        for receipt in self._in_halves(rows):
            told = receipt.ok or receipt.status == codes.SUCCESSFUL_COMPLETION
            yield receipt if told else replace(receipt, fate=UNKNOWN)

    def _gone(self, receipt, table, met, sent):
        """:return: the receipt of a row that is not seen after it was to be deleted"""
        if table.shows_all:
            return receipt
        warning = wording.Sentence(
            wording._lt(
                "“%(table)s” has deleted %(met)s of %(sent)s rows, and shows none of "
                "them any more."
            ),
            table=receipt.message.route.target,
            met=met,
            sent=sent,
        )
        return replace(receipt, warning=self._redact.clean_sentence(warning))

    def _kept_back(self, row, receipt, table, is_there):
        """
        :param is_there: ``None`` when that cannot be seen
        :return: the receipt of a row alone that its statement has not met, and that is
            not as it should be
        :raise SyncError: it cannot be told whether it has been written
        """
        operation, target = row.message.operation, row.message.route.target
        if operation == "delete" and is_there:
            sentence = wording._lt(
                "The row is still in “%(table)s”: a trigger, a rule or a policy may "
                "have kept it there."
            )
        elif operation == "delete":
            sentence = wording._lt(
                "“%(table)s” has shown no row to delete: a policy (row-level security) "
                "may hide it."
            )
        elif operation == "mark" and is_there is False:
            sentence = wording._lt(
                "“%(table)s” has no row to mark: it is gone, or a policy hides it."
            )
        elif is_there and table.kind == "v" and self._writes(row, table):
            warning = wording.Sentence(
                wording._lt(
                    "The view “%(table)s” does not say that it has taken the row, and "
                    "shows other content than was sent. Let its trigger return NEW."
                ),
                table=target,
            )
            return replace(receipt, warning=self._redact.clean_sentence(warning))
        else:
            sentence = wording._lt(
                "“%(table)s” took 0 of 1 rows: a trigger, a rule or a policy may have "
                "kept it back."
            )
        error = self._redact.clean(Rejected(sentence, table=target))
        return replace(receipt, error=error, fate=REFUSED)

    def _writes(self, row, table):
        """Send a row again, which changes nothing where it has been written.

        :return: whether anything is written then: not by a view that does nothing
        """
        again = statement([row], table)
        cursor = self._connection.execute(again.whole + HAS_WRITTEN, again.values)
        return cursor.fetchone()[0]

    def _execute(self, rows):
        """
        :return: a receipt for each row of one statement; and for how many of them it
            has met a row, ``None`` when it has failed
        """
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
            ], None
        error = fate = met = None
        try:
            response, met = self._run(written)
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
        return receipts, met

    def _run(self, written):
        """Run a statement, and again at once where that is all it takes.

        :return: what it has done, as PostgreSQL says it; and for how many records
        """
        for left in reversed(range(RUNS)):
            try:
                cursor = self._connection.execute(written.whole, written.values)
                break
            except SyncError:
                passing = {codes.SERIALIZATION_FAILURE}
                if written.may_collide:
                    passing.add(codes.UNIQUE_VIOLATION)
                if not left or self._connection.sqlstate not in passing:
                    raise
            self.pace.wait()
        if not written.counts:
            return cursor.statusmessage, max(cursor.rowcount, 0)
        met, *counted = cursor.fetchone()
        done = list(zip(written.counts, counted, strict=True))
        done = [each for each in done if each[1]] or done[-1:]
        return ", ".join(f"{word} {count}" for word, count in done), met

    def _table(self, route):
        """:return: what is known of the table that a route leads to"""
        try:
            name = table_name(route.target)
        except Misconfigured:
            return Table()
        return self._connection.table(name)

    def _advised(self, error, message, status):
        """:return: the error, in words that tell what to change where there are any"""
        route, found = message.route, None
        is_wrong = isinstance(error, Misconfigured)
        if is_wrong and status in GONE and route.proven:
            # it has worked: it may be made anew just now, as by a nightly load
            return Unreachable(error.message)
        if status == codes.NOT_NULL_VIOLATION:
            return self._unmapped(message) or error
        if status == codes.UNTRANSLATABLE_CHARACTER:
            payload = {route.key_column: message.key, **message.payload}
            encoding = self._connection.open().info.parameter_status("server_encoding")
            found = lacking_character(payload, encoding)
        elif not is_wrong:  # a trigger's
            return error
        elif status in ADVISED:
            found = advice(self._table(route), route.target, route.key_column, status)
        elif status == codes.UNDEFINED_COLUMN:
            if route.key_column not in self._table(route).columns:
                found = Misconfigured(error.message, "key")
        return self._redact.clean(found) if found else error

    def _unmapped(self, message):
        """:return: the error where a row lacks what no field is mapped to"""
        route, column = message.route, self._connection.column
        mapped = {route.key_column, *route.left_out, *message.payload}
        if not self._table(route).lacks(column, mapped):
            return None
        error = _not_filled(column, route)
        return self._redact.clean(error)

    def _readable(self, rows, raw):
        """What is done, with placeholders instead of values, and with one row."""
        query = statement(rows[:1], self._table(rows[0].message.route)).summary
        text = self._redact(one_line(query.as_string(raw)))
        count = f" [{len(rows)} rows]" if len(rows) > 1 else ""
        return shorten(text, MAX_STATEMENT - len(count)) + count


def _examples(use):
    """:return: messages of a record that is none, one of each kind that a use has"""
    constants = dict(use.route.constants)
    contents = {
        "upsert": {name: constants.get(name) for name in use.names},
        "mark": {use.mark: True},
        "delete": {},
    }
    return [Message(each, 0, contents[each], use.route) for each in use.operations]


def _no_column(column, route, setting):
    sentence = wording._lt("“%(table)s” has no column “%(column)s”.")
    return Misconfigured(sentence, setting, table=route.target, column=column)


def _not_filled(column, route):
    sentence = wording._lt(
        "The column “%(column)s” of the table “%(table)s” must not be empty, and "
        "no field is mapped to it."
    )
    return Misconfigured(sentence, "mapping", column=column, table=route.target)
