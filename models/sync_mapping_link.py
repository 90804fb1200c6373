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
        """Return the function of a record that gives the ids of the linked ones.

        They are text, ``None`` where the system holds none, and a list over a link to
        many records.
        """
        read_id = super()._reader_of_field()
        if not self.id_there:
            return read_id
        mapping_id = self.id
        model_name = self.stream_id._linked_model(self.field_path)

        def read(record):
            found = read_id(record)
            ids = found if isinstance(found, list) else [found]
            mapping = record.env["sync.mapping"].sudo().browse(mapping_id)
            linked = mapping.env[model_name].browse(filter(None, ids))
            there = mapping._ids_there(linked) if linked else {}
            values = [there.get(id_) for id_ in ids]
            return values if ids is found else values[0]

        return read

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
