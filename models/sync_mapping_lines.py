# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.exceptions import ValidationError

# Ends the name of a list of objects, as in lines[].sku.
LIST = "[]"
TO_MANY = ("one2many", "many2many")


def fold_lists(payload):
    """Turn the values of ``lines[]`` into a list of objects called ``lines``.

    :param payload: dict in which a key that ends with ``[]`` holds, by name, one value
        for each object; it is not changed
    :return: dict
    """
    folded = {}
    for key, node in payload.items():
        if isinstance(node, dict):
            if key.endswith(LIST):
                key, node = key.removesuffix(LIST), _objects(node)
            else:
                node = fold_lists(node)
        folded[key] = node
    return folded


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

    @api.constrains("target", "field_path", "stream_id")
    def _check_lists(self):
        for stream in self.stream_id.filtered(lambda each: each.transport == "rest"):
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
                                path=mapping.field_path,
                            )
                        )
            for mapping in stream.mapping_ids:
                parents = mapping.target.split(".")
                taken = {".".join(parents[:end]) for end in range(1, len(parents) + 1)}
                if taken & links.keys():
                    raise ValidationError(
                        mapping.env._(
                            "%s is a list already, and cannot be a value.",
                            min(taken & links.keys()),
                        )
                    )

    def _link_to_lines(self, parts, lists):
        """Return the path to the lines that a list has an object for.

        :raises ValidationError: the path does not go through exactly one such link
        """
        self.ensure_one()
        chain = self._resolve_path()
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
                    path=self.field_path,
                )
            )
        return ".".join(field.name for field in chain[: many[0] + 1])
