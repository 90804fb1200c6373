# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which job delivers which undelivered changes: of edits, of backfills, of people.

A job is told which records to send; what it owes is in the rows of ``sync.outbox`` that
name it.
"""

import logging
from datetime import timedelta
from uuid import uuid4

from odoo import fields
from odoo.exceptions import MissingError
from odoo.fields import Domain
from odoo.tools import split_every

from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import Job

from ..exceptions import SyncError
from ..text import storable_within
from . import clock, store, words
from .guard import noted, storable, undone

_logger = logging.getLogger(__name__)

# Seconds after which a job looks again at a record that another job is sending.
BUSY_SECONDS = (1, 3)
# Changes without a job that are queued in one go before the cron commits.
SWEEP_BATCH = 500
LEFT = "Changes of %s wait for the sweep to queue them, in synchronization %s"

# The methods that jobs of synchronizations call, on any model and on the addon's own.
DELIVER = "_sync_deliver"
OWN_TASKS = (("sync.backfill", "_step"), ("sync.incident", "_probe"))

# Jobs that are not at an end, of synchronizations.
OPEN_OWN_JOBS = Domain("state", "in", store.OPEN_STATES) & (
    Domain("method_name", "=", DELIVER)
    | Domain.OR(
        Domain("model_name", "=", model) & Domain("method_name", "=", method)
        for model, method in OWN_TASKS
    )
)


def is_own(model_name, method_name):
    """Return whether a job that calls this method is one of a synchronization."""
    return method_name == DELIVER or (model_name, method_name) in OWN_TASKS


# -- changes and their jobs ---------------------------------------------------


def enqueue(stream, records, **options):
    """Insert outbox rows for records, and the jobs that will deliver them.

    Where that raises, the rows are left for the sweep, with the reason.

    :param stream: the ``sync.stream``, as superuser
    :param records: recordset in the environment of the user who owns the jobs
    :param options: see :func:`queue`
    """
    with (
        noted(_logger, LEFT, records, stream.id, level=logging.WARNING) as trouble,
        undone(stream.env, forget=True),
    ):
        queue(stream, records, **options)
    if trouble:
        queue_in_doubt(stream, records, trouble.reason, **options)


def queue(
    stream,
    records,
    gone=None,
    force=False,
    priority=None,
    backfill=None,
    eta=None,
):
    """Insert outbox rows for records, and the jobs that will deliver them.

    One job for each batch of records; one statement for all rows.

    :param stream: the ``sync.stream``, as superuser
    :param records: recordset in the environment of the user who owns the jobs
    :param dict gone: names of deleted records, by id, of others as well
    :param bool force: asked for by a person: now, and even if unchanged
    :param int priority: of the jobs, if not the stream's
    :param backfill: the ``sync.backfill`` that asks, at a time to send
    :param eta: when the jobs may run, if not when the stream says (UTC, naive)
    """
    if not records:
        return
    if not (eta or force or backfill):
        eta = stream._eta()
    names, gone = _names(records, gone or {})
    chunks = _delay_chunks(stream, records, names, priority, eta)
    rows = _storable_rows(chunks, names, gone, force)
    store.insert_changes(stream, records.env.uid, rows, backfill)


def queue_in_doubt(
    stream,
    records,
    reason,
    gone=None,
    force=False,
    priority=None,
    backfill=None,
    eta=None,
):
    """Do as :func:`queue` as far as it goes; only the rows are indispensable.

    Without a job they are queued by the sweep, once that works.

    :param str reason: what has raised
    """
    if not records:
        return
    names = gone = dict(gone or {})
    chunks = [(records, None)]
    with noted(_logger, "Names of %s are not known", records), undone(stream.env):
        names, gone = _names(records, gone)
    with (
        noted(_logger, LEFT, records, stream.id),
        undone(stream.env, forget=True),
    ):
        if not (eta or force or backfill):
            eta = stream._eta()
        chunks = _delay_chunks(stream, records, names, priority, eta)
    rows = _storable_rows(chunks, names, gone, force, reason)
    store.insert_changes(stream, records.env.uid, rows, backfill)


def enqueue_by_hand(records, streams, priority=None, eta=None):
    """Queue existing records for those of the streams that send them.

    :param records: recordset in the environment of the user who asks
    :param streams: ``sync.stream`` records of the model, as superuser
    :param int priority: of the jobs, if not the streams'
    :param eta: when the jobs may run (UTC, naive), ``None`` for now
    :return: number of deliveries, one for each record in each stream
    """
    count = 0
    for stream in streams:
        matching = records.browse(stream._matching(records)._ids)
        enqueue(stream, matching, force=True, priority=priority, eta=eta)
        count += len(matching)
    return count


def _names(records, gone):
    """Return the names of records by id, and those of the deleted ones alone.

    :param dict gone: what is known of the latter
    """
    names = names_of(records.browse(id_ for id_ in records._ids if id_ not in gone))
    # deleted by plain SQL, say
    unnamed = [id_ for id_ in records._ids if id_ not in names and id_ not in gone]
    gone = {**gone, **dict.fromkeys(unnamed)}
    return {**names, **gone}, gone


def names_of(records):
    """Return the names of records by id, wherever they were edited.

    The stored name, if there is one: a display name has to be computed, and may come
    with an address or a mail when the context asks for it. A record that is gone,
    with plain SQL say, has none.
    """
    records = records.sudo().with_context(  # pylint: disable=context-overridden
        # what else the context asks for may change the name
        records._job_prepare_context_before_enqueue()
    )
    stored = records._fields.get(records._rec_name)
    plain = stored and stored.store and stored.type == "char"
    name = records._rec_name if plain else "display_name"
    try:
        return _names_in(records, name)
    except MissingError:
        return _names_in(records.exists(), name)


def _names_in(records, name):
    # one that is computed may hold anything, and must not make the edit fail
    return {record.id: storable_within(record[name]) for record in records}


def _delay_chunks(stream, records, names, priority, eta):
    """Queue jobs for records, and return ``(records, UUID)`` for each."""
    size = stream._facts().batch_size
    chunks = [records[start : start + size] for start in range(0, len(records), size)]
    return [(chunk, delay(stream, chunk, names, eta, priority)) for chunk in chunks]


def _storable_rows(chunks, names, gone, force, problem=None):
    """Return rows for :func:`store.insert_changes`.

    :param chunks: list of ``(records, UUID of their job)``
    :param dict names: what is known of the records' names, by id
    :param gone: ids of the deleted ones
    :param problem: what has raised
    """
    return [
        (
            id_,
            storable(names.get(id_) or "") or None,
            "delete" if id_ in gone else "upsert",
            force,
            uuid,
            problem,
        )
        for chunk, uuid in chunks
        for id_ in chunk._ids
    ]


def delay(stream, records, names, eta=None, priority=None, after=None):
    """Queue the job that delivers records, and return its UUID.

    It belongs to the user of the records' environment.

    :param dict names: what people call the records, by id
    :param int priority: if not the stream's
    :param after: ``queue.job`` records that have to be done before
    """
    user_env = records.env(
        su=False, context=records._job_prepare_context_before_enqueue()
    )
    label = (
        names.get(records.id) or str(records.id)
        if len(records) == 1
        else stream.env._(
            "%(count)s records (%(model)s)",
            count=len(records),
            model=stream.model_id.name,
        )
    )
    facts = stream._facts()
    # there is nothing to track on a new job
    context = {"sync_record_name": label, "tracking_disable": True}
    if facts.company_id:
        # the job is seen by those who see the system; queue_job reads this key
        context["company_id"] = facts.company_id
    job = (
        records.with_env(user_env)
        .with_context(**context)
        .with_delay(
            priority=facts.priority if priority is None else priority,
            eta=eta,
            max_retries=facts.max_retries,
            description=f"{facts.backend_name}: {label}",
            channel=facts.channel,
        )
        ._sync_deliver(stream.with_env(user_env))
    )
    if after:
        _run_before(after, job)
    # run at once by queue_job's own test switch, there is no job
    return getattr(job, "uuid", None)


def _run_before(ahead, job):
    """Let a new job wait until others are done.

    A job is released by jobs of its own graph only. If the others are of several, it
    waits for those of one of them: it looks for the others when it starts.

    :param ahead: ``queue.job`` records
    :param job: the :class:`Job`, just queued
    """
    graph = next(filter(None, ahead.mapped("graph_uuid")), None) or str(uuid4())
    ahead = ahead.filtered(lambda each: each.graph_uuid in (False, graph))
    job.graph_uuid = graph
    job.add_depends({Job.load(ahead.env, uuid) for uuid in ahead.mapped("uuid")})
    job.store()
    for record in ahead:
        # not Job.store(), which writes the state too, and so tells of a failure
        known = record.dependencies or {}
        followers = [*known.get("reverse_depends_on", []), job.uuid]
        record.graph_uuid = graph
        record.dependencies = {
            "depends_on": known.get("depends_on", []),
            "reverse_depends_on": followers,
        }
    ahead.flush_recordset()


# -- from one job to another --------------------------------------------------


def hand_on(stream, res_ids, seconds=0, after=None):
    """Give records of the present job another one, with their outbox rows.

    :param stream: the ``sync.stream``, as superuser, in the environment of the job
    :param seconds: to wait before
    :param after: ``queue.job`` records that have to be done before
    """
    env = stream.env
    # by the job alone: its rows are few, those of a stream need not be
    rows = store.changes_of(env, [env.context.get("job_uuid")])
    rows = rows.filtered(
        lambda row, ids=set(res_ids): row.stream_id == stream and row.res_id in ids
    )
    records = env[stream.model_name].browse(res_ids)
    names = {row.res_id: row.record_name for row in rows}
    eta = None
    if seconds:
        # this transaction has lasted for as long as it took to send
        eta = clock.current(env.cr) + timedelta(seconds=seconds)
    uuid = None
    try:
        with env.cr.savepoint(flush=False):
            uuid = delay(stream, records, names, eta, _priority(rows), after)
    except Exception:
        _logger.exception(LEFT, records, stream.id)
    store.give_changes(env, rows, uuid)


def _priority(rows):
    """Return the priority of a job for outbox rows, ``None`` for the stream's.

    That of backfills only if no edit is among them.
    """
    if not rows or any(not row.backfill_id for row in rows):
        return None
    return min(rows.backfill_id.mapped("priority"))


def queue_orphans(env):
    """Queue changes that have no job left to deliver them, and commit.

    A job can vanish: purged, lost with a restored database, or never made because
    queue_job refused it. Failed jobs are not replaced: people decide about them.

    :return: whether there is time left for others
    """
    last_id = 0
    while True:
        found = store.orphan_ids(env, last_id, SWEEP_BATCH)
        last_id = max(found, default=0)
        # a row that a worker holds is being delivered
        rows = env["sync.outbox"].browse(found).try_lock_for_update()
        for (stream, user, _backfill), changes in rows.grouped(
            lambda row: (row.stream_id, row.create_uid, row.backfill_id)
        ).items():
            with (
                noted(
                    _logger, LEFT, changes, stream.id, level=logging.WARNING
                ) as trouble,
                undone(env, forget=True),
            ):
                _queue_again(stream, user.exists() or env.user, changes)
            # why they still have no job, if so
            why = trouble.reason or False
            changes.filtered(lambda row, why=why: row.problem != why).problem = why
        time_left = env["ir.cron"]._commit_progress(len(rows))
        if not time_left or len(found) < SWEEP_BATCH:
            return time_left


def _queue_again(stream, user, changes):
    """Queue jobs of a user for changes, together as far as they may be."""
    by_record = changes.grouped("res_id")
    names = {row.res_id: row.record_name for row in changes}
    model = changes.env[stream.model_name].with_user(user)
    for ids in split_every(stream.batch_size, names):
        rows = changes.concat(*(by_record[id_] for id_ in ids))
        rows.job_uuid = delay(
            stream, model.browse(ids), names, stream._eta(), _priority(rows)
        )


# -- failed jobs, and those about which people decide -------------------------


def retry(env, error, seconds, ignore_retry):
    """Return what lets queue_job try a job again after an error of a destination.

    :param env: in the language in which the job tells of it
    :param ignore_retry: no try is used
    """
    found = RetryableJobError(words.said(env, error), seconds, ignore_retry)
    found.sync_error = error
    return found


def error_behind(raised):
    """Return the error of a destination that an exception of a job is about.

    queue_job makes another exception of the one that used the last try.

    :return: a :class:`SyncError`, or ``None``
    """
    if isinstance(raised, SyncError):
        return raised
    cause = getattr(raised.__cause__, "sync_error", None)
    return getattr(raised, "sync_error", cause)


def record_failure(job, error=None):
    """Keep on the bindings why a job failed.

    Called where queue_job stores the failure, after the job's own changes were rolled
    back. A record that another job is sending already is left to it.

    :param job: the ``queue.job``, as superuser
    :param error: as :func:`error_behind` returns it
    """
    rows = store.changes_of(job.env, [job.uuid])
    _write_bindings(
        rows,
        {
            "last_error": error or job.exc_message or job.exc_name,
            "last_error_date": fields.Datetime.now(),
        },
    )


def settle(jobs, note):
    """Drop the changes of jobs that a person has closed, and say so.

    :param jobs: ``queue.job`` records, set to done or cancelled
    :param str note: who closed them
    """
    rows = store.changes_of(jobs.env(su=True), jobs.mapped("uuid"))
    _decided(rows, note, skipped=True).unlink()


def rearm(jobs):
    """Give requeued jobs something to deliver, and say who requeued them.

    :param jobs: ``queue.job`` records, put back to pending; those whose changes were
        settled get new ones
    """
    rows = store.changes_of(jobs.env(su=True), jobs.mapped("uuid"))
    armed = set(rows.mapped("job_uuid"))
    rows |= rows.create(
        [
            {
                "stream_id": job.sync_stream_id.id,
                "res_id": record.id,
                "record_name": names.get(record.id, job.sync_record_name),
                "operation": "upsert" if record.id in names else "delete",
                "job_uuid": job.uuid,
            }
            for job in jobs
            if job.sync_stream_id.exists() and job.uuid not in armed
            for names in [names_of(job.records.sudo().exists())]
            for record in job.records
        ]
    )
    _decided(
        rows, words.Sentence(words._lt("Requeued by %(user)s"), user=jobs.env.user.name)
    )


def requeue_spread(jobs, rate):
    """Put many failed jobs of synchronizations back to pending, some per second.

    :param jobs: ``queue.job`` records
    :param int rate: jobs per second
    :return: number of jobs
    """
    if not jobs:
        return 0
    requeued = store.requeue_jobs(jobs.env, jobs, rate)
    rearm(requeued)
    return len(requeued)


def _decided(rows, note, skipped=False):
    """Tell on the bindings what a person decided about outbox rows, and when.

    :param str note: what was decided, and by whom
    :param bool skipped: the changes will not be delivered
    :return: the rows of which nobody else is sending the record. The others are settled
        by the job that sends it, which must not find them gone after it has sent them.
    """
    return _write_bindings(
        rows,
        {"note": note, "note_date": fields.Datetime.now(), "skipped": skipped},
    )


def _write_bindings(rows, values):
    """Write on the bindings of outbox rows, and return the rows whose it could lock."""
    free = rows.browse()
    bindings = rows.env["sync.binding"].sudo()
    for stream, stream_rows in rows.grouped("stream_id").items():
        if not stream:
            # it is gone, and its bindings go with it
            free |= stream_rows
            continue
        try:
            held = store.lock_bindings(stream, set(stream_rows.mapped("res_id")))
        except store.Busy:
            continue
        bindings.browse(each.id for each in held).write(values)
        locked = {each.res_id for each in held}
        free |= stream_rows.filtered(lambda row, ids=locked: row.res_id in ids)
    return free
