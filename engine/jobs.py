# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which job delivers which undelivered changes: of edits, of backfills, of people.

A job is told which records to send; what it owes is in the rows of ``sync.outbox`` that
name it.
"""

import logging
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from uuid import uuid4

from odoo import fields
from odoo.exceptions import MissingError
from odoo.fields import Domain

from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import Job

from ..exceptions import SyncError
from ..text import storable_within
from . import clock, store, words

_logger = logging.getLogger(__name__)

# Seconds after which a job looks again at a record that another job is sending.
BUSY_SECONDS = (1, 3)

# People set priorities from 1 (first) to 10 (last). The job of one of many deliveries
# has so much more: it goes after all that somebody has just edited.
BULK = 10

LEFT = "Changes of %s wait for the sweep to queue them, in synchronization %s"

# The methods that jobs of synchronizations call, on any model and on the addon's own.
DELIVER = "_sync_deliver"
OWN_TASKS = (("sync.backfill", "_step"), ("sync.incident", "_probe"))

# Jobs of synchronizations; those that are not at an end; those sent in bulk.
OWN_JOBS = Domain("method_name", "=", DELIVER) | Domain.OR(
    Domain("model_name", "=", model) & Domain("method_name", "=", method)
    for model, method in OWN_TASKS
)
OPEN_OWN_JOBS = Domain("state", "in", store.OPEN_STATES) & OWN_JOBS
BULK_JOBS = (
    Domain("priority", ">", BULK) & Domain("priority", "<=", 2 * BULK) & OWN_JOBS
)


def is_own(model_name, method_name):
    """Return whether a job that calls this method is one of a synchronization."""
    return method_name == DELIVER or (model_name, method_name) in OWN_TASKS


# -- the jobs of new changes ---------------------------------------------------


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


def delay_batches(
    stream, records, names, priority=None, eta=None, at_once=False, bulk=None
):
    """Queue jobs for records, one for each batch, as :func:`delay` does.

    :param int priority: as people set it, if not the stream's
    :param eta: when the jobs may run, if not when the stream says (UTC, naive)
    :param bool at_once: at the request of a person: now, whatever the stream says
    :param bool bulk: after all that is not; if not given, where they are many: more
        than one at the request of a person, else more than a batch
    :return: list of ``(records, UUID of their job)``
    """
    facts = stream._facts()
    if not (eta or at_once):
        eta = stream._eta()
    size = facts.batch_size
    if bulk is None:
        bulk = len(records) > (1 if at_once else size)
    priority = (priority or facts.priority) + (BULK if bulk else 0)
    batches = [records[start : start + size] for start in range(0, len(records), size)]
    return [(batch, delay(stream, batch, names, eta, priority)) for batch in batches]


def delay(stream, records, names, eta, priority, after=None):
    """Queue the job that delivers records, and return its UUID.

    It belongs to the user of the records' environment.

    :param dict names: what people call the records, by id
    :param eta: when it may run (UTC, naive), ``None`` for now
    :param int priority: as it is stored: more by ``BULK`` for one of many
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
            priority=priority,
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

    It has the present one's priority: what is sent in bulk stays so.

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
            uuid = delay(stream, records, names, eta, present_priority(stream), after)
    except Exception:
        _logger.exception(LEFT, records, stream.id)
    store.give_changes(env, rows, uuid)


def present_priority(stream):
    """Return the stored priority of the job that runs, the stream's outside of one."""
    uuid = stream.env.context.get("job_uuid", False)
    # not all of its fields: the records and arguments of a job may be large
    jobs = stream.env["queue.job"].search_fetch([("uuid", "=", uuid)], ["priority"])
    return jobs.priority if jobs else stream._facts().priority


# -- run again ----------------------------------------------------------------


@contextmanager
def keeping_etas(cr):
    """Let a job that asks to be run again come back by the database's clock.

    queue_job adds the seconds of a ``RetryableJobError`` to the time of the node that
    ran the job. They are corrected by what that node is ahead or behind. The node of
    the runner compares with its own clock: nothing can be done about that one.

    :param cr: of the job, whose transaction has just begun
    """
    # what the transaction has lasted until now counts as well, and does not matter
    here = datetime.now(timezone.utc).replace(tzinfo=None)
    try:
        yield
    except RetryableJobError as error:
        ahead = (here - cr.now()).total_seconds()
        if abs(ahead) > 1 and error.seconds:
            error.seconds = _shifted(error.seconds, -ahead)
        raise


def _shifted(seconds, by):
    """Return seconds, or a range of them, so much longer or shorter.

    Never 0, for which queue_job would take its own pattern.
    """
    if isinstance(seconds, list | tuple):
        return type(seconds)(_shifted(each, by) for each in seconds)
    return round(seconds + by) or 1


# -- failed jobs, and those about which people decide -------------------------


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
    error = error or job.exc_message or job.exc_name
    _write_bindings(rows, last_error=error, last_error_date=fields.Datetime.now())


def settle(jobs, note):
    """Drop the changes of jobs that a person has closed, and say so.

    :param jobs: ``queue.job`` records, set to done or cancelled
    :param str note: who closed them
    """
    rows = store.changes_of(jobs.env(su=True), jobs.mapped("uuid"))
    now = fields.Datetime.now()
    _write_bindings(rows, note=note, note_date=now, skipped=True).unlink()


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
    note = words.Sentence(words._lt("Requeued by %(user)s"), user=jobs.env.user.name)
    now = fields.Datetime.now()
    _write_bindings(rows, note=note, note_date=now, skipped=False)


def requeue_spread(jobs, rate):
    """Put failed jobs of synchronizations back to pending, ``rate`` per second.

    Several are sent in bulk.

    :return: number of jobs
    """
    requeued = store.requeue_jobs(jobs.env, jobs, rate, BULK if len(jobs) > 1 else 0)
    rearm(requeued)
    return len(requeued)


def _write_bindings(rows, **values):
    """Write on the bindings of outbox rows, and return those rows.

    Left out are the rows of records that another job is sending: it settles them, and
    must not find them gone after it has sent them.
    """
    free = rows.browse()
    bindings = rows.env["sync.binding"].sudo()
    for stream, stream_rows in rows.grouped("stream_id").items():
        if not stream:
            # it is gone, and its bindings go with it
            free |= stream_rows
            continue
        held = store.lock_bindings(stream, set(stream_rows.mapped("res_id")))
        bindings.browse(each.id for each in held).write(values)
        locked = {each.res_id for each in held}
        free |= stream_rows.filtered(lambda row, ids=locked: row.res_id in ids)
    return free
