# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Deliver records to a REST API."""

import time
from collections.abc import Iterable
from functools import partial

from ..exceptions import SyncError
from .base import Message, Receipt, Transport
from .parallel import deliver_all
from .rest_batch import BatchSender
from .rest_client import RestClient, Trail, same_origin, to_json
from .rest_config import RestConfig
from .rest_meaning import (
    RECREATE,
    assigned_id,
    id_after,
    is_lost,
    raise_unless_ok,
    record_id,
)
from .rest_preview import RestPreview
from .urls import join_url, loggable


class RestTransport(RestPreview, Transport):
    """One request for each message, several at once, or one for many messages.

    The latter is for routes with a ``batch_target``, see :mod:`.rest_batch`.
    """

    def __init__(self, config: RestConfig):
        self._config = config
        self._client = RestClient(config)

    def send(self, messages: Iterable[Message]) -> list[Receipt]:
        messages = list(messages)
        if len(messages) > 1 and any(each.route.batch_target for each in messages):
            return BatchSender(self._client, self._config, self).send(messages)
        return self.send_each(messages)

    def send_each(self, messages: list[Message], key_suffix: str = "") -> list[Receipt]:
        """Send every message in a request of its own.

        :param key_suffix: the records are created again, as other requests than those
            that were answered already: their keys get this at the end
        """
        self.pace.expect(len(messages))
        deliver = self._deliver
        if key_suffix:
            deliver = partial(self._deliver, apply=partial(self._create, key_suffix))
        return deliver_all(deliver, messages, self._config.concurrency)

    def check(self) -> str:
        # Outside the pace: one question by a person, or one now and then.
        trail = Trail()
        started = time.monotonic()
        try:
            answer = self._client.request(trail, "GET", self._config.url, {})
        except SyncError as error:
            raise self._client.clean(error) from None
        elapsed = (time.monotonic() - started) * 1000
        same_place = same_origin(answer, answer.location())
        if not (answer.ok or answer.status in (404, 405) or same_place):
            raise self._client.clean(answer.error()) from None
        where = self._client.redact(loggable(answer.url))
        return f"{where} answered {answer.status} in {elapsed:.0f} ms"

    def _deliver(self, message: Message, apply=None) -> Receipt:
        trail = Trail(self.pace)
        started = time.monotonic()
        external_id, error = message.external_id, None
        try:
            external_id = (apply or self._apply)(trail, message)
        except SyncError as fault:
            error = self._client.clean(fault)
        return Receipt(
            message=message,
            external_id=external_id,
            error=error,
            request=self._client.redact("; ".join(trail.requests)),
            status=str(trail.answer.status) if trail.answer else None,
            response=self._client.excerpt(trail.answer),
            duration=time.monotonic() - started,
            fate=trail.fate(error),
        )

    def _apply(self, trail, message):
        """:return: the id of the record at the destination from now on"""
        if message.operation == "upsert":
            return self._upsert(trail, message)
        known_id = record_id(message)
        if known_id is None:
            # It never arrived there: nothing is left to remove.
            return None
        marking = message.operation == "mark"
        method = "PATCH" if marking else "DELETE"
        payload = message.payload if marking else None
        answer = self._write(trail, method, message, known_id, payload)
        return id_after(message, answer)

    def _upsert(self, trail, message):
        known_id = record_id(message)
        if known_id is None:
            return self._create("", trail, message)
        method = message.route.update_method.upper()
        answer = self._write(trail, method, message, known_id, message.payload)
        if is_lost(message, answer):
            # It has answered the first key already, so creating it is another
            # request with a key of its own.
            return self._create(RECREATE, trail, message)
        return id_after(message, answer)

    def _create(self, key_suffix, trail, message):
        if key_suffix:
            self.recreating(message, f"{message.idempotency_key}{key_suffix}")
        answer = self._write(trail, "POST", message, None, message.payload, key_suffix)
        raise_unless_ok(answer)
        return assigned_id(answer, message.route.external_id_key)

    def _write(self, trail, method, message, known_id, payload, key_suffix=""):
        headers, body = {}, None
        if message.idempotency_key:
            headers["Idempotency-Key"] = f"{message.idempotency_key}{key_suffix}"
        if payload is not None:
            headers["Content-Type"] = "application/json"
            body = to_json(payload)
        url = join_url(self._config.url or "", message.route.target, known_id)
        return self._client.request(trail, method, url, headers, body)
