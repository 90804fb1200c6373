# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from itertools import islice

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.constants import PREFETCH_MAX

# Where a transaction keeps the ids that it has read.
KEPT_KEY = "queue_job_sync.ids_there"


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
        read_ids = super()._reader_of_field()
        if not self.id_there:
            return read_ids
        path = self.field_path
        # known by now, for as long as the reader is kept: see _payload_plan()
        streams = self.stream_id._siblings(self.stream_id._linked_model(path))
        named_here = {each.id: each._names_records_here() for each in streams}

        def read(record):
            there = ids_there(record.mapped(path), named_here)
            found = read_ids(record)
            if isinstance(found, list):
                return [there.get(id_) for id_ in found]
            return there.get(found)

        return read


def ids_there(records, named_here):
    """Return what a system calls records, by their ids in Odoo.

    They are read once for all that are linked to from the same chunk, and kept until
    the transaction ends: contents are built before anything is delivered.

    :param named_here: for each stream that sends such records there, by its id,
        whether they go by their ids in Odoo; what the first one knows counts
    :return: dict, ``None`` for those that it holds none of
    """
    kept = records.env.cr.precommit.data.setdefault(KEPT_KEY, {})
    known = kept.setdefault(tuple(named_here), {})
    missing = [id_ for id_ in records._ids if id_ not in known]
    if missing and named_here:
        around = islice(records._prefetch_ids, PREFETCH_MAX)
        ids = {id_ for id_ in (*missing, *around) if id_ not in known}
        known |= dict.fromkeys(ids)
        bindings = (
            records.env["sync.binding"]
            .sudo()
            .search_fetch(
                [("stream_id", "in", list(named_here)), ("res_id", "in", list(ids))],
                ["stream_id", "res_id", "external_id", "content_hash"],
            )
        )
        for stream_id, by_id in named_here.items():
            for binding in bindings:
                if binding.stream_id.id == stream_id and not known[binding.res_id]:
                    here = by_id and binding.content_hash and str(binding.res_id)
                    known[binding.res_id] = binding.external_id or here or None
    return known
