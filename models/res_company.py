# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re
from collections import Counter
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..engine import words
from ..transports.redact import shorten
from .queue_job import OUT_OF_TRIES

# What a digest shows at most of the errors, and of the jobs.
MOST_ERRORS = 20
MOST_JOBS = 20
# Different texts of errors that are looked at, the most frequent first.
MOST_TEXTS = 5000
# Characters of an error that are shown.
ERROR_LENGTH = 200
# Ids, addresses and amounts: what tells the errors of two records apart. A number of
# three digits is more likely a status code, which tells two errors apart.
PARTICULAR = re.compile(r"\b(?!\d{3}\b)\w*\d\w*")


class ResCompany(models.Model):
    """Who is told about failed jobs of a company, when, and what."""

    _inherit = "res.company"

    job_failure_user_ids = fields.Many2many(
        "res.users",
        "res_company_job_failure_user_rel",
        string="Failed Jobs Are Mailed To",
        domain=[("share", "=", False)],
        help="Who gets a mail when a job of this company fails. "
        "Empty: every Job Queue Manager of the company.",
    )
    job_failure_quiet_minutes = fields.Integer(
        "Quiet Period After a Mail",
        default=15,
        help="Minutes. Jobs that fail this soon after a mail about failed jobs are told"
        " about in one digest when the time is over. 0: each failed job makes a mail at"
        " once.",
    )
    job_failure_mailed = fields.Datetime(
        "Last Mail About Failed Jobs",
        readonly=True,
        copy=False,
        help="The quiet period begins with it.",
    )

    _job_failure_quiet_minutes = models.Constraint(
        "CHECK (job_failure_quiet_minutes >= 0)",
        "The quiet period after a mail cannot be negative.",
    )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_systems(self):
        # before PostgreSQL locks the company, which jobs of its systems refer to
        systems = self.env["sync.backend"].sudo().with_context(active_test=False)
        systems = systems.search([("company_id", "in", self.ids)])
        if systems:
            raise UserError(
                self.env._(
                    "External systems get the records of %(companies)s: %(systems)s. "
                    "Delete them first, or give them another company.",
                    companies=", ".join(systems.company_id.mapped("name")),
                    systems=", ".join(systems.mapped("name")),
                )
            )

    # -- who is told, and when ------------------------------------------------

    def _job_failure_users(self, chosen):
        """Return who is to be told about failed jobs, with an address or without.

        Never a manager whom queue_job would not tell: with ``queue_job_subscribe``,
        each decides about that.

        :param self: one company, or none for what belongs to no company
        :param chosen: the users who are, instead of every manager; may be empty
        """
        group = self.env.ref("queue_job.group_queue_job_manager")
        managers = Domain("all_group_ids", "in", group.ids)
        asked = Domain(self.env["queue.job"]._subscribe_users_domain() or managers)
        if chosen:
            # not by a negation: that of a group finds who has any other group too
            users, among = self.env["res.users"], Domain("id", "in", chosen.ids)
            declined = users.search(among & managers) - users.search(among & asked)
            return chosen - declined
        if self:
            asked &= Domain("company_ids", "in", self.ids)
        return self.env["res.users"].search(asked)

    def _job_failure_partners(self):
        """Return whom a mail about failed jobs or an outage goes to."""
        users = self._job_failure_users(self.job_failure_user_ids)
        return users.partner_id.filtered("email")

    def _job_failure_quiet_until(self):
        """Return when the quiet period ends, None when there is none now."""
        if not self.job_failure_mailed:
            return None
        minutes = timedelta(minutes=self.job_failure_quiet_minutes)
        until = self.job_failure_mailed + minutes
        return until if until > fields.Datetime.now() else None

    # -- what the digest says -------------------------------------------------

    def _job_failure_count(self):
        """Return the number of failed jobs that nobody has been told about."""
        jobs = self.env["queue.job"]
        return jobs.search_count(jobs._untold_domain(self))

    def _job_failure_digest(self):
        """Return what there is to tell about failed jobs, for the mail's template.

        No field that may be large, nor a traceback, is read or told.

        :return: a dict: ``count`` (jobs), ``errors`` (dicts with ``system``, ``task``,
            ``error`` and ``count``, most frequent first), ``other_errors`` (jobs in
            none of these), ``jobs`` (dicts with ``name``, ``error`` and ``url``, the
            first by id), ``other_jobs`` (number), ``url`` (of the list of failed jobs)
        """
        self.ensure_one()
        count = self._job_failure_count()
        errors = self._job_failure_errors()
        jobs = self._job_failure_first()
        return {
            "count": count,
            "errors": errors,
            "other_errors": count - sum(error["count"] for error in errors),
            "jobs": jobs,
            "other_jobs": count - len(jobs),
            "url": self.get_base_url()
            + "/odoo/action-queue_job_sync.action_queue_job_failed",
        }

    def _job_failure_errors(self):
        """Return the most frequent errors by system and task, as in the digest."""
        jobs = self.env["queue.job"]
        found = jobs._read_group(
            jobs._untold_domain(self),
            [
                "sync_backend_id",
                "sync_stream_id",
                "model_name",
                "method_name",
                "sync_error",
                "exc_message",
                "exc_name",
            ],
            ["__count"],
            order="__count DESC",
            limit=MOST_TEXTS,
        )
        counts, shown = Counter(), {}
        for system, stream, model, method, kept, message, name, count in found:
            message = words.read(self.env, kept) if kept else message
            error = self._job_failure_text(message, name)
            task = stream.name or f"{model}.{method}"
            key = (system.id, task, PARTICULAR.sub("", error))
            counts[key] += count
            # the most frequent of the similar texts is shown
            shown.setdefault(key, (system.name or "", task, error))
        return [
            dict(zip(("system", "task", "error"), shown[key], strict=True), count=count)
            for key, count in counts.most_common(MOST_ERRORS)
        ]

    def _job_failure_first(self):
        """Return the first failed jobs, as in the digest."""
        jobs = self.env["queue.job"]
        found = jobs.search_fetch(
            jobs._untold_domain(self),
            ["name", "sync_error", "exc_message", "exc_name"],
            order="id",
            limit=MOST_JOBS,
        )
        url = f"{self.get_base_url()}/odoo/action-queue_job.action_queue_job"
        return [
            {
                "name": job.name,
                "error": self._job_failure_text(
                    job.sync_error or job.exc_message, job.exc_name
                ),
                "url": f"{url}/{job.id}",
            }
            for job in found
        ]

    def _job_failure_text(self, message, name):
        """Return one line of an exception's message, or else its class."""
        lines = OUT_OF_TRIES.sub("", message or "").strip().splitlines()
        text = lines[0] if lines else (name or "").rpartition(".")[2]
        return shorten(text, ERROR_LENGTH)
