# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Deliver records to a REST API."""

from collections.abc import Iterator
from copy import copy
from functools import partial

import requests

from ... import wording
from ...exceptions import Rejected, SyncError, Temporary
from ..base import (
    NO_PACE,
    Message,
    PullingTransport,
    Receipt,
    Take,
    deliver_all,
)
from ..http import Answer, HttpClient, HttpConfig, Trail, auth_headers, to_json
from ..redact import MASK
from ..urls import last_segment, loggable, usable_id
from .batch import MAX_ITEMS, BatchSender

# All of it is about HTTP.
RestConfig = HttpConfig
# At the end of the key of a request that creates what the destination has lost.
RECREATE = "-recreate"
# Says that a record is not there.
_GONE = (404, 410)


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
            if answer.status not in (404, 405) and not answer.redirect_inside():
                answer.require_ok()
        return wording.Sentence(
            wording._lt("%(where)s answered %(status)s in %(duration)s ms"),
            where=self._client.redact(loggable(answer.url)),
            status=answer.status,
            duration=f"{trail.duration * 1000:.0f}",
        )

    def preview(self, message):
        withheld = Withheld()
        dry = copy(self)
        dry.pace, dry._client = NO_PACE, HttpClient(self._client.config, withheld)
        (receipt,) = dry.send([message])
        request = withheld.request
        if request is None and receipt.error:
            raise receipt.error
        if request is None:
            return ""
        authentication = map(str.lower, auth_headers(self._client.config))
        secret = {"webhook-signature", *authentication}
        lines = [f"{request.method} {loggable(request.url)}"]
        lines += [
            f"{name}: {MASK if name.lower() in secret else value}"
            for name, value in request.headers.items()
        ]
        body = (request.body or b"").decode("utf-8", "replace")
        return self._client.redact("\n".join([*lines, "", body]).rstrip())

    def held(self, message):
        with self._client.redact.cleaning():
            known_id = self.record_id(message)
            if known_id is None:
                return None
            url = self._client.url(message.route.target, known_id)
            answer = self._client.request(Trail(), "GET", url)
            if answer.status in _GONE:
                return None
            answer.require_ok()
            found = answer.json()
            if not isinstance(found, dict):
                sentence = wording._lt(
                    "%(request)s answered %(status)s without a JSON object."
                )
                raise Temporary(sentence, **answer.told)
        return self._client.redact.within(found)

    # -- one message ----------------------------------------------------------

    def _deliver(self, message, anew=False):
        trail = Trail(self.pace)
        apply = self._recreate if anew else self._apply
        try:
            external_id = apply(trail, message)
        except SyncError as error:
            return self._client.receipt(message, trail, error)
        return self._client.receipt(message, trail, external_id=external_id)

    def _apply(self, trail, message):
        """:return: the id of the record at the destination from now on"""
        known_id, operation = self.record_id(message), message.operation
        if known_id is None:
            # what never arrived there has left nothing to remove
            return self._create(trail, message) if operation == "upsert" else None
        update = message.route.update_method.upper()
        method = {"upsert": update, "mark": "PATCH", "delete": "DELETE"}[operation]
        payload = message.payload if method != "DELETE" else None
        answer = self._write(trail, method, message, known_id, payload)
        if self.is_lost(message, answer):
            return self._recreate(trail, message)
        return self.id_after(message, answer)

    def _recreate(self, trail, message):
        # Its key is answered already: this is another request, with a key of its own.
        key = f"{message.idempotency_key}{RECREATE}"
        self.recreating(message, key)
        return self._create(trail, message, RECREATE)

    def _create(self, trail, message, key_suffix=""):
        answer = self._write(trail, "POST", message, None, message.payload, key_suffix)
        return self.id_after(message, answer, message.route.external_id_key)

    def _write(self, trail, method, message, known_id, payload, key_suffix=""):
        headers, body = {}, None
        if message.idempotency_key:
            headers["Idempotency-Key"] = f"{message.idempotency_key}{key_suffix}"
        if payload is not None:
            headers["Content-Type"] = "application/json"
            body = to_json(payload)
        url = self._client.url(message.route.target, known_id)
        return self._client.request(trail, method, url, headers, body)

    # -- what an answer means, alone or within a batch ------------------------

    @staticmethod
    def record_id(message: Message) -> str | None:
        """:return: the id that the record has at the destination, or ``None``

        :raise Rejected: the id cannot stand in a URL
        """
        if message.route.id_policy == "destination":
            return message.external_id or None
        key = usable_id(message.key)
        if key is None:
            sentence = wording._lt("The key of the record cannot be a part of a URL.")
            raise Rejected(sentence)
        return key

    @staticmethod
    def is_lost(message: Message, answer: Answer) -> bool:
        """:return: whether the destination no longer knows the record to update"""
        return (
            message.operation == "upsert"
            and answer.status == 404
            and message.route.id_policy == "destination"
            and bool(message.external_id)
        )

    @staticmethod
    def id_after(
        message: Message, answer: Answer, id_key: str | None = None
    ) -> str | None:
        """Judge an answer.

        :param id_key: where a JSON body holds the id of a record that was to be
            created; dots go into nested objects
        :return: the id of the record at the destination from now on
        :raise SyncError: it was not done
        """
        if message.operation != "upsert" and answer.status in _GONE:
            return None
        answer.require_ok()
        if id_key is not None:
            return _assigned_id(answer, id_key)
        return None if message.operation == "delete" else message.external_id


def _assigned_id(answer, path):
    """Find the id of a new record in the answer to its creation.

    :raise Temporary: there is none, or the destination repeats a secret in its place
    """
    value = answer.json()
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    location = answer.location()
    found = usable_id(value)
    if found is None and location:
        found = usable_id(last_segment(location, answer.url))
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
        raise Temporary(sentence, name=path, **answer.told)
    if answer.redact.holds_secret(found):
        sentence = wording._lt(
            "%(request)s answered %(status)s with an id that holds a secret of this "
            "system, and can be no id."
        )
        raise Temporary(sentence, **answer.told)
    return found
