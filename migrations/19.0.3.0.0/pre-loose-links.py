# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tools import SQL

# Links of rows that editors and workers insert: Odoo makes no foreign key for them any
# more, and leaves those in place that are there.
LOOSE = (
    ("sync_outbox", "stream_id"),
    ("sync_outbox", "backfill_id"),
    ("sync_outbox", "create_uid"),
    ("sync_outbox", "write_uid"),
    ("sync_attempt", "stream_id"),
    ("sync_delivery", "stream_id"),
    ("sync_binding", "stream_id"),
    ("sync_counter", "stream_id"),
    ("sync_incident", "backend_id"),
    ("sync_rate", "backend_id"),
    ("queue_job", "sync_stream_id"),
    ("queue_job", "sync_backend_id"),
)


def migrate(cr, version):
    cr.execute(
        SQL(
            """
            SELECT c.conname, t.relname
              FROM pg_constraint c
              JOIN pg_class t ON t.oid = c.conrelid
              JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
             WHERE c.contype = 'f' AND (t.relname, a.attname) IN %s
               AND t.relnamespace = current_schema::regnamespace
            """,
            LOOSE,
        )
    )
    for name, table in cr.fetchall():
        cr.execute(
            SQL(
                "ALTER TABLE %s DROP CONSTRAINT %s",
                SQL.identifier(table),
                SQL.identifier(name),
            )
        )
        # where Odoo remembers what it has made
        cr.execute("DELETE FROM ir_model_constraint WHERE name = %s", (name,))
