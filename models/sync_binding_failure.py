# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
import random
from datetime import timedelta

from psycopg2 import errors as pg_errors

from odoo import models

from odoo.addons.queue_job.exception import RetryableJobError

from ..exceptions import Rejected, Throttled, Unreachable
from . import clock
from .sync_outbox import LEFT

_logger = logging.getLogger(__name__)

# Waiting times are stretched by up to this part, so that what failed together does
# not come back together.
JITTER = 0.1


class SyncBinding(models.Model):
    """What becomes of the records that did not get through."""

    _inherit = "sync.binding"

    def _job_error(self, stream, error):
        """Return the exception that queue_job has to see for a failed delivery."""
        if isinstance(error, Rejected):
            return error
        if isinstance(error, Unreachable):
            pause = stream.backend_id._note_unreachable(error.message)
            if pause:
                return RetryableJobError(
                    error.message, seconds=pause, ignore_retry=True
                )
        job = self.env["queue.job"].search(
            [("uuid", "=", self.env.context.get("job_uuid"))], limit=1
        )
        return RetryableJobError(
            error.message,
            seconds=self._seconds_after(stream, error, job.retry + 1),
            ignore_retry=isinstance(error, Throttled),
        )

    def _seconds_after(self, stream, error, current_try):
        """Return how many seconds to wait after a failure."""
        if isinstance(error, Rejected):
            return 0
        if isinstance(error, Throttled):
            return max(1, error.retry_after)
        seconds = stream._retry_seconds(current_try)
        least, most = seconds if isinstance(seconds, tuple) else (seconds,) * 2
        return random.uniform(least, max(most, least * (1 + JITTER)))

    def _hand_on_failures(self, stream, tasks, failures):
        """Find other jobs for the records of a batch that did not get through.

        One of its own for each, unless it was not the record's fault: an outage must
        not turn a batch into as many jobs as it has records.

        :raises RetryableJobError: nothing at all got through, for no fault of theirs
        """
        refused = [task for task, error in failures if isinstance(error, Rejected)]
        stopped = [
            (task, error)
            for task, error in failures
            if isinstance(error, Throttled | Unreachable)
        ]
        sent = [task for task in tasks if task.message]
        if len(failures) == len(sent) and not refused and (stopped or len(sent) > 1):
            raise self._job_error(stream, (stopped or failures)[0][1])
        if stopped:
            self._hand_on(
                stream,
                [task.binding.res_id for task, _error in stopped],
                self._seconds_after(stream, stopped[0][1], 1),
            )
        for task, error in failures:
            if not isinstance(error, Throttled | Unreachable):
                seconds = self._seconds_after(stream, error, 1)
                self._hand_on(stream, [task.binding.res_id], seconds)

    def _hand_on(self, stream, res_ids, seconds=0, after=None):
        """Give records of a batch another job, with their outbox rows.

        :param seconds: to wait before
        :param after: ``queue.job`` records that have to be done before
        """
        uuid = self.env.context.get("job_uuid")
        # by the job alone: its rows are few, those of a stream need not be
        rows = self.env["sync.outbox"].search([("job_uuid", "=", uuid)])
        rows = rows.filtered(
            lambda row, ids=set(res_ids): row.stream_id == stream and row.res_id in ids
        )
        records = self.env[stream.model_name].browse(res_ids)
        names = {row.res_id: row.record_name for row in rows}
        eta = None
        if seconds:
            # this transaction has lasted for as long as it took to send
            eta = clock.current(self.env.cr) + timedelta(seconds=seconds)
        next_uuid = None
        try:
            with self.env.cr.savepoint(flush=False):
                next_uuid = rows._delay(
                    stream, records, names, eta, rows._job_priority(), after
                )
        except Exception:
            _logger.exception(LEFT, records, stream.id)
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(
                    "UPDATE sync_outbox SET job_uuid = %s WHERE id = ANY(%s)",
                    (next_uuid, rows.ids),
                    log_exceptions=False,
                )
        except pg_errors.SerializationFailure:
            # The job that held one of them has just settled it. What is left is
            # for the other job all the same, and the sweep puts its rows right.
            return
        rows.invalidate_recordset(["job_uuid"], flush=False)
