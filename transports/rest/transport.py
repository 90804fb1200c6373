# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Deliver records to a REST API."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from ... import wording
from ...exceptions import (
    Misconfigured,
    NotThere,
    RateLimited,
    Rejected,
    SyncError,
    Temporary,
)
from ..base import REFUSED, UNKNOWN, Message, Receipt, Take
from ..http import Answer, HttpConfig, HttpTransport, Outcome, Trail
from ..http.answer import is_said, judged, refuses
from ..http.transport import outcome_of
from ..urls import usable_id
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
# At the end of the key of a request that creates what the destination has lost.
RECREATE = "-recreate"
# At the end of the key of one that updates what was found there.
ADOPT = "-adopt"
# Stands for a version that is not known in a preview.
ANY_VERSION = "0"


class RestTransport(HttpTransport):
    """One request for each message, several at once, or one for many messages.

    The latter is for routes that have such a request, see :mod:`.batch`.
    """

    def __init__(self, config: RestConfig):
        super().__init__(config)
        # what has been carried out: targets, and kinds of operation, and when
        self._worked = {}

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
        return self._deliver_by(self._recreate if anew else self._apply, take)

    examines_at_once = True

    def examine(self, use):
        return examine(self._client, use, self.pace, self.end)

    def preview(self, message):
        shown = super().preview(message)
        search = Search(self._client)
        if shown and self.creates(message) and search.comes_first(message):
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

    def heard(self, hear):
        told = super().heard(hear)
        told._worked = {}
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

    def _apply(self, trail, message):
        known_id, operation = self.record_id(message), message.operation
        line = self.line_for(message)
        if line is None:
            return Outcome()
        if line.kind == CREATE:
            return self._create(trail, message)
        answer = self._change(trail, line, message, known_id)
        gone = says_gone(answer, message.route)
        if known_id is None:
            if gone:
                return Outcome()
            if answer.status in UNROUTED:
                # what is told is about no record there that could be gone
                raise self._routing().no_place(message, answer)
        if gone and message.operation == "delete" and self._is_done(message, answer):
            return self._carried_out(message, answer)
        if gone or answer.status in UNROUTED and known_id is not None:
            self._routing().require_gone(trail, message, known_id, answer)
            if operation != "upsert":
                return Outcome()
            if self.is_lost(message, answer, gone):
                return self._recreate(trail, message)
            if gone:
                raise _not_there(answer)
        return self._carried_out(message, answer)

    def _is_done(self, message, answer):
        """:return: whether the answer to a deletion, by which the record is gone, says
        that of what it has done: one that has met nothing is empty"""
        with answer.in_turn():
            if not answer.ok or not is_said(answer.json()):
                return False
            return not judged(answer, message, self._id_path(message)).noes

    def _carried_out(self, message, answer):
        outcome = self.outcome(message, answer)
        kind = "update" if message.operation == "upsert" else message.operation
        self._worked[message.route.bare, kind] = time.monotonic()
        return outcome

    def _recreate(self, trail, message):
        _required(dialogue_of(message.route.bare).lines.create)
        found = self._found(trail, message)
        if found is not None:
            return self._adopt(trail, message, found)
        self._require_time(trail)
        # Its key is answered already: this is another request, with a key of its own.
        key = f"{message.idempotency_key}{RECREATE}"
        self.recreating(message, key)
        return self._make(trail, message, RECREATE)

    def _create(self, trail, message):
        _required(dialogue_of(message.route.bare).lines.create)
        found = self._found(trail, message)
        if found is not None:
            return self._adopt(trail, message, found)
        if message.only_looks:
            raise NotThere(wording._lt("The record is not there."))
        return self._make(trail, message)

    def _make(self, trail, message, key_suffix=""):
        """Create a record."""
        line = _required(dialogue_of(message.route.bare).lines.create)
        # of a request with the same key as this one
        lost, trail.lost = trail.lost, False
        try:
            answer = self._write(trail, line, message, None, key_suffix)
            again = message.again or trail.lost
        finally:
            trail.lost = trail.lost or lost
        if answer.status in UNROUTED:
            raise self._routing().no_place(message, answer)
        there = self.named_there(replace(message, external_id=None), answer)
        if there is not None and self._may_take(trail, message, there):
            return self._adopt(trail, message, there)
        outcome = self.outcome(message, answer, creates=True, again=again)
        self._worked[message.route.bare, "create"] = time.monotonic()
        return outcome

    def _found(self, trail, message):
        """:return: the id of a new record that is looked for first, and is there"""
        if self._is_dry or not message.route.can_look:
            return None
        search = Search(self._client, self._require_time)
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
        search = Search(self._client, self._require_time)
        if search.confirms(trail, message, there):
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
        self._require_time(trail)
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
        if says_gone(answer, route) or not may_be_stale(answer, message):
            return answer
        self._require_time(trail)
        now, gone = read_version(self._client, trail, message, known_id)
        if gone:
            return self._change_unseen(trail, line, message, known_id, gone)
        if now == version:
            return answer
        answer = self._write(trail, line, with_version(message, now), known_id)
        if says_gone(answer, route):
            return answer
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

    def _require_time(self, trail):
        """Begin no further request of a record once the end of the run has passed by
        more than one may take: the worker may be ended before its answer is there.

        The first one is not asked for, see :func:`..base.deliver_list`.

        :raise RateLimited: another run goes on with it
        """
        config = self._client.config
        longest = config.connect_timeout + config.read_timeout
        if self.end is None or not trail.requests:
            return
        if time.monotonic() > self.end + longest:
            text = wording._lt("Not sent: the time of this run is over.")
            raise RateLimited(text, 1.0)

    def _routing(self):
        return Routing(self._client, self._worked, self._require_time)

    def _write(self, trail, line, message, known_id, key_suffix=""):
        self._require_time(trail)
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

    def _id_path(self, message):
        try:
            return dialogue_of(message.route.bare).id
        except Misconfigured:
            return None  # nothing has been sent

    def fate(
        self,
        message: Message,
        trail: Trail,
        error: SyncError,
        answer: Answer | None,
        id_path: Reading | None = None,
    ) -> str:
        fate = super().fate(message, trail, error, answer, id_path)
        is_told = fate == UNKNOWN and not trail.lost and answer is not None
        return REFUSED if is_told and says_gone(answer, message.route) else fate

    def outcome_at(
        self,
        message: Message,
        answer: Answer,
        id_path: Reading | None,
        creates: bool = False,
        again: bool = False,
    ) -> Outcome:
        with answer.in_turn():
            outcome = outcome_of(message, answer, id_path, creates, again)
            if message.route.version and message.operation != "delete":
                version = version_in(answer, message.route)
                outcome = outcome._replace(version=version)
            return outcome


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


def _record_in(answer, dialogue):
    """:return: the record that an answer shows, in an envelope or without"""
    body, path = answer.json(), dialogue.id.path
    for name in path[:-1] if not dialogue.id.header else ():
        body = body.get(name, body) if isinstance(body, dict) else body
    return body[0] if isinstance(body, list) and len(body) == 1 else body
