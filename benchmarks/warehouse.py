# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The PostgreSQL destination: a database of its own with one plain table.

Without a journal or a trigger, so that it is never the limit.
"""

import os
import time

from support import databases, processes
from support.destinations import warehouse

COLUMNS = ("odoo_id", "name", "email", "phone", "street", "city", "zip", "country")
SCHEMA = """
CREATE TABLE contacts (odoo_id integer PRIMARY KEY, name text NOT NULL, email text,
    phone text, street text, city text, zip text, country text,
    deleted boolean NOT NULL DEFAULT false)
"""
EVERY = 0.02  # seconds between two looks at the table


class Warehouse(warehouse.Warehouse):
    """A database on the server that libpq's variables name.

    :param name: name of the database; its role is called ``<name>_writer``
    """

    schema = SCHEMA

    def __init__(self, name):
        super().__init__(name)
        self.host = os.environ["PGHOST"]
        self.port = int(os.environ.get("PGPORT") or 5432)

    @property
    def dsn(self):
        """How the naive peer connects."""
        return (
            f"host={self.host} port={self.port} dbname={self.name}"
            f" user={self.user} password={self.password}"
        )

    def empty(self):
        """Remove all rows."""
        databases.query(self.name, "TRUNCATE contacts")

    def count(self):
        """Return how many rows there are."""
        ((count,),) = databases.query(self.name, "SELECT count(*) FROM contacts")
        return count

    def wait_for(self, contacts, seconds):
        """Wait until this many rows are there.

        :param seconds: how long that may take, in seconds
        :return: when the last was seen (monotonic seconds)
        :raises NotInTime: when it takes longer
        """
        with databases.connected(self.name) as connection:
            connection.autocommit = True
            cursor = connection.cursor()

            def arrived():
                cursor.execute("SELECT count(*) FROM contacts")
                return cursor.fetchone()[0] >= contacts

            what = f"{contacts} contacts in the warehouse"
            processes.wait_until(arrived, seconds, what, EVERY)
        return time.monotonic()
