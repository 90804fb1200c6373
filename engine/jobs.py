# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which job delivers which undelivered changes: of edits, of backfills, of people.

A job is told which records to send; what it owes is in the rows of ``sync.outbox`` that
name it.
"""

import logging
import random
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone

import psycopg2
from psycopg2.errors import LockNotAvailable

from odoo import fields
from odoo.exceptions import MissingError
from odoo.fields import Domain
from odoo.tools import groupby

from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import CANCELLED, DONE, FAILED, Job

from ..exceptions import (
    Misconfigured,
    Rejected,
    SyncError,
    Temporary,
    Throttled,
    Unreachable,
)
from ..text import storable_within
from . import clock, gate, store, waiting, words

_logger = logging.getLogger(__name__)

# Jobs that the sweep looks after in one go; the rest is for its next run.
SWEEP_BATCH = 1000
# Waiting times are stretched by up to this part, so that what failed together does
# not come back together.
JITTER = 0.1

# People set priorities from 1 (first) to 10 (last). The job of one of many deliveries
# has so much more: it goes after all that somebody has just edited.
BULK = 10

# Records that were created in a row without an id before their synchronization is held,
# and after which no more are created.
WITHOUT_ID = 3

LEFT = "Changes of %s wait for the sweep to queue them, in synchronization %s"

# The methods that jobs of synchronizations call, on any model and on the addon's own.
DELIVER = "_sync_deliver"
OWN_TASKS = (("sync.backfill", "_step"), ("sync.incident", "_probe"))


# A domain remembers the fields of the registry that it was first used with, so that
# these are made for each use: modules come and go while the server runs.


def own_jobs():
    """Return the domain of the jobs of synchronizations."""
    return Domain("method_name", "=", DELIVER) | Domain.OR(
        Domain("model_name", "=", model) & Domain("method_name", "=", method)
        for model, method in OWN_TASKS
    )


def open_own_jobs():
    """Return the domain of those that are not at an end."""
    return Domain("state", "in", store.OPEN_STATES) & own_jobs()


def bulk_jobs():
    """Return the domain of those that are sent in bulk."""
    in_bulk = Domain("priority", ">", BULK) & Domain("priority", "<=", 2 * BULK)
    return in_bulk & own_jobs()


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


def delay(stream, records, names, eta, priority, sleep=None):
    """Queue the job that delivers records, and return its UUID.

    It belongs to the user of the records' environment.

    :param dict names: what people call the records, by id
    :param eta: when it may run (UTC, naive), ``None`` for now
    :param int priority: as it is stored: more by ``BULK`` for one of many
    :param sleep: the :class:`.waiting.Sleep` that it is made in, if it is known
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
    if not (eta or sleep):
        sleep = waiting.at_birth(stream, priority)
    if sleep:
        eta = clock.after(stream.env.cr, waiting.safety())
    # there is nothing to track on a new job
    context = {
        "sync_record_name": label,
        "sync_sleep": sleep,
        "tracking_disable": True,
    }
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
    # run at once by queue_job's own test switch, there is no job
    return getattr(job, "uuid", None)


# -- from one job to another --------------------------------------------------


def hand_on(stream, uuid, res_ids, seconds=0, sleep=None):
    """Give records of a job another one, with their outbox rows.

    It has the same priority: what is sent in bulk stays so.

    :param str uuid: of the job
    :param seconds: to wait before
    :param sleep: the :class:`.waiting.Sleep` that the new job is made in
    :return: the UUID of the other job, ``None`` if there is none yet
    """
    env = stream.env
    # by the job alone: its rows are few, those of a stream need not be
    rows = store.changes_of(env, [uuid])
    rows = rows.filtered(
        lambda row, ids=set(res_ids): row.stream_id == stream and row.res_id in ids
    )
    if not rows:
        return None
    records = env[stream.model_name].browse(res_ids)
    if uuid != env.context.get("job_uuid"):
        records = records.with_user(rows[:1].create_uid.exists() or env.user)
    names = {row.res_id: row.record_name for row in rows}
    eta = None
    if seconds:
        # this transaction has lasted for as long as it took to send
        eta = clock.current(env.cr) + timedelta(seconds=seconds)
    other = None
    try:
        with env.cr.savepoint(flush=False):
            priority = stored_priority(stream, uuid)
            other = delay(stream, records, names, eta, priority, sleep)
    except Exception:
        _logger.exception(LEFT, records, stream.id)
    store.give_changes(env, rows, other)
    if sleep:
        waiting.look_later(env, sleep.key)
    return other


def stored_priority(stream, uuid):
    """Return the stored priority of a job, the stream's if there is none."""
    # not all of its fields: the records and arguments of a job may be large
    job = stream.env["queue.job"].search_fetch([("uuid", "=", uuid)], ["priority"])
    return job.priority if job else stream._facts().priority


# -- what was sent in company -------------------------------------------------


def tell(stream, covered, failed, behind):
    """Tell other jobs what became of their records, which this one has sent along.

    What a worker or a person has taken up meanwhile finds out by itself.

    :param stream: the ``sync.stream``, in the language that its jobs speak
    :param dict covered: the :class:`.task.Task` that was settled, and the UUID of the
        job that the delivery is logged under, by the UUID of a job
    :param failed: list of ``(UUID, Task, UUID)`` of the jobs of one record each, the
        last one that of the job that the delivery is logged under
    :param behind: list of ``(UUID, Sleep)`` of those whose record waits for others
    """
    try:
        _tell(stream, covered, failed, behind)
    except LockNotAvailable:
        # nor could the next one be
        _logger.warning("Jobs of synchronization %s were not told", stream.id)


def _tell(stream, covered, failed, behind):
    env, registry = stream.env, stream.env.registry
    if covered:
        together = [
            (
                uuid,
                words.kept(
                    words.Sentence(
                        words._lt("%(what)s Together with other changes."),
                        what=delivered_text(stream, task),
                    )
                ),
                logged,
                task.receipt.duration if task.receipt else 0.0,
            )
            for uuid, (task, logged) in covered.items()
        ]
        with _telling(registry, stream) as cr:
            store.settle_jobs(cr, together)
    for uuid, sleep in behind:
        with _telling(registry, stream) as cr:
            reason = words.kept(sleep.reason)
            store.let_sleep(cr, uuid, sleep.key, reason, waiting.safety())
    if behind:
        waiting.look_soon(registry, *{sleep.key for _uuid, sleep in behind})
    for uuid, task, logged in failed:
        # what is wrong with its synchronization is no try of a record
        if isinstance(task.error, Misconfigured):
            continue
        if task.receipt and task.receipt.request:
            with _telling(registry, stream) as cr:
                _count_try(stream.with_env(env(cr=cr)), uuid, task, logged)


@contextmanager
def _telling(registry, stream):
    """Yield a cursor to tell a job by, which sees what is committed by now.

    It must not fail: what was delivered is committed, and what was not is tried again.

    :raises LockNotAvailable: nobody can be told now
    """
    try:
        with store.read_committed(registry) as cr:
            yield cr
    except LockNotAvailable:
        raise
    except Exception:
        _logger.exception("A job of synchronization %s was not told", stream.id)


def settle_covered(env):
    """Set failed jobs to done that owe nothing any more, and commit.

    Whoever delivered what they owed has died before it could say so.
    """
    with store.read_committed(env.registry) as cr:
        found = store.covered_jobs(cr, SWEEP_BATCH)
        if found:
            told = words.kept(words._lt("Delivered together with other changes."))
            store.settle_jobs(cr, [(uuid, told, None, 0.0) for uuid, _stream in found])


def delivered_text(stream, task):
    """Return what became of a record that is settled, in a sentence for people."""
    values = {"system": stream._facts().backend_name}
    if not task.message:
        template = words._lt("%(system)s: nothing to send.")
    elif task.message.operation == "delete":
        template = words._lt("%(system)s: deleted.")
    elif task.message.operation == "mark":
        template = words._lt("%(system)s: marked as deleted.")
    elif task.binding.external_id:
        template = words._lt("%(system)s: delivered as %(id)s.")
        values["id"] = task.binding.external_id
    else:
        template = words._lt("%(system)s: delivered.")
    return words.Sentence(template, **values)


def _count_try(stream, uuid, task, logged):
    """Let a pending job have failed once, as if it had run by itself.

    What it does then is queue_job's own, see its ``Job.perform`` and the controller.
    One whose system has asked for patience comes back after that, and uses no try.
    """
    env, error = stream.env, task.error
    if not store.lock_pending(env.cr, uuid):
        return
    record = env["queue.job"].search([("uuid", "=", uuid)])
    if record.sync_wait_key:
        record.eta = record.sync_due
    record.sync_carrier_uuid = logged != uuid and logged
    job = Job.load(env, uuid)
    waits = isinstance(error, Throttled)
    job.retry += not waits
    job.sync_error = error
    duration = timedelta(seconds=task.receipt.duration)
    job.date_started = datetime.now() - duration
    text = words.said(env, error)
    over = not waits and 0 < job.max_retries <= job.retry
    if over or isinstance(error, Rejected):
        job.set_failed(exc_name=type(error).__name__, exc_message=text, exc_info=text)
    else:
        seconds = retry_seconds(stream, error, job.retry)
        job.postpone(result=error.message, seconds=seconds)
        job.set_pending(reset_retry=False)
    job.store()


def retry_seconds(stream, error, current_try):
    """Return the seconds to wait after so many tries that have met an error."""
    if isinstance(error, Throttled):
        # who was asked comes soon after that, and those who were do not come together
        spread = min(error.retry_after * JITTER, store.CALLER_LATE - 1)
        return max(1, error.retry_after) + random.uniform(0, spread)
    if not isinstance(error, Temporary | Unreachable):
        return 0
    seconds = stream._retry_seconds(current_try)
    least, most = seconds if isinstance(seconds, tuple) else (seconds,) * 2
    return random.uniform(least, max(most, least * (1 + JITTER)))


# -- run again ----------------------------------------------------------------

LOST = words._lt(
    "The connection to Odoo's database was lost while the job worked. It is tried "
    "again."
)
LOCKED = words._lt(
    "Somebody else has locked tables of Odoo's database while the job worked. It is "
    "tried again."
)


def is_table_wanted(registry):
    """Return whether somebody has locked the table of the jobs, or waits for that."""
    # whoever uses a connection next finds out what has become of it
    with suppress(psycopg2.Error):
        try:
            with store.read_committed(registry) as cr:
                # as who stores a job, or makes one
                cr.execute("LOCK TABLE queue_job IN ROW EXCLUSIVE MODE")
        except LockNotAvailable:
            return True
    return False


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
    # they count as settled there
    waiting.look_later(job.env, *waiting.for_backfills_of(rows))


def log_decision(jobs, sentence):
    """Tell in the chatter of jobs what the user has decided about them.

    :param jobs: ``queue.job`` records
    :param sentence: a :class:`..wording.Sentence`
    """
    told = words.in_company_language(jobs, jobs.env.company)
    body = words.said(told.env, sentence)
    told._message_log_batch(dict.fromkeys(told.ids, body))


CLOSED = {DONE: words._lt("Set to done"), CANCELLED: words._lt("Cancelled")}


def settle(jobs, state, note):
    """Drop the changes of jobs that a person has closed, and say so.

    :param jobs: ``queue.job`` records, set to done or cancelled
    :param str state: to which of these
    :param str note: who closed them
    """
    log_decision(jobs, words.Sentence(CLOSED[state]))
    rows = store.changes_of(jobs.env(su=True), jobs.mapped("uuid"))
    now = fields.Datetime.now()
    settled = _write_bindings(rows, note=note, note_date=now, skipped=True)
    keys = {waiting.for_ahead(row.stream_id.id, row.res_id) for row in settled}
    keys |= waiting.for_backfills_of(settled)
    settled.unlink()
    # who waits for them need not any longer, or relied on one that was awake
    keys.update(map(waiting.for_system, jobs.sync_backend_id.ids))
    waiting.look_later(jobs.env, *keys)


def rearm(jobs):
    """Give requeued jobs something to deliver, and say who requeued them.

    :param jobs: ``queue.job`` records, put back to pending; those whose changes were
        settled get new ones
    """
    log_decision(jobs, words.Sentence(words._lt("Requeued")))
    rows = store.changes_of(jobs.env(su=True), jobs.mapped("uuid"))
    armed = set(rows.mapped("job_uuid"))
    streams = jobs.sync_stream_id.exists()
    bare = [
        (job, job.records)
        for job in jobs
        if job.sync_stream_id in streams and job.uuid not in armed
    ]
    names = {
        model: names_of(records.browse().union(*(each for _job, each in group)))
        for model, group in groupby(bare, lambda found: found[1]._name)
        for records in [group[0][1].sudo()]
    }
    rows |= rows.create(
        [
            {
                "stream_id": job.sync_stream_id.id,
                "res_id": record.id,
                "record_name": there.get(record.id, job.sync_record_name),
                "operation": "upsert" if record.id in there else "delete",
                "job_uuid": job.uuid,
            }
            for job, records in bare
            for there in [names[records._name]]
            for record in records
        ]
    )
    note = words.Sentence(words._lt("Requeued by %(user)s"), user=jobs.env.user.name)
    now = fields.Datetime.now()
    _write_bindings(rows, note=note, note_date=now, skipped=False)


def requeue_many(jobs, states=(FAILED,), bulk=None):
    """Put jobs of synchronizations back to pending; several are sent in bulk.

    They sleep, and are woken as their systems have room: the runner reads each of those
    that are awake before it starts one.

    :param states: of which ones
    :param bool bulk: whether they are some of several, if not by how many they are
    :return: those that are requeued
    """
    if bulk is None:
        bulk = len(jobs) > 1
    more = BULK if bulk else 0
    requeued = store.requeue_jobs(jobs.env, jobs, states, more, waiting.safety())
    rearm(requeued)
    keys = map(waiting.for_system, requeued.sync_backend_id.ids)
    waiting.look_later(jobs.env, *keys)
    return requeued


# -- what is stored with a job -------------------------------------------------


def told_values(job):
    """Return what is stored with a job of a synchronization, besides queue_job's own.

    :param job: the ``Job``. What it has met, and what it waits for, is as its last run,
        or who makes it, has left it: nothing, as soon as it is started again
    """
    sleep = getattr(job, "sync_sleep", None) or job.env.context.get("sync_sleep")
    due = getattr(job, "sync_due", None) or job.date_created
    if sleep:
        # by now, whatever the clock of a node says, and although the runner may have
        # started what had fallen asleep meanwhile
        due = min(due, job.env.cr.now())
    return {
        "sync_error": getattr(job, "sync_error", False),
        "sync_wait_key": sleep and sleep.key,
        "sync_wait_reason": sleep and sleep.reason,
        "sync_due": sleep and due,
    }


def reason_to_wait(job, for_all=False):
    """Return what a ``queue.job`` that sleeps waits for, in a sentence.

    :param bool for_all: for people who look after no jobs too: without a request
    """
    kind, *ids = (job.sync_wait_key or "").split(":")
    if kind == "system":
        # what was in its way when it fell asleep may be over
        hold = job.sudo().sync_backend_id._held_text(for_all)
        return words.said(job.env, hold or words._lt("Waits for its turn."))
    if kind == "stream":
        # it may have been mended, and held again for something else
        held = job.sudo().sync_stream_id._held_text(for_all)
        if held:
            return words.said(job.env, held)
    if kind == "ahead":
        stream_id, res_id = map(int, ids)
        owing = (
            job.env["sync.outbox"]
            .sudo()
            .search([("stream_id", "=", stream_id), ("res_id", "=", res_id)])
        )
        failed = [("uuid", "in", owing.mapped("job_uuid")), ("state", "=", "failed")]
        if job.sudo().search_count(failed, limit=1):
            return job.env._(
                "Waits for %s, which failed", owing[:1].record_name or res_id
            )
        if store.is_in_doubt(job.env.cr, stream_id, res_id):
            return job.env._(
                "Waits for %s, which has to be clarified first",
                owing[:1].record_name or res_id,
            )
    if for_all:
        system = job.sudo().sync_backend_id.name
        return words.told_to_all(job, "sync_wait_reason", system or "")
    return job.sync_wait_reason


def obstacle(job):
    """Return why a pending ``queue.job`` will not go although a person asks for it.

    :return: a sentence in his language; ``None`` if nothing is known to be in its way
    """
    job_as_root = job.sudo()
    stream, backend = job_as_root.sync_stream_id, job_as_root.sync_backend_id
    if stream or backend:
        found = gate.obstacle(stream) if stream else backend._held_text()
        if found:
            return words.said(job.env, found)
    kind, *ids = (job.sync_wait_key or "").split(":")
    if kind in ("ahead", "doubt", "backfill"):
        if not waiting.IS_OVER[kind](job.env(su=True), *map(int, ids)):
            return reason_to_wait(job)
    return None


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
        ids = set(stream_rows.mapped("res_id"))
        held = store.lock_bindings(stream, ids) or [
            # one that was sent meanwhile keeps nobody from the others
            each
            for one in ids
            for each in store.lock_bindings(stream, {one})
        ]
        # a job that has met the lock waits for its end
        waiting.let_go_later(rows.env, stream.id, ids)
        bindings.browse(each.id for each in held).write(values)
        locked = {each.res_id for each in held}
        free |= stream_rows.filtered(lambda row, ids=locked: row.res_id in ids)
    return free
