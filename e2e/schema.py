# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a database is made of, as texts that can be compared.

libpq's variables (``PGHOST`` ...) lead to the server.
"""

from psycopg2 import sql

from support.databases import connected

STRUCTURE = """
    SELECT format('column %%s.%%s %%s%%s', table_name, column_name, udt_name,
                  CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END)
      FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    -- NOT NULL is told with the column
    SELECT format('constraint %%s on %%s %%s', conname, conrelid::regclass,
                  pg_get_constraintdef(oid))
      FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    UNION ALL
    SELECT format('relation %%s of kind %%s', relname, relkind) FROM pg_class
     WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT format('function %%s', oid::regprocedure) FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT format('trigger %%s on %%s', tgname, tgrelid::regclass) FROM pg_trigger
     WHERE NOT tgisinternal
"""
# Odoo's tables of what modules bring, and what tells one record from another.
RECORDS = {
    "ir_model": "model",
    "ir_model_fields": "concat(model, '.', name)",
    "ir_model_fields_selection": "concat("
    "(SELECT concat(model, '.', name) FROM ir_model_fields WHERE id = field_id),"
    " '=', value)",
    "ir_model_data": "concat(module, '.', name)",
    "ir_model_constraint": "name",
    "ir_model_relation": "name",
    "ir_model_access": "name",
    "ir_rule": "name",
    "ir_ui_view": "concat(model, ' ', name, ' ', mode)",
    "ir_ui_menu": "name::text",
    "ir_actions": "concat(type, ' ', name)",
    "ir_cron": "cron_name",
    "ir_asset": "name",
    "ir_config_parameter": "key",
    "ir_filters": "concat(model_id, ' ', name)",
    "mail_template": "concat(model, ' ', name)",
    "queue_job_channel": "complete_name",
    "queue_job_function": "name",
    "res_groups": "name::text",
}
# Of these, those whose content modules bring and nobody changes by using Odoo.
CONTENT = (
    "ir_model_access",
    "ir_rule",
    "ir_ui_view",
    "ir_ui_menu",
    "ir_act_window",
    "mail_template",
    "mail_message_subtype",
    "queue_job_channel",
    "queue_job_function",
    "res_groups",
)
# Columns that hold a model's name.
NAMING_A_MODEL = """
    SELECT table_name, column_name
      FROM information_schema.columns
      JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
       AND column_name IN ('model', 'res_model', 'model_name', 'model_id', 'relation')
       AND udt_name IN ('varchar', 'text')
"""


def structure(database):
    """Return what tables, columns, indexes and constraints there are.

    :param database: its name
    :return: set of texts
    """
    with connected(database) as connection:
        return set(_column(connection, STRUCTURE, ()))


def records(database):
    """Return which records there are of those that modules bring.

    :param database: its name
    :return: set of texts, each the table and what names the record
    """
    found = set()
    with connected(database) as connection:
        for table, name in RECORDS.items():
            statement = f"SELECT {name} FROM {table}"
            found.update(f"{table}: {text}" for text in _column(connection, statement))
    return found


def content(database):
    """Return what the records hold that modules bring, but for who wrote it and when.

    :param database: its name
    :return: set of texts, each the table and a row
    """
    found = set()
    with connected(database) as connection:
        for table in CONTENT:
            statement = sql.SQL(
                "SELECT (to_jsonb({0}) - 'write_date' - 'write_uid')::text FROM {0}"
            ).format(sql.Identifier(table))
            found.update(f"{table}: {text}" for text in _column(connection, statement))
    return found


def rows_about(database, pattern):
    """Return where rows are left that name a model.

    :param database: its name
    :param pattern: of the names of the models, as for LIKE
    :return: list of texts, each the column and how many rows
    """
    found = []
    with connected(database) as connection:
        cursor = connection.cursor()
        cursor.execute(NAMING_A_MODEL)
        for table, column in cursor.fetchall():
            statement = sql.SQL("SELECT count(*) FROM {} WHERE {} LIKE %s").format(
                sql.Identifier(table), sql.Identifier(column)
            )
            (count,) = _column(connection, statement, (pattern,))
            if count:
                found.append(f"{table}.{column}: {count}")
    return found


def columns_with(database, text):
    """Return where a text is, in all of a database.

    :param database: its name
    :return: set of ``table.column``
    """
    found = set()
    with connected(database) as connection:
        tables = (
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        for table in _column(connection, tables):
            statement = sql.SQL(
                "SELECT DISTINCT each.key"
                " FROM {} AS t, jsonb_each_text(to_jsonb(t)) AS each"
                " WHERE strpos(each.value, %s) > 0"
            ).format(sql.Identifier(table))
            columns = _column(connection, statement, (text,))
            found.update(f"{table}.{column}" for column in columns)
    return found


def _column(connection, statement, values=None):
    """Return the first column of a query's rows."""
    cursor = connection.cursor()
    cursor.execute(statement, values)
    return [value for (value,) in cursor.fetchall()]
