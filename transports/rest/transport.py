# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Deliver records to a REST API."""

import time
from collections.abc import Iterator
from contextlib import suppress
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
from .batch import BatchSender
from .examine import examine
from .lines import (
    described,
    dialogue_of,
    look_at,
    needs_id,
    says_gone,
)
from .readings import Reading
from .requests import CREATE, RequestLine
from .routing import GONE, UNROUTED, Routing
from .there import REFUSAL, Search, id_in_refusal, not_shown
from .versions import (
    STALE,
    WANTS_VERSION,
    changed_again,
    goes_back,
    may_be_stale,
    names_version,
    not_shown_yet,
    read_version,
    version_in,
    with_version,
)

# All of it is about HTTP.
RestConfig = HttpConfig
# Headers that may name a new record. OData 4.01 "Protocol" section 8.3.4 has both with
# 204, where nothing else tells it.
_NEW = {201: ("Location",), 204: ("OData-EntityId", "Location")}
# Where an item of a batch has the id of its record.
_ITEM = Reading.parse(ITEM_ID)
# At the end of the key of a request that creates what the destination has lost.
RECREATE = "-recreate"
# At the end of the key of one that updates what was found there.
ADOPT = "-adopt"
# Stands for a version that is not known in a preview.
ANY_VERSION = "0"


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


class RestTransport(PullingTransport):
    """One request for each message, several at once, or one for many messages.

    The latter is for routes that have such a request, see :mod:`.batch`.
    """

    def __init__(self, config: RestConfig):
        self._client = HttpClient(config)
        # what has been carried out: targets, and kinds of operation, and when
        self._worked = {}
        # nothing is asked for besides
        self._is_dry = False

    def deliver(self, take):
        # the route of the first messages tells whether many may go together
        first = take(self._client.config.concurrency)
        if not first:
            return
        deliver = self.deliver_each
        if any(message.route.takes_many for message in first):
            deliver = BatchSender(self._client, self).deliver

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
        dry, withheld = self._dry()
        (receipt,) = dry.send([message])
        request = withheld.request
        if request is None and receipt.error:
            raise receipt.error
        if request is None:
            return ""
        # the query as it is typed: values may be anything
        shown = self._shown(request, receipt.request.partition("?")[1:])
        search = Search(self._client)
        if self.creates(message) and search.comes_first(message):
            first = search.request(message)
            if first:
                # a person cannot know what it finds: both, one below the other
                dry, withheld = self._dry()
                with suppress(SyncError):
                    first.send(dry._client, Trail())
                query = ("", "") if first.query is None else ("?", first.query)
                looked = self._shown(withheld.request, query)
                text = wording.Sentence(wording._lt("If nothing is found:"))
                told = {"search": looked, "otherwise": text, "request": shown}
                both = "%(search)s\n\n%(otherwise)s\n\n%(request)s"
                shown = wording.Sentence(both, **told)
        return shown

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

    def heard(self, hear):
        told = copy(self)
        told._client, told._worked = HeardClient(self._client.config, hear), {}
        return told

    def held(self, message):
        with self._client.redact.cleaning():
            known_id, dialogue = (
                self.record_id(message),
                dialogue_of(message.route.bare),
            )
            if known_id is None:
                return None
            base = self._client.config.url or ""
            request = look_at(base, message.route, known_id, message)
            if request is None:
                raise NotImplementedError
            answer = request.send(self._client, Trail())
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
        answer = self._change(trail, line, message, known_id)
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
        return self._carried_out(message, answer)

    def _carried_out(self, message, answer):
        outcome = self.outcome(message, answer, dialogue_of(message.route.bare).id)
        kind = "update" if message.operation == "upsert" else message.operation
        self._worked[message.route.bare, kind] = time.monotonic()
        return outcome

    def _recreate(self, trail, message):
        _required(dialogue_of(message.route.bare).lines.create)
        found = self._found(trail, message)
        if found is not None:
            return self._adopt(trail, message, found)
        # Its key is answered already: this is another request, with a key of its own.
        key = f"{message.idempotency_key}{RECREATE}"
        self.recreating(message, key)
        return self._make(trail, message, RECREATE)

    def _create(self, trail, message):
        _required(dialogue_of(message.route.bare).lines.create)
        found = self._found(trail, message)
        if found is not None:
            return self._adopt(trail, message, found)
        return self._make(trail, message)

    def _make(self, trail, message, key_suffix=""):
        """Create a record."""
        dialogue = dialogue_of(message.route.bare)
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
        there = self.named_there(replace(message, external_id=None), answer)
        if there is not None and self._may_take(trail, message, there):
            return self._adopt(trail, message, there)
        outcome = self.outcome(message, answer, dialogue.id, creates=True, again=again)
        self._worked[message.route.bare, "create"] = time.monotonic()
        return outcome

    def _found(self, trail, message):
        """:return: the id of a new record that is looked for first, and is there"""
        if self._is_dry or not message.route.can_look:
            return None
        search = Search(self._client)
        return search.find(trail, message) if search.comes_first(message) else None

    def named_there(self, message: Message, answer: Answer) -> str | None:
        """:return: the id of what keeps a new record from being created, where the
        refusal names it and it is to be updated"""
        route = message.route
        if route.already_there != REFUSAL or not self.creates(message):
            return None
        if not refuses(answer, message, dialogue_of(route.bare).id):
            return None
        return id_in_refusal(answer, message)

    def _may_take(self, trail, message, there):
        """:return: whether what a refusal names is the record, where it is said by what
        that is known; another unique value may have been enough to refuse it

        :raise Unclear: a person has to look, and has not yet
        """
        if not message.route.can_look:
            return True
        if Search(self._client).confirms(trail, message, there):
            return True
        if message.looked:
            return False
        raise not_shown(there)

    def _adopt(self, trail, message, found):
        """Update what is there already, and was not known here.

        :param found: its id there
        :raise SyncError: it is not updated; nothing is created
        """
        line = _required(dialogue_of(message.route.bare).lines.update)
        key = message.idempotency_key and f"{message.idempotency_key}{ADOPT}"
        known = replace(
            message, external_id=found, idempotency_key=key, again=False, version=None
        )
        search = dialogue_of(message.route.bare).lines.find
        sought = search.sought(message) if search else None
        self.adopting(message, found, key, tuple(each.text for each in sought or ()))
        answer = self._change(trail, line, known, found)
        if answer.status in UNROUTED or says_gone(answer, message.route):
            sentence = wording._lt(
                "It was there already as %(id)s, and %(request)s answered %(status)s: "
                "there is no such record, or no way to update it."
            )
            raise Temporary(sentence, id=found, **answer.told)
        outcome = self._carried_out(known, answer)
        sentence = wording._lt("It was there already, as %(id)s, and was updated.")
        warning = outcome.warning or wording.Sentence(sentence, id=found)
        return outcome._replace(adopted=True, warning=warning)

    def creates(self, message: Message) -> bool:
        """:return: whether a message is about a new record, as far as that is known"""
        return (
            message.operation == "upsert"
            and message.route.id_policy == "destination"
            and self.record_id(message) is None
        )

    def goes_alone(self, message: Message) -> bool:
        """:return: whether a message takes more than one request, or one that no other
        may be a part of: it is looked for first, or needs the version of its record"""
        if message.route.can_look and self.creates(message):
            return Search(self._client).comes_first(message)
        return bool(message.route.version) and not self.creates(message)

    def line_for(self, message: Message) -> RequestLine | None:
        """:return: the request that a message is sent by; ``None`` where there is
        nothing to send: what never arrived there has left nothing to remove

        :raise Rejected: see :meth:`record_id`
        :raise Misconfigured: there is no such request
        """
        lines, operation = dialogue_of(message.route.bare).lines, message.operation
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

    def _change(self, trail, line, message, known_id):
        """Send a request about a record that is there, with its version where that goes
        back."""
        route = message.route
        if known_id is None or not route.version or not goes_back(route, line):
            return self._write(trail, line, message, known_id)
        version = message.version or (ANY_VERSION if self._is_dry else None)
        if version is None:
            version, gone = read_version(self._client, trail, message, known_id)
            if gone:
                return self._change_unseen(trail, line, message, known_id, gone)
        answer = self._write(trail, line, with_version(message, version), known_id)
        if not may_be_stale(answer, message):
            return answer
        now, gone = read_version(self._client, trail, message, known_id)
        if gone:
            return self._change_unseen(trail, line, message, known_id, gone)
        if now == version:
            return answer
        answer = self._write(trail, line, with_version(message, now), known_id)
        if answer.status in STALE and may_be_stale(answer, message):
            raise changed_again(answer)
        return answer

    def _change_unseen(self, trail, line, message, known_id, seen):
        """Send a change to a record that was not there when its version was read.

        What answers a look may be behind what answers a change, so that only the latter
        tells that a record is gone.

        :param seen: the answer to the look
        :return: the answer that tells what becomes of the change
        :raise Temporary: the change needs a version
        """
        creates = message.operation == "upsert" and message.route.id_policy == "odoo"
        if seen.status == 410 and not creates:
            trail.answer = seen
            return seen
        if names_version(line) and not creates:
            raise not_shown_yet(seen)
        answer = self._write(trail, line, replace(message, version=None), known_id)
        if answer.status in WANTS_VERSION and not creates:
            raise not_shown_yet(seen)
        return answer

    def _write(self, trail, line, message, known_id, key_suffix=""):
        key, version = message.idempotency_key, message.version
        if key and key_suffix:
            key = f"{key}{key_suffix}"
            message = replace(message, idempotency_key=key)
        headers = {"Idempotency-Key": key} if key else {}
        route = message.route
        if version and known_id is not None and route.version and route.version_header:
            headers[route.version_header] = version
        base = self._client.config.url or ""
        request = line.fill(base, message, known_id, version)
        # PUT is the same once or twice where it names the record
        once = line.kind == CREATE
        answer = request.send(self._client, trail, headers, only_once=once)
        if dialogue_of(route.bare).refused:
            answer = trail.answer = described(answer, route)
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
            outcome = _judged_outcome(message, answer, reading, creates, again)
            if message.route.version and message.operation != "delete":
                version = version_in(answer, message.route)
                outcome = outcome._replace(version=version)
            return outcome


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
        return dialogue_of(message.route.bare).id
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
