# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What every transport over HTTP inherits, REST's and that of any other addon.

A message becomes requests, and their answers an :class:`Outcome`: that is left to say.
Turns, timeouts, several at once, the time of a run, secrets, classes of errors and
what is known of each request come with it. ``docs/develop.md`` has a whole one.
"""

import abc
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import requests

from ... import wording
from ...exceptions import SyncError
from ..base import (
    NO_PACE,
    REFUSED,
    UNKNOWN,
    Message,
    PullingTransport,
    Receipt,
    Take,
    deliver_all,
)
from ..redact import MASK
from ..urls import loggable, new_id, usable_id
from .answer import ITEM_ID, Answer, at, found_id, names_error, refuses, repeats
from .client import HttpClient, HttpConfig, Trail
from .errors import UNREADABLE, unreadable
from .heard import HeardClient

# Headers that may name a new record. OData 4.01 "Protocol" section 8.3.4 has both with
# 204, where nothing else tells it.
_NEW = {201: ("Location",), 204: ("OData-EntityId", "Location")}


class Outcome(NamedTuple):
    """What a receipt says of a message that was taken, see :class:`..base.Receipt`."""

    external_id: str | None = None
    accepted: bool = False
    warning: wording.Sentence | None = None
    adopted: bool = False
    version: str | None = None


class Withheld:
    """A session that keeps the request it is given, and sends nothing."""

    request = None

    def send(self, request):
        self.request = request
        # what comes after it depends on its answer
        raise requests.ConnectionError("not sent")


class HttpTransport(PullingTransport):
    """Sends several messages at once, each in requests of its own.

    A subclass says in :meth:`_apply` what these are, and what their answers mean.
    """

    def __init__(self, config: HttpConfig):
        self._client = HttpClient(config)
        # nothing is asked for besides what is shown to a person
        self._is_dry = False

    @abc.abstractmethod
    def _apply(self, trail: Trail, message: Message) -> Outcome:
        """Send one message. Several threads do so at a time.

        :param trail: each request is sent with it, and is a part of what becomes of
            the message; what is only looked at besides, with ``trail.besides()``
        :return: best that of :meth:`outcome`; ``Outcome()`` where there is nothing to
            send, or the record is not there and need not be
        :raise SyncError: it was not done
        """

    def deliver(self, take: Take) -> Iterator[Receipt]:
        return self._deliver_by(self._apply, take)

    def check(self) -> str:
        # Outside the pace: one question by a person, or one now and then.
        trail = Trail()
        with self._client.redact.cleaning():
            answer = self._client.request(trail, "GET", self._client.config.url)
            if answer.status == 403:
                # of nothing in particular, it is not for what was asked
                raise answer.credentials_refused()
            if answer.status not in (404, 405) and not answer.redirect_inside():
                answer.require_ok()
        return wording.Sentence(
            wording._lt("%(where)s answered %(status)s in %(duration)s ms"),
            where=self._client.redact(loggable(answer.url)),
            status=answer.status,
            duration=f"{trail.duration * 1000:.0f}",
        )

    def preview(self, message: Message) -> str:
        dry, withheld = self._dry()
        (receipt,) = dry.send([message])
        request = withheld.request
        if request is None and receipt.error:
            raise receipt.error
        if request is None:
            return ""
        # the query as it is typed: values may be anything
        return self._shown(request, receipt.request.partition("?")[1:])

    def heard(self, hear):
        told = copy(self)
        told._client = HeardClient(self._client.config, hear)
        # which may know more secrets by now
        told._client.redact = self._client.redact
        return told

    def _dry(self):
        """:return: a transport that sends nothing, and what it withholds"""
        withheld = Withheld()
        dry = copy(self)
        config = self._client.config
        if config.token:
            # none is asked for to show that there will be one
            config = replace(config, token=lambda refused=None: MASK)
        dry.pace, dry._client = NO_PACE, HttpClient(config, withheld)
        dry._is_dry = True
        return dry, withheld

    def _shown(self, request, query):
        secret = self._client.secret_headers
        lines = [f"{request.method} {loggable(request.url)}{''.join(query)}"]
        lines += [
            f"{name}: {MASK if name.lower() in secret else value}"
            for name, value in request.headers.items()
        ]
        body = (request.body or b"").decode("utf-8", "replace")
        return self._client.redact("\n".join([*lines, "", body]).rstrip())

    # -- one message ----------------------------------------------------------

    def _deliver_by(
        self, apply: Callable[[Trail, Message], Outcome], take: Take
    ) -> Iterator[Receipt]:
        """Send every message by itself.

        :param apply: as :meth:`_apply`
        """

        def expected(most):
            messages = take(most)
            self.pace.expect(len(messages))
            return messages

        deliver_one = partial(self._deliver, apply=apply)
        return deliver_all(deliver_one, expected, self._client.config.concurrency)

    def _deliver(self, message, apply=None):
        trail = Trail(self.pace)
        try:
            return self._deliver_along(trail, message, apply or self._apply)
        except UNREADABLE as error:
            error = unreadable(error)
            return self._client.receipt(message, trail, error, fate=UNKNOWN)

    def _deliver_along(self, trail, message, apply):
        try:
            outcome = apply(trail, message)
        except SyncError as error:
            id_path = self._id_path(message)
            fate = self.fate(message, trail, error, trail.answer, id_path)
            return self._client.receipt(message, trail, error, fate=fate)
        return self._client.receipt(message, trail, **outcome._asdict())

    def _look(
        self,
        trail: Trail,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Ask for something besides, which changes nothing there.

        :param trail: of the message, see :meth:`.client.Trail.besides`
        :return, raise: see :meth:`.client.HttpClient.request`
        """
        with trail.besides() as look:
            return self._client.request(look, method, url, headers)

    # -- what an answer means -------------------------------------------------

    def _id_path(self, message: Message) -> Any:
        """:return: where an answer has the id of a record, see
        :func:`.answer.found_id`. To be overridden where it has another name"""
        return ITEM_ID

    def fate(
        self,
        message: Message,
        trail: Trail,
        error: SyncError,
        answer: Answer | None,
        id_path: Any = ITEM_ID,
    ) -> str:
        """:return: what is known of all that was sent, see :class:`..base.Receipt`

        :param answer: the last one, to this message
        :param id_path: see :meth:`outcome_at`
        """
        if trail.lost or answer is None:
            return trail.fate(error)
        return REFUSED if refuses(answer, message, id_path) else UNKNOWN

    def outcome(
        self,
        message: Message,
        answer: Answer,
        creates: bool = False,
        again: bool = False,
    ) -> Outcome:
        """Judge an answer: a success needs proof.

        :param creates: it is the answer to a new record
        :param again: the same was asked for before, with the same key, and not answered
        :raise SyncError: it was not done
        """
        id_path = self._id_path(message)
        return self.outcome_at(message, answer, id_path, creates, again)

    def outcome_at(
        self,
        message: Message,
        answer: Answer,
        id_path: Any,
        creates: bool = False,
        again: bool = False,
    ) -> Outcome:
        """Judge an answer that has the id of the record in some place.

        :param id_path: see :meth:`_id_path`; ``None`` for an item of a batch
        :param creates, again: see :meth:`outcome`
        :raise SyncError: it was not done
        """
        with answer.in_turn():
            return outcome_of(message, answer, id_path, creates, again)


def outcome_of(
    message: Message, answer: Answer, id_path: Any, creates: bool, again: bool
) -> Outcome:
    """:return, raise: see :meth:`HttpTransport.outcome_at`"""
    if creates and again and answer.is_there:
        return _there_already(message, answer, id_path)
    verdict = answer.require_done(message, id_path)
    destination = message.route.id_policy == "destination"
    page = verdict.page
    if answer.status == 202:
        # it may be refused yet; what an id in it names is often the operation
        sentence = wording._lt(
            "%(request)s answered %(status)s: it is accepted, not confirmed."
        )
        known = None if creates else message.external_id
        return Outcome(known, True, verdict.doubt or answer.sentence(sentence))
    if creates and destination:
        found, warning = _new_id(answer, id_path or ITEM_ID)
        return Outcome(found, False, verdict.doubt or warning)
    if message.operation == "delete":
        return Outcome(None, False, verdict.doubt or page or None)
    if message.operation == "upsert" and destination:
        found, warning = _renamed(message, answer, id_path)
        return Outcome(found, False, verdict.doubt or warning or page or None)
    known = None if creates else message.external_id
    return Outcome(known, False, verdict.doubt or page or None)


def _text_of(id_path):
    """:return: the place of an id, as it is typed"""
    return id_path if isinstance(id_path, str) else id_path.text


def _new_id(answer, id_path):
    """:return: the id that a record was created with, ``None`` if there is none; then
    a warning"""
    found = found_id(answer, id_path)
    for header in _NEW.get(answer.status, ()):
        location = answer.location(header)
        if found is None and location:
            found = new_id(location, answer.url)
    if found is None:
        sentence = (
            wording._lt(
                "%(request)s answered %(status)s without an id: neither “%(name)s” in "
                "a JSON body nor a Location header. The answer was cut short."
            )
            if answer.cut
            else wording._lt(
                "%(request)s answered %(status)s without an id: neither “%(name)s” in "
                "a JSON body nor a Location header."
            )
        )
        return None, answer.sentence(sentence, name=_text_of(id_path))
    if answer.redact.holds_secret(found):
        sentence = wording._lt(
            "%(request)s answered %(status)s with an id that holds a secret of this "
            "system, and can be no id."
        )
        return None, answer.sentence(sentence)
    return found, None


def _renamed(message, answer, id_path):
    """:return: the id that a record has after an update, which may name another one, as
    where two records were merged; then a warning"""
    place = id_path or ITEM_ID
    known, found = message.external_id, found_id(answer, place)
    if found is None or found == known or answer.redact.holds_secret(found):
        return known, None
    field = place if isinstance(place, str) else ".".join(place.path)
    if found == usable_id(at(message.payload, field or ITEM_ID)):
        return known, None  # we have sent it: a field of the record
    if id_path and not repeats(answer, message, id_path, found):
        sentence = wording._lt(
            "%(request)s answered %(status)s with another id, %(new)s, and with "
            "nothing of the record: it may be that of something else. The record stays "
            "%(old)s."
        )
        return known, answer.sentence(sentence, new=found, old=known)
    sentence = wording._lt(
        "%(request)s answered %(status)s with another id: the record is %(new)s there "
        "from now on, not %(old)s."
    )
    return found, answer.sentence(sentence, new=found, old=known)


def _there_already(message, answer, id_path):
    """:return: what becomes of a record that an unanswered request has created"""
    place = id_path or ITEM_ID
    found = found_id(answer, place)
    is_usual = bool(id_path) and _text_of(id_path) == ITEM_ID
    if is_usual and names_error(answer, message):
        found = None  # it is that of the error
    if found is not None and not answer.redact.holds_secret(found):
        return Outcome(found)
    sentence = wording._lt(
        "%(request)s answered %(status)s: a request without an answer has created the "
        "record, and there is no id in “%(name)s”."
    )
    return Outcome(None, False, answer.sentence(sentence, name=_text_of(place)))
