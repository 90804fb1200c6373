# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from functools import partial

from odoo import models

from ..exceptions import Throttled
from ..transports.base import Message
from .sync_attempt import Attempt


class SyncBinding(models.Model):
    """First deliveries whose answer never came, see ``sync.attempt``."""

    _inherit = "sync.binding"

    def _is_new_there(self):
        """Tell whether the destination has never confirmed this record."""
        self.ensure_one()
        return not (self.external_id or self.content_hash)

    def _open_attempts(self, stream, bindings):
        """Return the open :class:`Attempt` of the bindings that have one, by record."""
        new = bindings.filtered(lambda binding: binding._is_new_there())
        if not new:
            return {}
        return self.env["sync.attempt"]._read_open(
            stream.id, {binding.res_id: binding.version for binding in new}
        )

    def _note_attempts(self, tasks):
        """Note the first deliveries among tasks that are about to be sent."""
        notes = [
            (
                task.binding.res_id,
                task.binding.version,
                Attempt(task.message.idempotency_key, task.digest, task.content),
            )
            for task in tasks
            if task.message.operation == "upsert" and task.binding._is_new_there()
        ]
        if notes:
            stream = tasks[0].binding.stream_id
            self.env["sync.attempt"]._note(stream.id, notes)

    def _forget_attempts(self, stream, record_ids):
        """Drop the notes of records that were refused: they are not there."""
        if record_ids:
            self.env["sync.attempt"]._forget(stream.id, record_ids)

    def _forget_attempts_on_commit(self, stream, record_ids):
        """Drop the notes of confirmed records once the confirmation is committed."""
        if record_ids:
            self.env.cr.postcommit.add(
                partial(self.env["sync.attempt"]._forget, stream.id, record_ids)
            )

    def _resume_attempts(self, stream, tasks):
        """Ask again where an answer is missing, before anything else is sent.

        Only destinations that give their own ids need it: the others know the record
        by Odoo's id, so that whatever is sent next finds the same one. The tasks are
        changed in place to what is still to be done.

        :return: list of ``(task, error)`` for those that got no answer again
        """
        route = stream._route()
        pending = [
            task
            for task in tasks
            if task.attempt
            and route.id_policy == "destination"
            and (task.message or not task.record)
            and task.attempt.digest != task.digest
        ]
        if not pending:
            return []
        with stream.backend_id._open_transport() as transport:
            receipts = transport.send(
                [
                    Message(
                        operation="upsert",
                        key=task.binding.res_id,
                        payload=json.loads(task.attempt.content),
                        route=route,
                        idempotency_key=task.attempt.key,
                    )
                    for task in pending
                ]
            )
        failures = []
        for task, receipt in zip(pending, receipts, strict=True):
            if self._take_answer(stream, task, receipt):
                fresh = self._prepare_task(stream, task.binding, task.rows, task.record)
                task.__dict__.update(fresh.__dict__)
            else:
                failures.append((task, receipt.error))
        return failures

    def _take_answer(self, stream, task, receipt):
        """Take note of the answer to an attempt that was made again.

        :return: whether it is known now if the record is there
        """
        record_ids = [task.binding.res_id]
        bodies = {task.binding.res_id: task.attempt.content}
        if receipt.ok:
            self.env["sync.delivery"]._log_receipts(stream, [receipt], bodies)
            self._confirm(task, receipt, task.attempt.digest)
            self._forget_attempts_on_commit(stream, record_ids)
            return True
        self._log_refused(stream, [receipt], bodies)
        if receipt.status is None or isinstance(receipt.error, Throttled):
            return False
        # it is not there: what would have created it was answered with an error
        self._forget_attempts(stream, record_ids)
        return True
