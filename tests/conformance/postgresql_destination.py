# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A table of a PostgreSQL database for the kit."""

import atexit
from functools import cache

from ..postgresql_database import PostgresqlDatabase
from .destination import (
    BLOCK,
    DOWN,
    FORGET,
    LOCKED,
    LOSE,
    MISLEAD,
    NAMELESS,
    REFUSED,
    SILENT,
    THROTTLE,
    Destination,
)
from .tcp_proxy import TcpProxy

PASSWORD = "p0stgres-p4ss/of+the=kit"
TABLES = f"""
CREATE TABLE contacts (
    odoo_id integer PRIMARY KEY, name text, email text, city text, deleted boolean
);
CREATE SCHEMA elsewhere;
CREATE TABLE fault (kind text);
CREATE FUNCTION obey() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    CASE (SELECT kind FROM fault)
    WHEN 'stumble' THEN RAISE 'try again' USING ERRCODE = 'serialization_failure';
    WHEN 'echo' THEN RAISE 'not with {PASSWORD}';
    WHEN 'refuse' THEN
        IF NEW.name LIKE '{REFUSED}%' THEN RAISE 'no such name, please'; END IF;
    WHEN 'deny' THEN
        IF NEW.name LIKE '{REFUSED}%' THEN RETURN NULL; END IF;
    WHEN 'babble' THEN
        RAISE NOTICE '%', repeat('łódź', 250000);
        IF NEW.name LIKE '{REFUSED}%' THEN
            RAISE '%', repeat('no', 1000000) USING HINT = repeat('[', 1000000);
        END IF;
    ELSE NULL;
    END CASE;
    RETURN NEW;
END $$;
CREATE TRIGGER obey BEFORE INSERT OR UPDATE ON contacts
    FOR EACH ROW EXECUTE FUNCTION obey();
CREATE POLICY everyone ON contacts USING (true) WITH CHECK (name NOT LIKE '{REFUSED}%');
GRANT ALL ON contacts TO PUBLIC;
"""
MENDED = """
TRUNCATE fault;
ALTER TABLE IF EXISTS elsewhere.contacts SET SCHEMA public;
ALTER TABLE contacts DISABLE ROW LEVEL SECURITY;
"""


@cache
def _database():
    """Return the one that all tests use, one after the other: making it takes time."""
    database = PostgresqlDatabase(PASSWORD)
    atexit.register(database.stop)
    database.start(TABLES)
    return database


class PostgresqlDestination(Destination):
    secrets = (PASSWORD,)
    cannot = {
        THROTTLE: "PostgreSQL has no answer that asks to wait for a time.",
        NAMELESS: "A table gives no ids: a row is known by Odoo's.",
    }

    def __init__(self):
        self._database = _database()
        self._proxy = TcpProxy(self._database.host, self._database.port)

    def start(self):
        # what another test has left
        self._put_right()
        self._database.query("TRUNCATE contacts")
        self._proxy.start()

    def stop(self):
        self._proxy.stop()
        self._database.disconnect()

    def _put_right(self):
        self._database.query(MENDED)
        self._database.query(f"ALTER ROLE {self._database.user} LOGIN")

    def backend_values(self):
        return {
            "transport": "postgresql",
            "db_host": self._proxy.host,
            "db_port": self._proxy.port,
            "db_name": self._database.dbname,
            "db_user": self._database.user,
            "db_password": PASSWORD,
            "db_sslmode": "disable",
        }

    def stream_values(self):
        return {"table": "contacts", "key_column": "odoo_id"}

    def records(self):
        rows = self._database.query("SELECT name, email, city, deleted FROM contacts")
        return [
            {"name": name, "email": email, "city": city}
            | ({} if deleted is None else {"deleted": deleted})
            for name, email, city, deleted in rows
        ]

    def fault(self, kind):
        self._database.query("INSERT INTO fault VALUES (%s)", kind)
        self._proxy.hush(kind == SILENT)
        if kind == DOWN:
            self._proxy.stop()
        if kind == LOCKED:
            self._database.query(f"ALTER ROLE {self._database.user} NOLOGIN")
        if kind == BLOCK:
            self._database.query("ALTER TABLE contacts ENABLE ROW LEVEL SECURITY")
        if kind == FORGET:
            self._database.query("TRUNCATE contacts")
        if kind == MISLEAD:
            self._database.query("ALTER TABLE contacts SET SCHEMA elsewhere")
        if kind == LOSE:
            self._proxy.drop_answers(b"INSERT INTO")

    def mend(self):
        self._put_right()
        self._proxy.drop_answers()
        self._proxy.hush(False)
        self._proxy.stop()
        self._proxy.start()
