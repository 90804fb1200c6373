# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""New records that a destination holds already, under ids that are not known here.

Either the request *Find* looks for them before they are created, or the answer that
refuses to create one names the id of the other. None, one and several are three
answers; what fails, or cannot be read, is none of them: nothing is created then. A
search verifies nothing, since a system may ignore a parameter that it does not know,
and answer all that it has. So only what holds the values that were searched for is
believed to be the record.
"""

import json
from collections.abc import Callable
from typing import Any

from ... import wording
from ...exceptions import Misconfigured, SyncError, Temporary, Throttled, Unclear
from ..base import Message
from ..http import Answer, HttpClient, Trail
from ..http.answer import is_said, judged, of_records, with_id
from ..http.errors import UNREADABLE, unreadable
from .lines import described, dialogue_of, look_at, names_record, says_gone
from .readings import id_after
from .requests import FIND, Request, Sought
from .routing import GONE, UNROUTED

# How records are found, see ``Route.already_there``.
REFUSAL = "refusal"
# Ids that a person is told at most, and levels of a record that are looked at.
MAX_TOLD = 10
MAX_DEPTH = 8
# Characters, and digits, of a value that tells a record whatever it is called there:
# ids have fewer digits, and phone numbers often more.
TELLING = 6
TELLING_NUMBER = 10
_FOUND = wording._lt(
    "The search has found %(id)s, and %(request)s answered %(status)s: there is no "
    "such record."
)
_NAMED = wording._lt(
    "The refusal names %(id)s, and %(request)s answered %(status)s: there is no such "
    "record."
)


class Search:
    """Looks for new records.

    :param client: asks the destination
    :param in_time: asked before each request, see :class:`.routing.Routing`; ``None``
        where none is sent
    """

    def __init__(
        self, client: HttpClient, in_time: Callable[[Trail], None] | None = None
    ):
        self._client = client
        self._in_time = in_time

    def comes_first(self, message: Message) -> bool:
        """:return: whether a new record is looked for before it is created

        What an unanswered request may have created, and would create once more, is in
        any case.
        """
        route = message.route
        if not route.can_look:
            return False
        safe = self._client.config.repeats_are_safe and route.tells_new_records
        if message.again and not safe:
            return True
        return route.already_there == FIND and not message.looked

    def request(self, message: Message) -> Request | None:
        """:return: the request that looks for a record; ``None`` where there is nothing
        to look for"""
        line, _sought = self._sought(message)
        return line and line.fill(self._client.config.url or "", message)

    def find(self, trail: Trail, message: Message) -> str | None:
        """Look for a new record.

        :param trail: of the message, which tells of what is asked for besides
        :return: the id that it has there; ``None`` where it is not there
        :raise Unclear: a person has to look
        :raise SyncError: nobody knows: it must not be created
        """
        line, sought = self._sought(message)
        if line is None:
            if not message.again:
                return None
            sentence = wording._lt(
                "A request without an answer may have created the record, and it has "
                "no value that it could be looked for by."
            )
            raise Unclear(sentence)
        try:
            request = line.fill(self._client.config.url or "", message)
            answer = self._ask(trail, request)
            ids = _ids_in(answer, message.route, sought)
            if ids == []:
                return None
            told = [each for each in ids if each and not self._is_secret(each)]
            if len(ids) == len(told) == 1:
                if self._is_it(trail, answer, message, told[0], sought):
                    return told[0]
        except Unclear:
            raise
        except SyncError as error:
            raise _failed(error) from None
        except UNREADABLE as error:
            raise _failed(unreadable(error)) from None
        raise _unclear(ids, told)

    def confirms(self, trail: Trail, message: Message, record_id: str) -> bool:
        """Look at what a refusal names.

        :param trail: see :meth:`find`
        :return: whether it holds what the record would be looked for by
        :raise SyncError: that cannot be told
        """
        line, sought = self._sought(message)
        if line is None:
            return False
        try:
            return self._shows(trail, message, record_id, sought, _NAMED)
        except SyncError as error:
            raise _failed(error) from None
        except UNREADABLE as error:
            raise _failed(unreadable(error)) from None

    def _sought(self, message):
        """:return: the request, and what it looks for; ``None`` twice where there is
        nothing"""
        lines = dialogue_of(message.route.bare).lines
        line = lines.find
        sought = line.sought(message, lines.create)
        return (line, sought) if sought else (None, None)

    def _is_secret(self, record_id):
        return self._client.redact.holds_secret(record_id)

    def _is_it(self, trail, answer, message, record_id, sought):
        """:return: whether a record that was found holds what was searched for"""
        records = [*with_id(answer.json(), record_id)]
        if any(holds(each, sought) for each in records):
            return True
        return self._shows(trail, message, record_id, sought, _FOUND)

    def _shows(self, trail, message, record_id, sought, told):
        """:return: whether a look at a record shows what was searched for

        :param told: a sentence, of one that is not shown at all
        """
        request = look_at(self._client.config.url, message.route, record_id, message)
        if request is None:
            return False
        seen = self._ask(trail, request)
        if seen.status in GONE or says_gone(seen, message.route):
            raise Temporary(told, id=record_id, **seen.told)
        _require_done(seen, message.route)
        if names_record(dialogue_of(message.route.bare).lines.read):
            return holds(seen.json(), sought)
        return any(holds(each, sought) for each in with_id(seen.json(), record_id))

    def _ask(self, trail, request):
        self._in_time(trail)
        with trail.besides() as look:
            return request.send(self._client, look)


def _ids_in(answer, route, sought):
    """:return: the ids that a search has found, ``None`` for what has none

    :raise SyncError: it does not say
    """
    if answer.status == 204 or says_gone(answer, route):
        return []
    _require_done(answer, route)
    reading, body = dialogue_of(route.bare).found, answer.json()
    if reading is None:
        sentence = wording._lt("Say where the answer to Find has the IDs.")
        raise Misconfigured(sentence, "id")
    if body is None or answer.cut:
        sentence = wording._lt("%(request)s answered %(status)s without whole JSON.")
        raise Temporary(sentence, **answer.told)
    found = reading.of(of_records(body), answer.headers)
    if found.problem:
        raise Temporary(found.problem)
    if found.value in (None, []) and _shows_record(body, sought):
        sentence = wording._lt(
            "%(request)s answered %(status)s: the record is there, and there is no ID "
            "in “%(name)s”."
        )
        raise Misconfigured(sentence, "id", name=reading.text, **answer.told)
    return reading.ids_in(body, answer.headers)


def _require_done(answer, route):
    """:raise SyncError: an answer to a question says no"""
    if answer.status in UNROUTED:
        sentence = wording._lt(
            "%(request)s answered %(status)s: check the request. Where that says that "
            "there is no such record, “Gone When” has to find so in the answer."
        )
        raise Misconfigured(sentence, "address", **answer.told)
    answer.require_ok()
    answer = described(answer, route)
    if answer.unread:
        raise Temporary(answer.unread)
    with answer.in_turn():
        verdict = judged(answer, None, dialogue_of(route.bare).id)
    if verdict.noes:
        raise verdict.error(answer)


def _failed(error):
    """:return: the error of a record that could not be looked for"""
    more = ()
    if isinstance(error, Throttled):
        more = (error.retry_after,)
    elif isinstance(error, Misconfigured):
        more = (error.setting,)
    text = wording.Sentence(
        wording._lt("It could not be looked for, and so was not created: %(why)s"),
        why=error,
    )
    return type(error)(text, *more, reason=error.reason)


def _unclear(ids, told):
    """:return: the error of a record that may be one of those that were found"""
    values = {"ids": ", ".join(told[:MAX_TOLD]), "count": len(ids)}
    if len(ids) > 1 and told:
        sentence = wording._lt("%(count)s were found that it may be: %(ids)s.")
    elif told:
        sentence = wording._lt(
            "%(ids)s was found, and does not show what was searched for."
        )
    else:
        sentence = wording._lt("It was found, and without an ID.")
    return Unclear(sentence, told[:MAX_TOLD], **values)


def not_shown(record_id: str) -> Unclear:
    """:return: the error of a record that is refused because of another one, which does
    not hold what it would be looked for by"""
    sentence = wording._lt(
        "The refusal names %(ids)s, which does not show what would be searched for."
    )
    return Unclear(sentence, [record_id], ids=record_id)


def id_in_refusal(answer: Answer, message: Message) -> str | None:
    """Read the id of the record that is there already out of a refusal.

    :param message: about the record that is refused
    :return: ``None`` where it does not say so, or not which
    """
    route = message.route
    dialogue, body, headers = dialogue_of(route.bare), answer.json(), answer.headers
    if dialogue.there_when:
        if not is_said(dialogue.there_when.of(body, headers).value):
            return None
    elif not answer.says_there:
        return None
    where, before = dialogue.there_where, route.there_before
    if before.strip():
        sent = _values(message.payload, (), 0)
        if any(before.strip().casefold() in text for _path, text in sent):
            return None  # a refusal may repeat what was sent, and that be the id in it
        text = where.of(body, headers).value if where else answer.shown
        text = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
        found = id_after(text, before)
    else:
        found = where and where.id_in(body, headers, answer.url)
    return None if not found or answer.redact.holds_secret(found) else found


# -- what a record holds ------------------------------------------------------


def holds(record: Any, sought: tuple[Sought, ...]) -> bool:
    """:return: whether a record holds all that was searched for

    Under the name that we send it under, where the record has that; else anywhere, if
    it is not what other values may be as well: a short one, or Odoo's id.
    Capitals make no difference: those of e-mail addresses are not kept everywhere.
    """
    values = [*_values(record, (), 0)]
    return all(_has(values, each) for each in sought)


def _has(values, sought):
    names = {_plain_name(name) for name in sought.names}
    text = sought.text.strip().casefold()
    if _is_common(text):
        return any(
            each == text and not names.isdisjoint(path[-1:]) for path, each in values
        )
    named = [each for path, each in values if names.intersection(path)]
    return text in (named or [each for _path, each in values])


def _is_common(text):
    """:return: whether a value may be that of something else by chance"""
    return len(text) < TELLING or (text.isdecimal() and len(text) < TELLING_NUMBER)


def _values(value, path, depth):
    """:return: what is in a value, with all names that it stands below, outermost
    first"""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _values(each, (*path, _plain_name(name)), depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _values(each, path, depth + 1)
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield path, str(value).strip().casefold()


def _plain_name(name):
    return str(name).replace("_", "").lower()


def _shows_record(value, sought, depth=0):
    """:return: whether an object with an id holds what was searched for"""
    if depth > MAX_DEPTH or not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    if any(_shows_record(each, sought, depth + 1) for each in inner):
        return True
    is_record = isinstance(value, dict) and any(
        _plain_name(name).endswith("id") and each for name, each in value.items()
    )
    return is_record and holds(value, sought)
