# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

# Hours that the delivered records are counted for.
HOURS = 24


class SyncBackend(models.Model):
    """How much each system has to do, and has done."""

    _inherit = "sync.backend"

    def _queue_figures(self):
        """Return how the queue of each of these systems stands.

        Only jobs that are not closed and deliveries of the last hours are read, by
        indexes that hold nothing else, so it costs the same with a million done jobs.
        It asks with nobody's rights: the caller shows it to whom it may be shown.

        :return: dict by id of the system, each a dict with ``waiting``, ``running``
            and ``failed`` (numbers of jobs), ``oldest`` (when the oldest waiting job
            was made, UTC, or ``None``) and ``delivered`` (records delivered in each
            of the last 24 clock hours, the oldest first, the current one last)
        """
        if not self.ids:
            return {}
        self.env["queue.job"].flush_model(["sync_backend_id", "state", "date_created"])
        self.env["sync.delivery"].flush_model(["stream_id", "state", "date"])
        this_hour = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
        rows = self.env.execute_query(
            SQL(
                """
                WITH job AS (
                    SELECT sync_backend_id AS backend_id,
                           count(*) FILTER (WHERE state = 'started') AS running,
                           count(*) FILTER (WHERE state = 'failed') AS failed,
                           count(*) AS all_open,
                           min(date_created) FILTER (
                               WHERE state NOT IN ('started', 'failed')) AS oldest
                      FROM queue_job
                     WHERE sync_backend_id IN %(ids)s AND state IN (
                           'wait_dependencies', 'pending', 'enqueued', 'started',
                           'failed')
                     GROUP BY sync_backend_id
                ), hourly AS (
                    SELECT stream_id, date_trunc('hour', date) AS hour,
                           count(*) AS delivered
                      FROM sync_delivery
                     WHERE date >= %(since)s AND state = 'success'
                     GROUP BY stream_id, date_trunc('hour', date)
                ), delivered AS (
                    SELECT s.backend_id,
                           array_agg(hourly.hour) AS hours,
                           array_agg(hourly.delivered) AS counts
                      FROM hourly JOIN sync_stream s ON s.id = hourly.stream_id
                     GROUP BY s.backend_id
                )
                SELECT b.id, COALESCE(job.all_open - job.running - job.failed, 0),
                       COALESCE(job.running, 0), COALESCE(job.failed, 0), job.oldest,
                       COALESCE(delivered.hours, '{}'),
                       COALESCE(delivered.counts, '{}')
                  FROM sync_backend b
                  LEFT JOIN job ON job.backend_id = b.id
                  LEFT JOIN delivered ON delivered.backend_id = b.id
                 WHERE b.id IN %(ids)s
                """,
                ids=tuple(self.ids),
                since=this_hour - timedelta(hours=HOURS - 1),
            )
        )
        figures = {}
        for id_, waiting, running, failed, oldest, hours, counts in rows:
            delivered = [0] * HOURS
            for hour, count in zip(hours, counts, strict=True):
                # a clock that runs behind the database's may see the next hour
                ago = max(0, (this_hour - hour) // timedelta(hours=1))
                delivered[HOURS - 1 - ago] += int(count)
            figures[id_] = {
                "waiting": waiting,
                "running": running,
                "failed": failed,
                "oldest": oldest,
                "delivered": delivered,
            }
        return figures
