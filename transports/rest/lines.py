# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is asked along a route, and how the answers are read: understood once."""

from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from ..base import Message, Route
from ..http import Answer, HttpClient, Trail
from ..http.answer import is_said
from .readings import Reading
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


class Dialogue(NamedTuple):
    """How a destination is spoken to.

    :param id: where an answer has the id of a record
    :param refused: what says no in one, if that is typed
    :param gone: what says that a record is not there, if that is typed
    """

    lines: Lines
    id: Reading
    refused: Reading | None = None
    gone: Reading | None = None


@lru_cache(64)
def dialogue_of(route: Route) -> Dialogue:
    """:return: what is asked along a route, and how answers are read

    :raise Misconfigured: what is typed is not right
    """
    # whatever is known of the records there
    return _dialogue(
        Route(
            route.target,
            external_id_key=route.external_id_key or "id",
            update_method=route.update_method,
            batch_target=route.batch_target,
            requests=route.requests,
            encoding=route.encoding,
            refused=route.refused,
            gone=route.gone,
        )
    )


@lru_cache(256)
def _dialogue(route):
    return Dialogue(
        lines=_lines(route),
        id=Reading.parse(route.external_id_key),
        refused=Reading.parse(route.refused) if route.refused else None,
        gone=Reading.parse(route.gone) if route.gone else None,
    )


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
    line = dialogue_of(route).lines.read
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
    lines = dialogue_of(route).lines
    create = lines.create or lines.update
    if create is None or any(isinstance(part, Placeholder) for part in create.path):
        return None
    look = RequestLine(READ, "GET", create.path)
    return look.fill(base, Message("upsert", "", {}, route)).url


def send(
    client: HttpClient,
    trail: Trail,
    request: Request,
    headers: dict[str, str] | None = None,
    **options: Any,
) -> Answer:
    """Send a request, see :meth:`..http.HttpClient.request`."""
    headers = {**(headers or {})}
    if request.content_type:
        headers["Content-Type"] = request.content_type
    method, url, body = request.method, request.url, request.body
    return client.request(
        trail, method, url, headers, body, query=request.query, **options
    )


def place_of(route: Route) -> tuple:
    """:return: what tells the addresses of a route from those of others"""
    return route.target, route.requests


def says_gone(answer: Answer, route: Route) -> bool:
    """:return: whether an answer says that a record is not there, as a person has
    described it; not where it has judged nothing"""
    gone, status = dialogue_of(route).gone, answer.status
    judged = answer.ok or (400 <= status < 500 and status not in _UNJUDGED)
    if not gone or not judged:
        return False
    with answer.in_turn():
        return is_said(gone.of(answer.json(), answer.headers).value)
