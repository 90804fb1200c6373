# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Databases and roles that are made anew for each run.

What is made carries a mark, and nothing without it is ever dropped: on somebody's own
server a database of the same name may be there already.

libpq's variables (``PGHOST`` ...) lead to the server.
"""

from contextlib import closing, contextmanager

import psycopg2
from psycopg2 import sql

from support.environment import templates

MARK = "made anew by the tests of queue_job_sync"


class NotOurs(Exception):
    """There is a database or role of this name that somebody else made."""


def drop_database(name):
    """Drop a database made here, even one in use; none of that name is fine too.

    :raises NotOurs: when somebody else made it
    """
    _drop("database", name, "DROP DATABASE {} WITH (FORCE)")


def drop_role(name):
    """Drop a role made here; none of that name is fine too.

    :raises NotOurs: when somebody else made it
    """
    _drop("role", name, "DROP ROLE {}")


def create_database(name):
    """Create an empty database in place of the one of an earlier run.

    :raises NotOurs: when somebody else made that one
    """
    drop_database(name)
    # As Odoo does: whatever the server's own language, sorted by code point.
    _execute(name, "CREATE DATABASE {} TEMPLATE template0 LC_COLLATE 'C'")
    _mark(name)


def copy_template(template, name):
    """Copy a template, and its files, in place of the database of an earlier run.

    :param template: as :mod:`support.environment.templates` has made it
    :raises NotOurs: when somebody else made that database
    """
    drop_database(name)
    templates.copy_as(template, name)
    _mark(name)


def _mark(name):
    _execute(name, "COMMENT ON DATABASE {} IS %s", MARK)


def create_role(name, password):
    """Create a role that may log in, in place of the one of an earlier run.

    :raises NotOurs: when somebody else made that one
    """
    drop_role(name)
    _execute(name, "CREATE ROLE {} LOGIN PASSWORD %s", password)
    _execute(name, "COMMENT ON ROLE {} IS %s", MARK)


@contextmanager
def connected(name):
    """Have a connection to a database; what the body does is committed at its end."""
    with closing(psycopg2.connect(dbname=name)) as connection, connection:
        yield connection


def query(name, statement, *values):
    """Run a statement on a database, and commit.

    :param values: of its parameters
    :return: its rows as tuples, none if it has no result
    """
    with connected(name) as connection:
        cursor = connection.cursor()
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def _drop(kind, name, statement):
    with connected("postgres") as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT 'database', shobj_description(oid, 'pg_database') FROM pg_database"
            " WHERE datname = %(name)s UNION ALL "
            "SELECT 'role', shobj_description(oid, 'pg_authid') FROM pg_roles"
            " WHERE rolname = %(name)s",
            {"name": name},
        )
        marks = dict(cursor.fetchall())
    if kind not in marks:
        return
    if marks[kind] != MARK:
        raise NotOurs(f"the {kind} {name} was not made by these tests: rename it")
    _execute(name, statement)


def _execute(name, statement, *values):
    with closing(psycopg2.connect(dbname="postgres")) as connection:
        connection.autocommit = True  # databases are not made in transactions
        connection.cursor().execute(
            sql.SQL(statement).format(sql.Identifier(name)), values or None
        )
