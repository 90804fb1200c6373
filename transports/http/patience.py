# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long a destination asks to be left alone, in every form seen in the wild."""

import re
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import mktime_tz, parsedate_tz

# Seconds to wait when a destination asks for patience without saying how long,
# and the bounds of what it may ask for.
DEFAULT_RETRY_AFTER = 60.0
MIN_RETRY_AFTER = 1.0
MAX_RETRY_AFTER = 24 * 3600.0

_NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+")
# 1m0s, 500ms, 1h2m3s, 30 seconds
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_COUNT = r"(\d+(?:\.\d*)?|\.\d+)"
_UNIT = (
    r"(ms|millis(?:econds?)?|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?"
    r"|d(?:ays?)?)"
)
_PART = re.compile(rf"{_COUNT}\s*{_UNIT}\s*", re.IGNORECASE)
_DURATION = re.compile(rf"(?:{_PART.pattern})+", re.IGNORECASE)
# Characters of a header that are looked at.
_MOST = 500
# Nobody asks for thirty years: such a number is a moment, in seconds since 1970 or in
# parts of them.
_MOMENT = 1e9
_MOMENT_IN_PARTS = 1e11
# In milliseconds, as some have it beside the usual header.
_IN_MS = ("Retry-After-Ms", "X-Retry-After-Ms", "X-Ms-Retry-After-Ms")
# When a limit on requests is over; nobody has agreed on one name or unit.
_RESETS = (
    "RateLimit-Reset",
    "X-RateLimit-Reset-After",
    "X-RateLimit-Reset",
    "X-Rate-Limit-Reset",
)
_REMAINING = ("RateLimit-Remaining", "X-RateLimit-Remaining", "X-Rate-Limit-Remaining")
# IETF draft-ietf-httpapi-ratelimit-headers: '"minute";r=0;t=30', before its version 8
# 'limit=100, remaining=0, reset=30'.
_WINDOW = re.compile(r'(?:^|,)\s*"[^"]*"((?:\s*;\s*[\w-]+\s*=\s*[^;,]*)*)')
_PARAMETER = re.compile(r"([\w-]+)\s*=\s*(\d+(?:\.\d+)?)")


def asked_for(status: int, headers: Mapping[str, str]) -> float | None:
    """Read how long an answer asks to wait before anything else is sent.

    429 says that there is a limit, and so does whatever else says that nothing of it is
    left; where a 503 or a 403 comes with a limit that is not used up, that is another
    matter (GitHub, "Rate limits for the REST API").

    :return: seconds, within bounds; ``None`` when it does not, or is not understood
    """
    if status not in (403, 429, 503):
        return None
    wait = retry_after(headers.get("Retry-After"))
    for name in _IN_MS:
        found = (headers.get(name) or "").strip()
        if wait is None and _NUMBER.fullmatch(found):
            wait = _bounded(float(found) / 1000)
    if wait is None and (status == 429 or _used_up(headers)):
        wait = _reset(headers)
    return wait


def _used_up(headers):
    left = [headers.get(name) for name in _REMAINING]
    left += [window["r"] for window in _windows(headers) if "r" in window]
    return any(re.fullmatch(r"\s*0+(\.0*)?\s*", each or "") for each in left)


def _reset(headers):
    windows = [window for window in _windows(headers) if "t" in window]
    used_up = [window for window in windows if float(window.get("r", 1)) == 0]
    waits = [retry_after(window["t"]) for window in used_up or windows]
    if waits:
        return max(waits)
    waits = (retry_after(headers.get(name)) for name in _RESETS)
    return next((wait for wait in waits if wait is not None), None)


def _windows(headers):
    """:return: what the ``RateLimit`` header says of each limit"""
    value = (headers.get("RateLimit") or "")[:_MOST]
    found = [dict(_PARAMETER.findall(each)) for each in _WINDOW.findall(value)]
    if not found:
        older = {name.lower(): number for name, number in _PARAMETER.findall(value)}
        names = {"remaining": "r", "reset": "t"}
        found = [{names.get(name, name): older[name] for name in older}]
    return found


def retry_after(value: str | None) -> float | None:
    """Read a ``Retry-After`` header, or one like it.

    Seconds or a date, in any of the three forms (RFC 9110 sections 10.2.3 and 5.6.7).
    In the wild also ``0.493``, ``1m0s``, ``500ms``, a moment in seconds or milliseconds
    since 1970, a date of ISO 8601, and the same header twice.

    :return: seconds, within bounds; ``None`` when absent or not understood
    """
    value = (value or "")[:_MOST].strip()
    if not value.isascii():
        return None
    try:
        if _NUMBER.fullmatch(value):
            seconds = float(value)
            while _MOMENT_IN_PARTS < seconds < float("inf"):
                seconds /= 1000
            if seconds >= _MOMENT:
                seconds -= time.time()
        elif _DURATION.fullmatch(value):
            parts = _PART.findall(value)
            seconds = sum(float(count) * _unit(unit) for count, unit in parts)
        else:
            seconds = _moment(value) - time.time()
    except (TypeError, ValueError, OverflowError):
        first, comma, _rest = value.partition(",")
        return retry_after(first) if comma and _NUMBER.fullmatch(first) else None
    return _bounded(seconds)


def _unit(name):
    name = name.lower()
    return _UNITS["ms" if name.startswith(("ms", "milli")) else name[0]]


def _moment(value):
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return mktime_tz(parsedate_tz(value))
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()


def _bounded(seconds):
    return min(max(seconds, MIN_RETRY_AFTER), MAX_RETRY_AFTER)
