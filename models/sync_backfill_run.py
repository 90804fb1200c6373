# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import ast

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import clock, gate, jobs
from .sync_backfill_failed import OUTSTANDING_FAILED

# Jobs of one backfill that are queued at a time: enough to keep the workers busy, and
# few enough to be stopped soon.
OUTSTANDING = 20
# As many of them are still to be done when the next step has its turn.
IN_HAND = OUTSTANDING // 2
# Records that one step reads, at most: this bounds what a worker holds in memory.
STEP_RECORDS = 2000
# Seconds until it is looked again whether there is room for more.
WAIT_SECONDS = 5


class SyncBackfill(models.Model):
    """How a backfill goes over its stream: one job after another, some records each.

    A step is a job of the backfill's priority. It queues some records and the next
    step, which stands in the queue before the last of them, so that the workers never
    run dry and nothing has to be polled while records get through. Nothing of a step
    outlives it but the id where the next begins. Failed jobs are queued again by
    ``sync_backfill_failed.py``.
    """

    _inherit = "sync.backfill"

    @api.model
    def _start(self, stream, **values):
        """Begin to go over a stream.

        :param stream: the ``sync.stream``
        :param values: scope, domain, resend, priority
        :return: the new backfill, of the current user
        """
        backfill = self.sudo().create(
            {"stream_id": stream.id, "user_id": self.env.uid, **values}
        )
        backfill._queue_step()
        return backfill.with_env(self.env)

    def write(self, vals):
        res = super().write(vals)
        self.backend_id._nudge()
        return res

    def _stop(self, note):
        """Queue no further records.

        :param str note: why, for people
        """
        self.filtered(lambda each: each.state == "running").write(
            {"state": "stopped", "note": note}
        )

    def _go_on(self):
        """Resume where it was stopped; the rate counts anew."""
        self.ensure_one()
        self.write(
            {
                "state": "running",
                "note": False,
                "resumed": self.started and fields.Datetime.now(),
                "done_before": self.done + self.failed,
            }
        )
        self._queue_step()

    def _queue_step(self):
        """Queue the only job that may do the next step."""
        self.ensure_one()
        stream = self.stream_id
        context = {"company_id": stream.company_id.id} if stream.company_id else {}
        job = (
            self.with_user(self.user_id)
            .with_context(**context)
            .with_delay(
                priority=self.priority,
                # never failed for being killed often
                max_retries=0,
                channel=stream.channel_id.complete_name,
                description=self.env._(
                    "%s: queue the next records", stream.backend_id.name
                ),
            )
            ._step()
        )
        # run at once by queue_job's own test switch, there is no job
        self.step_uuid = getattr(job, "uuid", False)

    def _job_store_values(self, job):
        """Let the job be called back with the others when an incident is over."""
        values = super()._job_store_values(job)
        if job.retry or job.date_enqueued:
            # linked when it was made; the backfill may be gone by now
            return values
        return {**values, "sync_backend_id": self.sudo().backend_id.id}

    # -- a step ---------------------------------------------------------------

    def _step(self):
        """Queue the next records

        :return: what was done, in a sentence
        :raises RetryableJobError: not now; uses no try
        """
        with clock.keeping_etas(self.env.cr):
            return self._take_step()

    def _take_step(self):
        if not self.sudo().exists():
            return self.env._("It no longer exists: nothing queued.")
        backfill = self.sudo().try_lock_for_update(allow_referencing=True)
        if not backfill:
            raise gate.later(self.env._("Somebody is changing it."), WAIT_SECONDS)
        if backfill.state != "running":
            return self.env._("It does not run any more: nothing queued.")
        if backfill.step_uuid != self.env.context.get("job_uuid"):
            return self.env._("Another job has taken over: nothing queued.")
        stream = backfill.stream_id
        if stream._resting_text():
            backfill._stop_resting()
            return backfill.note
        gate.pass_through(stream)
        if not backfill.started:
            backfill._count()
        return backfill._queue_records()

    def _stop_resting(self):
        for backfill in self:
            backfill._stop(backfill.stream_id._resting_text())

    def _count(self):
        """Find out how much there is to do, and where it ends."""
        if self.scope == "failed":
            select = self._failed_jobs(SQL("count(*), max(j.id)"), with_records=True)
        else:
            query = self._records_query()
            id_ = SQL.identifier(query.table, "id")
            select = query.select(SQL("count(*)"), SQL("max(%s)", id_))
        ((total, end_id),) = self.env.execute_query(select)
        now = fields.Datetime.now()
        self.write(
            {"total": total, "end_id": end_id or 0, "started": now, "resumed": now}
        )

    def _queue_records(self):
        """Queue as many records as there is room for, and the next step."""
        waiting, open_jobs, _failed = self._open_rows().get(self.id, (0, 0, 0))
        most = OUTSTANDING_FAILED if self.scope == "failed" else OUTSTANDING
        if self.last_id >= self.end_id:
            if waiting:
                raise gate.later(
                    self.env._("%s records to deliver.", waiting), WAIT_SECONDS
                )
            return self._finish()
        if open_jobs >= most:
            raise gate.later(
                self.env._("%s jobs have to be done first.", open_jobs), WAIT_SECONDS
            )
        room = most - open_jobs
        count = self._requeue(room) if self.scope == "failed" else self._enqueue(room)
        self.queued += count
        return self.env._("%s records queued.", count)

    def _enqueue(self, room):
        """Queue the next records, as at most ``room`` jobs; return how many."""
        stream = self.stream_id
        size = min(stream.batch_size, STEP_RECORDS)
        limit = min(room, STEP_RECORDS // size) * size
        ids = self._records_query(order="id", limit=limit).get_result_ids()
        self.last_id = ids[-1] if len(ids) == limit else self.end_id
        self._enqueue_ids(ids[: -IN_HAND * size])
        self._queue_step()
        self._enqueue_ids(ids[-IN_HAND * size :])
        return len(ids)

    def _enqueue_ids(self, ids):
        stream = self.stream_id
        records = self.env[stream.model_name].with_user(self.user_id).browse(ids)
        jobs.enqueue(stream, records, priority=self.priority, backfill=self)

    def _records_query(self, **options):
        """Return the query for the records that are still to be queued."""
        stream = self.stream_id
        model = stream._for_sending(self.env[stream.model_name])
        domain = model._sync_domain(stream) & Domain("id", ">", self.last_id)
        if self.end_id:
            domain &= Domain("id", "<=", self.end_id)
        if self.scope == "domain":
            domain &= Domain(ast.literal_eval(self.domain or "[]"))
        query = model._search(domain, **options)
        if self.scope == "unconfirmed":
            self.env["sync.binding"].flush_model()
            self.env["sync.outbox"].flush_model()
            query.add_where(
                SQL(
                    # OFFSET keeps PostgreSQL from reading all of them for each step
                    """
                    (NOT EXISTS (
                        SELECT 1 FROM sync_binding b
                         WHERE b.stream_id = %(stream)s AND b.res_id = %(id)s
                           AND b.content_hash IS NOT NULL AND b.skipped IS NOT TRUE
                        OFFSET 0)
                     OR EXISTS (
                        SELECT 1 FROM sync_outbox o
                         WHERE o.stream_id = %(stream)s AND o.res_id = %(id)s
                        OFFSET 0))
                    """,
                    stream=stream.id,
                    id=SQL.identifier(query.table, "id"),
                )
            )
        return query

    def _finish(self):
        """It is over: what was counted may have changed meanwhile."""
        self.write(
            {
                "state": "done",
                "ended": fields.Datetime.now(),
                "total": self.queued,
                "step_uuid": False,
            }
        )
        return self.env._("All records have been queued and delivered, or failed.")

    # -- steps that are lost --------------------------------------------------

    @api.model
    def _queue_lost_steps(self):
        """Mend backfills whose step has vanished; stop those whose step has failed."""
        for backfill in self.search([("state", "=", "running")]):
            job = self.env["queue.job"].search(
                [("uuid", "=", backfill.step_uuid)], limit=1
            )
            if job.state not in (False, "done", "failed", "cancelled"):
                continue
            # a step that is at work may be queueing the next
            backfill = backfill.try_lock_for_update(allow_referencing=True)
            if backfill and job.state == "failed":
                backfill._stop(
                    self.env._("Its job failed: %s", job.failure_reason or "?")
                )
            elif backfill and job.state == "cancelled":
                backfill._stop(self.env._("Its job was cancelled."))
            elif backfill:
                backfill._queue_step()
