# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from .queue_job_notify import MAIL_OF_MANY, MAIL_OF_ONE
from .sync_metrics import TOKEN_PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    job_failure_user_ids = fields.Many2many(
        related="company_id.job_failure_user_ids", readonly=False
    )
    job_failure_quiet_minutes = fields.Integer(
        related="company_id.job_failure_quiet_minutes", readonly=False
    )
    # not stored: no copy of it stays with the settings
    sync_metrics_token = fields.Char(
        "Token for Monitoring",
        groups="base.group_system",
        compute="_compute_sync_metrics_token",
        inverse="_inverse_sync_metrics_token",
    )
    sync_metrics_origin = fields.Char(compute="_compute_sync_metrics_origin")

    def _compute_sync_metrics_token(self):
        token = self.env["ir.config_parameter"].get_param(TOKEN_PARAMETER)
        for settings in self:
            settings.sync_metrics_token = token

    def _inverse_sync_metrics_token(self):
        for settings in self:
            self.env["sync.metrics"]._set_token(settings.sync_metrics_token)

    @api.depends("sync_metrics_token")
    def _compute_sync_metrics_origin(self):
        for settings in self:
            settings.sync_metrics_origin = self.env["sync.secret"]._origin(
                settings.sync_metrics_token
            )

    def action_open_job_failure_template(self):
        """Open the text of the mail about one failed job."""
        return self._open_template(MAIL_OF_ONE)

    def action_open_job_failure_digest(self):
        """Open the text of the mail about several failed jobs."""
        return self._open_template(MAIL_OF_MANY)

    def _open_template(self, xmlid):
        template = self.env.ref(xmlid)
        return {
            "type": "ir.actions.act_window",
            "name": template.name,
            "res_model": template._name,
            "res_id": template.id,
            "view_mode": "form",
        }
