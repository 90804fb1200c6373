# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Reading an HTTP answer: what it says, and what it means for the message."""

import codecs
import contextlib
import functools
import http.client
import json
import re
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message as Headers
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urljoin

from ... import wording
from ...exceptions import (
    Blocked,
    Misconfigured,
    Rejected,
    SyncError,
    Temporary,
    Throttled,
    Unreachable,
)
from ..base import Message
from ..redact import Redactor, shorten
from ..urls import given_id, loggable, origin, spelling, url_problem
from .errors import UNREADABLE
from .patience import DEFAULT_RETRY_AFTER, asked_for
from .reasons import MAX_REASON, reasons, xml_reasons

# Bytes of an answer that are read at most, compressed or not: it may hold the id of a
# new record at its end.
MAX_BODY = 16 * 1024 * 1024
# Bytes of it that are looked at for what is shown of it.
MAX_SHOWN = 1024 * 1024
# Bytes of JSON that are read by several threads at once.
MAX_AT_ONCE = 4 * 1024 * 1024
_LARGE = threading.RLock()

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
# GoCardless: "A resource has already been created with this idempotency key"
_KEY_DONE = re.compile(r"already (been )?(\w+ )?(created|used|exists)", re.IGNORECASE)
_IS_THERE = re.compile(r"exist|duplicat|already|\btaken\b|unique", re.IGNORECASE)
# What is missing is what another field names.
_IS_NOT_THERE = re.compile(
    r"(not|n.t|never|longer|must)( already| yet)? exist|no such|not (be )?found"
    r"|non-?existent",
    re.IGNORECASE,
)
# Where an item of a batch has the id of its record.
ITEM_ID = "id"
# Names are compared without regard to case and underscores.
_FLAGS = ("success", "ok", "issuccess", "successful", "succeeded")
_ERRORS = ("errors", "usererrors")
# There only where it failed, or else empty, false or zero.
_SIGNS = ("errcode", "errorcode", "exception", "fault", "haserror", "iserror")
_FAILED = {"error", "errored", "fail", "failed", "failure"}
_FAILURE = re.compile(r"\b(errors?|exception|fail(ed|ure|s)?|fault)\b", re.IGNORECASE)
# HTTP statuses within a body, by names that no record has.
_STATUS_CODES = ("httpstatuscode", "statuscode")
# Where answers have the items that they consist of, or the only one.
_PLACES = {
    "compositeresponse",
    "data",
    "items",
    "operations",
    "records",
    "response",
    "responses",
    "result",
    "results",
}
# What comes with a status that means an error.
_REASONS = {
    "code",
    "description",
    "detail",
    "details",
    "error",
    "errorcode",
    "errordescription",
    "errormessage",
    "errors",
    "message",
    "messages",
    "msg",
    "reason",
    "title",
}
# Where errors have their codes, and what stands there for 429 (Shopify, Slack).
_CODES = {"code", "error", "errorcode", "status", "type", *_STATUS_CODES}
_LIMITS = {
    "ratelimit",
    "ratelimited",
    "ratelimitexceeded",
    "requestlimitexceeded",
    "throttled",
    "toomanyrequests",
}
# Said in the place of an error when there is none, or of a flag that is not set.
_NOTHING = {"", "0", "false", "n/a", "no error", "none", "null", "ok", "success"}
_UNSET = {"0", "error", "failed", "false", "n", "no"}
# In an answer whatever was done.
_NO_DATA = {
    "clientmutationid",
    "errorcode",
    "errormessage",
    "message",
    "messages",
    "msg",
    "typename",
}
# How many records an update has met.
_COUNTS = (
    "affectedrows",
    "matched",
    "matchedcount",
    "modifiedcount",
    "rowcount",
    "rowsaffected",
    "updated",
    "updatedcount",
)
# Levels of a body that are looked at, and items of a list.
_DEPTH = 6
_WIDTH = 1000


@dataclass(frozen=True)
class Answer:
    """One HTTP answer.

    :param method: of the request it answers
    :param url: of the request it answers
    :param headers: with keys that ignore case
    :param body: at most ``MAX_BODY`` bytes, decompressed
    :param cut: the answer was longer than ``body`` or broke off
    :param redact: hides the secrets that were sent
    :param refusal: the reason, perhaps an empty one, where it says no as a person has
        described it; without secrets
    :param unread: why that cannot be told, a sentence
    """

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    cut: bool = False
    redact: Redactor = field(default=Redactor(()), repr=False, compare=False)
    refusal: str | None = None
    unread: wording.Sentence | None = None

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def refuses(self) -> bool:
        """Whether the status says that the request has changed nothing.

        Not 408, which a proxy may answer for a server that is still at work, not the
        redirects that follow what was done (RFC 9110 sections 15.4.2 to 15.4.4) unless
        they only spell the address otherwise, and of 5xx only 501: a method that nobody
        there knows (section 15.6.2).
        """
        refused = 400 <= self.status < 500 and self.status != 408
        if refused and self.is_at_work:
            return False
        known = self.status in ELSEWHERE or self.status == 501
        return refused or known or self.is_respelt

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
            done = _KEY_DONE.search(words) and not _AT_WORK.search(words)
            return not (done or _ANOTHER.search(words))
        if _IS_THERE.search(_AT_WORK.sub("", words)):
            return False
        return bool(_AT_WORK.search(words) or self.headers.get("Retry-After"))

    @property
    def is_there(self) -> bool:
        """Whether it refuses to create what is there already."""
        return self.status == 409 and not self.is_at_work and self.says_there

    @property
    def says_there(self) -> bool:
        """Whether what it says may mean that something is there already."""
        words = self._said
        of_key = _OF_A_KEY.search(words) and _ANOTHER.search(words)
        found = _IS_THERE.search(words) and not _IS_NOT_THERE.search(words)
        return bool(found) and not of_key

    @functools.cached_property
    def _said(self):
        return self.shown.translate({ord("_"): " "})

    @property
    def text(self) -> str:
        return self._decoded(self.body)

    @property
    def shown(self) -> str:
        """The beginning of the body."""
        return self._decoded(self.body[:MAX_SHOWN])

    def _decoded(self, body):
        """By its first bytes, what its header says, as UTF-8, else as ISO-8859-1.

        RFC 8259 section 8.1 and RFC 9110 section 8.3.2; many send neither.
        """
        whole = len(body) == len(self.body) and not self.cut
        for charset in self._charsets(body):
            try:
                charset = codecs.lookup(charset).name
                if charset in _NO_CHARSETS:
                    continue
                "".encode(charset)  # refuses what is no encoding of texts
                # halves of surrogate pairs are cleaned where they are stored
                errors = "surrogatepass" if charset.startswith("utf-") else "strict"
                decoder = codecs.getincrementaldecoder(charset)(errors)
                return decoder.decode(body, whole)
            except (LookupError, ValueError):
                continue
        return body.decode("iso-8859-1")

    def _charsets(self, body):
        detected, kind = json.detect_encoding(body), self.headers.get("Content-Type")
        if detected != "utf-8":  # which only means that nothing else was detected
            yield detected
        if "charset" in (kind or "").lower():
            yield self._declared(kind)
        yield "utf-8"

    @staticmethod
    def _declared(kind):
        declared = Headers()
        try:
            declared["Content-Type"] = kind
            return str(declared.get_content_charset() or "utf-8")
        except UNREADABLE:
            return "utf-8"

    def json(self) -> Any:
        """:return: the parsed body, or ``None`` when it is not (whole) JSON"""
        return self._parsed

    @functools.cached_property
    def _parsed(self):
        if not self.ok and len(self.body) > MAX_SHOWN:
            return None  # there is nothing in it but a reason
        try:
            # a line end within a text is no reason not to find the id
            return json.loads(self.text.removeprefix("\ufeff"), strict=False)
        except (ValueError, RecursionError):
            return None

    @contextlib.contextmanager
    def in_turn(self):
        """Read a large body while no other is read: it takes many times its size."""
        if len(self.body) <= MAX_AT_ONCE:
            yield
            return
        with _LARGE:
            try:
                yield
            finally:
                self.__dict__.pop("_parsed", None)

    def location(self, header: str = "Location") -> str | None:
        """:return: the absolute address in a header"""
        value = self.headers.get(header)
        try:
            return urljoin(self.url, value) if value else None
        except ValueError:
            return None

    @property
    def is_respelt(self) -> bool:
        """Whether it redirects to another spelling of the address that was asked, as
        servers do before they look at a request."""
        location = self.location() if self.status in (301, 302, 307, 308) else None
        if not location or location == self.url:
            return False
        try:
            return spelling(location) == spelling(self.url)
        except ValueError:
            return False

    def redirect_inside(self) -> str | None:
        """:return: where the answer redirects to, if that is within the destination"""
        location = self.location() if 300 <= self.status < 400 else None
        if not location or url_problem(re.split("[?#]", location, maxsplit=1)[0]):
            return None
        return location if origin(location) == origin(self.url) else None

    def excerpt(self, limit: int) -> str:
        """:return: the beginning of the body, without secrets"""
        cut = self.cut or len(self.body) > MAX_SHOWN
        return self.redact.excerpt(self.shown, limit, cut=cut)

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

    def require_done(self, message: Message, id_path: str | None = "id") -> "Verdict":
        """Judge status and body.

        :param message, id_path: see :func:`judged`
        :return: what the body says, with what is doubtful about it
        :raise SyncError: one of them says that it was not done
        """
        self.require_ok()
        verdict = judged(self, message, id_path)
        if verdict.noes:
            raise verdict.error(self)
        if self.unread:
            # what nobody can read is no proof
            sentence = wording._lt(
                "%(request)s answered %(status)s, and whether that says no cannot be "
                "read. Check “Refused When”, or “Refusal of One” where many are sent "
                "at once: %(why)s"
            )
            raise Temporary(sentence, why=Temporary(self.unread), **self.told)
        return verdict

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
        told = {"location": loggable(location), **self.told}
        if self.is_respelt:
            return Misconfigured(sentence, "address", **told)
        return Unreachable(sentence, **told)

    def reason(self, *found: Any) -> str:
        """:return: what the answer gives as its reason, without secrets

        :param found: the parts of its JSON that give it; all of it if none
        """
        if self.refusal:
            return self.refusal
        if not found and self.json() is not None:
            found = (self.json(),)
        elif not found:
            kind = self.headers.get("Content-Type", "")
            if "text/plain" in kind:
                found = (self.shown,)
            elif "xml" in kind:
                found = xml_reasons(self.shown)
        said = [text for each in found for text in reasons(each, self.redact)]
        return shorten("; ".join(dict.fromkeys(said)), MAX_REASON)


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


# -- what the body of a 2xx says ----------------------------------------------


class Verdict(NamedTuple):
    """What the body of a 2xx says of a message: a success needs proof.

    A body says no, with JSON's own ``false`` or with something that is not empty, where

    - ``success`` or ``ok`` is ``false``,
    - there are ``errors``, or ``userErrors`` one level below ``data`` (GraphQL, section
      7.1 of its specification; Shopify),
    - there is an ``error``, ``exception`` or ``fault``, an error's code, or a
      ``status`` or ``result`` that means one, beside no id,
    - it is nothing but ``false``,
    - the items that it consists of say so (Zoho, HubSpot, Salesforce, Elasticsearch),
    - it says so as a person has described it, see :class:`Answer`.

    What a record calls ``status`` or ``error`` itself is none of that: it comes with
    its id, or was sent by us. Where anything came with the refusal, something may have
    been done. What can be read either way is a doubt.

    :param noes: parts of it that say no
    :param names: of what says so
    :param partly: something may have been done all the same
    :param doubt: what can be read either way, a sentence
    :param page: it is a page for people, such as that of a login, a sentence
    :param status: an HTTP status within it, where that is no judgement of the content
    """

    noes: tuple[Any, ...] = ()
    names: frozenset[str] = frozenset()
    partly: bool = False
    doubt: wording.Sentence | None = None
    page: wording.Sentence | None = None
    status: int | None = None

    @property
    def of_all(self) -> bool:
        """Whether it is about all of a request that was for several records: errors
        may be those of some of them."""
        return bool(self.noes) and not self.partly and not self.names & {*_ERRORS}

    def error(self, answer: Answer) -> SyncError:
        """:return: the refusal, with its reason"""
        said = answer.reason(*self.noes)
        sentence = (
            wording._lt(
                "%(request)s answered %(status)s, but what it says is no: %(said)s"
            )
            if said
            else wording._lt("%(request)s answered %(status)s, but what it says is no.")
        )
        if not self.status:
            return Rejected(sentence, said=said, **answer.told)
        meant = replace(answer, status=self.status).error()
        more = (meant.retry_after,) if isinstance(meant, Throttled) else ()
        return type(meant)(sentence, *more, said=said, **answer.told)


def judged(answer: Answer, message: Message | None, id_path: str | None) -> Verdict:
    """Read what a 2xx says.

    :param message: what it answers, whose own fields are no verdict; ``None`` where it
        is the answer to several
    :param id_path: where an answer has the id of a record, see :func:`found_id`;
        ``None`` for an item of a batch, which is no record itself
    """
    body = answer.json()
    reading = _Reading(message, id_path)
    found = found_id(answer, id_path or ITEM_ID)
    if isinstance(body, dict):
        reading.read_all(body, found is not None)
    elif isinstance(body, list):
        reading.read_items(body)
    elif body is False:
        reading.noes, reading.names = [body], {"false"}
    if answer.refusal is not None:
        reading.refuse(answer, found)
    is_page = body is None and "text/html" in answer.headers.get("Content-Type", "")
    text = body if isinstance(body, str) else answer.shown if body is None else ""
    if not is_page and not answer.cut and (word := _FAILURE.search(text)):
        reading.doubts.append(word[0])
    doubt = page = None
    if reading.doubts:
        sentence = wording._lt(
            "%(request)s answered %(status)s, and “%(name)s” in the answer may mean "
            "that it was not done."
        )
        doubt = answer.sentence(sentence, name=reading.doubts[0])
    elif is_page:
        sentence = wording._lt(
            "%(request)s answered %(status)s with a page for people, which may be that "
            "of a login, and not that of this record."
        )
        page = answer.sentence(sentence) if answer.body.strip() else None
    status = _no_judgement(reading.noes)
    # as if it were that of the answer
    partly = reading.partly or bool(
        status and not replace(answer, status=status).refuses
    )
    names = frozenset(reading.names)
    return Verdict(tuple(reading.noes), names, partly, doubt, page, status)


def refuses(answer: Answer, message: Message | None, id_path: str | None) -> bool:
    """:return: whether an answer says that the request has changed nothing"""
    if not answer.ok:
        return answer.refuses
    with answer.in_turn():
        verdict = judged(answer, message, id_path)
    return bool(verdict.noes) and not verdict.partly


def found_id(answer: Answer, path: Any) -> str | None:
    """:return: the id in an answer, where it can be one

    :param path: where it is in a JSON body; dots go into nested objects. Or a
        :class:`..rest.readings.Reading` of it
    """
    plain = _plain_path(path)
    if plain is None:
        return path.id_in(answer.json(), answer.headers, answer.url)
    return given_id(at(of_records(answer.json()), plain))


def _plain_path(path):
    """:return: names with dots; ``None`` for a reading of anything else"""
    if isinstance(path, str):
        return path
    return path.text if path.path and not path.header else None


def names_error(answer: Answer, message: Message) -> bool:
    """:return: whether what is beside the fields that we have sent tells of an error,
    whose own id may stand there"""
    body, sent = answer.json(), _lowered(message.payload)
    told = _lowered(body) if isinstance(body, dict) else {}
    return any(
        is_said(told[name]) and sent.get(name) != told[name]
        for name in told.keys() & {*_REASONS, "name"}
    )


def repeats(answer: Answer, message: Message, reading: Any, found: str) -> bool:
    """:return: whether an answer has a field that we have sent, beside an id, with its
    value

    :param reading: what has found the id, see :func:`found_id`
    """
    body, sent = answer.json(), _lowered(message.payload)
    plain = _plain_path(reading)
    if plain is not None:
        above = plain.rpartition(".")[0]
        records = [at(body, above) if above else body]
    else:
        records = with_id(body, found)
    return any(
        value and value is not True and held.get(name) == value
        for held in (_lowered(each) for each in records if isinstance(each, dict))
        for name, value in sent.items()
    )


def holds_id(answer: Answer, record_id: str) -> bool:
    """:return: whether an answer has an object with an id"""
    return any(True for _each in with_id(answer.json(), record_id))


def with_id(value: Any, record_id: str, depth: int = 0) -> Iterator[dict]:
    """:return: the objects in which an id stands"""
    if depth > _DEPTH or not isinstance(value, dict | list):
        return
    inner = value
    if isinstance(value, dict):
        inner = value.values()
        if any(given_id(each) == record_id for each in inner):
            yield value
    for each in islice(inner, _WIDTH):
        yield from with_id(each, record_id, depth + 1)


class _Reading:
    """What is found on the way through a body."""

    def __init__(self, message, id_path):
        self.noes, self.names, self.doubts, self.partly = [], set(), [], False
        self._sent = _lowered(message.payload) if message else {}
        self._known_id = message.external_id if message else None
        self._id_name = _name_of(id_path or ITEM_ID)
        self._is_item = id_path is None

    def refuse(self, answer, found):
        """Take what a person has described as a no.

        :param found: the id in the answer: what was asked for may be done all the same
        """
        self.noes = self.noes or [answer.json()]
        self.names.add("refusal")
        self.partly = self.partly or found not in (None, self._known_id)

    def read_all(self, body, has_id):
        """Read the object that a body is.

        :param has_id: it has the id of a record
        """
        body = of_records(body)
        values = _lowered(body)
        own_id = _has_id(values)
        self._judge(body, has_id or own_id)
        apart = _Reading(None, self._id_name)
        for name, value in values.items():
            # beside its id, lists are of what belongs to a record
            listed = isinstance(value, list)
            within = apart if own_id or (has_id and listed) else self
            if name in _PLACES and self._sent.get(name, self) != value:
                within.read_place(name, value, has_id)
            elif name not in {*_PLACES, *_ERRORS, *self._sent} and not own_id:
                # {"contacts": [{"status": "error"}]}
                if listed and len(value) == 1:
                    within.read_items(value)
        if apart.noes or apart.doubts:
            # of the record, or of the request: who knows
            self.doubts.append(next(iter(apart.names), "status"))
        if self.noes and not _is_jsend(values):
            self.partly = self.partly or has_id or _something_in(values, self.names)
        if not (has_id or own_id or self.noes) and "code" not in self._sent:
            self._judge_code(values)
        if self._known_id:
            for name in _COUNTS:
                if name not in self._sent and _is_zero(values.get(name)):
                    self.doubts.append(name)

    def read_place(self, name, value, has_id):
        """Read what is below a name that answers have."""
        if isinstance(value, list):
            self.read_items(value)
        elif isinstance(value, dict):
            has_id = has_id or _has_id(_lowered(value))
            if name == "data":
                self._read_data(value, has_id)
            self._judge(value, has_id)

    def read_items(self, items):
        """Read a list of what may be the answers to single records."""
        items, no, doubtful = items[:_WIDTH], 0, len(self.doubts)
        noes = len(self.noes)
        for item in items:
            before = len(self.noes)
            item = _unwrapped(item)
            if isinstance(item, dict):
                self._judge(item, _has_id(_lowered(item), self._id_name), body=True)
            no += len(self.noes) > before
        if 0 < no < len(items):
            # of another record, it may be
            del self.noes[noes:]
            self.doubts.insert(doubtful, "status")

    def _read_data(self, data, has_id):
        """Read what each operation of GraphQL has answered."""
        for found in list(data.values())[:100]:
            for each in found if isinstance(found, list) else [found]:
                if not isinstance(each, dict):
                    continue
                done = _something(each)
                for name, value in _lowered(each).items():
                    if not is_said(value) or not name.endswith(_ERRORS):
                        continue
                    if name.endswith("usererrors") or not (done or has_id):
                        self._no(name, value)
                        self.partly = self.partly or done
                    else:
                        self.doubts.append(name)

    def _judge(self, part, has_id, body=False):
        """Look for what says no in an object.

        :param has_id: it comes with the id of a record
        :param body: it may hold the body of another answer
        """
        values = _lowered(part)
        before = len(self.noes)
        sure = False
        for name in _FLAGS:
            value = values.get(name)
            sure = sure or value is True
            if value is None or self._is_own(name, value, has_id):
                continue
            if value is False:
                self._no(name, part, values.get("data"))
            elif value == 0 or (
                isinstance(value, str) and value.strip().lower() in _UNSET
            ):
                self.doubts.append(name)
        for name in _ERRORS:
            value = values.get(name)
            if is_said(value) and not self._is_own(name, value, has_id):
                # a flag, or their number, tells less
                if isinstance(value, dict | list | str):
                    self._no(name, {"errors": value})
                else:
                    self.doubts.append(name)
        value = values.get("error")
        if is_said(value) and not self._is_own("error", value, has_id):
            if (has_id or sure) and len(self.noes) == before:
                self.doubts.append("error")
            else:
                self._no("error", part)
        for name in (*_SIGNS, "result", "status"):
            value = values.get(name)
            failed = value is False or (name == "result" and is_failure(value))
            if name in _SIGNS:
                failed = is_said(value) and not _is_fine(value)
            if failed and not self._is_own(name, value, has_id):
                if has_id or sure:
                    self.doubts.append(name)
                else:
                    self._no(name, part)
        self._judge_status(part, values, has_id, body)
        if len(self.noes) > before:
            self.partly = self.partly or has_id or sure

    def _judge_status(self, part, values, has_id, body):
        for name in _STATUS_CODES:
            if _is_refusal(values.get(name)) and name not in self._sent:
                self._no(name, part, part.get("body") if body else None)
        value = values.get("status")
        failed = is_failure(value)
        if self._is_item and failed:
            self._no("status", part)
        if self._is_item or not (failed or _is_refusal(value)):
            return
        if self._is_own("status", value, has_id):
            return
        reasoned = any(
            is_said(values[name])
            for name in _REASONS & values.keys()
            if name not in self._sent
        )
        if not has_id and (reasoned or values.keys() <= {"status", "data"}):
            self._no("status", part, values.get("data"))
        else:
            self.doubts.append("status")

    def _judge_code(self, values):
        """Look for a code of the application's own, with a message in place of data."""
        code, said = values.get("code"), values.get("message") or values.get("msg")
        if type(code) in (int, str) and is_said(code) and not _is_fine(code):
            if is_said(said) and not _something(values.get("data")):
                self.doubts.append("code")

    def _is_own(self, name, value, has_id):
        """:return: whether it is a field of the record; in doubt it is a doubt"""
        if name not in self._sent:
            return False
        if not has_id and self._sent[name] != value:
            self.doubts.append(name)
        return True

    def _no(self, name, *parts):
        self.names.add(name)
        self.noes += [part for part in parts if part is not None]


def of_records(body):
    """:return: a body without the id of the request, which JSON-RPC has beside it"""
    if isinstance(body, dict) and "jsonrpc" in body:
        return {name: value for name, value in body.items() if name != "id"}
    return body


def _lowered(part):
    return {
        name.replace("_", "").lower(): value
        for name, value in part.items()
        if isinstance(name, str)
    }


def is_failure(status: Any) -> bool:
    """:return: whether a status in words means that it was not done"""
    return isinstance(status, str) and status.strip().lower() in _FAILED


def at(value: Any, path: str) -> Any:
    """:return: what is at a path of names with dots, ``None`` where there is nothing"""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _name_of(path):
    return path.rpartition(".")[2] if isinstance(path, str) else path.name


def _has_id(values, name=ITEM_ID):
    names = {"id", name.replace("_", "").lower()}
    return any(given_id(values.get(name)) is not None for name in names)


def is_said(value, depth=0):
    """:return: whether something is said in the place of an error"""
    if isinstance(value, str):
        return value.strip().lower().rstrip(".") not in _NOTHING
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        if depth == _DEPTH:
            return bool(value)
        return any(is_said(each, depth + 1) for each in islice(inner, _WIDTH))
    return bool(value)


def _something(value, depth=0):
    """:return: whether there is any data in it"""
    if isinstance(value, list):
        few = value[:_WIDTH]
        return depth < _DEPTH and any(_something(each, depth + 1) for each in few)
    if isinstance(value, dict):
        return depth < _DEPTH and any(
            _something(each, depth + 1)
            for name, each in _lowered(value).items()
            if name not in _NO_DATA and not name.endswith(_ERRORS)
        )
    return bool(value)


def _something_in(values, noes):
    """:return: whether a body that says no has anything of a record

    :param noes: names of what says so
    """
    for name, value in values.items():
        if name in _REASONS or name in _ERRORS or name in noes:
            continue
        if name in _PLACES and isinstance(value, list):
            few = value[:_WIDTH]
            if any(_something(each) for each in few if not _says_no(each)):
                return True
        elif name in _PLACES and _something(value):
            return not _says_no(value)
        elif isinstance(value, dict) and _has_id(_lowered(value)):
            return True
    return False


def _says_no(item):
    reading, item = _Reading(None, "id"), _unwrapped(item)
    if isinstance(item, dict):
        reading._judge(item, _has_id(_lowered(item)))
    return bool(reading.noes) and not reading.partly


def _unwrapped(item):
    """:return: what is in an item of a list below a name of its own"""
    while isinstance(item, dict) and len(item) == 1:
        (inner,) = item.values()  # {"index": {"status": 400}}
        if not isinstance(inner, dict):
            break
        item = inner
    return item


def _is_jsend(values):
    """:return: whether it is a refusal of JSend, whose data are the reasons"""
    return values.get("status") == "fail" and values.keys() <= {"status", "data"}


def _is_refusal(value):
    """:return: whether a value is the HTTP status of a refusal; SCIM has it as text"""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:9])
    return type(value) is int and 400 <= value <= 599


def _no_judgement(noes):
    """:return: the status of a server that has not judged the content, 408, 429 or 5xx,
    within what says no; ``None`` if there is none"""
    found = {*_statuses(noes)}
    failures = [each for each in found if each == 408 or each >= 500 and each != 501]
    return min(failures, default=429 if 429 in found else None)


def _statuses(part, depth=0):
    """:return: HTTP statuses in the places of errors, or what is said for them"""
    if depth > _DEPTH:
        return
    if isinstance(part, list):
        for each in part[:_WIDTH]:
            yield from _statuses(each, depth + 1)
    elif isinstance(part, dict):
        for name, value in _lowered(part).items():
            if name in _CODES and _is_refusal(value):
                yield int(value)
            elif name in _CODES and isinstance(value, str):
                if re.sub("[^a-z]", "", value[:40].lower()) in _LIMITS:
                    yield 429
            elif name == "extensions" or name in _REASONS:
                yield from _statuses(value, depth + 1)


def _is_fine(code):
    """:return: whether a code means that it was done: zeros, or an HTTP status"""
    return bool(re.fullmatch(r"0+|2\d\d", str(code).strip()))


def _is_zero(value):
    return type(value) is int and value == 0
