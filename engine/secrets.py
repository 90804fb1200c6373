# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Credentials: kept in a table that no model knows, or beside the database.

What no field holds, no domain, export, grouping or other addon can ask for. It is
written by ``set_secret`` and read when a transport is opened. One that begins with
``env:`` or ``config:`` is a reference, always: the secret is read at each use, and
never stored.
"""

import logging
import os
import re
from configparser import Error as ConfigError
from configparser import RawConfigParser
from dataclasses import dataclass
from fnmatch import fnmatchcase

from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, config, format_datetime

from ..exceptions import Unreachable
from ..transports.redact import MIN_LENGTH, maskable
from . import words

TABLE = "sync_secret_value"
# Of secrets that belong to no system, such as the one that a monitoring system shows.
NO_BACKEND = 0
METRICS_TOKEN = "metrics_token"
# The section of Odoo's configuration file that is read, and nothing else of the file.
SECTION = "queue_job_sync"
# Keys of it with which the server's operator says who may use what: never secrets.
DATABASES, ENVIRONMENT = "databases", "environment"
NAMES = {
    "env": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    "config": re.compile(r"[A-Za-z0-9_.-]+"),
}
# libpq's variables, which lead to Odoo's own database.
NEVER = "PG*"
# The methods that are called with a secret.
SETTERS = {"set_secret", "rotate_signing_secret"}


def _without_secrets(record):
    """Leave out of a log what a method was called with, if that is a secret."""
    if isinstance(record.args, tuple) and SETTERS.intersection(
        arg for arg in record.args if isinstance(arg, str)
    ):
        record.args = (*record.args[:-1], "***")
    return True


# Odoo logs at DEBUG what each method is called with.
logging.getLogger("odoo.service.model").addFilter(_without_secrets)


# -- references: what leads to a secret that is kept beside the database ------


class SecretMissing(Unreachable):
    """A reference to a secret leads nowhere. The message names it, and no value."""


@dataclass(frozen=True)
class Reference:
    """Where a secret is kept, if not in the database."""

    source: str  # env or config
    name: str  # of the environment variable, or of the key in the file

    def __str__(self):
        return f"{self.source}:{self.name}"

    @property
    def problem(self):
        """What is wrong with how it is written, if anything, without repeating it."""
        if NAMES[self.source].fullmatch(self.name) and not (
            self.source == "config" and self.name.lower() in (DATABASES, ENVIRONMENT)
        ):
            return None
        if self.source == "env":
            return words._lt(
                "What follows env: is the name of an environment variable: letters, "
                "digits and underscores. A secret that begins with env: itself can "
                "only be kept beside the database."
            )
        return words.Sentence(
            words._lt(
                "What follows config: is a key of the section [%(section)s] of the "
                "server's configuration file: letters, digits, underscores, dots and "
                "hyphens. A secret that begins with config: itself can only be kept "
                "beside the database."
            ),
            section=SECTION,
        )


def parse_reference(text):
    """Return the :class:`Reference` that a text is, or ``None`` for a secret itself."""
    source, colon, name = (text or "").strip().partition(":")
    return Reference(source, name.strip()) if colon and source in NAMES else None


# -- what is kept, and what people are told of it -----------------------------


def checked(env, value):
    """Return what was given as a secret, as it is kept.

    No error repeats it.

    :param value: the secret, or a reference to one; nothing to forget it
    :return: a string, empty for nothing
    :raises UserError: it cannot be kept
    """
    if value and not isinstance(value, str):
        raise UserError(env._("A secret is a text."))
    if not value or not value.strip():
        return ""
    if "\0" in value or value != value.encode(errors="ignore").decode():
        raise UserError(env._("The secret has characters that cannot be stored."))
    reference = parse_reference(value)
    if reference and reference.problem:
        raise ValidationError(words.said(env, reference.problem))
    return value


def kept(env, backend_id=NO_BACKEND):
    """Return what is kept: secrets, and references to some, by name."""
    found = get(env.cr, backend_id)
    return {name: text for (_backend_id, name), (text, _since) in found.items()}


def origins(env, *backend_ids):
    """Say which secrets there are, where they are kept, and since when.

    :return: ``{(system's id, name): text for people}``
    """
    found = get(env.cr, *backend_ids)
    return {key: origin_text(env, *each) for key, each in found.items()}


def origin_text(env, text, since=None):
    """Say where a secret is kept, without a word of it.

    :param text: what is kept
    :param since: when it was set, if that is known
    """
    reference = parse_reference(text)
    if reference and reference.problem:
        return env._("A reference that leads nowhere")
    if reference and reference.source == "env":
        return env._("From the environment variable %s", reference.name)
    if reference:
        return env._("From the key %s of the configuration file", reference.name)
    origin = (
        env._(
            "Stored in the database since %s",
            format_datetime(env, since, dt_format="short"),
        )
        if since
        else env._("Stored in the database")
    )
    if maskable(text):
        return origin
    return env._(
        "%(origin)s. With fewer than %(count)s characters it is too short to be "
        "masked in logs.",
        origin=origin,
        count=MIN_LENGTH,
    )


# -- the secret itself --------------------------------------------------------


def resolved(env, text):
    """Return the secret that a text is, or refers to.

    :param text: what is stored: a secret, a reference or nothing
    :return: the secret as a string, ``""`` for nothing
    :raises SecretMissing: the reference leads nowhere, or is not allowed here
    """
    reference = parse_reference(text)
    if not reference:
        return text or ""
    if reference.problem:
        # may be a secret that was not meant as a reference: not repeated
        raise SecretMissing(reference.problem)
    section = _section(reference)
    _check_allowed(env, reference, section)
    if reference.source == "env":
        value = os.environ.get(reference.name, "")
        missing = words._lt(
            "The environment variable %(name)s (%(reference)s) is not set, or "
            "empty, in the process of the server."
        )
    else:
        value = section.get(reference.name.lower(), "")
        missing = words._lt(
            "The section [%(section)s] of the server's configuration file has no "
            "key %(name)s (%(reference)s), or it is empty."
        )
    if not value.strip():
        raise SecretMissing(
            missing, section=SECTION, name=reference.name, reference=reference
        )
    return value


def _section(reference):
    """Return the addon's section of the configuration file, as it is now."""
    # values as they are written: a % in a password is a %
    parser = RawConfigParser()
    try:
        with open(config["config"], encoding="utf-8") as file:
            parser.read_file(file)
    except FileNotFoundError:
        return {}
    except (OSError, ConfigError, UnicodeError):
        # what these say quotes lines of the file
        raise SecretMissing(
            words._lt(
                "%(reference)s cannot be used: the server's configuration file cannot "
                "be read."
            ),
            reference=reference,
        ) from None
    return dict(parser[SECTION]) if parser.has_section(SECTION) else {}


def _check_allowed(env, reference, section):
    """:raises SecretMissing: the server's operator does not allow the reference"""
    databases = section.get(DATABASES, "").replace(",", " ").split()
    if databases and env.cr.dbname not in databases:
        raise SecretMissing(
            words._lt(
                "%(reference)s cannot be used: the server's configuration file "
                "keeps its secrets for other databases than %(database)s."
            ),
            reference=reference,
            database=env.cr.dbname,
        )
    if reference.source != "env":
        return
    patterns = section.get(ENVIRONMENT, "").replace(",", " ").split() or ["*"]
    if fnmatchcase(reference.name.upper(), NEVER) or not any(
        fnmatchcase(reference.name, pattern) for pattern in patterns
    ):
        raise SecretMissing(
            words._lt(
                "%(reference)s cannot be used: this environment variable is not among "
                "those that the server offers."
            ),
            reference=reference,
        )


# -- the table, and every statement about it ----------------------------------


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
    cr.execute("DROP TABLE IF EXISTS sync_secret_value")


def keep(env, name, text, backend_id=NO_BACKEND):
    """Keep a secret instead of the one that is there, if any; or forget that.

    :param text: as :func:`checked` returns it; empty to forget it
    :return: where it is kept, as a text for people, or False
    """
    cr = env.cr
    if not text:
        cr.execute(
            "DELETE FROM sync_secret_value"
            " WHERE COALESCE(backend_id, 0) = %s AND name = %s",
            (backend_id, name),
        )
        return False
    # Whatever another transaction may have against it, it has before there is a
    # secret in a statement: PostgreSQL logs those that fail.
    cr.execute(
        """
        INSERT INTO sync_secret_value (backend_id, name, value, since)
        VALUES (NULLIF(%s, 0), %s, '', now() AT TIME ZONE 'utc')
        ON CONFLICT (COALESCE(backend_id, 0), name)
        DO UPDATE SET since = EXCLUDED.since
        RETURNING id, since
        """,
        (backend_id, name),
    )
    row_id, since = cr.fetchone()
    # Odoo's cursor logs the values of statements, and shows them to its profiler;
    # the driver's own does not.
    cr._obj.execute(
        "UPDATE sync_secret_value SET value = %s WHERE id = %s", (text, row_id)
    )
    return origin_text(env, text, since)


def is_set(name, backend_id=NO_BACKEND):
    """Return the SQL condition that there is a secret, or a reference to one."""
    return SQL(
        "EXISTS (SELECT FROM sync_secret_value"
        " WHERE COALESCE(backend_id, 0) = %s AND name = %s)",
        backend_id,
        name,
    )


def get(cr, *backend_ids):
    """Return what is kept.

    :param backend_ids: of the systems that are asked for
    :return: ``{(system's id, name): (text, since when or None)}``
    """
    cr.execute(
        "SELECT COALESCE(backend_id, 0), name, value, since FROM sync_secret_value"
        " WHERE COALESCE(backend_id, 0) = ANY(%s)",
        (list(backend_ids),),
    )
    return {(id_, name): (text, since) for id_, name, text, since in cr.fetchall()}
