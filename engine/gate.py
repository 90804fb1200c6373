# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""Whether a synchronization may send now, and when a job that is made now may run.

Not while the synchronization rests or is held, the system has an open incident or has
asked for patience, or off-peak hours are waited for; and not from a copy of the
database that has sent so far, or from a backup of it. Only the job that an incident
lets through for a trial sends while it is open.
"""

import json
import logging
import math
import os
import zoneinfo
from datetime import datetime, time, timedelta, timezone
from math import inf
from pathlib import Path
from typing import NamedTuple

import pytz

from odoo.exceptions import UserError
from odoo.tools import SQL, config

from odoo.addons.queue_job.exception import RetryableJobError

from . import clock, store, waiting, words

_logger = logging.getLogger(__name__)

# The system parameter, and the folder below Odoo's data folder, that tell where the
# database has sent from.
ORIGIN, FOLDER = "queue_job_sync.origin", "queue_job_sync"


def pass_through(stream, insist=False):
    """Return only if now is a time to send.

    :param stream: the ``sync.stream``, as superuser
    :param bool insist: a person asks for it, off-peak hours or not
    :raises RetryableJobError: not now; waiting uses no try
    """
    resting = stream._resting_text()
    if resting:
        raise waiting.asleep(waiting.for_stream(stream.id), resting)
    # one question, whose answer is nearly always that nothing is in the way
    sight = look(stream.env, stream.backend_id.id, stream.id)
    if sight.holds or difference(sight):
        hold = stream.backend_id._hold()
        if hold:
            key = waiting.for_system(stream.backend_id.id)
            raise waiting.asleep(key, hold)
    held = sight.held and stream._held_text()
    if held:
        raise waiting.asleep(waiting.for_stream(stream.id), held)
    wait = seconds_until_window(stream)
    if wait and not insist:
        closed = words.Sentence(words._lt("Waiting for the off-peak hours."))
        found = later(closed, wait)
        found.sync_closed = True  # see waiting.after_run()
        raise found


def obstacle(stream, for_all=False):
    """Return what keeps a stream from sending, as it is known; ``None`` if nothing.

    :param stream: the ``sync.stream``, as superuser
    :param bool for_all: for people who look after no jobs too: without a reason
    :return: a sentence for people
    """
    return (
        stream._resting_text()
        or stream.backend_id._held_text(for_all)
        or stream._held_text(for_all)
        or None
    )


def later(reason, seconds):
    """Return the exception that lets a job wait, without a try.

    :param reason: a sentence for people
    """
    return RetryableJobError(reason, seconds=seconds, ignore_retry=True)


def eta(stream):
    """Return when a job made now may run: ``None``, or a time (UTC, naive)."""
    if stream._facts().at_once:
        return None
    if stream.delay_policy == "delay":
        return clock.after(stream.env.cr, stream.delay_minutes * 60)
    wait = seconds_until_window(stream)
    return clock.after(stream.env.cr, wait) if wait else None


def seconds_until_window(stream):
    """Return the seconds until a stream's off-peak window opens, 0 inside it."""
    if stream.delay_policy != "window":
        return 0
    try:
        timezone_there = zone(stream.window_tz or "UTC")
    except pytz.UnknownTimeZoneError:
        raise UserError(
            stream.env._("This server does not know the timezone %s.", stream.window_tz)
        ) from None
    return seconds_until_open(
        clock.now(stream.env.cr).replace(tzinfo=timezone.utc),
        stream.window_start,
        stream.window_end,
        timezone_there,
    )


def zone(name):
    """Return a timezone, by one of the names that Odoo offers.

    It offers those of pytz, which brings its own, and knows some by another name; the
    machine's may lack them, as ``US/Eastern`` where Debian's ``tzdata-legacy`` is not
    installed.

    :raises pytz.UnknownTimeZoneError: nobody has it
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except zoneinfo.ZoneInfoNotFoundError:
        with pytz.open_resource(pytz.timezone(name).zone) as resource:
            return zoneinfo.ZoneInfo.from_file(resource, key=name)


def seconds_until_open(now, start, end, tz):
    """Return how long it is until a daily window is open.

    A window whose end is not after its start goes on past midnight.

    :param now: aware datetime
    :param float start: hour of the day at which the window opens, 0 to 24
    :param float end: hour of the day at which it closes, 0 to 24
    :param tz: ``tzinfo`` whose clock the hours are read from
    :return: seconds, rounded up; 0 while the window is open
    """
    today = now.astimezone(tz).date()
    # hours on the clock, so that a change to or from summer time needs no rule
    for offset in (-1, 0, 1, 2):
        day = today + timedelta(days=offset)
        opens = _at_hour(day, start, tz)
        closes = _at_hour(day if end > start else day + timedelta(days=1), end, tz)
        if now < closes:
            return max(0, math.ceil((opens - now).total_seconds()))
    raise AssertionError("a daily window opens within two days")


def _at_hour(day, hour, tz):
    """Return the moment of ``day`` at which the clock of ``tz`` shows ``hour``."""
    minutes = round(hour * 60)
    moment = datetime.combine(day, time(), tzinfo=None) + timedelta(minutes=minutes)
    return moment.replace(tzinfo=tz).astimezone(timezone.utc)


# -- where a database sends from ----------------------------------------------

# A copy that was not neutralized would write to the real systems, and a restored
# backup would go on as if the systems held no more than it knows. So the database
# remembers its name, its number within its server, and its server. A copy differs in
# one of them, and so does a backup that was restored into a new database.

# A backup of the whole server's files differs in none. But time has gone back in it:
# fewer changes have been recorded than a node has seen already. Each node keeps that
# number in a file of Odoo's data folder, outside of the database. Who resumes does so
# on one node: what the others have seen until then counts no more either.


class Place(NamedTuple):
    """Where a database is."""

    database: str  # its name
    oid: int  # its number within the server, another one for each database ever made
    # PostgreSQL's system identifier, made with the server's files; empty where the role
    # may not ask for it
    server: str


class Sight(NamedTuple):
    """What a look at the database tells."""

    here: Place  # where it is now
    there: Place | None  # where it has sent from; None if it has not yet
    since: float  # since when, in seconds since 1970; 0 if it has not yet
    changes: int  # the last number that was given to an undelivered change
    holds: bool  # whether the system that was asked about has an open incident, or has
    # asked for patience
    held: bool  # whether the synchronization that was asked about has one


def look(env, backend_id=None, stream_id=None):
    """Return the :class:`Sight` of a database, of a system and of a synchronization.

    The parameter is read as it is committed: another worker's cache learns of a
    *Resume* only after the jobs that it lets go. An incident does not count that lets
    the job through which asks, for a trial.
    """
    env["ir.config_parameter"].flush_model()
    env["sync.incident"].flush_model(
        ["backend_id", "stream_id", "closed", "trial_uuid"]
    )
    server = SQL("(SELECT system_identifier::text FROM pg_control_system())")
    ((*place, text, changes, holds, held),) = store.ask(
        env.cr,
        """
        WITH incident AS (
            SELECT stream_id FROM sync_incident
             WHERE backend_id = %(backend)s AND closed IS NULL
               AND trial_uuid IS DISTINCT FROM %(job)s)
        SELECT datname, oid::bigint, %(server)s,
               (SELECT value FROM ir_config_parameter WHERE key = %(origin)s),
               (SELECT last_value FROM sync_outbox_id_seq),
               EXISTS (SELECT FROM incident WHERE stream_id IS NULL)
               OR EXISTS (SELECT FROM sync_rate WHERE backend_id = %(backend)s
                             AND quiet_until > clock_timestamp() AT TIME ZONE 'utc'),
               EXISTS (SELECT FROM incident WHERE stream_id = %(stream)s)
          FROM pg_database WHERE datname = current_database()
        """,
        server=server if env["sync.incident"]._tells_server() else "",
        origin=ORIGIN,
        backend=backend_id,
        stream=stream_id,
        job=env.context.get("job_uuid", ""),
    )
    try:
        *known, since = json.loads(text or "")
        there, since = Place(*known), float(since)
    except (ValueError, TypeError):
        # a person has changed it: as unknown as none
        there, since = None, 0
    return Sight(Place(*place), there, since, changes, holds, held)


def difference(sight):
    """Return in what this is not the database that has sent so far.

    :return: the field of :class:`Place`, ``changes`` if time has gone back, or ``""``
    """
    here, there = sight.here, sight.there
    if there is None:
        return ""
    for name in ("database", "server", "oid"):
        if getattr(here, name) != getattr(there, name):
            return name
    return "changes" if sight.changes < seen(here, sight.since) else ""


def remember(env, place):
    """Let the database send from a place, from now on."""
    since = clock.epoch(env.cr)
    env["ir.config_parameter"].sudo().set_param(ORIGIN, json.dumps([*place, since]))


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
