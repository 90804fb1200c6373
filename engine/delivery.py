# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One chunk of records, from the lock to what is settled, in one transaction."""

import json
import logging
import random
import re
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

import psycopg2
from psycopg2.errors import LockNotAvailable

from ..exceptions import (
    Blocked,
    Misconfigured,
    NotThere,
    RateLimited,
    Rejected,
    SyncError,
    Temporary,
    Throttled,
    Unclear,
    Unreachable,
)
from ..transports.base import DONE, REFUSED, UNKNOWN, unsent
from . import capture, clock, gate, jobs, precedence, store, waiting, words
from .task import Attempt, TaskBuilder, new_key

_logger = logging.getLogger(__name__)

# What others would meet as well.
OF_MANY = Throttled | Unreachable | Misconfigured
# Notes that the sweep looks after in one go; the rest is for its next run.
SWEEP_BATCH = 1000
# Seconds until a job runs that is about to be told what became of its record.
TELL_WITHIN = 10
MEGABYTE = 1024 * 1024
# Bytes of content of one record at most: it is noted in the database, which takes
# 256 MB at a time, before it is sent.
RECORD_BYTES = 64 * MEGABYTE
# Bytes of the contents that are noted at a time, and of those of one chunk, after which
# no more are added.
WAVE_BYTES, CHUNK_BYTES = 16 * MEGABYTE, 64 * MEGABYTE
# Requests of one record that may follow each other, where it is looked for first, or
# its version is: a question, another one, a request, and once more.
IN_TURN = 4
# The reason of an error of a record that waits until another one is known, and the
# seconds after which that is, least and most.
BEING_CREATED = "being_created"
KNOWN_WITHIN = (15, 60)
# Records that share what tells one from the others.
FEW = 2
# Records that are read at a time where each may have files in it.
LARGE_RECORDS = 10


class Delivery:
    """Records of one synchronization sent together, as they are now.

    :param stream: the ``sync.stream``, as superuser, in the transaction of the chunk
    :param given: dict of :class:`Given` by record id
    :param more: says whether there is time to start more requests; it is asked in this
        thread
    :param end: when there is none any more, by ``time.monotonic()``
    """

    def __init__(self, stream, given, more, end):
        self.env = stream.env
        self.stream = stream
        self.given = given
        self._more = more
        self._end = end
        # a thread uses it, which must not touch the environment
        self._write_notes = partial(store.write_notes, stream.env.registry, stream.id)
        self.route = stream._route_proven(list(given))
        self.owed = {}  # Owed by record id
        self.behind = {}  # what has to wait, and for what: see precedence.blocked()
        self.busy = set()  # ids of what another job is sending
        self.broken = set()  # ids of what has no content: a job of its own says why
        self.apart = set()  # ids of what other jobs have now
        self.refused = []  # of those, what was refused, as jobs.tell takes it
        self.unclear = {}  # what a person has to look at first, and why, by id
        self.doubts = []  # what of that is not on the bindings yet
        self.tasks = []
        self.left_out = set()  # ids of what is too much for one chunk
        self.unasked = set()  # those whose creation there was no time to ask for
        self.settled = []  # those whose changes are delivered
        self.without_id = 0  # creations that were confirmed, and given no id
        self.learned = False  # a creation that was asked for again was confirmed
        self.obstacle = None  # the error that others would meet as well
        self.backfill_ids = set()  # those that have got further
        self.overwritten = set()  # ids of others that a request may have changed there
        self.covered = {}  # by UUID of a job that owed it: settled task, UUID to log

    def run(self):
        """Send the records, and settle their undelivered changes.

        :raises RetryableJobError: now is no time to send
        :raises SyncError: the system cannot be reached as it is set up
        """
        self.owed = store.owed_changes(self.stream, self.given)
        if not self.owed:
            return
        gate.pass_through(self.stream, any(each.force for each in self.owed.values()))
        if self.stream._links_sent_first():
            # what has to wait for others is left out
            self.behind = precedence.blocked(self.stream, list(self.owed))
            for res_id in self.behind:
                del self.owed[res_id]
            if self.behind:
                self._queue_ahead()
        if self.owed:
            self._prepare(self._lock())
            self._resume_creations()
            self._send()
            self._set_apart()
        self._hand_on()

    @property
    def system(self):
        return self.stream.backend_id

    @property
    def is_kept(self):
        """Whether there is anything to be committed."""
        kept = self.settled, self.apart, self.behind, self.learned, self.unclear
        return any(kept) or bool(self.overwritten)

    @property
    def untaken(self):
        """The ids of what there was no time for."""
        return self.left_out | {
            task.binding.res_id
            for task in self.tasks
            if task in self.unasked
            or (task.message and not (task.doubt or task.receipt or task.error))
        }

    # -- what is to be sent ---------------------------------------------------

    def _queue_ahead(self):
        """Queue what others wait for and nobody has queued, or none as urgently."""
        urgency = min(
            self.given[res_id].priority
            or jobs.stored_priority(self.stream, self.given[res_id].uuid)
            for res_id in self.behind
        )
        keys = set().union(*self.behind.values())
        by_stream = {}
        for stream_id, res_id in keys - store.queued(self.env, keys, urgency):
            by_stream.setdefault(stream_id, []).append(res_id)
        for stream_id, ids in by_stream.items():
            first = self.stream.browse(stream_id)
            capture.enqueue(
                first,
                first.env[first.model_name].browse(sorted(ids)),
                priority=min(first.priority, self.stream.priority),
                bulk=urgency > jobs.BULK,
            )

    def _lock(self):
        """Lock the records that no other job is sending, and return their bindings."""
        bindings = store.lock_bindings(self.stream, list(self.owed))
        self.busy = self.owed.keys() - {held.res_id for held in bindings}
        return bindings

    def _prepare(self, bindings):
        """Make the tasks of records, in the order in which they are due.

        What is too much for one chunk is left for the next.
        """
        stream = self.stream
        order = {res_id: number for number, res_id in enumerate(self.given)}
        bindings = sorted(bindings, key=lambda each: order[each.res_id])
        ids = [each.res_id for each in bindings]
        attempts = store.read_notes(self.env.registry, stream, ids)
        builder = TaskBuilder(stream, self.route)
        # one large record is not read in the company of a hundred others
        step = LARGE_RECORDS if stream._sends_files() else len(bindings) or 1
        size = 0
        for start in range(0, len(bindings), step):
            some = bindings[start : start + step]
            if size > CHUNK_BYTES:
                self.left_out |= {each.res_id for each in some}
                continue
            payloads = self._contents([each.res_id for each in some])
            tasks = [
                builder.build(
                    binding,
                    self.owed[binding.res_id],
                    payloads.get(binding.res_id),
                    attempts.get(binding.res_id, ()),
                )
                for binding in some
                if binding.res_id not in self.broken
            ]
            size += sum(len(task.content) for task in tasks)
            self.tasks += tasks
        for task in self.tasks:
            if task.message and len(task.content) > RECORD_BYTES:
                task.error = Rejected(
                    words._lt(
                        "The record is too large to be sent: %(size)s MB, and "
                        "%(most)s MB at most. Map smaller fields, or smaller images."
                    ),
                    size=len(task.content) // MEGABYTE,
                    most=RECORD_BYTES // MEGABYTE,
                )
            elif self._is_too_early(task):
                now = clock.current(self.env.cr)
                task.error = RateLimited(
                    words._lt(
                        "It may be there already, and is looked for at %(at)s: by then "
                        "a search shows it."
                    ),
                    max(1, (task.shown_from - now).total_seconds() + 1),
                    at=task.shown_from,
                )

    def _is_too_early(self, task):
        """Return whether a creation without an answer cannot be looked for yet.

        It may still arrive, or be too new for a search to find it.
        """
        is_open = task.message and task.creation and not task.doubt
        return bool(self._looks_for_lost and is_open and task.shown_from)

    @property
    def _looks_for_lost(self):
        """Whether creations without an answer are looked for before they are sent
        again."""
        safe = self.system.repeats_are_safe and self.route.tells_new_records
        return self.route.can_look and not safe

    def _contents(self, ids):
        """Return the content of records by id, without those that are gone."""
        stream = self.stream
        model = stream._for_sending(self.env[stream.model_name])
        # at once which of them are left, and what is in them
        records = model.search_fetch([("id", "in", ids)], order="id")
        # what a model of another addon hides from its searches is not deleted there
        records |= (model.browse(ids) - records).exists()
        return self._payloads(stream._matching(records))

    def _payloads(self, records):
        """Return the content of records by id; what has none is ``broken``.

        What breaks on a record that is alone is the job's own failure.
        """
        if len(self.given) == 1:
            return records._sync_payloads(self.stream)
        try:
            with self.env.cr.savepoint(flush=False):
                return records._sync_payloads(self.stream)
        except LockNotAvailable:
            # it says nothing about any of them
            raise
        except Exception:
            # which of them it was
            payloads = {}
            for record in records:
                try:
                    with self.env.cr.savepoint(flush=False):
                        payloads[record.id] = record._sync_payload(self.stream)
                except LockNotAvailable:
                    raise
                except Exception:
                    self.broken.add(record.id)
            return payloads

    # -- creations ------------------------------------------------------------

    def _resume_creations(self):
        """Ask again for creations without an answer, before anything else is sent.

        Where they can be looked for, that is all: what was lost is not created any
        more, since the record is another one by now, or gone.

        Only destinations that give their own ids need it: the others know the record
        by Odoo's id, so that whatever is sent next finds the same one. The tasks are
        replaced by what is still to be done; what cannot be told is a failure.
        """
        asked = {
            task.asking_again(only_looks=self._looks_for_lost): task
            for task in self.tasks
            if task.asks_again and not task.error
        }
        self._transmit(list(asked))
        with self._telling_loss(asked):
            self._confirm(asked)
        builder = TaskBuilder(self.stream, self.route)
        for again, task in asked.items():
            if not again.receipt:
                self.unasked.add(task)
            elif again.receipt.ok:
                self.learned = True
                closed = again.closed_by(DONE)
                left = [each for each in task.attempts if each.id not in closed]
                self.tasks[self.tasks.index(task)] = builder.build(
                    again.binding, task.owed, task.payload, left
                )
            elif self._has_been_found_out(again):
                binding, left = self._as_found_out(again)
                self.tasks[self.tasks.index(task)] = builder.build(
                    binding, task.owed, task.payload, left
                )
            elif isinstance(again.receipt.error, Unclear):
                task.error = again.receipt.error
                self._leave_unclear(task)
            elif _is_refusal(again.receipt.error) and not self._looks_for_lost:
                # no refusal of a request tells what became of the one before it
                self._keep_doubt(task, again.receipt.error)
            else:
                task.receipt, task.error = again.receipt, again.error

    def _has_been_found_out(self, again):
        """Return whether it is known what has become of a lost creation, although what
        was asked for again is not done: the record is not there, or an update with what
        it was then is refused."""
        if isinstance(again.receipt.error, NotThere):
            return bool(self._not_there(again))
        adopted = not again.noted[-1].creates
        is_refused = again.receipt.fate == REFUSED and _is_refusal(again.receipt.error)
        return self._looks_for_lost and adopted and is_refused

    def _as_found_out(self, again):
        """Return the binding and the attempts by which a task is made anew.

        As :meth:`_keep_refusals` has kept it.
        """
        binding, left, vain = again.binding, again.attempts, self._not_there(again)
        if binding.doubt == "maybe":
            self.doubts.append((binding.id, None, None, None))
            binding = binding._replace(doubt=None)
        if vain and binding.content_hash:
            left = [
                replace(each, creates=False) if each.id in vain else each
                for each in left
            ]
            return binding._replace(content_hash=None), left
        return binding, [each for each in left if each.id not in vain]

    def _keep_doubt(self, task, error):
        """Leave a creation without an answer to a person, once nothing of it is late.

        :param error: what the last request for it has met
        """
        if task.creation and not task.creation.over:
            # it may be refused only because the first one is still being carried out
            task.error = Temporary(error.message, error.reason)
        else:
            task.error = error
            self._leave_to_person(task, "maybe", error)

    def _leave_unclear(self, task):
        """Leave to a person what was found, and may be the record or not."""
        doubt = "found" if task.error.found else "maybe"
        self._leave_to_person(task, doubt, task.error)

    def _leave_to_person(self, task, doubt, why=None):
        """Have nothing sent of a record until a person has looked, and said so here.

        :param doubt: as in ``sync.binding``
        :param why: a sentence, if there is more to say than is on the binding
        """
        sentence = (
            words._lt(
                "%(system)s may have it already: look there, and say so here. %(why)s"
            )
            if doubt != "unknown_id"
            else words._lt(
                "%(system)s has it, under an ID that is not known here: look there, "
                "and say so here. %(why)s"
            )
        )
        if doubt != task.binding.doubt:
            found = ", ".join(getattr(why, "found", ())) or None
            self.doubts.append((task.binding.id, doubt, why, found))
        task.doubt = doubt
        self.unclear[task.binding.res_id] = words.Sentence(
            sentence, system=self.stream._facts().backend_name, why=why or ""
        )

    # -- sending --------------------------------------------------------------

    def _send(self):
        tasks = [
            task
            for task in self.tasks
            if not (task.error or task.doubt) and task not in self.unasked
        ]
        sent = [task for task in tasks if task.message]
        settled = [task for task in tasks if not task.message]
        self._transmit(sent)
        self._find_doubts(sent)
        with self._telling_loss(sent):
            store.keep_doubts(self.env, self.doubts)
            # the system holds what is here: no older state was left there
            self.env["sync.binding"].browse(
                task.binding.id for task in settled if task.binding.note
            ).write({"note": False, "note_date": False, "skipped": False})
            confirmed = self._confirm(sent)
            self.settled = settled + confirmed
            self._drop_changes()
            # what may arrive after a confirmation is sent over once more
            late = {
                task.binding.res_id: [each.late_until for each in overwriting]
                for task in confirmed
                if (overwriting := task.may_be_overwritten)
            }
            send_once_more(self.stream, late)
            if self.overwritten:
                # what is there of them is no more what was confirmed
                others = self.env[self.stream.model_name].browse(self.overwritten)
                capture.enqueue(self.stream, others, force=True)

    def _find_doubts(self, sent):
        """Leave to a person what may be there, and what is there without an id."""
        for task in self.tasks:
            if task.doubt and task.binding.res_id not in self.unclear:
                self._leave_to_person(task, task.doubt)
        can_tell = self.system.repeats_are_safe and self.route.tells_new_records
        for task in sent:
            if isinstance(task.error, Unclear):
                self._leave_unclear(task)
        if can_tell or self.route.can_look:
            return
        for task in sent:
            unknown = task.error and task.receipt.fate == UNKNOWN
            # what was noted last is what the receipt is about
            if unknown and task.noted[-1].creates and not task.doubt:
                self._leave_to_person(task, "maybe", task.error)

    def _drop_changes(self):
        """Drop the changes that are settled; note whose they were, and of what."""
        row_ids = [id_ for task in self.settled for id_ in task.owed.row_ids]
        by_id = {task.binding.res_id: task for task in self.settled}
        own = {each.uuid for each in self.given.values() if each.own}
        for res_id, uuid, backfill_id in store.delete_changes(self.env, row_ids):
            self.backfill_ids |= {backfill_id} - {None}
            if uuid and uuid not in own:
                self.covered[uuid] = by_id[res_id], self.given[res_id].uuid

    def _transmit(self, tasks):
        """Send what tasks say as long as there is time, and keep what failed.

        Those that were not even started have no receipt.
        """
        if not tasks:
            return
        by_id = {task.binding.res_id: task for task in tasks}
        left = deque(tasks)

        def take(most):
            if self.obstacle or self.without_id >= jobs.WITHOUT_ID:
                # whoever compares them holds the synchronization
                return []
            if not left or not self._more():
                return []
            wave, size = [], 0
            while left and len(wave) < most and size < WAVE_BYTES:
                wave.append(left.popleft())
                size += len(wave[-1].content)
            try:
                self._note(wave)
            except LockNotAvailable:
                # somebody changes the table of the notes
                left.extendleft(reversed(wave))
                return []
            return [task.message for task in wave]

        # opened first: it reads secrets, and what has no connection notes nothing
        try:
            transport = self.system._open_transport(self._end)
        except Rejected:
            # no record is at fault
            raise
        except SyncError as error:
            self._keep_receipt(tasks[0], unsent(tasks[0].message, error))
        else:
            with transport:
                transport.recreating = self._noting_creations(by_id)
                if self.route.already_there:
                    transport.adopting = self._noting_adoptions(by_id)
                receipts = transport.deliver(take)
                try:
                    for receipt in receipts:
                        self._keep_receipt(by_id[receipt.message.key], receipt)
                finally:
                    # what is under way is waited for; one of another addon may have
                    # given a list
                    getattr(receipts, "close", lambda: None)()
        self._claim_ids(tasks)
        self._keep_refusals([each for each in tasks if each.receipt and each.error])

    def _claim_ids(self, tasks):
        """Keep the ids that records have from now on, where no other one has them.

        A system that keeps one record for each address, say, may answer to a second one
        with the id of the first, and have changed that: a person looks at it. So does
        one in which two records were merged: each keeps the id that is known here.
        """
        wanted = {}
        for task in tasks:
            if task.receipt and task.receipt.ok and _has_new_id(task):
                wanted.setdefault(task.receipt.external_id, []).append(task)
        single = {
            mine[0].binding.res_id: (mine[0].noted[-1].id, external_id)
            for external_id, mine in wanted.items()
            if len(mine) == 1
        }
        taken, compared = {}, True
        try:
            if single:
                taken = store.claim_ids(self.env.registry, self.stream.id, single)
        except psycopg2.Error:
            # what was answered must not go with it
            _logger.exception("The ids of records could not be compared")
            compared = False
        self.overwritten |= set(taken.values())
        for external_id, mine in wanted.items():
            for task in mine:
                others = (each.binding.res_id for each in mine if each is not task)
                other = taken.get(task.binding.res_id) or next(others, None)
                if task.noted[-1].creates:
                    if other:
                        self._leave_taken(task, external_id, other)
                elif other:
                    self._keep_id(task, external_id, other)
                elif not compared:
                    # the next update is answered with the same
                    known_id = _known_id(task)
                    task.receipt = replace(
                        task.receipt, external_id=known_id, warning=None
                    )

    def _keep_id(self, task, external_id, other):
        """Have an update leave its record the id that it had, and tell why."""
        known_id = _known_id(task)
        warning = words.Sentence(
            words._lt(
                "The answer names another ID, %(new)s, which is that of %(model)s "
                "%(other)s. This record stays %(old)s: they may be one record there."
            ),
            new=external_id,
            old=known_id,
            model=self.stream.model_id.name or self.stream.model_name,
            other=other,
        )
        task.receipt = replace(task.receipt, external_id=known_id, warning=warning)

    def _leave_taken(self, task, external_id, other):
        """Have a creation fail that was answered with the id of another record."""
        task.error = Unclear(
            words._lt(
                "It was answered with the ID %(id)s, which is that of %(model)s "
                "%(other)s."
            ),
            [external_id],
            id=external_id,
            model=self.stream.model_id.name or self.stream.model_name,
            other=other,
        )
        known_id = task.message.external_id
        task.receipt = replace(
            task.receipt, external_id=known_id, error=task.error, fate=UNKNOWN
        )

    def _keep_receipt(self, task, receipt):
        task.receipt, task.error = receipt, receipt.error
        if receipt.error and receipt.error.reason == BEING_CREATED:
            # no failure of its own; the other one is known in a moment
            seconds = random.uniform(*KNOWN_WITHIN)
            task.error = RateLimited(receipt.error.message, seconds, BEING_CREATED)
        if receipt.holds_up_others:
            self.obstacle = self.obstacle or receipt.error
        if receipt.ok and task.noted[-1].creates and not receipt.external_id:
            self.without_id += 1

    def _note(self, wave):
        """Note what is about to be sent.

        The content too where :meth:`_resume_creations` may have to send it again.
        """
        gives_ids = self.route.id_policy == "destination"
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
                external_id=task.found_id,
            )
            for task in wave
        }
        seconds = self._seconds_in_flight(len(wave))
        ids = self._write_notes(attempts.items(), seconds)
        for task in wave:
            attempt = attempts[task.binding.res_id]
            task.noted = [replace(attempt, id=ids[task.binding.res_id])]

    def _seconds_in_flight(self, count):
        """Return after how many seconds as many requests that leave now are over."""
        asks = self.route.version or self.route.already_there
        # another addon may have extended it for one request after the other
        in_turn = (IN_TURN,) if asks else ()
        return self.system._seconds_in_flight(count, *in_turn)

    def _noting_creations(self, by_id):
        """Return what notes a creation that a transport decides on, in any thread.

        A thread must not touch the environment. See ``Transport.recreating``.

        :param dict by_id: the tasks
        """
        seconds = self._seconds_in_flight(1)

        def note_creation(message, key):
            """:raises RateLimited: it could not be noted, and so must not be sent"""
            task = by_id[message.key]
            # what it may have adopted before is gone
            attempt = replace(
                task.noted[0], id=None, key=key, creates=True, external_id=None
            )
            try:
                ids = self._write_notes([(message.key, attempt)], seconds)
            except psycopg2.Error:
                _logger.exception("The creation of %s could not be noted", message.key)
                raise RateLimited(
                    words._lt("Not sent: it could not be noted before."), store.PATIENCE
                ) from None
            task.noted.append(replace(attempt, id=ids[message.key]))

        return note_creation

    def _noting_adoptions(self, by_id):
        """Return what notes the id of what was found there, in any thread.

        From then on the id is that of the record, whatever becomes of this job. See
        ``Transport.adopting``.

        :param dict by_id: the tasks
        """
        registry, stream_id = self.env.registry, self.stream.id
        seconds = self._seconds_in_flight(1)

        def note_adoption(message, external_id, key, sought):
            """:raises SyncError: it must not be updated: the id is that of another
            record, or may be, or it could not be noted
            """
            task = by_id[message.key]
            note = replace(
                task.noted[-1],
                key=key,
                creates=False,
                external_id=external_id,
                id=task.noted[-1].id if task.noted[-1].creates else None,
            )
            is_like = partial(_created_alike, message.payload, sought)
            try:
                found = store.note_adoption(
                    registry, stream_id, message.key, note, seconds, is_like
                )
            except psycopg2.Error:
                _logger.exception("The id of %s could not be noted", message.key)
                raise RateLimited(
                    words._lt("Not sent: it could not be noted before."), store.PATIENCE
                ) from None
            if found.other and message.again:
                # the request without an answer may have changed that one
                self.overwritten.add(found.other)
            if found.note:
                task.adopt(replace(note, id=found.note), external_id)
                return
            told = {"id": external_id, "model": model}
            if found.perhaps and not found.other:
                raise Temporary(
                    words._lt(
                        "%(id)s was found, and may be %(model)s %(other)s, which is "
                        "being created now."
                    ),
                    BEING_CREATED,
                    other=found.perhaps,
                    **told,
                )
            sentence = (
                words._lt("%(id)s was found, and is %(model)s %(other)s already.")
                if found.other
                else words._lt(
                    "%(id)s was found, and may be %(model)s %(other)s, whose ID is "
                    "not known."
                )
            )
            told["other"] = found.other or found.unknown
            if message.route.already_there == "refusal":
                # which the system does not create whatever a person says
                raise Rejected(sentence, **told)
            raise Unclear(sentence, [external_id], **told)

        model = self.stream.model_id.name or self.stream.model_name
        return note_adoption

    def _keep_refusals(self, refused):
        """Keep what failed, whatever becomes of the job's transaction."""
        closed, over, vain = [], [], []
        for task in refused:
            if task.noted:
                closed += task.closed_by(task.receipt.fate)
                # what was confirmed before is not there any more: a note tells that
                told = vain if task.binding.content_hash else closed
                told += self._not_there(task)
                over += task.over_after(task.receipt.fate)
        over = [id_ for id_ in over if id_ not in closed + vain]
        # our own limit is no failure of the system, nor is that a record is not there
        failed = [
            task
            for task in refused
            if not isinstance(task.receipt.error, RateLimited | NotThere)
        ]
        # after the first failure of a whole system the rest was not even sent
        attempted = [task for task in failed if task.receipt.request] or failed[:1]
        try:
            if closed or over or vain:
                # the sweep may be at the same notes
                with store.read_committed(self.env.registry) as cr:
                    store.end_notes(cr, closed, over, vain)
            if attempted:
                with store.connected(self.env.registry) as cr:
                    self._log(self.env(cr=cr), attempted)
        except psycopg2.Error:
            # what the others were answered must not go with it; notes that stay do no
            # harm
            _logger.exception("What was refused could not be kept")

    def _not_there(self, task):
        """Return the ids of notes of creations that have created nothing.

        Their record was looked for once nothing of them could arrive, and not found:
        what was refused is another one.
        """
        looked = self._looks_for_lost and task.message.again and not task.shown_from
        is_told = isinstance(task.receipt.error, NotThere)
        if not (looked and (is_told or task.receipt.fate == REFUSED)):
            return []
        return [each.id for each in task.attempts if each.creates]

    def _log(self, env, tasks):
        if tasks:
            store.log_receipts(
                self.stream.with_env(env),
                [
                    (each.content, each.receipt, self.given[each.binding.res_id].uuid)
                    for each in tasks
                ],
            )

    # -- settling -------------------------------------------------------------

    def _confirm(self, sent):
        """Keep and log what the destination has confirmed; return those tasks."""
        confirmed = [task for task in sent if task.receipt and task.receipt.ok]
        if not confirmed:
            return []
        self._log(self.env, confirmed)
        for task in confirmed:
            gone = task.message.operation == "delete"
            external_id = None if gone else task.receipt.external_id
            is_unknown = task.noted[-1].creates and not external_id
            task.binding = task.binding._replace(
                external_id=external_id,
                content_hash=None if gone else task.digest,
                version=task.binding.version + 1,
                note=None,
                doubt="unknown_id" if is_unknown else None,
                version_token=None if gone else task.receipt.version,
                looked=None,
                adopted=not gone and bool(task.noted[-1].external_id),
                absent=None if task.message.operation == "upsert" else "gone",
            )
        store.confirm_bindings(self.env, [task.binding for task in confirmed])
        store.keep_doubts(
            self.env,
            [
                (task.binding.id, task.binding.doubt, task.receipt.warning, None)
                for task in confirmed
                if task.binding.doubt
            ],
        )
        store.keep_contents(
            self.env,
            [
                (task.binding.id, task.content)
                for task in confirmed
                if task.binding.doubt == "unknown_id"
            ],
        )
        store.keep_accepted(
            self.env, [task.binding.id for task in confirmed if task.receipt.accepted]
        )
        self.env.cr.postcommit.add(lambda: self._close_notes(confirmed))
        proven = {proof for task in confirmed if (proof := task.proof)}
        if not proven <= self.route.proven:
            text = self.stream._proven_text(self.route.proven | proven)
            self.env.cr.postcommit.add(partial(self._keep_proven, text))
        return confirmed

    def _keep_proven(self, text):
        """Remember what the system has carried out: the next one proves the same."""
        with suppress(psycopg2.Error):
            store.keep_proven(self.env.registry, self.stream.id, text)

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
                with store.delivering(self.env.registry) as cr:
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
        told = (DONE, UNKNOWN)
        sent = [each for each in sent if each.receipt and each.receipt.fate in told]
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
            with store.delivering(self.env.registry) as cr:
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
                # a creation whose id is known is asked for no more: what comes next is
                # another request, and must not have its key
                updates = [
                    replace(note, creates=False, key=new_key()) if id_ in kept else note
                    for id_, note in last.items()
                ]
                # what the same answer was to
                known = [each for each in sent if each.binding.res_id in kept]
                closed = {id_ for task in known for id_ in task.closed_by(DONE)}
                store.end_notes(cr, closed, ())
                store.restore_notes(cr, stream, zip(last, updates, strict=True))
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

    def _set_apart(self):
        """Go on if only a few records have met no answer, and others were confirmed.

        It is about them, then: what is on the way may not let them through.
        """
        # a person's to decide or not
        down = [each for each in self.met if isinstance(each.error, Unreachable)]
        confirmed = [each for each in self.settled if each.message]
        few = 0 < len(down) <= min(len(confirmed), self.system.concurrency)
        # each in a request of its own
        alone = all(each.receipt and each.receipt.request for each in down)
        if few and alone and isinstance(self.obstacle, Unreachable):
            self.obstacle = None

    def _hand_on(self):
        """Find other jobs for what a job for several records cannot deliver.

        One for each, unless it was not the record's fault: an outage must not turn a
        batch into as many jobs as it has records. What is alone in its job, and what
        met a fault of the system, stays with it.
        """
        failed = {task.binding.res_id: task for task in self.failures}
        tasks = [task for task in self.tasks if task.message]
        at_fault = [
            each
            for each in self.failures
            # of those that may be each other, one is sent at a time
            if isinstance(each.error, Rejected) or each.error.reason == BEING_CREATED
        ]
        if len(failed) == len(tasks) and not at_fault:
            failed = {}
        failed |= dict.fromkeys(self.broken)
        for res_id, task in failed.items():
            given, error = self.given[res_id], task and task.error
            if given.alone or (self.obstacle and isinstance(error, OF_MANY)):
                continue
            seconds = jobs.retry_seconds(self.stream, error, 1)
            if isinstance(error, Rejected):
                # it is not asked again: its job is told that it has failed
                seconds = TELL_WITHIN
            uuid = jobs.hand_on(self.stream, given.uuid, [res_id], seconds)
            self.apart.add(res_id)
            if uuid and isinstance(error, Rejected):
                self.refused.append((uuid, task, given.uuid))
        for res_id, reason in self.unclear.items():
            given = self.given[res_id]
            if not given.alone:
                sleep = waiting.Sleep(waiting.for_doubt(self.stream.id, res_id), reason)
                jobs.hand_on(self.stream, given.uuid, [res_id], sleep=sleep)
                self.apart.add(res_id)

    @property
    def failures(self):
        """The tasks that have met an error, and are not left to a person."""
        return [task for task in self.met if not task.doubt]

    @property
    def met(self):
        """The tasks that have met an error."""
        return [task for task in self.tasks if task.error]


def _known_id(task):
    """Return the id there that a request was about; ``None`` for a creation."""
    own = task.noted[-1]
    return None if own.creates else own.external_id or task.message.external_id


def _has_new_id(task):
    """Return whether an answer has an id that the record did not have until then."""
    external_id, known_id = task.receipt.external_id, _known_id(task)
    is_told = task.noted[-1].creates or known_id
    return bool(is_told and external_id and external_id != known_id)


def _created_alike(payload, sought, contents):
    """Return which of the records that are being created may be what was found.

    That with the values that were searched for. Where nothing was, one that shares with
    the record what few others do.

    :param sought: texts
    :param dict contents: their contents, as JSON, by record id
    :return: the id of one, or ``None``
    """
    lowered = {id_: content.lower() for id_, content in contents.items()}

    def holders(text):
        # as it is in the content, or a number
        inner = re.escape(json.dumps(text, ensure_ascii=False).lower())
        is_in = re.compile(rf"{inner}|[:,\[]{inner[1:-1]}[,\]}}]").search
        return {id_ for id_, content in lowered.items() if is_in(content)}

    if sought:
        return min(set.intersection(*map(holders, sought)), default=None)
    found = set()
    for text in {each for each in _texts(payload) if len(each) > 2}:
        shared = holders(text)
        if len(shared) <= FEW or _is_rare(text):
            found |= shared
    return min(found, default=None)


def _is_rare(text):
    """Return whether a text looks like an address, a number or a name, and not like
    what is chosen from a list."""
    return "@" in text or (len(text) > 4 and any(map(_tells, text)))


def _tells(letter):
    return letter.isdigit() or letter.isspace()


def _texts(value):
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield str(value)


def _is_refusal(error):
    """Return whether a destination has judged a record, as far as that is known."""
    return isinstance(error, Rejected) and not isinstance(error, Blocked)


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
        uuid = env.context.get("job_uuid", False)
        in_bulk = jobs.stored_priority(stream, uuid) > jobs.BULK or None
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
