# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models

from ..engine.capture import linked_to, remember_changes


class MergePartnerAutomatic(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Record the edits that a merge makes with plain SQL.

        It moves every link from the merged contacts to the one that is kept: those of
        other records, such as their parent, and many-to-many ones, such as the tags.
        """
        moved = list(self._synchronized_links(src_partners))
        res = super()._update_foreign_keys(src_partners, dst_partner)
        for records, field_name in moved:
            remember_changes(records, [field_name])
        remember_changes(dst_partner)
        return res

    @api.model
    def _synchronized_links(self, partners):
        """Yield the records whose link to contacts is watched, field by field."""
        streams = self.env["sync.stream"]
        for model_name in streams._syncable_models():
            watchers = streams._watchers_for_sure(model_name)
            for field in self.env[model_name]._fields.values():
                if (
                    field.type == "many2one"
                    and field.store
                    and field.comodel_name == partners._name
                    and any(field.name in watched for _id, watched in watchers)
                ):
                    yield linked_to(partners, model_name, field.name), field.name
