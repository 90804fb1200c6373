# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import datetime, timedelta, timezone

from freezegun.api import freeze_time

from odoo.tests import tagged

from odoo.addons.queue_job.exception import RetryableJobError

from .. import transports
from ..engine import clock, jobs
from .incident_case import THRESHOLD, IncidentCase

AHEAD = timedelta(minutes=10)


@tagged("post_install", "-at_install")
class TestClock(IncidentCase):
    """A node whose clock is wrong decides nothing for the others."""

    def wrong(self, by=AHEAD):
        """The clock of this node is wrong; that of the database is not."""
        here = datetime.now(timezone.utc).replace(tzinfo=None) + by
        # what sends measures by a clock that no wrong date moves
        return freeze_time(here, tick=True, ignore=[transports.__name__])

    def seconds_by_database(self, moment):
        with self.transaction() as env:
            return (moment - clock.current(env.cr)).total_seconds()

    def due(self, uuid):
        """Return the seconds until a job is due, by the database's clock."""
        return self.seconds_by_database(self.job(uuid, "eta")["eta"])

    def test_database_says_when_an_outage_began_and_how_long_jobs_sleep(self):
        self.break_down()
        for by in (AHEAD, -AHEAD):
            with self.subTest(by):
                with self.wrong(by):
                    uuids = self.attempt(THRESHOLD)
                incident = self.incidents()[-1]
                self.assertAlmostEqual(
                    self.seconds_by_database(incident["opened"]), 0, delta=20
                )
                self.assertGreater(self.due(uuids[-1]), 24 * 3600 - 20)
                self.assertLess(self.due(uuids[-1]), 36 * 3600 + 20)
                with self.wrong(by):
                    self.close_outage()
                (incident, *_older) = reversed(self.incidents())
                self.assertAlmostEqual(
                    self.seconds_by_database(incident["closed"]), 0, delta=20
                )
                # or the next one is the same that has come back
                self._delete_probes()

    def test_system_is_asked_again_in_time(self):
        self.break_down()
        for by in (AHEAD, -AHEAD):
            with self.subTest(by):
                with self.wrong(by):
                    self.open_outage()
                    (uuid,) = self.probes("pending")
                self.assertAlmostEqual(self.due(uuid), 15, delta=10)
                with self.wrong(by):
                    self.assertEqual(self.run_job(uuid), "pending")
                self.assertAlmostEqual(self.due(uuid), 30, delta=10)
                self._delete_probes()

    def test_next_try_is_in_time(self):
        self.change_stream(retry_pattern="{1: 60}")
        for by in (AHEAD, -AHEAD):
            with self.subTest(by):
                self.destination.answer(500)
                uuid = self.new_job()
                with self.wrong(by):
                    self.assertEqual(self.run_job(uuid), "pending")
                self.assertAlmostEqual(self.due(uuid), 60, delta=20)

    def test_patience_that_a_system_asks_for_is_kept_to(self):
        self.destination.answer(429, headers={"Retry-After": "120"})
        uuid = self.new_job()
        with self.wrong(-AHEAD):
            self.assertEqual(self.run_job(uuid), "pending")
        self.assertGreater(self.due(uuid), 110)

    def test_delay_and_off_peak_hours_are_the_databases(self):
        self.change_stream(delay_policy="delay", delay_minutes=30)
        with self.wrong():
            uuid = self.new_job()
        self.assertAlmostEqual(self.due(uuid), 1800, delta=20)

    def test_jobs_are_woken_at_once(self):
        for by in (AHEAD, -AHEAD):
            with self.subTest(by):
                uuid = self.new_job()
                with self.wrong(by):
                    self.open_outage()
                    self.assertEqual(self.run_job(uuid), "pending")
                    born_asleep = self.new_job()
                self.assertGreater(self.due(uuid), 24 * 3600 - 20)
                self.assertGreater(self.due(born_asleep), 24 * 3600 - 20)
                with self.wrong(by):
                    self.close_outage()
                for left in (1, 0):
                    # which of them is the older one is a matter of clocks
                    (awake,) = self.ready()
                    self.assertLess(self.due(awake), 20)
                    with self.wrong(by):
                        self.assertEqual(self.run_job(awake), "done")
                    self.assertEqual(len(self.job_uuids("pending")), left)

    def test_range_of_seconds_is_moved_and_nothing_becomes_nothing(self):
        with self.transaction() as env, self.wrong():
            ahead = AHEAD.total_seconds()
            for given, least, most in (
                (ahead, 1, 10),
                ((ahead + 60, ahead + 120), 50, 125),
                (5, -600, -500),
            ):
                with self.assertRaises(RetryableJobError) as caught:
                    with jobs.keeping_etas(env.cr):
                        raise RetryableJobError("later", seconds=given)
                seconds = caught.exception.seconds
                pair = seconds if isinstance(seconds, tuple) else (seconds,) * 2
                self.assertGreaterEqual(pair[0], least)
                self.assertLessEqual(pair[1], most)
                self.assertTrue(all(pair))

    def test_own_pattern_of_a_job_is_left_to_queue_job(self):
        with self.transaction() as env, self.wrong():
            with self.assertRaises(RetryableJobError) as caught:
                with jobs.keeping_etas(env.cr):
                    raise RetryableJobError("later")
            self.assertIsNone(caught.exception.seconds)
