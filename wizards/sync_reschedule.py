# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.queue_job.job import DEFAULT_PRIORITY, FAILED, PENDING
from odoo.addons.queue_job.job import WAIT_DEPENDENCIES as DEPENDENT

from ..engine import words
from ..engine.jobs import bulk_jobs
from . import sync_job_selection  # noqa: F401  # it is inherited

# A job that a worker holds writes its own priority and time back when it ends.
STATES = (DEPENDENT, PENDING, FAILED)


class SyncReschedule(models.TransientModel):
    """Change when the selected jobs run, and which of them first."""

    _name = "sync.reschedule"
    _inherit = "sync.job.selection"
    _description = "Reschedule Jobs"

    _states = STATES

    change_priority = fields.Boolean(
        "Change the Priority", help="Give all of them another priority."
    )
    priority = fields.Integer(
        "New Priority",
        default=DEFAULT_PRIORITY,
        help="Of the jobs that wait, those with the lowest number start first.",
    )
    keep_bulk = fields.Boolean(
        "Keep in Bulk",
        default=True,
        help="Those in bulk go after all other jobs, by this priority among themselves."
        " Otherwise they go with the others.",
    )
    change_eta = fields.Boolean(
        "Change Execute Only After",
        help="Let all of them wait until a time, or no longer.",
    )
    eta = fields.Datetime(
        "Execute Only After",
        help="The jobs do not start before. Empty: they start as soon as a worker is"
        " free. A job of a paused system waits for the system all the same.",
    )
    requeue = fields.Boolean(
        "Requeue Failed Jobs",
        help="Put the failed jobs back to Pending, with all their tries. Otherwise they"
        " stay failed, and what is changed here counts when they are requeued.",
    )
    waiting_count = fields.Integer(
        "Waiting", compute="_compute_counts", help="Selected jobs that wait."
    )
    failed_count = fields.Integer(
        "Failed", compute="_compute_counts", help="Selected jobs that have failed."
    )
    bulk_count = fields.Integer(
        "In Bulk", compute="_compute_counts", help="Selected jobs that are in bulk."
    )

    def _compute_counts(self):
        res = super()._compute_counts()
        jobs = self.env["queue.job"]
        for wizard in self:
            mine = wizard._selected_domain()
            counts = dict(jobs._read_group(mine, ["state"], ["__count"]))
            wizard.bulk_count = jobs.search_count(mine & bulk_jobs())
            wizard.failed_count = counts.get(FAILED, 0)
            wizard.waiting_count = counts.get(PENDING, 0) + counts.get(DEPENDENT, 0)
        return res

    def action_reschedule(self):
        """Change the selected jobs that wait or have failed.

        The runner is told by queue_job's own trigger when this commits.

        :raises UserError: nothing is to be changed, or no job can be, or not to that
            priority
        """
        self.check_access("write")
        requeue = self.requeue and self.failed_count
        if self.job_count and not (self.change_priority or self.change_eta or requeue):
            raise UserError(self.env._("Choose what to change."))
        return self._start(self.env._("Change Priority or Time"))

    def _decide(self, jobs, total):
        failed = jobs.filtered(lambda job: job.state == FAILED)
        if self.requeue:
            # they go in bulk and at once, unless what follows says otherwise
            failed.requeue()
        if self.change_priority:
            jobs._set_priority(self.priority, self.keep_bulk)
        if self.change_eta:
            # tracking would read all fields of all jobs
            jobs.with_context(tracking_disable=True).eta = self.eta
            # instead of what they waited for
            put_off = self.eta and words.Sentence(
                words._lt("Put off by %(user)s"), user=self.env.user.name
            )
            waiting = jobs if self.requeue else jobs - failed
            waiting.with_context(tracking_disable=True).write(
                {"result": put_off, "sync_error": False}
            )
