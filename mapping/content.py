# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""The content of a record: how it is built from the mapping, and how its names nest.

It is planned once for all records of a synchronization, see :func:`plan_of`. What each
line of the mapping sends is said by its conversion (``conversions.py``).
"""

from itertools import islice
from typing import NamedTuple

from odoo.exceptions import ValidationError
from odoo.tools.constants import PREFETCH_MAX

# Ends the name of a list of objects, as in lines[].sku.
LIST = "[]"
TO_MANY = {"one2many", "many2many"}


class Plan(NamedTuple):
    """How the content of a record is built.

    :param steps: for each value its place, as :func:`place_of` returns it, and the
        function of a record that gives it
    :param lists: places of the lists of objects, as :func:`list_of` returns them
    """

    steps: tuple
    lists: tuple

    def content_of(self, record):
        """Return the content of one record, as JSON can hold it."""
        payload = {}
        for parents, key, read in self.steps:
            node = payload
            for parent in parents:
                node = node.setdefault(parent, {})
            node[key] = read(record)
        for *parents, name in self.lists:
            node = payload
            for parent in parents:
                node = node[parent]
            # what is called lines[] holds, by name, one value for each object of lines
            node[name.removesuffix(LIST)] = _objects(node.pop(name))
        return payload


def plan_of(stream):
    """Return the :class:`Plan` of a synchronization.

    It outlives the transaction: nothing in it holds a record.
    """
    steps = tuple(
        (*place_of(stream, line.target), line._conversion().sender())
        for line in stream.mapping_ids
    )
    lists = (list_of(parents) for parents, _key, _read in steps)
    return Plan(steps, tuple(dict.fromkeys(filter(None, lists))))


# -- names that nest -------------------------------------------------------------------


def place_of(stream, target):
    """Return where a name of the destination is: objects around it, and its own."""
    if stream.transport == "postgresql":
        return (), target
    *parents, key = target.split(".")
    return tuple(parents), key


def with_mark(stream, payload, gone):
    """Return a copy of a content that says whether the record is gone."""
    parents, key = place_of(stream, stream.mark_key)
    payload = node = dict(payload)
    for parent in parents:
        node[parent] = dict(node.get(parent, {}))
        node = node[parent]
    node[key] = gone
    return payload


# -- lists of objects: order_line.name goes to lines[].name ----------------------------


def list_of(parents):
    """Return which list of objects a value belongs to.

    :param parents: names of the objects around the value, outermost first
    :return: those up to the list; ``None`` where none is a list
    """
    for depth, name in enumerate(parents, 1):
        if name.endswith(LIST):
            return tuple(parents[:depth])
    return None


def is_in_list(line):
    """Return whether a line fills one value of each object of a list."""
    parents, _key = place_of(line.stream_id, line.target)
    return bool(list_of(parents))


def _objects(columns):
    """Return objects from dict of lists, or of dicts of lists, of the same length."""
    columns = {
        name: _objects(column) if isinstance(column, dict) else column
        for name, column in columns.items()
    }
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]


# -- paths in Odoo ---------------------------------------------------------------------


def path_of(line):
    """Return the fields that the path of a line goes through, first to last.

    :raises ValidationError: the path is not one of its model
    """
    env, path, chain = line.env, line.field_path, []
    model = env.get(line.model_name)
    if not path:
        raise ValidationError(env._("Choose the field that fills %s.", line.target))
    for name in path.split("."):
        field = model._fields.get(name) if model is not None else None
        if field is None:
            after = env._("after %s", chain[-1].name) if chain else env._("on it")
            raise ValidationError(
                env._(
                    "%(path)s is not a field of %(model)s: there is no %(name)s "
                    "%(place)s.",
                    path=path,
                    model=line.stream_id.model_id.name,
                    name=name or "''",
                    place=after,
                )
            )
        if field.type in ("properties", "properties_definition"):
            raise ValidationError(
                env._("%s has no plain value that could be sent.", path)
            )
        chain.append(field)
        model = env[field.comodel_name] if field.relational else None
    return chain


def leaf_of(line):
    """Return the last field of a line's path, or the id of the many it links to."""
    last = path_of(line)[-1]
    if last.type in TO_MANY:
        return line.env[last.comodel_name]._fields["id"]
    return last


def goes_to_many(chain):
    """:return: whether a path, given as its fields, arrives at a list"""
    return any(field.type in TO_MANY for field in chain)


# -- ids of linked records -------------------------------------------------------------


def ids_there(records, named_here):
    """Return what a system calls records, by their ids in Odoo.

    They are read once for all that are linked to from the same chunk, and kept until
    the transaction ends: contents are built before anything is delivered.

    :param named_here: for each stream that sends such records there, by its id,
        whether they go by their ids in Odoo; what the first one knows counts
    :return: dict, ``None`` for those that it holds none of
    """
    kept = records.env.cr.precommit.data.setdefault("queue_job_sync.ids_there", {})
    known = kept.setdefault(tuple(named_here), {})
    missing = [id_ for id_ in records._ids if id_ not in known]
    if missing and named_here:
        around = islice(records._prefetch_ids, PREFETCH_MAX)
        ids = {id_ for id_ in (*missing, *around) if id_ not in known}
        known |= dict.fromkeys(ids)
        bindings = records.env["sync.binding"].sudo()
        bindings = bindings.search_fetch(
            [("stream_id", "in", list(named_here)), ("res_id", "in", list(ids))],
            ["stream_id", "res_id", "external_id", "content_hash"],
        )
        for stream_id, by_id in named_here.items():
            for binding in bindings:
                if binding.stream_id.id == stream_id and not known[binding.res_id]:
                    here = by_id and binding.content_hash and str(binding.res_id)
                    known[binding.res_id] = binding.external_id or here or None
    return known
