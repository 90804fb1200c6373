# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class SyncMapping(models.Model):
    """The id that the destination gave to a linked record."""

    _inherit = "sync.mapping"

    id_there = fields.Boolean(
        help="For a link, as partner_id: send the id that the system gave to the "
        "linked record, rather than Odoo's. The linked record is sent first.",
    )

    @api.constrains("id_there", "field_path", "conversion", "several", "stream_id")
    def _check_id_there(self):
        for mapping in self.filtered("id_there"):
            if not mapping.stream_id._linked_model(mapping.field_path or ""):
                raise ValidationError(
                    mapping.env._(
                        "%s is no link to other records: they have no id there.",
                        mapping.field_path,
                    )
                )
            if mapping.conversion != "none" or mapping.several != "list":
                raise ValidationError(
                    mapping.env._(
                        "%s: the id that the system gave is sent as it is.",
                        mapping.target,
                    )
                )

    def _paths_to_ids_there(self):
        """Return the paths of the links whose id at the destination is sent."""
        return self.filtered("id_there").mapped("field_path")

    def _reader_of_field(self):
        if not self.id_there:
            return super()._reader_of_field()
        mapping_id = self.id

        def read(record):
            mapping = record.env["sync.mapping"].sudo().browse(mapping_id)
            return mapping._id_there_of(record)

        return read

    def _id_there_of(self, record):
        """Return what the destination calls the records that a link leads to.

        :param record: one record of the stream's model
        :return: text; ``None`` where it holds none; over a link to many, a list
        """
        linked, many = [record], False
        for link in self.field_path.split("."):
            many = many or linked[0]._fields[link].type in ("one2many", "many2many")
            linked = [each for one in linked for each in (one[link] or [one[link]])]
        ids = self._ids_there(linked[0].concat(*linked)) if linked else {}
        values = [ids.get(each.id) for each in linked]
        return values if many else values[0]

    def _ids_there(self, records):
        """Return what the destination calls records, by their ids."""
        ids = {}
        for stream in self.stream_id._siblings(records._name):
            bindings = self.env["sync.binding"].search(
                [("stream_id", "=", stream.id), ("res_id", "in", records.ids)]
            )
            named_here = stream.transport != "rest" or stream.id_policy == "odoo"
            for binding in bindings:
                here = named_here and binding.content_hash and str(binding.res_id)
                known = binding.external_id or here
                if known:
                    ids.setdefault(binding.res_id, known)
        return ids
