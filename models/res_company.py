# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.fields import Domain


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

    def _job_failure_partners(self):
        """Return whom a mail about failed jobs or an outage goes to.

        :param self: one company, or none for what belongs to no company
        """
        users = self.job_failure_user_ids
        if not users:
            managers = self.env.ref("queue_job.group_queue_job_manager")
            domain = Domain("all_group_ids", "in", managers.ids)
            if self:
                domain &= Domain("company_ids", "in", self.ids)
            users = self.env["res.users"].search(domain)
        return users.partner_id.filtered("email")
