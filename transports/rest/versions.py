# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The version of a record, which a destination gives and wants back with a change.

It is in an answer, ``headers.ETag`` or in the body, and goes back in a header,
``If-Match`` (RFC 9110 section 13.1.1), or in the body, as QuickBooks' SyncToken. Where
it is not known it is read first. Where a change is refused and the record has another
one by then, somebody else has changed it: it is sent once more, as the last state wins.
What answers a look may be behind: that a record is gone, an answer to a change tells.
"""

import hashlib
import re
from dataclasses import replace

from ... import wording
from ...exceptions import Misconfigured, Rejected, Temporary
from ..base import Message, Route
from ..http import Answer, HttpClient, Trail
from ..http.answer import refuses
from .lines import dialogue_of, look_at, says_gone
from .requests import VERSION, RequestLine
from .routing import GONE, shows

# Say that it is another one by now: RFC 9110 sections 15.5.10 and 15.5.13, RFC 6585
# section 3. QuickBooks says so with 400.
STALE = (409, 412)
MAY_BE_STALE = (400, *STALE, 422, 428)
# Refuse a change for nothing but its version.
WANTS_VERSION = (412, 428)
# Characters of a version at most.
MAX_VERSION = 500
_HEADER_VALUE = re.compile(r"[\x20-\x7e]+")


def version_in(answer: Answer, route: Route) -> str | None:
    """:return: the version of the record that an answer tells"""
    reading = dialogue_of(route.bare).version
    if reading is None or not answer.ok:
        return None
    value = reading.of(answer.json(), answer.headers).value
    if isinstance(value, list) and len(value) == 1:
        value = value[0]  # of the one that was found
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, int) and value.bit_length() > 64:
        return None
    text = str(value)
    known = 0 < len(text) <= MAX_VERSION and _HEADER_VALUE.fullmatch(text)
    return text if known and not answer.redact.holds_secret(text) else None


def goes_back(route: Route, line: RequestLine) -> bool:
    """:return: whether a request sends the version of its record back"""
    return bool(route.version) and bool(route.version_header or names_version(line))


def names_version(line: RequestLine) -> bool:
    """:return: whether a request has a place for the version of its record"""
    return any(each.source == VERSION for each in line.placeholders)


def version_problem(route: Route) -> str | None:
    """Say what is missing to send versions back along a route.

    :return: a sentence, marked for the translators; ``None`` where nothing is
    """
    try:
        lines = dialogue_of(route.bare).lines
    except Misconfigured as error:
        return error.message
    if lines.update is not None and not goes_back(route, lines.update):
        return wording._lt(
            "The version of a record goes back in no request: name a header, or put "
            "{version} into Update."
        )
    if lines.read is None:
        return wording._lt(
            "The version of a record has to be read where it is not known: add a "
            "request of the kind Read."
        )
    return None


def with_version(message: Message, version: str) -> Message:
    """:return: a message that is sent with a version: with another one it is another
    request, and has another key"""
    key = message.idempotency_key
    if key:
        key = f"{key}-{hashlib.sha256(version.encode()).hexdigest()[:12]}"
    return replace(message, idempotency_key=key, version=version)


def may_be_stale(answer: Answer, message: Message) -> bool:
    """:return: whether a change may have been refused for its version"""
    reading = dialogue_of(message.route.bare).id
    judges = answer.ok or answer.status in MAY_BE_STALE
    return judges and refuses(answer, message, reading)


def read_version(
    client: HttpClient, trail: Trail, message: Message, record_id: str
) -> tuple[str | None, Answer | None]:
    """Read a record for its version.

    :param trail: of the message, which tells of what is asked for besides
    :return: the version; or ``None`` and the answer, which says that there is no such
        record, and may be that of a server that is behind
    :raise SyncError: it cannot be told
    """
    route = message.route
    request = look_at(client.config.url or "", route, record_id, message)
    if request is None:
        sentence = wording._lt(
            "The version of the record is not known, and there is no request to read "
            "it. Add one of the kind Read."
        )
        raise Misconfigured(sentence, "address")
    with trail.besides() as look:
        answer = request.send(client, look)
    if answer.status in GONE or says_gone(answer, route):
        return None, answer
    answer.require_ok()
    version = version_in(answer, route)
    if version is None and not shows(route, answer, record_id):
        return None, answer  # of a search by its id
    if version is None:
        sentence = wording._lt(
            "%(request)s answered %(status)s without a version of the record in "
            "“%(name)s”."
        )
        raise Misconfigured(sentence, "id", name=route.version, **answer.told)
    return version, None


def not_shown_yet(answer: Answer) -> Temporary:
    """:return: the error of a record whose version cannot be read

    :param answer: to the look, which says that there is no such record
    """
    sentence = wording._lt(
        "%(request)s answered %(status)s: the version of the record cannot be read, "
        "and that alone does not tell that the record is gone."
    )
    return Temporary(sentence, **answer.told)


def changed_again(answer: Answer) -> Rejected:
    """:return: the error of a record that has changed there twice meanwhile"""
    said = answer.reason()
    sentence = (
        wording._lt(
            "%(request)s answered %(status)s: the record has changed there while it "
            "was sent, and once more after it was read again. %(said)s"
        )
        if said
        else wording._lt(
            "%(request)s answered %(status)s: the record has changed there while it "
            "was sent, and once more after it was read again."
        )
    )
    return Rejected(sentence, said=said, **answer.told)
