# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from itertools import accumulate

from odoo import api, models
from odoo.exceptions import ValidationError

from ..mapping.conversions import TO_MANY
from .sync_mapping import WITHOUT_FIELD

# Ends the name of a list of objects, as in lines[].sku.
LIST = "[]"


def list_of(parents):
    """Return which list of objects a value belongs to.

    :param parents: names of the objects around the value, outermost first
    :return: those up to the list; ``None`` where none is a list
    """
    for depth, name in enumerate(parents, 1):
        if name.endswith(LIST):
            return tuple(parents[:depth])
    return None


def fold_lists(payload, places):
    """Turn the values of ``lines[]`` into a list of objects called ``lines``.

    :param dict payload: it is changed. What is called ``lines[]`` in it holds, by name,
        one value for each object
    :param places: of the lists, as :func:`list_of` returns them
    :return: the payload
    """
    for *parents, name in places:
        node = payload
        for parent in parents:
            node = node[parent]
        node[name.removesuffix(LIST)] = _objects(node.pop(name))
    return payload


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


class SyncMapping(models.Model):
    """Lines of a record as a list of objects: order_line.name goes to lines[].name."""

    _inherit = "sync.mapping"

    @api.constrains("target", "field_path", "conversion", "several", "stream_id")
    def _check_lists(self):
        for stream in self.stream_id.filtered(
            lambda each: each.transport != "postgresql"
        ):
            links = {}
            for mapping in stream.mapping_ids:
                parts = mapping.target.split(".")
                lists = [part for part in parts if part.endswith(LIST)]
                if lists:
                    name, *_rest = mapping.target.partition(LIST)
                    link = mapping._link_to_lines(parts, lists)
                    if links.setdefault(name, link) != link:
                        raise ValidationError(
                            mapping.env._(
                                "%(name)s lists %(link)s: %(path)s does not go through "
                                "it.",
                                name=name + LIST,
                                link=links[name],
                                path=mapping._source_text(),
                            )
                        )
            targets = stream.mapping_ids.mapped("target")
            if stream.delete_policy == "mark" and stream.mark_key:
                targets.append(stream.mark_key)
            for target in targets:
                taken = links.keys() & set(
                    accumulate(target.split("."), "{}.{}".format)
                )
                if taken:
                    raise ValidationError(
                        stream.env._(
                            "%s is a list already, and cannot be a value.", min(taken)
                        )
                    )

    def _is_in_list(self):
        """Return whether this line fills one value of each object of a list."""
        self.ensure_one()
        stream = self.stream_id
        return bool(list_of(stream._place(self.target)[0]))

    def _link_to_lines(self, parts, lists):
        """Return the path to the lines that a list has an object for.

        :raises ValidationError: the path does not go through exactly one such link
        """
        self.ensure_one()
        chain = [] if self.conversion in WITHOUT_FIELD else self._resolve_path()
        many = [place for place, field in enumerate(chain) if field.type in TO_MANY]
        if len(lists) > 1 or lists[0] in (LIST, parts[-1]):
            raise ValidationError(
                self.env._("%r is not a name such as lines[].name.", self.target)
            )
        if len(many) != 1 or many[0] == len(chain) - 1:
            raise ValidationError(
                self.env._(
                    "%(target)s takes a field of lines, as order_line.name: "
                    "%(path)s does not go through one link to many records.",
                    target=self.target,
                    path=self._source_text(),
                )
            )
        if self.conversion == "json" or self.several != "list":
            raise ValidationError(
                self.env._(
                    "%s takes one value of each line: neither join them nor make JSON "
                    "text of them.",
                    self.target,
                )
            )
        return ".".join(field.name for field in chain[: many[0] + 1])
