# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models

from ..models.queue_job import ENDED
from . import sync_job_selection  # noqa: F401  # it is inherited


class QueueRequeueJob(models.TransientModel):
    """Put the selected jobs back to pending."""

    _name = "queue.requeue.job"
    _inherit = ["queue.requeue.job", "sync.job.selection"]

    _states = ENDED
    _again = True

    # those that are selected need not be stored one by one
    job_ids = fields.Many2many(
        compute="_compute_job_ids", inverse="_inverse_job_ids", default=None
    )

    def action_decide(self):
        """Change the selected jobs.

        :raises UserError: there are none to change
        """
        return self._start(self.env._("Requeue Jobs"))

    def _decide(self, jobs, total):
        jobs.requeue()
