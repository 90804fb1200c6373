# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.tools import SQL


class QueueJob(models.Model):
    _inherit = "queue.job"

    def _requeue_spread(self, rate):
        """Put many failed jobs back to pending, some per second.

        The same as :meth:`requeue` for jobs of synchronizations, in one statement. What
        they may depend on was done before they failed.

        :param int rate: jobs per second
        :return: number of jobs
        """
        if not self:
            return 0
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                UPDATE queue_job AS job
                   SET state = 'pending', retry = 0, result = NULL,
                       eta = %(now)s + place.number / %(rate)s * interval '1 second',
                       date_enqueued = NULL, date_started = NULL, date_done = NULL,
                       date_cancelled = NULL, exec_time = NULL, worker_pid = NULL,
                       failure_notified = false
                  FROM (SELECT id,
                               row_number() OVER (ORDER BY priority, id) AS number
                          FROM unnest(%(ids)s::int[]) AS wanted (one)
                         CROSS JOIN LATERAL (
                               SELECT id, priority FROM queue_job
                                WHERE id = one AND state = 'failed'
                               -- by the primary key, however many have failed
                               OFFSET 0) AS failed) AS place
                 WHERE job.id = place.id
                RETURNING job.id
                """,
                now=fields.Datetime.now(),
                rate=max(rate, 1),
                ids=self.ids,
            )
        )
        self.invalidate_model()
        requeued = self.browse(id_ for (id_,) in rows)
        self.env["sync.outbox"].sudo()._rearm(requeued)
        return len(requeued)
