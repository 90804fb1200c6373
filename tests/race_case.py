# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager
from threading import Semaphore, Thread, current_thread
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import DummyRLock, Registry
from odoo.tools import mute_logger

from ..controllers.run_job import RunJobController
from ..engine import store, waiting
from .common import DeliveryCase

# Jobs that may send at a time.
PLACES = 4
# Times that postponed jobs are run before a test takes them for stuck.
ROUNDS = 5
# Seconds after which a worker that is moved on step by step is stuck.
PATIENCE = 10
NO_WAITING = "SET LOCAL lock_timeout = '300ms'"


class WorkerDied(BaseException):
    """What a killed worker looks like from inside: nothing after it runs."""


class RaceCase(DeliveryCase):
    """Transactions that overlap, moved on step by step in one thread.

    Nothing may wait for another transaction here, for the other one does not go on
    meanwhile: who would have to wait gets an error.
    """

    takes_along = True

    def setUp(self):
        super().setUp()
        self.enterContext(mute_logger(*self.quiet_loggers))
        # the runner of the tests holds it, and would keep every other thread out
        self.enterContext(patch.object(Registry, "_lock", DummyRLock()))
        # or the second job to start would wait for the first one to end
        self.change_backend(jobs_at_once=PLACES)
        self.workers = {}
        deliver = store.delivering

        @contextmanager
        def delivering(registry):
            """What delivers; a worker that is moved on step by step stops here."""
            with deliver(registry) as cr:
                stop = self.workers.pop(current_thread(), lambda: None)
                cr.execute(NO_WAITING)
                stop()
                yield cr
                stop()

        self.enterContext(patch.object(store, "delivering", delivering))
        self.dead = set()  # threads of workers
        after_run = waiting.after_run
        self.enterContext(
            patch.object(
                waiting,
                "after_run",
                lambda *args: current_thread() in self.dead or after_run(*args),
            )
        )

    @contextmanager
    def transaction(self, uid=SUPERUSER_ID):
        with super().transaction(uid) as env:
            env.cr.execute(NO_WAITING)
            yield env

    @contextmanager
    def overlapping(self):
        """Yield an environment whose snapshot is taken, and commit on leaving.

        Odoo's transactions are REPEATABLE READ: all that is read later is as of now.
        """
        with self.transaction() as env:
            env.cr.execute("SELECT count(*) FROM queue_job")
            yield env

    def editing(self, edit):
        """A transaction of an editor, as a generator with two steps.

        It begins, which is when its snapshot is taken; then it edits and commits.

        :param edit: function of an environment
        """
        with self.overlapping() as env:
            yield
            edit(env)
        yield

    def delivering(self, uuid):
        """A job in a worker, as a generator with three steps.

        It starts, until the snapshot is taken that it sends from; then it does all its
        work, and then it commits. One that sends nothing does all in the first step.
        Whose generator is closed before dies.
        """
        reached, go_on, raised = Semaphore(0), Semaphore(0), []

        def stop():
            reached.release()
            go_on.acquire(timeout=PATIENCE)
            if current_thread() in self.dead:
                raise WorkerDied

        def work():
            try:
                self._work(uuid)
            except WorkerDied:
                return
            except BaseException as error:
                raised.append(error)
            reached.release()

        worker = Thread(target=work, daemon=True)
        self.workers[worker] = stop
        worker.start()
        self.addCleanup(self._let_end, worker, go_on)
        for _step in range(3):
            if worker.is_alive():
                self.assertTrue(reached.acquire(timeout=PATIENCE), "the job hangs")
            if raised:
                raise raised.pop()
            try:
                yield
            except GeneratorExit:
                self.dead.add(worker)
                self._let_end(worker, go_on)
                raise
            go_on.release()
        worker.join(PATIENCE)

    def _let_end(self, worker, go_on):
        """Have a worker end that a failed test has left behind."""
        go_on.release(2)
        worker.join(PATIENCE)

    def _work(self, uuid):
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET state = 'enqueued',"
                " date_enqueued = now() AT TIME ZONE 'utc' WHERE uuid = %s",
                (uuid,),
            )
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            job = RunJobController._acquire_job(env, uuid)
            cr.execute(NO_WAITING)
            RunJobController._runjob(env, job)

    @contextmanager
    def sent(self, uuid):
        """Run a job; within, it has sent the record and has not committed."""
        job = self.delivering(uuid)
        next(job)
        next(job)
        yield
        next(job)

    @contextmanager
    def started(self, uuid):
        """Run a job; within, it has its snapshot and has not sent anything."""
        job = self.delivering(uuid)
        next(job)
        yield
        next(job)
        next(job)

    def settle(self):
        """Run the jobs that are awake until none is left.

        What sleeps has to be woken by what it waits for: no scheduled action looks.
        """
        for _round in range(ROUNDS):
            self.outlast_requests()
            self.outlast_patience()
            awake = self.awake()
            for uuid in awake:
                self.run_job(uuid)
            if not awake:
                self.assertFalse(self.job_uuids("pending"), "nobody wakes them")
                return
        self.fail("the jobs never end")

    def names_sent(self):
        """Return the names that the destination was sent, in that order."""
        return [each.json["name"] for each in self.destination.requests if each.body]

    def names_here(self, partner_id):
        """Return the name of a contact in a list, which is empty when it is gone."""
        rows = self.read("res.partner", [("id", "=", partner_id)], ["name"])
        return [row["name"] for row in rows]

    def row_ids(self, partner_id):
        """Return the ids of the undelivered changes of a contact."""
        return {row["id"] for row in self.outbox(partner_id)}

    def assertSettled(self, partner_id):
        """Assert that nothing is owed, and that it took no try of any job."""
        self.assertFalse(self.outbox(partner_id))
        jobs = self.read(
            "queue.job",
            [("sync_stream_id", "=", self.stream_id)],
            ["state", "retry", "exc_info"],
        )
        for job in jobs:
            self.assertEqual((job["state"], job["exc_info"]), ("done", False))
            self.assertLessEqual(job["retry"], 1)
