# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random

from odoo import api, fields, models

from odoo.addons.queue_job.exception import RetryableJobError

from ..exceptions import RateLimited
from .sync_binding_lock import BUSY_SECONDS

# Seconds to wait for a changed mind about a system or a synchronization that is
# archived, or a draft again.
RESTING_SECONDS = 600
# On a binding that is in step again.
NOTHING_DECIDED = {"note": False, "note_date": False, "skipped": False}


class SyncBinding(models.Model):
    """How a worker delivers: everything here runs in a job's transaction.

    What becomes of the records that did not get through is in
    ``sync_binding_failure.py``.
    """

    _inherit = "sync.binding"

    @api.model
    def _deliver(self, stream, record_ids):
        """Send records of a stream as they are now, and settle their outbox rows.

        :param stream: the ``sync.stream``
        :param record_ids: ids of the records
        :return: what was done, in a sentence for people
        :raises RetryableJobError: temporary failure of the only record, no record got
            through, or a wait
        :raises SyncError: the only record was refused
        """
        if not stream.exists():
            return self.env._("The synchronization no longer exists: nothing sent.")
        owed = self._owed_changes(stream, record_ids)
        if not owed:
            return self.env._(
                "%s: already delivered by another job.", stream.backend_id.name
            )
        self._pass_gate(stream, owed)
        record_ids = list(owed)
        behind = self._precedence(stream, record_ids)
        owed = {id_: owed[id_] for id_ in record_ids if id_ not in behind}
        if not owed:
            text = self._waiting_text(stream, behind)
            self._put_behind(stream, behind, record_ids)
            return text
        bindings = self._lock(stream, list(owed))
        busy = owed.keys() - {held.res_id for held in bindings}
        if len(busy) == len(owed):
            raise self._busy_error()
        tasks, broken = self._prepare_tasks(stream, bindings, owed)
        failures = self._resume_creations(stream, tasks)
        failed = {task for task, _error in failures}
        failures += self._send_tasks(
            stream, [task for task in tasks if task not in failed]
        )
        if failures and len(record_ids) == 1:
            raise self._job_error(stream, failures[0][1])
        self._hand_on_failures(stream, tasks, failures)
        for res_id in broken:
            self._hand_on(stream, [res_id])
        if busy:
            self._hand_on(stream, list(busy), random.uniform(*BUSY_SECONDS))
        self._put_behind(stream, behind, record_ids)
        apart = len(broken) + len(busy) + len(behind)
        return self._summary(stream, tasks, failures, apart)

    def _pass_gate(self, stream, owed):
        """Return only if now is a time to send; waiting uses no try."""
        resting = stream._resting_text()
        if resting:
            raise RetryableJobError(resting, seconds=RESTING_SECONDS, ignore_retry=True)
        hold = stream.backend_id._hold()
        if hold:
            text, seconds = hold
            raise RetryableJobError(text, seconds=seconds, ignore_retry=True)
        wait = stream._seconds_until_open()
        if wait and not any(changes.force for changes in owed.values()):
            raise RetryableJobError(
                self.env._("Waiting for the off-peak hours."),
                seconds=wait,
                ignore_retry=True,
            )

    # -- sending and settling -------------------------------------------------

    def _send_tasks(self, stream, tasks):
        """Send what has to be sent, and settle what got through.

        :return: list of ``(task, error)`` for the others
        """
        sent = self._transmit(stream, [task for task in tasks if task.message])
        settled = [task for task in tasks if not task.message]
        with self._telling_loss(stream, sent):
            # the system holds what is here: no older state was left there
            self.browse(task.binding.id for task in settled if task.binding.note).write(
                NOTHING_DECIDED
            )
            confirmed = self._confirm(stream, sent)
            settled += confirmed
            self._settle_rows([id_ for task in settled for id_ in task.owed.row_ids])
            self._send_over_late_ones(stream, confirmed)
        return [(task, receipt.error) for task, receipt in sent if not receipt.ok]

    def _settle_rows(self, row_ids):
        """Drop outbox rows that have been delivered, by their ids."""
        rows = self.env["sync.outbox"].browse(row_ids)
        self.env.cr.execute(
            "DELETE FROM sync_outbox WHERE id = ANY(%s) RETURNING job_uuid", (row_ids,)
        )
        uuids = {uuid for (uuid,) in self.env.cr.fetchall()}
        rows.invalidate_recordset(flush=False)
        others = uuids - {None, self.env.context.get("job_uuid")}
        if others:
            self.env["queue.job"]._release_behind(others)

    def _log_refused(self, stream, receipts, bodies):
        """Log failed attempts for good, whatever becomes of the job's transaction."""
        # our own limit is no failure of the system
        receipts = [
            each for each in receipts if not isinstance(each.error, RateLimited)
        ]
        # after the first failure of a whole system the rest was not even sent
        attempted = [each for each in receipts if each.request] or receipts[:1]
        if attempted:
            with self.env.registry.cursor() as cr:
                deliveries = self.env(cr=cr)["sync.delivery"]
                deliveries._log_receipts(stream, attempted, bodies)

    def _confirm(self, stream, sent):
        """Keep what the destination has confirmed, in one statement, and log it.

        :param sent: list of ``(task, receipt)``
        :return: the tasks among them that it has confirmed
        """
        done = [(task, receipt) for task, receipt in sent if receipt.ok]
        if not done:
            return []
        self.env["sync.delivery"]._log_receipts(
            stream,
            [receipt for _task, receipt in done],
            {task.binding.res_id: task.content for task, _receipt in done},
        )
        rows = []
        for task, receipt in done:
            gone = receipt.message.operation == "delete"
            task.binding = task.binding._replace(
                external_id=None if gone else receipt.external_id,
                content_hash=None if gone else task.digest,
                version=task.binding.version + 1,
                note=None,
            )
            rows.append(
                (
                    task.binding.id,
                    task.binding.external_id,
                    task.binding.content_hash,
                )
            )
        self.env.cr.execute(
            """
            UPDATE sync_binding AS binding
               SET external_id = sent.external_id, content_hash = sent.digest,
                   version = version + 1, last_success = %s,
                   last_error = NULL, last_error_date = NULL,
                   note = NULL, note_date = NULL, skipped = false
              FROM unnest(%s::int[], %s::text[], %s::text[])
                   AS sent (id, external_id, digest)
             WHERE binding.id = sent.id
            """,
            (
                fields.Datetime.now(),
                *(list(column) for column in zip(*rows, strict=True)),
            ),
        )
        self.browse(id_ for id_, *_values in rows).invalidate_recordset(flush=False)
        confirmed = [task for task, _receipt in done]
        self._close_on_commit(stream, confirmed)
        return confirmed

    def _summary(self, stream, tasks, failures, apart):
        """Return what became of the records, for the job's result.

        :param int apart: how many others were left to another job
        """
        system = stream.backend_id.name
        sent = [task for task in tasks if task.message]
        if len(tasks) == 1 and not apart:
            (task,) = tasks
            if not sent:
                return self.env._("%s: nothing to send.", system)
            if task.message.operation == "delete":
                return self.env._("%s: deleted.", system)
            if task.message.operation == "mark":
                return self.env._("%s: marked as deleted.", system)
            if task.binding.external_id:
                return self.env._(
                    "%(system)s: delivered as %(id)s.",
                    system=system,
                    id=task.binding.external_id,
                )
            return self.env._("%s: delivered.", system)
        return self.env._(
            "%(system)s: %(sent)s delivered, %(same)s unchanged, "
            "%(apart)s left to another job.",
            system=system,
            sent=len(sent) - len(failures),
            same=len(tasks) - len(sent),
            apart=len(failures) + apart,
        )
