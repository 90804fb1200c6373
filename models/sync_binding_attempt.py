# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import logging
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import psycopg2

from odoo import models

from ..exceptions import Rejected, SyncError, Temporary, Throttled
from ..transports.base import DONE, UNKNOWN, Message, none_sent
from .sync_attempt import Attempt, Recreations, write_notes
from .sync_binding_task import TaskBuilder

_logger = logging.getLogger(__name__)


class SyncBinding(models.Model):
    """What is sent, and deliveries whose answer never came, see ``sync.attempt``."""

    _inherit = "sync.binding"

    def _open_attempts(self, stream, bindings):
        """Return the unanswered :class:`Attempt` s of each record, oldest first."""
        if not bindings:
            return {}
        return self.env["sync.attempt"]._read_open(
            stream.id, [binding.res_id for binding in bindings]
        )

    def _transmit(self, stream, tasks):
        """Send what tasks say, and keep what is known of each request that failed.

        :param tasks: list of :class:`Task` with a message
        :return: list of ``(task, receipt)``
        """
        if not tasks:
            return []
        messages, made = [task.message for task in tasks], {}
        # opened first: it reads secrets, and what has no connection notes nothing
        try:
            transport = stream.backend_id._open_transport()
        except SyncError as error:
            receipts = none_sent(messages, error)
        else:
            with transport:
                transport.recreating = recreations = self._note_attempts(stream, tasks)
                receipts = transport.send(messages)
            made = recreations.made
        sent = list(zip(tasks, receipts, strict=True))
        closed, over = [], []
        for task, receipt in sent:
            if recreation := made.get(task.binding.res_id):
                task.noted.append(recreation)
            if task.noted and not receipt.ok:
                closed += task.closed_by(receipt.fate)
                over += task.over_after(receipt.fate)
        self._log_refused(
            stream,
            [receipt for receipt in receipts if not receipt.ok],
            {task.binding.res_id: task.content for task in tasks},
        )
        self.env["sync.attempt"]._settle(closed, over)
        return sent

    def _note_attempts(self, stream, tasks):
        """Note what is about to be sent.

        The content too where :meth:`_resume_creations` may have to send it again.

        :return: :class:`Recreations`, for what the transport decides on
        """
        gives_ids = stream._route().id_policy == "destination"
        seconds = stream.backend_id._seconds_in_flight(len(tasks))
        attempts = {
            task.binding.res_id: Attempt(
                version=task.binding.version,
                operation=task.message.operation,
                key=task.message.idempotency_key,
                digest=task.digest,
                content=task.content if gives_ids else "",
                creates=gives_ids
                and task.message.operation == "upsert"
                and not task.message.external_id,
            )
            for task in tasks
        }
        registry = self.env.registry
        ids = write_notes(registry, stream.id, attempts.items(), seconds)
        for task in tasks:
            res_id = task.binding.res_id
            task.noted = [replace(attempts[res_id], id=ids[res_id])]
        return Recreations(registry, stream.id, attempts, seconds)

    def _close_on_commit(self, stream, tasks):
        """Drop the notes that a confirmation closes, once it is committed."""
        self.env.cr.postcommit.add(partial(self._close_notes, stream, tasks))

    def _close_notes(self, stream, tasks):
        """Do what :meth:`_drop_closed` does; the job is done, whatever that meets."""
        try:
            self._drop_closed(stream, tasks)
        except Exception:
            # notes that stay do no harm, and the sweep looks after them
            _logger.exception("Notes of synchronization %s stay for now", stream.id)

    def _drop_closed(self, stream, tasks):
        """Drop the notes that a confirmation has closed.

        Nobody but this job can have sent one of the records meanwhile, unless it has
        lost its lock with its connection: what this job has not known of when it built
        its tasks may have been carried out after what it has sent.
        """
        by_id = {task.binding.res_id: task for task in tasks}
        unknown = self.env["sync.attempt"]._close(
            stream.id,
            [id_ for task in tasks for id_ in task.closed_by(DONE)],
            {id_: [each.id for each in task.attempts] for id_, task in by_id.items()},
        )
        late = {}
        for res_id, version, digest, late_until in unknown:
            task = by_id[res_id]
            # of a later job otherwise, which has seen what was confirmed
            if version < task.binding.version and digest != task.digest:
                late.setdefault(res_id, []).append(late_until)
        if late:
            with self.env.registry.cursor() as cr:
                env = self.env(cr=cr)
                env["sync.binding"]._send_once_more(stream.with_env(env), late)

    # -- requests that may come late ------------------------------------------

    def _send_over_late_ones(self, stream, tasks):
        """Have records sent once more over what may arrive after their confirmation."""
        late = {
            task.binding.res_id: [each.late_until for each in task.may_be_overwritten]
            for task in tasks
        }
        self._send_once_more(stream, {id_: at for id_, at in late.items() if at})

    def _send_once_more(self, stream, late):
        """Queue records whose requests may arrive late, for when they no longer can.

        Until then they wait, for the people who look at them too.

        :param dict late: when their requests are over, by record id: lists of times by
            the database's clock (UTC, naive), ``None`` for those that are
        """
        by_time = {}
        for res_id, times in late.items():
            over = max((at for at in times if at), default=self.env.cr.now())
            by_time.setdefault(over, []).append(res_id)
        for eta, ids in by_time.items():
            records = self.env[stream.model_name].browse(ids)
            self.env["sync.outbox"]._enqueue(stream, records, eta=eta)

    @contextmanager
    def _telling_loss(self, stream, sent):
        """Within, a job keeps what was answered; if its connection is gone, say so.

        Its locks went with the connection: another job may have sent the same records
        meanwhile, before what this one has sent or after it.

        :param sent: list of ``(task, receipt)``
        """
        try:
            yield
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            if self.env.cr.connection.closed:
                self._tell_loss(stream, sent)
            raise

    def _tell_loss(self, stream, sent):
        """Keep, on a new connection, that records have to be sent again, and why."""
        sent = [each for each in sent if each[1].fate in (DONE, UNKNOWN)]
        if not sent:
            return
        ids = [task.binding.res_id for task, _receipt in sent]
        _logger.warning(
            "The connection to the database was lost while synchronization %s was "
            "sending: %s are sent again (%s)",
            stream.id,
            len(ids),
            ids,
        )
        try:
            with self.env.registry.cursor() as cr:
                env = self.env(cr=cr)
                env["sync.attempt"]._restore(
                    stream.id,
                    [(task.binding.res_id, task.noted[-1]) for task, _receipt in sent],
                )
                env["sync.delivery"]._log_receipts(
                    stream.with_env(env),
                    [receipt for _task, receipt in sent if receipt.ok],
                    {task.binding.res_id: task.content for task, _receipt in sent},
                )
                late = dict.fromkeys(ids, ())
                env["sync.binding"]._send_once_more(stream.with_env(env), late)
        # what the job has to tell is its loss; the notes are there, and whoever sends
        # the records next finds them
        except psycopg2.OperationalError as error:
            # a server that restarts refuses new connections too
            _logger.warning("This could not be kept either: %s", str(error).strip())
        except Exception:
            _logger.exception("This could not be kept either")

    # -- creations ------------------------------------------------------------

    def _resume_creations(self, stream, tasks):
        """Ask again for creations without an answer, before anything else is sent.

        Only destinations that give their own ids need it: the others know the record
        by Odoo's id, so that whatever is sent next finds the same one. The tasks are
        changed in place to what is still to be done.

        :return: list of ``(task, error)`` for those of which it is still not known
            whether they are there
        """
        pending = [task for task in tasks if task.asks_again]
        if not pending:
            return []
        route = stream._route()
        asked = {_asking_again(task, route): task for task in pending}
        sent = self._transmit(stream, list(asked))
        with self._telling_loss(stream, sent):
            self._confirm(stream, sent)
        failures = []
        builder = TaskBuilder(stream)
        for again, receipt in sent:
            task = asked[again]
            if receipt.ok:
                closed = again.closed_by(DONE)
                left = [each for each in task.attempts if each.id not in closed]
                fresh = builder.build(again.binding, task.owed, task.payload, left)
                task.__dict__.update(fresh.__dict__)
            elif not self._insists(task, receipt):
                failures.append((task, self._still_unknown(task, receipt.error)))
        return failures

    def _insists(self, task, receipt):
        """Return whether a person risks a second record, rather than wait for ever."""
        was_judged = receipt.status and not isinstance(receipt.error, Throttled)
        return was_judged and task.owed.force

    def _still_unknown(self, task, error):
        """Return the error of a record that may be there, without its id.

        No refusal of a request tells what became of the one before it.
        """
        if not isinstance(error, Rejected):
            return error
        if not task.creation.over:
            # it may be refused only because the first one is still being carried out
            return Temporary(error.message)
        return Rejected(
            self.env._(
                "It may be there already: its creation was not answered, and asking "
                "for it again was refused. Synchronize Now creates it anew. %s",
                error.message,
            )
        )


def _asking_again(task, route):
    """Return a task that sends an open creation as it was sent."""
    creation = task.creation
    return replace(
        task,
        content=creation.content,
        digest=creation.digest,
        message=Message(
            operation="upsert",
            key=task.binding.res_id,
            payload=json.loads(creation.content),
            route=route,
            idempotency_key=creation.key,
        ),
        noted=[],
    )
