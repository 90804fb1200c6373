# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A data warehouse: a PostgreSQL database with one table of contacts.

A trigger of its own journals every change, so that a test sees when each arrived, and
how often, whatever the table looks like now.
"""

import secrets

from psycopg2 import sql
from psycopg2.extras import RealDictCursor

from support import databases

SCHEMA = """
CREATE TABLE contacts (
    odoo_id integer PRIMARY KEY,
    name text NOT NULL,
    email text,
    phone text,
    city text,
    country text,
    tags text[],
    deleted boolean NOT NULL DEFAULT false
);
CREATE TABLE journal (
    number bigserial PRIMARY KEY,
    "time" timestamptz NOT NULL DEFAULT clock_timestamp(),
    operation text NOT NULL,
    odoo_id integer NOT NULL,
    content jsonb NOT NULL
);
CREATE FUNCTION write_journal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    changed contacts := COALESCE(NEW, OLD);
BEGIN
    INSERT INTO journal (operation, odoo_id, content)
    VALUES (TG_OP, changed.odoo_id, to_jsonb(changed));
    RETURN NULL;
END $$;
CREATE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON contacts
FOR EACH ROW EXECUTE FUNCTION write_journal();
"""


class Warehouse:
    """A database with the table ``contacts``, and a role that may write to it.

    libpq's variables (``PGHOST`` ...) lead to the server.

    :param name: name of the database; its role is called ``<name>_writer``
    """

    schema = SCHEMA

    def __init__(self, name="warehouse"):
        self.name = name
        self.user = f"{name}_writer"
        self.password = secrets.token_urlsafe(24)

    def create(self):
        """Create the database and the role; what an earlier run left is lost."""
        self.drop()
        databases.create_role(self.user, self.password)
        databases.create_database(self.name)
        databases.query(self.name, self.schema)
        grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON contacts TO {}"
        databases.query(self.name, sql.SQL(grant).format(sql.Identifier(self.user)))

    def add_column(self, name, kind="text"):
        """Give the table one more column.

        :param kind: its SQL type
        """
        statement = sql.SQL("ALTER TABLE contacts ADD COLUMN {} {}")
        statement = statement.format(sql.Identifier(name), sql.SQL(kind))
        databases.query(self.name, statement)

    def drop(self):
        """Remove the database, even one in use, and the role."""
        databases.drop_database(self.name)  # first: it holds the role's rights
        databases.drop_role(self.user)

    def contacts(self):
        """Return the rows of the table as dicts, by ``odoo_id``."""
        rows = self._query("SELECT * FROM contacts ORDER BY odoo_id")
        return {row["odoo_id"]: row for row in rows}

    def journal(self):
        """Return every change of the table so far, oldest first.

        :return: list of dicts with ``number``, ``time`` (seconds since the epoch),
            ``operation`` (INSERT, UPDATE or DELETE), ``odoo_id``, ``content`` (the row)
        """
        return self._query(
            "SELECT number, extract(epoch FROM time)::float AS time, operation,"
            " odoo_id, content FROM journal ORDER BY number"
        )

    def _query(self, statement):
        with databases.connected(self.name) as connection:
            cursor = connection.cursor(cursor_factory=RealDictCursor)
            cursor.execute(statement)
            return [dict(row) for row in cursor.fetchall()]
