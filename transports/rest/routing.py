# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether a 404 says that a record is gone, or that nobody knows its address there.

A record that is gone is created again, one to delete is deleted already; where only the
address or the method is wrong, each edit would make a second record, and no deletion
would be one. So a 404 counts for the record only if the same has worked before, or if a
look at the record shows that the address is one, and nothing there. While a server is
replaced, whatever stands before it answers 404 for all that worked: so another record,
one that is known to be there, is looked at too. What says so in an answer of another
status, as a person has described it, is a 404 here.

Records are looked at by the request that reads them. Where there is none, what is said
by what has worked, or by a 2xx as a person has described it, is believed.
"""

import re
import time
import uuid
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from ... import wording
from ...exceptions import Blocked, Misconfigured
from ..base import Message, Route
from ..http import Answer, HttpClient, Trail
from ..http.answer import holds_id
from .lines import (
    dialogue_of,
    ends_with_record,
    look_at,
    names_record,
    says_gone,
)
from .requests import Request

# Says that a record is not there.
GONE = (404, 410)
# Say that nothing is done here, or not this: RFC 9110 sections 15.5.6 and 15.6.2.
NO_METHOD = (405, 501)
UNROUTED = GONE + NO_METHOD
# Records that are looked at to see whether those that are there are shown.
_SAMPLES = 2
# Seconds for which one that was shown speaks for all: fewer than it takes to replace a
# server.
_SHOWN_FOR = 3
# Characters of an answer that are compared.
_COMPARED = 20_000
_PATH = re.compile(r"(?<![\w:.\-])[\w:.\-]*\\?/[^\s\"'<>]*")
_METHODS = {"delete", "get", "patch", "post", "put"}


class Routing:
    """What is known of the addresses of one destination.

    :param client: asks for what is not known
    :param worked: bare routes, with a kind of request each that has been carried out,
        and when, by ``time.monotonic()``; ``look`` is a known record that was shown
    :param in_time: asked before each look, with the trail of the message: it raises a
        ``SyncError`` where there is no time for one
    """

    def __init__(
        self,
        client: HttpClient,
        worked: dict[tuple[Route, str], float],
        in_time: Callable[[Trail], None],
    ):
        self._client = client
        self._worked = worked
        self._in_time = in_time

    def no_place(self, message: Message, answer: Answer) -> Blocked | Misconfigured:
        """Judge the answer to a new record, one of ``UNROUTED``.

        :return: what has worked before is gone; or there is nothing that takes new
            records, by this method
        """
        if self._has_worked(message, "create"):
            return _blocked(answer)
        setting = "method" if answer.status in NO_METHOD else "address"
        if message.route.requests:
            sentence = wording._lt(
                "%(request)s answered %(status)s: no new record is taken there. Check "
                "what is typed as Create, or the endpoint, and the URL of the system."
            )
            return Misconfigured(sentence, setting, **answer.told)
        if answer.status in NO_METHOD:
            sentence = wording._lt(
                "%(request)s answered %(status)s: what is there takes no new records. "
                "Check the endpoint and how ids are given."
            )
            return Misconfigured(sentence, setting, **answer.told)
        sentence = wording._lt(
            "%(request)s answered %(status)s: there is nothing that takes new records. "
            "Check the endpoint, and the URL of the system."
        )
        return Misconfigured(sentence, setting, **answer.told)

    def require_gone(
        self, trail: Trail, message: Message, known_id: str, answer: Answer
    ) -> None:
        """Judge the answer to an update, a mark or a deletion, one of ``UNROUTED`` or
        one that says that the record is gone.

        It returns only where the record is not there.

        :param trail: of the message, which tells of what is asked for besides
        :param known_id: of the record, at the destination
        :raise Blocked: what has worked before is gone
        :raise Misconfigured: the address or the method has never worked
        :raise SyncError: what was asked for besides has got no answer
        """
        if answer.status == 410:
            return
        if any(self._has_worked(message, kind) for kind in _same_requests(message)):
            if answer.status in NO_METHOD or _creates_by_key(message):
                raise _blocked(answer)
            shown = self._others_are_shown(trail, message, known_id)
            # or the way to it was lost for a moment
            if shown and self._is_shown(trail, message, known_id):
                shown = False
            if shown is False:
                raise _blocked(answer)
            return
        if answer.status in NO_METHOD:
            raise self._wrong_method(message, answer)
        seen = self._look_at(trail, message.route, known_id, message)
        if shows(message.route, seen, known_id):
            # nor is it gone: the request is the one that nobody there knows
            raise self._wrong_method(message, answer)
        if tells_gone(message.route, seen, known_id):
            return
        shown = self._others_are_shown(trail, message, known_id)
        if _removes_by_update(message) and self._has_worked(message, "update"):
            if shown is False:
                raise _blocked(answer)
            return
        if seen and (seen.status == 410 or shown and (seen.ok or seen.status == 404)):
            return
        if seen is None and answer.ok and says_gone(answer, message.route):
            return
        if shown is None and self._differs_below(trail, message, known_id, seen):
            return
        if message.route.requests:
            raise self._wrong_request(answer)
        sentence = wording._lt(
            "%(request)s answered %(status)s, and nothing shows that single records "
            "have their addresses there. Check the endpoint and the method of updates."
        )
        raise Misconfigured(sentence, "address", **answer.told)

    def _has_worked(self, message, what):
        worked = (message.route.bare, what) in self._worked
        return worked or what in message.route.proven

    def _wrong_method(self, message, answer):
        if message.route.requests:
            return self._wrong_request(answer, "method")
        sentence = wording._lt(
            "%(request)s answered %(status)s: single records are not changed or "
            "deleted there this way. Check the method of updates, what becomes of "
            "deleted records, and the endpoint."
        )
        return Misconfigured(sentence, "method", **answer.told)

    @staticmethod
    def _wrong_request(answer, setting="address"):
        sentence = wording._lt(
            "%(request)s answered %(status)s, and nothing shows that the record is "
            "gone. Check what is typed as Update and Remove, or the endpoint, and add "
            "Read, by which a record is looked at."
        )
        return Misconfigured(sentence, setting, **answer.told)

    def _others_are_shown(self, trail, message, known_id):
        """Look at other records that are known to be there.

        :return: whether one is shown; ``None`` where there is none to look at, or
            records are not for us to look at
        """
        route = message.route.bare
        shown = self._worked.get((route, "look"))
        if shown is not None and time.monotonic() - shown < _SHOWN_FOR:
            return True
        others = [each for each in message.route.known_ids if each != known_id]
        found = None
        for other in others[:_SAMPLES]:
            seen = self._look_at(trail, message.route, other)
            known = message.route, seen, other
            if shows(*known) or tells_gone(*known):
                self._worked[route, "look"] = time.monotonic()
                return True
            if seen and (seen.status in GONE or says_gone(seen, message.route)):
                found = False
        return found

    def _is_shown(self, trail, message, known_id):
        seen = self._look_at(trail, message.route, known_id, message)
        return shows(message.route, seen, known_id)

    def _differs_below(self, trail, message, known_id, seen):
        """Compare with what is surely at no address, and answered by the same server:
        what is below the record. Twice alike, so that what differs is not the time, or
        the number of the request.

        :param seen: the answer to a look at the record
        :return: whether what knows the address of the record has answered
        """
        line = dialogue_of(message.route.bare).lines.read
        if seen is None or seen.status not in (404, 405) or not ends_with_record(line):
            return False
        request = look_at(self._client.config.url, message.route, known_id, message)
        record = request.url.rstrip("/")
        below = (Request("GET", f"{record}/{uuid.uuid4().hex}") for _time in range(2))
        nowhere = {kind_of_answer(self._look(trail, each)) for each in below}
        status, *_rest = min(nowhere)
        return (
            len(nowhere) == 1 and status == 404 and kind_of_answer(seen) not in nowhere
        )

    def _look_at(self, trail, route, record_id, message=None):
        """:return: the answer to a look at a record; ``None`` where there is no way"""
        request = look_at(self._client.config.url, route, record_id, message)
        return request and self._look(trail, request)

    def _look(self, trail, request):
        """:raise SyncError: there is no answer, or none that tells anything"""
        self._in_time(trail)
        with trail.besides() as look:
            answer = request.send(self._client, look)
        if answer.status == 429 or answer.status >= 500 and answer.status != 501:
            raise answer.error()
        return answer


def shows(route: Route, seen: Answer | None, record_id: str) -> bool:
    """:return: whether an answer to a look shows the record"""
    if seen is None or not seen.ok or says_gone(seen, route):
        return False
    # a search answers 200 also where it finds nothing
    return names_record(dialogue_of(route.bare).lines.read) or holds_id(seen, record_id)


def tells_gone(route: Route, seen: Answer | None, record_id: str) -> bool:
    """:return: whether an answer to a look names the record, and says that it is gone,
    as only what knows records can: Stripe has ``"deleted": true`` beside the id"""
    is_told = seen is not None and seen.ok and says_gone(seen, route)
    return is_told and holds_id(seen, record_id)


def _creates_by_key(message):
    """:return: whether an update is what creates, since Odoo's key is the id"""
    return message.operation == "upsert" and message.route.id_policy == "odoo"


def _same_requests(message):
    """:return: the kinds of operation that are the same request as a message's"""
    lines = dialogue_of(message.route.bare).lines
    if message.operation == "upsert":
        return {"update", "create"} if _creates_by_key(message) else {"update"}
    if message.operation == "mark" and _is_like(lines.mark, lines.update):
        return {"mark", "update"}
    return {message.operation}


def _is_like(line, other):
    """:return: whether two requests have one method and one address"""
    ways = {each and (each.method, each.path, each.query) for each in (line, other)}
    return len(ways) == 1


def _removes_by_update(message):
    """:return: whether it is a deletion, at the address of updates"""
    lines = dialogue_of(message.route.bare).lines
    places = {each and each.address for each in (lines.remove, lines.update)}
    return message.operation == "delete" and len(places) == 1


def _blocked(answer):
    error = answer.error()
    return Blocked(error.message, error.reason)


def kind_of_answer(answer: Answer) -> tuple:
    """:return: what is the same in all answers of one kind: neither the address, nor
    the method, nor what has digits in it"""
    media = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    text = _PATH.sub(" ", answer.shown[:_COMPARED]).lower()
    path = unquote(urlsplit(answer.url).path).lower()
    besides = _METHODS | set(re.findall(r"[^\W_]+", path))
    words = [word for word in re.findall(r"[^\W_]+", text) if word.isalpha()]
    return answer.status, media, tuple(word for word in words if word not in besides)
