# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.queue_job.job import CANCELLED, DONE, FAILED, PENDING

_logger = logging.getLogger(__name__)

# Failed jobs told about in one go before the cron commits.
NOTIFY_BATCH = 50


class QueueJob(models.Model):
    _inherit = "queue.job"

    date_created = fields.Datetime(string="Created")
    date_enqueued = fields.Datetime(string="Enqueued")
    date_started = fields.Datetime(string="Started")
    date_done = fields.Datetime(string="Done")
    exec_time = fields.Float(string="Duration (s)")
    user_id = fields.Many2one(string="User")  # pylint: disable=attribute-string-redundant

    sync_backend_id = fields.Many2one(
        "sync.backend",
        "External System",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    sync_stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    sync_res_id = fields.Integer(
        "Record Id", readonly=True, index="btree_not_null", aggregator=None
    )
    sync_record_name = fields.Char("Record", readonly=True)
    sync_delivery_ids = fields.One2many(
        "sync.delivery", compute="_compute_sync_delivery_ids", string="Deliveries"
    )
    failure_reason = fields.Char(compute="_compute_failure_reason")
    related_name = fields.Char("Related Record", compute="_compute_related_name")
    failure_notified = fields.Boolean(
        readonly=True,
        copy=False,
        help="The administrators have been told that this job failed.",
    )
    failure_recipient_ids = fields.Many2many(
        "res.partner", compute="_compute_failure_recipient_ids", compute_sudo=True
    )

    # Used by _cron_notify_failures
    _failure_to_notify_index = models.Index(
        "(id) WHERE state = 'failed' AND failure_notified IS NOT TRUE"
    )

    def _compute_sync_delivery_ids(self):
        deliveries = self.env["sync.delivery"].search(
            [("job_uuid", "in", self.filtered("sync_stream_id").mapped("uuid"))]
        )
        by_uuid = deliveries.grouped("job_uuid")
        for job in self:
            job.sync_delivery_ids = by_uuid.get(job.uuid, deliveries.browse())

    def _compute_related_name(self):
        for job in self:
            job.related_name = job.sync_record_name or job._name_of_records()

    @api.depends("exc_message", "exc_info", "exc_name")
    def _compute_failure_reason(self):
        for job in self:
            # the last line of a traceback says what happened
            lines = (job.exc_info or "").strip().splitlines()
            job.failure_reason = (
                job.exc_message or (lines and lines[-1]) or job.exc_name
            )

    def _name_of_records(self):
        """Return the names of up to three records that a job works on."""
        self.ensure_one()
        records = self.records
        if records is None or not records.ids:
            return False
        found = records.with_env(self.env).exists()._filtered_access("read")
        if not found:
            return str(records)
        names = found[:3].mapped("display_name")
        return ", ".join(names) + ("…" if len(found) > 3 else "")

    # -- decisions of people --------------------------------------------------

    def _change_job_state(self, state, result=None):
        res = super()._change_job_state(state, result=result)
        if state in (DONE, CANCELLED):
            self.env["sync.outbox"]._settle(
                self, result or self.env._("Closed by %s", self.env.user.name)
            )
        elif state == PENDING:
            self.env["sync.outbox"].sudo()._rearm(self)
        return res

    def open_related_action(self):
        """Open what the job works on.

        :raises UserError: there is nothing to open, or no longer
        """
        try:
            return super().open_related_action()
        except UserError:
            if self.records and not self.records.exists():
                raise UserError(
                    self.env._("%s no longer exists.", self.related_name)
                ) from None
            raise

    # -- telling about failures -----------------------------------------------

    def write(self, vals):
        if "state" in vals and "failure_notified" not in vals:
            # a job that fails again is told about again
            vals = {**vals, "failure_notified": False}
        res = super().write(vals)
        if vals.get("state") == FAILED:
            for job in self.sudo().filtered("sync_stream_id"):
                self.env["sync.binding"].sudo()._record_failure(job)
            self._trigger_notification()
        return res

    def _message_post_on_failure(self):
        """Leave a note on the job; the mail is sent from the template instead.

        queue_job subscribes every manager and mails each of them here.
        """
        for job in self:
            message = job._message_failed_job()
            if message:
                job.message_post(body=message, subtype_xmlid="mail.mt_note")

    @api.model
    def _trigger_notification(self):
        cron = self.env.ref(
            "queue_job_sync.ir_cron_notify_failures", raise_if_not_found=False
        )
        if cron:
            cron.sudo()._trigger()

    @api.depends("company_id")
    def _compute_failure_recipient_ids(self):
        for company, jobs in self.grouped("company_id").items():
            jobs.failure_recipient_ids = company._job_failure_partners()

    @api.model
    def _cron_notify_failures(self):
        """Mail the administrators about each failed job, once.

        Jobs failed by queue_job's runner with plain SQL pass through no method, so
        this looks at what is failed rather than at what announced itself.
        """
        template = self.env.ref(
            "queue_job_sync.mail_template_job_failed", raise_if_not_found=False
        )
        if not template:
            _logger.error("Nobody is told about failed jobs: the mail has no template")
            return
        domain = [("state", "=", FAILED), ("failure_notified", "=", False)]
        last_id = 0
        while jobs := self.search(
            [*domain, ("id", ">", last_id)], order="id", limit=NOTIFY_BATCH
        ):
            last_id = jobs[-1].id
            told = jobs.filtered(lambda job: job._tell_failure(template))
            told.failure_notified = True
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
            time_left = self.env["ir.cron"]._commit_progress(
                len(told),
                remaining=self.search_count([*domain, ("id", ">", last_id)]),
            )
            if not (told and time_left):
                break

    def _tell_failure(self, template):
        """Queue the mail about a failed job.

        :return: whether that is settled; a text that cannot be rendered has to be
            mended first, and is tried again when the cron next runs
        """
        self.ensure_one()
        if not self.failure_recipient_ids:
            _logger.warning(
                "Job %s failed, and nobody who could be told has an e-mail address",
                self.uuid,
            )
            return True
        try:
            with self.env.cr.savepoint():
                template.send_mail(self.id)
        except Exception:
            _logger.exception("No mail could be written about failed job %s", self.uuid)
            return False
        return True
