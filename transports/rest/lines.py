# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is asked along a route, and how the answers are read: understood once."""

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from ..base import Message, Route
from ..http import Answer
from ..http.answer import is_said
from .readings import USUAL_MANY, ManyReading, Reading
from .requests import (
    CREATE,
    FIND,
    ID,
    KEY,
    MANY,
    READ,
    REMOVE,
    UPDATE,
    Lines,
    Placeholder,
    Request,
    RequestLine,
    default_lines,
    one_value,
    read_line,
)

# What the requests of a route are for, and what kind of request that is.
MANY_CREATE, MANY_UPDATE = "many_create", "many_update"
KINDS = {
    FIND: FIND,
    CREATE: CREATE,
    UPDATE: UPDATE,
    REMOVE: REMOVE,
    READ: READ,
    MANY_CREATE: MANY,
    MANY_UPDATE: MANY,
}


# Say nothing of a record: credentials, patience.
_UNJUDGED = {401, 407, 408, 425, 429}
# Records of one request at most.
MAX_MANY = 1000


class Many(NamedTuple):
    """How many records are sent in one request, and its answer is read.

    :param matches: what of a record tells which answer is its own; ``None`` where they
        are in the order of the records
    :param size: how many records at most
    """

    line: RequestLine
    reading: ManyReading
    matches: Placeholder | None = None
    size: int = MAX_MANY

    @property
    def is_usual(self) -> bool:
        """Whether the answer is that of a batch endpoint, see :mod:`.batch`."""
        return self.reading == USUAL_MANY


class Dialogue(NamedTuple):
    """How a destination is spoken to.

    :param id: where an answer has the id of a record
    :param refused: what says no in one, if that is typed
    :param gone: what says that a record is not there, if that is typed
    :param many: how many records of any kind go together, if they do
    :param many_create, many_update: how new and changed ones do, where that is typed
    :param found: where the answer to a search has the ids
    :param there_when, there_where: what in a refusal says that the record is there, and
        under which id, if that is typed
    :param version: where an answer has the version token, if that is typed
    """

    lines: Lines
    id: Reading
    refused: Reading | None = None
    gone: Reading | None = None
    many: Many | None = None
    many_create: Many | None = None
    many_update: Many | None = None
    found: Reading | None = None
    there_when: Reading | None = None
    there_where: Reading | None = None
    version: Reading | None = None


@lru_cache(256)
def dialogue_of(route: Route) -> Dialogue:
    """:return: what is asked along a route, and how answers are read

    :param route: best a bare one, so that it is understood once
    :raise Misconfigured: what is typed is not right
    """
    lines, usual = _lines(route), None
    if lines.many:
        usual = Many(lines.many, USUAL_MANY, one_value("{key}"))
    return Dialogue(
        lines=lines,
        id=Reading.parse(route.external_id_key or "id"),
        refused=_reading(route.refused),
        gone=_reading(route.gone),
        many=usual,
        many_create=lines.many_create and _many(route, lines.many_create),
        many_update=lines.many_update and _many(route, lines.many_update),
        found=_reading(route.found),
        there_when=_reading(route.there_when),
        there_where=_reading(route.there_where),
        version=_reading(route.version),
    )


def _reading(text):
    return Reading.parse(text) if text else None


def _many(route, line):
    reading = ManyReading(
        # without it, the sentence is that there has to be one
        items=Reading.parse(route.many_items),
        key=_reading(route.many_key),
        status=_reading(route.many_status),
        id=Reading.parse(route.many_id or "id"),
        refused=_reading(route.many_refused),
    )
    matches = one_value(route.many_matches) if reading.key else None
    return Many(line, reading, matches, min(route.many_size or MAX_MANY, MAX_MANY))


def many_for(message: Message, record_id: str | None) -> Many | None:
    """:return: how a message may go with others; ``None`` where it goes alone

    :param record_id: the id that the record has there, if it has one
    """
    route = message.route
    dialogue, is_new = dialogue_of(route.bare), record_id is None
    if message.operation != "upsert":
        return dialogue.many
    return (dialogue.many_create if is_new else dialogue.many_update) or dialogue.many


def _lines(route):
    """:return: those that are typed, and what is usual for the others where there is an
    endpoint"""
    usual = default_lines(route)
    if not route.requests:
        return usual
    typed = {
        name: RequestLine.parse(KINDS[name], line, body, route.encoding)
        for name, line, body in route.requests
    }
    if not route.target:
        usual = Lines(None, None, None, None, None, usual.many)
    if READ not in typed and UPDATE in typed:
        # where that is not told by the address, nobody knows
        typed[READ] = read_line(typed[UPDATE])
    if REMOVE in typed:
        # whatever becomes of the record there
        typed["mark"] = typed[REMOVE]
    return replace(usual, **typed)


def needs_id(line: RequestLine) -> bool:
    """:return: whether a request is about a record that has an id there"""
    return any(each.source == ID for each in line.placeholders)


def names_record(line: RequestLine) -> bool:
    """:return: whether the path of a request to read a record is that of the record"""
    return line.method == "GET" and any(map(_is_record, line.path))


def ends_with_record(line: RequestLine) -> bool:
    """:return: whether it is, and something may be below it"""
    end = [part for part in line.path if part != "/"][-1:]
    return names_record(line) and line.query is None and any(map(_is_record, end))


def _is_record(part):
    return isinstance(part, Placeholder) and part.source in (ID, KEY)


def look_at(
    base: str, route: Route, record_id: str, message: Message | None = None
) -> Request | None:
    """:return: the request that reads a record; ``None`` where there is none

    :param base: URL of the system
    :param record_id: of the record there
    :param message: about it; ``None`` where nothing is known but its id
    """
    line = dialogue_of(route.bare).lines.read
    if line is None:
        return None
    if message is None:
        by_key = any(each.source == KEY for each in line.placeholders)
        if by_key and route.id_policy != "odoo":
            return None
        message = Message("upsert", record_id, {}, route)
    return line.fill(base, message, record_id)


def collection_of(base: str, route: Route) -> str | None:
    """:return: the address that new records are sent to, without a query; ``None``
    where it is another one for each, or there is none"""
    lines = dialogue_of(route.bare).lines
    create = lines.create or lines.update
    if create is None or any(isinstance(part, Placeholder) for part in create.path):
        return None
    look = RequestLine(READ, "GET", create.path)
    return look.fill(base, Message("upsert", "", {}, route)).url


def described(answer: Answer, route: Route) -> Answer:
    """:return: an answer, with what says no in it as a person has described it"""
    refused = dialogue_of(route.bare).refused
    if refused is None:
        return answer
    with answer.in_turn():
        found = refused.refusal(answer.json(), answer.headers, answer.redact)
    if all(each is None for each in found):
        return answer
    return replace(answer, refusal=found.value, unread=found.problem)


def says_gone(answer: Answer, route: Route) -> bool:
    """:return: whether an answer says that a record is not there, as a person has
    described it; not where it has judged nothing"""
    gone, status = dialogue_of(route.bare).gone, answer.status
    judged = answer.ok or (400 <= status < 500 and status not in _UNJUDGED)
    if not gone or not judged:
        return False
    with answer.in_turn():
        return is_said(gone.of(answer.json(), answer.headers).value)
