# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Statements for one row or many, of quoted names and values that PostgreSQL takes."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from psycopg2 import sql
from psycopg2.extras import Json

from ..exceptions import Rejected
from .base import Message
from .redact import shorten

# What may make room for a value that another row needs goes first.
_ORDER = {"delete": 0, "mark": 1, "upsert": 2}


class Row(NamedTuple):
    """What is written about one record.

    :param number: of the message in what is sent
    :param shape: rows of the same shape go into one statement
    :param values: for the placeholders; of a mark, without those that all rows share
    """

    number: int
    message: Message
    shape: tuple
    values: list


def row(number: int, message: Message) -> Row:
    """:return: what is to be written for a message

    :raise Rejected: it cannot be written
    """
    route = message.route
    # As text: PostgreSQL takes it for the type of the column, whichever that is.
    key = _value(route.key_column, str(message.key))
    shape = (_ORDER[message.operation], route.target, route.key_column)
    if message.operation == "delete":
        return Row(number, message, shape, [key])
    payload = {
        column: _value(column, value)
        for column, value in message.payload.items()
        if column != route.key_column
    }
    if message.operation == "mark":
        # The flag: rows that get other values need another statement.
        return Row(number, message, (*shape, repr(payload)), [key])
    return Row(number, message, (*shape, *payload), [key, *payload.values()])


def rounds(rows: list[Row]) -> Iterator[list[list[Row]]]:
    """Put rows of one shape together, as far as their order does not matter.

    :return: for each round, its groups; no record is twice in a round
    """
    left = rows
    while left:
        seen, groups, later = set(), {}, []
        for each in left:
            record = (each.message.route.target, str(each.message.key))
            if record in seen:
                later.append(each)
            else:
                seen.add(record)
                groups.setdefault(each.shape, []).append(each)
        yield [groups[shape] for shape in sorted(groups, key=lambda shape: shape[0])]
        left = later


def statement(rows: list[Row]) -> tuple[sql.Composed, list]:
    """Build one statement for rows of one shape, each about another record.

    :return: the statement, and the values for its placeholders
    :raise Rejected: a name is impossible
    """
    message, count = rows[0].message, len(rows)
    values = [value for each in rows for value in each.values]
    route = message.route
    names = {"table": _table(route.target), "key": _name(route.key_column)}
    columns = [column for column in message.payload if column != route.key_column]
    if message.operation == "upsert":
        return _upsert(names, list(map(_name, columns)), count), values
    names["keys"] = sql.SQL("= %s" if count == 1 else f"IN ({_placeholders(count)})")
    if message.operation == "delete":
        return sql.SQL("DELETE FROM {table} WHERE {key} {keys}").format(**names), values
    query = sql.SQL("UPDATE {table} SET {changes} WHERE {key} {keys}").format(
        changes=_comma(sql.SQL("{} = %s").format(_name(column)) for column in columns),
        **names,
    )
    flags = [_value(column, message.payload[column]) for column in columns]
    return query, [*flags, *values]


def selection(message: Message) -> tuple[sql.Composed, list]:
    """Build the question for what the table holds of a message's record.

    :return: the statement, whose result is one JSON object as text, and its values
    :raise Rejected: a name is impossible
    """
    route = message.route
    columns = [column for column in message.payload if column != route.key_column]
    query = sql.SQL(
        "SELECT to_jsonb(held)::text FROM "
        "(SELECT {columns} FROM {table} WHERE {key} = %s LIMIT 1) AS held"
    ).format(
        columns=_comma(map(_name, columns)) if columns else sql.SQL("*"),
        table=_table(route.target),
        key=_name(route.key_column),
    )
    return query, [_value(route.key_column, str(message.key))]


def table_name(target: str) -> sql.Composable:
    """:return: a table as it is written in a statement

    :raise Rejected: it is no name
    """
    return _table(target)


def _upsert(names, columns, count):
    changes = [sql.SQL("{0} = EXCLUDED.{0}").format(column) for column in columns]
    action = sql.SQL("DO NOTHING")
    if changes:
        action = sql.SQL("DO UPDATE SET {}").format(_comma(changes))
    one = f"({_placeholders(1 + len(columns))})"
    return sql.SQL(
        "INSERT INTO {table} ({columns}) VALUES {values} ON CONFLICT ({key}) {action}"
    ).format(
        columns=_comma([names["key"], *columns]),
        values=sql.SQL(", ".join([one] * count)),
        action=action,
        **names,
    )


def _placeholders(count):
    return ", ".join(["%s"] * count)


def _comma(parts):
    return sql.SQL(", ").join(parts)


def _table(target):
    schema, dot, table = target.partition(".")
    return sql.SQL(".").join(map(_name, [schema, table] if dot else [schema]))


def _name(name):
    """An identifier, quoted when it is used."""
    size = len(name.encode("utf-8", "replace"))
    if not 0 < size <= 63 or "\0" in name:
        # PostgreSQL would cut a longer one and may then find another table.
        raise Rejected(
            f"“{shorten(name, 70)}” cannot be the name of a table or column."
        )
    # psycopg2 reads a percent sign as a placeholder, in a name too.
    return sql.Identifier(name.replace("%", "%%"))


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
        raise Rejected(f"“{column}” cannot be written as JSON: {error}") from None
    _check_text(column, text)
    return Json(value, dumps=lambda _value: text)


def _check_text(column, text):
    if "\0" in text:
        raise Rejected(
            f"“{column}” contains a NUL character, which PostgreSQL cannot store."
        )
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Rejected(f"“{column}” contains a character that is no text.") from None
