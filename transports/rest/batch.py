# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Many records in one request, for destinations that have an endpoint for it.

The request is a ``POST`` to the route's ``batch_target``, with an ``Idempotency-Key``
of its own: the same for the same items. Its body::

    {"items": [{"operation": "upsert", "key": 7, "external_id": "c-1",
                "idempotency_key": "…", "data": {"name": "Ada"}}, …]}

``operation`` is ``upsert``, ``delete`` or ``mark`` (``data`` then only holds the flag);
``key`` is Odoo's id; ``external_id`` is that of the destination, or ``null`` when the
record is new or Odoo's id is the id. The answer, 200 or 207, has one item for each::

    {"items": [{"key": 7, "status": 201, "id": "c-1", "error": "…"}, …]}

in any order. ``status`` is what the record would have been answered alone, and means
the same, as does what an item says with a 2xx, see :class:`..http.answer.Verdict`;
``id`` is that of the record; ``error`` is the reason of a refusal, if any. An item
without an answer is sent again later. For the whole request, a 501, any 4xx but 401,
407, 408, 425 and 429, and a 2xx that says no to all of it, mean that each record is to
be sent alone.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from ... import wording
from ...exceptions import Rejected, SyncError, Temporary
from ..base import (
    REFUSED,
    UNKNOWN,
    Message,
    Receipt,
    Take,
    deliver_groups,
    deliver_list,
    grouped,
    unsent,
)
from ..http import HttpClient, Trail, to_json
from ..http.answer import is_failure, judged
from ..http.errors import UNREADABLE, unreadable
from .routing import GONE

# Items of one request at most.
MAX_ITEMS = 1000


class _Item(NamedTuple):
    """A message of a batch, and its JSON."""

    message: Message
    body: bytes


class BatchSender:
    """Sends messages in as few requests as their routes and keys allow.

    :param rest: the transport, which sends those that have to be sent alone, and says
        what an answer means
    """

    def __init__(self, client: HttpClient, rest):
        self._client = client
        self._rest = rest

    def deliver(self, take: Take) -> Iterator[Receipt]:
        """Send what ``take`` gives, see :meth:`..base.Transport.deliver`."""
        while messages := take(MAX_ITEMS):
            items = []
            for message in messages:
                try:
                    if item := self._item(message):
                        items.append(item)
                    else:
                        yield Receipt(message)
                except Rejected as error:
                    yield unsent(message, self._client.redact.clean(error))
            groups = grouped(items, attrgetter("message.route"))
            yield from deliver_groups(self._send, groups)

    def _item(self, message):
        """:return: the item to send, or ``None`` when there is nothing to send"""
        if self._rest.line_for(message) is None:
            return None
        content = {
            "operation": message.operation,
            "key": message.key,
            "external_id": message.external_id,
            "idempotency_key": message.idempotency_key,
            "data": message.payload,
        }
        return _Item(message, to_json(content))

    def _send(self, items):
        """:return: the receipts of messages with one route"""
        together = len(items) > 1 and items[0].message.route.batch_target
        return self._send_together(items) if together else self._send_alone(items)

    def _send_alone(self, items, anew=False):
        deliver = partial(self._rest.deliver_each, anew=anew)
        messages = [item.message for item in items]
        sent = deliver_list(deliver, messages, self._rest.end)
        return (receipt for _place, receipt in sent)

    def _send_together(self, items):
        body = b'{"items": [' + b", ".join(item.body for item in items) + b"]}"
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": f"batch-{hashlib.sha256(body).hexdigest()}",
        }
        url = self._client.url(items[0].message.route.batch_target)
        trail = Trail(self._rest.pace)
        trail.pace.expect(1)
        error = verdict = None
        try:
            answer = self._client.request(trail, "POST", url, headers, body)
            answer.require_ok()
            found = _by_key(answer)
            verdict = judged(answer, None, "id")
            if verdict.noes and not found:
                raise verdict.error(answer)
        except SyncError as fault:
            error = fault
        except UNREADABLE as fault:
            error, trail.lost = unreadable(fault), True
        if trail.requests:
            trail.requests[-1] += f" ({len(items)} items)"
        if error is None:
            return self._judge(items, trail, found)
        fate = trail.fate(error)
        if fate == UNKNOWN and not trail.lost and verdict and verdict.of_all:
            fate = REFUSED
        if isinstance(error, Rejected) and fate == REFUSED:
            return self._send_alone(items)
        receipts = [
            self._client.receipt(item.message, trail, error, fate=fate)
            for item in items
        ]
        if receipts[0].holds_up_others:  # the first one tells of the request
            receipts[1:] = [replace(each, request="") for each in receipts[1:]]
        return receipts

    def _judge(self, items, trail, found):
        """Read what became of each record, and create anew those that are lost.

        An item is answered by who knows the records: its 404 is no wrong address.
        """
        others, lost = [], []
        for item in items:
            own = found.get(str(item.message.key))
            is_lost = own is not None and self._rest.is_lost(item.message, own)
            (lost if is_lost else others).append(item)

        def receipts(group):
            if group is lost:
                return self._send_alone(group, anew=True)
            return (self._judge_item(item.message, found, trail) for item in group)

        return deliver_groups(receipts, [others, lost])

    def _judge_item(self, message, found, trail):
        own = found.get(str(message.key))
        known_id, again = self._rest.record_id(message), message.again or trail.lost
        goes = message.operation != "upsert" and known_id is not None
        if goes and own is not None and own.status in GONE:
            return self._client.receipt(message, trail, None, own, external_id=None)
        try:
            if own is None:
                sentence = (
                    wording._lt(
                        "%(request)s answered %(status)s without an item and status "
                        "for the key %(key)s. The answer was cut short."
                    )
                    if trail.answer.cut
                    else wording._lt(
                        "%(request)s answered %(status)s without an item and status "
                        "for the key %(key)s."
                    )
                )
                raise Temporary(sentence, key=message.key, **trail.answer.told)
            outcome = self._rest.outcome(
                message, own, None, creates=known_id is None, again=again
            )
        except SyncError as error:
            # unknown also where the request had left once before, and was not answered
            known = own is not None and not trail.lost
            fate = self._rest.fate(message, trail, error, own) if known else UNKNOWN
            return self._client.receipt(message, trail, error, own, fate=fate)
        except UNREADABLE as fault:
            error = unreadable(fault)
            return self._client.receipt(message, trail, error, own, fate=UNKNOWN)
        return self._client.receipt(message, trail, None, own, **outcome._asdict())


def _by_key(answer):
    """:return: what each item says, as the answer that the record alone would get"""
    content = answer.json()
    items = content.get("items") if isinstance(content, dict) else None
    waits = {"Retry-After": answer.headers.get("Retry-After")}
    found = {}
    for item in items if isinstance(items, list) else []:
        status = item.get("status") if isinstance(item, dict) else None
        if is_failure(status):
            status = answer.status  # what the item says is looked at all the same
        if type(status) is int and 200 <= status <= 599:
            try:
                body = json.dumps(item, ensure_ascii=False)
            except RecursionError:
                continue
            body = body.encode("utf-8", "surrogatepass")
            own = replace(answer, status=status, headers=waits, body=body, cut=False)
            key = str(item.get("key"))
            # Of two that differ, nobody can tell which is the answer.
            found[key] = own if found.get(key, own) == own else None
    return found
