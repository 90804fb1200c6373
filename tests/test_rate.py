# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The limit on requests per second: shared, in steps, and in effect at once."""

import os
import threading
import time
from functools import partial
from unittest.mock import patch

import psycopg2

from odoo import sql_db
from odoo.sql_db import connection_info_for
from odoo.tests import tagged
from odoo.tests.common import get_db_name
from odoo.tools import mute_logger

from ..engine import run, store
from ..engine.store import reserve
from ..exceptions import RateLimited
from ..transports import pace as pace_module
from ..transports.pace import Pace, slots_within
from .common import DeliveryCase


class _Node:
    """What :func:`reserve` needs of a registry, with connections of its own."""

    def __init__(self, dbname):
        self._info = connection_info_for(dbname)
        self._pool = sql_db.ConnectionPool(maxconn=4)

    def cursor(self):
        dbname, dsn = self._info
        return sql_db.Cursor(self._pool, dbname, dsn)


@tagged("post_install", "-at_install")
class TestRate(DeliveryCase):
    def pace(self, registry=None):
        return Pace(partial(reserve, registry or self.registry, self.backend_id))

    def reserve(self, count=1, span=0.5, patience=10):
        return reserve(self.registry, self.backend_id, count, span, patience)

    def test_no_limit_costs_nothing(self):
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            with patch.object(store, "reserve") as reserving:
                pace = backend._open_transport().pace
                pace.expect(100)
                for _request in range(100):
                    pace.wait()
            reserving.assert_not_called()
        self.assertEqual(self.reserve().rate, 0)

    def test_turns_follow_each_other(self):
        self.change_backend(rate_limit=2)
        first = self.reserve(count=4, span=5)
        self.assertEqual((first.count, first.rate), (4, 2))
        self.assertEqual(first.delay, 0)
        second = self.reserve(count=99, span=5)
        self.assertEqual(second.count, 10, "five seconds' worth")
        self.assertAlmostEqual(second.delay, 2, delta=0.6)
        third = self.reserve(patience=1)
        self.assertEqual(third.count, 0)
        self.assertAlmostEqual(third.delay, 7, delta=0.9)
        # nothing was reserved by the one that was refused
        self.assertAlmostEqual(self.reserve().delay, 7, delta=0.9)

    def test_how_many_turns_at_once(self):
        for rate, count, expected in ((100, 8, 8), (100, 80, 50), (0.1, 9, 1)):
            self.assertEqual(slots_within(rate, count, 0.5), expected)

    def test_idle_time_is_not_saved_up(self):
        self.change_backend(rate_limit=20)
        self.reserve(count=10)
        time.sleep(1.5)
        pace = self.pace()
        pace.expect(6)
        started = time.monotonic()
        for _request in range(6):
            pace.wait()
        self.assertGreaterEqual(time.monotonic() - started, 5 / 20)

    def test_turns_that_were_not_taken_are_void(self):
        self.change_backend(rate_limit=100)
        pace = self.pace()
        pace.expect(50)
        pace.wait()
        with patch.object(pace_module, "MAX_LATE", 0.1):
            time.sleep(1)
            started = time.monotonic()
            for _request in range(10):
                pace.wait()
        self.assertGreater(time.monotonic() - started, 0.08)

    def test_change_is_in_effect_at_once(self):
        self.change_backend(rate_limit=0.2)
        self.reserve()
        self.reserve(patience=60)
        self.assertGreater(self.reserve(patience=0).delay, 8)
        self.change_backend(rate_limit=50)
        self.assertEqual(self.reserve().delay, 0)
        self.change_backend(rate_limit=0)
        pace = self.pace()
        started = time.monotonic()
        for _request in range(1000):
            pace.wait()
        self.assertLess(time.monotonic() - started, 0.4)

    def test_turn_that_is_far_away_is_not_waited_for(self):
        self.change_backend(rate_limit=0.05)
        self.pace().wait()
        started = time.monotonic()
        with self.assertRaises(RateLimited) as caught:
            self.pace().wait()
        self.assertLess(time.monotonic() - started, 1)
        self.assertAlmostEqual(caught.exception.retry_after, 20, delta=1)

    def test_no_turn_is_waited_for_beyond_the_end(self):
        self.change_backend(rate_limit=10)
        pace = self.pace()
        pace.expect(100)
        started = time.monotonic()
        pace.end = started + 0.5
        with self.assertRaises(RateLimited):
            for _request in range(100):
                pace.wait()
        self.assertLess(time.monotonic() - started, 1)

    def test_turn_that_is_free_may_be_taken_after_the_end(self):
        """What has been begun is finished, such as an update that has to create."""
        pace = self.pace()
        pace.end = time.monotonic()
        for _request in range(9):
            pace.wait()
        self.change_backend(rate_limit=0.5)
        pace = self.pace()
        pace.end = time.monotonic()
        pace.wait()
        with self.assertRaises(RateLimited) as caught:
            pace.wait()
        self.assertGreater(caught.exception.retry_after, 1)

    def test_failure_to_reserve_holds_back_and_loses_nothing(self):
        self.change_backend(rate_limit=10)
        self.reserve()
        with (
            self.registry.cursor() as cr,
            patch.object(store, "PATIENCE", 1),
            mute_logger("odoo.sql_db", "odoo.addons.queue_job_sync.engine.store"),
        ):
            cr.execute(
                "SELECT 1 FROM sync_rate WHERE backend_id = %s FOR UPDATE",
                (self.backend_id,),
            )
            with self.assertRaises(RateLimited) as caught:
                self.reserve()
        self.assertTrue(caught.exception.__suppress_context__)
        self.assertEqual(self.reserve().count, 1)

    def test_threads_and_processes_keep_to_it_together(self):
        """4 threads of 2 processes; what they send is noted by the database."""
        self.change_backend(rate_limit=40)
        dbname = get_db_name()
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            # The child must end here whatever happens, and run nothing of Odoo's.
            status = 1
            try:
                os.close(reading)
                moments = self._send_for(2.0, _Node(dbname))
                os.write(writing, "\n".join(map(str, moments)).encode())
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        moments = self._send_for(2.0, self.registry)
        with os.fdopen(reading) as pipe:
            theirs = [float(line) for line in pipe.read().split()]
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertGreater(len(moments), 15)
        self.assertGreater(len(theirs), 15)
        moments = sorted(moments + theirs)
        # No second has more than its own turns and those that were late.
        for number, moment in enumerate(moments):
            crowd = [each for each in moments[number:] if each < moment + 1]
            self.assertLessEqual(len(crowd), 40 * 1.5)
        elapsed = moments[-1] - moments[0]
        self.assertLessEqual(len(moments), 40 * (elapsed + 0.5))
        self.assertGreaterEqual(len(moments), 40 * elapsed * 0.6)

    def _send_for(self, seconds, registry):
        """:return: when each of 2 threads was let go, by the machine's clock"""
        moments = []
        end = time.monotonic() + seconds

        def work():
            pace = self.pace(registry)
            while time.monotonic() < end:
                pace.expect(5)
                pace.wait()
                moments.append(time.monotonic())

        threads = [threading.Thread(target=work) for _number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return moments

    def test_jobs_keep_to_it_without_using_up_tries(self):
        self.change_backend(rate_limit=2, concurrency=4)
        self.change_stream(batch_size=6)
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": f"P{i}"} for i in range(6)])
            self.partner_ids += partners.ids
        (uuid,) = self.job_uuids()
        with patch.object(run, "BUDGET", 0.8):
            self.assertEqual(self.run_job(uuid), "pending")
        sent = len(self.destination.requests)
        self.assertGreater(sent, 0)
        self.assertLess(sent, 4)
        self.assertEqual(self.job_uuids(), [uuid])
        job = self.job(uuid, "retry", "sync_wait_key")
        self.assertEqual((job["retry"], job["sync_wait_key"]), (0, False))
        self.assertEqual(len(self.outbox()), 6 - sent)
        with self.transaction() as env:
            delay = reserve(env.registry, self.backend_id, 1, 0.5, 0).delay
        time.sleep(max(delay, 0))
        with patch.object(pace_module, "MAX_WAIT", 0):
            reserve(self.registry, self.backend_id, 1, 0.5, 10)
            self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(len(self.destination.requests), sent)
        self.assertEqual(self.job(uuid, "retry")["retry"], 0, "no try was used")
        self.outlast_quiet()
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(len(self.destination.requests), 6)
        self.assertEqual(len(self.destination.records), 6)

    # -- patience that a system asks for --------------------------------------

    def outlast_quiet(self):
        """Let the time pass for which the system is left alone."""
        with self.transaction() as env:
            env.cr.execute(
                "SELECT pg_sleep_until(quiet_until AT TIME ZONE 'utc')"
                "  FROM sync_rate WHERE backend_id = %s",
                (self.backend_id,),
            )

    def not_asleep(self):
        """Return UUIDs of jobs that wait for nothing but their time, and this time."""
        mine = ("sync_stream_id", "=", self.stream_id), ("state", "=", "pending")
        found = self.read(
            "queue.job", [*mine, ("sync_wait_key", "=", False)], ["uuid", "eta"]
        )
        return {job["uuid"]: job["eta"] for job in found}

    def throttled(self, seconds):
        """Have the system ask for patience; return the job that heard it, and more."""
        for _each in range(3):
            self.new_partner()
        uuids = self.job_uuids("pending")
        headers = {"Retry-After": str(seconds)}
        self.destination.answer(429, headers=headers)
        self.assertEqual(self.run_job(uuids[0]), "pending")
        self.assertEqual(len(self.destination.requests), 1)
        self.assertEqual(self.job(uuids[0], "retry")["retry"], 0)
        return uuids

    def until_quiet_is_over(self, eta):
        """Return the seconds from the end of the quiet time to this time."""
        with self.transaction() as env:
            env.cr.execute(
                "SELECT extract(epoch FROM %s - quiet_until)::float FROM sync_rate"
                " WHERE backend_id = %s",
                (eta, self.backend_id),
            )
            return env.cr.fetchone()[0]

    def test_nothing_is_sent_while_the_system_asks_for_patience(self):
        first, second, third = self.throttled(2)
        self.assertEqual(self.run_job(second), "pending")
        # the next one is not even started
        self.assertEqual(list(self.not_asleep()), [first])
        job = self.job(third, "sync_wait_key", "state_reason", "retry")
        self.assertEqual(job["sync_wait_key"], f"system:{self.backend_id}")
        with self.transaction() as env:
            hold = env["sync.backend"].browse(self.backend_id)._hold()
        self.assertTrue(hold)
        self.assertEqual(job["state_reason"], hold)
        self.assertEqual(len(self.destination.requests), 1)
        # a new edit sleeps from the beginning
        self.new_partner()
        self.assertEqual(list(self.not_asleep()), [first])
        self.outlast_quiet()
        ran = []
        while self.not_asleep():
            (uuid,) = self.not_asleep()
            self.assertEqual(self.run_job(uuid), "done")
            ran.append(uuid)
        self.assertEqual(ran[:3], [first, second, third])
        self.assertEqual(len(ran), 4)
        self.assertEqual(len(self.destination.requests), 5)

    def test_after_who_comes_too_early_one_comes_as_soon_as_it_is_over(self):
        first, *_others = self.throttled(2)
        self.assertEqual(self.run_job(first), "pending")
        self.assertEqual(len(self.destination.requests), 1)
        (eta,) = self.not_asleep().values()
        self.assertAlmostEqual(self.until_quiet_is_over(eta), 0, delta=1)

    def test_patience_without_the_job_that_heard_of_it(self):
        first, second, third = self.throttled(60)
        self.assertEqual(self.run_job(second), "pending")
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", first)]).button_cancelled()
        ((uuid, eta),) = self.not_asleep().items()
        self.assertEqual(uuid, second)
        self.assertAlmostEqual(self.until_quiet_is_over(eta), 0, delta=1)
        self.assertTrue(self.job(third, "sync_wait_key")["sync_wait_key"])

    def test_the_longest_patience_counts(self):
        for seconds, expected in ((60, 60), (2, 60), (90, 90)):
            store.keep_quiet(self.registry, self.backend_id, seconds)
            with self.transaction() as env:
                env.cr.execute(
                    "SELECT extract(epoch FROM quiet_until"
                    " - clock_timestamp() AT TIME ZONE 'utc')::float"
                    "  FROM sync_rate WHERE backend_id = %s",
                    (self.backend_id,),
                )
                self.assertAlmostEqual(env.cr.fetchone()[0], expected, delta=5)

    def test_only_administrators_read_the_turns(self):
        self.change_backend(rate_limit=2)
        self.reserve()
        with self.transaction() as env:
            rate = env["sync.rate"].search([("backend_id", "=", self.backend_id)])
            self.assertEqual(len(rate), 1)
            for group, allowed in (
                ("base.group_user", set()),
                ("queue_job.group_queue_job_manager", set()),
                ("base.group_system", {"read"}),
            ):
                user = env["res.users"].create(
                    {
                        "name": "U",
                        "login": f"rate {group}",
                        "group_ids": [(6, 0, [env.ref(group).id])],
                    }
                )
                for operation in ("read", "write", "create", "unlink"):
                    self.assertEqual(
                        rate.with_user(user).has_access(operation),
                        operation in allowed,
                        (group, operation),
                    )
            env.cr.rollback()

    def test_numbers_that_cannot_be(self):
        for values in ({"concurrency": 0}, {"concurrency": 65}, {"rate_limit": -1}):
            with (
                self.subTest(values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.CheckViolation),
            ):
                self.change_backend(**values)
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            backend.concurrency = 3
            self.assertEqual(backend._rest_config().concurrency, 3)
            self.assertEqual(backend._open_transport().at_once, 3)
