# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import itertools
from datetime import date, datetime

from odoo import api, fields, models
from odoo.exceptions import ValidationError

# Field types that have no plain value to send.
UNSUPPORTED_TYPES = {"properties", "properties_definition"}


class SyncMapping(models.Model):
    """One value of a record, and the name it has at the destination."""

    _name = "sync.mapping"
    _description = "Synchronized Field"
    _order = "sequence, id"
    _rec_name = "target"

    stream_id = fields.Many2one(
        "sync.stream", "Synchronization", required=True, index=True, ondelete="cascade"
    )
    model_name = fields.Char(related="stream_id.model_name")
    sequence = fields.Integer(default=10)
    field_path = fields.Char(
        "Odoo Field",
        required=True,
        help="The field to send. It may follow links, as in country_id.code; over a "
        "link to many records, as in category_id.name, it becomes a list.",
    )
    target = fields.Char(
        "Name at the Destination",
        required=True,
        help="Key in the JSON body (dots nest, as in address.city), or the column.",
    )

    _target_uniq = models.UniqueIndex(
        "(stream_id, target)",
        "Each name at the destination can be filled only once.",
    )

    @api.constrains("field_path", "stream_id")
    def _check_field_path(self):
        for mapping in self:
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
            targets = stream.mapping_ids.mapped("target")
            keys = set(targets)
            if stream.delete_policy == "mark":
                keys.add(stream.mark_key)
            for target in targets:
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
        model = self.env[self.stream_id.model_name]
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

    def _value_of(self, record):
        """Return what this line sends for a record.

        :param record: one record of the stream's model
        :return: a value that JSON can hold: text, number, boolean, ``None``, a list
        """
        *links, last = self.field_path.split(".")
        many, records = False, [record]
        for link in links:
            if record._fields[link].type in ("one2many", "many2many"):
                many = True
                records = [each for one in records for each in one[link]]
            else:
                records = [one[link] for one in records]
            record = record[link]
        field = record._fields[last]
        values = [self._plain(field, each[last]) if each else None for each in records]
        return values if many else values[0]

    @api.model
    def _plain(self, field, value):
        """Convert the value of a field to one that JSON can hold."""
        if field.type in ("boolean", "integer", "float", "monetary", "json"):
            return value
        if isinstance(value, models.BaseModel):
            return self._plain_records(field, value)
        if value is False or value is None:
            return None
        if isinstance(value, datetime):
            # Odoo keeps UTC; RFC 3339 writes it with a Z
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, bytes):
            # a binary field holds base64 already
            return value.decode("ascii", "replace")
        # a many2one_reference reads as an id
        return value if isinstance(value, int) else str(value)

    @api.model
    def _plain_records(self, field, records):
        """Convert the value of a field that links to records."""
        if field.type in ("one2many", "many2many"):
            return records.ids
        if field.type == "reference":
            return f"{records._name},{records.id}" if records else None
        return records.id or None
