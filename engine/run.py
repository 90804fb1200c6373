# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a job does: chunk after chunk of records, as long as it has time.

A job is a doorbell. Once it runs it takes along what else is due of its
synchronization, in its order, so that many single edits are sent as a batch is.

What delivers has a transaction of its own, for each chunk: what one chunk was answered
is committed before the next one begins, whatever becomes of the job. The job's own
transaction keeps only queue_job's lock, and claims on the records of the chunk. These
keep jobs that run at the same time from picking the same records, and they come before
the snapshot of the chunk, which so finds nothing that has changed since. What keeps a
record from being sent twice at once is the lock on its binding, in the transaction that
confirms it.
"""

import logging
import random
import time
from contextlib import contextmanager, suppress

import psycopg2
from psycopg2.errors import LockNotAvailable

from odoo.tools import config

from odoo.addons.queue_job.exception import RetryableJobError

from ..exceptions import Misconfigured, RateLimited, Rejected, Throttled
from . import blame, gate, jobs, places, store, waiting, words
from .delivery import Delivery
from .task import Given

_logger = logging.getLogger(__name__)

# Seconds after which a run starts no more requests, and the part of a worker's time
# limit that it may use for that.
BUDGET, PART = 30, 0.25
BUDGET_PARAMETER = "queue_job_sync.run_seconds"
# Seconds after which a chunk starts no more requests: what was answered is committed.
CHUNK_SECONDS = 5
# Records of a chunk at most, whatever the batch size: each claim is a lock.
CHUNK_RECORDS = 500
# Times as many records as a chunk may have are looked at: other jobs have some of them.
CLAIM_FACTOR = 5
# Seconds between two looks whether something more urgent has come.
LOOK_EVERY = 0.25
# Seconds after which a job goes on whose time was over.
NEXT_RUN = 1
# Seconds after which a job is tried again that has lost a connection, least and most:
# all jobs of a server that restarts lose theirs at once.
SOON = (2, 10)


class Run:
    """One run of the job that delivers records.

    :param stream: the ``sync.stream``, as superuser, in the environment of the job
    :param record_ids: ids of the job's own records
    """

    def __init__(self, stream, record_ids):
        self.env = stream.env
        self.stream = stream
        self.record_ids = list(record_ids)
        self.job_uuid = stream.env.context.get("job_uuid")
        self.left = {}  # the job's own records that have still to go: Given by id
        self.more_due = False  # whether others were due when it last looked
        self.passed = set()  # ids of what does not go now, in this run
        self.is_broken = False  # its only record has no content
        self.unclaimed = []  # UUIDs of more urgent jobs whose records others have
        self.busy = set()  # ids of its own that could not be claimed
        self.behind = {}  # ids of what has to wait for other records: their keys
        self.unclear = {}  # what a person has to look at first, and why, by id
        self.place = 0  # of those that the system has
        self.others = False  # whether others may have been due when the job began
        self.tasks = []  # of its own, what has been sent or need not be
        self.apart = 0  # how many of its own are left to other jobs
        self.error = None  # what its own have met
        self.verdict = None  # what that is, if not its own fault: blame.Verdict
        self.is_trial = False  # an incident lets it through, to see whether it is over
        self.was_tried = False  # it has sent its record, and that has shown nothing
        self.begun = False  # something has been started
        self.started = time.monotonic()
        self.end = self.started + budget(self.env)
        self.chunk_end = 0.0
        self.looked = None  # when it was last asked whether something is more urgent
        self.priority = None  # of the least urgent record of the chunk

    def go(self):
        """Deliver the job's own records, and others that are due.

        :return: what became of its own, in a sentence for people
        :raises RetryableJobError: one of its own has to wait, or to be tried again
        :raises SyncError: its only record was refused
        """
        owed, self.is_trial = store.who_owes(
            self.stream, self.record_ids, self.job_uuid
        )
        if not owed and not self.stream.exists():
            return words.Sentence(
                words._lt("The synchronization no longer exists: nothing sent.")
            )
        # what the job says is for all who see it, not for who has edited
        company = self.env["res.company"].browse(self.stream._facts().company_id)
        self.stream = words.in_company_language(self.stream, company)
        self.env = self.stream.env
        if not owed:
            # whoever sleeps for the same, and owes nothing either, is woken in turn
            waiting.let_go_later(self.env, self.stream.id, self.record_ids)
            return self._summary()
        own = Given(self.job_uuid, alone=len(self.record_ids) == 1, own=True)
        # of several, some may have been handed on when it ran before
        self.left = {
            res_id: own for res_id, is_own in owed.items() if own.alone or is_own
        }
        with self._telling_loss():
            self._take_place()
            while self._next_chunk():
                pass
            if self.is_trial and not self.error:
                with suppress(LockNotAvailable):
                    blame.end_trial(self.stream, self.job_uuid, self.was_tried)
        if self.error:
            raise self._job_error()
        self._leave_behind()
        if self.left:
            raise self._wait()
        return self._summary()

    @contextmanager
    def _telling_loss(self):
        """Let the job be tried again that has lost one of its connections.

        Or could not use it. That says nothing about its records. The controller sees to
        the job's own.
        """
        try:
            yield
        except (store.ConnectionLost, LockNotAvailable) as error:
            _logger.info("Job %s is tried again", self.job_uuid, exc_info=True)
            is_lost = isinstance(error, store.ConnectionLost)
            text = words.Sentence(jobs.LOST if is_lost else jobs.LOCKED)
            raise gate.later(text, random.uniform(*SOON)) from None

    def _take_place(self):
        """Take a place of the system, and have another job called for the next one.

        :raises RetryableJobError: others have all of them
        """
        key = waiting.for_system(self.backend.id)
        self.place = places.take(self.backend)
        if not self.place:
            text = words._lt("Waits for its turn.")
            raise waiting.asleep(key, text)
        # nearly always there is nobody: one plain question instead of several
        self.others = store.others_wait(self.env.cr, self.backend.id)
        if self.others and store.sleeps_any(self.env.cr, key):
            waiting.look(self.env.registry, key)

    # -- chunks ---------------------------------------------------------------

    def _next_chunk(self):
        """Deliver the next records that are due; return whether to go on."""
        given = {}
        try:
            with self.env.cr.savepoint(flush=False) as claims:
                given = self._claim()
                chunk = given and self._deliver(given)
                # others may have them: what became of them is committed
                claims.rollback()
        except Exception:
            self._let_go(given)
            raise
        if not chunk:
            self._let_go(given)
            return False
        self._settle(given, chunk)
        now = time.monotonic()
        # of a lone edit, what has come within so short a time is awake and comes itself
        is_lone = not (self.left or self.more_due) and now < self.started + LOOK_EVERY
        is_over = self.error or chunk.obstacle or is_lone or now > self.end
        is_over = is_over or self.was_tried
        return self.is_broken or not is_over

    def _let_go(self, given, settled=(), backfill_ids=()):
        """Wake who waits for records that are not claimed any more."""
        if given:
            records = self.stream.id, list(given), settled
            waiting.let_go(self.env.registry, *records, backfill_ids)

    def _claim(self):
        """Claim the records of the next chunk, and return them: :class:`Given` by id.

        What is more urgent than the job goes first, then its own, then the rest.
        """
        # one is enough to see
        size = 1 if self.is_trial else min(self._batch_size, CHUNK_RECORDS)
        urgent, rest = {}, {}
        own = {id_: each for id_, each in self.left.items() if id_ not in self.passed}
        if self.is_broken:
            # what breaks on a record that is alone is the job's own failure
            own = dict(self.left)
            self.passed -= own.keys()
        elif self.begun or len(own) < size:
            for res_id, given, is_urgent in self._due(size):
                if res_id not in self.passed:
                    (urgent if is_urgent else rest).setdefault(res_id, given)
        # in this order; one of its own is its own, whichever other job owes it as well
        wanted = {**urgent, **own, **rest, **own}
        self.more_due = len(wanted) > len(own)
        claimed = store.claim(self.env.cr, self.stream.id, list(wanted), size)
        # another job is sending them, unless there were more than go at a time
        self.busy = own.keys() - claimed if len(claimed) < size else set()
        self.unclaimed = [
            each.uuid for res_id, each in urgent.items() if res_id not in claimed
        ]
        return {id_: wanted[id_] for id_ in wanted if id_ in claimed}

    def _due(self, size):
        """Return what else is due of the synchronization, in its order."""
        if self.is_trial:
            return []
        at_once = self.stream._facts().at_once
        if not at_once and gate.seconds_until_window(self.stream):
            # nothing goes now that nobody insists on
            return []
        most = CLAIM_FACTOR * size + len(self.passed)
        if not self.begun:
            # the job has just begun, and so has what it sees
            due = self.stream.id, self.job_uuid, most
            return store.due_changes(self.env.cr, *due) if self.others else []
        found = []
        with self._looking() as cr:
            found = store.due_changes(cr, self.stream.id, self.job_uuid, most)
        return found

    @contextmanager
    def _looking(self):
        """Yield a cursor that sees the jobs as they are by now.

        Whoever changes their table waits for this job to end: then it is over.
        """
        try:
            with store.read_committed(self.env.registry) as cr:
                yield cr
        except LockNotAvailable:
            self.chunk_end = self.end = time.monotonic()

    def _deliver(self, given):
        """Send records in a transaction of their own; return the :class:`Delivery`.

        :return: ``None`` if nothing may be sent any more
        """
        self.chunk_end = min(self.end, time.monotonic() + CHUNK_SECONDS)
        self.looked = None
        self.priority = max(each.priority or 0 for each in given.values()) or None
        try:
            with store.delivering(self.env.registry) as cr:
                stream = self.stream.with_env(self.env(cr=cr))
                chunk = Delivery(stream, given, self._more, self.end)
                chunk.run()
                if not chunk.is_kept:
                    cr.rollback()
        except RetryableJobError:
            if not self.begun:
                raise
            return None
        except psycopg2.OperationalError:
            raise
        except Exception:
            own = {res_id: each for res_id, each in given.items() if each.own}
            if len(own) == len(given):
                raise
            # no job fails for what is wrong with the record of another one
            _logger.warning("Sent apart: %s", list(own), exc_info=True)
            self.passed |= given.keys() - own.keys()
            return self._deliver(own) if own else None
        return chunk

    def _more(self):
        """Return whether there is time to start more requests.

        There always is for the first ones: no run ends as it has begun. Those of a
        chunk have just been chosen as the most urgent.
        """
        now = time.monotonic()
        if not self.begun or (self.looked is None and now < self.end):
            self.begun = True
            self.looked = now
        elif now > self.chunk_end:
            return False
        elif now > self.looked + LOOK_EVERY:
            self.looked = now
            with self._looking() as cr:
                urgency = self.job_uuid, self.priority
                apart = self.passed, self.unclaimed
                if store.is_overtaken(cr, self.stream.id, *urgency, *apart):
                    self.chunk_end = now
                if places.is_needed(cr, self.stream, self.place, *urgency):
                    self.chunk_end = self.end = now
                # another job has been asked for patience
                if store.is_quiet(cr, self.backend.id):
                    self.chunk_end = self.end = now
            return time.monotonic() < self.chunk_end
        return True

    # -- what became of a chunk -----------------------------------------------

    def _settle(self, given, chunk):
        """Keep what is known of the job's own records, and tell the jobs of others."""
        met = {
            task.binding.res_id: task
            for task in chunk.failures
            if task.binding.res_id not in chunk.apart
        }
        self.begun = True
        self.behind |= chunk.behind
        self.unclear |= chunk.unclear
        self.passed |= met.keys() | chunk.busy | chunk.behind.keys() | chunk.broken
        self.passed |= chunk.unclear.keys()
        # what other jobs have got is theirs to send
        self.passed |= chunk.apart
        self.is_broken = any(
            given[res_id].own and given[res_id].alone for res_id in chunk.broken
        )
        staying = self.passed | chunk.untaken
        for res_id, each in given.items():
            if each.own and (res_id not in staying or res_id in chunk.apart):
                self.left.pop(res_id, None)
        own = [each for each in chunk.settled if given[each.binding.res_id].own]
        self.tasks += own
        self.apart += sum(given[res_id].own for res_id in chunk.apart)
        failed = [met[res_id] for res_id in met if given[res_id].own]
        is_held_up = chunk.obstacle and self.left.keys() - self.unclear.keys()
        if is_held_up:
            failed += [task for task in chunk.met if task.error == chunk.obstacle]
        # our own limit is not what it fails by, where anything else was met
        failed.sort(key=lambda task: isinstance(task.error, RateLimited))
        throttled = isinstance(chunk.obstacle, Throttled)
        if throttled and not isinstance(chunk.obstacle, RateLimited):
            # before anybody is woken
            seconds = chunk.obstacle.retry_after
            with suppress(LockNotAvailable):
                store.keep_quiet(self.env.registry, self.backend.id, seconds)
        verdict = None
        warned = any(task.receipt and task.receipt.warning for task in chunk.settled)
        if chunk.met or warned or self.is_trial:
            with suppress(LockNotAvailable):
                uuid = self.is_trial and self.job_uuid
                verdict = blame.judge(self.stream, chunk, uuid)
        if self.is_trial and any(task.message for task in chunk.settled):
            # it has shown what it was to show
            self.is_trial = False
        elif self.is_trial:
            sent = [task.receipt for task in chunk.tasks if task.receipt]
            self.was_tried = any(receipt.request for receipt in sent)
        if failed and not self.error:
            self.error = failed[0].error
            if verdict and verdict.alike.covers(failed[0]):
                self.verdict = verdict
        elif is_held_up:
            self.error = self.error or chunk.obstacle
        others = [
            (given[res_id].uuid, task, given[res_id].uuid)
            for res_id, task in met.items()
            if given[res_id].alone and not given[res_id].own
        ] + chunk.refused
        settled = {task.binding.res_id for task in chunk.settled}
        # what has waited for them in vain may go in the next chunk
        there = {(self.stream.id, id_) for id_ in settled}
        freed = [id_ for id_, keys in self.behind.items() if not there.isdisjoint(keys)]
        for res_id in freed:
            del self.behind[res_id]
        self.passed.difference_update(freed)
        behind = [
            (given[res_id].uuid, self._sleep_of(res_id))
            for res_id in chunk.behind.keys() | chunk.unclear.keys()
            if given[res_id].alone
            and not given[res_id].own
            and (res_id in self.behind or res_id in self.unclear)
        ]
        if verdict and verdict.sleep:
            # what is not a record's fault is nobody's try
            held = [each for each in others if verdict.alike.covers(each[1])]
            others = [each for each in others if each not in held]
            behind += [(uuid, verdict.sleep) for uuid, *_task in held]
        jobs.tell(self.stream, chunk.covered, others, behind)
        self._let_go(given, settled, chunk.backfill_ids)

    # -- what becomes of the job ----------------------------------------------

    @property
    def system_name(self):
        return self.stream._facts().backend_name

    @property
    def _batch_size(self):
        return self.stream._facts().batch_size

    @property
    def backend(self):
        return self.env["sync.backend"].browse(self.stream._facts().backend_id)

    def _leave_behind(self):
        """Give those of several records that wait for others jobs of their own."""
        for res_id in self.left.keys() & (self.behind.keys() | self.unclear.keys()):
            if not self.left[res_id].alone:
                sleep = self._sleep_of(res_id)
                jobs.hand_on(self.stream, self.job_uuid, [res_id], sleep=sleep)
                del self.left[res_id]
                self.apart += 1

    def _sleep_of(self, res_id):
        """Return how a record sleeps that waits for others, or for a person."""
        if res_id in self.unclear:
            key = waiting.for_doubt(self.stream.id, res_id)
            return waiting.Sleep(key, self.unclear[res_id])
        keys, names = self.behind[res_id], []
        for stream_id, res_id in keys[:3]:
            stream = self.stream.browse(stream_id)
            record = self.env[stream.model_name].browse(res_id).exists()
            name = jobs.names_of(record).get(res_id)
            names.append(name or f"{stream.model_id.name} {res_id}")
        reason = words.Sentence(
            words._lt("%(system)s: waits for %(names)s, which has to be there first."),
            system=self.system_name,
            names=", ".join(names) + ("…" if len(keys) > 3 else ""),
        )
        return waiting.Sleep(waiting.for_ahead(*keys[0]), reason)

    def _wait(self):
        """Return the exception that lets the job come back for its other records."""
        if self.left.keys() - self.passed - self.busy:
            text = words.Sentence(
                words._lt("%(system)s: goes on with the rest."), system=self.system_name
            )
            return gate.later(text, NEXT_RUN)
        res_id = min(self.left)
        if res_id in self.behind or res_id in self.unclear:
            return waiting.asleep(*self._sleep_of(res_id))
        return waiting.asleep(
            waiting.for_record(self.stream.id, res_id),
            words._lt("Another job is sending this record."),
        )

    def _job_error(self):
        """Return the exception that queue_job has to see for a failed delivery."""
        error = self.error
        if self.verdict and self.verdict.sleep:
            return waiting.asleep(*self.verdict.sleep)
        if self.verdict or isinstance(error, Misconfigured):
            # a person has just changed something; or it could not be held
            return gate.later(error.message, random.uniform(*SOON))
        if isinstance(error, Rejected):
            return error
        # a job that has got some records through uses no try
        waits = bool(self.tasks or isinstance(error, Throttled))
        job = self.env["queue.job"].search([("uuid", "=", self.job_uuid)], limit=1)
        seconds = jobs.retry_seconds(self.stream, error, job.retry + 1)
        found = RetryableJobError(error.message, seconds, ignore_retry=waits)
        found.sync_error = error  # see jobs.error_behind()
        return found

    def _summary(self):
        """Return what became of the job's records, for its result."""
        system = self.system_name
        sent = [task for task in self.tasks if task.message]
        if not (self.tasks or self.apart):
            return words.Sentence(
                words._lt("%(system)s: already delivered by another job."),
                system=system,
            )
        if len(self.tasks) == 1 and not self.apart:
            return jobs.delivered_text(self.stream, self.tasks[0])
        return words.Sentence(
            words._lt(
                "%(system)s: %(sent)s delivered, %(same)s unchanged, "
                "%(apart)s left to another job."
            ),
            system=system,
            sent=len(sent),
            same=len(self.tasks) - len(sent),
            apart=self.apart,
        )


def budget(env):
    """Return the seconds after which a run starts no more requests.

    The setting, or as much as suits a worker that is ended after its time limit.
    """
    parameters = env["ir.config_parameter"].sudo()
    limit = config["limit_time_real"]
    fitting = min(BUDGET, limit * PART) if limit > 0 else BUDGET
    try:
        return float(parameters.get_param(BUDGET_PARAMETER) or fitting)
    except ValueError:
        return fitting
