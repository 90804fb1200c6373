# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The PostgreSQL destination: a database of its own with one plain table.

Without a journal or a trigger, so that it is never the limit.
"""

import os
import secrets
import time
from contextlib import closing

import psycopg2
from psycopg2 import sql

from e2e import databases, processes

COLUMNS = ("odoo_id", "name", "email", "phone", "street", "city", "zip", "country")
SCHEMA = """
CREATE TABLE contacts (odoo_id integer PRIMARY KEY, name text NOT NULL, email text,
    phone text, street text, city text, zip text, country text,
    deleted boolean NOT NULL DEFAULT false)
"""
EVERY = 0.02  # seconds between two looks at the table


class Warehouse:
    """A database on the server that libpq's variables name.

    :param name: name of the database; its role is called ``<name>_writer``
    """

    def __init__(self, name):
        self.name = name
        self.user = f"{name}_writer"
        self.password = secrets.token_urlsafe(24)
        self.host = os.environ["PGHOST"]
        self.port = int(os.environ.get("PGPORT") or 5432)

    @property
    def dsn(self):
        """How the naive peer connects."""
        return (
            f"host={self.host} port={self.port} dbname={self.name}"
            f" user={self.user} password={self.password}"
        )

    def create(self):
        """Create the database and the role."""
        self.drop()
        databases.create_role(self.user, self.password)
        databases.create_database(self.name)
        self._execute(SCHEMA)
        self._execute("GRANT SELECT, INSERT, UPDATE, DELETE ON contacts TO {}")

    def drop(self):
        """Remove the database and the role."""
        databases.drop_database(self.name)  # first: it holds the role's rights
        databases.drop_role(self.user)

    def empty(self):
        """Remove all rows."""
        self._execute("TRUNCATE contacts")

    def count(self):
        """Return how many rows there are."""
        with closing(psycopg2.connect(dbname=self.name)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT count(*) FROM contacts")
            return cursor.fetchone()[0]

    def wait_for(self, contacts, seconds):
        """Wait until this many rows are there.

        :param seconds: how long that may take, in seconds
        :return: when the last was seen (monotonic seconds)
        :raises NotInTime: when it takes longer
        """
        with closing(psycopg2.connect(dbname=self.name)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()

            def arrived():
                cursor.execute("SELECT count(*) FROM contacts")
                return cursor.fetchone()[0] >= contacts

            what = f"{contacts} contacts in the warehouse"
            processes.wait_until(arrived, seconds, what, EVERY)
        return time.monotonic()

    def _execute(self, statement):
        with closing(psycopg2.connect(dbname=self.name)) as connection, connection:
            connection.cursor().execute(
                sql.SQL(statement).format(sql.Identifier(self.user))
            )
