# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""Off-peak windows: hours of a day, in a timezone, in which jobs may run."""

import math
from datetime import datetime, time, timedelta, timezone


def _at_hour(day, hour, tz):
    """Return the moment of ``day`` at which the clock of ``tz`` shows ``hour``."""
    minutes = round(hour * 60)
    moment = datetime.combine(day, time(), tzinfo=None) + timedelta(minutes=minutes)
    return moment.replace(tzinfo=tz).astimezone(timezone.utc)


def seconds_until_open(now, start, end, tz):
    """Return how long it is until a daily window is open.

    A window whose end is not after its start goes on past midnight.

    :param now: aware datetime
    :param float start: hour of the day at which the window opens, 0 to 24
    :param float end: hour of the day at which it closes, 0 to 24
    :param tz: ``tzinfo`` whose clock the hours are read from
    :return: seconds, rounded up; 0 while the window is open
    """
    now = now.astimezone(timezone.utc)
    today = now.astimezone(tz).date()
    # hours on the clock, so that a change to or from summer time needs no rule
    for offset in (-1, 0, 1, 2):
        day = today + timedelta(days=offset)
        opens = _at_hour(day, start, tz)
        closes = _at_hour(day if end > start else day + timedelta(days=1), end, tz)
        if now < closes:
            return max(0, math.ceil((opens - now).total_seconds()))
    raise AssertionError("a daily window opens within two days")
