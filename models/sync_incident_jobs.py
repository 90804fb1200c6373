# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..engine import clock
from ..engine.store import read_committed
from .sync_incident import WAIT_HOURS

_logger = logging.getLogger(__name__)

# Seconds that a job waits at least: the cron prolongs what is over within a minute.
WAIT_LEAST = 60
# Jobs that are moved before the next commit. The runner reads each of them anew, and
# whoever else wants to change one of them waits that long.
BATCH = 2000
# Seconds for which a person or a worker is kept with it; the cron does the rest.
PATIENCE = 0.5
# Seconds that jobs are called back ahead of their turn. The runner would read all of
# them before it starts one; the cron comes every minute with more.
AHEAD = 120
# Jobs that have to be put off are those that would start within these hours.
NEAR_HOURS = 1


class SyncIncident(models.Model):
    """How the jobs of a system sleep while it is paused, and wake afterwards.

    What holds them back is the open incident, which each job looks at. Moving their
    time only spares them from starting in vain, so it is done after the commit, batch
    by batch, by whoever comes by: who opened or closed the incident, a job that starts
    in vain, the cron. The time of a job tells whether it has been moved, so anybody
    goes on where another one stopped.
    """

    _inherit = "sync.incident"

    called_until = fields.Datetime(
        readonly=True,
        help="The time of the last job that was called back when it was over.",
    )

    def _seconds_left(self):
        """Return the seconds that jobs of the system have to wait."""
        self.ensure_one()
        left = (self.wait_until - clock.now(self.env.cr)).total_seconds()
        return max(WAIT_LEAST, left)

    def _prolong(self):
        """Let the jobs sleep on that would soon wake although nothing is over."""
        now = clock.now(self.env.cr)
        soon = now + timedelta(hours=1)
        for incident in self:
            if not incident.closed and incident.wait_until < soon:
                incident.wait_until = now + timedelta(hours=WAIT_HOURS)
                incident.flush_recordset()
                incident._move_jobs_soon()

    def _move_jobs_soon(self):
        """Move jobs as soon as this is committed."""
        self.ensure_one()
        self.env.cr.postcommit.add(self._move_jobs)

    def _move_jobs(self):
        """Move jobs for a moment, each batch in a transaction of its own.

        It must not fail: the incident is opened or closed already.

        :return: whether no job is left
        """
        self.ensure_one()
        end = time.monotonic() + PATIENCE
        try:
            while self._move_batch() >= BATCH:
                if time.monotonic() > end:
                    return False
        except Exception:
            _logger.exception("The jobs of %s could not be moved", self)
        return True

    def _move_batch(self):
        """Move the next jobs, if any, whatever the incident has come to meanwhile.

        :return: how many
        """
        # The runner changes jobs all the time. What it has changed by now is seen,
        # or passed over: no reason to begin again.
        with read_committed(self.env.registry) as cr:
            cr.execute(
                "SELECT pg_advisory_xact_lock(hashtext('sync_incident'), %s)",
                (self.id,),
            )
            incident = self.with_env(self.env(cr=cr, su=True)).exists()
            if not incident:
                return 0
            if not incident.closed:
                return incident._put_off_jobs()
            if incident.backend_id._open_incident():
                return 0
            return incident._call_back_jobs()

    @api.model
    def _move_all_jobs(self):
        """Move what is left to be moved, for the cron.

        Among them jobs of edits that began during an incident and committed after it.
        """
        progress = self.env["ir.cron"]._commit_progress
        progress()
        for incident in self.search(
            ["|", ("closed", "=", False), ("wait_until", ">", clock.now(self.env.cr))],
            order="id",
        ):
            while not incident._move_jobs():
                if not progress(1, remaining=1):
                    self._wake_cron()
                    return
        progress(remaining=0)

    def _put_off_jobs(self):
        """Let pending jobs of the system sleep, those first that are due first.

        :return: how many; fewer than ``BATCH`` when none is left
        """
        self.ensure_one()
        self.env["queue.job"].flush_model()
        now = clock.now(self.env.cr)
        self.env.cr.execute(
            SQL(
                """
                WITH next AS (
                    SELECT id FROM queue_job
                     WHERE sync_backend_id = %(backend)s AND state = 'pending'
                       AND sync_stream_id IS NOT NULL
                       AND (eta IS NULL OR eta < %(near)s)
                     ORDER BY GREATEST(eta, %(now)s), priority, date_created
                     LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
                UPDATE queue_job AS job SET eta = %(until)s, result = %(reason)s
                  FROM next WHERE job.id = next.id
                """,
                until=self.wait_until,
                reason=self._waiting_text(),
                backend=self.backend_id.id,
                now=now,
                # what sleeps for longer, such as since a pause before, is left alone
                near=min(self.wait_until, now + timedelta(hours=NEAR_HOURS)),
                limit=BATCH,
            )
        )
        self.env["queue.job"].invalidate_model(["eta", "result"])
        return self.env.cr.rowcount

    def _call_back_jobs(self):
        """Let jobs run again that this incident put off, by priority, at the rate.

        :return: how many; fewer than ``BATCH`` when no other one's turn is near
        """
        self.ensure_one()
        self.env["queue.job"].flush_model()
        rate = self.backend_id.drain_rate
        now = clock.now(self.env.cr)
        start = max(now, self.called_until or now)
        seconds_ahead = AHEAD - (start - now).total_seconds()
        self.env.cr.execute(
            SQL(
                """
                WITH next AS (
                    SELECT id, priority FROM queue_job
                     WHERE sync_backend_id = %(backend)s AND state = 'pending'
                       AND eta BETWEEN %(until)s - interval '1 minute'
                                   AND %(until)s + interval '1 minute'
                     ORDER BY priority, id
                     LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
                ), place AS (
                    SELECT id, row_number() OVER (ORDER BY priority, id) AS number
                      FROM next)
                UPDATE queue_job AS job
                   SET eta = %(start)s + place.number / %(rate)s * interval '1 second',
                       result = NULL
                  FROM place WHERE job.id = place.id
                """,
                backend=self.backend_id.id,
                until=self.wait_until,
                limit=max(0, min(BATCH, int(seconds_ahead * rate))),
                start=start,
                rate=rate,
            )
        )
        count = self.env.cr.rowcount
        self.env["queue.job"].invalidate_model(["eta", "result"])
        if count:
            self.called_until = start + timedelta(seconds=count // rate)
        return count
