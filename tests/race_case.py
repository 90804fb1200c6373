# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager

from odoo import SUPERUSER_ID, api
from odoo.tools import mute_logger

from ..controllers.run_job import RunJobController
from .common import DeliveryCase

# Times that postponed jobs are run before a test takes them for stuck.
ROUNDS = 5
NO_WAITING = "SET LOCAL lock_timeout = '300ms'"


class RaceCase(DeliveryCase):
    """Transactions that overlap, moved on step by step in one thread.

    Nothing may wait for another transaction here, for the other one does not go on
    meanwhile: who would have to wait gets an error.
    """

    def setUp(self):
        super().setUp()
        self.enterContext(mute_logger(*self.quiet_loggers))

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

        It starts, which is when its snapshot is taken; then it does all its work,
        and then it commits.
        """
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
            yield
            RunJobController._runjob(env, job)
            yield
        yield

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
        """Run all jobs until none is left."""
        for _round in range(ROUNDS):
            self.outlast_requests()
            if not self.run_pending():
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
