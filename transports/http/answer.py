# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Reading an HTTP answer: what it says, and what it means for the message."""

import codecs
import functools
import http.client
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message as Headers
from typing import Any
from urllib.parse import urljoin

from ... import wording
from ...exceptions import (
    Blocked,
    Rejected,
    SyncError,
    Temporary,
    Throttled,
    Unreachable,
)
from ..redact import Redactor, one_line, shorten
from ..urls import loggable, origin, url_problem
from .patience import DEFAULT_RETRY_AFTER, asked_for

# Bytes of an answer that are read at most, compressed or not: it may hold the id of a
# new record at its end.
MAX_BODY = 16 * 1024 * 1024
# Bytes of it that are looked at for what is shown of it.
MAX_SHOWN = 1024 * 1024
# Characters of the destination's own explanation in an error.
MAX_REASON = 300

# "Ask there instead", with the same method and body: nothing was done here (RFC 9110
# sections 15.4.8 and 15.4.9).
ELSEWHERE = {307, 308}
# A proxy or a firewall may refuse one record's text, and a right may be missing for it
# (RFC 9110 sections 15.5.4 and 15.5.7, RFC 7725 section 3).
_BLOCKED = {403, 406, 451}
# What answers for an origin that does not: 502 to 504 of RFC 9110, 520 to 527 and 530
# of Cloudflare ("Cloudflare 5xx errors").
_DEAD = {502, 503, 504, *range(520, 528), 530}
# Encodings of Python's that are none of texts on the web, or take for ever.
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7"}
# How the same request, still at work, is told from a record that is there already. IETF
# draft-ietf-httpapi-idempotency-key-header section 2.6; Stripe and others as they are.
_AT_WORK = re.compile(
    r"(already )?(in[ -]?(progress|flight)|being processed"
    r"|(being|still|currently|already) processing"
    r"|(concurrent|another|previous|original|outstanding)[ \w-]{0,30} request)",
    re.IGNORECASE,
)
_OF_A_KEY = re.compile(r"idempoten", re.IGNORECASE)
_ANOTHER = re.compile(r"differ|mis-?match|not match|reused|re-used", re.IGNORECASE)
_IS_THERE = re.compile(r"exist|duplicat|already|\btaken\b|unique|in use", re.IGNORECASE)
# Where APIs put the reason; "title" and "detail" are those of RFC 9457.
_REASON_KEYS = (
    "title",
    "message",
    "msg",
    "detail",
    "reason",
    "error",
    "error_description",
    "errors",
)


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
        redirects that follow what was done (RFC 9110 sections 15.4.2 to 15.4.4), and of
        5xx only 501: a method that nobody there knows (section 15.6.2).
        """
        refused = 400 <= self.status < 500 and self.status != 408
        if refused and self.is_at_work:
            return False
        return refused or self.status in ELSEWHERE or self.status == 501

    @functools.cached_property
    def is_at_work(self) -> bool:
        """Whether the same request came before, and is still being processed.

        IETF draft-ietf-httpapi-idempotency-key-header section 2.6. Not where the key is
        said to be that of another request, which no patience changes.
        """
        if self.status != 409:
            return False
        words = self._said
        if _OF_A_KEY.search(words):
            return not _ANOTHER.search(words)
        if _IS_THERE.search(_AT_WORK.sub("", words)):
            return False
        return bool(_AT_WORK.search(words) or self.headers.get("Retry-After"))

    @property
    def is_there(self) -> bool:
        """Whether it refuses to create what is there already."""
        said = self.status == 409 and not self.is_at_work
        return said and bool(_IS_THERE.search(self._said))

    @functools.cached_property
    def _said(self):
        return self._shown.translate({ord("_"): " "})

    @property
    def text(self) -> str:
        return self._decoded(self.body)

    @property
    def _shown(self):
        return self._decoded(self.body[:MAX_SHOWN])

    def _decoded(self, body):
        """By its first bytes, what its header says, as UTF-8, else as ISO-8859-1.

        RFC 8259 section 8.1 and RFC 9110 section 8.3.2; many send neither.
        """
        whole = len(body) == len(self.body) and not self.cut
        for charset in self._charsets(body):
            try:
                if codecs.lookup(charset).name in _NO_CHARSETS:
                    continue
                "".encode(charset)  # refuses what is no encoding of texts
                decoder = codecs.getincrementaldecoder(charset)("strict")
                return decoder.decode(body, whole)
            except (LookupError, ValueError):
                continue
        return body.decode("iso-8859-1")

    def _charsets(self, body):
        detected, kind = json.detect_encoding(body), self.headers.get("Content-Type")
        if detected != "utf-8":  # which only means that nothing else was detected
            yield detected
        if "charset" in (kind or "").lower():
            declared = Headers()
            declared["Content-Type"] = kind
            yield str(declared.get_content_charset() or "utf-8")
        yield "utf-8"

    def json(self) -> Any:
        """:return: the parsed body, or ``None`` when it is not (whole) JSON"""
        return self._parsed

    @functools.cached_property
    def _parsed(self):
        try:
            # a line end within a text is no reason not to find the id
            return json.loads(self.text.removeprefix("\ufeff"), strict=False)
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
        cut = self.cut or len(self.body) > MAX_SHOWN
        return self.redact.excerpt(self._shown, limit, cut=cut)

    @property
    def told(self) -> dict[str, str]:
        """The reason of an error that is about this answer, and what it names."""
        phrase = http.client.responses.get(self.status, "")
        return {
            "reason": "answered",
            "request": f"{self.method} {loggable(self.url)}",
            "status": f"{self.status} {phrase}".rstrip(),
        }

    def sentence(self, template: str, **values: Any) -> wording.Sentence:
        """:return: a sentence that names the request and the status of this answer"""
        told = {name: self.told[name] for name in ("request", "status")}
        return wording.Sentence(template, **told, **values)

    def require_ok(self) -> None:
        """:raise SyncError: the answer says that it was not done"""
        if not self.ok:
            raise self.error()

    def error(self) -> SyncError:
        """:return: the error that a status other than 2xx stands for"""
        sentence, told = self._sentence()
        wait = asked_for(self.status, self.headers)
        if wait is None and self.status == 429:
            wait = DEFAULT_RETRY_AFTER
        if wait is not None:
            return Throttled(sentence, wait, **told)
        if self.status in (401, 407):
            return self.credentials_refused()
        if self.status in _BLOCKED:
            return Blocked(sentence, **told)
        if 300 <= self.status < 400:
            return self._redirect_error()
        if self.status in _DEAD:
            return Unreachable(sentence, **told)
        return (Rejected if self._is_final else Temporary)(sentence, **told)

    def _sentence(self):
        said = self.reason()
        sentence = (
            wording._lt("%(request)s answered %(status)s: %(said)s")
            if said
            else wording._lt("%(request)s answered %(status)s")
        )
        return sentence, {**self.told, "said": said}

    @property
    def _is_final(self):
        if self.status in (408, 425) or self.is_at_work:
            return False
        return 400 <= self.status < 500 or self.status == 501

    def credentials_refused(self) -> Unreachable:
        """:return: the error of a system that does not let us in"""
        sentence, told = self._sentence()
        refused = wording._lt("The credentials are refused: %(why)s")
        return Unreachable(refused, why=Unreachable(sentence, **told), **told)

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

    def reason(self, *found: Any) -> str:
        """:return: what the answer gives as its reason, without secrets

        :param found: the parts of its JSON that give it; all of it if none
        """
        if not found and self.json() is not None:
            found = (self.json(),)
        elif not found and "text/plain" in self.headers.get("Content-Type", ""):
            found = (self._shown,)
        reasons = dict.fromkeys(
            text for each in found for text in _texts(each, self.redact)
        )
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
