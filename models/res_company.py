# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    job_failure_user_ids = fields.Many2many(
        "res.users",
        "res_company_job_failure_user_rel",
        string="Failed Jobs Are Mailed To",
        domain=[("share", "=", False)],
        help="Who gets a mail when a job of this company fails. "
        "Empty: every Job Queue Manager of the company.",
    )
