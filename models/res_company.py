# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
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
    job_failure_quiet_minutes = fields.Integer(
        "Quiet Period After a Mail",
        default=15,
        help="Minutes. Jobs that fail this soon after a mail about failed jobs are told"
        " about in one digest when the time is over. 0: each failed job makes a mail at"
        " once.",
    )
    job_failure_mailed = fields.Datetime(
        "Last Mail About Failed Jobs",
        readonly=True,
        copy=False,
        help="The quiet period begins with it.",
    )

    _job_failure_quiet_minutes = models.Constraint(
        "CHECK (job_failure_quiet_minutes >= 0)",
        "The quiet period after a mail cannot be negative.",
    )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_systems(self):
        # before PostgreSQL locks the company, which jobs of its systems refer to
        systems = (
            self.env["sync.backend"]
            .sudo()
            .with_context(active_test=False)
            .search([("company_id", "in", self.ids)])
        )
        if systems:
            raise UserError(
                self.env._(
                    "External systems get the records of %(companies)s: %(systems)s. "
                    "Delete them first, or give them another company.",
                    companies=", ".join(systems.company_id.mapped("name")),
                    systems=", ".join(systems.mapped("name")),
                )
            )

    def _job_failure_users(self, chosen):
        """Return who is to be told about failed jobs, with an address or without.

        Never a manager whom queue_job would not tell: with ``queue_job_subscribe``,
        each decides about that.

        :param self: one company, or none for what belongs to no company
        :param chosen: the users who are, instead of every manager; may be empty
        """
        group = self.env.ref("queue_job.group_queue_job_manager")
        managers = Domain("all_group_ids", "in", group.ids)
        asked = Domain(self.env["queue.job"]._subscribe_users_domain() or managers)
        if chosen:
            # not by a negation: that of a group finds who has any other group too
            users, among = self.env["res.users"], Domain("id", "in", chosen.ids)
            declined = users.search(among & managers) - users.search(among & asked)
            return chosen - declined
        if self:
            asked &= Domain("company_ids", "in", self.ids)
        return self.env["res.users"].search(asked)

    def _job_failure_partners(self):
        """Return whom a mail about failed jobs or an outage goes to.

        :param self: as for :meth:`_job_failure_users`
        """
        users = self._job_failure_users(self.job_failure_user_ids)
        return users.partner_id.filtered("email")

    def _job_failure_quiet_until(self):
        """Return when the quiet period ends, None when there is none now."""
        self.ensure_one()
        if not self.job_failure_mailed:
            return None
        minutes = timedelta(minutes=self.job_failure_quiet_minutes)
        until = self.job_failure_mailed + minutes
        return until if until > fields.Datetime.now() else None
