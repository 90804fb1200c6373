# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
import time

from odoo import api, models

from odoo.addons.queue_job.controllers.main import RunJobController
from odoo.addons.queue_job.job import ENQUEUED, PENDING

_logger = logging.getLogger(__name__)

# Seconds after which no further job is started: a cron has a limit of its own.
LONGEST = 60
NEXT = """
    UPDATE queue_job
       SET state = %s, date_enqueued = now() AT TIME ZONE 'utc'
     WHERE id = (SELECT id FROM queue_job
                  WHERE state = %s
                    AND (eta IS NULL OR eta <= now() AT TIME ZONE 'utc')
                  ORDER BY priority, date_created
                  LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
 RETURNING uuid
"""


class QueueJob(models.Model):
    """Due jobs run in a worker for crons, one after the other."""

    _inherit = "queue.job"

    @api.model_create_multi
    def create(self, vals_list):
        cron = self.env.ref("queue_job_cron_jobrunner.ir_cron_run_jobs")
        jobs = super().create(vals_list)
        cron.sudo()._trigger()
        return jobs

    @api.model
    def _job_runner(self):
        """Run the jobs that are due, by queue_job's own methods."""
        end = time.monotonic() + LONGEST
        cron = self.env["ir.cron"]
        while time.monotonic() < end:
            self.env.cr.execute(NEXT, (ENQUEUED, PENDING))
            found = self.env.cr.fetchone()
            # the job is another's from now on
            if not cron._commit_progress(int(bool(found)), remaining=int(bool(found))):
                return
            if not found:
                return
            try:
                job = RunJobController._acquire_job(self.env, *found)
                if job:
                    RunJobController._runjob(self.env, job)
            except Exception:
                # what has failed is stored
                _logger.info("job %s has failed", *found, exc_info=True)
                self.env.cr.rollback()
