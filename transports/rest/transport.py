# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Deliver records to a REST API."""

import time
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import requests

from ... import wording
from ...exceptions import Misconfigured, Rejected, SyncError, Temporary
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
from ..http import Answer, HeardClient, HttpClient, HttpConfig, Trail
from ..http.answer import (
    ITEM_ID,
    at,
    found_id,
    names_error,
    refuses,
    repeats,
)
from ..http.errors import UNREADABLE, unreadable
from ..redact import MASK
from ..urls import loggable, new_id, usable_id
from .batch import MAX_ITEMS, BatchSender
from .examine import examine
from .lines import dialogue_of, look_at, needs_id, place_of, says_gone, send
from .readings import Reading
from .requests import CREATE, RequestLine
from .routing import GONE, UNROUTED, Routing

# All of it is about HTTP.
RestConfig = HttpConfig
# Headers that may name a new record. OData 4.01 "Protocol" section 8.3.4 has both with
# 204, where nothing else tells it.
_NEW = {201: ("Location",), 204: ("OData-EntityId", "Location")}
# Where an item of a batch has the id of its record.
_ITEM = Reading.parse(ITEM_ID)
# At the end of the key of a request that creates what the destination has lost.
RECREATE = "-recreate"


class Outcome(NamedTuple):
    """What a receipt says of a message that was taken, see :class:`..base.Receipt`."""

    external_id: str | None = None
    accepted: bool = False
    warning: wording.Sentence | None = None


class Withheld:
    """A session that keeps the request it is given, and sends nothing."""

    request = None

    def send(self, request):
        self.request = request
        # what comes after it depends on its answer
        raise requests.ConnectionError("not sent")


class RestTransport(PullingTransport):
    """One request for each message, several at once, or one for many messages.

    The latter is for routes with a ``batch_target``, see :mod:`.batch`.
    """

    def __init__(self, config: RestConfig):
        self._client = HttpClient(config)
        # what has been carried out: targets, and kinds of operation, and when
        self._worked = {}

    def deliver(self, take):
        # the route of the first messages tells whether many may be taken at once
        most = self._client.config.concurrency
        first = take(most)
        if not first:
            return
        deliver = self.deliver_each
        if any(message.route.batch_target for message in first):
            deliver = BatchSender(self._client, self).deliver
            if len(first) == most:
                first += take(MAX_ITEMS - most)

        def take_on(most):
            nonlocal first
            messages, first = first or take(most), None
            return messages

        yield from deliver(take_on)

    def deliver_each(self, take: Take, anew: bool = False) -> Iterator[Receipt]:
        """Send every message in a request of its own.

        :param anew: the destination has lost the records: they are created again
        """

        def expected(most):
            messages = take(most)
            self.pace.expect(len(messages))
            return messages

        deliver_one = partial(self._deliver, anew=anew)
        return deliver_all(deliver_one, expected, self._client.config.concurrency)

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

    examines_at_once = True

    def examine(self, use):
        return examine(self._client, use, self.pace, self.end)

    def preview(self, message):
        withheld = Withheld()
        dry = copy(self)
        config = self._client.config
        if config.token:
            # none is asked for to show that there will be one
            config = replace(config, token=lambda refused=None: MASK)
        dry.pace, dry._client = NO_PACE, HttpClient(config, withheld)
        (receipt,) = dry.send([message])
        request = withheld.request
        if request is None and receipt.error:
            raise receipt.error
        if request is None:
            return ""
        secret = self._client.secret_headers
        # the query as it is typed: values may be anything
        _address, mark, query = receipt.request.partition("?")
        lines = [f"{request.method} {loggable(request.url)}{mark}{query}"]
        lines += [
            f"{name}: {MASK if name.lower() in secret else value}"
            for name, value in request.headers.items()
        ]
        body = (request.body or b"").decode("utf-8", "replace")
        return self._client.redact("\n".join([*lines, "", body]).rstrip())

    def heard(self, hear):
        told = copy(self)
        told._client, told._worked = HeardClient(self._client.config, hear), {}
        return told

    def held(self, message):
        with self._client.redact.cleaning():
            known_id, dialogue = self.record_id(message), dialogue_of(message.route)
            if known_id is None:
                return None
            base = self._client.config.url or ""
            request = look_at(base, message.route, known_id, message)
            if request is None:
                raise NotImplementedError
            answer = send(self._client, Trail(), request)
            if answer.status in GONE or says_gone(answer, message.route):
                return None
            answer.require_ok()
            found = _record_in(answer, dialogue)
            if found == [] and message.route.requests:
                return None  # of a search by its id
            if not isinstance(found, dict):
                sentence = wording._lt(
                    "%(request)s answered %(status)s without a JSON object."
                )
                raise Temporary(sentence, **answer.told)
            try:
                return self._client.redact.within(found)
            except RecursionError:
                sentence = wording._lt(
                    "%(request)s answered %(status)s with JSON that is nested too "
                    "deeply."
                )
                raise Temporary(sentence, **answer.told) from None

    # -- one message ----------------------------------------------------------

    def _deliver(self, message, anew=False):
        trail = Trail(self.pace)
        try:
            return self._deliver_along(trail, message, anew)
        except UNREADABLE as error:
            error = unreadable(error)
            return self._client.receipt(message, trail, error, fate=UNKNOWN)

    def _deliver_along(self, trail, message, anew):
        apply = self._recreate if anew else self._apply
        try:
            outcome = apply(trail, message)
        except SyncError as error:
            fate = self.fate(message, trail, error, trail.answer, _id_of(message))
            return self._client.receipt(message, trail, error, fate=fate)
        return self._client.receipt(message, trail, **outcome._asdict())

    def _apply(self, trail, message):
        known_id, operation = self.record_id(message), message.operation
        line = self.line_for(message)
        if line is None:
            return Outcome()
        if line.kind == CREATE:
            return self._create(trail, message)
        dialogue = dialogue_of(message.route)
        answer = self._write(trail, line, message, known_id)
        gone = says_gone(answer, message.route)
        if known_id is None and (gone or answer.status == 410):
            return Outcome()
        if gone or answer.status in UNROUTED and known_id is not None:
            routing = Routing(self._client, self._worked)
            routing.require_gone(trail, message, known_id, answer)
            if operation != "upsert":
                return Outcome()
            if self.is_lost(message, answer, gone):
                return self._recreate(trail, message)
            if gone:
                raise _not_there(answer)
        outcome = self.outcome(message, answer, dialogue.id)
        kind = "update" if operation == "upsert" else operation
        self._worked[place_of(message.route), kind] = time.monotonic()
        return outcome

    def _recreate(self, trail, message):
        _required(dialogue_of(message.route).lines.create)
        # Its key is answered already: this is another request, with a key of its own.
        key = f"{message.idempotency_key}{RECREATE}"
        self.recreating(message, key)
        return self._create(trail, message, RECREATE)

    def _create(self, trail, message, key_suffix=""):
        dialogue = dialogue_of(message.route)
        line = _required(dialogue.lines.create)
        # of a request with the same key as this one
        lost, trail.lost = trail.lost, False
        try:
            answer = self._write(trail, line, message, None, key_suffix)
            again = message.again or trail.lost
        finally:
            trail.lost = trail.lost or lost
        if answer.status in UNROUTED:
            raise Routing(self._client, self._worked).no_place(message, answer)
        outcome = self.outcome(message, answer, dialogue.id, creates=True, again=again)
        self._worked[place_of(message.route), "create"] = time.monotonic()
        return outcome

    def line_for(self, message: Message) -> RequestLine | None:
        """:return: the request that a message is sent by; ``None`` where there is
        nothing to send: what never arrived there has left nothing to remove

        :raise Rejected: see :meth:`record_id`
        :raise Misconfigured: there is no such request
        """
        lines, operation = dialogue_of(message.route).lines, message.operation
        if self.record_id(message) is not None:
            named = {"upsert": lines.update, "mark": lines.mark}
            return _required(named.get(operation, lines.remove))
        if operation == "upsert":
            return _required(lines.create)
        if message.route.id_policy != "none":
            return None
        # what keeps no records is told anew, of a deletion where there is a way
        if lines.remove is not None and not needs_id(lines.remove):
            return lines.remove
        return _required(lines.create) if operation == "mark" else None

    def _write(self, trail, line, message, known_id, key_suffix=""):
        key = message.idempotency_key
        if key and key_suffix:
            key = f"{key}{key_suffix}"
            message = replace(message, idempotency_key=key)
        headers = {"Idempotency-Key": key} if key else {}
        request = line.fill(self._client.config.url or "", message, known_id)
        # PUT is the same once or twice where it names the record
        once = line.kind == CREATE
        answer = send(self._client, trail, request, headers, only_once=once)
        refused = dialogue_of(message.route).refused
        if refused:
            with answer.in_turn():
                found = refused.refusal(answer.json(), answer.headers, answer.redact)
            if any(each is not None for each in found):
                answer = replace(answer, refusal=found.value, unread=found.problem)
                trail.answer = answer
        return answer

    # -- what an answer means, alone or within a batch ------------------------

    @staticmethod
    def record_id(message: Message) -> str | None:
        """:return: the id that the record has at the destination, or ``None``

        :raise Rejected: the id cannot stand in a URL
        """
        if message.route.id_policy == "none":
            return None
        if message.route.id_policy == "destination":
            return message.external_id or None
        key = usable_id(message.key)
        if key is None:
            sentence = wording._lt("The key of the record cannot be a part of a URL.")
            raise Rejected(sentence)
        return key

    @staticmethod
    def is_lost(message: Message, answer: Answer, gone: bool = False) -> bool:
        """:return: whether the destination no longer knows the record to update, where
        the address is known to be one

        :param gone: it says so, whatever the status
        """
        return (
            message.operation == "upsert"
            and (gone or answer.status in GONE)
            and message.route.id_policy == "destination"
            and bool(message.external_id)
        )

    @staticmethod
    def fate(
        message: Message,
        trail: Trail,
        error: SyncError,
        answer: Answer | None,
        reading: Reading | None = None,
    ) -> str:
        """:return: what is known of all that was sent, see :class:`..base.Receipt`

        :param answer: the last one, to this message
        :param reading: see :meth:`outcome`
        """
        if trail.lost or answer is None:
            return trail.fate(error)
        if refuses(answer, message, reading) or says_gone(answer, message.route):
            return REFUSED
        return UNKNOWN

    @staticmethod
    def outcome(
        message: Message,
        answer: Answer,
        reading: Reading | None,
        creates: bool = False,
        again: bool = False,
    ) -> Outcome:
        """Judge an answer.

        :param reading: where it holds the id of the record; ``None`` for an item of a
            batch
        :param creates: it is the answer to a new record
        :param again: the same was asked for before, with the same key, and not answered
        :raise SyncError: it was not done
        """
        with answer.in_turn():
            return _judged_outcome(message, answer, reading, creates, again)


def _judged_outcome(message, answer, reading, creates, again):
    if creates and again and answer.is_there:
        return _there_already(message, answer, reading)
    verdict = answer.require_done(message, reading)
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
        found, warning = _new_id(answer, reading or _ITEM)
        return Outcome(found, False, verdict.doubt or warning)
    if message.operation == "delete":
        return Outcome(None, False, verdict.doubt or page or None)
    if message.operation == "upsert" and destination:
        found, warning = _renamed(message, answer, reading)
        return Outcome(found, False, verdict.doubt or warning or page or None)
    known = None if creates else message.external_id
    return Outcome(known, False, verdict.doubt or page or None)


def _not_there(answer):
    sentence = wording._lt(
        "%(request)s answered %(status)s: by “Gone When”, it has no such record."
    )
    return Rejected(sentence, **answer.told)


def _required(line):
    """:raise Misconfigured: there is no such request"""
    if line is None:
        sentence = wording._lt(
            "The synchronization has no request for this. Add it to its requests, or "
            "name an endpoint."
        )
        raise Misconfigured(sentence, "address")
    return line


def _id_of(message):
    try:
        return dialogue_of(message.route).id
    except Misconfigured:
        return None  # nothing has been sent


def _record_in(answer, dialogue):
    """:return: the record that an answer shows, in an envelope or without"""
    body, path = answer.json(), dialogue.id.path
    for name in path[:-1] if not dialogue.id.header else ():
        body = body.get(name, body) if isinstance(body, dict) else body
    return body[0] if isinstance(body, list) and len(body) == 1 else body


def _new_id(answer, reading):
    """:return: the id that a record was created with, ``None`` if there is none; then
    a warning"""
    found = found_id(answer, reading)
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
        return None, answer.sentence(sentence, name=reading.text)
    if answer.redact.holds_secret(found):
        sentence = wording._lt(
            "%(request)s answered %(status)s with an id that holds a secret of this "
            "system, and can be no id."
        )
        return None, answer.sentence(sentence)
    return found, None


def _renamed(message, answer, reading):
    """:return: the id that a record has after an update, which may name another one, as
    where two records were merged; then a warning"""
    place = reading or _ITEM
    known, found = message.external_id, found_id(answer, place)
    if found is None or found == known or answer.redact.holds_secret(found):
        return known, None
    if found == usable_id(at(message.payload, ".".join(place.path) or ITEM_ID)):
        return known, None  # we have sent it: a field of the record
    if reading and not repeats(answer, message, reading, found):
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


def _there_already(message, answer, reading):
    """:return: what becomes of a record that an unanswered request has created"""
    place = reading or _ITEM
    found = found_id(answer, place)
    if reading == _ITEM and names_error(answer, message):
        found = None  # it is that of the error
    if found is not None and not answer.redact.holds_secret(found):
        return Outcome(found)
    sentence = wording._lt(
        "%(request)s answered %(status)s: a request without an answer has created the "
        "record, and there is no id in “%(name)s”."
    )
    return Outcome(None, False, answer.sentence(sentence, name=place.text))
