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

from ..transports import names
from ..transports.names import EACH

TO_MANY = {"one2many", "many2many"}
# What is left out has no place in the content.
ABSENT = object()


class Plan(NamedTuple):
    """How the content of a record is built.

    :param reads: functions of a record, one for each line of the mapping
    :param whole: the node that puts together what they give
    """

    reads: tuple
    whole: "_Object"

    def content_of(self, record):
        """Return the content of one record, as JSON can hold it."""
        content = self.whole.build([read(record) for read in self.reads])
        return {} if content is ABSENT else content


def plan_of(stream):
    """Return the :class:`Plan` of a synchronization.

    It outlives the transaction: nothing in it holds a record.
    """
    reads, tree = [], {}
    for number, line in enumerate(stream.mapping_ids):
        conversion, node = line._conversion(), tree
        *around, last = place_of(stream, line.target)
        for step in around:
            node = node.setdefault(step, {})
        node[last] = _Value(number, conversion.leaves_out(), conversion.is_constant)
        reads.append(conversion.sender())
    return Plan(tuple(reads), _node(tree, _Object))


# -- names that nest -------------------------------------------------------------------


def place_of(stream, target):
    """Return where a name of the destination is, as :func:`names.steps_of` does.

    A table has columns, in which nothing nests.
    """
    found = None if stream.transport == "postgresql" else names.steps_of(target)
    return found or (target,)


def is_name_of_mark(stream):
    """Return whether the mark of a synchronization has a name, outside of lists."""
    if stream.transport == "postgresql":
        return True
    steps = names.steps_of(stream.mark_key)
    return bool(steps) and all(isinstance(step, str) for step in steps)


def with_mark(stream, payload, gone):
    """Return a copy of a content that says whether the record is gone."""
    *parents, key = place_of(stream, stream.mark_key)
    payload = node = dict(payload)
    for parent in parents:
        node[parent] = dict(node.get(parent, {}))
        node = node[parent]
    node[key] = gone
    return payload


def is_in_list(line):
    """Return whether a line fills one value of each object of a list.

    As ``order_line.name`` does that goes to ``lines[].name``.
    """
    return EACH in place_of(line.stream_id, line.target)


# -- what is put together of the values of the lines -----------------------------------

# Each node has ``build``, which returns what it makes of the values, by the numbers of
# their lines; ``values``, those that it is made of; ``is_constant``, whether that is
# the same for every record; and ``says_nothing``, whether what it has built, which is
# something, tells nothing of the record.


class _Value(NamedTuple):
    """What is at the end of a name."""

    number: int
    leaves_out: bool
    is_constant: bool

    @property
    def values(self):
        return [self]

    def build(self, values):
        value = values[self.number]
        return ABSENT if self.leaves_out and is_empty(value) else value

    def says_nothing(self, built):
        return False


class _Node:
    """What other nodes are in, by the steps that lead to them."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.values = [value for node in nodes.values() for value in node.values]
        self.is_constant = all(node.is_constant for node in nodes.values())

    def says_nothing(self, built):
        return False


class _Object(_Node):
    def __init__(self, nodes):
        super().__init__(nodes)
        self._constants = {name for name, node in nodes.items() if node.is_constant}

    def build(self, values):
        content = {}
        for name, node in self.nodes.items():
            value = node.build(values)
            if value is not ABSENT:
                content[name] = value
        # whatever would be in it is left out
        return content or ABSENT

    def says_nothing(self, built):
        return not self.is_constant and built.keys() <= self._constants


class _Entries(_Node):
    """A list of which each entry is mapped on its own."""

    def __init__(self, nodes):
        super().__init__(dict(sorted(nodes.items())))

    def build(self, values):
        entries = []
        for node in self.nodes.values():
            entry = node.build(values)
            # without a value, what kind of address it would be is no entry
            if entry is not ABSENT and not node.says_nothing(entry):
                entries.append(entry)
        return entries or ABSENT


class _Lines(_Node):
    """A list with an object for each line, as those of an order."""

    def __init__(self, nodes):
        super().__init__(nodes)
        self._object = nodes[EACH]
        self._numbers = [value.number for value in self.values]
        self._leaves_out = all(value.leaves_out for value in self.values)

    def build(self, values):
        # each is a list, with one for each line
        rows = zip(*(values[number] for number in self._numbers), strict=True)
        built = (
            self._object.build(dict(zip(self._numbers, row, strict=True)))
            for row in rows
        )
        entries = [each for each in built if each is not ABSENT]
        return ABSENT if self._leaves_out and not entries else entries


_KINDS = {str: _Object, int: _Entries, type(EACH): _Lines}


def _node(tree, kind=None):
    """Return the node of a tree: of dicts, by steps, with :class:`_Value` in them."""
    if isinstance(tree, _Value):
        return tree
    kind = kind or _KINDS[type(next(iter(tree)))]
    return kind({step: _node(each) for step, each in tree.items()})


def is_empty(value):
    """:return: whether the value is nothing; zero and false are something"""
    return value is None or value == "" or value == []


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
