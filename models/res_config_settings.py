# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    job_failure_user_ids = fields.Many2many(
        related="company_id.job_failure_user_ids", readonly=False
    )

    def action_open_job_failure_template(self):
        """Open the text of the mail about a failed job."""
        template = self.env.ref("queue_job_sync.mail_template_job_failed")
        return {
            "type": "ir.actions.act_window",
            "name": template.name,
            "res_model": template._name,
            "res_id": template.id,
            "view_mode": "form",
        }
