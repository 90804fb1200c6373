# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""What one transaction has changed, kept until just before it commits."""

from dataclasses import dataclass, field
from functools import partial

from odoo import api
from odoo.exceptions import MissingError

from ..text import storable_within

PENDING_KEY = "queue_job_sync.changes"


@dataclass
class Change:
    """What one transaction did to one record."""

    env: api.Environment  # of the last edit: its user owns the job
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
    _remember(records, field_names, names)
    remember_parents(records.exists() if names else records, field_names)


def remember_parents(lines, field_names=None, moving=False):
    """Note an edit of lines as one of the records that send them.

    :param lines: records of a model that inherits ``sync.mixin``
    :param field_names: names of the fields written; ``None`` counts as all of them
    :param bool moving: only if they are about to leave those records
    """
    for link, inverse, watched in lines.env["sync.stream"]._line_watchers(lines._name):
        touched = field_names is None or not watched.isdisjoint(field_names)
        if touched and not (moving and inverse not in field_names):
            parents = lines.sudo().mapped(inverse)
            _remember(parents.with_env(lines.env), {link})


def _remember(records, field_names, names=False):
    watchers = records.env["sync.stream"]._watchers(records._name)
    if field_names is not None:
        field_names = set(field_names)
        watchers = [fnames for _id, fnames in watchers if fnames & field_names]
    ids = [id_ for id_ in records._ids if isinstance(id_, int)]
    if not watchers or not ids:
        return
    env = records.env
    precommit = env.cr.precommit
    if PENDING_KEY not in precommit.data:
        precommit.data[PENDING_KEY] = {}
        precommit.add(partial(env["sync.outbox"].browse()._flush_changes))
    changes = precommit.data[PENDING_KEY].setdefault(records._name, {})
    for id_ in ids:
        change = changes.setdefault(id_, Change(env, set()))
        change.env = env
        if field_names is None:
            change.fields = None
        elif change.fields is not None:
            change.fields |= field_names
    if names:
        for id_, name in names_of(records.browse(ids).exists()).items():
            changes[id_].name = name


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
