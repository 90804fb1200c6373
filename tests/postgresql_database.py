# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A PostgreSQL database as a destination."""

import os
import secrets

import psycopg2
from psycopg2 import sql

from odoo.sql_db import connection_info_for


def _server_address():
    """:return: host and port of Odoo's own server, over TCP"""
    parameters = connection_info_for("postgres")[1]
    host = parameters.get("host") or os.environ.get("PGHOST") or "127.0.0.1"
    port = parameters.get("port") or os.environ.get("PGPORT") or 5432
    return "127.0.0.1" if host.startswith("/") else host, int(port)


class PostgresqlDatabase:
    """A database of its own on Odoo's server, and a login with a password."""

    encoding = "UTF8"

    def __init__(self, password):
        self.host, self.port = _server_address()
        suffix = secrets.token_hex(4)
        self.dbname = f"queue_job_sync_dest_{suffix}"
        self.user = f"queue_job_sync_user_{suffix}"
        self.owner = None
        self._password = password
        self._admin = self._undo = None

    def start(self, tables):
        """:param tables: SQL that makes them, run by the owner"""
        self._admin = connect("postgres")
        self._undo = ["DROP ROLE {user}"]
        self._execute("CREATE ROLE {user} LOGIN PASSWORD %s")
        self._undo.append("DROP DATABASE {db} WITH (FORCE)")
        self._execute(
            f"CREATE DATABASE {{db}} TEMPLATE template0 ENCODING '{self.encoding}'"
            " LOCALE 'C'"
        )
        self.owner = connect(self.dbname)
        self.query(tables)

    def stop(self):
        """Drop what was made; harmless if nothing was."""
        if self.owner is not None:
            self.owner.close()
        while self._undo:
            self._execute(self._undo.pop())
        if self._admin is not None:
            self._admin.close()

    def query(self, text, *values):
        """:return: the rows, as the owner sees them"""
        with self.owner.cursor() as cursor:
            cursor.execute(text, values or None)
            return cursor.fetchall() if cursor.description else None

    def disconnect(self):
        """End the sessions of the login, at the server."""
        self.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE usename = %s",
            self.user,
        )

    def _execute(self, text):
        names = {"db": sql.Identifier(self.dbname), "user": sql.Identifier(self.user)}
        self._admin.cursor().execute(sql.SQL(text).format(**names), [self._password])


def connect(dbname):
    """:return: a connection as the owner, each statement its own transaction"""
    connection = psycopg2.connect(**connection_info_for(dbname)[1])
    connection.autocommit = True
    return connection
