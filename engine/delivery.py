# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One chunk of records, from the lock to what is settled: the work of a job."""

import logging
import random
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import psycopg2

from odoo.addons.queue_job.exception import RetryableJobError

from ..exceptions import (
    RateLimited,
    Rejected,
    SyncError,
    Temporary,
    Throttled,
    Unreachable,
)
from ..transports.base import DONE, UNKNOWN, none_sent
from . import capture, gate, jobs, precedence, store, words
from .task import Attempt, TaskBuilder

_logger = logging.getLogger(__name__)

# Waiting times are stretched by up to this part, so that what failed together does
# not come back together.
JITTER = 0.1
# Notes that the sweep looks after in one go; the rest is for its next run.
SWEEP_BATCH = 1000


class Delivery:
    """Records of one synchronization sent by one job, as they are now.

    :param stream: the ``sync.stream``, as superuser, in the environment of the job
    :param record_ids: ids of the records
    """

    def __init__(self, stream, record_ids):
        self.env = stream.env
        self.stream = stream
        self.record_ids = list(record_ids)
        self.job_uuid = stream.env.context.get("job_uuid")
        self.owed = {}  # Owed by record id
        self.behind = {}  # what has to wait for others, see precedence.blocked()
        self.busy = set()  # ids of what another job is sending
        self.broken = set()  # ids of what has no content: a job of its own says why
        self.tasks = []
        self.failures = []  # the tasks that have an error

    def run(self):
        """Send the records, and settle their undelivered changes.

        :return: what was done, in a sentence for people
        :raises RetryableJobError: temporary failure of the only record, no record got
            through, or a wait
        :raises SyncError: the only record was refused
        """
        self.owed = store.owed_changes(self.stream, self.record_ids)
        if not self.owed and not self.stream.exists():
            return self.env._("The synchronization no longer exists: nothing sent.")
        # what the job says is for all who see it, not for who has edited
        self.stream = words.in_company_language(self.stream, self.stream.company_id)
        self.env = self.stream.env
        if not self.owed:
            return self.env._("%s: already delivered by another job.", self.system.name)
        insist = any(each.force for each in self.owed.values())
        gate.pass_through(self.stream, insist)
        self.record_ids = list(self.owed)
        if self.stream._links_sent_first():
            # what has to wait for others is left out
            self.behind = precedence.blocked(self.stream, self.record_ids)
            for res_id in self.behind:
                del self.owed[res_id]
        if not self.owed:
            text = precedence.waiting_text(self.stream, self.behind)
            precedence.put_behind(self.stream, self.behind, self.record_ids)
            return text
        self._prepare(self._lock())
        self._resume_creations()
        self._send()
        if self.failures and len(self.record_ids) == 1:
            raise self._job_error(self.failures[0].error)
        self._hand_on()
        return self._summary()

    @property
    def system(self):
        return self.stream.backend_id

    # -- what is to be sent ---------------------------------------------------

    def _lock(self):
        """Lock the records that no other job is sending, and return their bindings."""
        bindings = store.lock_bindings(self.stream, list(self.owed))
        self.busy = self.owed.keys() - {held.res_id for held in bindings}
        if not bindings:
            raise gate.later(
                self.env._("Another job is sending this record."),
                random.uniform(*jobs.BUSY_SECONDS),
            )
        return bindings

    def _prepare(self, bindings):
        stream = self.stream
        model = stream._for_sending(self.env[stream.model_name])
        # at once which of them are left, and what is in them
        ids = [each.res_id for each in bindings]
        records = model.search_fetch([("id", "in", ids)], order="id")
        # what a model of another addon hides from its searches is not deleted there
        records |= (model.browse(ids) - records).exists()
        payloads = self._payloads(stream._matching(records))
        attempts = store.read_notes(self.env.registry, stream, ids)
        builder = TaskBuilder(stream)
        self.tasks = [
            builder.build(
                binding,
                self.owed[binding.res_id],
                payloads.get(binding.res_id),
                attempts.get(binding.res_id, ()),
            )
            for binding in bindings
            if binding.res_id not in self.broken
        ]

    def _payloads(self, records):
        """Return the content of records by id; what has none is ``broken``.

        What breaks on a record that is alone is the job's own failure.
        """
        if len(records) == 1:
            return records._sync_payloads(self.stream)
        try:
            with self.env.cr.savepoint(flush=False):
                return records._sync_payloads(self.stream)
        except Exception:
            # which of them it was
            payloads = {}
            for record in records:
                try:
                    with self.env.cr.savepoint(flush=False):
                        payloads[record.id] = record._sync_payload(self.stream)
                except Exception:
                    self.broken.add(record.id)
            return payloads

    # -- creations ------------------------------------------------------------

    def _resume_creations(self):
        """Ask again for creations without an answer, before anything else is sent.

        Only destinations that give their own ids need it: the others know the record
        by Odoo's id, so that whatever is sent next finds the same one. The tasks are
        replaced by what is still to be done; what cannot be told is a failure.
        """
        asked = {task.asking_again(): task for task in self.tasks if task.asks_again}
        if not asked:
            return
        self._transmit(list(asked))
        with self._telling_loss(asked):
            self._confirm(asked)
        builder = TaskBuilder(self.stream)
        for again, task in asked.items():
            if again.receipt.ok:
                closed = again.closed_by(DONE)
                left = [each for each in task.attempts if each.id not in closed]
                self.tasks[self.tasks.index(task)] = builder.build(
                    again.binding, task.owed, task.payload, left
                )
                continue
            error = again.receipt.error
            was_judged = again.receipt.status and not isinstance(error, Throttled)
            # a person risks a second record, rather than wait for ever
            if not (was_judged and task.owed.force):
                task.error = self._still_unknown(task, error)
                self.failures.append(task)

    def _still_unknown(self, task, error):
        """Return the error of a record that may be there, without its id.

        No refusal of a request tells what became of the one before it.
        """
        if not isinstance(error, Rejected):
            return error
        if not task.creation.over:
            # it may be refused only because the first one is still being carried out
            return Temporary(error.message, error.reason)
        return Rejected(
            words._lt(
                "It may be there already: its creation was not answered, and asking "
                "for it again was refused. Synchronize Now creates it anew. %(why)s"
            ),
            why=error,
        )

    # -- sending --------------------------------------------------------------

    def _send(self):
        tasks = [task for task in self.tasks if not task.error]
        sent = [task for task in tasks if task.message]
        settled = [task for task in tasks if not task.message]
        self._transmit(sent)
        with self._telling_loss(sent):
            # the system holds what is here: no older state was left there
            self.env["sync.binding"].browse(
                task.binding.id for task in settled if task.binding.note
            ).write({"note": False, "note_date": False, "skipped": False})
            confirmed = self._confirm(sent)
            settled += confirmed
            row_ids = [id_ for task in settled for id_ in task.owed.row_ids]
            others = store.delete_changes(self.env, row_ids) - {self.job_uuid}
            if others:
                precedence.release_behind(self.env, others)
            # what may arrive after a confirmation is sent over once more
            late = {
                task.binding.res_id: [each.late_until for each in overwriting]
                for task in confirmed
                if (overwriting := task.may_be_overwritten)
            }
            send_once_more(self.stream, late)
        for task in sent:
            task.error = task.receipt.error
        self.failures += [task for task in sent if task.error]

    def _transmit(self, tasks):
        """Send what tasks say, and keep what is known of each request that failed."""
        if not tasks:
            return
        messages = [task.message for task in tasks]
        # opened first: it reads secrets, and what has no connection notes nothing
        try:
            transport = self.system._open_transport()
        except Rejected:
            # no record is at fault
            raise
        except SyncError as error:
            receipts = none_sent(messages, error)
        else:
            with transport:
                transport.recreating = self._note(tasks)
                receipts = transport.send(messages)
        for task, receipt in zip(tasks, receipts, strict=True):
            task.receipt = receipt
        self._keep_refusals([task for task in tasks if not task.receipt.ok])

    def _note(self, tasks):
        """Note what is about to be sent.

        The content too where :meth:`_resume_creations` may have to send it again.

        :return: what notes a creation that a transport decides on, in any thread, see
            ``Transport.recreating``
        """
        gives_ids = self.stream._route().id_policy == "destination"
        seconds = self.system._seconds_in_flight(len(tasks))
        by_id = {task.binding.res_id: task for task in tasks}
        attempts = {
            res_id: Attempt(
                version=task.binding.version,
                operation=task.message.operation,
                key=task.message.idempotency_key,
                digest=task.digest,
                content=task.content if gives_ids else "",
                creates=gives_ids
                and task.message.operation == "upsert"
                and not task.message.external_id,
            )
            for res_id, task in by_id.items()
        }
        # a thread must not touch the environment
        write = partial(store.write_notes, self.env.registry, self.stream.id)
        for res_id, note_id in write(attempts.items(), seconds).items():
            by_id[res_id].noted = [replace(attempts[res_id], id=note_id)]

        def note_creation(message, key):
            """:raises Temporary: it could not be noted, and so must not be sent"""
            attempt = replace(attempts[message.key], key=key, creates=True)
            try:
                ids = write([(message.key, attempt)], seconds)
            except psycopg2.Error:
                _logger.exception("The creation of %s could not be noted", message.key)
                raise Temporary(
                    words._lt("Not sent: it could not be noted before.")
                ) from None
            by_id[message.key].noted.append(replace(attempt, id=ids[message.key]))

        return note_creation

    def _keep_refusals(self, refused):
        """Keep what failed, whatever becomes of the job's transaction."""
        closed, over = [], []
        for task in refused:
            if task.noted:
                closed += task.closed_by(task.receipt.fate)
                over += task.over_after(task.receipt.fate)
        # our own limit is no failure of the system
        failed = [
            task for task in refused if not isinstance(task.receipt.error, RateLimited)
        ]
        # after the first failure of a whole system the rest was not even sent
        attempted = [task for task in failed if task.receipt.request] or failed[:1]
        try:
            if attempted:
                with self.env.registry.cursor() as cr:
                    self._log(self.env(cr=cr), attempted)
            if closed or over:
                # the sweep may be at the same notes
                with store.read_committed(self.env.registry) as cr:
                    store.end_notes(cr, closed, over)
        except psycopg2.Error:
            # what the others were answered must not go with it; notes that stay do no
            # harm
            _logger.exception("What was refused could not be kept")

    def _log(self, env, tasks):
        if tasks:
            stream = self.stream.with_env(env)
            store.log_receipts(stream, [(each.content, each.receipt) for each in tasks])

    # -- settling -------------------------------------------------------------

    def _confirm(self, sent):
        """Keep and log what the destination has confirmed; return those tasks."""
        confirmed = [task for task in sent if task.receipt.ok]
        if not confirmed:
            return []
        self._log(self.env, confirmed)
        for task in confirmed:
            gone = task.message.operation == "delete"
            task.binding = task.binding._replace(
                external_id=None if gone else task.receipt.external_id,
                content_hash=None if gone else task.digest,
                version=task.binding.version + 1,
                note=None,
            )
        store.confirm_bindings(self.env, [task.binding for task in confirmed])
        self.env.cr.postcommit.add(lambda: self._close_notes(confirmed))
        return confirmed

    def _close_notes(self, tasks):
        """Drop the notes that a committed confirmation closes.

        Nobody but this job can have sent one of the records meanwhile, unless it has
        lost its lock with its connection: what this job has not known of when it built
        its tasks may have been carried out after what it has sent.
        """
        by_id = {task.binding.res_id: task for task in tasks}
        late = {}
        try:
            for res_id, version, digest, late_until in store.close_notes(
                self.env.registry,
                self.stream,
                [id_ for task in tasks for id_ in task.closed_by(DONE)],
                {id_: [at.id for at in task.attempts] for id_, task in by_id.items()},
            ):
                task = by_id[res_id]
                # of a later job otherwise, which has seen what was confirmed
                if version < task.binding.version and digest != task.digest:
                    late.setdefault(res_id, []).append(late_until)
            if late:
                with self.env.registry.cursor() as cr:
                    send_once_more(self.stream.with_env(self.env(cr=cr)), late)
        except Exception:
            # the job is done; the sweep looks after notes that stay
            _logger.exception(
                "Notes of synchronization %s stay for now", self.stream.id
            )

    # -- connections that are lost --------------------------------------------

    @contextmanager
    def _telling_loss(self, sent):
        """Within, a job keeps what was answered; if its connection is gone, say so.

        Its locks went with the connection: another job may have sent the same records
        meanwhile, before what this one has sent or after it.
        """
        try:
            yield
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            if self.env.cr.connection.closed:
                self._tell_loss(sent)
            raise

    def _tell_loss(self, sent):
        """Keep, on a new connection, that records have to be sent again, and why."""
        sent = [task for task in sent if task.receipt.fate in (DONE, UNKNOWN)]
        if not sent:
            return
        last = {task.binding.res_id: task.noted[-1] for task in sent}
        _logger.warning(
            "The connection to the database was lost while synchronization %s was "
            "sending: %s are sent again (%s)",
            self.stream.id,
            len(last),
            list(last),
        )
        try:
            with self.env.registry.cursor() as cr:
                env = self.env(cr=cr)
                stream = self.stream.with_env(env)
                given = {
                    task.binding.res_id: task.receipt.external_id
                    for task in sent
                    if task.receipt.ok
                    and task.receipt.external_id
                    and task.noted[-1].creates
                }
                kept = store.keep_ids(stream, given)
                notes = [
                    # a creation whose id is known is asked for no more
                    (id_, replace(note, creates=note.creates and id_ not in kept))
                    for id_, note in last.items()
                ]
                store.restore_notes(cr, stream, notes)
                self._log(env, [task for task in sent if task.receipt.ok])
                send_once_more(stream, dict.fromkeys(last, ()))
        # what the job has to tell is its loss; the notes are there, and whoever sends
        # the records next finds them
        except psycopg2.OperationalError as error:
            # a server that restarts refuses new connections too
            _logger.warning("This could not be kept either: %s", str(error).strip())
        except Exception:
            _logger.exception("This could not be kept either")

    # -- what did not get through ---------------------------------------------

    def _job_error(self, error):
        """Return the exception that queue_job has to see for a failed delivery."""
        if isinstance(error, Rejected):
            return error
        seconds = 0
        if isinstance(error, Unreachable):
            seconds = self.system._note_unreachable(error)
        waits = bool(seconds) or isinstance(error, Throttled)
        if not seconds:
            job = self.env["queue.job"].search([("uuid", "=", self.job_uuid)], limit=1)
            seconds = self._seconds_after(error, job.retry + 1)
        text = words.said(self.env, error)
        found = RetryableJobError(text, seconds, ignore_retry=waits)
        found.sync_error = error  # see jobs.error_behind()
        return found

    def _seconds_after(self, error, current_try):
        if isinstance(error, Rejected):
            return 0
        if isinstance(error, Throttled):
            return max(1, error.retry_after)
        seconds = self.stream._retry_seconds(current_try)
        least, most = seconds if isinstance(seconds, tuple) else (seconds,) * 2
        return random.uniform(least, max(most, least * (1 + JITTER)))

    def _hand_on(self):
        self._hand_on_failures()
        for res_id in self.broken:
            jobs.hand_on(self.stream, [res_id])
        if self.busy:
            seconds = random.uniform(*jobs.BUSY_SECONDS)
            jobs.hand_on(self.stream, list(self.busy), seconds)
        if self.behind:
            precedence.put_behind(self.stream, self.behind, self.record_ids)

    def _hand_on_failures(self):
        """Find other jobs for the records of a batch that did not get through.

        One of its own for each, unless it was not the record's fault: an outage must
        not turn a batch into as many jobs as it has records.

        :raises RetryableJobError: nothing at all got through, for no fault of theirs
        """
        refused = [each for each in self.failures if isinstance(each.error, Rejected)]
        stopped = [
            each
            for each in self.failures
            if isinstance(each.error, Throttled | Unreachable)
        ]
        sent = [task for task in self.tasks if task.message]
        if len(self.failures) == len(sent) and not refused:
            if stopped or len(sent) > 1:
                raise self._job_error((stopped or self.failures)[0].error)
        alone = [[task] for task in self.failures if task not in stopped]
        for tasks in filter(None, [stopped, *alone]):
            seconds = self._seconds_after(tasks[0].error, 1)
            jobs.hand_on(self.stream, [task.binding.res_id for task in tasks], seconds)

    def _summary(self):
        """Return what became of the records, for the job's result."""
        system = self.system.name
        sent = [task for task in self.tasks if task.message]
        left = len(self.broken) + len(self.busy) + len(self.behind)
        if len(self.tasks) == 1 and not left:
            (task,) = self.tasks
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
            sent=len(sent) - len(self.failures),
            same=len(self.tasks) - len(sent),
            apart=len(self.failures) + left,
        )


def send_once_more(stream, late):
    """Queue records whose requests may arrive late, for when they no longer can.

    Until then they wait, for the people who look at them too.

    :param dict late: when their requests are over, by record id: lists of times by the
        database's clock (UTC, naive), ``None`` for those that are
    """
    env, by_time = stream.env, {}
    for res_id, times in late.items():
        over = max((at for at in times if at), default=env.cr.now())
        by_time.setdefault(over, []).append(res_id)
    for eta, ids in by_time.items():
        records = env[stream.model_name].browse(ids)
        # what is found by the sweep may be much as well
        in_bulk = jobs.present_priority(stream) > jobs.BULK or None
        capture.enqueue(stream, records, eta=eta, bulk=in_bulk)


def send_over_forgotten(env):
    """Have records sent once more where a request may have come late, and commit.

    Jobs see to that themselves, see :meth:`Delivery._close_notes`. Here it is about a
    worker that had lost its connection, noted its request after the next one had
    looked, and died before it could say so; and about notes that a crash has brought
    back, most of which tell of what is there anyway.
    """
    with env.registry.cursor() as cr:
        env = env(cr=cr)
        found = store.forgotten_notes(env, SWEEP_BATCH)
        in_use = env["sync.stream"]._in_use()
        closed, over, late = [], [], {}
        for id_, stream_id, res_id, is_same in found:
            if is_same:
                closed.append(id_)
            elif stream_id in in_use._ids:
                over.append(id_)
                late.setdefault(stream_id, {})[res_id] = ()
        store.end_notes(cr, closed, over)
        for stream_id, records in late.items():
            send_once_more(in_use.browse(stream_id), records)
