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
from dataclasses import dataclass, field
from functools import partial

from odoo.tools import SQL

from . import jobs, store
from .guard import noted, undone
from .jobs import names_of

_logger = logging.getLogger(__name__)

PENDING_KEY = "queue_job_sync.changes"


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
    """Note an edit until just before its transaction commits.

    Nothing is read or written here when no stream watches the fields.

    :param records: records of a model that inherits ``sync.mixin``
    :param field_names: names of the fields written; ``None`` counts as all of them
    :param bool names: keep the records' names, because they are about to go
    """
    with noted(_logger, "An edit of %s is noted, watched or not", records) as trouble:
        if _is_watched(records, field_names):
            note(records, field_names)
    if trouble:
        note(records, field_names)
    if names:
        with noted(_logger, "The names of %s are not known", records):
            _keep_names(records)
    remember_parents(records.exists() if names else records, field_names)


def remember_parents(lines, field_names=None, moving=False):
    """Note an edit of lines as one of the records that send them.

    :param lines: records of a model that inherits ``sync.mixin``
    :param field_names: names of the fields written; ``None`` counts as all of them
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
            with noted(_logger, "The edit of %s is noted", parents) as trouble:
                if _is_watched(parents, {link}):
                    note(parents, {link})
            if trouble:
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
    ids = _real_ids(records)
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


def _real_ids(records):
    return [id_ for id_ in records._ids if isinstance(id_, int)]


def _is_watched(records, field_names):
    """Return whether a stream has to hear of an edit of these fields."""
    watchers = records.env["sync.stream"]._watchers(records._name)
    if field_names is None:
        return bool(watchers)
    return any(not watched.isdisjoint(field_names) for _id, watched in watchers)


def _keep_names(records):
    """Keep the names of noted records, which are about to go."""
    pending = records.env.cr.precommit.data.get(PENDING_KEY, {})
    changes = pending.get(records._name, {})
    records = records.browse(id_ for id_ in _real_ids(records) if id_ in changes)
    if records:
        with undone(records.env):
            names = names_of(records.exists())
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
    """Return the records that lines belong to."""
    # without a savepoint: it would write what others have in memory at each edit
    with noted(_logger, "What %s belong to is read by plain SQL", lines):
        return lines.sudo().mapped(link).with_env(lines.env)
    field_ = lines._fields[link]
    parents = lines.env[field_.comodel_name]
    if not field_.store or not lines.ids:
        return parents
    lines.flush_model([link])
    rows = lines.env.execute_query(
        SQL(
            "SELECT DISTINCT %(link)s FROM %(table)s"
            " WHERE id IN %(ids)s AND %(link)s IS NOT NULL",
            link=SQL.identifier(link),
            table=SQL.identifier(lines._table),
            ids=tuple(lines.ids),
        )
    )
    return parents.browse(id_ for (id_,) in rows)


def linked_to(records, model_name, link):
    """Return the records of a model that link to these, without these themselves."""
    env, ids = records.env, tuple(records.ids) or (0,)
    apart = ids if model_name == records._name else (0,)
    with (
        noted(_logger, "What links to %s is read by plain SQL", records),
        undone(env),
    ):
        lines = env[model_name].sudo().with_context(active_test=False)
        lines = lines.search([(link, "in", ids), ("id", "not in", apart)])
        return lines.with_env(env)
    lines = env[model_name]
    rows = env.execute_query(
        SQL(
            "SELECT id FROM %s WHERE %s IN %s AND id NOT IN %s",
            SQL.identifier(lines._table),
            SQL.identifier(link),
            ids,
            apart,
        )
    )
    return lines.browse(id_ for (id_,) in rows)


# -- the commit ---------------------------------------------------------------


def flush_changes(env):
    """Turn the noted edits into outbox rows and jobs, just before the commit."""
    env = env(su=True)
    pending = env.cr.precommit.data.pop(PENDING_KEY, {})
    for model_name, changes in pending.items():
        for stream, touched in _concerned(env, model_name, changes):
            with (
                noted(
                    _logger,
                    "Edits of %s are recorded step by step, in synchronization %s",
                    model_name,
                    stream.id,
                    level=logging.WARNING,
                ) as trouble,
                undone(env, forget=True),
            ):
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
    if not changes:
        return {}
    return {
        stream: _noted_ids_of(stream, records._name, touched)
        for stream, touched in _concerned(env, records._name, changes)
    }


def _noted_ids_of(stream, model_name, changes):
    """Return the ids of changes that a stream is to send, or may be."""
    if all(stream.id in change.known for change in changes.values()):
        return list(changes)
    with (
        noted(_logger, "Edits of %s are shown as waiting", model_name),
        undone(stream.env),
    ):
        return _ids_to_send(stream, model_name, changes)
    return list(changes)


def _concerned(env, model_name, changes):
    """Yield each stream that watches what changes touch, with those.

    :param changes: :class:`Change` by id
    """
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

    :param changes: :class:`Change` by id
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
    """Record the changes that matter to one stream.

    :param stream: the ``sync.stream``, as superuser
    :param changes: :class:`Change` by id
    """
    ids = _ids_to_send(stream, model_name, changes)
    gone = _gone(stream, model_name, ids, changes)
    for records in _by_user(stream, model_name, ids, changes):
        jobs.queue(stream, records, gone=gone)


def _capture_in_doubt(stream, model_name, changes, reason):
    """Record changes that may matter to one stream, as far as it can be told.

    :param str reason: what has raised
    """
    ids, gone = list(changes), {}
    with (
        noted(_logger, "Whether %s %s are sent is not known", model_name, ids),
        undone(stream.env),
    ):
        ids = _ids_to_send(stream, model_name, changes)
    with (
        noted(_logger, "Whether %s %s exist is not known", model_name, ids),
        undone(stream.env),
    ):
        gone = _gone(stream, model_name, ids, changes)
    for records in _by_user(stream, model_name, ids, changes):
        jobs.queue_in_doubt(stream, records, reason, gone=gone)


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
    by_user = {}
    for id_ in ids:
        by_user.setdefault(changes[id_].uid, []).append(id_)
    for uid, mine in by_user.items():
        env = stream.env(user=uid, su=False, context=changes[mine[-1]].context)
        yield env[model_name].browse(mine)
