# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Statements for one row or many, of quoted names and values that PostgreSQL takes."""

import base64
import json
from typing import NamedTuple

from psycopg2 import Binary, sql

from ... import wording
from ...exceptions import Misconfigured, Rejected
from ..base import Message
from ..redact import shorten
from .errors import NUL
from .table import LOCKS, Table, best_index

AND = " AND "
# What may make room for a value that another row needs goes first.
_ORDER = {"delete": 0, "mark": 1, "upsert": 2}


class Row(NamedTuple):
    """What is written about one record.

    :param shape: rows of the same shape go into one statement; the first of it is
        their order
    :param values: for the placeholders; of a mark, without those that all rows share
    """

    message: Message
    shape: tuple
    values: list


def row(message: Message, table: Table) -> Row:
    """:return: what is to be written for a message

    :raise Rejected: it cannot be written
    """
    route = message.route
    # As text: PostgreSQL takes it for the type of the column, whichever that is.
    key = _value(route.key_column, str(message.key))
    shape = (_ORDER[message.operation], route.target, route.key_column)
    if message.operation == "delete":
        # where rows may be hidden, the number of those that are gone must be about one
        return Row(message, (*shape, key) if table.hides_rows else shape, [key])
    payload = {
        column: _column_value(column, value, route.binary, table)
        for column, value in message.payload.items()
        if column != route.key_column
    }
    if message.operation == "mark":
        # The flag: rows that get other values need another statement.
        return Row(message, (*shape, repr(payload)), [key])
    return Row(message, (*shape, *payload), [key, *payload.values()])


class Statement(NamedTuple):
    """One statement for rows of one shape, each about another record.

    :param values: for its placeholders
    :param summary: the same in short, for people
    :param counts: what PostgreSQL calls each thing that it does, where its result is of
        how many records there was one, and how many rows each was done to
    :param may_collide: whether somebody else who inserts one of the rows at the same
        time makes it fail, so that it finds that row when it is run again
    :param lock: what is run before it, in the same transaction
    """

    query: sql.Composed
    values: list
    summary: sql.Composed
    counts: tuple[str, ...] = ()
    may_collide: bool = False
    lock: sql.Composable = sql.SQL("")

    @property
    def whole(self) -> sql.Composed:
        return self.lock + self.query


def statement(rows: list[Row], table: Table) -> Statement:
    """Build one statement for rows of one shape, each about another record.

    :raise Misconfigured: a name is impossible
    """
    message, count = rows[0].message, len(rows)
    place = _Place(message.route, table)
    columns = [column for column in message.payload if column != place.key]
    if message.operation == "upsert":
        return _upsert(place, columns, [each.values for each in rows])
    keys = [value for each in rows for value in each.values]
    clause = sql.SQL("= %s" if count == 1 else f"IN ({_placeholders(count)})")
    where, constants = place.where(clause)
    if message.operation == "delete":
        query = sql.SQL("DELETE FROM {} WHERE {}").format(place.table, where)
        return _counted(place, query, [*keys, *constants], "DELETE")
    query = sql.SQL("UPDATE {} SET {} WHERE {}").format(
        place.table, _each("{name} = %s", columns), where
    )
    flags = _flags(message, columns, table)
    return _counted(place, query, [*flags, *keys, *constants], "UPDATE")


def _counted(place, query, values, word):
    """:return: a statement that says of how many records it has met a row"""
    if place.known.rewrites(word):  # by rules of which a WITH takes only some
        return Statement(query, values, query)
    text = (
        "WITH {done} AS ({query} RETURNING {key})"
        " SELECT count(DISTINCT {key}), count(*) FROM {done}"
    )
    counting = sql.SQL(text).format(
        done=place.alias("done"), query=query, key=place.key_name
    )
    return Statement(counting, values, query, (word,))


def _flags(message, columns, table):
    """:return: what all rows of a mark are given"""
    binary = message.route.binary
    return [
        _column_value(column, message.payload[column], binary, table)
        for column in columns
    ]


def look(rows: list[Row], table: Table) -> tuple[sql.Composed, list]:
    """Build the question what is there of rows of one shape.

    :return: the statement, and its values; its result has the number of each row that
        is there, and whether it has the content that was sent, as its column keeps it
    """
    message = rows[0].message
    place = _Place(message.route, table)
    payload = () if message.operation == "delete" else message.payload
    columns = [column for column in payload if column != place.key]
    flags = _flags(message, columns, table) if message.operation == "mark" else []
    names = list(dict.fromkeys([place.key, *columns, *place.columns]))
    fellows = place.constant_values(names[len(columns) + 1 :])
    there, sent = place.alias("there"), place.alias("sent")
    number = "number"
    while number in names or number in table.columns:
        number += "_"
    listed = [number, *names]
    values = [
        [count, *each.values, *flags, *fellows] for count, each in enumerate(rows)
    ]
    same = place.same(there, sent)
    if place.index and place.index.predicate:
        same = sql.SQL(AND).join([same, place.preferred(there)])
    # as JSON, since not each type can be compared
    text = "to_jsonb({there}.{name}) IS NOT DISTINCT FROM to_jsonb({sent}.{name})"
    equal = _each(text, columns, AND, there=there, sent=sent)
    query = sql.SQL(_LOOK).format(
        there=there,
        sent=sent,
        number=sql.Identifier(number),
        columns=_each("{name}", listed),
        typed=sql.SQL(", ").join(
            sql.SQL(f"column{place_in_row}{_cast(table, name, as_declared=True)}")
            for place_in_row, name in enumerate(listed, 1)
        ),
        rows=_rows(table, listed, values),
        equal=equal if columns else sql.SQL("true"),
        table=place.table,
        same=same,
    )
    return query, [value for row in values for value in row]


_LOOK = (
    "WITH {sent} ({columns}) AS (SELECT {typed} FROM (VALUES {rows}) AS given)"
    " SELECT {sent}.{number}, bool_or({equal})"
    " FROM {sent} JOIN {table} AS {there} ON {same} GROUP BY 1"
)


def selection(message: Message, table: Table) -> tuple[sql.Composed, list]:
    """Build the question for what the table holds of a message's record.

    :return: the statement, whose result is one JSON object as text, and its values
    :raise Misconfigured: a name is impossible
    """
    place = _Place(message.route, table)
    columns = [column for column in message.payload if column != place.key]
    where, constants = place.where(sql.SQL("= %s"))
    shown = _each("{name}", columns) if columns else sql.SQL("*")
    query = sql.SQL(
        "SELECT to_jsonb(held)::text FROM (SELECT {} FROM {} WHERE {} LIMIT 1) AS held"
    ).format(shown, place.table, where)
    return query, [_value(place.key, str(message.key)), *constants]


def as_sent(held: dict, message: Message, table: Table) -> dict:
    """:return: what a table holds, in the form in which the message has it"""
    for name in message.route.binary:
        column = table.columns.get(name)
        if name in held and column and column.holds_bytes:
            held[name] = _as_base64(held[name])
    return held


def table_name(target: str) -> sql.Composable:
    """:return: a table as it is written in a statement

    :raise Misconfigured: it is no name
    """
    schema, dot, table = target.partition(".")
    parts = [schema, table] if dot else [schema]
    return sql.SQL(".").join(_name(part, "address") for part in parts)


class _Place:
    """The rows of a table that are those of the records, as SQL says it.

    ``columns`` tell the row of a record from all others: the key and, where a unique
    ``index`` holds them together with it, what has one value in all rows of ours.
    """

    def __init__(self, route, table):
        self.key = route.key_column
        self.key_name = _name(self.key, "key")
        self.table = table_name(route.target)
        self.known = table
        self.constants = constants = dict(route.constants)
        self.index = best_index(table, self.key, constants)
        # what ON CONFLICT can be asked about
        self.arbiter = self.index if self.index and not self.index.deferrable else None
        around = self.index.columns if self.index else ()
        fellows = (name for name in around if name in constants and name != self.key)
        self.columns = (self.key, *fellows)
        # without its schema, as columns name it
        self._own_name = route.target.partition(".")[2] or route.target

    def alias(self, word):
        """:return: a name within the statement, which no table of it has"""
        return sql.Identifier(f"{word}_" if word == self._own_name else word)

    def where(self, keys):
        """:return: the condition on the rows of records, given the one on their keys,
        and its values behind those of the keys"""
        fellows = self.columns[1:]
        conditions = [sql.SQL("{} {}").format(self.key_name, keys)]
        conditions += [sql.SQL("{} = %s").format(_name(name)) for name in fellows]
        if self.index and self.index.predicate:
            conditions.append(self.preferred(_name(self._own_name, "address")))
        return sql.SQL(AND).join(conditions), self.constant_values(fellows)

    def constant_values(self, names):
        return [
            _column_value(name, self.constants[name], (), self.known) for name in names
        ]

    def preferred(self, row):
        """:return: the condition that the row of this name is covered by the partial
        index, or that no row of the record is"""
        other = self.alias("other")
        same, covered = self.same(other, row), self.covered(other)
        text = "({} OR NOT EXISTS (SELECT FROM {} AS {} WHERE {} AND {}))"
        return sql.SQL(text).format(self.covered(row), self.table, other, same, covered)

    def same(self, one, other):
        """:return: the condition that two rows are of one record, by their names"""
        text = "{one}.{name} = {other}.{name}"
        return _each(text, self.columns, AND, one=one, other=other)

    def covered(self, row):
        """:return: the condition that a row is covered by the partial index

        In a query of its own, where the names of its columns mean nothing else.
        """
        return sql.SQL("EXISTS (SELECT FROM (SELECT {}.*) AS held WHERE {})").format(
            row, sql.SQL(_escaped(self.index.predicate))
        )


def _upsert(place, columns, rows):
    """Change the rows that are there, and insert those that are missing.

    In this order, since an insert that finds its row there has used up a number of each
    sequence by then. One statement, so that a chunk is one round trip; PostgreSQL
    manual, "Data-Modifying Statements in WITH".
    """
    names = [place.key, *columns]
    index = place.index
    changed = [name for name in columns if name not in place.columns]
    there, sent = place.alias("there"), place.alias("sent")
    same = place.same(there, sent)
    if index and index.predicate:
        # may what is written move a row into, or out of, what the index covers? Such a
        # row is the record's, covered or not
        decided = not (index.touches - {*index.columns}).isdisjoint(columns)
        same += sql.SQL(AND)
        same += place.preferred(there) if decided else place.covered(there)
    # what a rule makes of it need not tell which rows it has changed
    counts = bool(changed) and not place.known.rewrites("UPDATE", "INSERT")
    # nor need a trigger of a view: which rows are missing is asked there
    looks = place.known.kind == "v" or not counts
    told = " RETURNING {sent}.{key}" if counts else ""
    text = _SENT + (f"{_UPDATED}{told})" if changed else "")
    insert = _INSERT + (_UNSEEN if looks else _UNTOLD)
    text += _COUNTED % insert if counts else f" {insert}"
    parts = {
        "table": place.table,
        "columns": _each("{name}", names),
        "conflict": _on_conflict(place, changed),
    }
    query = sql.SQL(text).format(
        there=there,
        sent=sent,
        updated=place.alias("updated"),
        inserted=place.alias("inserted"),
        key=place.key_name,
        typed=sql.SQL(", ").join(
            sql.SQL(f"column{number}{_cast(place.known, name)}")
            for number, name in enumerate(names, 1)
        ),
        rows=_rows(place.known, names, rows),
        same=same,
        changes=_each("{name} = {sent}.{name}", changed, sent=sent),
        **parts,
    )
    alone = index and not index.predicate and {*index.columns} <= {*place.columns}
    shared = not alone and (index or not place.known.has_indexes)
    lock = _lock(place.known) if shared else sql.SQL("")
    values = [value for row in rows for value in row]
    summary = sql.SQL(_SUMMARY).format(
        marks=sql.SQL(_placeholders(len(names))), **parts
    )
    words = ("UPDATE", "INSERT 0") if counts else ()
    return Statement(query, values, summary, words, place.arbiter is None, lock)


_SENT = "WITH {sent} ({columns}) AS (SELECT {typed} FROM (VALUES {rows}) AS given)"
_UPDATED = (
    ", {updated} AS (UPDATE {table} AS {there} SET {changes} FROM {sent} WHERE {same}"
)
_SUMMARY = (
    "UPDATE {table} or INSERT INTO {table} ({columns}) VALUES ({marks}){conflict}"
)
_INSERT = "INSERT INTO {table} ({columns}) SELECT * FROM {sent} WHERE "
_UNSEEN = "NOT EXISTS (SELECT FROM {table} AS {there} WHERE {same}){conflict}"
_UNTOLD = "{key} NOT IN (SELECT {key} FROM {updated}){conflict}"
_COUNTED = (
    ", {inserted} AS (%s RETURNING 1)"
    " SELECT changed.records + added.rows, changed.rows, added.rows"
    " FROM (SELECT count(DISTINCT {key}) AS records, count(*) AS rows FROM {updated})"
    " AS changed, (SELECT count(*) AS rows FROM {inserted}) AS added"
)


def _on_conflict(place, changed):
    """What happens to a row that somebody else has inserted meanwhile."""
    index = place.arbiter
    if not index and (place.index or not place.known.has_indexes):
        return sql.SQL("")
    # without an index PostgreSQL says what is missing
    columns = index.columns if index else [place.key]
    predicate = index.predicate if index else None
    text = " ON CONFLICT ({columns})" + (" WHERE {predicate}" if predicate else "")
    text += " DO UPDATE SET {changes}" if changed else " DO NOTHING"
    return sql.SQL(text).format(
        columns=_each("{name}", columns),
        predicate=sql.SQL(_escaped(predicate or "")),
        changes=_each("{name} = EXCLUDED.{name}", changed),
    )


def _lock(table):
    """Let one of us write at a time, where no index keeps a second row out.

    Until the end of the transaction, by a number that nobody else is likely to use.
    """
    # an oid is unsigned, and the number is not
    oid = (table.oid + 2**31) % 2**32 - 2**31
    return sql.SQL(f"SELECT pg_advisory_xact_lock({LOCKS}, {oid}); ")


def _rows(table, names, rows):
    """The rows as a list of placeholders.

    PostgreSQL looks for one type for each column of the list. It is the text that it
    then makes a value of the column's type of, or a type of numbers; where the values
    differ in kind, each is made one of the column's type.
    """
    marks = [
        "%s" + (_cast(table, name) if _differ(values) else "")
        for name, values in zip(names, zip(*rows, strict=True), strict=True)
    ]
    return sql.SQL(", ".join([f"({', '.join(marks)})"] * len(rows)))


def _differ(values):
    kinds = {type(value) for value in values}
    kinds.discard(type(None))
    return len(kinds) > 1 or list in kinds


def _cast(table, name, as_declared=False):
    """:param as_declared: with its length and the like: a longer text is cut"""
    if not (column := table.columns.get(name)):
        return ""
    return f"::{_escaped(column.declared if as_declared else column.type)}"


def _escaped(text):
    """What PostgreSQL's catalog has written, or a name, as a part of a statement."""
    # psycopg2 reads a percent sign as a placeholder
    return text.replace("%", "%%")


def _placeholders(count):
    return ", ".join(["%s"] * count)


def _each(text, names, separator=", ", **parts):
    """:return: a part of a statement that says the same of each of some columns"""
    said = (sql.SQL(text).format(name=_name(name), **parts) for name in names)
    return sql.SQL(separator).join(said)


def _name(name, setting="mapping"):
    """An identifier, quoted when it is used.

    :param setting: where it comes from
    """
    size = len(name.encode("utf-8", "replace"))
    if not 0 < size <= 63 or "\0" in name:
        # PostgreSQL would cut a longer one and may then find another table.
        sentence = wording._lt("“%(name)s” cannot be the name of a table or column.")
        raise Misconfigured(sentence, setting, name=shorten(name, 70))
    return sql.Identifier(_escaped(name))


def _column_value(column, value, binary, table):
    """What psycopg2 is given for a value of the payload, as its column takes it."""
    known = table.columns.get(column)
    if not known or value is None:
        return _value(column, value)
    if known.holds_bytes and column in binary:
        return _bytes(column, value)
    if known.holds_json and not isinstance(value, str):  # that is JSON already
        if known.type.endswith("[]") and isinstance(value, list | tuple):
            return [None if each is None else _json(column, each) for each in value]
        return _json(column, value)
    return _value(column, value)


def _value(column, value):
    """What psycopg2 is given for a value of the payload."""
    if isinstance(value, str):
        _check_text(column, value)
        return value
    if value is None or isinstance(value, int | float):
        return value  # many are: said first for speed
    if isinstance(value, dict):
        return _json(column, value)
    if isinstance(value, list | tuple):
        if any(isinstance(item, dict) for item in value):
            return _json(column, value)
        return [_value(column, item) for item in value]
    return value


def _json(column, value):
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        sentence = wording._lt("“%(column)s” cannot be written as JSON: %(said)s")
        raise Rejected(sentence, column=column, said=str(error)) from None
    _check_text(column, text)
    return text


def _bytes(column, value):
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return [_bytes(column, each) for each in value]
    try:
        return Binary(base64.b64decode(value, validate=True))
    except (ValueError, TypeError):
        sentence = wording._lt("“%(column)s” does not hold the base64 of a file.")
        raise Rejected(sentence, column=column) from None


def _as_base64(held):
    """:return: the bytes that PostgreSQL writes as ``\\x00ff``, as base64"""
    if isinstance(held, list):
        return [_as_base64(each) for each in held]
    if held is None:
        return None
    return base64.b64encode(bytes.fromhex(held.removeprefix("\\x"))).decode()


def _check_text(column, text):
    if "\0" in text:
        raise Rejected(NUL, column=column)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        sentence = wording._lt("“%(column)s” contains a character that is no text.")
        raise Rejected(sentence, column=column) from None
