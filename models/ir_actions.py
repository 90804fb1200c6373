# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models

from ..engine.standing import streams_of


class IrActionsActions(models.Model):
    """Synchronize now, in the Action menu of every synchronized model."""

    _inherit = "ir.actions.actions"

    @api.model
    def get_bindings(self, model_name):
        bindings = super().get_bindings(model_name)
        if (
            self.env["sync.stream"]._is_watched(model_name)
            and self.env.user._is_internal()
            and self.env[model_name].has_access("write")
            and streams_of(self.env, model_name)
        ):
            action = self.env.ref("queue_job_sync.action_sync_now").sudo()
            shown = action.read(["name", "binding_view_types"])
            bindings.setdefault("action", []).extend(shown)
        return bindings
