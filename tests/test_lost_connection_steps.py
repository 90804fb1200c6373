# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Each connection of a job is lost at each of its steps, alone."""

from contextlib import contextmanager
from unittest.mock import patch

from odoo.sql_db import Cursor
from odoo.tests import tagged

from odoo.addons.queue_job.controllers import main as queue_job_controller

from ..controllers.run_job import RunJobController
from ..engine import waiting
from ..engine.delivery import send_over_forgotten
from .race_case import RaceCase

# More steps than a job has.
MANY = 200
# What changes nothing of what the connection holds is no step.
NO_STEPS = ("SAVEPOINT", "RELEASE", "SET ")
# What a connection begins with, together with its first statement.
PATIENCE = "SET LOCAL lock_timeout = %s; "
# It tells of what it has lost, and each of these tests would tell of it again.
LOGGERS = (
    "odoo.addons.queue_job.controllers.main",
    "odoo.addons.queue_job_sync.controllers.run_job",
    "odoo.addons.queue_job_sync.engine",
    "odoo.sql_db",
)


class _Fault:
    """Loses the connection of a cursor at one step of a job.

    A step is a statement, or a commit. The connection is ended at the server, after the
    statement, or after the commit and before its answer has come.

    :param number: of the step, from 0
    :param kind: how the steps begin that count
    """

    def __init__(self, registry, number, kind):
        self.registry = registry
        self.left = number
        self.kind = kind
        self.is_on = False
        self.step = None  # where it was lost

    @contextmanager
    def on(self):
        was_on, self.is_on = self.is_on, True
        try:
            yield
        finally:
            self.is_on = was_on

    def after(self, cursor, name):
        """Do what happens after a step; return whether the connection is lost."""
        if not self.is_on or self.step or name.startswith(NO_STEPS):
            return False
        if not name.startswith(self.kind):
            return False
        if self.left:
            self.left -= 1
            return False
        self.step = name
        with self.registry.cursor() as cr:
            pid = cursor.connection.get_backend_pid()
            cr.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        return True


class EveryStepCase(RaceCase):
    """Jobs that lose a connection at a step.

    The job's own, with the claims; that of the chunk; those that read, write and drop
    notes; those that settle other jobs, and wake them.
    """

    quiet_loggers = LOGGERS

    @contextmanager
    def losing(self, number, kind=""):
        """Within, a job loses a connection at a step, see :class:`_Fault`."""
        fault = _Fault(self.registry, number, kind)
        execute, commit = Cursor.execute, Cursor.commit
        perform, after_run = RunJobController._try_perform_job, waiting.after_run

        def execute_and_lose(cursor, query, *args, **kwargs):
            execute(cursor, query, *args, **kwargs)
            text = " ".join(str(getattr(query, "code", query)).split())
            fault.after(cursor, text.removeprefix(PATIENCE))

        def commit_and_lose(cursor):
            if not fault.is_on:
                return commit(cursor)
            cursor.flush()
            cursor.connection.commit()
            if fault.after(cursor, "COMMIT"):
                # as if it had not answered: the driver finds out
                cursor.execute("SELECT 1")
            return commit(cursor)

        def perform_and_lose(env, job):
            with fault.on():
                return perform(env, job)

        def after_run_and_lose(*args):
            with fault.on():
                return after_run(*args)

        with (
            patch.object(Cursor, "execute", execute_and_lose),
            patch.object(Cursor, "commit", commit_and_lose),
            patch.object(RunJobController, "_try_perform_job", perform_and_lose),
            patch.object(waiting, "after_run", after_run_and_lose),
            # it commits as it does when it is not under test
            patch.object(queue_job_controller, "config", {"test_enable": False}),
        ):
            yield fault

    def mend(self):
        """Do what scheduled actions do about what nobody could do any more."""
        self.outlast_requests()
        with self.transaction() as env:
            send_over_forgotten(env)
        with self.transaction() as env:
            waiting.look_everywhere(env)

    def attempts(self):
        return self.read("sync.attempt", [("stream_id", "=", self.stream_id)], [])


@tagged("post_install", "-at_install")
class TestEveryStep(EveryStepCase):
    """Nothing is lost, nothing is sent out of order, and no try is used."""

    def names_of(self, partner_id, start):
        """Return the names that requests about a contact came with, in their order."""
        path = f"/contacts/{self.binding(partner_id)['external_id']}"
        return [
            request.json["name"]
            for request in self.destination.requests[start:]
            if request.path == path
        ]

    def lose_at(self, number, partner_ids):
        """Let a job that takes another along lose a connection at a step.

        :return: the step, ``None`` if it has less
        """
        before = self.job_uuids()
        for partner_id in partner_ids:
            self.edit(partner_id, name=f"First {number}")
        uuid, _other = [each for each in self.job_uuids() if each not in before]
        with self.losing(number) as fault:
            self.run_job(uuid)
        domain = [("sync_stream_id", "=", self.stream_id), ("uuid", "not in", before)]
        for job in self.read("queue.job", domain, ["state", "retry", "exc_info"]):
            told = number, fault.step, job
            self.assertIn(job["state"], ("pending", "done"), told)
            self.assertLessEqual(job["retry"], int(job["state"] == "done"), told)
        return fault.step

    def assertNothingIsLost(self, number, partner_ids):
        """Edit one of the contacts, and assert that the last states arrive last."""
        first, second = f"First {number}", f"Second {number}"
        start = len(self.destination.requests)
        self.edit(partner_ids[0], name=second)
        self.mend()
        self.settle()
        if self.attempts():
            self.mend()
            self.settle()
        self.assertFalse(self.outbox())
        self.assertFalse(self.attempts())
        # the older state is not sent any more
        self.assertEqual(set(self.names_of(partner_ids[0], start)), {second})
        for partner_id, name in zip(partner_ids, (second, first), strict=True):
            external_id = self.binding(partner_id)["external_id"]
            there = self.destination.records[f"/contacts/{external_id}"]
            self.assertEqual(there["name"], name)
            self.assertSettled(partner_id)
        self.assertEqual(len(self.destination.records), len(partner_ids))

    def test_every_step(self):
        partner_ids = [self.new_partner(name="Ada"), self.new_partner(name="Ida")]
        self.settle()
        steps = []
        for number in range(MANY):
            with self.subTest(number=number, after=steps[-1:]):
                step = self.lose_at(number, partner_ids)
                steps.append(step)
                self.assertNothingIsLost(number, partner_ids)
            if not step:
                break
        found = " ".join(filter(None, steps))
        for part in (
            "INSERT INTO sync_attempt",  # the one that notes
            "UPDATE queue_job AS job SET state = 'done'",  # that settles others
            "pg_try_advisory_xact_lock",  # the job's own
            "UPDATE sync_binding",  # the chunk's
            "DELETE FROM sync_attempt",
        ):
            self.assertIn(part, found)
        self.assertGreater(steps.count("COMMIT"), 5)
        self.assertIsNone(steps[-1], "it has more steps")

    def test_note_of_a_creation_that_a_transport_decides_on(self):
        """It is written by a thread that sends."""
        partner_id = self.new_partner(name="Ada")
        self.settle()
        self.prove("create", "update")
        self.destination.records.clear()
        self.edit(partner_id, name="Grace")
        (uuid,) = self.job_uuids("pending")
        with self.losing(1, "INSERT INTO sync_attempt") as fault:
            self.assertEqual(self.run_job(uuid), "pending")
        self.assertTrue(fault.step)
        self.assertEqual(self.job(uuid, "retry")["retry"], 0)
        self.assertFalse(self.destination.records)
        self.settle()
        (record,) = self.destination.records.values()
        self.assertEqual(record["name"], "Grace")
        self.assertFalse(self.attempts())
        self.assertSettled(partner_id)
