# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""From an edit to undelivered changes: what one transaction has done to which records.

Edits are noted in memory. Just before the commit, each synchronization that watches
them has its rows of ``sync.outbox``, and jobs. The ordinary way is one savepoint. Where
anything raises on it, it is gone again step by step: what a step cannot tell is taken
to be so, the rows are inserted, and they say why. Only what Odoo retries, and rows that
cannot be inserted, reach the editor.
"""

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import psycopg2

from odoo.exceptions import ConcurrencyError, UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, groupby

from . import jobs, store

_logger = logging.getLogger(__name__)

PENDING_KEY = "queue_job_sync.changes"
RETRIED = (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, ConcurrencyError)
# Marks an exception that is none of ours.
THEIRS = "queue_job_sync_theirs"
# Characters of a reason that are kept: it is one line on a screen.
REASON_LENGTH = 300
# Changes without a job that are queued in one go before the cron commits.
SWEEP_BATCH = 500


# -- what raises on the way is noted ------------------------------------------


@dataclass
class Trouble:
    """Whether something has raised, and what."""

    reason: str | None = None  # in a line, for people

    def __bool__(self):
        return self.reason is not None


@contextmanager
def noted(logger, message, *args, level=logging.ERROR):
    """Log what raises inside, and go on.

    What was done inside stays done, and a transaction that a statement has broken
    stays broken: see :func:`undone`.

    :param logger: of the module that it is for
    :param message: for the log, with its ``args``
    :param level: of the log, lower where another will tell it too
    :return: a :class:`Trouble`, empty as long as nothing has raised
    """
    trouble = Trouble()
    try:
        yield trouble
    except RETRIED:
        raise
    except Exception as error:
        if getattr(error, THEIRS, False):
            raise
        trouble.reason = reason_of(error)
        # The server is in trouble, and so is every edit: no traceback would tell more.
        strained = isinstance(error, psycopg2.OperationalError)
        logger.log(
            logging.WARNING if strained else level,
            f"{message}: %s",
            *args,
            trouble.reason,
            exc_info=not strained,
        )


@contextmanager
def undone(env, forget=False):
    """Undo what is done inside if it raises, and nothing else of the transaction.

    Two statements where nothing raises. What others have in memory is written before:
    written inside, it would be undone as well, and taken for written. What that raises
    is theirs to hear, whoever else listens.

    :param bool forget: what the ORM has in memory then, for what writes inside
    """
    try:
        env.flush_all()
    except Exception as error:
        setattr(error, THEIRS, True)
        raise
    try:
        with env.cr.savepoint(flush=False):
            yield
    except Exception:
        if forget:
            env.transaction.clear()
        raise


@contextmanager
def tried(env, message, *args, forget=False, **options):
    """Do what is inside, or nothing of it: :func:`noted`, and :func:`undone`."""
    with noted(_logger, message, *args, **options) as trouble, undone(env, forget):
        yield trouble


def reason_of(error):
    """Return what an exception says, in a line for people."""
    text = str(error)
    if not isinstance(error, UserError):
        text = f"{type(error).__name__}: {text}"
    return storable(" ".join(text.split())[:REASON_LENGTH])


def storable(text):
    """Return a text without what PostgreSQL cannot hold: NUL, half a surrogate."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


# -- what is watched ----------------------------------------------------------


def closure(model, paths):
    """Return what paths lead to, with all that this is computed from.

    A field that is gone leads nowhere: nobody can edit it. That the synchronization
    does not work without it is told by ``problem``.

    :param model: where they begin; it need not inherit ``sync.mixin``
    :param paths: paths of fields
    :return: set of names of the model's fields; dict of the paths that go on from a
        link to lines, by its name
    """
    own, behind, to_visit = set(), {}, set(paths)
    while to_visit:
        name, _dot, rest = to_visit.pop().partition(".")
        field = model._fields.get(name)
        if field is None:
            continue
        if rest and field.type == "one2many":
            behind.setdefault(name, set()).add(rest)
        if name not in own:
            own.add(name)
            to_visit.update(model.pool.field_depends.get(field, ()))
    return own, behind


# -- the edit -----------------------------------------------------------------


@dataclass
class Change:
    """What one transaction did to one record.

    Plain values: others may copy what waits for a commit, as Odoo's test case does.
    """

    uid: int  # the user of the last edit: the job is his
    context: dict  # what a job keeps of the context of that edit
    fields: set | None  # None: created or deleted, everything counts
    name: str | None = None  # of a deleted record
    known: set = field(default_factory=set)  # ids of the streams that have sent it


def remember_changes(records, field_names=None, names=False):
    """Note an edit of ``sync.mixin`` records until just before the commit.

    Nothing is read or written here when no stream watches the fields.

    :param field_names: those written; ``None`` counts as all of them
    :param bool names: keep the records' names, because they are about to go
    """
    if _is_watched(records, field_names):
        note(records, field_names)
    if names:
        with noted(_logger, "The names of %s are not known", records):
            _keep_names(records)
    remember_parents(records.exists() if names else records, field_names)


def remember_parents(lines, field_names=None, moving=False):
    """Note an edit of lines as one of the records that send them.

    :param field_names: as for :func:`remember_changes`
    :param bool moving: only if they are about to leave those records
    """
    links = ()
    with noted(_logger, "%s are lines of whatever has such", lines) as trouble:
        links = lines.env["sync.stream"]._line_watchers(lines._name)
    if trouble:
        links = _links_to(lines)
    for link, inverse, watched in links:
        touched = field_names is None or not watched.isdisjoint(field_names)
        if touched and not (moving and inverse not in field_names):
            parents = _parents(lines, inverse)
            if _is_watched(parents, {link}):
                note(parents, {link})


def remember_deleted_with(records):
    """Note the records that the database deletes with these.

    It does so without a word to the ORM: their own ``unlink`` is not called.
    """
    links = ()
    streams = records.env["sync.stream"]
    with noted(_logger, "All that goes with %s is noted", records) as trouble:
        links = streams._deleted_with(records._name)
    if trouble:
        links = streams._cascading_links(records._name, streams._syncable_models())
    for model_name, link in links:
        lines = linked_to(records, model_name, link)
        if lines:
            remember_changes(lines, names=True)
            remember_deleted_with(lines)


def note(records, field_names):
    """Keep an edit in memory until the commit, see :func:`remember_changes`."""
    ids = list(filter(None, records._ids))  # not of what is only in a form
    if not ids:
        return
    env = records.env
    context = {}
    with noted(_logger, "The job of %s has an empty context", records):
        context = records._job_prepare_context_before_enqueue()
    precommit = env.cr.precommit
    if PENDING_KEY not in precommit.data:
        precommit.data[PENDING_KEY] = {}
        precommit.add(partial(flush_changes, env))
    changes = precommit.data[PENDING_KEY].setdefault(records._name, {})
    for id_ in ids:
        change = changes.setdefault(id_, Change(env.uid, context, set()))
        change.uid, change.context = env.uid, context
        if field_names is None:
            change.fields = None
        elif change.fields is not None:
            change.fields |= set(field_names)


def _is_watched(records, field_names):
    with noted(_logger, "An edit of %s is noted, watched or not", records):
        return any(
            field_names is None or not watched.isdisjoint(field_names)
            for _id, watched in records.env["sync.stream"]._watchers(records._name)
        )
    return True


def _keep_names(records):
    pending = records.env.cr.precommit.data.get(PENDING_KEY, {})
    changes = pending.get(records._name, {})
    records = records.browse(id_ for id_ in records._ids if id_ in changes)
    if records:
        with undone(records.env):
            names = jobs.names_of(records.exists())
        for id_, name in names.items():
            changes[id_].name = name


def _links_to(lines):
    """Return what ``sync.stream._line_watchers`` does, for whatever has such lines."""
    registry, every = lines.env.registry, frozenset(lines._fields)
    return [
        (back.name, link.name, every)
        for link in lines._fields.values()
        if link.type == "many2one"
        and issubclass(registry[link.comodel_name], registry["sync.mixin"])
        for back in lines.env[link.comodel_name]._fields.values()
        if back.type == "one2many"
        and (back.comodel_name, back.inverse_name) == (lines._name, link.name)
    ]


def _parents(lines, link):
    # without a savepoint: it would write what others have in memory at each edit
    with noted(_logger, "What %s belong to is read by plain SQL", lines):
        return lines.sudo().mapped(link).with_env(lines.env)
    field_ = lines._fields[link]
    parents = lines.env[field_.comodel_name]
    if not field_.store or not lines.ids:
        return parents
    lines.flush_model([link])
    ids = store.ask_column(
        lines.env.cr,
        "SELECT DISTINCT %(link)s FROM %(table)s"
        " WHERE id IN %(ids)s AND %(link)s IS NOT NULL",
        link=SQL.identifier(link),
        table=SQL.identifier(lines._table),
        ids=tuple(lines.ids),
    )
    return parents.browse(ids)


def linked_to(records, model_name, link):
    """Return the records of a model that link to these, without these themselves."""
    env, ids = records.env, tuple(records.ids) or (0,)
    apart = ids if model_name == records._name else (0,)
    with tried(env, "What links to %s is read by plain SQL", records):
        lines = env[model_name].sudo().with_context(active_test=False)
        lines = lines.search([(link, "in", ids), ("id", "not in", apart)])
        return lines.with_env(env)
    found = store.ask_column(
        env.cr,
        "SELECT id FROM %s WHERE %s IN %s AND id NOT IN %s",
        SQL.identifier(env[model_name]._table),
        SQL.identifier(link),
        ids,
        apart,
    )
    return env[model_name].browse(found)


# -- the commit ---------------------------------------------------------------


def flush_changes(env):
    """Turn the noted edits into outbox rows and jobs, just before the commit."""
    env = env(su=True)
    pending = env.cr.precommit.data.pop(PENDING_KEY, {})
    for model_name, changes in pending.items():
        for stream, touched in _concerned(env, model_name, changes):
            with tried(
                env,
                "Edits of %s are recorded step by step, in synchronization %s",
                model_name,
                stream.id,
                level=logging.WARNING,
                forget=True,
            ) as trouble:
                _capture(stream, model_name, touched)
            if trouble:
                _capture_in_doubt(stream, model_name, touched, trouble.reason)


def noted_ids(records, known):
    """Return which records the current transaction has yet to queue.

    Who saves a form reads the record back before the commit that queues its job.

    :param known: ids of the records that the destination of a stream holds, or soon
        may, by stream: neither here nor at the commit is that asked again
    :return: dict ``{stream: ids}``, the streams as superuser
    """
    env = records.env
    changes = env.cr.precommit.data.get(PENDING_KEY, {}).get(records._name, {})
    changes = {id_: changes[id_] for id_ in records._ids if id_ in changes}
    for stream, ids in known.items():
        for id_ in ids & changes.keys():
            changes[id_].known.add(stream.id)
    return {
        stream: _noted_ids_of(stream, records._name, touched)
        for stream, touched in _concerned(env, records._name, changes)
    }


def _noted_ids_of(stream, model_name, changes):
    if not all(stream.id in change.known for change in changes.values()):
        with tried(stream.env, "Edits of %s are shown as waiting", model_name):
            return _ids_to_send(stream, model_name, changes)
    return list(changes)


def _concerned(env, model_name, changes):
    """Yield each stream that watches what changes touch, as superuser, with those."""
    streams = env["sync.stream"].sudo()
    for stream_id, watched in streams._watchers_for_sure(model_name):
        touched = {
            id_: change
            for id_, change in changes.items()
            if change.fields is None or change.fields & watched
        }
        if touched:
            yield streams.browse(stream_id), touched


def _ids_to_send(stream, model_name, changes):
    """Return the records that a stream sends, or has sent before.

    What it has sent before is asked first: that spares most edits the filter.
    """
    known = {id_ for id_, change in changes.items() if stream.id in change.known}
    edited = {id_ for id_, change in changes.items() if change.fields is not None}
    known |= store.known_ids(stream, edited - known)
    others = [id_ for id_ in changes if id_ not in known]
    if others:
        records = stream.env[model_name].browse(others).exists()
        matching = set(stream._matching(records)._ids)
        known |= matching | store.known_ids(stream, {*others} - edited - matching)
    return [id_ for id_ in changes if id_ in known]


def _capture(stream, model_name, changes):
    """Record the changes that matter to one stream."""
    ids = _ids_to_send(stream, model_name, changes)
    gone = _gone(stream, model_name, ids, changes)
    for records in _by_user(stream, model_name, ids, changes):
        queue(stream, records, gone=gone)


def _capture_in_doubt(stream, model_name, changes, reason):
    """Record changes that may matter to one stream, as far as it can be told."""
    ids, gone = list(changes), {}
    env = stream.env
    with tried(env, "Whether %s %s are sent is not known", model_name, ids):
        ids = _ids_to_send(stream, model_name, changes)
    with tried(env, "Whether %s %s exist is not known", model_name, ids):
        gone = _gone(stream, model_name, ids, changes)
    for records in _by_user(stream, model_name, ids, changes):
        queue_in_doubt(stream, records, reason, gone=gone)


def _gone(stream, model_name, ids, changes):
    """Return the names of those that have been deleted, by id."""
    doubtful = [id_ for id_ in ids if changes[id_].fields is None]
    present = stream.env[model_name].browse(doubtful).exists()
    absent = {*doubtful}.difference(present._ids)
    return {id_: changes[id_].name for id_ in ids if id_ in absent}


def _by_user(stream, model_name, ids, changes):
    """Yield what each user has changed, as records in an environment of his.

    Its context is that of his last edit: no content depends on it.
    """
    for uid, mine in groupby(ids, lambda id_: changes[id_].uid):
        env = stream.env(user=uid, su=False, context=changes[mine[-1]].context)
        yield env[model_name].browse(mine)


# -- changes and their jobs ---------------------------------------------------


def enqueue(stream, records, **options):
    """Do as :func:`queue`; where that raises, leave the rows for the sweep, and why."""
    left = (stream.env, jobs.LEFT, records, stream.id)
    with tried(*left, level=logging.WARNING, forget=True) as trouble:
        queue(stream, records, **options)
    if trouble:
        queue_in_doubt(stream, records, trouble.reason, **options)


def queue(stream, records, gone=None, force=False, backfill=None, **options):
    """Insert outbox rows for records, and the jobs that will deliver them.

    One job for each batch of records; one statement for all rows.

    :param stream: the ``sync.stream``, as superuser
    :param records: recordset in the environment of the user who owns the jobs
    :param dict gone: names of deleted records, by id, of others as well
    :param bool force: asked for by a person: now, and even if unchanged
    :param backfill: the ``sync.backfill`` that asks, at a time to send
    :param options: ``priority``, ``eta`` and ``bulk``, see :func:`jobs.delay_batches`
    """
    if records:
        names, gone = _names(records, gone or {})
        at_once = bool(force or backfill)
        batches = jobs.delay_batches(stream, records, names, at_once=at_once, **options)
        _insert_changes(stream, batches, names, gone, force, backfill)


def queue_in_doubt(
    stream, records, reason, gone=None, force=False, backfill=None, **options
):
    """Do as :func:`queue` as far as it goes; only the rows are indispensable.

    Without a job they are queued by the sweep, once that works.

    :param str reason: what has raised
    """
    if not records:
        return
    names = gone = dict(gone or {})
    batches = [(records, None)]
    with tried(stream.env, "Names of %s are not known", records):
        names, gone = _names(records, gone)
    with tried(stream.env, jobs.LEFT, records, stream.id, forget=True):
        at_once = bool(force or backfill)
        batches = jobs.delay_batches(stream, records, names, at_once=at_once, **options)
    _insert_changes(stream, batches, names, gone, force, backfill, reason)


def _names(records, gone):
    """Return the names of records by id, and those of the deleted ones alone."""
    names = jobs.names_of(records - records.browse(gone))
    # deleted by plain SQL, say
    unnamed = {*records._ids} - names.keys() - gone.keys()
    gone = {**gone, **dict.fromkeys(unnamed)}
    return {**names, **gone}, gone


def _insert_changes(stream, batches, names, gone, force, backfill, problem=None):
    """Insert outbox rows for records, in batches with the UUID of their job.

    Their names may be unknown; the deleted ones are ``gone``.
    """
    rows = [
        (
            id_,
            storable(names.get(id_) or "") or None,
            "delete" if id_ in gone else "upsert",
            force,
            uuid,
            problem,
        )
        for batch, uuid in batches
        for id_ in batch._ids
    ]
    store.insert_changes(stream, batches[0][0].env.uid, rows, backfill)


# -- changes that have no job, or no longer one --------------------------------


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
        for (stream, user, backfill), changes in rows.grouped(
            lambda row: (row.stream_id, row.create_uid, row.backfill_id)
        ).items():
            left = (env, jobs.LEFT, changes, stream.id)
            with tried(*left, level=logging.WARNING, forget=True) as trouble:
                _queue_again(stream, user.exists() or env.user, backfill, changes)
            # why they still have no job, if so
            why = trouble.reason or False
            changes.filtered(lambda row, why=why: row.problem != why).problem = why
        time_left = env["ir.cron"]._commit_progress(len(rows))
        if not time_left or len(found) < SWEEP_BATCH:
            return time_left


def _queue_again(stream, user, backfill, changes):
    """Queue changes; those of no backfill, however many, may be somebody's edits."""
    names = {row.res_id: row.record_name for row in changes}
    records = changes.env[stream.model_name].with_user(user).browse(names)
    options = {"priority": backfill.priority, "bulk": bool(backfill)}
    for batch, uuid in jobs.delay_batches(stream, records, names, **options):
        ids = set(batch._ids)
        changes.filtered(lambda row, ids=ids: row.res_id in ids).job_uuid = uuid
