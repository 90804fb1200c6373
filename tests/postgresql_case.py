# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from ..transports.postgresql import PostgresqlConfig, PostgresqlTransport
from .postgresql_database import PostgresqlDatabase
from .transport_case import TransportCase

PASSWORD = "p4ss/wörd's\\"
TABLES = """
CREATE SCHEMA crm;
GRANT ALL ON SCHEMA crm TO PUBLIC;
CREATE TABLE contacts (
    odoo_id integer PRIMARY KEY,
    name text NOT NULL,
    email text UNIQUE,
    age integer CHECK (age >= 0),
    tags text[],
    address jsonb,
    active boolean,
    ratio numeric,
    deleted boolean DEFAULT false
);
CREATE TABLE crm.contacts (odoo_id text PRIMARY KEY, name varchar(10));
CREATE TABLE keyless (odoo_id integer, name text);
CREATE TABLE "we""ird; DROP TABLE contacts; --" (
    "k 100%s" integer PRIMARY KEY, "na""me);--" text
);
CREATE TABLE slow (odoo_id integer PRIMARY KEY, name text);
CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(20); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION take_long();
CREATE TABLE scripted (odoo_id integer PRIMARY KEY, name text);
CREATE FUNCTION raise_name() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'as told' USING ERRCODE = NEW.name; END $$;
CREATE TRIGGER scripted BEFORE INSERT ON scripted
    FOR EACH ROW EXECUTE FUNCTION raise_name();
GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA crm TO PUBLIC;
CREATE TABLE computed (
    odoo_id integer PRIMARY KEY, name text, made text GENERATED ALWAYS AS (name) STORED
);
GRANT ALL ON computed TO PUBLIC;
CREATE TABLE private (odoo_id integer PRIMARY KEY, name text);
CREATE TABLE partly (odoo_id integer PRIMARY KEY, name text);
GRANT SELECT, INSERT (odoo_id), UPDATE (odoo_id) ON partly TO PUBLIC;
CREATE TABLE numbered (id serial, odoo_id integer PRIMARY KEY, name text);
GRANT ALL ON numbered TO PUBLIC;
CREATE SCHEMA hidden;
CREATE TABLE hidden.t (odoo_id integer PRIMARY KEY, name text);
"""


class PostgresqlCase(TransportCase):
    """A database of its own on Odoo's server, and a login with a password."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database = database = PostgresqlDatabase(PASSWORD)
        cls.addClassCleanup(database.stop)
        database.start(TABLES)
        cls.host, cls.port = database.host, database.port
        cls.dbname, cls.user = database.dbname, database.user

    def setUp(self):
        super().setUp()
        self.query(
            "TRUNCATE contacts, crm.contacts, keyless, slow, scripted, private, "
            '"we""ird; DROP TABLE contacts; --"'
        )

    def query(self, text, *values):
        return self.database.query(text, *values)

    def disconnect(self):
        """End the sessions of the transport, at the server."""
        self.database.disconnect()

    def config(self, **options):
        values = {
            "host": self.host,
            "port": self.port,
            "dbname": self.dbname,
            "user": self.user,
            "password": PASSWORD,
            "connect_timeout": 3,
            "statement_timeout": 3,
        }
        return PostgresqlConfig(**{**values, **options})

    def system_values(self):
        """Return the settings of a ``sync.backend`` that is this database."""
        return {
            "transport": "postgresql",
            "db_host": self.host,
            "db_port": self.port,
            "db_name": self.dbname,
            "db_user": self.user,
            "db_password": PASSWORD,
        }

    def send(self, *messages, **options):
        """:return: the receipt, or the list of them for several messages"""
        with PostgresqlTransport(self.config(**options)) as transport:
            receipts = transport.send(messages)
        self.assertEqual([receipt.message for receipt in receipts], list(messages))
        return receipts[0] if len(receipts) == 1 else receipts
