# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from functools import partial

from odoo import models

from ..exceptions import Rejected
from ..transports.base import Message
from .sync_attempt import Attempt
from .sync_binding_task import TaskBuilder


class SyncBinding(models.Model):
    """Deliveries whose answer never came, see ``sync.attempt``."""

    _inherit = "sync.binding"

    def _open_attempts(self, stream, bindings):
        """Return the unanswered :class:`Attempt` s of each record, oldest first."""
        if not bindings:
            return {}
        return self.env["sync.attempt"]._read_open(
            stream.id, {binding.res_id: binding.version for binding in bindings}
        )

    def _note_attempts(self, stream, tasks):
        """Note what is about to be sent.

        The content too where :meth:`_resume_attempts` may have to send it again.
        """
        keeps = stream._route().id_policy == "destination"
        self.env["sync.attempt"]._note(
            stream.id,
            [
                (
                    task.binding.res_id,
                    task.binding.version,
                    Attempt(
                        task.message.operation,
                        task.message.idempotency_key,
                        task.digest,
                        task.content if keeps else "",
                    ),
                )
                for task in tasks
            ],
        )

    def _forget_refused(self, stream, keys):
        """Drop the notes of requests that were refused: they changed nothing there."""
        if keys:
            self.env["sync.attempt"]._forget_keys(stream.id, keys)

    def _forget_on_commit(self, stream, record_ids):
        """Drop the notes of confirmed records once the confirmation is committed."""
        if record_ids:
            self.env.cr.postcommit.add(
                partial(self.env["sync.attempt"]._forget_records, stream.id, record_ids)
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
            if task.creation
            and task.creation.content
            and task.creation.digest != task.digest
        ]
        if not pending or route.id_policy != "destination":
            return []
        with stream.backend_id._open_transport() as transport:
            receipts = transport.send(
                [
                    Message(
                        operation="upsert",
                        key=task.binding.res_id,
                        payload=json.loads(task.creation.content),
                        route=route,
                        idempotency_key=task.creation.key,
                    )
                    for task in pending
                ]
            )
        failures = []
        builder = TaskBuilder(stream)
        for task, receipt in zip(pending, receipts, strict=True):
            creation = task.creation
            if not self._take_answer(stream, task, receipt):
                failures.append((task, receipt.error))
                continue
            left = [each for each in task.attempts if each is not creation]
            fresh = builder.build(task.binding, task.owed, task.payload, left)
            task.__dict__.update(fresh.__dict__)
        return failures

    def _take_answer(self, stream, task, receipt):
        """Take note of the answer to an attempt that was made again.

        :return: whether it is known now if the record is there
        """
        creation = task.creation
        bodies = {task.binding.res_id: creation.content}
        if receipt.ok:
            self.env["sync.delivery"]._log_receipts(stream, [receipt], bodies)
            self._confirm([(task, receipt, creation.digest)])
            self._forget_on_commit(stream, [task.binding.res_id])
            return True
        self._log_refused(stream, [receipt], bodies)
        insists = receipt.status and task.owed.force
        if not isinstance(receipt.error, Rejected) and not insists:
            # a server error does not tell whether the record is there; a person who
            # insists may risk a second one, rather than wait for ever
            return False
        self._forget_refused(stream, [creation.key])
        return True
