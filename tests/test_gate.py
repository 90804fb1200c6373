# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from odoo.tests import BaseCase, tagged

from ..engine.gate import seconds_until_open

PARIS = ZoneInfo("Europe/Paris")
HOUR = 3600


def utc(*args):
    return datetime(*args, tzinfo=UTC)


@tagged("post_install", "-at_install")
class TestStreamWindow(BaseCase):
    def test_open_inside(self):
        self.assertEqual(seconds_until_open(utc(2026, 6, 1, 13), 12, 14, UTC), 0)

    def test_waits_for_the_start(self):
        self.assertEqual(seconds_until_open(utc(2026, 6, 1, 10), 12, 14, UTC), 2 * HOUR)

    def test_waits_for_tomorrow_once_closed(self):
        self.assertEqual(
            seconds_until_open(utc(2026, 6, 1, 15), 12, 14, UTC), 21 * HOUR
        )

    def test_opens_at_the_start_and_closes_at_the_end(self):
        self.assertEqual(seconds_until_open(utc(2026, 6, 1, 12), 12, 14, UTC), 0)
        self.assertEqual(
            seconds_until_open(utc(2026, 6, 1, 14), 12, 14, UTC), 22 * HOUR
        )

    def test_goes_on_past_midnight(self):
        for hour, expected in ((21, HOUR), (22, 0), (23, 0), (0, 0), (5, 0)):
            with self.subTest(hour=hour):
                self.assertEqual(
                    seconds_until_open(utc(2026, 6, 1, hour), 22, 6, UTC), expected
                )
        self.assertEqual(seconds_until_open(utc(2026, 6, 1, 6), 22, 6, UTC), 16 * HOUR)

    def test_may_end_at_midnight(self):
        self.assertEqual(seconds_until_open(utc(2026, 6, 1, 23), 22, 24, UTC), 0)
        self.assertEqual(seconds_until_open(utc(2026, 6, 1, 23), 22, 0, UTC), 0)
        self.assertEqual(seconds_until_open(utc(2026, 6, 2, 0), 22, 24, UTC), 22 * HOUR)

    def test_may_start_at_midnight(self):
        for start in (0, 24):
            with self.subTest(start=start):
                self.assertEqual(
                    seconds_until_open(utc(2026, 6, 1, 23), start, 6, UTC), HOUR
                )
                self.assertEqual(
                    seconds_until_open(utc(2026, 6, 1, 3), start, 6, UTC), 0
                )

    def test_half_hours(self):
        self.assertEqual(
            seconds_until_open(utc(2026, 6, 1, 10), 10.5, 11.25, UTC), HOUR / 2
        )

    def test_never_says_now_too_early(self):
        almost = utc(2026, 6, 1, 11, 59, 59, 999999)
        self.assertEqual(seconds_until_open(almost, 12, 14, UTC), 1)

    def test_hours_are_those_of_the_timezone(self):
        # 22:00 in Paris is 20:00 UTC in summer, 21:00 in winter
        self.assertEqual(seconds_until_open(utc(2026, 6, 1, 19), 22, 6, PARIS), HOUR)
        self.assertEqual(
            seconds_until_open(utc(2026, 12, 1, 19), 22, 6, PARIS), 2 * HOUR
        )

    def test_day_is_that_of_the_timezone(self):
        auckland = ZoneInfo("Pacific/Auckland")
        # 1 June 13:00 UTC is 2 June 01:00 there
        self.assertEqual(seconds_until_open(utc(2026, 6, 1, 13), 2, 4, auckland), HOUR)

    def test_night_of_the_change_to_summer_time(self):
        # 29 March 2026: 02:00 becomes 03:00; 06:00 is 04:00 UTC
        self.assertEqual(seconds_until_open(utc(2026, 3, 29, 3, 59), 22, 6, PARIS), 0)
        self.assertEqual(
            seconds_until_open(utc(2026, 3, 29, 4), 22, 6, PARIS), 16 * HOUR
        )

    def test_night_of_the_change_to_winter_time(self):
        # 25 October 2026: 03:00 becomes 02:00; 06:00 is 05:00 UTC
        self.assertEqual(seconds_until_open(utc(2026, 10, 25, 4, 59), 22, 6, PARIS), 0)
        self.assertEqual(
            seconds_until_open(utc(2026, 10, 25, 5), 22, 6, PARIS), 16 * HOUR
        )

    def test_what_it_says_is_true_whatever_the_clock_does(self):
        """After the wait the window is open, and one second before it is not."""
        for first_day in (utc(2026, 3, 28), utc(2026, 10, 24)):
            for start, end in ((22, 6), (1, 5), (3, 1), (23.5, 0.5)):
                for step in range(72 * 4):
                    now = first_day + timedelta(minutes=15 * step)
                    wait = seconds_until_open(now, start, end, PARIS)
                    opens = now + timedelta(seconds=wait)
                    self.assertLessEqual(wait, 25 * HOUR)
                    self.assertEqual(
                        seconds_until_open(opens, start, end, PARIS), 0, (now, start)
                    )
                    if wait:
                        before = opens - timedelta(seconds=1)
                        self.assertEqual(
                            seconds_until_open(before, start, end, PARIS), 1
                        )
