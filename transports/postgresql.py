# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Deliver records into the tables of a PostgreSQL database."""

import json
import time

from psycopg2 import sql
from psycopg2.extras import Json

from ..exceptions import Rejected, SyncError
from .base import Message, Receipt, SequentialTransport
from .postgresql_connection import Connection, PostgresqlConfig
from .redact import Redactor, one_line, shorten

# Characters of a statement that are kept for the log.
MAX_STATEMENT = 500
# SQLSTATE "invalid column reference": ON CONFLICT has found no constraint.
NO_UNIQUE_KEY = "42P10"


class PostgresqlTransport(SequentialTransport):
    """One statement for each message, each its own transaction."""

    def __init__(self, config: PostgresqlConfig):
        self._config = config
        self._connection = Connection(config)
        self._redact = Redactor([config.password])

    def check(self) -> str:
        query = sql.SQL(
            "SELECT current_setting('server_version'), current_database(), current_user"
        )
        try:
            version, dbname, user = self._connection.execute(query).fetchone()
        except SyncError as error:
            raise self._clean(error) from None
        number = version.split()[0]
        return f"PostgreSQL {number}, database {dbname}, as user {user}"

    def close(self) -> None:
        self._connection.close()

    def _deliver(self, message: Message) -> Receipt:
        started = time.monotonic()
        request, response, status, error = "", "", None, None
        try:
            query, values = statement(message)
            request = self._readable(query, self._connection.open())
            response = self._connection.execute(query, values).statusmessage
            status = self._connection.sqlstate
        except SyncError as fault:
            error = self._clean(fault)
            if request:
                response, status = error.message, self._connection.sqlstate
            if status == NO_UNIQUE_KEY:
                error = _no_unique_key(message.route)
        return Receipt(
            message=message,
            external_id=message.external_id,
            error=error,
            request=request,
            status=status,
            response=response,
            duration=time.monotonic() - started,
        )

    def _readable(self, query, raw):
        """The statement with placeholders instead of values."""
        return shorten(self._redact(one_line(query.as_string(raw))), MAX_STATEMENT)

    def _clean(self, error):
        error.message = self._redact(error.message)
        error.args = (error.message,)
        return error


def statement(message: Message) -> tuple[sql.Composed, list]:
    """Build the statement for a message.

    :return: the statement, and the values for its placeholders
    :raise Rejected: when the record cannot be written
    """
    table = _table(message.route.target)
    key_column = message.route.key_column
    payload = {
        column: _value(column, value)
        for column, value in message.payload.items()
        if column != key_column
    }
    # As text: PostgreSQL takes it for the type of the column, whichever that is.
    key = _value(key_column, str(message.key))
    names = {"table": table, "key": _name(key_column)}
    if message.operation == "delete":
        return sql.SQL("DELETE FROM {table} WHERE {key} = %s").format(**names), [key]
    columns = [_name(column) for column in payload]
    values = list(payload.values())
    if message.operation == "mark":
        query = sql.SQL("UPDATE {table} SET {changes} WHERE {key} = %s").format(
            changes=_comma(sql.SQL("{} = %s").format(column) for column in columns),
            **names,
        )
        return query, [*values, key]
    return _upsert(names, columns), [key, *values]


def _no_unique_key(route):
    return Rejected(
        f"Add a primary key or a unique constraint on the column "
        f"“{route.key_column}” of the table “{route.target}”: without it PostgreSQL "
        "cannot tell whether the record is there already."
    )


def _upsert(names, columns):
    changes = [sql.SQL("{0} = EXCLUDED.{0}").format(column) for column in columns]
    action = sql.SQL("DO NOTHING")
    if changes:
        action = sql.SQL("DO UPDATE SET {}").format(_comma(changes))
    return sql.SQL(
        "INSERT INTO {table} ({columns}) VALUES ({values}) ON CONFLICT ({key}) {action}"
    ).format(
        columns=_comma([names["key"], *columns]),
        values=_comma([sql.SQL("%s")] * (1 + len(columns))),
        action=action,
        **names,
    )


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
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Rejected(f"“{column}” contains a character that is no text.") from None
