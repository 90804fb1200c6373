# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The statements by which the engine locks, writes and asks.

What takes an environment, or a stream in one, flushes what it reads, and forgets what
it has written. What takes a registry has a cursor of its own: it is committed whatever
becomes of the job, and sees what others have committed by then.
"""

import json
import logging
from bisect import bisect_left
from contextlib import contextmanager, suppress
from itertools import product, takewhile
from math import inf
from typing import NamedTuple

import psycopg2
from psycopg2 import errors as pg_errors

from odoo import fields
from odoo.tools import SQL

from ..exceptions import (
    Blocked,
    Misconfigured,
    RateLimited,
    Rejected,
    Temporary,
    Throttled,
    Unreachable,
)
from ..text import storable
from ..transports.pace import Slots, slots_within
from . import secrets, words
from .task import Attempt, Given, Held, Owed

_logger = logging.getLogger(__name__)

# Seconds to wait for what another transaction has locked, and after that has failed.
PATIENCE = 5
# Jobs whose work is still to be done, and with those that people have to decide about.
LIVE_STATES = ("wait_dependencies", "pending", "enqueued", "started")
OPEN_STATES = (*LIVE_STATES, "failed")
# Those that no worker has, or will have before this transaction is over.
AT_REST = ("pending", "wait_dependencies", "failed")
SETTLED = ("done", "cancelled")

# The system has the record, or had it, as far as a binding knows.
HELD = SQL("(content_hash IS NOT NULL OR external_id IS NOT NULL)")
# It has confirmed a content, and nobody has decided to leave it at that.
CONFIRMED = SQL("(content_hash IS NOT NULL AND skipped IS NOT TRUE)")

# When a job is due, or was before it fell asleep.
DUE = SQL("COALESCE(sync_due, eta, date_created)")
# When a transaction has begun.
NOW = SQL("(now() AT TIME ZONE 'utc')")
# Jobs that others may take along: they depend on none, and wait for nothing but their
# system. As the index has it.
MAY_GO_ALONG = SQL(
    "graph_uuid IS NULL AND (sync_wait_key IS NULL OR sync_wait_key ~ '^system:')"
)
# Seconds for which the trial of an incident may be put off.
TRIAL_PATIENCE = 60
# Seconds after which a job comes at most that has heard how long to be patient.
CALLER_LATE = 3
# Characters of a content that the log keeps.
BODY_LIMIT = 10_000
# The kinds of failure: of a record, of a synchronization, or of a whole system. The
# first class that fits.
KINDS = {
    Blocked: "blocked",
    Rejected: "rejected",
    Misconfigured: "misconfigured",
    Throttled: "throttled",
    Unreachable: "unreachable",
    Temporary: "temporary",
}
DELIVERED = "delivered"
# Upper bounds of the classes of duration, in seconds; a read timeout is 30 by default.
BOUNDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, inf)
# In place of a bound: nothing was sent, so nothing was timed.
NOT_TIMED = 0.0


class ConnectionLost(psycopg2.OperationalError):
    """A connection to Odoo's database is gone, or none could be had."""


# Has the server not end a transaction that waits for a destination's answer.
# ``transaction_timeout`` came with PostgreSQL 17.
KEEPING_CONNECTION = SQL(
    """
    SELECT set_config(name, '0', true)
      FROM unnest(ARRAY['idle_in_transaction_session_timeout',
                        'transaction_timeout']) AS name
     WHERE current_setting(name, true) IS NOT NULL
    """
)


# Until a chunk is settled, nobody can take away the tables that it is settled in: who
# wants one for himself has it before anything is sent, or waits. Where an upgrade has
# some of them and wants the others, it must not be what PostgreSQL ends.
HOLDING_TABLES = SQL(
    "SET LOCAL lock_timeout = '500ms';"
    " LOCK TABLE sync_binding, sync_outbox, sync_delivery, sync_counter, queue_job"
    " IN ROW EXCLUSIVE MODE"
)


@contextmanager
def connected(registry, first=None):
    """Yield a cursor of its own, committed on leaving.

    It does not wait for ever: who changes a table, an upgrade say, waits for the jobs
    that have read it, and what these would do on other connections waits behind that.
    PostgreSQL does not see such a circle.

    :param first: :class:`SQL` to begin the transaction with, or all that it does
    :raises ConnectionLost: its connection is gone. Not what was raised tells: the
        content of a record may come from another database.
    :raises LockNotAvailable: somebody else has locked what it needs
    """
    connection = None
    try:
        with registry.cursor() as cr:
            connection = cr.connection
            # nothing has been executed yet
            cr.execute(SQL("%s; %s", _patience(), first or SQL()))
            yield cr
    except psycopg2.Error as error:
        if connection is None or connection.closed:
            raise ConnectionLost(str(error)) from error
        raise


def _patience():
    return SQL("SET LOCAL lock_timeout = %s", f"{PATIENCE}s")


def _change_patience(cr, timeout):
    """Wait so long for locks in the rest of a transaction; return what it was."""
    change = "set_config('lock_timeout', %s, true)"
    ((before, _now),) = ask(
        cr, f"SELECT current_setting('lock_timeout'), {change}", timeout
    )
    return before


@contextmanager
def read_committed(registry, more=None):
    """Yield a cursor of its own, committed on leaving, that is READ COMMITTED.

    Odoo's are REPEATABLE READ: to write a row that another transaction has changed
    since the first statement is an error there, and the whole work begins again. Here
    each statement sees what is committed by then, and waits for who is about to.

    :param more: :class:`SQL` that sets something else for this transaction
    """
    level = SQL("SET TRANSACTION ISOLATION LEVEL READ COMMITTED; %s", more or SQL())
    with connected(registry, level) as cr:
        yield cr


@contextmanager
def delivering(registry):
    """Yield the cursor of a chunk of deliveries, committed on leaving.

    Its snapshot is taken before anything else is done with it.

    :raises LockNotAvailable: somebody else has locked a table that it needs
    """
    first = SQL("%s; %s; %s", HOLDING_TABLES, _patience(), KEEPING_CONNECTION)
    with connected(registry, first) as cr:
        yield cr


def ask(cr, statement, *values, **named):
    """Return the rows that a statement gives, with its values as for :class:`SQL`."""
    cr.execute(SQL(statement, *values, **named))
    return cr.fetchall()


def ask_column(cr, statement, *values, **named):
    """Return the values in the only column of what :func:`ask` returns."""
    return [value for (value,) in ask(cr, statement, *values, **named)]


def rows_about(table, pairs, lock=None):
    """Return the rows of a table about some records of some streams, for a ``FROM``.

    They are looked up one by one in the index on ``(stream_id, res_id)``, whatever
    PostgreSQL takes the table for. Left to itself it goes by its statistics: these know
    nothing of a stream that has just begun, so it would read all of the stream's rows
    rather than look a hundred of them up.

    :param str table: with that index
    :param pairs: iterable of ``(stream id, record id)``; rows come in that order
    :param lock: :class:`SQL` of a locking clause
    """
    pairs = list(pairs)
    return SQL(
        # OFFSET keeps PostgreSQL from joining the two in another way
        """
        (SELECT found.*
           FROM unnest(%s::int[], %s::int[]) AS wanted (stream_id, res_id)
          CROSS JOIN LATERAL (
                SELECT * FROM %s AS one
                 WHERE one.stream_id = wanted.stream_id AND one.res_id = wanted.res_id
                OFFSET 0 %s) AS found)
        """,
        [stream_id for stream_id, _res_id in pairs],
        [res_id for _stream_id, res_id in pairs],
        SQL.identifier(table),
        lock or SQL(),
    )


# -- undelivered changes ------------------------------------------------------


def insert_changes(stream, uid, rows, backfill=None):
    """Insert the rows of a stream's outbox by one statement, created by a user.

    :param rows: non-empty list of ``(record id, name, operation, force, job UUID,
        problem)``
    :param backfill: the ``sync.backfill`` that they belong to
    """
    cr = stream.env.cr
    # one parameter for all rows: psycopg2 takes longer for arrays than for JSON
    cr.execute(
        """
        INSERT INTO sync_outbox
               (stream_id, res_id, record_name, operation, force, job_uuid,
                problem, backfill_id, create_uid, create_date)
        SELECT %s, (change ->> 0)::int, change ->> 1, change ->> 2,
               (change ->> 3)::bool, change ->> 4, change ->> 5, %s, %s, %s
          FROM jsonb_array_elements(%s) AS change
        """,
        (stream.id, backfill and backfill.id, uid, cr.now(), json.dumps(rows)),
    )


def owed_changes(stream, record_ids):
    """Return the :class:`Owed` changes of records, by record id, in their order.

    They and the records are read in one snapshot, so the rows found here are exactly
    the changes that the content covers. Nobody owes those of a stream that is gone.
    """
    rows = ask(
        stream.env.cr,
        """
        SELECT o.res_id, array_agg(o.id), bool_or(o.force), bool_or(b.resend)
          FROM %s AS o JOIN sync_stream s ON s.id = o.stream_id
          LEFT JOIN sync_backfill b ON b.id = o.backfill_id
         GROUP BY o.res_id ORDER BY o.res_id
        """,
        rows_about("sync_outbox", product(stream.ids, record_ids)),
    )
    return {
        res_id: Owed(row_ids, bool(force), bool(resend))
        for res_id, row_ids, force, resend in rows
    }


def who_owes(stream, record_ids, uuid):
    """Return who of records has changes that are owed, and whether a job owes some.

    Nobody owes those of a stream that is gone.

    :param str uuid: of the job
    :return: dict of booleans by record id; whether the job is the trial of an incident
    """
    rows = ask(
        stream.env.cr,
        """
        SELECT res_id, bool_or(job_uuid = %(uuid)s) IS TRUE, EXISTS (
               SELECT FROM sync_incident
                WHERE closed IS NULL AND trial_uuid = %(uuid)s)
          FROM %(changes)s AS change
         WHERE EXISTS (SELECT FROM sync_stream WHERE id = change.stream_id)
         GROUP BY res_id ORDER BY res_id
        """,
        uuid=uuid,
        changes=rows_about("sync_outbox", product(stream.ids, record_ids)),
    )
    return {res_id: is_own for res_id, is_own, _trial in rows}, any(
        is_trial for _res_id, _own, is_trial in rows
    )


def due_changes(cr, stream_id, uuid, limit):
    """Return records that are due of a stream, the most urgent ones first.

    Those of pending jobs, of no graph, whose time has come. They are looked up by
    priority, and by when they became due: however many wait, or are not due yet, what
    is read is what is returned.

    :param str uuid: of the job that asks
    :return: list of ``(record id, Given, whether it is more urgent than that job)``
    """
    rows = ask(
        cr,
        """
        WITH RECURSIVE level (priority) AS (
            (SELECT priority FROM queue_job
              WHERE sync_stream_id = %(stream)s AND state = 'pending' AND %(may)s
              ORDER BY priority LIMIT 1)
             UNION ALL
            SELECT (SELECT priority FROM queue_job
                     WHERE sync_stream_id = %(stream)s AND state = 'pending' AND %(may)s
                       AND priority > level.priority
                     ORDER BY priority LIMIT 1)
              FROM level WHERE level.priority IS NOT NULL)
        SELECT change.res_id, job.uuid, job.sync_res_id > 0, level.priority,
               level.priority < (SELECT priority FROM queue_job WHERE uuid = %(uuid)s)
          FROM level
         CROSS JOIN LATERAL (
               SELECT id, uuid, sync_res_id, %(due)s AS due
                 FROM queue_job
                WHERE sync_stream_id = %(stream)s AND state = 'pending'
                  AND priority = level.priority AND %(may)s AND %(due)s <= %(now)s
                ORDER BY %(due)s, id LIMIT %(limit)s) AS job
         CROSS JOIN LATERAL (
               SELECT res_id, min(id) AS first
                 FROM (SELECT * FROM sync_outbox WHERE job_uuid = job.uuid
                       -- by the job, whatever is known of a stream that has just begun
                       OFFSET 0) AS owed
                WHERE stream_id = %(stream)s
                GROUP BY res_id LIMIT %(limit)s) AS change
         ORDER BY level.priority, job.due, job.id, change.first LIMIT %(limit)s
        """,
        stream=stream_id,
        uuid=uuid,
        now=NOW,
        limit=limit,
        may=MAY_GO_ALONG,
        due=DUE,
    )
    return [
        (res_id, Given(owner, bool(alone), priority=priority), bool(urgent))
        for res_id, owner, alone, priority, urgent in rows
    ]


def is_overtaken(cr, stream_id, uuid, priority, passed, unclaimed):
    """Return whether something more urgent has become due of a stream.

    :param str uuid: of the job that asks
    :param priority: of what it is sending, if not its own
    :param passed: ids of records that do not count
    :param unclaimed: UUIDs of jobs that do not count
    """
    return bool(
        ask(
            cr,
            """
            SELECT FROM queue_job
             WHERE sync_stream_id = %s AND state = 'pending'
               AND priority < COALESCE(
                   %s, (SELECT priority FROM queue_job WHERE uuid = %s))
               AND %s <= %s AND %s
               AND (sync_res_id IS NULL OR sync_res_id <> ALL(%s))
               AND uuid <> ALL(%s)
             -- in the order of the index, or PostgreSQL may read all of the stream's
             ORDER BY priority, %s, id LIMIT 1
            """,
            stream_id,
            priority,
            uuid,
            DUE,
            NOW,
            MAY_GO_ALONG,
            list(passed),
            list(unclaimed),
            DUE,
        )
    )


def claim(cr, stream_id, record_ids, limit):
    """Claim records that no other job has claimed, until a savepoint is rolled back.

    It neither waits nor fails, whatever has changed since the snapshot.

    :param record_ids: the most wanted ones first
    :param int limit: how many at most
    :return: set of ids
    """
    if not record_ids:
        return set()
    return set(
        ask_column(
            cr,
            "SELECT id FROM unnest(%s::int[]) AS wanted (id)"
            " WHERE pg_try_advisory_xact_lock(%s, id) LIMIT %s",
            record_ids,
            stream_id,
            limit,
        )
    )


def queued(env, keys, priority):
    """Return which records have a change that a job is about to deliver, or has failed
    to: one that is as urgent at least, or the most urgent there can be.

    :param keys: set of ``(stream id, record id)``
    :param int priority: as jobs have it
    """
    rows = ask(
        env.cr,
        """
        SELECT change.stream_id, change.res_id
          FROM %s AS change JOIN queue_job AS job ON job.uuid = change.job_uuid
          JOIN sync_stream AS stream ON stream.id = change.stream_id
         WHERE job.priority <= GREATEST(%s, stream.priority) OR job.state = 'failed'
        """,
        rows_about("sync_outbox", keys),
        priority,
    )
    return {*rows}


def changes_of(env, uuids):
    """Return the ``sync.outbox`` rows that jobs of these UUIDs are to deliver.

    They are looked up job by job, see :func:`rows_about`.
    """
    env["sync.outbox"].flush_model(["job_uuid"])
    ids = ask_column(
        env.cr,
        """
        SELECT found.id
          FROM unnest(%s::text[]) AS wanted (uuid)
         CROSS JOIN LATERAL (
               SELECT id FROM sync_outbox WHERE job_uuid = wanted.uuid
               OFFSET 0) AS found
         ORDER BY found.id
        """,
        list(uuids),
    )
    return env["sync.outbox"].browse(ids)


def backfills_of(cr, stream_id, res_id):
    """Return the ids of the backfills that have asked for a record, as a set."""
    rows = rows_about("sync_outbox", [(stream_id, res_id)])
    found = ask_column(cr, "SELECT DISTINCT backfill_id FROM %s AS change", rows)
    return {*found} - {None}


def delete_changes(env, row_ids):
    """Drop delivered changes by their ids.

    :return: list of ``(record id, UUID of the job it had, id of its backfill)``
    """
    if not row_ids:
        return []
    found = ask(
        env.cr,
        "DELETE FROM sync_outbox WHERE id = ANY(%s)"
        " RETURNING res_id, job_uuid, backfill_id",
        row_ids,
    )
    env["sync.outbox"].browse(row_ids).invalidate_recordset(flush=False)
    return found


def give_changes(env, rows, uuid):
    """Give changes another job.

    Where the job that held one of them has just settled it, nothing is given: what is
    left is for the other job all the same, and the sweep puts its rows right.
    """
    with suppress(pg_errors.SerializationFailure), env.cr.savepoint(flush=False):
        env.cr.execute(
            "UPDATE sync_outbox SET job_uuid = %s WHERE id = ANY(%s)",
            (uuid, rows.ids),
            log_exceptions=False,
        )
        rows.invalidate_recordset(["job_uuid"], flush=False)


def orphan_ids(env, last_id, limit):
    """Return the ids of the next changes, after ``last_id``, without an open job."""
    env["queue.job"].flush_model(["uuid", "state"])
    return ask_column(
        env.cr,
        # MATERIALIZED makes it one pass: because of the limit, PostgreSQL would look
        # for the job of each change
        """
        WITH open_job AS MATERIALIZED (
            SELECT uuid FROM queue_job WHERE state IN %s)
        SELECT o.id FROM sync_outbox o
         WHERE o.id > %s AND NOT EXISTS (
               SELECT FROM open_job WHERE open_job.uuid = o.job_uuid)
           AND o.stream_id IN (
               SELECT id FROM sync_stream WHERE deleting_since IS NULL)
         ORDER BY o.id LIMIT %s
        """,
        OPEN_STATES,
        last_id,
        limit,
    )


# -- what the destinations hold -----------------------------------------------


def lock_bindings(stream, record_ids):
    """Lock the bindings of the records that nobody else is sending.

    Missing ones are inserted. The lock lasts as long as the transaction, and lets other
    rows refer to the binding.

    :return: list of :class:`Held`; none if another job has sent one of them after this
        transaction took its snapshot, so that this job cannot know what was sent
    """
    cr = stream.env.cr
    present = SQL(
        "SELECT id, res_id, external_id, content_hash, version, note, doubt,"
        "       version_token, looked"
        "  FROM %s AS binding",
        rows_about(
            "sync_binding",
            product(stream.ids, sorted(record_ids)),
            # it does not skip a row changed since the snapshot was taken: that is a
            # serialization failure
            lock=SQL("FOR NO KEY UPDATE SKIP LOCKED"),
        ),
    )
    sent_elsewhere = suppress(
        pg_errors.SerializationFailure,
        pg_errors.LockNotAvailable,
        pg_errors.DeadlockDetected,
    )
    with sent_elsewhere, cr.savepoint(flush=False):
        cr.execute(present, log_exceptions=False)
        held = [Held(*row) for row in cr.fetchall()]
        missing = {*record_ids} - {each.res_id for each in held}
        if missing:
            held += _insert_bindings(cr, stream.id, missing)
        return sorted(held, key=lambda each: each.res_id)
    return []


def _insert_bindings(cr, stream_id, record_ids):
    """Insert bindings, without waiting for a job that inserts the same ones.

    What another job is sending is there, and left out: to run into what it has written
    would mean to wait for it.
    """
    before = _change_patience(cr, "100ms")
    cr.execute(
        """
        INSERT INTO sync_binding (stream_id, res_id, version, skipped, absent)
        SELECT %(stream)s, wanted.id, 0, false, 'never'
          FROM unnest(%(ids)s::int[]) AS wanted (id)
         WHERE NOT EXISTS (
               SELECT FROM sync_binding
                WHERE stream_id = %(stream)s AND res_id = wanted.id OFFSET 0)
            ON CONFLICT (stream_id, res_id) DO NOTHING
        RETURNING id, res_id
        """,
        {"stream": stream_id, "ids": sorted(record_ids)},
        log_exceptions=False,
    )
    inserted = [Held(*row) for row in cr.fetchall()]
    _change_patience(cr, before)
    return inserted


def is_free(cr, stream_id, res_id):
    """Return whether nobody is sending a record, or deciding about it."""
    locked = (
        "SELECT count(*), count(binding.id) FROM sync_binding AS one"
        " LEFT JOIN LATERAL (SELECT id FROM sync_binding WHERE id = one.id"
        " FOR NO KEY UPDATE SKIP LOCKED) AS binding ON true"
        " WHERE one.stream_id = %s AND one.res_id = %s"
    )
    if not claim(cr, stream_id, [res_id], 1):
        return False
    ((there, free),) = ask(cr, locked, stream_id, res_id)
    if there:
        return there == free
    # somebody may be about to insert it
    with suppress(pg_errors.LockNotAvailable), cr.savepoint(flush=False) as trial:
        _insert_bindings(cr, stream_id, [res_id])
        trial.rollback()
        return True
    return False


def is_in_doubt(cr, stream_id, res_id):
    """Return whether a person has to say something of a record before it is sent."""
    statement = (
        "SELECT FROM sync_binding"
        " WHERE stream_id = %s AND res_id = %s AND doubt IS NOT NULL"
    )
    return bool(ask(cr, statement, stream_id, res_id))


def confirm_bindings(env, held):
    """Keep what the destination has confirmed, in one statement.

    :param held: non-empty list of :class:`Held`, as it is by now
    """
    env.cr.execute(
        """
        UPDATE sync_binding AS binding
           SET external_id = sent.external_id, content_hash = sent.digest,
               version = version + 1, last_success = %s,
               last_error = NULL, last_error_date = NULL,
               note = NULL, note_date = NULL, skipped = false,
               doubt = NULL, doubt_reason = NULL, found_ids = NULL, content = NULL,
               accepted = NULL,
               absent = sent.absent, version_token = sent.token, looked = NULL,
               adopted = CASE WHEN sent.adopted THEN %s
                              WHEN sent.external_id = binding.external_id
                              THEN binding.adopted END
          FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[],
                      %s::bool[])
               AS sent (id, external_id, digest, absent, token, adopted)
         WHERE binding.id = sent.id
        """,
        (
            now := fields.Datetime.now(),
            now,
            [each.id for each in held],
            [each.external_id for each in held],
            [each.content_hash for each in held],
            [each.absent for each in held],
            [each.version_token for each in held],
            [each.adopted for each in held],
        ),
    )
    bindings = env["sync.binding"].browse(each.id for each in held)
    bindings.invalidate_recordset(flush=False)


def keep_doubts(env, doubts):
    """Keep what a person has to decide about records before they are sent.

    :param doubts: list of ``(id of the binding, doubt, sentence, ids that were found)``
    """
    if doubts:
        ids, kinds, sentences, found = map(list, zip(*doubts, strict=True))
        reasons = [each and words.kept(each) for each in sentences]
        env.cr.execute(
            """
            UPDATE sync_binding AS binding
               SET doubt = kept.doubt, doubt_reason = kept.reason,
                   found_ids = kept.found
              FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[])
                   AS kept (id, doubt, reason, found)
             WHERE binding.id = kept.id
            """,
            (ids, kinds, reasons, found),
        )
        env["sync.binding"].browse(ids).invalidate_recordset(flush=False)


def keep_contents(env, contents):
    """Keep what records were created with whose ids there are not known.

    :param contents: list of ``(id of the binding, content)``
    """
    if contents:
        ids, texts = map(list, zip(*contents, strict=True))
        env.cr.execute(
            """
            UPDATE sync_binding AS binding SET content = kept.content
              FROM unnest(%s::int[], %s::text[]) AS kept (id, content)
             WHERE binding.id = kept.id
            """,
            (ids, [storable(text) for text in texts]),
        )
        env["sync.binding"].browse(ids).invalidate_recordset(flush=False)


def keep_accepted(env, binding_ids):
    """Keep that a system has taken records, and may still have to carry it out."""
    if binding_ids:
        env.cr.execute(
            "UPDATE sync_binding SET accepted = true WHERE id = ANY(%s)", (binding_ids,)
        )
        env["sync.binding"].browse(binding_ids).invalidate_recordset(flush=False)


def some_ids_there(stream, limit, besides):
    """Return the ids there of a few records that are confirmed, as a tuple.

    :param besides: ids of records that do not count
    """
    statement = """
        SELECT COALESCE(external_id, res_id::text)
          FROM (SELECT * FROM sync_binding
                 WHERE stream_id = %s AND res_id <> ALL(%s)
                 -- among a few: there may be none, and many that are not
                 ORDER BY stream_id DESC, res_id DESC LIMIT 100) AS latest
         WHERE content_hash IS NOT NULL AND doubt IS NULL LIMIT %s
        """
    values = stream.id, list(besides), limit
    return tuple(ask_column(stream.env.cr, statement, *values))


def keep_proven(registry, stream_id, text):
    """Keep what has worked for a stream, and commit, unless somebody is changing it."""
    with read_committed(registry) as cr:
        cr.execute(
            "UPDATE sync_stream SET proven = %s WHERE id = (SELECT id FROM sync_stream"
            " WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED)",
            (text, stream_id),
        )


def keep_ids(stream, ids_there):
    """Keep the ids that the destination gave to records, if nobody else has.

    :param dict ids_there: by record id
    :return: the ids of the records whose id there is known by this
    """
    cr, kept = stream.env.cr, set()
    in_use = suppress(pg_errors.LockNotAvailable, pg_errors.SerializationFailure)
    with in_use, cr.savepoint(flush=False):
        # a job that is sending the record knows better in a moment
        before = _change_patience(cr, "1s")
        cr.execute(
            """
            INSERT INTO sync_binding AS binding
                   (stream_id, res_id, external_id, version, skipped, absent)
            SELECT %s, found.*, 0, false, 'never'
              FROM unnest(%s::int[], %s::text[]) AS found
            ON CONFLICT (stream_id, res_id) DO UPDATE
               SET external_id = EXCLUDED.external_id
             WHERE binding.external_id IS NULL
            RETURNING res_id
            """,
            (stream.id, list(ids_there), list(ids_there.values())),
            log_exceptions=False,
        )
        kept = {res_id for (res_id,) in cr.fetchall()}
        _change_patience(cr, before)
    return kept


def known_ids(stream, record_ids):
    """Return those of the ids that the destination holds, or soon may.

    A plain read: it neither locks nor waits.
    """
    if not record_ids:
        return set()
    pairs = list(product(stream.ids, record_ids))
    return set(
        ask_column(
            stream.env.cr,
            """
            SELECT res_id FROM %s AS binding WHERE %s OR doubt IS NOT NULL
             UNION
            SELECT res_id FROM %s AS change
            """,
            rows_about("sync_binding", pairs),
            HELD,
            rows_about("sync_outbox", pairs),
        )
    )


def undelivered(stream, record_ids):
    """Return what a destination does not hold as it is now, of records of a stream.

    What a person has decided not to send is left out.

    :return: set of the ids that have changes on their way, and set of those that it has
        never had
    """
    found = ask(
        stream.env.cr,
        """
        SELECT wanted.id, waits
          FROM unnest(%(ids)s::int[]) AS wanted (id)
         CROSS JOIN LATERAL (
               SELECT EXISTS (
                      SELECT FROM sync_outbox
                       WHERE stream_id = %(stream)s AND res_id = wanted.id
                      OFFSET 0) AS waits) AS change
          LEFT JOIN %(bindings)s AS binding ON binding.res_id = wanted.id
         WHERE waits OR binding.id IS NULL
            OR (NOT %(held)s AND binding.skipped IS NOT TRUE)
        """,
        stream=stream.id,
        ids=list(record_ids),
        held=HELD,
        bindings=rows_about("sync_binding", product(stream.ids, record_ids)),
    )
    waiting = {id_ for id_, waits in found if waits}
    return waiting, {id_ for id_, waits in found if not waits}


# -- the log, and what is counted of it ----------------------------------------


def log_receipts(stream, sent):
    """Write a line for each attempt into the log, and count it, in one statement.

    Attempts of one kind are one row of ``sync.counter``. Whether one comes after
    another that had failed is looked up only where there is a token for monitoring.

    :param sent: non-empty list of ``(content as text, Receipt, UUID of the job)``, the
        receipt redacted and bounded by the transport
    """
    lines = [
        {
            "job": uuid,
            "res_id": receipt.message.key,
            "operation": receipt.message.operation,
            "state": "success" if receipt.ok else "failed",
            "request": receipt.request or None,
            "body": storable(content[:BODY_LIMIT]),
            "status": receipt.status,
            "response": receipt.response or None,
            "error": receipt.error and words.kept(receipt.error),
            "warning": receipt.warning and words.kept(receipt.warning),
            "kind": kind_of(receipt.error),
            "duration": receipt.duration,
            "bound": str(bound_of(receipt)),
        }
        for content, receipt, uuid in sent
    ]
    now = fields.Datetime.now()
    stream.env["sync.delivery"].flush_model(["stream_id", "res_id", "state"])
    stream.env.cr.execute(
        SQL(
            # one parameter for all lines: psycopg2 takes longer for arrays than JSON
            """
            WITH line AS (
                SELECT * FROM jsonb_to_recordset(%(lines)s) AS line (
                       job text, res_id int, operation text, state text, request text,
                       body text,
                       status text, response text, error text, warning text,
                       kind text, duration float8, bound float8)
            ), logged AS (
                INSERT INTO sync_delivery
                       (date, stream_id, job_uuid, res_id, operation, state, request,
                        request_body, status, response, error, warning, error_kind,
                        duration)
                SELECT %(now)s, %(stream)s, job, res_id, operation, state, request,
                       body, status, response, error, warning, kind, duration
                  FROM line
            ), counted AS (
                SELECT CASE line.state WHEN 'success' THEN %(delivered)s
                            ELSE COALESCE(kind, 'other') END AS result,
                       bound, duration, last.state = 'failed' AS again
                  FROM line
                  LEFT JOIN LATERAL (SELECT * FROM %(last)s AS one WHERE %(is_read)s)
                       AS last ON true
            )
            INSERT INTO sync_counter
                   (stream_id, result, bound, hour, attempts, retried, seconds)
            SELECT %(stream)s, result, bound, %(hour)s, count(*),
                   count(*) FILTER (WHERE again), sum(duration)
              FROM counted GROUP BY result, bound
            """,
            lines=json.dumps(lines),
            now=now,
            hour=hour_of(now),
            stream=stream.id,
            delivered=DELIVERED,
            last=_last_about(SQL("line.res_id"), stream.id, 1),
            is_read=secrets.is_set(secrets.METRICS_TOKEN),
        )
    )


def hour_of(moment):
    """Return the clock hour that a time is in, by which attempts are counted."""
    return moment.replace(minute=0, second=0, microsecond=0)


# What different records have met in a row, or are compared by.

# The latest deliveries of each stream that are looked at: a record may be among them
# several times.
LOOK_BACK = 200


class Alike(NamedTuple):
    """What failures have in common."""

    kind: str  # one of KINDS
    status: str | None = None  # of the answer, empty if it had none; None for any

    def condition(self, table):
        """Return the condition that a row of ``sync_delivery`` is such a failure."""
        found = SQL(
            "COALESCE(%s, '') = %s", SQL.identifier(table, "error_kind"), self.kind
        )
        if self.status is None:
            return found
        status = SQL.identifier(table, "status")
        return SQL("(%s AND COALESCE(%s, '') = %s)", found, status, self.status)

    @classmethod
    def of(cls, task):
        """Return what a task has met, together with what others have met alike."""
        status = task.receipt and task.receipt.status
        return cls(kind_of(task.error), status or "")

    def covers(self, task):
        """Return whether a task has met the same."""
        if self.status is None:
            return kind_of(task.error) == self.kind
        return Alike.of(task) == self


def alike_in_a_row(cr, backend_id, alike):
    """Return which records of a system have failed alike in a row, the last ones.

    A record does not count that had failed so before, the last time that it was sent
    before something else came of another one: the system worked then, and still did not
    take it.

    :param alike: an :class:`Alike`
    :return: list of ``(stream id, record id, id of the first of these deliveries)``
    """
    return ask(
        cr,
        # BETWEEN and the order keep PostgreSQL to the indexes on (stream_id, id) and
        # (res_id, stream_id, id): with "=" it may take the primary key, and read the
        # whole log of other systems
        """
        WITH last AS MATERIALIZED (
            SELECT last.*
              FROM sync_stream s,
                   LATERAL (SELECT d.id, d.stream_id, d.res_id, %(alike)s AS alike
                              FROM sync_delivery d
                             WHERE d.stream_id BETWEEN s.id AND s.id
                             ORDER BY d.stream_id DESC, d.id DESC
                             LIMIT %(limit)s) last
             WHERE s.backend_id = %(backend)s
        ), other AS (
            -- what was known when a person has resumed it counts no more
            SELECT GREATEST(COALESCE(max(id), 0), (
                   SELECT max(last_delivery) FROM sync_incident
                    WHERE backend_id = %(backend)s AND stream_id IS NULL
                      AND closed_uid IS NOT NULL)) AS id
              FROM last WHERE NOT alike
        )
        SELECT last.stream_id, last.res_id, min(last.id)
          FROM last JOIN other ON last.id > other.id
         WHERE NOT COALESCE((
               SELECT %(alike)s FROM sync_delivery d
                WHERE (d.res_id, d.stream_id, d.id)
                      BETWEEN (last.res_id, last.stream_id, 0)
                          AND (last.res_id, last.stream_id, other.id)
                ORDER BY d.res_id DESC, d.stream_id DESC, d.id DESC LIMIT 1), false)
         GROUP BY last.stream_id, last.res_id
        """,
        backend=backend_id,
        alike=alike.condition("d"),
        limit=LOOK_BACK,
    )


def latest_refusals(cr, stream_id, alike, limit):
    """Return what became of the last records of a stream that it has judged.

    Of each the latest delivery counts, of those since people have last mended the
    stream. Not one that has failed again as it had before: jobs of records that were
    refused in a batch come after those that are taken.

    :param alike: an :class:`Alike`
    :param int limit: of records
    :return: list of ``(id of the delivery, whether it has failed alike)``
    """
    return ask(
        cr,
        """
        WITH mended AS MATERIALIZED (
            SELECT COALESCE(max(last_delivery), 0) AS id
              FROM sync_incident WHERE stream_id = %(stream)s
        ), last AS MATERIALIZED (
            SELECT d.id, d.res_id, %(alike)s AS alike
              FROM sync_delivery d
             WHERE d.stream_id BETWEEN %(stream)s AND %(stream)s
               AND d.id > (SELECT id FROM mended) AND %(judged)s
             ORDER BY d.stream_id DESC, d.id DESC
             LIMIT %(back)s
        ), latest AS (
            SELECT DISTINCT ON (res_id) res_id, id, alike
              FROM last
             WHERE NOT (alike AND COALESCE((
                   SELECT %(alike)s FROM sync_delivery d
                    WHERE (d.res_id, d.stream_id, d.id)
                          BETWEEN (last.res_id, %(stream)s, 0)
                              AND (last.res_id, %(stream)s, last.id - 1)
                      AND %(judged)s
                    ORDER BY d.res_id DESC, d.stream_id DESC, d.id DESC LIMIT 1),
                   false))
             ORDER BY res_id, id DESC
        )
        SELECT id, alike FROM latest ORDER BY id DESC LIMIT %(limit)s
        """,
        stream=stream_id,
        alike=alike.condition("d"),
        judged=SQL("(d.state = 'success' OR d.error_kind IN ('rejected', 'blocked'))"),
        back=LOOK_BACK,
        limit=limit,
    )


def created_without_id(cr, stream_id, limit):
    """Return how many of the last new records of a stream have got no id in a row.

    As far as ``limit``. A record is new that was not delivered before.
    """
    created = ask_column(
        cr,
        """
        SELECT binding.external_id IS NULL
          FROM (SELECT d.id, d.res_id, d.warning
                  FROM sync_delivery d
                 WHERE d.stream_id BETWEEN %(stream)s AND %(stream)s
                   AND d.id > (SELECT COALESCE(max(last_delivery), 0)
                                 FROM sync_incident WHERE stream_id = %(stream)s)
                   AND d.state = 'success' AND d.operation = 'upsert'
                 ORDER BY d.stream_id DESC, d.id DESC
                 LIMIT %(back)s) AS last
         CROSS JOIN LATERAL (
               -- one by one, whatever is known of a stream that has just begun
               SELECT external_id FROM sync_binding
                WHERE stream_id = %(stream)s AND res_id = last.res_id
                  -- one that was only accepted has none yet
                  AND accepted IS NOT TRUE
               OFFSET 0) AS binding
         WHERE (binding.external_id IS NOT NULL OR last.warning IS NOT NULL)
           AND NOT EXISTS (
               SELECT FROM sync_delivery d
                WHERE (d.res_id, d.stream_id, d.id)
                      BETWEEN (last.res_id, %(stream)s, 0)
                          AND (last.res_id, %(stream)s, last.id - 1)
                  AND d.state = 'success')
         ORDER BY last.id DESC LIMIT %(limit)s
        """,
        stream=stream_id,
        back=LOOK_BACK,
        limit=limit,
    )
    return len(list(takewhile(bool, created)))


def lock_incident(cr, incident_id):
    """Lock an incident; what is read of it from then on is as of now."""
    cr.execute(
        "SELECT FROM sync_incident WHERE id = %s FOR NO KEY UPDATE", (incident_id,)
    )


def lock_trials(cr, uuid):
    """Lock the open incidents whose trial a job is, and return their ids."""
    return ask_column(
        cr,
        "SELECT id FROM sync_incident WHERE trial_uuid = %s AND closed IS NULL"
        " ORDER BY id FOR NO KEY UPDATE",
        uuid,
    )


def last_delivery(cr):
    """Return the id of the last delivery that was logged, of whatever stream."""
    ((last,),) = ask(cr, "SELECT last_value FROM sync_delivery_id_seq")
    return last


def kind_of(error):
    """Return the kind of an error of a transport; ``None`` for none, or another."""
    return next((kind for cls, kind in KINDS.items() if isinstance(error, cls)), None)


def bound_of(receipt):
    """Return the class of duration that an attempt is counted in."""
    if not receipt.request:
        return NOT_TIMED
    return BOUNDS[bisect_left(BOUNDS, receipt.duration)]


def last_about(env, pairs, limit):
    """Return the ids of the last attempts at records, the latest first.

    :param pairs: list of ``(stream id, record id)``
    :param int limit: of attempts for each record, at most
    """
    env["sync.delivery"].flush_model(["stream_id", "res_id"])
    return ask_column(
        env.cr,
        """
        SELECT last.id
          FROM unnest(%s::int[], %s::int[]) AS wanted (stream_id, res_id)
         CROSS JOIN LATERAL %s AS last
         ORDER BY last.id DESC
        """,
        [stream_id for stream_id, _res_id in pairs],
        [res_id for _stream_id, res_id in pairs],
        _last_about(SQL("wanted.res_id"), SQL("wanted.stream_id"), limit),
    )


def _last_about(res_id, stream_id, limit):
    """Return the subquery for the last attempts at one record, the latest first.

    They are found at one place of the index: the conditions say where it begins and
    ends, and the order is its own, so that no statistics can lead PostgreSQL another
    way, such as along the primary key.
    """
    return SQL(
        """
        (SELECT d.id, d.state FROM sync_delivery d
          WHERE (d.res_id, d.stream_id)
                BETWEEN (%(res_id)s, %(stream_id)s) AND (%(res_id)s, %(stream_id)s)
          ORDER BY d.res_id DESC, d.stream_id DESC, d.id DESC LIMIT %(limit)s)
        """,
        res_id=res_id,
        stream_id=stream_id,
        limit=limit,
    )


# -- notes of requests that were not answered ---------------------------------

_NOTED = (
    "res_id, version, operation, idempotency_key, digest, content, creates, external_id"
)
# Seconds after which a search shows what was created: the index of a system is behind
# its records.
SHOWN_WITHIN = 120
# Characters of a content that are compared, and contents that are, see note_adoption().
COMPARED, COMPARED_NOTES = 20_000, 2_000


def _as_json(notes):
    # one parameter for all notes: psycopg2 takes longer for an array than for JSON
    rows = [
        {
            **vars(attempt),
            "res_id": res_id,
            "idempotency_key": attempt.key,
            # where that changes it, it will be refused before it is sent
            "content": storable(attempt.content),
            "late_until": None,
        }
        for res_id, attempt in notes
    ]
    return json.dumps(rows)


def write_notes(registry, stream_id, notes, seconds):
    """Commit notes about requests that are about to be sent; any thread may do so.

    :param notes: list of ``(record id, Attempt)``, one for a record
    :param seconds: after which all of them are over, however slow the answers
    :return: dict of the notes' ids by record id
    """
    statement = SQL(
        f"""
        INSERT INTO sync_attempt (stream_id, late_until, shown_from, {_NOTED})
        -- whole seconds, as the eta of a job that waits for it
        SELECT %s, date_trunc('second', now() AT TIME ZONE 'utc'
                                        + %s * interval '1 second'),
               now() AT TIME ZONE 'utc' + %s * interval '1 second', {_NOTED}
          FROM jsonb_populate_recordset(NULL::sync_attempt, %s)
        RETURNING res_id, id
        """,
        stream_id,
        seconds,
        seconds + SHOWN_WITHIN,
        _as_json(notes),
    )
    with connected(registry, statement) as cr:
        return dict(cr.fetchall())


class Adoption(NamedTuple):
    """Whether an id there is that of a record from now on."""

    note: int | None = None  # its id, where it is
    other: int | None = None  # id of the record that has it already
    perhaps: int | None = None  # id of one that may just be created under it
    # id of one that may be there under that id, which nobody knows
    unknown: int | None = None


def note_adoption(registry, stream_id, res_id, note, seconds, is_like):
    """Note that an id there is that of a record, and commit; any thread may do so.

    What the record has noted as creations has created nothing else.

    :param note: the :class:`Attempt`; without an id it is a new one
    :param seconds: see :func:`write_notes`
    :param is_like: given the beginnings of contents by record id, returns the id of the
        record that may have been created under that id, or ``None``
    :return: an :class:`Adoption`: nothing is noted where it is not its own
    """
    told = {"stream": stream_id, "record": res_id, "there": note.external_id}
    with read_committed(registry) as cr:
        # of those who look at one id at the same time, each sees what was noted before
        lock = f"queue_job_sync.adopt:{stream_id}:{note.external_id}"
        cr.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0)),"
            " pg_advisory_xact_lock(hashtextextended(%s, 0))",
            (_claiming(stream_id), lock),
        )
        # those that are being created: once they are confirmed, their bindings tell
        creations = ask(
            cr,
            """
            SELECT res_id, left(content, %(most)s),
                   late_until > clock_timestamp() AT TIME ZONE 'utc'
              FROM sync_attempt
             WHERE stream_id = %(stream)s AND res_id <> %(record)s AND creates
             ORDER BY id DESC LIMIT %(notes)s
            """,
            most=COMPARED,
            notes=COMPARED_NOTES,
            **told,
        )
        other = _who_has(cr, **told)
        if other and free_ids(cr, registry, stream_id, [note.external_id]):
            other = _who_has(cr, **told)
        nameless = ask(
            cr,
            """
            -- apart, as each of them has an index
            SELECT res_id, left(content, %(most)s)
              FROM (SELECT * FROM sync_binding
                     WHERE stream_id = %(stream)s AND doubt = 'unknown_id'
                       AND accepted IS NOT TRUE
                     UNION ALL
                    SELECT * FROM sync_binding
                     WHERE stream_id = %(stream)s AND doubt = 'unknown_id'
                       AND accepted) AS nameless
             WHERE res_id <> %(record)s
             ORDER BY content IS NOT NULL, id DESC LIMIT %(notes)s + 1
            """,
            most=COMPARED,
            notes=COMPARED_NOTES,
            **told,
        )
        # of an older version, which has kept none, and those that are too many
        unread = [id_ for id_, text in nameless[:1] if text is None]
        unread += [id_ for id_, _text in nameless[COMPARED_NOTES:]]
        perhaps = is_like({id_: text for id_, text, is_late in creations if is_late})
        unknown = next(iter(unread), None)
        unknown = unknown or is_like(dict(nameless))
        unknown = unknown or is_like(
            {id_: text for id_, text, is_late in creations if not is_late}
        )
        if other or perhaps or unknown:
            return Adoption(other=other, perhaps=perhaps, unknown=unknown)
        late_until = SQL(
            "date_trunc('second', now() AT TIME ZONE 'utc' + %s * interval '1 second')",
            seconds,
        )
        cr.execute(
            SQL(
                """
                UPDATE sync_attempt
                   SET creates = false, external_id = %(there)s,
                       idempotency_key = %(key)s,
                       late_until = CASE WHEN id = %(own)s THEN %(late)s
                                         ELSE late_until END
                 WHERE stream_id = %(stream)s AND res_id = %(record)s AND creates
                """,
                **told,
                key=note.key,
                own=note.id or 0,
                late=late_until,
            )
        )
        if note.id:
            return Adoption(note.id)
        cr.execute(
            SQL(
                f"""
                INSERT INTO sync_attempt (stream_id, late_until, {_NOTED})
                SELECT %s, %s, {_NOTED}
                  FROM jsonb_populate_recordset(NULL::sync_attempt, %s)
                RETURNING id
                """,
                stream_id,
                late_until,
                _as_json([(res_id, note)]),
            )
        )
        return Adoption(cr.fetchone()[0])


def claim_ids(registry, stream_id, named):
    """Note which ids there records have been given, and commit.

    :param dict named: a note's id and the id there, by record id; none there is twice
    :return: dict of the ids of other records, by those of the records whose id there is
        that of another one already: it is not noted
    """
    # each sees what the one before has noted, whatever becomes of its transaction
    lock = SQL(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", _claiming(stream_id)
    )
    notes, there = zip(*named.values(), strict=True)
    with read_committed(registry, lock) as cr:
        told = stream_id, [*named], [*there], [*notes]
        taken = _claim(cr, *told)
        lost = [named[res_id][1] for res_id in taken]
        if taken and free_ids(cr, registry, stream_id, lost):
            taken = _claim(cr, *told)
    return taken


def _claim(cr, stream_id, record_ids, there, note_ids):
    return dict(
        ask(
            cr,
            """
            WITH given AS (
                SELECT *
                  FROM unnest(%(records)s::int[], %(there)s::text[], %(notes)s::int[])
                       AS given (res_id, external_id, note_id)
            ), noted AS MATERIALIZED (
                SELECT res_id, external_id FROM sync_attempt
                 WHERE stream_id = %(stream)s AND external_id = ANY(%(there)s)
            ), looked AS (
                SELECT given.*, COALESCE(
                       -- by the index on the id, whatever the statistics say
                       (SELECT found.res_id
                          FROM (SELECT stream_id, res_id FROM sync_binding
                                 WHERE external_id = given.external_id OFFSET 0)
                               AS found
                         WHERE found.stream_id = %(stream)s
                           AND found.res_id <> given.res_id LIMIT 1),
                       (SELECT noted.res_id FROM noted
                         WHERE noted.external_id = given.external_id
                           AND noted.res_id <> given.res_id LIMIT 1)) AS other
                  FROM given
            ), claimed AS (
                UPDATE sync_attempt AS attempt SET external_id = looked.external_id
                  FROM looked
                 WHERE attempt.id = looked.note_id AND looked.other IS NULL
            )
            SELECT res_id, other FROM looked WHERE other IS NOT NULL
            """,
            stream=stream_id,
            records=record_ids,
            there=there,
            notes=note_ids,
        )
    )


def _who_has(cr, stream, record, there):
    """Return the id of another record that has an id there, or is about to."""
    ((other,),) = ask(
        cr,
        """
        SELECT COALESCE(
               (SELECT res_id FROM sync_binding
                 WHERE stream_id = %(stream)s AND external_id = %(there)s
                   AND res_id <> %(record)s LIMIT 1),
               (SELECT res_id FROM sync_attempt
                 WHERE stream_id = %(stream)s AND external_id = %(there)s
                   AND res_id <> %(record)s LIMIT 1))
        """,
        stream=stream,
        record=record,
        there=there,
    )
    return other


def hold_claims(cr, stream_id):
    """Have no job claim an id there until the transaction is over."""
    cr.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (_claiming(stream_id),)
    )


def ids_in_use(registry, stream_id, ids_there, besides):
    """Return which ids there records have by now, or are about to.

    :param besides: ids of records that do not count
    :return: list of ``(record id, id there)``
    """
    statement = SQL(
        """
        -- by the index on the id, whatever the statistics say
        SELECT res_id, external_id
          FROM (SELECT stream_id, res_id, external_id FROM sync_binding
                 WHERE external_id = ANY(%(there)s) OFFSET 0) AS known
         WHERE stream_id = %(stream)s AND res_id <> ALL(%(besides)s)
         UNION ALL
        SELECT res_id, external_id FROM sync_attempt
         WHERE stream_id = %(stream)s AND external_id = ANY(%(there)s)
           AND res_id <> ALL(%(besides)s)
        """,
        stream=stream_id,
        there=list(ids_there),
        besides=list(besides),
    )
    with connected(registry, statement) as cr:
        return cr.fetchall()


def free_ids(cr, registry, stream_id, ids_there):
    """Take ids there from records that were deleted here, if nothing more is sent of
    them: another one may have them.

    Not where a job is sending the record, or will be, or a request may still arrive.

    :return: set of the ids of those records
    """
    models = ask_column(
        cr, "SELECT model_name FROM sync_stream WHERE id = %s", stream_id
    )
    if not models or models[0] not in registry:
        return set()
    return set(
        ask_column(
            cr,
            """
            UPDATE sync_binding
               SET external_id = NULL, content_hash = NULL, version_token = NULL,
                   adopted = NULL, accepted = NULL, skipped = false, absent = 'gone'
             WHERE id = ANY(ARRAY(
                   SELECT id FROM sync_binding AS held
                    WHERE external_id = ANY(%(there)s) AND stream_id = %(stream)s
                      AND NOT EXISTS (
                          SELECT FROM %(table)s AS record WHERE record.id = held.res_id)
                      AND NOT EXISTS (
                          SELECT FROM sync_outbox AS change
                           WHERE change.stream_id = held.stream_id
                             AND change.res_id = held.res_id)
                      AND NOT EXISTS (
                          SELECT FROM sync_attempt AS attempt
                           WHERE attempt.stream_id = held.stream_id
                             AND attempt.res_id = held.res_id
                             AND late_until > clock_timestamp() AT TIME ZONE 'utc')
                      FOR NO KEY UPDATE SKIP LOCKED))
            RETURNING res_id
            """,
            stream=stream_id,
            there=list(ids_there),
            table=SQL.identifier(registry[models[0]]._table),
        )
    )


def _claiming(stream_id):
    """Return the name of the lock of who keeps the ids there of records."""
    return f"queue_job_sync.claim:{stream_id}"


def read_notes(registry, stream, record_ids):
    """Return the open :class:`Attempt` s of records, by record id, oldest first."""
    statement = SQL(
        """
        SELECT res_id, version, operation, idempotency_key, digest,
               content, COALESCE(creates, false), id, late_until,
               late_until IS NULL
               OR late_until < clock_timestamp() AT TIME ZONE 'utc', external_id,
               CASE WHEN shown_from > clock_timestamp() AT TIME ZONE 'utc'
                    THEN shown_from END
          FROM %s AS attempt
         ORDER BY id
        """,
        rows_about("sync_attempt", product(stream.ids, record_ids)),
    )
    with connected(registry, statement) as cr:
        rows = cr.fetchall()
    found = {}
    for res_id, *values in rows:
        found.setdefault(res_id, []).append(Attempt(*values))
    return found


def end_notes(cr, closed, over, vain=()):
    """Keep what is known of requests that have not got through.

    :param closed: ids of the notes to drop
    :param over: ids of those that stay, and whose requests have come to an end
    :param vain: ids of those that stay, and have created nothing
    """
    cr.execute(
        """
        WITH ended AS (
            UPDATE sync_attempt
               SET late_until = NULL,
                   shown_from = clock_timestamp() AT TIME ZONE 'utc'
                                + %s * interval '1 second'
             WHERE id = ANY(%s)
        ), vain AS (
            UPDATE sync_attempt SET creates = false, late_until = NULL
             WHERE id = ANY(%s))
        DELETE FROM sync_attempt WHERE id = ANY(%s)
        """,
        (SHOWN_WITHIN, list(over), list(vain), list(closed)),
    )


def close_notes(registry, stream, closed, known):
    """Drop the notes that a confirmation has closed, and commit.

    :param closed: ids of those notes
    :param dict known: ids of the notes that the jobs knew of, by record id
    :return: list of ``(record id, version, digest, late_until)`` of the notes of these
        records that they did not know of
    """
    # a note that a crash brings back does no harm: it is sent once more
    with read_committed(registry, SQL("SET LOCAL synchronous_commit = off")) as cr:
        return ask(
            cr,
            """
            WITH gone AS (DELETE FROM sync_attempt WHERE id = ANY(%s))
            SELECT res_id, version, digest, late_until FROM %s AS attempt
             WHERE id <> ALL(%s)
            """,
            list(closed),
            rows_about("sync_attempt", product(stream.ids, known)),
            [id_ for ids in known.values() for id_ in ids] + list(closed),
        )


def drop_creations(cr, stream_id, record_ids):
    """Drop the notes of creations, and of ids, about which a person has decided.

    :return: ids of the records of which a creation may still arrive
    """
    return set(
        ask_column(
            cr,
            """
            WITH gone AS (
                DELETE FROM sync_attempt
                 WHERE (creates OR external_id IS NOT NULL)
                   AND id IN (SELECT id FROM %s AS attempt)
                RETURNING res_id, late_until)
            SELECT res_id FROM gone
             WHERE late_until > clock_timestamp() AT TIME ZONE 'utc'
            """,
            rows_about("sync_attempt", product([stream_id], record_ids)),
        )
    )


def restore_notes(cr, stream, notes):
    """Write notes of requests that are over and must not be forgotten.

    :param notes: list of ``(record id, Attempt)`` with the ids of notes, which may have
        been dropped by others
    """
    cr.execute(
        f"""
        INSERT INTO sync_attempt (stream_id, id, shown_from, {_NOTED})
        SELECT %s, id, clock_timestamp() AT TIME ZONE 'utc' + %s * interval '1 second',
               {_NOTED} FROM jsonb_populate_recordset(NULL::sync_attempt, %s)
        ON CONFLICT (id) DO UPDATE
           SET late_until = NULL, creates = EXCLUDED.creates,
               idempotency_key = EXCLUDED.idempotency_key,
               external_id = EXCLUDED.external_id, shown_from = EXCLUDED.shown_from
        """,
        (stream.id, SHOWN_WITHIN, _as_json(notes)),
    )


def forgotten_notes(env, limit):
    """Return the notes that a confirmation has left, of requests that are over.

    :return: list of ``(id, stream id, record id, whether the destination has confirmed
        the same content)``
    """
    return ask(
        env.cr,
        """
        SELECT a.id, a.stream_id, a.res_id,
               a.digest IS NOT DISTINCT FROM b.content_hash
          FROM sync_attempt a
          JOIN sync_binding b ON b.stream_id = a.stream_id AND b.res_id = a.res_id
         WHERE a.late_until < now() AT TIME ZONE 'utc'
           AND a.version < b.version AND NOT b.skipped
           AND NOT EXISTS (
               SELECT FROM sync_outbox o
                WHERE o.stream_id = a.stream_id AND o.res_id = a.res_id)
         ORDER BY a.id LIMIT %s
        """,
        limit,
    )


# -- jobs ---------------------------------------------------------------------


def close_jobs(env, jobs, state, result):
    """Set jobs of synchronizations to done or cancelled, and return those.

    The same as queue_job does with one after the other, in one statement. Left out are
    those that run or have ended. How long the last try took stays as it is.

    :param str state: ``done`` or ``cancelled``
    :param str result: who did it
    """
    jobs.flush_model()
    closed = ask_column(
        env.cr,
        """
        UPDATE queue_job AS job
           SET state = %(state)s, result = %(result)s,
               date_done = CASE WHEN %(state)s = 'done' THEN %(now)s ELSE date_done END,
               date_cancelled = CASE WHEN %(state)s = 'cancelled' THEN %(now)s END,
               exc_name = NULL, exc_message = NULL, exc_info = NULL,
               sync_error = NULL, failure_notified = false,
               -- it was due when it was
               eta = CASE WHEN sync_wait_key IS NULL THEN eta ELSE sync_due END,
               sync_wait_key = NULL, sync_wait_reason = NULL, sync_due = NULL
         WHERE id = ANY(%(ids)s)
           AND state IN ('wait_dependencies', 'pending', 'enqueued', 'failed')
        RETURNING job.id
        """,
        state=state,
        result=result,
        now=fields.Datetime.now(),
        ids=jobs.ids,
    )
    jobs.invalidate_model()
    return jobs.browse(closed)


def requeue_jobs(env, jobs, states, bulk, seconds):
    """Put jobs that have ended back to pending, asleep, and return those.

    The same as their ``requeue()``, in one statement.

    :param states: of which ones
    :param int bulk: what priorities of deliveries up to this one go up by
    :param seconds: after which they wake by themselves
    """
    jobs.flush_model()
    requeued = ask_column(
        env.cr,
        """
        UPDATE queue_job AS job
           SET state = 'pending', retry = 0, result = NULL, sync_error = NULL,
               exc_name = NULL, exc_message = NULL, exc_info = NULL,
               sync_wait_key = 'system:' || sync_backend_id, sync_due = %(now)s,
               eta = %(now)s + %(seconds)s * interval '1 second',
               date_enqueued = NULL, date_started = NULL, date_done = NULL,
               date_cancelled = NULL, exec_time = NULL, worker_pid = NULL,
               failure_notified = false,
               priority = priority + CASE
                   WHEN sync_stream_id IS NOT NULL AND priority <= %(bulk)s
                   THEN %(bulk)s ELSE 0 END
          FROM (SELECT id
                  FROM unnest(%(ids)s::int[]) AS wanted (one)
                 CROSS JOIN LATERAL (
                       SELECT id FROM queue_job
                        WHERE id = one AND state = ANY(%(states)s)
                       -- by the primary key, however many have failed
                       OFFSET 0) AS failed) AS found
         WHERE job.id = found.id
        RETURNING job.id
        """,
        now=fields.Datetime.now(),
        bulk=bulk,
        seconds=seconds,
        ids=jobs.ids,
        states=list(states),
    )
    jobs.invalidate_model()
    return jobs.browse(requeued)


def take_back(cr, stream_ids, alike, since, key, reason, seconds):
    """Let failed jobs sleep whose records have failed alike.

    :param alike: an :class:`Alike`
    :param int since: the id of the first delivery that counts
    :param str key: what they sleep under
    :param reason: as the column has it
    :param seconds: after which they wake by themselves
    :return: how many
    """
    cr.execute(
        SQL(
            """
            UPDATE queue_job AS job
               SET state = 'pending', retry = 0, result = NULL, sync_error = NULL,
                   exc_name = NULL, exc_message = NULL, exc_info = NULL,
                   sync_wait_key = %(key)s, sync_wait_reason = %(reason)s,
                   sync_due = LEAST(%(due)s, %(now)s),
                   eta = %(now)s + %(seconds)s * interval '1 second',
                   date_enqueued = NULL, date_started = NULL, date_done = NULL,
                   exec_time = NULL, worker_pid = NULL, failure_notified = false
             WHERE id = ANY(ARRAY(
                   SELECT id FROM queue_job
                    WHERE uuid = ANY(ARRAY(
                          -- what owes these records: one of a batch was logged for it
                          SELECT owed.job_uuid
                            FROM unnest(%(streams)s::int[]) AS wanted (id)
                            JOIN sync_delivery d
                              ON d.stream_id = wanted.id AND d.id >= %(since)s
                           CROSS JOIN LATERAL (
                                 SELECT job_uuid FROM sync_outbox
                                  WHERE stream_id = d.stream_id AND res_id = d.res_id
                                 OFFSET 0) AS owed
                           WHERE %(alike)s))
                      AND state = 'failed'
                      FOR NO KEY UPDATE SKIP LOCKED))
            """,
            key=key,
            reason=reason,
            due=DUE,
            now=NOW,
            seconds=seconds,
            streams=list(stream_ids),
            since=since,
            alike=alike.condition("d"),
        )
    )
    return cr.rowcount


def settle_jobs(cr, together):
    """Set jobs to done whose last change another job has delivered.

    Pending and failed ones: their start, end and duration are those of the request.

    :param cr: cursor that sees what is committed by now
    :param together: list of ``(UUID, result, UUID of the job that the delivery is
        logged under, seconds that it took)``
    """
    cr.execute(
        """
        UPDATE queue_job AS job
           SET state = 'done', result = told.result,
               sync_carrier_uuid = NULLIF(told.carrier, told.uuid),
               date_enqueued = COALESCE(date_enqueued, clock.now),
               date_started = clock.now - told.duration * interval '1 second',
               date_done = clock.now, exec_time = told.duration,
               eta = COALESCE(sync_due, eta),
               exc_name = NULL, exc_message = NULL, exc_info = NULL, sync_error = NULL,
               sync_wait_key = NULL, sync_wait_reason = NULL, sync_due = NULL
          FROM unnest(%s::text[], %s::text[], %s::text[], %s::float[])
               AS told (uuid, result, carrier, duration),
               (SELECT clock_timestamp() AT TIME ZONE 'utc' AS now) AS clock
         WHERE job.id IN (
               SELECT id FROM queue_job
                WHERE uuid = told.uuid AND state IN ('pending', 'failed')
                  AND graph_uuid IS NULL
                  AND NOT EXISTS (SELECT FROM sync_outbox WHERE job_uuid = told.uuid)
                  FOR NO KEY UPDATE SKIP LOCKED)
        """,
        tuple(map(list, zip(*together, strict=True))),
    )


def covered_jobs(cr, limit):
    """Return failed jobs that owe nothing any more, since another one has delivered it.

    :return: list of ``(UUID, id of the stream)``
    """
    return ask(
        cr,
        """
        SELECT uuid, sync_stream_id FROM queue_job
         WHERE state = 'failed' AND sync_stream_id IS NOT NULL
           AND method_name = '_sync_deliver' AND graph_uuid IS NULL
           -- by the index, however few have failed
           AND NOT EXISTS (
               SELECT FROM sync_outbox WHERE job_uuid = queue_job.uuid OFFSET 0)
         LIMIT %s
        """,
        limit,
    )


def lock_pending(cr, uuid):
    """Lock a job; return whether it is pending, and nobody else has it."""
    statement = (
        "SELECT FROM queue_job WHERE uuid = %s AND state = 'pending'"
        " FOR NO KEY UPDATE SKIP LOCKED"
    )
    return bool(ask(cr, statement, uuid))


# -- jobs that sleep ----------------------------------------------------------

# An ARRAY of what is to be changed is made once; what follows IN may be looked up again
# for each row of the table, and skips each time what it has found before.


def wake(cr, key, stream_ids=None):
    """Let a job run that sleeps under a key: the most urgent, of those the oldest one.

    Where its system has asked for patience, as soon as that is over. What somebody else
    has locked is about to be changed, or looked at again.

    :param stream_ids: of the streams that it has to be of one of
    """
    first = SQL(
        """
        SELECT id FROM queue_job
         WHERE sync_wait_key = %s AND state = 'pending'
         ORDER BY priority, sync_due, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
        """,
        key,
    )
    if stream_ids is not None:
        # stream by stream, each at its place in the index
        first = SQL(
            """
            SELECT job.id FROM unnest(%(streams)s::int[]) AS stream (id)
             CROSS JOIN LATERAL (
                   SELECT id, priority, sync_due FROM queue_job
                    WHERE sync_stream_id = stream.id AND state = 'pending'
                      AND sync_wait_key ~ '^system:'
                      -- not by an index on the keys, which many jobs share
                      AND (sync_wait_key = %(key)s) IS TRUE
                    ORDER BY priority, sync_due, id LIMIT 1
                    FOR NO KEY UPDATE SKIP LOCKED) AS job
             ORDER BY job.priority, job.sync_due, job.id LIMIT 1
            """,
            streams=list(stream_ids),
            key=key,
        )
    cr.execute(
        SQL(
            """
            UPDATE queue_job AS job
               SET eta = GREATEST(sync_due, (
                       SELECT quiet_until FROM sync_rate
                        WHERE backend_id = sync_backend_id
                          AND quiet_until > now() AT TIME ZONE 'utc')),
                   sync_due = NULL, result = NULL,
                   sync_wait_key = NULL, sync_wait_reason = NULL
             WHERE id = ANY(ARRAY(%s))
            """,
            first,
        )
    )


def wake_trial(cr, key, tried):
    """Let the most urgent job run that sleeps under a key and delivers something.

    As :func:`wake`, for the trial of an incident.

    :param tried: UUIDs of those that are left out
    :return: its UUID, ``None`` if there is none
    """
    found = ask_column(
        cr,
        """
        UPDATE queue_job AS job
           -- other nodes hear of a setting a moment after it is committed
           SET eta = GREATEST(now() AT TIME ZONE 'utc' + interval '1 second', (
                   SELECT quiet_until FROM sync_rate
                    WHERE backend_id = sync_backend_id
                      AND quiet_until > now() AT TIME ZONE 'utc')),
               sync_due = NULL, result = NULL,
               sync_wait_key = NULL, sync_wait_reason = NULL
         WHERE id = ANY(ARRAY(
               SELECT id FROM queue_job
                WHERE sync_wait_key = %s AND state = 'pending'
                  AND sync_stream_id IS NOT NULL AND uuid <> ALL(%s)
                ORDER BY priority, sync_due, id
                LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED))
        RETURNING uuid
        """,
        key,
        list(tried),
    )
    return found[0] if found else None


def trial_state(cr, uuid, key):
    """Return the state of a job that was let through for a trial.

    :param str key: what those sleep under that the incident holds back
    :return: ``None`` if it is at an end; or sleeps again, or waits for a later time or
        something else than its system: that may last
    """
    found = ask_column(
        cr,
        """
        SELECT state FROM queue_job
         WHERE uuid = %s AND (state IN ('enqueued', 'started') OR (
               state = 'pending' AND (
                   (sync_wait_key IS NULL AND COALESCE(eta <= GREATEST(%s, (
                       SELECT quiet_until FROM sync_rate
                        WHERE backend_id = sync_backend_id)
                       ) + %s * interval '1 second', true))
                   OR (sync_wait_key ~ '^system:' AND sync_wait_key <> %s))))
        """,
        uuid,
        NOW,
        TRIAL_PATIENCE,
        key,
    )
    return found[0] if found else None


def end_sleep(cr, uuid):
    """Let a job that is started be due when it was: not when it would have woken."""
    cr.execute(
        "UPDATE queue_job SET eta = sync_due, sync_due = NULL, sync_wait_key = NULL,"
        " sync_wait_reason = NULL"
        " WHERE uuid = %s AND state = 'enqueued' AND sync_wait_key IS NOT NULL",
        (uuid,),
    )


def sleep_of(cr, uuid):
    """Return a job's system and stream, and what there is to know of sleepers.

    :return: ``(id of the system, id of the stream, key that it waits for, reason,
        whether others wait for its system)``
    """
    rows = ask(
        cr,
        """
        SELECT sync_backend_id, sync_stream_id,
               CASE state WHEN 'pending' THEN sync_wait_key END, sync_wait_reason,
               EXISTS (SELECT FROM queue_job
                        WHERE sync_wait_key = 'system:' || job.sync_backend_id)
          FROM queue_job AS job WHERE uuid = %s
        """,
        uuid,
    )
    return rows[0] if rows else (None, None, None, None, False)


def follow(cr, uuid, key, limit):
    """Let jobs of the same stream that sleep under a key wait as another job does.

    For the same thing, or until the same time. Of those that would be woken next: there
    may be others of the system between them.

    :param str uuid: of that job
    :param int limit: how many are looked at
    """
    cr.execute(
        """
        UPDATE queue_job AS job
           SET sync_wait_key = first.sync_wait_key, eta = first.eta,
               sync_wait_reason = first.sync_wait_reason, result = first.result,
               sync_due = CASE WHEN first.sync_wait_key <> '' THEN job.sync_due END
          FROM queue_job AS first
         WHERE first.uuid = %s AND first.state = 'pending'
           AND job.id = ANY(ARRAY(
               SELECT found.id
                 FROM (SELECT id FROM queue_job
                        WHERE sync_wait_key = %s AND state = 'pending'
                        ORDER BY priority, sync_due, id
                        LIMIT %s FOR NO KEY UPDATE SKIP LOCKED) AS found
                 JOIN queue_job AS one ON one.id = found.id
                WHERE one.sync_stream_id = first.sync_stream_id
                  -- off-peak hours do not hold back what somebody insists on
                  AND (first.sync_wait_key <> '' OR NOT EXISTS (
                      SELECT FROM sync_outbox
                       WHERE job_uuid = one.uuid AND force OFFSET 0))))
        """,
        (uuid, key, limit),
    )


def others_wait(cr, backend_id):
    """Return whether there are jobs of a system that have not begun, due or not."""
    statement = "SELECT FROM queue_job WHERE sync_backend_id = %s AND state = 'pending'"
    return bool(ask(cr, statement + " LIMIT 1", backend_id))


def sleeps_any(cr, key):
    """Return whether a job sleeps under a key."""
    statement = "SELECT FROM queue_job WHERE sync_wait_key = %s LIMIT 1"
    return bool(ask(cr, statement, key))


def awaited(cr, keys):
    """Return which of the keys jobs sleep under, as a set."""
    return set(
        ask_column(
            cr,
            "SELECT DISTINCT sync_wait_key FROM queue_job"
            " WHERE sync_wait_key = ANY(%s)",
            list(keys),
        )
    )


def streams_behind(cr, key):
    """Return the ids of the streams of the jobs that sleep under a key."""
    statement = "SELECT DISTINCT sync_stream_id FROM queue_job WHERE sync_wait_key = %s"
    return ask_column(cr, statement, key)


def move_sleepers(cr, keys, limit):
    """Let those that sleep under keys sleep for their systems instead.

    :param int limit: how many at most
    :return: the id of the system of each
    """
    return ask_column(
        cr,
        """
        UPDATE queue_job
           SET sync_wait_key = 'system:' || sync_backend_id, sync_wait_reason = NULL
         WHERE id = ANY(ARRAY(
               SELECT id FROM queue_job
                WHERE sync_wait_key = ANY(%s) AND state = 'pending'
                LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
        RETURNING sync_backend_id
        """,
        list(keys),
        limit,
    )


def waited_for(cr, prefix):
    """Return all keys with a prefix that jobs sleep under."""
    return ask_column(
        cr,
        """
        WITH RECURSIVE found (key) AS (
            (SELECT min(sync_wait_key) FROM queue_job WHERE sync_wait_key >= %(prefix)s)
             UNION ALL
            SELECT (SELECT min(sync_wait_key) FROM queue_job WHERE sync_wait_key > key)
              FROM found WHERE starts_with(key, %(prefix)s))
        SELECT key FROM found WHERE starts_with(key, %(prefix)s)
        """,
        prefix=prefix,
    )


def put_to_sleep(cr, backend_id, key, reason, least, stretch, limit, stream_id=None):
    """Let jobs of a system sleep that are due, the most urgent ones first.

    :param reason: as the column has it
    :param least, stretch: seconds after which they wake by themselves, and by how many
        more at most
    :param int limit: how many at most
    :param int stream_id: of this stream only
    """
    cr.execute(
        SQL(
            """
            UPDATE queue_job
               SET sync_due = %(due)s, sync_wait_key = %(key)s,
                   sync_wait_reason = %(reason)s,
                   eta = %(now)s + %(least)s * interval '1 second'
                       + random() * %(stretch)s * interval '1 second'
             WHERE id = ANY(ARRAY(
                   SELECT id FROM queue_job
                    WHERE state = 'pending' AND sync_wait_key IS NULL
                      AND sync_backend_id = %(backend)s AND sync_stream_id IS NOT NULL
                      AND (%(stream)s IS NULL OR sync_stream_id = %(stream)s)
                      AND %(due)s <= %(now)s
                      -- who is let through to try it must not miss that
                      AND uuid <> ALL(ARRAY(
                          SELECT trial_uuid FROM sync_incident
                           WHERE backend_id = %(backend)s AND closed IS NULL
                             AND trial_uuid IS NOT NULL))
                    ORDER BY priority, %(due)s, id
                    LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED))
            """,
            stream=stream_id,
            due=DUE,
            key=key,
            reason=reason,
            now=NOW,
            least=least,
            stretch=stretch,
            backend=backend_id,
            limit=limit,
        )
    )


def let_sleep(cr, uuid, key, reason, seconds):
    """Let a pending job sleep, unless somebody has it.

    :param reason: as the column has it
    :param seconds: after which it wakes by itself
    """
    if lock_pending(cr, uuid):
        cr.execute(
            SQL(
                """
                UPDATE queue_job
                   SET sync_due = LEAST(%s, %s), sync_wait_key = %s,
                       sync_wait_reason = %s,
                       eta = %s + %s * interval '1 second'
                 WHERE uuid = %s
                """,
                # it has been sent along, although it may have been put off for that
                DUE,
                NOW,
                key,
                reason,
                NOW,
                seconds,
                uuid,
            )
        )


def sleep_on(cr, seconds, limit):
    """Let jobs sleep for longer that would soon wake by themselves.

    :return: how many
    """
    cr.execute(
        """
        UPDATE queue_job SET eta = now() AT TIME ZONE 'utc' + %s * interval '1 second'
         WHERE id = ANY(ARRAY(
               SELECT id FROM queue_job
                WHERE sync_wait_key IS NOT NULL AND state = 'pending'
                  AND eta < now() AT TIME ZONE 'utc' + interval '1 hour'
                ORDER BY eta LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
        """,
        (seconds, limit),
    )
    return cr.rowcount


def is_at_work(cr, backend_id):
    """Return whether a job of a system runs, which looks for sleepers when it ends."""
    statement = (
        "SELECT FROM queue_job WHERE sync_backend_id = %s AND state = 'started'"
        " AND sync_stream_id IS NOT NULL LIMIT 1"
    )
    return bool(ask(cr, statement, backend_id))


def what_holds(env, backend_id, stream_id, key, priority):
    """Return what keeps a job that is made now from running soon: ``None`` if nothing.

    Its ``stream`` is held; or nothing is sent to its ``system`` now, or others sleep
    that are no less urgent. A plain read.

    :param str key: of those that wait for the system
    """
    env["sync.incident"].flush_model(["backend_id", "stream_id", "closed"])
    ((found,),) = ask(
        env.cr,
        """
        SELECT CASE
               WHEN EXISTS (SELECT FROM sync_incident
                             WHERE backend_id = %(backend)s AND closed IS NULL
                               AND stream_id = %(stream)s) THEN 'stream'
               WHEN EXISTS (SELECT FROM sync_incident
                             WHERE backend_id = %(backend)s AND closed IS NULL
                               AND stream_id IS NULL)
                    -- in the order of the index, or PostgreSQL may read the table
                 OR (SELECT id FROM queue_job
                      WHERE sync_wait_key = %(key)s AND state = 'pending'
                        AND priority <= %(priority)s
                      ORDER BY priority, sync_due, id LIMIT 1) IS NOT NULL THEN 'system'
                END
        """,
        backend=backend_id,
        stream=stream_id,
        key=key,
        priority=priority,
    )
    return found


def has_no_caller(cr, backend_id, stream_ids=None):
    """Return whether a system may be sent to, and no job is awake to ask for a place.

    One that has started has asked for its own already. Where the system has asked for
    patience, one that comes as soon as that is over will.

    :param stream_ids: of the streams whose jobs count; all, if not given
    """
    counts = SQL("sync_stream_id IS NOT NULL")
    if stream_ids is not None:
        counts = SQL("sync_stream_id = ANY(%s)", list(stream_ids))
    ((found,),) = ask(
        cr,
        """
        SELECT NOT EXISTS (SELECT FROM sync_incident
                            WHERE backend_id = %(backend)s AND closed IS NULL
                              AND stream_id IS NULL)
           AND NOT EXISTS (SELECT FROM queue_job
                            WHERE sync_backend_id = %(backend)s AND state = 'enqueued'
                              AND %(counts)s)
           AND NOT EXISTS (SELECT FROM queue_job
                            WHERE sync_backend_id = %(backend)s AND state = 'pending'
                              AND sync_wait_key IS NULL AND %(counts)s
                              AND %(due)s <= GREATEST(%(now)s, (
                                  SELECT quiet_until + %(late)s * interval '1 second'
                                    FROM sync_rate WHERE backend_id = %(backend)s)))
        """,
        backend=backend_id,
        counts=counts,
        now=NOW,
        due=DUE,
        late=CALLER_LATE,
    )
    return found


def waits_for(cr, ahead, behind):
    """Return whether a record waits for another one, however far behind it.

    :param ahead, behind: ``(stream id, record id)``; they may be the same
    """
    return bool(
        ask(
            cr,
            """
            WITH RECURSIVE chain (stream_id, res_id) AS (
                SELECT next.*
                  FROM (VALUES (%(stream)s, %(id)s)) AS first (stream_id, res_id)
                 CROSS JOIN LATERAL %(next)s AS next
                 UNION
                SELECT next.* FROM chain AS first CROSS JOIN LATERAL %(next)s AS next)
            SELECT FROM chain WHERE (stream_id, res_id) = (%(to_stream)s, %(to_id)s)
            """,
            stream=ahead[0],
            id=ahead[1],
            to_stream=behind[0],
            to_id=behind[1],
            next=SQL(
                """
                (SELECT split_part(job.sync_wait_key, ':', 2)::int,
                        split_part(job.sync_wait_key, ':', 3)::int
                   FROM sync_outbox AS change JOIN queue_job AS job
                     ON job.uuid = change.job_uuid AND job.state = 'pending'
                    AND job.sync_wait_key ~ '^ahead:'
                  WHERE change.stream_id = first.stream_id
                    AND change.res_id = first.res_id)
                """
            ),
        )
    )


# -- places, and systems that are sent to, or not ------------------------------


def channels_that_wait(cr, backend_id, uuid, priority, yields):
    """Return the channels in which a job of another system has to wait for a slot.

    :param str uuid: of the job that asks
    :param priority: of what it is sending, if not its own: more urgent ones count
    :param bool yields: any other one counts
    """
    return ask_column(
        cr,
        """
        SELECT DISTINCT other.channel FROM sync_backend AS backend
         CROSS JOIN LATERAL (
               SELECT channel FROM queue_job
                WHERE sync_backend_id = backend.id AND state = 'pending'
                  AND sync_wait_key IS NULL AND sync_stream_id IS NOT NULL
                  AND %(due)s <= %(now)s - interval '1 second'
                  AND (%(yields)s OR priority < COALESCE(%(priority)s, (
                       SELECT priority FROM queue_job WHERE uuid = %(uuid)s)))
                ORDER BY priority, %(due)s, id LIMIT 10) AS other
         WHERE backend.id <> %(backend)s
        """,
        due=DUE,
        now=NOW,
        yields=yields,
        priority=priority,
        uuid=uuid,
        backend=backend_id,
    )


def sleeps_urgently(cr, key, stream_id, uuid, priority):
    """Return whether a job of another stream sleeps under a key that is more urgent.

    :param str uuid: of the job that asks
    :param priority: of what it is sending, if not its own
    """
    return bool(
        ask(
            cr,
            """
            SELECT FROM queue_job
             WHERE sync_wait_key = %s AND state = 'pending' AND sync_stream_id <> %s
               AND priority < COALESCE(
                   %s, (SELECT priority FROM queue_job WHERE uuid = %s))
             ORDER BY priority, sync_due, id LIMIT 1
            """,
            key,
            stream_id,
            priority,
            uuid,
        )
    )


def take_place(cr, backend_id, most):
    """Take one of the places of a system until the transaction is over.

    :param int most: how many there are
    :return: its number, from 1; 0 if others have all of them
    """
    found = ask_column(
        cr,
        "SELECT number FROM generate_series(1, %s) AS number WHERE"
        " pg_try_advisory_xact_lock(hashtextextended("
        "'queue_job_sync.place', %s::bigint << 16 | number)) LIMIT 1",
        most,
        backend_id,
    )
    return found[0] if found else 0


def is_quiet(cr, backend_id):
    """Return whether a system has asked for patience until later than now."""
    statement = (
        "SELECT FROM sync_rate WHERE backend_id = %s"
        " AND quiet_until > clock_timestamp() AT TIME ZONE 'utc'"
    )
    return bool(ask(cr, statement, backend_id))


def end_quiet(env, backend_id):
    """Let a system be sent to again that has asked for patience.

    And those jobs run now that would come when it is over.
    """
    env["queue.job"].flush_model()
    env.cr.execute(
        SQL(
            """
            WITH quiet AS (
                SELECT quiet_until FROM sync_rate
                 WHERE backend_id = %(backend)s AND quiet_until > %(now)s
            ), over AS (
                UPDATE sync_rate SET quiet_until = NULL
                 WHERE backend_id IN (SELECT %(backend)s FROM quiet)
            )
            UPDATE queue_job SET eta = NULL
             WHERE id = ANY(ARRAY(
                   SELECT job.id FROM queue_job AS job, quiet
                    WHERE sync_backend_id = %(backend)s AND state = 'pending'
                      AND sync_wait_key IS NULL AND sync_stream_id IS NOT NULL
                      -- it has met the same, or was woken by then
                      AND (sync_error IS NOT NULL OR eta = quiet_until)
                      AND eta BETWEEN %(now)s
                          AND quiet_until + %(late)s * interval '1 second'
                      FOR NO KEY UPDATE OF job SKIP LOCKED))
            """,
            backend=backend_id,
            now=NOW,
            late=CALLER_LATE,
        )
    )
    env["queue.job"].invalidate_model(["eta"])


def quiet_until(env, backend_ids):
    """Return until when systems have asked to be left alone, by their ids (UTC)."""
    return dict(
        ask(
            env.cr,
            "SELECT backend_id, quiet_until FROM sync_rate WHERE backend_id = ANY(%s)"
            " AND quiet_until > clock_timestamp() AT TIME ZONE 'utc'",
            list(backend_ids),
        )
    )


def keep_quiet(registry, backend_id, seconds):
    """Have nothing sent to a system for so many seconds, and commit."""
    with read_committed(registry) as cr:
        cr.execute(
            """
            INSERT INTO sync_rate (backend_id, rate, next_turn, quiet_until)
            VALUES (%s, 0, 0, clock_timestamp() AT TIME ZONE 'utc'
                              + %s * interval '1 second')
            ON CONFLICT (backend_id) DO UPDATE
               SET quiet_until = GREATEST(sync_rate.quiet_until, EXCLUDED.quiet_until)
            """,
            (backend_id, seconds),
        )


# -- turns to send, one after the other for all nodes -------------------------


def reserve(registry, backend_id, count, span, patience):
    """Reserve turns to send, and commit; any thread may do so.

    It takes no environment: the threads that send must not touch one. The cursor is
    READ COMMITTED, so that a worker waits for another one instead of failing, and so
    that a limit that was changed meanwhile holds at once.

    :param count, span, patience: as :class:`..transports.pace.Pace` gives them
    :raises RateLimited: the turn could not be reserved
    """
    try:
        with read_committed(registry) as cr:
            return _reserve(cr, backend_id, count, span, patience)
    except psycopg2.Error:
        # what was sent before it has receipts that must not be lost
        _logger.exception("No turn to send to system %s could be reserved", backend_id)
        raise RateLimited(
            "The limit on requests could not be read.", PATIENCE
        ) from None


def _reserve(cr, backend_id, count, span, patience):
    ((old_rate, next_turn),) = ask(
        cr,
        """
        INSERT INTO sync_rate (backend_id, rate, next_turn) VALUES (%s, 0, 0)
        ON CONFLICT (backend_id)
        -- takes the lock, also when there is nothing to change
        DO UPDATE SET rate = sync_rate.rate
        RETURNING rate, next_turn
        """,
        backend_id,
    )
    # a statement of its own: while the other one waited, time went by
    ((rate, now),) = ask(
        cr,
        """
        SELECT rate_limit, extract(epoch FROM clock_timestamp())::float8
          FROM sync_backend WHERE id = %s
        """,
        backend_id,
    )
    if not rate or rate <= 0:
        return Slots(0, 0, 0)
    # turns that were reserved at another rate do not count any more
    first = max(next_turn, now) if old_rate == rate else now
    delay = first - now
    if delay > patience:
        return Slots(delay, 0, rate)
    number = slots_within(rate, count, span)
    cr.execute(
        "UPDATE sync_rate SET rate = %s, next_turn = %s WHERE backend_id = %s",
        (rate, first + number / rate, backend_id),
    )
    return Slots(delay, number, rate)
