# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models
from odoo.tools import SQL

from ..engine.jobs import requeue_spread

# Failed jobs that are queued again at a time; most of them send one record.
OUTSTANDING_FAILED = 500


class SyncBackfill(models.Model):
    """How a backfill goes over the failed jobs of its stream."""

    _inherit = "sync.backfill"

    def _failed_jobs(self, columns, with_records=False):
        """Return the SQL that selects from the failed jobs that are still to do.

        :param columns: :class:`SQL`, of the job ``j``
        :param with_records: one row for each record rather than for each job
        """
        self.env["queue.job"].flush_model()
        self.env["sync.outbox"].flush_model()
        return SQL(
            """
            SELECT %(columns)s FROM queue_job j %(join)s
             WHERE j.sync_stream_id BETWEEN %(stream)s AND %(stream)s
               AND j.state = 'failed' AND j.id > %(last)s
            """,
            columns=columns,
            join=SQL("LEFT JOIN sync_outbox o ON o.job_uuid = j.uuid")
            if with_records
            else SQL(),
            stream=self.stream_id.id,
            last=self.last_id,
        )

    def _requeue(self, room):
        """Queue the next failed jobs again; return how many records they send."""
        rows = self.env.execute_query(
            SQL(
                # the order of the index, so that no other way is thought of
                "%s AND j.id <= %s ORDER BY j.sync_stream_id, j.id LIMIT %s",
                self._failed_jobs(SQL("j.id")),
                self.end_id,
                room,
            )
        )
        ids = [id_ for (id_,) in rows]
        self.last_id = ids[-1] if len(ids) == room else self.end_id
        jobs = self.env["queue.job"].browse(ids)
        jobs.with_context(tracking_disable=True).priority = self.priority
        requeue_spread(jobs, self.backend_id.drain_rate)
        self.env["sync.outbox"].flush_model()
        marked = self.env.execute_query(
            SQL(
                """
                UPDATE sync_outbox o SET backfill_id = %s
                  FROM queue_job j
                 WHERE j.id IN %s AND j.state = 'pending' AND o.job_uuid = j.uuid
                RETURNING o.id
                """,
                self.id,
                tuple(ids) or (0,),
            )
        )
        self.env["sync.outbox"].invalidate_model(["backfill_id"])
        self._queue_step()
        return len(marked)
