# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The table of the secrets.

No model knows it: what no field holds, no domain, export, grouping or other addon can
ask for. It is written by ``set_secret`` and read when a transport is opened.
"""

from odoo.tools import SQL

TABLE = "sync_secret_value"
# Of secrets that belong to no system.
NO_BACKEND = 0


def create_table(cr):
    """Make the table unless it is there; that of the systems has to be there."""
    cr.execute(
        """
        CREATE TABLE IF NOT EXISTS sync_secret_value (
            id serial PRIMARY KEY,
            backend_id integer REFERENCES sync_backend ON DELETE CASCADE,
            name varchar NOT NULL,
            value varchar NOT NULL,
            since timestamp
        );
        CREATE UNIQUE INDEX IF NOT EXISTS sync_secret_value_key
            ON sync_secret_value (COALESCE(backend_id, 0), name)
        """
    )


def drop_table(cr):
    """Remove the table, and all secrets with it."""
    cr.execute("DROP TABLE IF EXISTS sync_secret_value")


def put(cr, name, text, backend_id=NO_BACKEND):
    """Keep a secret, or forget it.

    :param text: the secret, or a reference to one; empty to forget it
    """
    if not text:
        cr.execute(
            SQL(
                "DELETE FROM sync_secret_value"
                " WHERE COALESCE(backend_id, 0) = %s AND name = %s",
                backend_id,
                name,
            )
        )
        return
    # Whatever another transaction may have against it, it has before there is a
    # secret in a statement: PostgreSQL logs those that fail.
    cr.execute(
        SQL(
            """
            INSERT INTO sync_secret_value (backend_id, name, value, since)
            VALUES (NULLIF(%s, 0), %s, '', now() AT TIME ZONE 'utc')
            ON CONFLICT (COALESCE(backend_id, 0), name)
            DO UPDATE SET since = EXCLUDED.since
            RETURNING id
            """,
            backend_id,
            name,
        )
    )
    (row_id,) = cr.fetchone()
    # Odoo's cursor logs the values of statements, and shows them to its profiler;
    # the driver's own does not.
    cr._obj.execute(
        "UPDATE sync_secret_value SET value = %s WHERE id = %s", (text, row_id)
    )


def get(cr, *backend_ids):
    """Return what is kept.

    :param backend_ids: of the systems that are asked for
    :return: ``{(system's id, name): (text, since when or None)}``
    """
    cr.execute(
        SQL(
            "SELECT COALESCE(backend_id, 0), name, value, since FROM sync_secret_value"
            " WHERE COALESCE(backend_id, 0) = ANY(%s)",
            list(backend_ids),
        )
    )
    return {(id_, name): (text, since) for id_, name, text, since in cr.fetchall()}
