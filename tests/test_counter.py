# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Attempts are counted once, whatever happens to the jobs and the log."""

import runpy
from contextlib import closing
from datetime import timedelta
from math import inf
from pathlib import Path

from psycopg2 import errors as pg_errors

from odoo import SUPERUSER_ID, api, fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..controllers.metrics import _Totals
from ..engine import secrets, standing, store
from ..engine.store import BOUNDS, NOT_TIMED
from ..exceptions import Rejected
from ..transports.base import Message, Receipt, Route
from .common import DeliveryCase, SyncCase
from .secret_case import set_variable

MIGRATION = Path(__file__).parents[1] / "migrations/19.0.6.0.0/post-hours.py"


@tagged("post_install", "-at_install")
class TestCounter(DeliveryCase):
    def setUp(self):
        super().setUp()
        self.set_token("t0ken-for-monitoring")
        self.addCleanup(self.set_token, False)

    def set_token(self, token):
        with self.transaction() as env:
            env["res.config.settings"].set_secret(secrets.METRICS_TOKEN, token)

    def counted(self):
        """Return ``{result: (attempts, retried)}``, as is committed."""
        found = {}
        with self.transaction() as env:
            for (
                stream_id,
                result,
                _bound,
                attempts,
                retried,
                _seconds,
            ) in standing.attempts(env):
                if stream_id == self.stream_id:
                    count, again = found.get(result, (0, 0))
                    found[result] = (count + attempts, again + retried)
        return found

    def rows(self):
        domain = [("stream_id", "=", self.stream_id)]
        names = ["result", "bound", "hour", "attempts"]
        return self.read("sync.counter", domain, names)

    def sum_up(self):
        with self.transaction() as env:
            env["sync.counter"]._cron_sum_up()

    def test_delivered(self):
        self.new_partner()
        self.run_pending()
        self.assertEqual(self.counted(), {"delivered": (1, 0)})

    def test_nothing_is_looked_up_that_nobody_reads(self):
        self.new_partner()
        self.run_pending()
        self.set_token(False)
        self.destination.answer(500)
        self.new_partner()
        self.assertEqual(self.run_pending(), ["pending"])
        self.assertEqual(self.run_pending(), ["done"])
        # the dashboard counts them all the same
        self.assertEqual(self.counted(), {"delivered": (2, 0), "temporary": (1, 0)})
        self.destination.answer(500)
        self.new_partner()
        self.assertEqual(self.run_pending(), ["pending"])
        self.set_token("another-token-for-monitoring")
        # also what was met before the token was set is a reason to say "again"
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.counted(), {"delivered": (3, 1), "temporary": (2, 0)})
        log = self.read("sync.delivery", [("stream_id", "=", self.stream_id)], [])
        self.assertEqual(len(log), 5)

    def hours(self):
        """Return how many were delivered by the hour, as is committed."""
        with self.transaction() as env:
            found = standing.delivered_by_hour(
                env, [self.stream_id], fields.Datetime.now() - timedelta(days=3)
            )
        return {hour: count for _stream_id, hour, count in found}

    def move(self, **ago):
        """Have what is counted so far be of an earlier hour."""
        with self.transaction() as env:
            env.cr.execute(
                "UPDATE sync_counter SET hour = hour - %s WHERE stream_id = %s",
                (timedelta(**ago), self.stream_id),
            )

    def test_hours_of_the_last_day_are_kept_apart(self):
        for hours in (0, 2, 23):
            self.new_partner()
            self.new_partner()
            self.run_pending()
            self.move(hours=hours)
        start = standing.first_hour()
        self.assertEqual(sum(self.hours().values()), 6)
        before = self.hours()
        self.sum_up()
        self.assertEqual(
            {hour: count for hour, count in before.items() if hour >= start},
            self.hours(),
        )

    def test_sum_never_goes_down_where_hours_are_forgotten(self):
        for _time in range(2):
            self.new_partner()
            self.run_pending()
            self.move(hours=30)
            self.sum_up()
            self.assertEqual(self.hours(), {})
        self.new_partner()
        self.run_pending()
        self.assertEqual(list(self.hours().values()), [1])
        self.assertEqual(self.counted(), {"delivered": (3, 0)})
        self.sum_up()
        self.assertEqual(self.counted(), {"delivered": (3, 0)})
        old = [row for row in self.rows() if not row["hour"]]
        self.assertEqual(sum(row["attempts"] for row in old), 2)
        kinds = [(row["result"], row["bound"]) for row in old]
        self.assertEqual(len(kinds), len(set(kinds)))

    def test_upgrade_counts_the_last_day_and_leaves_monitoring_alone(self):
        for _time in range(2):
            self.new_partner()
        self.destination.answer(422)
        self.run_pending()
        before = self.counted()
        with self.transaction() as env:
            # as an earlier version has counted
            env.cr.execute(
                "UPDATE sync_counter SET hour = NULL WHERE stream_id = %s",
                (self.stream_id,),
            )
            runpy.run_path(MIGRATION)["migrate"](env.cr, "19.0.5.0.0")
        self.assertEqual(list(self.hours().values()), [1])
        self.assertEqual(self.counted(), before)
        self.sum_up()
        self.assertEqual(list(self.hours().values()), [1])
        self.assertEqual(self.counted(), before)

    def test_failed_and_retried(self):
        self.destination.answer(500, times=2)
        self.destination.answer(422)
        partner_id = self.new_partner()
        for state in ("pending", "pending", "failed"):
            self.assertEqual(self.run_pending(), [state])
        self.assertEqual(self.counted(), {"temporary": (2, 1), "rejected": (1, 1)})
        self.edit(partner_id, name="Grace")
        self.run_pending()
        # the creation that was never answered is asked for again, then updated
        self.assertEqual(self.counted()["delivered"], (2, 1))
        self.edit(partner_id, name="Grace H.")
        self.run_pending()
        self.assertEqual(self.counted()["delivered"], (3, 1))

    def test_throttled(self):
        self.destination.answer(429)
        self.new_partner()
        self.run_pending()
        self.assertEqual(self.counted(), {"throttled": (1, 0)})

    def test_nothing_sent_is_not_timed(self):
        self.change_backend(auth="bearer", auth_secret="env:SYNC_TEST_TOKEN")
        set_variable(self, "SYNC_TEST_TOKEN", None)
        self.new_partner()
        self.run_pending()
        (row,) = self.rows()
        self.assertEqual((row["result"], row["bound"]), ("unreachable", NOT_TIMED))

    def test_batch_is_one_row_of_each_kind(self):
        self.change_stream(batch_size=2)
        with self.transaction() as env:
            partners = env["res.partner"].create(
                [{"name": f"Ada {number}"} for number in range(4)]
            )
            self.partner_ids += partners.ids
        self.assertEqual(self.run_pending(), ["done"] * 2)
        self.assertEqual(self.counted(), {"delivered": (4, 0)})
        # how long each took is not for us to say
        self.assertLessEqual(len(self.rows()), 4)

    def test_same_after_summing_up_and_after_the_purge(self):
        for _time in range(3):
            self.new_partner()
        self.destination.answer(422)
        self.assertEqual(self.run_pending(), ["failed", "done", "done"])
        before = self.counted()
        self.assertEqual(before, {"rejected": (1, 0), "delivered": (2, 0)})
        self.sum_up()
        self.assertEqual(self.counted(), before)
        kinds = [(row["result"], row["bound"], row["hour"]) for row in self.rows()]
        self.assertEqual(len(kinds), len(set(kinds)))
        ids = [row["id"] for row in self.rows()]
        self.sum_up()
        self.assertEqual([row["id"] for row in self.rows()], ids, "left alone")
        with self.transaction() as env:
            log = env["sync.delivery"].search([("stream_id", "=", self.stream_id)])
            log.date = fields.Datetime.now() - timedelta(days=1000)
            env["sync.delivery"]._gc_old_deliveries()
            self.assertFalse(log.exists())
        self.assertEqual(self.counted(), before)

    def test_what_commits_during_the_summing_up_is_neither_lost_nor_counted_twice(self):
        for _time in range(2):
            self.new_partner()
        self.run_pending()
        insert = (
            "INSERT INTO sync_counter"
            " (stream_id, result, bound, attempts, retried, seconds)"
            " VALUES (%s, 'delivered', 30, 1, 0, 20)"
        )
        with (
            closing(self.registry.cursor()) as late,
            closing(self.registry.cursor()) as reader,
        ):
            # a worker has counted, and not committed
            late.execute(insert, [self.stream_id])
            # a scrape has begun
            sums = (
                "SELECT sum(attempts), count(*) FROM sync_counter WHERE stream_id = %s"
            )
            reader.execute(sums, [self.stream_id])
            self.assertEqual(reader.fetchone(), (2, 2))
            self.sum_up()
            reader.execute(sums, [self.stream_id])
            self.assertEqual(reader.fetchone(), (2, 2), "one snapshot")
            late.commit()
        self.assertEqual(self.counted(), {"delivered": (3, 0)})
        self.sum_up()
        self.assertEqual(self.counted(), {"delivered": (3, 0)})

    @mute_logger("odoo.sql_db")
    def test_two_who_sum_up_do_not_double(self):
        """Odoo runs a cron once at a time; even if it did not."""
        for _time in range(2):
            self.new_partner()
        self.run_pending()
        with self.transaction() as env:
            env["sync.counter"].create(
                [
                    {
                        "stream_id": self.stream_id,
                        "result": "delivered",
                        "bound": bound,
                        "attempts": 1,
                        "retried": 0,
                        "seconds": 0,
                    }
                    for bound in BOUNDS[:3] * 2
                ]
            )
        before = self.counted()
        with self.registry.cursor() as second:
            second.execute("SELECT count(*) FROM sync_counter")
            self.sum_up()
            env = api.Environment(second, SUPERUSER_ID, {})
            with self.assertRaises(pg_errors.SerializationFailure):
                env["sync.counter"]._cron_sum_up()
            second.rollback()
        self.assertEqual(self.counted(), before)

    def test_rolled_back_is_not_counted(self):
        with closing(self.registry.cursor()) as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            stream = env["sync.stream"].browse(self.stream_id)
            message = Message("upsert", 1, {}, Route("contacts"))
            store.log_receipts(stream, [("{}", Receipt(message), None)])
            cr.rollback()
        self.assertEqual(self.counted(), {})


@tagged("post_install", "-at_install")
class TestCounterBounds(SyncCase):
    def bound(self, seconds, request="POST x", error=None):
        message = Message("upsert", 1, {}, Route("contacts"))
        receipt = Receipt(message, request=request, duration=seconds, error=error)
        return store.bound_of(receipt)

    def test_bounds_are_inclusive(self):
        self.assertEqual(self.bound(0.0), BOUNDS[0])
        self.assertEqual(self.bound(0.25), 0.25)
        self.assertEqual(self.bound(0.2500001), 0.5)
        self.assertEqual(self.bound(60.1), inf)
        self.assertEqual(self.bound(0.1, request=""), NOT_TIMED)

    def test_histogram(self):
        self.env["res.config.settings"].set_secret(
            secrets.METRICS_TOKEN, "t0ken-for-monitoring"
        )
        message = Message("upsert", 1, {}, Route("contacts"))
        receipts = [
            Receipt(message, request="x", duration=0.03),
            Receipt(message, request="x", duration=7, error=Rejected("no")),
            Receipt(message, request="x", duration=70),
            Receipt(message, error=Rejected("no")),
        ]
        store.log_receipts(self.stream, [("{}", each, None) for each in receipts])
        rows = [row for row in standing.attempts(self.env) if row[0] == self.stream.id]
        totals = _Totals(rows)
        buckets = dict(totals.buckets())
        self.assertEqual(len(buckets), len(BOUNDS))
        self.assertEqual(buckets["0.025"], 0)
        self.assertEqual(buckets["0.05"], 1)
        self.assertEqual(buckets["5.0"], 1)
        self.assertEqual(buckets["10.0"], 2)
        self.assertEqual(buckets["60.0"], 2)
        self.assertEqual(buckets["+Inf"], 3)
        self.assertAlmostEqual(totals.seconds, 77.03)
        self.assertEqual(totals.results, {"delivered": 2, "rejected": 2})
