# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What would be written into a table, what it holds now, and which columns it has."""

import json

from psycopg2 import sql

from ..exceptions import Rejected, SyncError
from .base import Column
from .postgresql_statement import as_sent, row, selection, statement, table_name

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


class PostgresqlPreview:
    """Mixed into the transport, whose own statements it shows."""

    def preview(self, message):
        try:
            table = self._table(message.route)
            query, values, *_how = statement([row(0, message, table)], table)
            cursor = self._connection.open().cursor()
            text = cursor.mogrify(query.as_string(cursor), values).decode("utf-8")
        except SyncError as error:
            raise self._redact.clean(error) from None
        return self._redact(text)

    def held(self, message):
        try:
            table = self._table(message.route)
            query, values = selection(message, table)
            query = _READ_ONLY + _BYTES_IN_HEX + query
            found = self._connection.execute(query, values).fetchone()
        except SyncError as error:
            raise self._redact.clean(error) from None
        if not found:
            return None
        return self._redact.within(as_sent(json.loads(found[0]), message, table))

    def columns(self, target):
        try:
            name = table_name(target).as_string(self._connection.open())
            # not a statement here: no percent sign of it is a placeholder
            name = name.replace("%%", "%")
            rows = self._connection.execute(_READ_ONLY + _COLUMNS, [name]).fetchall()
            if not rows:
                raise Rejected(
                    f"There is no table “{target}”, or the login may not see it."
                )
        except SyncError as error:
            raise self._redact.clean(error) from None
        return [Column(self._redact(name), *found) for name, *found in rows]

    def tables(self):
        try:
            rows = self._connection.execute(_READ_ONLY + _TABLES).fetchall()
        except SyncError as error:
            raise self._redact.clean(error) from None
        return [self._redact(name) for (name,) in rows]
