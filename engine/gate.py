# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""Whether a record may be sent now, and when a job that is made now may run."""

import math
import zoneinfo
from datetime import datetime, time, timedelta, timezone

import pytz

from odoo.exceptions import UserError

from odoo.addons.queue_job.exception import RetryableJobError

from . import clock, words

# Seconds to wait for a changed mind about a system or a synchronization that is
# archived, or a draft again.
RESTING_SECONDS = 600


def pass_through(stream, insist=False):
    """Return only if now is a time to send.

    :param stream: the ``sync.stream``, as superuser
    :param bool insist: a person asks for it, off-peak hours or not
    :raises RetryableJobError: not now; waiting uses no try
    """
    resting = stream._resting_text()
    if resting:
        raise later(words.said(stream.env, resting), RESTING_SECONDS)
    hold = stream.backend_id._hold()
    if hold:
        raise later(*hold)
    wait = seconds_until_window(stream)
    if wait and not insist:
        raise later(stream.env._("Waiting for the off-peak hours."), wait)


def later(reason, seconds):
    """Return the exception that lets a job wait, without a try.

    :param str reason: for people
    """
    return RetryableJobError(reason, seconds=seconds, ignore_retry=True)


def eta(stream):
    """Return when a job made now may run: ``None``, or a time (UTC, naive)."""
    facts = stream._facts()
    until = stream.env["sync.incident"]._wait_until(facts.backend_id)
    if until or facts.at_once:
        return until
    if stream.delay_policy == "delay":
        return clock.after(stream.env.cr, stream.delay_minutes * 60)
    wait = seconds_until_window(stream)
    return clock.after(stream.env.cr, wait) if wait else None


def seconds_until_window(stream):
    """Return the seconds until a stream's off-peak window opens, 0 inside it."""
    if stream.delay_policy != "window":
        return 0
    try:
        timezone_there = zone(stream.window_tz or "UTC")
    except pytz.UnknownTimeZoneError:
        raise UserError(
            stream.env._("This server does not know the timezone %s.", stream.window_tz)
        ) from None
    return seconds_until_open(
        clock.now(stream.env.cr).replace(tzinfo=timezone.utc),
        stream.window_start,
        stream.window_end,
        timezone_there,
    )


def zone(name):
    """Return a timezone, by one of the names that Odoo offers.

    It offers those of pytz, which brings its own, and knows some by another name; the
    machine's may lack them, as ``US/Eastern`` where Debian's ``tzdata-legacy`` is not
    installed.

    :raises pytz.UnknownTimeZoneError: nobody has it
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except zoneinfo.ZoneInfoNotFoundError:
        with pytz.open_resource(pytz.timezone(name).zone) as resource:
            return zoneinfo.ZoneInfo.from_file(resource, key=name)


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


def _at_hour(day, hour, tz):
    """Return the moment of ``day`` at which the clock of ``tz`` shows ``hour``."""
    minutes = round(hour * 60)
    moment = datetime.combine(day, time(), tzinfo=None) + timedelta(minutes=minutes)
    return moment.replace(tzinfo=tz).astimezone(timezone.utc)
