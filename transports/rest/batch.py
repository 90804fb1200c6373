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
the same; ``id`` is that of a new record; ``error`` is the reason of a refusal, if any.
An item without an answer is sent again later. Any other 4xx than 401, 403, 408, 425 and
429 for the whole request means that each record is to be sent alone.
"""

import hashlib
import json
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from ... import wording
from ...exceptions import Rejected, SyncError, Temporary
from ..base import REFUSED, UNKNOWN, Message, Receipt, completed, rounds, unsent
from ..http import HttpClient, Trail, to_json

# Items of one request at most.
MAX_ITEMS = 1000


class _Item(NamedTuple):
    """A message of a batch, its number in what is sent, and its JSON."""

    number: int
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
        self._receipts = {}
        self._stopped = False

    def send(self, messages: list[Message]) -> list[Receipt]:
        """:return: one receipt for each message, in the same order"""
        items = filter(None, map(self._item, range(len(messages)), messages))
        for group in rounds(items, attrgetter("message.route"), MAX_ITEMS):
            if self._stopped:
                break
            together = len(group) > 1 and group[0].message.route.batch_target
            (self._send_together if together else self._send_alone)(group)
        return completed(messages, self._receipts)

    def _item(self, number, message):
        """:return: the item to send, or ``None`` when there is nothing to send"""
        try:
            if self._rest.record_id(message) is None and message.operation != "upsert":
                # It never arrived there: nothing is left to remove.
                self._receipts[number] = Receipt(message)
                return None
            content = {
                "operation": message.operation,
                "key": message.key,
                "external_id": message.external_id,
                "idempotency_key": message.idempotency_key,
                "data": message.payload,
            }
            return _Item(number, message, to_json(content))
        except Rejected as error:
            self._receipts[number] = unsent(message, self._client.redact.clean(error))
            return None

    def _send_alone(self, items, anew=False):
        messages = [item.message for item in items]
        self._keep(items, self._rest.send_each(messages, anew))

    def _keep(self, items, receipts):
        for item, receipt in zip(items, receipts, strict=True):
            self._receipts[item.number] = receipt
            self._stopped = self._stopped or receipt.holds_up_others

    def _send_together(self, items):
        body = b'{"items": [' + b", ".join(item.body for item in items) + b"]}"
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": f"batch-{hashlib.sha256(body).hexdigest()}",
        }
        url = self._client.url(items[0].message.route.batch_target)
        trail = Trail(self._rest.pace)
        trail.pace.expect(1)
        error = None
        try:
            self._client.request(trail, "POST", url, headers, body).require_ok()
        except SyncError as fault:
            error = fault
        if trail.requests:
            trail.requests[-1] += f" ({len(items)} items)"
        if error is None:
            self._judge(items, trail)
        elif isinstance(error, Rejected) and trail.fate(error) == REFUSED:
            self._send_alone(items)
        else:
            receipts = [
                self._client.receipt(item.message, trail, error) for item in items
            ]
            if receipts[0].holds_up_others:  # the first one tells of the request
                receipts[1:] = [replace(each, request="") for each in receipts[1:]]
            self._keep(items, receipts)

    def _judge(self, items, trail):
        """Read what became of each record."""
        found = _by_key(trail.answer)
        judged, receipts, lost = [], [], []
        for item in items:
            own = found.get(str(item.message.key))
            if own is not None and self._rest.is_lost(item.message, own):
                lost.append(item)
            else:
                judged.append(item)
                receipts.append(self._judge_item(item.message, own, trail))
        self._keep(judged, receipts)
        if not self._stopped:
            self._send_alone(lost, anew=True)

    def _judge_item(self, message, own, trail):
        known_id = self._rest.record_id(message)
        created = message.operation == "upsert" and known_id is None
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
            external_id = self._rest.id_after(message, own, "id" if created else None)
        except SyncError as error:
            # also where the request had left once before, and was not answered
            unknown = trail.lost or own is None or not own.refuses
            fate = UNKNOWN if unknown else REFUSED
            return self._client.receipt(message, trail, error, own, fate=fate)
        return self._client.receipt(message, trail, None, own, external_id=external_id)


def _by_key(answer):
    """:return: what each item says, as the answer that the record alone would get"""
    content = answer.json()
    items = content.get("items") if isinstance(content, dict) else None
    waits = {"Retry-After": answer.headers.get("Retry-After")}
    found = {}
    for item in items if isinstance(items, list) else []:
        status = item.get("status") if isinstance(item, dict) else None
        if isinstance(status, int) and 100 <= status <= 599:
            body = json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass")
            own = replace(answer, status=status, headers=waits, body=body, cut=False)
            key = str(item.get("key"))
            # Of two that differ, nobody can tell which is the answer.
            found[key] = own if found.get(key, own) == own else None
    return found
