# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine import standing
from ..engine.jobs import requeue_many
from . import sync_job_batches  # noqa: F401  # it is inherited


class SyncRecover(models.TransientModel):
    """Requeue what has failed of a system, or of one of its synchronizations."""

    _name = "sync.recover"
    _inherit = "sync.job.batches"
    _description = "Requeue Failed Jobs"

    backend_id = fields.Many2one(
        "sync.backend",
        "System",
        compute="_compute_backend_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        help="The system whose failed jobs are queued again.",
    )
    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        domain="[('backend_id', '=', backend_id)]",
        ondelete="cascade",
        help="Only its failed jobs are queued again. Empty: those of the whole system.",
    )
    since = fields.Datetime(
        "Failed Since",
        default=lambda self: fields.Datetime.now() - timedelta(days=1),
        help="Jobs that failed before are left alone. Empty: all are queued again.",
    )
    job_count = fields.Integer(
        "Failed Jobs",
        compute="_compute_job_count",
        help="How many jobs would be queued again.",
    )

    record_count = fields.Integer(
        "Records",
        compute="_compute_job_count",
        help="How many records would be sent again, as they are by then.",
    )

    @api.depends("stream_id")
    def _compute_backend_id(self):
        for wizard in self:
            wizard.backend_id = wizard.stream_id.backend_id or wizard.backend_id

    def _jobs_domain(self):
        self.ensure_one()
        domain = [
            ("sync_backend_id", "=", self.backend_id.id),
            ("state", "=", "failed"),
        ]
        if self.stream_id:
            domain.append(("sync_stream_id", "=", self.stream_id.id))
        if self.since:
            domain.append(("date_started", ">=", self.since))
        return domain

    @api.depends("backend_id", "stream_id", "since")
    def _compute_job_count(self):
        for wizard in self:
            domain = wizard._jobs_domain()
            wizard.job_count = self.env["queue.job"].search_count(domain)
            found = standing.records_of_jobs(self.env, domain, again=True)
            wizard.record_count = sum(records for _system, records in found)

    def action_recover(self):
        """Put the failed jobs back to pending, to go as the system takes them.

        :raises UserError: none has failed since
        """
        self.check_access("write")
        self.env["queue.job"].check_access("write")
        if not self.job_count:
            raise UserError(
                self.env._(
                    "No job of %(system)s has failed since then.",
                    system=(self.stream_id or self.backend_id).name,
                )
            )
        return self._start(self.env._("Requeue Failed Jobs"))

    def _decide(self, jobs, total):
        jobs.check_access("write")
        requeue_many(jobs.sudo(), bulk=total > 1)
