# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Where a database sends from: what tells a copy, or a restored backup, from it.

A copy that was not neutralized would write to the real systems, and a restored backup
would go on as if the systems held no more than it knows. So the database remembers its
name, its number within its server, and its server. A copy differs in one of them, and
so does a backup that was restored into a new database.

A backup of the whole server's files differs in none. But time has gone back in it:
fewer changes have been recorded than a node has seen already. Each node keeps that
number in a file of Odoo's data folder, outside of the database. Who resumes does so on
one node: what the others have seen until then counts no more either.
"""

import json
import logging
import os
from math import inf
from pathlib import Path
from typing import NamedTuple

from odoo.tools import config

_logger = logging.getLogger(__name__)

PARAMETER = "queue_job_sync.origin"
FOLDER = "queue_job_sync"


class Place(NamedTuple):
    """Where a database is.

    :param database: its name
    :param oid: its number within the server, another one for each database ever made
    :param server: PostgreSQL's system identifier, made with the server's files; empty
        where the role may not ask for it
    """

    database: str
    oid: int
    server: str


class Sight(NamedTuple):
    """What a look at the database tells.

    :param here: where it is now
    :param there: where it has sent from; ``None`` if it has not yet
    :param since: since when, in seconds since 1970; 0 if it has not yet
    :param changes: the last number that was given to an undelivered change
    """

    here: Place
    there: Place | None
    since: float
    changes: int


def look(cr, tells_server=True):
    """Return the :class:`Sight` of a database.

    The parameter is read as it is committed: another worker's cache learns of a
    *Resume* only after the jobs that it lets go.

    :param cr: cursor
    :param tells_server: whether the role may ask for the system identifier
    """
    server = "''"
    if tells_server:
        server = "(SELECT system_identifier::text FROM pg_control_system())"
    cr.execute(
        f"""
        SELECT datname, oid::bigint, {server},
               (SELECT value FROM ir_config_parameter WHERE key = %s),
               (SELECT last_value FROM sync_outbox_id_seq)
          FROM pg_database WHERE datname = current_database()
        """,
        (PARAMETER,),
    )
    *place, text, changes = cr.fetchone()
    return Sight(Place(*place), *_parsed(text), changes)


def _parsed(text):
    try:
        *place, since = json.loads(text or "")
        return Place(*place), float(since)
    except (ValueError, TypeError):
        # a person has changed it: as unknown as none
        return None, 0


def may_tell_server(cr):
    """Return whether the role may ask for the server's system identifier.

    PostgreSQL lets everybody, unless an operator has taken that right away.
    """
    cr.execute("SELECT has_function_privilege('pg_control_system()', 'execute')")
    return cr.fetchone()[0]


def remember(env, place):
    """Let the database send from a place, from now on."""
    env.cr.execute("SELECT extract(epoch FROM clock_timestamp())::float")
    (since,) = env.cr.fetchone()
    env["ir.config_parameter"].sudo().set_param(PARAMETER, json.dumps([*place, since]))


def seen(place, since):
    """Return how many changes this node has seen recorded at a place, 0 for none.

    More than there can be if it has seen the database send from there since later.

    :param since: when it has begun to send from there, as the database says
    """
    try:
        *noted, noted_since, changes = json.loads(_file(place).read_text())
        if Place(*noted) != place or noted_since < since:
            return 0
        return changes if noted_since == since else inf
    except (OSError, ValueError, TypeError):
        return 0


def note(place, since, changes):
    """Keep on this node how many changes were recorded at a place, see :func:`seen`.

    A node that cannot write there does without.
    """
    path = _file(place)
    partial = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps([*place, since, changes]))
        partial.replace(path)
    except OSError as error:
        _logger.info("%s cannot be written: %s", path, error)


def _file(place):
    name = f"{place.server or 'server'}-{place.oid}.json"
    return Path(config["data_dir"]) / FOLDER / name
