# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import itertools

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..mapping.conversions import goes_to_many

# Conversions that no field is read for.
WITHOUT_FIELD = ("constant", "method")
# Field types that have no plain value to send.
UNSUPPORTED_TYPES = {"properties", "properties_definition"}
FIELD_TYPES = [
    ("char", "Text"),
    ("text", "Long text"),
    ("html", "HTML"),
    ("integer", "Whole number"),
    ("float", "Number"),
    ("monetary", "Amount"),
    ("boolean", "Yes or no"),
    ("date", "Date"),
    ("datetime", "Date and time"),
    ("selection", "Choice"),
    ("many2one", "Link (id)"),
    ("many2one_reference", "Link (id)"),
    ("reference", "Link (model,id)"),
    ("one2many", "Links (ids)"),
    ("many2many", "Links (ids)"),
    ("binary", "File (base64)"),
    ("json", "JSON"),
]


class SyncMapping(models.Model):
    """One value of a record, and the name it has at the destination."""

    _name = "sync.mapping"
    _description = "Synchronized Field"
    _order = "sequence, id"
    _rec_name = "target"

    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        required=True,
        index=True,
        ondelete="cascade",
        help="What the line belongs to.",
    )
    model_name = fields.Char(related="stream_id.model_name")
    sequence = fields.Integer(
        default=10,
        help="The order of the lines; it makes no difference to what is sent.",
    )
    field_path = fields.Char(
        "Odoo Field",
        help="The field to send. It may follow links, as in country_id.code; over a "
        "link to many records, as in category_id.name, it becomes a list.",
    )
    target = fields.Char(
        "Name at the Destination",
        required=True,
        help="Key in the JSON body (dots nest, as in address.city), or the column.",
    )

    field_type = fields.Selection(
        FIELD_TYPES,
        "Type",
        compute="_compute_field_type",
        compute_sudo=True,
        help="What kind of value the field holds.",
    )
    is_list = fields.Boolean(
        "Several",
        compute="_compute_field_type",
        compute_sudo=True,
        help="The path follows a link to many records, so there may be several values.",
    )

    _target_uniq = models.UniqueIndex(
        "(stream_id, target)",
        "Each name at the destination can be filled only once.",
    )

    @api.depends("field_path", "conversion", "model_name")
    def _compute_field_type(self):
        for mapping in self:
            chain = []
            if mapping.conversion not in WITHOUT_FIELD and mapping.model_name:
                try:
                    chain = mapping._resolve_path()
                except ValidationError:
                    chain = []  # it is told when the line is saved
            mapping.field_type = chain[-1].type if chain else False
            mapping.is_list = goes_to_many(chain)

    @api.constrains("field_path", "conversion", "stream_id")
    def _check_field_path(self):
        for mapping in self:
            if mapping.conversion not in WITHOUT_FIELD:
                mapping._resolve_path()

    @api.constrains("target", "stream_id")
    def _check_target(self):
        for mapping in self:
            stream = mapping.stream_id
            parts = mapping.target.split(".")
            if not all(part.strip() == part and part for part in parts):
                raise ValidationError(
                    mapping.env._("%r is not a name.", mapping.target)
                )
            reserved = set()
            if stream.backend_id.transport == "postgresql":
                reserved.add(stream.key_column)
            if stream.delete_policy == "mark":
                reserved.add(stream.mark_key)
            if mapping.target in reserved:
                raise ValidationError(
                    mapping.env._(
                        "%s is filled by the synchronization itself; "
                        "map the field to another name.",
                        mapping.target,
                    )
                )

    @api.constrains("target", "stream_id")
    def _check_nesting(self):
        """A key of a JSON object holds a value or further keys, never both."""
        for stream in self.stream_id.filtered(lambda each: each.transport == "rest"):
            keys = set(stream.mapping_ids.mapped("target"))
            if stream.delete_policy == "mark" and stream.mark_key:
                keys.add(stream.mark_key)
            for target in sorted(keys):
                parents = itertools.accumulate(target.split("."), "{}.{}".format)
                taken = keys.intersection(parents) - {target}
                if taken:
                    raise ValidationError(
                        stream.env._(
                            "%(key)s cannot be a value, "
                            "because %(target)s nests in it.",
                            key=min(taken),
                            target=target,
                        )
                    )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        self._forget_watchers()
        return lines

    def write(self, vals):
        res = super().write(vals)
        self._forget_watchers()
        return res

    def unlink(self):
        res = super().unlink()
        self._forget_watchers()
        return res

    @api.model
    def _forget_watchers(self):
        """Let edits be compared with the new lines, see ``sync.stream._watchers``."""
        self.env.registry.clear_cache()

    def _resolve_path(self):
        """Return the fields that the path goes through, first to last.

        :raises ValidationError: the path is not one of this model
        """
        self.ensure_one()
        model = self.env.get(self.model_name)
        if not self.field_path:
            raise ValidationError(
                self.env._("Choose the field that fills %s.", self.target)
            )
        chain = []
        for name in self.field_path.split("."):
            field = model._fields.get(name) if model is not None else None
            if field is None:
                raise ValidationError(
                    self.env._(
                        "%(path)s is not a field of %(model)s: there is no %(name)s "
                        "%(place)s.",
                        path=self.field_path,
                        model=self.stream_id.model_id.name,
                        name=name or "''",
                        place=self.env._("after %s", chain[-1].name)
                        if chain
                        else self.env._("on it"),
                    )
                )
            if field.type in UNSUPPORTED_TYPES:
                raise ValidationError(
                    self.env._(
                        "%s has no plain value that could be sent.", self.field_path
                    )
                )
            chain.append(field)
            model = self.env[field.comodel_name] if field.relational else None
        return chain
