# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether jobs run at all, and leave workers for the people who edit.

A job runs within a worker that also serves people. So the channels may let fewer run at
a time than there are workers, on each server of the database. Each of them notes what
it is in ``sync.node``: when it runs the cron of every minute, and when it is asked to
run a job. One that does neither harms nobody.
"""

import ipaddress
import logging
import os
import socket
import time
from datetime import timedelta
from typing import NamedTuple

import psycopg2
from psycopg2 import errors as pg_errors

from odoo.tools import SQL, config

from odoo.addons.queue_job.jobrunner import _is_runner_enabled, queue_job_config
from odoo.addons.queue_job.jobrunner.channels import ChannelManager
from odoo.addons.queue_job.jobrunner.runner import PG_ADVISORY_LOCK_ID, _channels

from . import clock, words
from .store import ask, ask_column

_logger = logging.getLogger(__name__)

CHANNELS = "ODOO_QUEUE_JOB_CHANNELS"
# What runs jobs by a cron, where no runner lasts.
BY_CRON = "queue_job_cron_jobrunner"
# Seconds that a due job may wait while none starts.
PATIENCE = 300
# Minutes after which a note no longer counts, and days after which it goes.
FRESH_MINUTES, KEEP_DAYS = 15, 1
# Days in which a job has started, so that something runs them.
USED_DAYS = 7
# Seconds between two notes of a process that is asked to run jobs.
PAUSE = 30
# A root channel without a limit.
UNLIMITED = 2**31 - 1
# Workers that are suggested where there are none.
WORKERS = 4

# When this process has noted itself last, by database.
_noted = {}


class Node(NamedTuple):
    """What a server is, as far as jobs are concerned."""

    name: str
    workers: int  # 0 for threads: as many as are asked for
    loaded: bool  # queue_job is loaded with the server, which brings its runner
    capacity: int  # jobs that the channels let run at a time
    spread: bool  # its runner asks an address that is not its own: of all servers

    @property
    def runs_jobs(self):
        return self.loaded and self.capacity > 0


class Problem(NamedTuple):
    """Something that whoever runs the servers should change."""

    kind: str  # of ``sync.health``
    reason: words.Sentence
    lines: str  # for the configuration file, "" if it is not at fault


# -- what this server is ------------------------------------------------------


def here():
    """Return the :class:`Node` that this process belongs to."""
    return Node(
        name=f"{socket.gethostname()}:{config['http_port']}",
        workers=config["workers"],
        loaded="queue_job" in config["server_wide_modules"],
        capacity=_capacity(),
        spread=_asks_elsewhere(),
    )


def channels():
    """Return the channels as this server's runner reads them: dicts by full name."""
    try:
        configured = ChannelManager.parse_simple_config(_channels())
    except ValueError:
        # with these, the runner does not start
        return {"root": {"capacity": 0, "paused": True}}
    found = {"root": {"capacity": 1}}
    for channel in configured:
        name = channel["name"]
        if name != "root" and not name.startswith("root."):
            name = f"root.{name}"
        found[name] = channel
    return found


def _capacity():
    root = channels()["root"]
    if not _is_runner_enabled() or root.get("paused"):
        return 0
    return max(root["capacity"] or UNLIMITED, 0)


def _asks_elsewhere():
    """Return whether the runner asks another address than its own server's."""
    host = os.environ.get("ODOO_QUEUE_JOB_HOST") or queue_job_config.get("host")
    own = (None, "", "localhost", config["http_interface"], socket.gethostname())
    if host in own:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return True
    return not (address.is_loopback or address.is_unspecified)


def note(registry, asked=False):
    """Note what this server is. It must not fail: whoever calls has other work.

    :param bool asked: because it is to run a job; then not at each of them
    """
    key = registry.db_name
    if asked and time.monotonic() < _noted.get(key, 0):
        return
    _noted[key] = time.monotonic() + PAUSE
    try:
        with registry.cursor() as cr:
            # the table may be about to go, or to change
            cr.execute("SET LOCAL lock_timeout = '1s'")
            cr.execute(
                SQL(
                    """
                    INSERT INTO sync_node AS node
                           (name, workers, loaded, capacity, spread, noted, asked,
                            since)
                    SELECT %s, now, CASE WHEN %s THEN now END,
                           COALESCE((SELECT min(since) FROM sync_node
                                      WHERE noted > now - %s * interval '1 s'), now)
                      FROM (SELECT clock_timestamp() AT TIME ZONE 'utc') AS at (now)
                        ON CONFLICT (name) DO UPDATE SET
                           workers = EXCLUDED.workers, loaded = EXCLUDED.loaded,
                           capacity = EXCLUDED.capacity, spread = EXCLUDED.spread,
                           noted = EXCLUDED.noted, since = EXCLUDED.since,
                           asked = COALESCE(EXCLUDED.asked, node.asked)
                    """,
                    SQL(", ").join(SQL("%s", value) for value in here()),
                    asked,
                    PATIENCE,
                ),
                log_exceptions=False,
            )
            cr.execute("SET LOCAL lock_timeout = DEFAULT")
    except pg_errors.SerializationFailure:
        _logger.debug("Another process of this server has just been noted")
    except psycopg2.Error:
        _logger.warning("This server could not be noted", exc_info=True)


# -- what is wrong ------------------------------------------------------------


def problems(env):
    """Return what is wrong now, as a list of :class:`Problem`.

    It only reads, and costs the same with a million jobs.
    """
    env["queue.job"].flush_model()
    env["sync.incident"].flush_model(["backend_id", "closed"])
    nodes, asked, since = _nodes(env.cr)
    found = [each for node in nodes if (each := _no_place(node, nodes))]
    started = max(filter(None, [asked, _last_start(env.cr)]), default=None)
    waits = _stuck_minutes(env.cr, started, since)
    if not any(node.runs_jobs for node in nodes) and not _by_cron(env):
        used = started and started > clock.now(env.cr) - timedelta(days=USED_DAYS)
        if waits or not (used or _runner_is_there(env.cr)):
            return [*found, _no_runner(nodes)]
    if waits:
        found.append(_stuck(waits))
    return found


def _nodes(cr):
    """Return the servers, this one as it is now.

    :return: list of :class:`Node`, when one was last asked to run a job, and since when
        there has been one; either is None if that is not known
    """
    rows = ask(
        cr,
        "SELECT name, workers, loaded, capacity, spread, asked, since FROM sync_node"
        " WHERE noted > %s ORDER BY name",
        clock.now(cr) - timedelta(minutes=FRESH_MINUTES),
    )
    nodes = {name: Node(name, *rest) for name, *rest, _asked, _since in rows}
    node = here()
    nodes[node.name] = node
    asked = max(filter(None, (row[-2] for row in rows)), default=None)
    return list(nodes.values()), asked, min((row[-1] for row in rows), default=None)


def _no_place(node, nodes):
    """Return the :class:`Problem` of a server, None if it leaves workers for people."""
    theirs = [each.workers for each in nodes] if node.spread else [node.workers]
    workers = sum(theirs)
    # one with threads has no limit
    if not node.runs_jobs or not all(theirs) or node.capacity < workers:
        return None
    template = (
        words._lt(
            "Jobs can take all %(workers)s workers of all servers: the channels of "
            "%(node)s let %(capacity)s run at a time. Meanwhile no page opens, and "
            "nothing can be saved."
        )
        if node.spread
        else words._lt(
            "Jobs can take all %(workers)s workers of %(node)s: its channels let "
            "%(capacity)s run at a time. Meanwhile no page opens, and nothing can be "
            "saved."
        )
    )
    reason = words.Sentence(
        template, workers=workers, node=node.name, capacity=node.capacity
    )
    at_least = max(node.workers, 2)
    capacity = max(workers, 2) - 1
    return Problem("no_place", reason, _lines(capacity, workers=at_least))


def _no_runner(nodes):
    loaded = any(node.loaded for node in nodes)
    reason = (
        words._lt("No job runs, and nothing is sent: the channels let none run.")
        if loaded
        else words._lt(
            "No job runs, and nothing is sent: queue_job is not loaded with the server."
        )
    )
    workers = max(max(node.workers for node in nodes) or WORKERS, 2)
    options = {"workers": workers}
    if not loaded:
        modules = [*config["server_wide_modules"], "queue_job"]
        options["server_wide_modules"] = ",".join(modules)
    return Problem("no_runner", words.Sentence(reason), _lines(workers - 1, **options))


def _stuck(minutes):
    reason = words._lt(
        "Jobs are due, one of them for %(minutes)s minutes, and none starts: the "
        "runner of queue_job is dead, or it reaches the database or Odoo no longer. "
        "Restart Odoo; its log tells more."
    )
    return Problem("stuck", words.Sentence(reason, minutes=minutes), "")


def _lines(capacity, **options):
    """Return lines for the configuration, with the channels' other parts as they are.

    :param int capacity: of the root channel
    :param options: of the section ``[options]``
    """
    parts = [part.strip() for part in _channels().replace("\n", ",").split(",")]
    others = [part for part in parts if part and part.split(":")[0].strip() != "root"]
    text = ",".join([f"root:{capacity}", *others])
    lines = ["[options]", *(f"{name} = {value}" for name, value in options.items())]
    if os.environ.get(CHANNELS):
        # which goes before the file
        return "\n".join([*lines, "", "# environment", f"{CHANNELS}={text}"])
    return "\n".join([*lines, "", "[queue_job]", f"channels = {text}"])


# -- whether jobs start -------------------------------------------------------


def _last_start(cr):
    """Return when a job has started last, as far as jobs tell; None for never.

    One that is at work counts as long as it may: it holds a place that others wait for.
    """
    now = clock.now(cr)
    longest = max(PATIENCE, config["limit_time_real"], config["limit_time_real_cron"])
    ((ended, started),) = ask(
        cr,
        """
        SELECT (SELECT max(date_started) FROM queue_job
                 WHERE state IN ('done', 'failed')),
               (SELECT max(date_started) FROM queue_job WHERE state = 'started')
        """,
    )
    if started and started > now - timedelta(seconds=longest):
        return now
    return max(filter(None, [ended, started]), default=None)


def _stuck_minutes(cr, started, since):
    """Return for how many minutes a job has been due, 0 if jobs start or none is.

    What waits for a system that is down or paused is not due, nor is what a channel
    holds back on purpose.

    :param started: when a job has started last
    :param since: since when there has been a server: after a standstill jobs are late,
        and the runner begins some seconds after the cron
    """
    before = clock.now(cr) - timedelta(seconds=PATIENCE)
    if not since or since > before or (started and started > before):
        return 0
    ((due,),) = ask(
        cr,
        """
        SELECT min(GREATEST(job.eta, job.date_created))
          FROM queue_job job
         WHERE job.state IN ('pending', 'enqueued')
           AND job.date_created < %(before)s
           AND (job.eta IS NULL OR job.eta < %(before)s)
           AND NOT EXISTS (
               SELECT FROM unnest(%(held)s::text[]) AS held (channel)
                WHERE starts_with(job.channel || '.', held.channel || '.'))
           AND NOT EXISTS (
               SELECT FROM sync_incident
                WHERE backend_id = job.sync_backend_id AND closed IS NULL)
        """,
        before=before,
        held=_held_channels(cr),
    )
    return round((clock.now(cr) - due).total_seconds() / 60) if due else 0


def _held_channels(cr):
    """Return the channels that are paused, or sequential and stopped by a failure."""
    configured = channels().items()
    held = [name for name, each in configured if each.get("paused")]
    sequential = [name for name, each in configured if each.get("sequential")]
    if sequential:
        held += ask_column(
            cr,
            "SELECT DISTINCT channel FROM queue_job"
            " WHERE state = 'failed' AND channel = ANY(%s)",
            sequential,
        )
    return held


def _by_cron(env):
    return BY_CRON in env["ir.module.module"]._installed()


def _runner_is_there(cr):
    """Return whether a runner leads in this database, by the lock that it holds."""
    return bool(
        ask(
            cr,
            """
            SELECT FROM pg_locks
             WHERE locktype = 'advisory' AND granted
               AND database = (
                   SELECT oid FROM pg_database WHERE datname = current_database())
               AND (classid::bigint << 32 | objid::bigint) = %s
            """,
            PG_ADVISORY_LOCK_ID,
        )
    )
