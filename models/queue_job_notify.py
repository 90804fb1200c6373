# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

from odoo import api, fields, models

from odoo.addons.queue_job.job import FAILED

_logger = logging.getLogger(__name__)

# Failed jobs told about in a mail each, before the cron commits.
NOTIFY_BATCH = 50
# Jobs told about in one digest that are marked as told before the cron commits.
MARK_BATCH = 1000

MAIL_OF_ONE = "queue_job_sync.mail_template_job_failed"
MAIL_OF_MANY = "queue_job_sync.mail_template_jobs_failed"


class QueueJob(models.Model):
    """Administrators are told of failed jobs: soon, and without a storm of mails.

    One failure is a mail of its own, several are a digest. After a mail the company is
    left in peace for its quiet period; what fails meanwhile is in the next digest.
    """

    _inherit = "queue.job"

    failure_notified = fields.Boolean(
        readonly=True,
        copy=False,
        help="The administrators have been told that this job failed.",
    )
    failure_recipient_ids = fields.Many2many(
        "res.partner",
        compute="_compute_failure_recipient_ids",
        compute_sudo=True,
        help="Who gets the mail when the job fails.",
    )

    # Used by _cron_notify_failures
    _failure_to_notify_index = models.Index(
        # the id first: the first ones are searched for by id, for several companies
        "(id, company_id) WHERE state = 'failed' AND failure_notified IS NOT TRUE"
    )

    def write(self, vals):
        if "state" in vals and "failure_notified" not in vals:
            # a job that fails again is told about again
            vals = {**vals, "failure_notified": False}
        res = super().write(vals)
        if vals.get("state") == FAILED:
            self.sudo()._trigger_notification()
        return res

    def _notify_thread(self, message, *args, **kwargs):
        """Tell nobody of the message about a failure: the template's mail does that.

        queue_job leaves the message for the followers, whom it subscribes with it.
        """
        about_failure = self.env.ref(
            "queue_job.mt_job_failed", raise_if_not_found=False
        )
        if about_failure and message.subtype_id == about_failure:
            return []
        return super()._notify_thread(message, *args, **kwargs)

    def _trigger_notification(self):
        """Call the cron, unless a quiet period is on: its end calls the cron."""
        companies = {job._failure_company() for job in self}
        if all(company._job_failure_quiet_until() for company in companies):
            return
        cron = self._notification_cron()
        if cron:
            cron._trigger()

    @api.model
    def _notification_cron(self):
        cron = self.env.ref(
            "queue_job_sync.ir_cron_notify_failures", raise_if_not_found=False
        )
        return cron and cron.sudo()

    def _failure_company(self):
        """Return whose people are told; the main company's for jobs of no company.

        Everybody may see a job without a company, so any company could tell; the main
        one has a quiet period like the others.
        """
        self.ensure_one()
        return self.company_id or self.env["res.company"]._get_main_company()

    @api.depends("company_id")
    def _compute_failure_recipient_ids(self):
        for job in self:
            company = job._failure_company()
            job.failure_recipient_ids = company._job_failure_partners()

    # -- the cron -------------------------------------------------------------

    @api.model
    def _cron_notify_failures(self):
        """Tell the administrators about failed jobs, each failure once.

        Jobs failed by queue_job's runner with plain SQL pass through no method, so
        this looks at what is failed rather than at what announced itself.
        """
        untold = self._read_group(self._untold_domain(), ["company_id"])
        main = self.env["res.company"]._get_main_company()
        for company in {company or main for (company,) in untold}:
            quiet_until = company._job_failure_quiet_until()
            if quiet_until:
                self._call_again_at(quiet_until)
            elif not self._tell_company(company):
                break

    @api.model
    def _untold_domain(self, company=None):
        """Return the domain of the failed jobs that nobody has been told about.

        :param company: only those that this company is to be told about
        """
        domain = [("state", "=", FAILED), ("failure_notified", "=", False)]
        if company:
            ids = company.ids
            if company == company._get_main_company():
                ids = [*ids, False]
            domain.append(("company_id", "in", ids))
        return domain

    @api.model
    def _tell_company(self, company):
        """Tell a company about all its failed jobs.

        :return: whether there is time left for others
        """
        # ids only: ten thousand jobs with their arguments do not fit into memory
        jobs = self.search(self._untold_domain(company), order="id")
        if company.job_failure_quiet_minutes and len(jobs) > 1:
            # told in one go: what is not marked now would be in the next digest too
            if jobs._mail_failures(company, MAIL_OF_MANY, company):
                jobs._mark_told()
            return True
        for start in range(0, len(jobs), NOTIFY_BATCH):
            # not a slice, which would fetch the fields of all jobs
            batch = self.browse(jobs.ids[start : start + NOTIFY_BATCH])
            told = batch.filtered(
                lambda job: job._mail_failures(company, MAIL_OF_ONE, job)
            )
            told.failure_notified = True
            left = len(jobs) - start - len(batch)
            time_left = self._commit_progress(len(told), left)
            if not time_left:
                return False
            if not told:
                break
        return True

    def _mail_failures(self, company, template_xmlid, record):
        """Queue a mail about these failed jobs, in each reader's language.

        :param company: whose people are told
        :param str template_xmlid: of the ``mail.template``
        :param record: what the template is rendered for
        :return: whether that is settled; a text that cannot be rendered has to be
            mended first, and is tried again when the cron next runs
        """
        what = f"Job {self.uuid}" if len(self) == 1 else f"{len(self)} jobs"
        template = self.env.ref(template_xmlid, raise_if_not_found=False)
        if not template:
            _logger.error("%s failed, and the mail about it has no template", what)
            return False
        if not company._job_failure_partners():
            _logger.warning(
                "%s failed, and nobody who could be told has an e-mail address", what
            )
            return True
        try:
            with self.env.cr.savepoint():
                template._queue_for_readers(record)
        except Exception:
            _logger.exception("%s failed, and no mail could be written about it", what)
            return False
        company.job_failure_mailed = fields.Datetime.now()
        quiet_until = company._job_failure_quiet_until()
        if quiet_until:
            self._call_again_at(quiet_until)
        self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
        return True

    def _mark_told(self):
        """Remember that people know of these jobs, and commit.

        Some may have been requeued since; those that fail again are told again.
        """
        for start in range(0, len(self), MARK_BATCH):
            batch = self[start : start + MARK_BATCH]
            still = self.search([("id", "in", batch.ids), *self._untold_domain()])
            # tracking would read all fields of all jobs
            still.with_context(tracking_disable=True).failure_notified = True
            self._commit_progress(len(batch), len(self) - start - len(batch))

    @api.model
    def _commit_progress(self, done, left):
        """Commit; return the seconds that the cron may go on."""
        return self.env["ir.cron"]._commit_progress(done, remaining=left)

    @api.model
    def _call_again_at(self, moment):
        """Have the cron called at a moment, once."""
        cron = self._notification_cron()
        if cron and not self.env["ir.cron.trigger"].sudo().search_count(
            [("cron_id", "=", cron.id), ("call_at", "=", moment)], limit=1
        ):
            cron._trigger(at=moment)
