# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import threading
import time
from contextlib import contextmanager
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import DummyRLock, Registry
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.queue_job.job import Job

from ..controllers.run_job import RunJobController
from .common import DeliveryCase
from .servers import HttpDestination

# Seconds after which a test gives up; none takes that long unless it fails.
PATIENCE = 10


class HeldDestination(HttpDestination):
    """A destination that can be told to take its time."""

    def __init__(self):
        super().__init__()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def reply(self, request):
        answer = super().reply(request)
        self.may_answer.wait(PATIENCE)
        return answer

    def wait_for(self, count):
        """Wait until so many requests have arrived."""
        deadline = time.monotonic() + PATIENCE
        while len(self.requests) < count and time.monotonic() < deadline:
            time.sleep(0.01)


@tagged("post_install", "-at_install")
class TestDeliveryLocks(DeliveryCase):
    """Jobs at the same time, in real transactions of their own."""

    destination_class = HeldDestination
    # one filter for all threads: each of them would restore what another has set
    quiet_loggers = ()

    def setUp(self):
        super().setUp()
        # the runner of the tests holds it, and would keep every other thread out
        self.enterContext(patch.object(Registry, "_lock", DummyRLock()))
        self.enterContext(mute_logger("odoo.addons.queue_job.controllers.main"))
        self.change_backend(read_timeout=2 * PATIENCE, jobs_at_once=4)

    def names_sent(self):
        return [request.json["name"] for request in self.destination.requests]

    @contextmanager
    def sending(self, *uuids):
        """Run jobs in threads; within, they wait for the destination's answer."""
        count = len(self.destination.requests) + len(uuids)
        self.destination.may_answer.clear()
        threads = [threading.Thread(target=self.run_job, args=(id_,)) for id_ in uuids]
        for thread in threads:
            thread.start()
        try:
            self.destination.wait_for(count)
            self.assertEqual(len(self.destination.requests), count)
            yield
            for thread in threads:
                self.assertTrue(thread.is_alive(), "it was waited for")
        finally:
            self.destination.may_answer.set()
            for thread in threads:
                thread.join(2 * PATIENCE)

    @contextmanager
    def started(self, uuid):
        """Start a job, whose own snapshot is then taken; yield what runs the rest.

        What it sends from has a snapshot of its own, see :mod:`.test_exactness`.
        """
        with self.transaction() as env:
            job = Job.load(env, uuid)
            job.set_enqueued()
            job.store()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            job = RunJobController._acquire_job(env, uuid)
            yield lambda: RunJobController._runjob(env, job)

    def assertSleeps(self, uuid, partner_id):
        job = self.job(uuid, "state", "retry", "sync_wait_key", "state_reason")
        self.assertEqual((job["state"], job["retry"]), ("pending", 0))
        self.assertEqual(job["sync_wait_key"], f"record:{self.stream_id}:{partner_id}")
        self.assertEqual(job["state_reason"], "Another job is sending this record.")

    def assertFoundNothing(self, uuid):
        job = self.job(uuid, "state", "result")
        self.assertEqual(job["state"], "done")
        self.assertEqual(job["result"], "CRM: already delivered by another job.")

    def test_two_jobs_do_not_send_one_record_at_once(self):
        partner_id = self.new_partner(name="First")
        self.run_pending()
        self.edit(partner_id, name="Second")
        (first,) = self.job_uuids("pending")
        with self.sending(first):
            self.edit(partner_id, name="Third")
            (second,) = self.job_uuids("pending")
            self.run_job(second)
            self.assertSleeps(second, partner_id)
            self.assertEqual(self.names_sent(), ["First", "Second"])
        self.assertEqual(self.job(first, "state")["state"], "done")
        # who has sent it wakes who waits for it
        self.assertEqual(self.awake(), [second])
        self.assertEqual(self.run_job(second), "done")
        self.assertEqual(self.names_sent(), ["First", "Second", "Third"])
        self.assertFalse(self.outbox())

    def test_first_deliveries_do_not_wait_for_each_other(self):
        partner_id = self.new_partner(name="First")
        self.edit(partner_id, name="Second")
        first, second = self.job_uuids()
        with self.sending(first):
            started = time.monotonic()
            # the binding that the other job has inserted cannot be seen yet
            self.run_job(second)
            self.assertLess(time.monotonic() - started, 2)
            self.assertSleeps(second, partner_id)
            self.assertEqual(self.names_sent(), ["Second"])
        self.assertEqual(self.job(second, "state")["state"], "done")
        self.assertEqual(self.names_sent(), ["Second"])

    def test_job_with_an_old_snapshot_finds_its_change_delivered(self):
        partner_id = self.new_partner(name="First")
        self.run_pending()
        self.edit(partner_id, name="Second")
        self.edit(partner_id, name="Third")
        first, second = self.job_uuids("pending")
        with self.started(first) as finish:
            self.assertEqual(self.run_job(second), "done")
            finish()
        self.assertFoundNothing(first)
        self.assertEqual(self.names_sent(), ["First", "Third"])

    def test_first_delivery_with_an_old_snapshot_finds_it_there(self):
        partner_id = self.new_partner(name="First")
        self.edit(partner_id, name="Second")
        first, second = self.job_uuids()
        with self.started(first) as finish:
            self.assertEqual(self.run_job(second), "done")
            finish()
        self.assertFoundNothing(first)
        self.assertEqual(self.names_sent(), ["Second"])

    def test_edit_does_not_wait_for_the_job_that_sends_its_record(self):
        partner_id = self.new_partner(name="First")
        self.run_pending()
        self.edit(partner_id, name="Second")
        (first,) = self.job_uuids("pending")
        with self.sending(first):
            # had it to wait, the job would be over by now: see sending()
            self.edit(partner_id, name="Third")
            self.assertEqual(len(self.outbox(partner_id)), 2)
        # the job has settled the change that it sent, and no other
        self.assertEqual(len(self.outbox(partner_id)), 1)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.names_sent(), ["First", "Second", "Third"])
        self.assertFalse(self.outbox())

    def test_edit_after_the_start_of_a_job_is_sent_along(self):
        partner_id = self.new_partner(name="First")
        (first,) = self.job_uuids()
        with self.started(first) as finish:
            self.edit(partner_id, name="Second")
            finish()
        self.assertEqual(self.names_sent(), ["Second"])
        self.assertEqual(self.job_uuids("pending"), [])
        self.assertFalse(self.outbox())

    def test_deletion_does_not_wait_for_the_job_that_sends_its_record(self):
        partner_id = self.new_partner(name="First")
        (first,) = self.job_uuids()
        with self.sending(first):
            self.delete(partner_id)
        self.assertEqual(self.job(first, "state")["state"], "done")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.destination.requests[-1].method, "DELETE")
        self.assertFalse(self.destination.records)

    def test_closing_a_job_does_not_wait_for_another_of_its_record(self):
        partner_id = self.new_partner(name="First")
        self.edit(partner_id, name="Second")
        first, second = self.job_uuids()
        with self.sending(first):
            with self.transaction() as env:
                env["queue.job"].search([("uuid", "=", second)]).button_cancelled()
            self.assertEqual(self.job(second, "state")["state"], "cancelled")
        # which has sent its change too, and sent it once
        self.assertEqual(self.job(first, "state")["state"], "done")
        self.assertEqual(self.names_sent(), ["Second"])
        self.assertFalse(self.outbox())

    def test_two_records_are_sent_at_once(self):
        self.new_partner(name="First")
        self.new_partner(name="Second")
        with self.sending(*self.job_uuids()):
            self.assertEqual(sorted(self.names_sent()), ["First", "Second"])
        self.assertEqual(self.run_pending(), [])
        self.assertFalse(self.outbox())
