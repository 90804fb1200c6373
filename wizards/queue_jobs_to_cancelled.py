# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from ..models.queue_job import UNDECIDED
from . import queue_requeue_job  # noqa: F401  # it is inherited


class SetJobsToCancelled(models.TransientModel):
    """Cancel the selected jobs."""

    _inherit = "queue.jobs.to.cancelled"

    _states = UNDECIDED
    _again = False

    def action_decide(self):
        """Change the selected jobs.

        :raises UserError: there are none to change
        """
        return self._start(self.env._("Cancel Jobs"))

    def _decide(self, jobs, total):
        jobs.button_cancelled()
