# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

from odoo import api, models
from odoo.tools import SQL, split_every

from .sync_change import names_of
from .sync_guard import noted, undone
from .sync_outbox import LEFT

_logger = logging.getLogger(__name__)

# Changes without a job that are queued in one go before the cron commits.
SWEEP_BATCH = 500


class SyncOutbox(models.Model):
    """What becomes of changes whose job a person closed, or which has vanished."""

    _inherit = "sync.outbox"

    @api.model
    def _settle(self, jobs, note):
        """Drop the changes of jobs that a person has closed, and say so.

        :param jobs: ``queue.job`` records, set to done or cancelled
        :param str note: who closed them
        """
        rows = self.sudo().search([("job_uuid", "in", jobs.mapped("uuid"))])
        self.env["sync.binding"].sudo()._note(rows, note, skipped=True).unlink()

    @api.model
    def _rearm(self, jobs):
        """Give requeued jobs something to deliver, and say who requeued them.

        :param jobs: ``queue.job`` records, put back to pending; those whose changes
            were settled get new ones
        """
        rows = self.search([("job_uuid", "in", jobs.mapped("uuid"))])
        armed = set(rows.mapped("job_uuid"))
        rows |= self.create(
            [
                {
                    "stream_id": job.sync_stream_id.id,
                    "res_id": record.id,
                    "record_name": names.get(record.id, job.sync_record_name),
                    "operation": "upsert" if record.id in names else "delete",
                    "job_uuid": job.uuid,
                }
                for job in jobs
                if job.sync_stream_id.exists() and job.uuid not in armed
                for names in [names_of(job.records.sudo().exists())]
                for record in job.records
            ]
        )
        note = self.env._("Requeued by %s", self.env.user.name)
        self.env["sync.binding"]._note(rows, note)

    @api.model
    def _cron_queue_orphans(self):
        """Queue changes that have no job left to deliver them.

        A job can vanish: purged, lost with a restored database, or never made because
        queue_job refused it. Failed jobs are not replaced: people decide about them.
        """
        self.env["queue.job"]._release_waiting()
        self.env["sync.attempt"]._send_over_forgotten()
        last_id = 0
        while True:
            found = self._orphan_ids(last_id)
            last_id = max(found, default=0)
            # a row that a worker holds is being delivered
            rows = self.browse(found).try_lock_for_update()
            for (stream, user, _backfill), changes in rows.grouped(
                lambda row: (row.stream_id, row.create_uid, row.backfill_id)
            ).items():
                with (
                    noted(
                        _logger, LEFT, changes, stream.id, level=logging.WARNING
                    ) as trouble,
                    undone(self.env, forget=True),
                ):
                    changes._queue_again(stream, user.exists() or self.env.user)
                changes._note_problem(trouble.reason)
            time_left = self.env["ir.cron"]._commit_progress(len(rows))
            if not time_left or len(found) < SWEEP_BATCH:
                return

    @api.model
    def _orphan_ids(self, last_id):
        """Return the next changes, after ``last_id``, that no open job delivers."""
        self.env["queue.job"].flush_model(["uuid", "state"])
        rows = self.env.execute_query(
            SQL(
                # MATERIALIZED makes it one pass: because of the limit, PostgreSQL would
                # look for the job of each change
                """
                WITH open_job AS MATERIALIZED (
                    SELECT uuid FROM queue_job
                     WHERE state IN ('wait_dependencies', 'pending', 'enqueued',
                                     'started', 'failed'))
                SELECT o.id FROM sync_outbox o
                 WHERE o.id > %s AND NOT EXISTS (
                       SELECT FROM open_job WHERE open_job.uuid = o.job_uuid)
                   AND o.stream_id IN (
                       SELECT id FROM sync_stream WHERE deleting_since IS NULL)
                 ORDER BY o.id LIMIT %s
                """,
                last_id,
                SWEEP_BATCH,
            )
        )
        return [id_ for (id_,) in rows]

    def _queue_again(self, stream, user):
        """Queue jobs of a user for these changes, together as far as they may be."""
        by_record = self.grouped("res_id")
        names = {row.res_id: row.record_name for row in self}
        model = self.env[stream.model_name].with_user(user)
        for ids in split_every(stream.batch_size, names):
            rows = self.concat(*(by_record[id_] for id_ in ids))
            rows.job_uuid = self._delay(
                stream,
                model.browse(ids),
                names,
                stream._eta(),
                rows._job_priority(),
            )

    def _note_problem(self, reason):
        """Say why these changes still have no job; ``None`` if they have one."""
        self.filtered(lambda row: row.problem != (reason or False)).problem = reason
