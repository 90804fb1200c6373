# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How many jobs may send to one system at a time."""

from contextlib import ExitStack, contextmanager
from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger

from odoo.addons.queue_job.jobrunner.channels import ChannelManager

from ..engine import health, places, run, store
from ..engine.places import Share
from .incident_case import IncidentCase

CONFIGURATIONS = (
    "root:1",
    "root:4",
    "root",
    "root:4,root.crm:2",
    "root:4,crm:2",
    "root:2,crm:4",
    "root:4,root.crm:2,root.crm.bulk:1",
    "root:4,crm.bulk:1",
    "root:4,crm.bulk:3,crm",
    "crm:2",
    "root:6,crm:3,rootish:2",
    " root : 5 , crm : 2 : sequential=",
    "root:4\ncrm:2",
    "root:4,crm:1:sequential:throttle=2",
)
CHANNELS = ("root", "root.crm", "root.crm.bulk", "root.rootish", "root.crmish.bulk")
MANY = 12


def configured(channels):
    """The job queue is configured like this."""
    return patch.object(health, "_channels", lambda: channels)


@tagged("post_install", "-at_install")
class TestSlots(BaseCase):
    """Its channels are read as queue_job's runner reads them."""

    def run_by_the_runner(self, channels, channel):
        """Return how many of many jobs of one channel the runner starts."""
        manager = ChannelManager()
        manager.simple_configure(channels)
        for number in range(MANY):
            manager.notify(
                "db", channel, f"job {number}", number, 0, 9, None, "pending"
            )
        return len(list(manager.get_jobs_to_run(now=100)))

    def test_as_many_as_the_runner_starts(self):
        for channels in CONFIGURATIONS:
            if "throttle" in channels:
                continue
            for channel in CHANNELS:
                with self.subTest(channels=channels, channel=channel):
                    with configured(channels):
                        slots, _level = places.slots_of(channel)
                    started = self.run_by_the_runner(channels, channel)
                    self.assertEqual(slots, started)

    def test_which_channel_says_so(self):
        for channels, channel, expected in (
            ("root:4", "root.crm", (4, "root")),
            ("root:4", "root.crm.bulk", (4, "root")),
            ("root:4,crm:2", "root.crm", (2, "root.crm")),
            ("root:4,crm:2", "root.crm.bulk", (2, "root.crm")),
            ("root:2,crm:4", "root.crm", (2, "root")),
            # what is above is shared by more
            ("root:2,crm:2", "root.crm", (2, "root")),
            ("root:4,crm.bulk:3", "root.crm", (4, "root")),
            ("root:4,crm.bulk:3", "root.crm.bulk", (3, "root.crm.bulk")),
            ("crm:4", "root.crm", (1, "root")),
        ):
            with self.subTest(channels=channels, channel=channel):
                with configured(channels):
                    self.assertEqual(places.slots_of(channel), expected)

    def test_share(self):
        for slots, alone, expected in (
            (1, True, Share(1, False)),
            (1, False, Share(1, False)),
            (2, True, Share(2, False)),
            (2, False, Share(2, True)),
            (3, True, Share(3, False)),
            (3, False, Share(2, False)),
            (8, False, Share(7, False)),
        ):
            with self.subTest(slots=slots, alone=alone):
                self.assertEqual(places.share(slots, alone), expected)


class PlacesCase(IncidentCase):
    def setUp(self):
        super().setUp()
        self.change_backend(jobs_at_once=0)
        self.configure("root:4")

    def configure(self, channels):
        """Configure the job queue until the test ends."""
        self.enterContext(configured(channels))
        self.registry.clear_cache()
        self.addCleanup(self.registry.clear_cache)

    def share(self, backend_id=None):
        with self.transaction() as env:
            return env["sync.backend"].browse(backend_id or self.backend_id)._share()

    @contextmanager
    def taking(self):
        """Take a place in another transaction; yield its number, and the cursor."""
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            yield places.take(backend), env.cr

    def number(self):
        """Return the number of the place that is given out next."""
        with self.taking() as (number, _cr):
            return number

    def channel(self, name):
        """Commit a channel, and return its id."""
        with self.transaction() as env:
            channels = env["queue.job.channel"]
            root = env.ref("queue_job.channel_root")
            channel = channels.create({"name": name, "parent_id": root.id})
        self.addCleanup(self._delete_channel, channel.id)
        return channel.id

    def _delete_channel(self, id_):
        with self.transaction() as env:
            channel = env["queue.job.channel"].browse(id_)
            streams = env["sync.stream"].with_context(active_test=False)
            streams.search([("channel_id", "=", id_)]).channel_id = channel.parent_id
            channel.unlink()


@tagged("post_install", "-at_install")
class TestPlaces(PlacesCase):
    """Which share a system has, and places taken and given back."""

    def setUp(self):
        super().setUp()
        self.enterContext(patch.object(store, "due_changes", lambda *_args: []))

    def test_alone_it_has_all_slots(self):
        self.assertEqual(self.share(), Share(4, False))

    def test_the_last_slot_is_for_others(self):
        other = self.new_system()
        for backend_id in (self.backend_id, other.backend_id):
            self.assertEqual(self.share(backend_id), Share(3, False))

    def test_a_system_that_is_not_live_is_no_other(self):
        other = self.new_system()
        for values in ({"state": "draft"}, {"state": "live", "active": False}):
            with self.transaction() as env:
                env["sync.stream"].browse(other.stream_id).write(values)
            self.assertEqual(self.share(), Share(4, False), values)
        with self.transaction() as env:
            env["sync.stream"].browse(other.stream_id).active = True
        self.assertEqual(self.share(), Share(3, False))
        with self.transaction() as env:
            env["sync.backend"].browse(other.backend_id).active = False
        self.assertEqual(self.share(), Share(4, False))

    def test_channel_of_its_own_is_its_share(self):
        self.configure("root:6,crm:2")
        other = self.new_system()
        self.change_stream(channel_id=self.channel("crm"))
        self.assertEqual(self.share(), Share(2, False, "root.crm"))
        # the other one is in root, of which this one uses some as well
        self.assertEqual(self.share(other.backend_id), Share(5, False))

    def test_channel_that_others_share(self):
        self.configure("root:6,crm:3")
        other, id_ = self.new_system(), self.channel("crm")
        self.change_stream(channel_id=id_)
        with self.transaction() as env:
            env["sync.stream"].browse(other.stream_id).channel_id = id_
        self.assertEqual(self.share(), Share(2, False, "root.crm"))

    def test_setting_overrides(self):
        self.new_system()
        for jobs_at_once in (1, 4, 9):
            self.change_backend(jobs_at_once=jobs_at_once)
            self.assertEqual(self.share(), Share(jobs_at_once, False))
        self.change_backend(jobs_at_once=0)
        self.assertEqual(self.share(), Share(3, False))

    def test_each_has_a_place_until_all_are_taken(self):
        self.new_system()
        with ExitStack() as stack:
            taken = [stack.enter_context(self.taking())[0] for _each in range(4)]
            self.assertEqual(taken, [1, 2, 3, 0])
        self.assertEqual(self.number(), 1)

    def test_places_of_another_system_are_its_own(self):
        other = self.new_system()
        with self.taking() as (number, _cr), self.transaction() as env:
            self.assertEqual(number, 1)
            backend = env["sync.backend"].browse(other.backend_id)
            self.assertEqual(places.take(backend), 1)

    def test_commit_and_rollback_give_it_back(self):
        self.change_backend(jobs_at_once=1)
        for end in ("commit", "rollback"):
            with self.subTest(end), self.taking() as (number, cr):
                self.assertEqual((number, self.number()), (1, 0))
                getattr(cr, end)()
                self.assertEqual(self.number(), 1)

    def test_death_gives_it_back(self):
        self.change_backend(jobs_at_once=1)
        lost = self.assertRaises(psycopg2.OperationalError)
        with mute_logger("odoo.sql_db"), lost, self.registry.cursor() as cr:
            self.assertEqual(store.take_place(cr, self.backend_id, 1), 1)
            self.assertEqual(self.number(), 0)
            cr.execute("SELECT pg_backend_pid()")
            (pid,) = cr.fetchone()
            with self.registry.cursor() as other:
                # and wait until it is gone
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
                self.assertEqual(other.fetchone(), (True,))
            self.assertEqual(self.number(), 1)

    def test_job_takes_one_and_gives_it_back_however_it_ends(self):
        self.change_backend(jobs_at_once=1)
        for status, state in ((200, "done"), (422, "failed"), (500, "pending")):
            with self.subTest(state):
                uuid = self.new_job()
                if status != 200:
                    self.destination.answer(status)
                with self.sent(uuid) if state == "done" else patch.dict({}):
                    expected = 0 if state == "done" else 1
                    self.assertEqual(self.number(), expected)
                if state != "done":
                    self.assertEqual(self.run_job(uuid), state)
                self.assertEqual(self.job(uuid, "state")["state"], state)
                self.assertEqual(self.number(), 1)

    def test_job_without_a_place_sleeps_and_is_woken_by_who_gives_one_back(self):
        self.change_backend(jobs_at_once=1)
        first, second, third = (self.new_job() for _each in range(3))
        with self.sent(first):
            self.assertEqual(self.run_job(second), "pending")
            self.assertAsleep(second)
            # it would not find one either
            self.assertAsleep(third)
        self.assertAwake(second)
        self.assertAsleep(third)
        self.assertEqual(self.run_job(second), "done")
        self.assertAwake(third)

    def test_who_finds_a_place_wakes_the_next_for_the_next_place(self):
        self.change_backend(jobs_at_once=2)
        first, second, third = (self.new_job() for _each in range(3))
        self.pause()
        self.resume()
        self.assertEqual((self.ready(), self.asleep()), ([first], [second, third]))
        with self.started(first):
            self.assertEqual((self.ready(), self.asleep()), ([second], [third]))
            with self.started(second):
                self.assertEqual((self.ready(), self.asleep()), ([], [third]))
            self.assertEqual((self.ready(), self.asleep()), ([third], []))


@tagged("post_install", "-at_install")
class TestTwoSlots(PlacesCase):
    """A system may have both of two slots, as long as no other needs one."""

    takes_along = True

    def setUp(self):
        super().setUp()
        self.configure("root:2")
        self.other = self.new_system()
        # a look whenever there might be more to send
        self.enterContext(patch.object(run, "LOOK_EVERY", 0))
        self.change_backend(concurrency=1)
        self.change_stream(batch_size=10)
        # its own jobs are made due by the test
        with self.transaction() as env:
            other = env["sync.stream"].browse(self.other.stream_id)
            other.write({"delay_policy": "delay", "delay_minutes": 60})

    def other_is_due(self):
        with self.transaction() as env:
            jobs = env["queue.job"].search(
                [("sync_backend_id", "=", self.other.backend_id)], limit=1
            )
            jobs.eta = fields.Datetime.now() - timedelta(minutes=1)

    def batch(self):
        """Commit a batch of contacts, and return the UUID of its job."""
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": "Ada"}] * 5)
        self.partner_ids += partners.ids
        return self.job_uuids()[-1]

    def count_sent(self, number):
        """Run a job of a batch on a place, and return how many records it sends.

        :param int number: of places that others have
        """
        uuid = self.batch()
        with ExitStack() as stack:
            for _each in range(number):
                taken, _cr = stack.enter_context(self.taking())
                self.assertTrue(taken)
            before = len(self.destination.requests)
            state = self.run_job(uuid)
        count = len(self.destination.requests) - before
        self.assertEqual(state, "pending" if count % 5 else "done")
        return count

    def test_both_while_nobody_else_needs_one(self):
        self.assertEqual(self.share(), Share(2, True))
        self.assertEqual(self.count_sent(0), 5)
        self.assertEqual(self.count_sent(1), 5)

    def test_the_last_place_yields_to_a_job_of_another_system(self):
        self.batch()
        self.other_is_due()
        self.assertEqual(self.count_sent(1), 1)

    def test_the_first_place_does_not(self):
        self.batch()
        self.other_is_due()
        self.assertGreaterEqual(self.count_sent(0), 5)

    def test_nor_does_one_that_has_its_share_by_a_setting(self):
        self.change_backend(jobs_at_once=2)
        self.batch()
        self.other_is_due()
        self.assertGreaterEqual(self.count_sent(1), 5)

    def test_who_has_yielded_comes_back_for_the_rest(self):
        self.test_the_last_place_yields_to_a_job_of_another_system()
        uuid = self.job_uuids()[-1]
        job = self.job(uuid, "state", "retry", "sync_wait_key")
        self.assertEqual((job["state"], job["retry"]), ("pending", 0))
        self.assertFalse(job["sync_wait_key"])
        self.assertLess(self.seconds_until(uuid), 3)
        with self.transaction() as env:
            domain = [("sync_backend_id", "=", self.other.backend_id)]
            env["queue.job"].search(domain).eta = False
            env["queue.job"].search(domain).button_cancelled()
        self.assertEqual(self.run_job(uuid), "done")
        self.assertFalse(self.outbox())
