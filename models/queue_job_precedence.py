# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from uuid import uuid4

from psycopg2 import errors as pg_errors

from odoo import api, models
from odoo.tools import SQL

from odoo.addons.queue_job.job import CANCELLED, FAILED, Job


class QueueJob(models.Model):
    """Jobs of synchronizations that wait for other jobs, see ``sync.binding``."""

    _inherit = "queue.job"

    def _run_before(self, job):
        """Let a new job wait until these are done.

        A job is released by jobs of its own graph only. If these are of several, it
        waits for those of one of them: it looks for the others when it starts.

        :param job: the :class:`Job`, just queued
        """
        graph = next(filter(None, self.mapped("graph_uuid")), None) or str(uuid4())
        ahead = self.filtered(lambda each: each.graph_uuid in (False, graph))
        job.graph_uuid = graph
        job.add_depends({Job.load(self.env, uuid) for uuid in ahead.mapped("uuid")})
        job.store()
        for record in ahead:
            # not Job.store(), which writes the state too, and so tells of a failure
            known = record.dependencies or {}
            followers = [*known.get("reverse_depends_on", []), job.uuid]
            record.graph_uuid = graph
            record.dependencies = {
                "depends_on": known.get("depends_on", []),
                "reverse_depends_on": followers,
            }
        ahead.flush_recordset()

    @api.model
    def _release_waiting(self, jobs=None):
        """Let jobs run that wait for nothing which is still to come.

        A worker can die after its commit and before it releases those that wait for
        it, and the jobs they wait for can be cancelled or deleted. What a failed job
        was to deliver can have been delivered by a later one.

        :param jobs: ``queue.job`` records; all of synchronizations if not given
        """
        self.flush_model()
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(
                    SQL(
                        """
                        UPDATE queue_job SET state = 'pending' WHERE id IN (
                            SELECT id FROM queue_job AS job
                             WHERE state = 'wait_dependencies'
                               AND sync_backend_id IS NOT NULL
                               AND sync_stream_id IS NOT NULL
                               AND %s
                               AND NOT EXISTS (
                                   SELECT 1 FROM json_array_elements_text(
                                            job.dependencies::json -> 'depends_on'
                                        ) AS dependency (uuid)
                                     JOIN queue_job AS ahead
                                       ON ahead.uuid = dependency.uuid
                                    WHERE ahead.state NOT IN ('done', 'cancelled')
                                      AND (ahead.state <> 'failed' OR EXISTS (
                                          SELECT 1 FROM sync_outbox
                                           WHERE job_uuid = ahead.uuid)))
                               FOR NO KEY UPDATE SKIP LOCKED)
                        """,
                        SQL("id = ANY(%s)", jobs.ids)
                        if jobs is not None
                        else SQL("true"),
                    ),
                    log_exceptions=False,
                )
        except pg_errors.SerializationFailure:
            # somebody is just releasing or closing one of them; the sweep looks again
            return
        self.invalidate_model(["state"])

    @api.model
    def _release_behind(self, uuids):
        """Let jobs run that wait for failed ones whose changes have been delivered.

        :param uuids: of jobs whose changes another job has just delivered
        """
        failed = self.sudo().search(
            [
                ("uuid", "in", list(uuids)),
                ("state", "=", FAILED),
                ("graph_uuid", "!=", False),
            ]
        )
        if failed.dependent_ids:
            self._release_waiting(failed.dependent_ids)

    def _settle_dependents(self, note):
        """Drop the changes of the jobs that were cancelled with these, and say so."""
        seen, cancelled = self.sudo(), self.sudo().dependent_ids
        while cancelled:
            cancelled = cancelled.filtered(lambda job: job.state == CANCELLED) - seen
            seen |= cancelled
            cancelled = cancelled.dependent_ids
        dependents = seen - self.sudo()
        if dependents:
            text = self.env._("Cancelled with the job that it waited for: %s", note)
            self.env["sync.outbox"]._settle(dependents, text)

    def _reason_to_wait(self):
        """Return the names of what a job waits for, in a sentence."""
        self.ensure_one()
        ahead = self.sudo().dependency_ids
        failed = ahead.filtered(lambda job: job.state == FAILED)
        names = ", ".join(
            (failed or ahead.filtered(lambda job: job.state != "done")).mapped(
                lambda job: job.related_name or job.name
            )
        )
        if failed:
            return self.env._("Waits for %s, which failed", names)
        return self.env._("Waits for %s", names) if names else False
