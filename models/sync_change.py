# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""What one transaction has changed, kept until just before it commits."""

import logging
from dataclasses import dataclass, field
from functools import partial

from odoo.exceptions import MissingError
from odoo.tools import SQL

from ..text import storable_within
from .sync_guard import noted, undone

_logger = logging.getLogger(__name__)

PENDING_KEY = "queue_job_sync.changes"


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
        precommit.add(partial(env["sync.outbox"].browse()._flush_changes))
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
    with (
        noted(_logger, "What %s belong to is read by plain SQL", lines),
        undone(lines.env),
    ):
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
        return _names(records, name)
    except MissingError:
        return _names(records.exists(), name)


def _names(records, name):
    # one that is computed may hold anything, and must not make the edit fail
    return {record.id: storable_within(record[name]) for record in records}
