# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import threading
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

from odoo.modules.registry import DummyRLock, Registry
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine import waiting
from ..engine.delivery import Delivery, send_over_forgotten
from ..transports.rest import RestTransport
from .race_case import RaceCase, WorkerDied
from .servers import HttpDestination

# Seconds after which a test gives up; none takes that long unless it fails.
PATIENCE = 20
LATE = "Late"
# Whether it holds claims tells a job's own connection from that of its chunk.
JOB, CHUNK = True, False


class LateDestination(HttpDestination):
    """A destination that is slow to begin with what has this name."""

    def __init__(self, **options):
        super().__init__(**options)
        self.held = threading.Event()
        self.may_begin = threading.Event()

    def reply(self, request):
        if request.json and request.json["name"] == LATE and not self.held.is_set():
            self.held.set()
            self.may_begin.wait(PATIENCE)
        return super().reply(request)


class LostConnectionCase(RaceCase):
    """A job whose connections to Odoo's database are lost while it sends."""

    destination_class = LateDestination
    # that are lost: the one that holds the claims, and the one that holds the bindings
    lost = (JOB, CHUNK)
    # one filter for all threads: each of them would restore what another has set
    quiet_loggers = ()

    def setUp(self):
        super().setUp()
        # the runner of the tests holds it, and would keep every other thread out
        self.enterContext(patch.object(Registry, "_lock", DummyRLock()))
        self.enterContext(mute_logger("odoo.addons.queue_job.controllers.main"))
        self.enterContext(mute_logger("odoo.sql_db"))
        self.change_backend(read_timeout=2 * PATIENCE)
        self.addCleanup(self.destination.may_begin.set)

    def names_there(self):
        return [record["name"] for record in self.destination.records.values()]

    def attempts(self):
        return self.read("sync.attempt", [("stream_id", "=", self.stream_id)], [])

    def key_of(self, name):
        """Return the keys that requests with a name came with, in their order."""
        return [
            request.headers["Idempotency-Key"]
            for request in self.destination.requests
            if request.json and request.json["name"] == name
        ]

    def terminate(self):
        """End connections of the only job that works, at the server.

        That of the job holds claims, which are advisory locks, and that of the chunk
        holds none.
        """
        with self.registry.cursor() as cr:
            cr.execute(
                """
                SELECT has_claims, pg_terminate_backend(pid, 5000)
                  FROM pg_stat_activity AS activity
                 CROSS JOIN LATERAL (
                       SELECT EXISTS (SELECT FROM pg_locks
                                       WHERE pid = activity.pid
                                         AND locktype = 'advisory') AS has_claims
                       ) AS held
                 WHERE datname = current_database() AND pid <> pg_backend_pid()
                   AND state = 'idle in transaction' AND has_claims = ANY(%s)
                """,
                (list(self.lost),),
            )
            self.assertEqual(
                sorted(cr.fetchall()), sorted((x, True) for x in self.lost)
            )

    def try_job(self, uuid):
        """Run a job, whatever queue_job makes of a connection that is gone."""
        try:
            self.run_job(uuid)
        except Exception as error:
            self.gone = error

    def wait_for(self, event):
        self.assertTrue(event.wait(PATIENCE), "it never came to that")

    @contextmanager
    def losing(self, uuid, sending):
        """Run a job in a thread; within, it is where it is to be, without connection.

        On leaving it goes on, and comes to its end.
        """
        thread = threading.Thread(target=self.try_job, args=(uuid,))
        thread.start()
        try:
            self.wait_for(sending)
            self.terminate()
            yield
        finally:
            self.destination.may_begin.set()
            thread.join(PATIENCE)
        self.assertFalse(thread.is_alive())

    def situation(self, partner_id):
        with self.transaction() as env:
            partner = env["res.partner"].browse(partner_id)
            return partner.sync_state

    def deliver_meanwhile(self, partner_id, name):
        self.edit(partner_id, name=name)
        uuid = self.job_uuids("pending")[-1]
        self.assertEqual(self.run_job(uuid), "done")

    def assertEndsWith(self, partner_id, name):
        """Assert that the late state was there, is not shown as synced, and goes."""
        self.assertEqual(self.names_there(), [LATE])
        self.assertEqual(self.situation(partner_id), "waiting")
        before = self.key_of(name)
        self.settle()
        self.assertEqual(self.names_there(), [name])
        self.assertFalse(self.outbox())
        self.assertFalse(self.attempts())
        self.assertEqual(self.situation(partner_id), "synced")
        self.assertFalse(set(before) & set(self.key_of(name)[len(before) :]))


@tagged("post_install", "-at_install")
class TestLostConnection(LostConnectionCase):
    def test_request_that_arrives_after_a_later_one(self):
        partner_id = self.new_partner(name="Zero")
        self.settle()
        self.edit(partner_id, name=LATE)
        (uuid,) = self.job_uuids("pending")
        with self.assertLogs("odoo.addons.queue_job_sync", "WARNING") as log:
            with self.losing(uuid, self.destination.held):
                self.deliver_meanwhile(partner_id, "Now")
                self.assertEqual(self.names_there(), ["Now"])
                self.assertEqual(self.situation(partner_id), "waiting")
        self.assertIn("connection to the database was lost", log.output[0])
        self.assertIn(str(partner_id), log.output[0])
        self.assertEndsWith(partner_id, "Now")
        # what it has sent is in the log, although it could not be confirmed
        deliveries = self.read(
            "sync.delivery", [("res_id", "=", partner_id)], ["state"], order="id"
        )
        self.assertEqual([each["state"] for each in deliveries], ["success"] * 4)

    def test_creation_that_arrives_after_a_later_edit(self):
        partner_id = self.new_partner(name=LATE)
        (uuid,) = self.job_uuids("pending")
        with self.assertLogs("odoo.addons.queue_job_sync", "WARNING"):
            with self.losing(uuid, self.destination.held):
                self.deliver_meanwhile(partner_id, "Now")
                self.assertEqual(self.names_there(), ["Now"])
        self.settle()
        self.assertEqual(self.names_there(), ["Now"])
        self.assertFalse(self.outbox())
        self.assertFalse(self.attempts())

    def test_creation_is_not_asked_for_again(self):
        partner_id = self.new_partner(name=LATE)
        (uuid,) = self.job_uuids("pending")
        with self.assertLogs("odoo.addons.queue_job_sync", "WARNING"):
            with self.losing(uuid, self.destination.held):
                pass
        self.edit(partner_id, name="Now")
        self.settle()
        self.assertEqual(self.names_there(), ["Now"])
        # it may be one that makes a second record of the same key
        methods = [request.method for request in self.destination.requests]
        self.assertEqual(methods, ["POST", "PUT"])
        self.assertFalse(self.outbox())
        self.assertFalse(self.attempts())

    def test_creation_and_what_follows_are_two_requests(self):
        self.new_partner(name=LATE)
        (uuid,) = self.job_uuids("pending")
        with self.assertLogs("odoo.addons.queue_job_sync", "WARNING"):
            with self.losing(uuid, self.destination.held):
                pass
        self.settle()
        self.assertEqual(self.names_there(), [LATE])
        created, updated = self.destination.requests
        self.assertEqual((created.method, updated.method), ("POST", "PUT"))
        keys = {each.headers["Idempotency-Key"] for each in (created, updated)}
        self.assertEqual(len(keys), 2)
        self.assertFalse(self.outbox())
        self.assertFalse(self.attempts())

    def test_creation_that_was_asked_for_twice_is_known_by_its_answer(self):
        partner_id = self.new_partner(name=LATE)
        (uuid,) = self.job_uuids("pending")
        # the first request is lost on its way, at once
        self.destination.held.set()
        self.destination.answer(drop=True)
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(len(self.attempts()), 1)
        self.outlast_requests()
        self.destination.held.clear()
        with self.assertLogs("odoo.addons.queue_job_sync", "WARNING"):
            with self.losing(uuid, self.destination.held):
                pass
        self.settle()
        self.assertEqual(self.names_there(), [LATE])
        methods = [request.method for request in self.destination.requests]
        self.assertEqual(methods, ["POST", "POST", "PUT"])
        self.assertFalse(self.outbox(partner_id))
        self.assertFalse(self.attempts())

    def test_nothing_else_was_sent_meanwhile(self):
        partner_id = self.new_partner(name="Zero")
        self.settle()
        self.edit(partner_id, name=LATE)
        (uuid,) = self.job_uuids("pending")
        with self.assertLogs("odoo.addons.queue_job_sync", "WARNING"):
            with self.losing(uuid, self.destination.held):
                pass
        self.assertEqual(self.situation(partner_id), "waiting")
        self.settle()
        self.assertEqual(self.names_there(), [LATE])
        self.assertFalse(self.outbox())
        # the same request again
        self.assertEqual(len(set(self.key_of(LATE))), 1)

    def lose_before_the_note(self, partner_id):
        """Let a job send after its connection is gone, and another one is confirmed."""
        self.edit(partner_id, name=LATE)
        (uuid,) = self.job_uuids("pending")
        about_to, may_send = threading.Event(), threading.Event()
        real_note = Delivery._note

        def note(self, tasks):
            if tasks[0].message.payload["name"] == LATE:
                about_to.set()
                may_send.wait(PATIENCE)
            return real_note(self, tasks)

        self.destination.held.set()  # it is not the destination that is late
        with patch.object(Delivery, "_note", note):
            with self.losing(uuid, about_to):
                self.deliver_meanwhile(partner_id, "Now")
                self.assertEqual(self.situation(partner_id), "synced")
                may_send.set()

    def test_request_that_left_after_a_later_one_was_confirmed(self):
        partner_id = self.new_partner(name="Zero")
        self.settle()
        with self.assertLogs("odoo.addons.queue_job_sync", "WARNING"):
            self.lose_before_the_note(partner_id)
        self.assertEndsWith(partner_id, "Now")

    def test_the_sweep_finds_what_a_worker_could_not_say_any_more(self):
        partner_id = self.new_partner(name="Zero")
        self.settle()
        with patch.object(Delivery, "_tell_loss"):
            self.lose_before_the_note(partner_id)
        self.assertEqual(self.names_there(), [LATE])
        self.assertFalse(self.outbox())
        self.sweep()  # it may still arrive
        self.assertFalse(self.outbox())
        self.outlast_requests()
        self.sweep()
        self.assertEqual(len(self.outbox()), 1)
        self.sweep()
        self.assertEqual(len(self.outbox()), 1)
        self.assertEndsWith(partner_id, "Now")
        self.sweep()
        self.assertFalse(self.outbox())

    def sweep(self):
        with self.transaction() as env:
            send_over_forgotten(env)


@tagged("post_install", "-at_install")
class TestLostChunkConnection(LostConnectionCase):
    """The claims are still held: nobody else sends the record meanwhile."""

    lost = (CHUNK,)

    def lose_one(self, partner_id):
        """Lose it while a job sends and another one tries to send the same record."""
        (uuid,) = self.job_uuids("pending")
        with self.assertLogs("odoo.addons.queue_job_sync", "WARNING"):
            self.lose_with_two_jobs(uuid, partner_id)
        # whoever slept for the record is woken, although nothing was confirmed
        self.assertEqual(self.asleep(), [])
        self.assertEqual(self.job(uuid, "state")["state"], "pending")

    def lose_with_two_jobs(self, uuid, partner_id):
        with self.losing(uuid, self.destination.held):
            self.edit(partner_id, name="Now")
            other = self.job_uuids("pending")[-1]
            self.assertEqual(self.run_job(other), "pending")
            self.assertEqual(self.job(other, "retry")["retry"], 0)
            self.assertEqual(self.situation(partner_id), "waiting")
            self.assertNotIn("Now", self.names_sent())
        job = self.job(uuid, "state", "retry")
        self.assertIn((job["state"], job["retry"]), (("pending", 0), ("done", 1)))

    def assertEndsInOrder(self, partner_id):
        self.settle()
        self.assertEqual(self.names_there(), ["Now"])
        names = self.names_sent()
        self.assertNotIn(LATE, names[names.index("Now") :])
        self.assertEqual(self.situation(partner_id), "synced")
        self.assertFalse(self.attempts())
        self.assertSettled(partner_id)

    def test_known_record(self):
        partner_id = self.new_partner(name="Zero")
        self.settle()
        self.edit(partner_id, name=LATE)
        self.lose_one(partner_id)
        self.assertEndsInOrder(partner_id)

    def test_new_record(self):
        partner_id = self.new_partner(name=LATE)
        self.lose_one(partner_id)
        self.assertEndsInOrder(partner_id)
        posts = [each for each in self.destination.requests if each.method == "POST"]
        self.assertEqual(len(posts), 1)


@tagged("post_install", "-at_install")
class TestLostJobConnection(TestLostChunkConnection):
    """The binding is still locked, and what was answered is confirmed."""

    lost = (JOB,)
    test_tags = {"standard", "post_install"}
    allow_inherited_tests_method = True

    def lose_one(self, partner_id):
        before = self.binding(partner_id)
        (uuid,) = self.job_uuids("pending")
        self.lose_with_two_jobs(uuid, partner_id)
        version = before["version"] if before else 0
        self.assertEqual(self.binding(partner_id)["version"], version + 1)


@tagged("post_install", "-at_install")
class TestDeadWorker(LostConnectionCase):
    """Nobody is left to say anything, and its request is on its way."""

    def die_sending(self, uuid):
        """Kill a worker whose request has reached the destination's queue."""
        real_deliver = RestTransport.deliver
        threads = []

        def deliver_and_die(transport, take):
            def deliver():
                list(real_deliver(transport, take))

            threads.append(threading.Thread(target=deliver))
            threads[0].start()
            self.wait_for(self.destination.held)
            raise WorkerDied

        with (
            patch.object(RestTransport, "deliver", deliver_and_die),
            patch.object(waiting, "after_run"),
            self.assertRaises(WorkerDied),
        ):
            self.run_job(uuid)

        def arrive():
            self.destination.may_begin.set()
            threads[0].join(PATIENCE)

        return arrive

    def test_request_that_arrives_late(self):
        partner_id = self.new_partner(name="Zero")
        self.settle()
        self.edit(partner_id, name=LATE)
        (uuid,) = self.job_uuids("pending")
        arrive = self.die_sending(uuid)
        self.deliver_meanwhile(partner_id, "Now")
        self.assertEqual(self.names_there(), ["Now"])
        self.assertEqual(self.situation(partner_id), "waiting")
        # the record is sent once more, and not before the request can arrive no more
        (again,) = self.outbox(partner_id)
        (late,) = self.attempts()
        eta = self.job(again["job_uuid"], "eta")["eta"]
        self.assertEqual(eta, late["late_until"])
        arrive()
        self.assertEndsWith(partner_id, "Now")

    def test_content_that_comes_back_while_a_request_may_arrive(self):
        partner_id = self.new_partner(name="Zero")
        self.settle()
        self.edit(partner_id, name=LATE)
        arrive = self.die_sending(self.job_uuids("pending")[-1])
        self.deliver_meanwhile(partner_id, "Now")
        self.deliver_meanwhile(partner_id, LATE)
        arrive()
        # the first one's may have been answered for what was overwritten since
        self.assertEqual(len(set(self.key_of(LATE))), 2)
        self.settle()
        self.assertEqual(self.names_there(), [LATE])
        self.assertFalse(self.outbox())


@tagged("post_install", "-at_install")
class TestDeadWorkerOdooIds(TestDeadWorker):
    stream_options = {"id_policy": "odoo"}
    destination_class = partial(LateDestination, upsert=True)
    test_tags = {"standard", "post_install"}
    allow_inherited_tests_method = True
