# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import datetime

from markupsafe import Markup

from odoo import api, fields, models

from odoo.addons.base_sparse_field.models.fields import Serialized
from odoo.addons.queue_job.job import (
    ENQUEUED,
    FAILED,
    PENDING,
    STARTED,
    WAIT_DEPENDENCIES,
)

from ..engine import precedence


class QueueJob(models.Model):
    """What people are shown of a job: why it waits or failed, its tries, its time."""

    _inherit = "queue.job"

    name = fields.Char(help="What the job is about.")
    state = fields.Selection(
        help="Pending: waits for its turn. Enqueued: given to a worker. Started: runs"
        " now. Failed: is not tried again by itself. Wait Dependencies: other jobs have"
        " to be done before."
    )
    uuid = fields.Char(help="What the job is called in logs.")
    model_name = fields.Char(help="What kind of record the job works on.")
    graph_jobs_count = fields.Integer(help="Jobs that were queued together.")
    dependency_graph = Serialized(help="Which job has to be done before which.")
    exc_name = fields.Char(help="The kind of the last error, for developers.")
    exc_message = fields.Char(help="What the last error said.")
    exc_info = fields.Text(help="Where in the code it failed, for developers.")
    result = fields.Text(help="What came of it.")
    func_string = fields.Char(help="The method that is called, for developers.")
    channel = fields.Char(
        help="Jobs of one channel share its capacity: how many may run at a time."
    )
    company_id = fields.Many2one(help="Whose people see the job, and are told of it.")
    user_id = fields.Many2one(  # pylint: disable=attribute-string-redundant
        string="User", help="Whose action made the job; it runs as that user."
    )
    priority = fields.Integer(
        help="Of the jobs that wait, those with the lowest number start first."
    )
    eta = fields.Datetime(help="The job does not start before. Empty: it starts soon.")
    retry = fields.Integer(help="How often it was tried since it was queued.")
    date_created = fields.Datetime(string="Created", help="When it came to be.")
    date_enqueued = fields.Datetime(
        string="Enqueued", help="When it was last given to a worker."
    )
    date_started = fields.Datetime(string="Started", help="When its last try began.")
    date_done = fields.Datetime(string="Done", help="Empty unless it is done.")
    exec_time = fields.Float(
        string="Duration (s)",
        help="Seconds from the start of its last try to its end, done or failed."
        " Empty when it has not run, and for a job whose worker died. A mean when"
        " grouped.",
    )
    state_reason = fields.Char(
        "Reason",
        compute="_compute_state_reason",
        help="Why the job failed, what it waits for, or what came of it.",
    )
    tries = fields.Char(
        "Try",
        compute="_compute_tries",
        help="How often the job was tried, and the number of tries after which it"
        " fails.",
    )

    # The list of what is open and the statistics stay quick beside a million of jobs
    # that are done: both are in the order, or by the time, that people look at.
    _open_jobs_index = models.Index(
        "(date_created DESC, date_done DESC) WHERE state IN"
        " ('wait_dependencies', 'pending', 'enqueued', 'started', 'failed')"
    )
    _ended_jobs_index = models.Index("(date_started) WHERE state IN ('done', 'failed')")

    @api.depends("state", "result", "eta", "failure_reason", "dependencies")
    def _compute_state_reason(self):
        now = fields.Datetime.now()
        for job in self:
            if job.state == FAILED:
                job.state_reason = job.failure_reason
            elif job.state in (ENQUEUED, STARTED):
                # what it has waited for is over
                job.state_reason = False
            elif job.state == WAIT_DEPENDENCIES:
                job.state_reason = precedence.reason_to_wait(job)
            elif job.state == PENDING and not job.result and job.eta and job.eta > now:
                job.state_reason = self.env._("Waits for the time set for it")
            else:
                job.state_reason = job.result

    @api.depends("retry", "max_retries")
    def _compute_tries(self):
        for job in self:
            most = job.max_retries or self.env._("for ever")
            job.tries = f"{job.retry} / {most}"

    @api.model
    def get_empty_list_help(self, help_message):
        """Say what an empty list means, where its window does not."""
        return super().get_empty_list_help(
            help_message
            or Markup(
                '<p class="o_view_nocontent_smiling_face">{nothing}</p><p>{more}</p>'
            ).format(
                nothing=self.env._("Nothing waits and nothing has failed"),
                more=self.env._(
                    "Jobs come by themselves, such as when somebody edits a contact. "
                    "Remove the filter to see those that are done."
                ),
            )
        )

    def _message_failed_job(self):
        # queue_job's speaks of a section that is on top of the form here
        return self.env._("The job has failed, and will not be tried again by itself.")

    def write(self, vals):
        started = vals.get("date_started")
        if vals.get("state") == FAILED and started and not vals.get("exec_time"):
            # queue_job tells the time of done jobs only
            vals = {**vals, "exec_time": (datetime.now() - started).total_seconds()}
        return super().write(vals)
