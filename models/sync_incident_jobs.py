# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from .sync_incident import WAIT_HOURS

# Seconds that a job waits at least: the cron prolongs what is over within a minute.
WAIT_LEAST = 60


class SyncIncident(models.Model):
    """How the jobs of a system sleep through an incident, and are called back."""

    _inherit = "sync.incident"

    def _seconds_left(self):
        """Return the seconds that jobs of the system have to wait."""
        self.ensure_one()
        left = (self.wait_until - fields.Datetime.now()).total_seconds()
        return max(WAIT_LEAST, left)

    def _prolong(self):
        """Let the jobs sleep on that would soon wake although nothing is over."""
        now = fields.Datetime.now()
        soon = now + timedelta(hours=1)
        for incident in self:
            if not incident.closed and incident.wait_until < soon:
                incident.wait_until = now + timedelta(hours=WAIT_HOURS)
                incident.flush_recordset()
                incident._put_off_jobs()

    def _put_off_jobs(self):
        """Let the pending jobs of the system sleep: one statement, however many."""
        self.ensure_one()
        self.env["queue.job"].flush_model()
        self.env.cr.execute(
            SQL(
                """
                UPDATE queue_job SET eta = %(until)s, result = %(reason)s
                 WHERE sync_backend_id = %(backend)s AND state = 'pending'
                   AND sync_stream_id IS NOT NULL
                   AND (eta IS NULL OR eta < %(until)s)
                """,
                until=self.wait_until,
                reason=self._waiting_text(),
                backend=self.backend_id.id,
            )
        )
        self.env["queue.job"].invalidate_model(["eta", "result"])

    def _call_back_jobs(self):
        """Let the jobs that this incident put off run again."""
        self.ensure_one()
        self.env["queue.job"].flush_model()
        self.env.cr.execute(
            SQL(
                """
                UPDATE queue_job AS job
                   SET eta = %(now)s + place.number / %(rate)s * interval '1 second',
                       result = NULL
                  FROM (SELECT id,
                               row_number() OVER (ORDER BY priority, id) AS number
                          FROM queue_job
                         WHERE sync_backend_id = %(backend)s AND state = 'pending'
                           AND eta BETWEEN %(until)s - interval '1 minute'
                                       AND %(until)s + interval '1 minute') AS place
                 WHERE job.id = place.id
                """,
                now=fields.Datetime.now(),
                rate=max(self.backend_id.drain_rate, 1),
                backend=self.backend_id.id,
                until=self.wait_until,
            )
        )
        self.env["queue.job"].invalidate_model(["eta", "result"])
