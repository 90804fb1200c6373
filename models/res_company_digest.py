# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re
from collections import Counter

from odoo import models

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
    """What the digest about failed jobs says."""

    _inherit = "res.company"

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
                "exc_message",
                "exc_name",
            ],
            ["__count"],
            order="__count DESC",
            limit=MOST_TEXTS,
        )
        counts, shown = Counter(), {}
        for system, stream, model, method, message, name, count in found:
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
            ["name", "exc_message", "exc_name"],
            order="id",
            limit=MOST_JOBS,
        )
        url = f"{self.get_base_url()}/odoo/action-queue_job.action_queue_job"
        return [
            {
                "name": job.name,
                "error": self._job_failure_text(job.exc_message, job.exc_name),
                "url": f"{url}/{job.id}",
            }
            for job in found
        ]

    def _job_failure_text(self, message, name):
        """Return one line that says what went wrong.

        :param str message: of the exception; it may be empty or have many lines
        :param str name: of the exception's class
        """
        lines = OUT_OF_TRIES.sub("", message or "").strip().splitlines()
        text = lines[0] if lines else (name or "").rpartition(".")[2]
        if len(text) > ERROR_LENGTH:
            text = text[: ERROR_LENGTH - 1] + "…"
        return text
