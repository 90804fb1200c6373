# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Reading an HTTP answer: what it says, and what it means for the message."""

import http.client
import json
import re
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import mktime_tz, parsedate_tz
from typing import Any
from urllib.parse import urljoin

from ... import wording
from ...exceptions import Rejected, SyncError, Temporary, Throttled, Unreachable
from ..redact import Redactor, one_line, shorten
from ..urls import loggable, origin, url_problem

# Bytes of an answer that are read at most, compressed or not.
MAX_BODY = 1024 * 1024
# Characters of the destination's own explanation in an error.
MAX_REASON = 300
# Seconds to wait when a destination asks for patience without saying how long,
# and the bounds of what it may ask for.
DEFAULT_RETRY_AFTER = 60.0
MIN_RETRY_AFTER = 1.0
MAX_RETRY_AFTER = 24 * 3600.0

# "Ask there instead", with the same method and body: nothing was done here (RFC 9110
# sections 15.4.8 and 15.4.9).
ELSEWHERE = {307, 308}
# Where APIs put the reason; "title" and "detail" are those of RFC 9457.
_REASON_KEYS = ("title", "message", "detail", "error", "error_description", "errors")


@dataclass(frozen=True)
class Answer:
    """One HTTP answer.

    :param method: of the request it answers
    :param url: of the request it answers
    :param headers: with keys that ignore case
    :param body: at most ``MAX_BODY`` bytes, decompressed
    :param cut: the answer was longer than ``body`` or broke off
    :param redact: hides the secrets that were sent
    """

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    cut: bool = False
    redact: Redactor = field(default=Redactor(()), repr=False, compare=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def refuses(self) -> bool:
        """Whether the status says that the request has changed nothing.

        Not 408, which a proxy may answer for a server that is still at work, not the
        redirects that follow what was done (RFC 9110 sections 15.4.2 to 15.4.4), and no
        5xx, whatever else it says.
        """
        refused = 400 <= self.status < 500 and self.status != 408
        return refused or self.status in ELSEWHERE

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """:return: the parsed body, or ``None`` when it is not (whole) JSON"""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def location(self) -> str | None:
        """:return: the absolute address in the ``Location`` header"""
        value = self.headers.get("Location")
        try:
            return urljoin(self.url, value) if value else None
        except ValueError:
            return None

    def redirect_inside(self) -> str | None:
        """:return: where the answer redirects to, if that is within the destination"""
        location = self.location() if 300 <= self.status < 400 else None
        if not location or url_problem(re.split("[?#]", location, maxsplit=1)[0]):
            return None
        return location if origin(location) == origin(self.url) else None

    def excerpt(self, limit: int) -> str:
        """:return: the beginning of the body, without secrets"""
        return self.redact.excerpt(self.text, limit, cut=self.cut)

    @property
    def told(self) -> dict[str, str]:
        """The reason of an error that is about this answer, and what it names."""
        phrase = http.client.responses.get(self.status, "")
        return {
            "reason": "answered",
            "request": f"{self.method} {loggable(self.url)}",
            "status": f"{self.status} {phrase}".rstrip(),
        }

    def require_ok(self) -> None:
        """:raise SyncError: the answer says that it was not done"""
        if not self.ok:
            raise self.error()

    def error(self) -> SyncError:
        """:return: the error that a status other than 2xx stands for"""
        said = self._reason()
        sentence = (
            wording._lt("%(request)s answered %(status)s: %(said)s")
            if said
            else wording._lt("%(request)s answered %(status)s")
        )
        told = {**self.told, "said": said}
        if self.status in (429, 503):
            wait = retry_after(self.headers.get("Retry-After"))
            if wait is None and self.status == 429:
                wait = DEFAULT_RETRY_AFTER
            if wait is not None:
                return Throttled(sentence, wait, **told)
        if self.status in (401, 403):
            refused = wording._lt("The credentials are refused: %(why)s")
            return Unreachable(refused, why=Unreachable(sentence, **told), **told)
        if 300 <= self.status < 400:
            return self._redirect_error()
        if self.status in (502, 503, 504):
            return Unreachable(sentence, **told)
        final = 400 <= self.status < 500 and self.status not in (408, 425)
        return (Rejected if final else Temporary)(sentence, **told)

    def _redirect_error(self):
        location = self.location()
        if not location:
            sentence = wording._lt(
                "%(request)s answered %(status)s, which means nothing here."
            )
            return Unreachable(sentence, **self.told)
        sentence = wording._lt(
            "%(request)s answered %(status)s and points to %(location)s. Nothing was "
            "sent there; if that is the right place, change the URL or the endpoint."
        )
        return Unreachable(sentence, location=loggable(location), **self.told)

    def _reason(self):
        found = self.json()
        if found is None and "text/plain" in self.headers.get("Content-Type", ""):
            found = self.text
        reasons = list(dict.fromkeys(_texts(found, self.redact)))
        return shorten("; ".join(reasons), MAX_REASON)


def _texts(value, redact, depth=0):
    """Collect the explanations in a JSON answer, whatever its shape.

    Each is shortened after its secrets are hidden, so that no half of one is left.
    """
    if depth > 4:
        return
    if isinstance(value, str):
        if value.strip():
            yield one_line(redact.excerpt(value, 2 * MAX_REASON))
    elif isinstance(value, list):
        for item in value[:20]:
            yield from _texts(item, redact, depth + 1)
    elif isinstance(value, dict):
        for key in _REASON_KEYS:
            found = value.get(key)
            if key != "errors" or not isinstance(found, dict):
                yield from _texts(found, redact, depth + 1)
                continue
            # {"email": ["is invalid"]} names the field of each reason
            for name, reasons in list(found.items())[:20]:
                name = one_line(redact.excerpt(name, 60))
                for reason in _texts(reasons, redact, depth + 1):
                    yield f"{name}: {reason}"


def retry_after(value: str | None) -> float | None:
    """Read a ``Retry-After`` header: seconds or a date (RFC 9110 section 10.2.3).

    :return: seconds, within bounds; ``None`` when absent or not understood
    """
    value = (value or "").strip()
    try:
        if value.isascii() and value.isdigit():
            # A long number is the longest wait, and no number of hundreds of digits.
            seconds = float(value[:9])
        else:
            seconds = mktime_tz(parsedate_tz(value)) - time.time()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(seconds, MIN_RETRY_AFTER), MAX_RETRY_AFTER)


def inflate(body: bytes, encoding: str | None) -> tuple[bytes, bool]:
    """Decompress the body of a server that compresses although told not to.

    :return: at most ``MAX_BODY`` bytes, and whether something is missing
    """
    if (encoding or "").strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return body[:MAX_BODY], len(body) > MAX_BODY
    # 32 more than the largest window: take gzip and zlib headers alike.
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        found = decoder.decompress(body, MAX_BODY)
    except zlib.error:
        return b"", True
    return found, not decoder.eof
