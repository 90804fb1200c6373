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
import time
from collections import Counter
from dataclasses import dataclass, replace

from ..exceptions import Rejected, SyncError, Temporary, Throttled, Unreachable
from .base import REFUSED, UNKNOWN, Message, Receipt, not_sent, obstacle_in, unsent
from .rest_client import RestClient, Trail, to_json
from .rest_config import RestConfig
from .rest_meaning import (
    RECREATE,
    assigned_id,
    id_after,
    is_lost,
    raise_unless_ok,
    record_id,
)
from .urls import join_url

# Items of one request at most.
MAX_ITEMS = 1000


@dataclass(frozen=True)
class _Item:
    """A message of a batch, its number in what is sent, and its JSON."""

    number: int
    message: Message
    body: bytes


class BatchSender:
    """Sends messages in as few requests as their routes and keys allow.

    :param alone: has ``send_each(messages, key_suffix)`` for those that have to be
        sent alone, and ``pace``
    """

    def __init__(self, client: RestClient, config: RestConfig, alone):
        self._client = client
        self._config = config
        self._alone = alone
        self._receipts = {}
        self._obstacle = None

    def send(self, messages: list[Message]) -> list[Receipt]:
        """:return: one receipt for each message, in the same order"""
        for numbers in _rounds(messages):
            items = [
                item
                for number in numbers
                if (item := self._item(number, messages[number]))
            ]
            if len(items) > 1 and items[0].message.route.batch_target:
                self._send_together(items)
            else:
                self._send_alone(items)
        return [self._receipts[number] for number in range(len(messages))]

    def _item(self, number, message):
        """:return: the item to send, or ``None`` when there is nothing to send"""
        try:
            if record_id(message) is None and message.operation != "upsert":
                # It never arrived there: nothing is left to remove.
                self._receipts[number] = Receipt(message)
                return None
            return _Item(number, message, to_json(_content(message)))
        except Rejected as error:
            self._receipts[number] = unsent(message, self._client.clean(error))
            return None

    def _send_alone(self, items, key_suffix=""):
        messages = [item.message for item in items]
        if self._obstacle is not None:
            receipts = [not_sent(message, self._obstacle) for message in messages]
        else:
            receipts = self._alone.send_each(messages, key_suffix)
        self._keep(items, receipts)

    def _keep(self, items, receipts):
        for item, receipt in zip(items, receipts, strict=True):
            self._receipts[item.number] = receipt
        self._obstacle = self._obstacle or obstacle_in(receipts)

    def _send_together(self, items):
        if self._obstacle is not None:
            self._send_alone(items)
            return
        body = b'{"items": [' + b", ".join(item.body for item in items) + b"]}"
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": f"batch-{hashlib.sha256(body).hexdigest()}",
        }
        url = join_url(self._config.url or "", items[0].message.route.batch_target)
        trail = Trail(self._alone.pace)
        trail.pace.expect(1)
        started = time.monotonic()
        answer = error = None
        try:
            answer = self._client.request(trail, "POST", url, headers, body)
            raise_unless_ok(answer)
        except SyncError as fault:
            error = fault
        request = self._client.redact("; ".join(trail.requests))
        common = {
            "request": f"{request} ({len(items)} items)" if request else "",
            "duration": time.monotonic() - started,
        }
        if error is None:
            self._judge(items, answer, common, trail.lost)
        elif isinstance(error, Rejected) and trail.fate(error) == REFUSED:
            self._send_alone(items)
        else:
            self._keep_failure(items, error, trail, common)

    def _keep_failure(self, items, error, trail, common):
        """Give the error of the whole request to each of its records."""
        receipts, common = [], {**common, "fate": trail.fate(error)}
        for item in items:
            receipts.append(self._receipt(item.message, error, trail.answer, **common))
            if isinstance(error, Throttled | Unreachable):
                common = {**common, "request": ""}  # the first receipt tells of it
        self._keep(items, receipts)

    def _judge(self, items, answer, common, sent_twice):
        """Read what became of each record.

        :param bool sent_twice: the request left once before, and was not answered
        """
        found = _by_key(answer)
        judged, receipts, lost = [], [], []
        for item in items:
            own = found.get(str(item.message.key))
            if own is not None and is_lost(item.message, own):
                lost.append(item)
            else:
                judged.append(item)
                receipt = self._judge_item(item.message, own, answer, common)
                if sent_twice and not receipt.ok:
                    receipt = replace(receipt, fate=UNKNOWN)
                receipts.append(receipt)
        self._keep(judged, receipts)
        # Their keys are answered already: these are other requests.
        self._send_alone(lost, RECREATE)

    def _judge_item(self, message, own, whole, common):
        try:
            if own is None:
                cut = " The answer was cut short." if whole.cut else ""
                raise Temporary(
                    f"{whole.describe()} without an item and status for the key "
                    f"{message.key}.{cut}"
                )
            if message.operation == "upsert" and record_id(message) is None:
                raise_unless_ok(own)
                external_id = assigned_id(own, "id")
            else:
                external_id = id_after(message, own)
        except SyncError as error:
            fate = REFUSED if own and own.refuses else UNKNOWN
            return self._receipt(message, error, own or whole, fate=fate, **common)
        receipt = self._receipt(message, None, own, **common)
        return replace(receipt, external_id=external_id)

    def _receipt(self, message, error, answer=None, **common):
        return Receipt(
            message,
            external_id=message.external_id,
            error=error and self._client.clean(error),
            status=str(answer.status) if answer else None,
            response=self._client.excerpt(answer),
            **common,
        )


def _rounds(messages):
    """Yield the numbers of messages that can go together: those of one route, and
    each about another record, so that several about one record stay in order."""
    rounds = {}
    seen = Counter()
    for number, message in enumerate(messages):
        record = (message.route.target, message.key)
        rounds.setdefault((seen[record], message.route), []).append(number)
        seen[record] += 1
    for turn in sorted(rounds, key=lambda turn: turn[0]):
        numbers = rounds[turn]
        for start in range(0, len(numbers), MAX_ITEMS):
            yield numbers[start : start + MAX_ITEMS]


def _content(message):
    return {
        "operation": message.operation,
        "key": message.key,
        "external_id": message.external_id,
        "idempotency_key": message.idempotency_key,
        "data": message.payload,
    }


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
