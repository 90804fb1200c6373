# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether a 404 says that a record is gone, or that nobody knows its address there.

A record that is gone is created again, one to delete is deleted already; where only the
address or the method is wrong, each edit would make a second record, and no deletion
would be one. So a 404 counts for the record only if the same has worked before, or if a
look at the record shows that the address is one, and nothing there. And a deletion is
done only if not everything is answered so, as behind a proxy that has lost the way.
"""

import re
import uuid
from urllib.parse import unquote, urlsplit

from ... import wording
from ...exceptions import Blocked, Misconfigured
from ..base import Message
from ..http import Answer, HttpClient, Trail
from ..urls import join_url

# Says that a record is not there.
GONE = (404, 410)
# Say that nothing is done here, or not this: RFC 9110 sections 15.5.6 and 15.6.2.
NO_METHOD = (405, 501)
UNROUTED = GONE + NO_METHOD
# Records that are looked at to see whether those that are there are shown.
_SAMPLES = 2
# Characters of an answer that are compared.
_COMPARED = 20_000
_PATH = re.compile(r"(?<![\w:.\-])[\w:.\-]*\\?/[^\s\"'<>]*")
_METHODS = {"delete", "get", "patch", "post", "put"}


class Routing:
    """What is known of the addresses of one destination.

    :param client: asks for what is not known
    :param worked: targets, with a kind of request each that has been carried out there
    """

    def __init__(self, client: HttpClient, worked: set[tuple[str, str]]):
        self._client = client
        self._worked = worked

    def no_place(self, message: Message, answer: Answer) -> Blocked | Misconfigured:
        """Judge the answer to a new record, one of ``UNROUTED``.

        :return: what has worked before is gone; or there is nothing that takes new
            records, by this method
        """
        if self._has_worked(message, "create"):
            return _blocked(answer)
        if answer.status in NO_METHOD:
            sentence = wording._lt(
                "%(request)s answered %(status)s: what is there takes no new records. "
                "Check the endpoint and how ids are given."
            )
            return Misconfigured(sentence, "method", **answer.told)
        sentence = wording._lt(
            "%(request)s answered %(status)s: there is nothing that takes new records. "
            "Check the endpoint, and the URL of the system."
        )
        return Misconfigured(sentence, "address", **answer.told)

    def require_gone(
        self, trail: Trail, message: Message, known_id: str, answer: Answer
    ) -> None:
        """Judge the answer to an update, a mark or a deletion, one of ``UNROUTED``.

        It returns only where the record is not there.

        :param trail: of the message, which tells of what is asked for besides
        :param known_id: of the record, at the destination
        :raise Blocked: what has worked before is gone
        :raise Misconfigured: the address or the method has never worked
        :raise SyncError: what was asked for besides has got no answer
        """
        if answer.status == 410:
            return
        kinds = _same_request(message)
        if any(self._has_worked(message, kind) for kind in kinds):
            if answer.status in NO_METHOD or _creates_by_key(message):
                raise _blocked(answer)
            if message.operation != "upsert":
                # no creation comes after it, which would be answered alike
                self._require_route(trail, message, known_id, answer)
            return
        if answer.status in NO_METHOD:
            raise self._wrong_method(answer)
        seen = self._look(trail, message.route.target, known_id)
        if seen.ok:
            # nor is it gone: the request is the one that nobody there knows
            raise self._wrong_method(answer)
        # an update has the same address as a deletion
        if message.operation == "delete" and self._has_worked(message, "update"):
            self._require_route(trail, message, known_id, answer)
            return
        if self._shows_gone(trail, message, known_id, seen):
            return
        sentence = wording._lt(
            "%(request)s answered %(status)s, and nothing shows that single records "
            "have their addresses there. Check the endpoint and the method of updates."
        )
        raise Misconfigured(sentence, "address", **answer.told)

    def _has_worked(self, message, what):
        proven = message.route.proven
        return what in proven or (message.route.target, what) in self._worked

    @staticmethod
    def _wrong_method(answer):
        sentence = wording._lt(
            "%(request)s answered %(status)s: single records are not changed or "
            "deleted there this way. Check the method of updates, what becomes of "
            "deleted records, and the endpoint."
        )
        return Misconfigured(sentence, "method", **answer.told)

    def _shows_gone(self, trail, message, known_id, seen):
        """:return: whether a look at a record shows that it is not there"""
        if seen.status not in (*GONE, 405):
            return False
        if seen.status == 410 or self._has_worked(message, "look"):
            return True
        target = message.route.target
        others = [each for each in message.route.known_ids if each != known_id]
        for other in others[:_SAMPLES] if seen.status == 404 else ():
            if self._look(trail, target, other).ok:
                self._worked.add((target, "look"))
                return True
        # What is at no address at all is answered otherwise: twice alike, so that what
        # differs is not the time, or the number of the request.
        nowhere = {
            _kind(self._look(trail, uuid.uuid4().hex, known_id)) for _time in range(2)
        }
        status, *_rest = min(nowhere)
        return len(nowhere) == 1 and status == 404 and _kind(seen) not in nowhere

    def _require_route(self, trail, message, known_id, answer):
        """See that records that are there are still shown, where that can be seen.

        :raise Blocked: they are answered as this one, or this one is shown too
        """
        target = message.route.target
        others = [each for each in message.route.known_ids if each != known_id]
        looks = [self._look(trail, target, other) for other in others[:_SAMPLES]]
        alike = [look.status == 404 and _kind(look) == _kind(answer) for look in looks]
        if alike and all(alike):
            raise _blocked(answer)
        # the way may have been found meanwhile
        if alike and self._look(trail, target, known_id).ok:
            raise _blocked(answer)

    def _look(self, trail, place, known_id):
        """:raise SyncError: there is no answer, or none that tells anything"""
        url = join_url(self._client.config.url, place, known_id)
        look = Trail(trail.pace)
        try:
            answer = self._client.request(look, "GET", url)
        finally:
            trail.requests += look.requests
            trail.duration += look.duration
        if answer.status == 429 or answer.status >= 500 and answer.status != 501:
            raise answer.error()
        return answer


def _creates_by_key(message):
    """:return: whether an update is what creates, since Odoo's key is the id"""
    return message.operation == "upsert" and message.route.id_policy == "odoo"


def _same_request(message):
    """:return: the kinds of operation that are the same request as a message's"""
    if message.operation == "upsert":
        return {"update", "create"} if _creates_by_key(message) else {"update"}
    if message.operation == "mark" and message.route.update_method == "patch":
        return {"mark", "update"}
    return {message.operation}


def _blocked(answer):
    error = answer.error()
    return Blocked(error.message, error.reason)


def _kind(answer):
    """:return: what is the same in all answers of one kind: neither the address, nor
    the method, nor what has digits in it"""
    media = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    text = _PATH.sub(" ", answer.text[:_COMPARED]).lower()
    path = unquote(urlsplit(answer.url).path).lower()
    besides = _METHODS | set(re.findall(r"[^\W_]+", path))
    words = [word for word in re.findall(r"[^\W_]+", text) if word.isalpha()]
    return answer.status, media, tuple(word for word in words if word not in besides)
