# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a table holds now, which columns it has, and which tables there are."""

import json

from psycopg2 import sql

from ...exceptions import Rejected
from ...text import _lt
from ..base import Message
from .statement import as_sent, selection, table_name
from .table import Table

# Whatever a view or a rule does when it is asked, it must not write.
_READ_ONLY = sql.SQL("SET LOCAL transaction_read_only = on; ")
_BYTES_IN_HEX = sql.SQL("SET LOCAL bytea_output = hex; ")
# By the search path, as a statement that writes finds the table. PostgreSQL manual,
# "System Catalogs": attidentity, and attgenerated that comes with a default.
_COLUMNS = sql.SQL(
    """
    SELECT attname, format_type(atttypid, atttypmod),
           attnotnull AND NOT atthasdef AND attidentity = ''
      FROM pg_catalog.pg_attribute
     WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
     ORDER BY attnum
    """
)
# Those of the search path go by their name alone. PostgreSQL manual, "System Catalogs":
# tables, views, foreign and partitioned tables.
_TABLES = sql.SQL(
    """
    SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname
                ELSE n.nspname || '.' || c.relname END
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'v', 'f', 'p')
       AND n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'
       AND has_schema_privilege(n.oid, 'USAGE')
       AND has_table_privilege(c.oid, 'INSERT')
     ORDER BY 1 LIMIT 500
    """
)


def held(connection, message: Message, table: Table) -> dict | None:
    """:return: what the table holds of a message's record, as it would be sent"""
    query, values = selection(message, table)
    query = _READ_ONLY + _BYTES_IN_HEX + query
    found = connection.execute(query, values).fetchone()
    return as_sent(json.loads(found[0]), message, table) if found else None


def columns(connection, target: str) -> list[tuple[str, str, bool]]:
    """:return: name, type and whether it must be given a value, of each column

    :raise Rejected: there are none
    """
    name = connection.as_name(table_name(target))
    rows = connection.execute(_READ_ONLY + _COLUMNS, [name]).fetchall()
    if not rows:
        raise Rejected(
            _lt("There is no table “%(table)s”, or the login may not see it."),
            table=target,
        )
    return rows


def tables(connection) -> list[str]:
    """:return: the names of the tables that may be filled"""
    return [name for (name,) in connection.execute(_READ_ONLY + _TABLES).fetchall()]
