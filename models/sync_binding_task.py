# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import hashlib
import json
from dataclasses import dataclass

from odoo import models

from ..transports.base import Message
from .sync_attempt import Attempt


@dataclass(eq=False)
class Task:
    """What has to be done for one record."""

    binding: models.Model
    rows: models.Model  # the outbox rows that it settles
    content: str  # the content as text, "" when there is none
    digest: str  # the fingerprint of its operation and content
    message: Message | None  # None: nothing has to be sent
    record: models.Model | None  # as it is to be sent, None if it is gone
    attempts: list[Attempt]  # what was sent before, and never answered

    @property
    def creation(self):
        """The attempt that may have created a record whose id is not known here."""
        if self.binding.external_id:
            return None
        return next(
            (each for each in self.attempts if each.operation == "upsert"), None
        )


class SyncBinding(models.Model):
    """What a worker has to send: the records as they are now, against what is there."""

    _inherit = "sync.binding"

    def _prepare_tasks(self, stream, bindings):
        """Return a :class:`Task` for each locked record that has undelivered changes.

        The rows and the records are read in one snapshot, so the rows found here are
        exactly the changes that the content covers.
        """
        by_record = {}
        for row in self.env["sync.outbox"].search(
            [
                ("stream_id", "=", stream.id),
                ("res_id", "in", bindings.mapped("res_id")),
            ]
        ):
            by_record[row.res_id] = by_record.get(row.res_id, row.browse()) | row
        records = self.env[stream.model_name].browse(by_record).exists()
        present = {record.id: record for record in stream._matching(records)}
        owed = bindings.filtered(lambda binding: binding.res_id in by_record)
        attempts = self._open_attempts(stream, owed)
        return [
            self._prepare_task(
                stream,
                binding,
                by_record[binding.res_id],
                present.get(binding.res_id),
                attempts.get(binding.res_id, ()),
            )
            for binding in owed
        ]

    def _prepare_task(self, stream, binding, rows, record, attempts=()):
        """Return what has to be done for one record.

        :param record: as it is to be sent; ``None`` if it is gone
        :param attempts: each :class:`Attempt` whose answer is not known
        """
        marks = stream.delete_policy == "mark"
        if record:
            operation = "upsert"
            payload = record._sync_payload(stream)
            if marks:
                payload = {**payload, stream.mark_key: False}
        else:
            operation = "mark" if marks else "delete"
            payload = {stream.mark_key: True} if marks else {}
        route = stream._route()
        content = json.dumps(
            payload, sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
        digest = self._digest(operation, route.target, route.key_column, content)
        # an unanswered attempt may have put something else there since
        changed = digest != binding.content_hash or any(
            attempt.digest != digest for attempt in attempts
        )
        if record:
            needed = changed or rows._send_unchanged()
        else:
            needed = (
                stream.delete_policy != "ignore"
                and changed
                and bool(binding.external_id or binding.content_hash or attempts)
            )
        message = None
        if needed:
            message = Message(
                operation=operation,
                key=binding.res_id,
                # as it would be read from a note: a key goes with the same bytes
                payload=json.loads(content),
                route=route,
                external_id=binding.external_id or None,
                idempotency_key=self._idempotency_key(
                    stream, binding, attempts, digest
                ),
            )
        return Task(binding, rows, content, digest, message, record, list(attempts))

    def _idempotency_key(self, stream, binding, attempts, digest):
        """Return the key of a request.

        The same on every retry of the same content, and another one when the same
        content comes back after something else was sent: a destination that honours
        keys answers a known one from memory, and writes nothing.
        """
        if attempts and attempts[-1].digest == digest:
            return attempts[-1].key
        return self._digest(
            self.env["ir.config_parameter"].get_param("database.uuid"),
            stream.id,
            binding.res_id,
            binding.version,
            len(attempts),
            digest,
        )

    @staticmethod
    def _digest(*parts):
        text = json.dumps([str(part) for part in parts])
        return hashlib.sha256(text.encode()).hexdigest()
