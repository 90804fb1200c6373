# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Many records in one request, for destinations that have one for it.

How it is made and its answer is read, a :class:`.lines.Many` says: as it is typed for
new or for changed records; or, for whatever is to be done, as usual for a batch
endpoint. That is a ``POST`` to the route's ``batch_target``. Its body::

    {"items": [{"operation": "upsert", "key": 7, "external_id": "c-1",
                "idempotency_key": "…", "data": {"name": "Ada"}}, …]}

``operation`` is ``upsert``, ``delete`` or ``mark`` (``data`` then only holds the flag);
``key`` is Odoo's id; ``external_id`` is that of the destination, or ``null`` when the
record is new or Odoo's id is the id. The answer, 200 or 207, has one item for each::

    {"items": [{"key": 7, "status": 201, "id": "c-1", "error": "…"}, …]}

in any order. ``status`` is what the record would have been answered alone, and means
the same, as does what an item says with a 2xx, see :class:`..http.answer.Verdict`;
``id`` is that of the record; ``error`` is the reason of a refusal, if any.

Each request has an ``Idempotency-Key`` of its own: the same for the same items. Where
an answer has no status for single records, that of the whole counts for each. A record
whose answer is not there, or is not told from that of another one, is sent again later;
a new one is one of unknown fate. For the whole request, a 501, any 4xx but 401, 407,
408, 425 and 429, and a 2xx that says no to all of it, mean that each record is to be
sent alone: one wrong one may have been enough. Not where such an answer shows that
something was done.
"""

import hashlib
import json
import time
from collections import Counter, deque
from collections.abc import Collection, Hashable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from ... import wording
from ...exceptions import RateLimited, Rejected, SyncError, Temporary
from ..base import (
    REFUSED,
    UNKNOWN,
    UNSENT,
    Message,
    Receipt,
    Take,
    deliver_all,
    deliver_groups,
    deliver_list,
    grouped,
    not_sent,
    unsent,
)
from ..http import HttpClient, Trail
from ..http.answer import Answer, is_failure, judged
from ..http.errors import UNREADABLE, unreadable
from .lines import MAX_MANY as MAX_ITEMS
from .lines import Many, many_for, says_gone
from .requests import Data
from .routing import GONE
from .there import MAX_DEPTH, REFUSAL

# Characters of a text that tells one record from another, least and most, and digits of
# one that is a number.
TELLING, DIGITS = (3, 500), 7


class _Item(NamedTuple):
    """A message, what its request is filled in with, and how it may go with others.

    :param is_known: its record has an id there
    """

    message: Message
    data: Data
    many: Many | None
    is_known: bool


class _Sent(NamedTuple):
    """What became of the items of one request.

    :param receipts: of those that are over with
    :param alone: what is to be sent alone
    :param lost: what is to be created anew, alone
    :param unsure: keys of what of that may have been carried out already
    """

    receipts: list[Receipt]
    alone: list[_Item]
    lost: list[_Item]
    unsure: Collection[Hashable] = ()


class _Own(NamedTuple):
    """What one item says.

    :param answer: the one that the record alone would get
    :param id: that of the record, where the item has one
    :param has_status: it has a status of its own
    """

    answer: Answer
    id: str | None
    has_status: bool


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
        requests = most = self._client.config.concurrency
        while messages := take(most):
            items, receipts = self._items(messages)
            # what goes alone is not taken before it can leave
            sizes = [item.many.size if item.many else 1 for item in items]
            together = min(min(sizes, default=1) * requests, MAX_ITEMS)
            if len(messages) == most and together > most:
                more, further = self._items(take(together - most))
                items, receipts = items + more, receipts + further
            most = together
            yield from receipts
            groups = grouped(items, lambda item: (item.message.route, item.many))
            yield from deliver_groups(self._send, groups)

    def _items(self, messages):
        """:return: the items to send, and the receipts of what is not sent"""
        items, receipts = [], []
        for message in messages:
            try:
                if item := self._item(message):
                    items.append(item)
                else:
                    receipts.append(Receipt(message))
            except SyncError as error:
                receipts.append(unsent(message, self._client.redact.clean(error)))
        return items, receipts

    def _item(self, message):
        """:return: the item to send, or ``None`` when there is nothing to send"""
        if self._rest.line_for(message) is None:
            return None
        record_id = self._rest.record_id(message)
        alone = self._rest.goes_alone(message)
        many = None if alone else many_for(message, record_id)
        # that of a batch endpoint has Odoo's as the key alone
        known_id = message.external_id if many and many.is_usual else record_id
        data = Data(message, known_id, message.version)
        return _Item(message, data, many, record_id is not None)

    def _send(self, items):
        """:return: the receipts of messages that may go together"""
        if len(items) == 1 or items[0].many is None:
            yield from self._send_alone(items)
            return
        # of which it is known only once the others are sent
        alone, lost, unsure = [], [], set()

        def receipts(group):
            if group is items:
                return self._send_in_parts(items, alone, lost, unsure)
            return self._send_alone(group, anew=group is lost)

        for receipt in deliver_groups(receipts, [items, alone, lost]):
            if receipt.message.key in unsure and receipt.fate in (REFUSED, UNSENT):
                # that is known of the last request alone
                yield replace(receipt, fate=UNKNOWN)
            else:
                yield receipt

    def _send_alone(self, items, anew=False):
        deliver = partial(self._rest.deliver_each, anew=anew)
        messages = [item.message for item in items]
        sent = deliver_list(deliver, messages, self._rest.end)
        return (receipt for _place, receipt in sent)

    def _send_in_parts(self, items, alone, lost, unsure):
        """Send items in requests of the size that is allowed, several at once.

        :param alone, lost, unsure: are filled with what is still to be sent, see
            :class:`_Sent`
        """
        size, obstacle = items[0].many.size, None
        parts = deque(items[at : at + size] for at in range(0, len(items), size))
        begun = False

        def take(most):
            nonlocal obstacle, begun
            end = self._rest.end
            if end is not None and begun and parts and time.monotonic() > end:
                text = wording._lt("Not sent: the time of this run is over.")
                obstacle = obstacle or RateLimited(text, 1.0)
            count = 0 if obstacle else min(most, len(parts))
            begun = begun or count > 0
            self._rest.pace.expect(count)
            return [parts.popleft() for _number in range(count)]

        threads = min(self._client.config.concurrency, len(parts))
        for sent in deliver_all(self._send_together, take, threads):
            alone += sent.alone
            lost += sent.lost
            unsure.update(sent.unsure)
            for receipt in sent.receipts:
                if receipt.holds_up_others:
                    obstacle = obstacle or receipt.error
                yield receipt
        for part in parts:
            yield from (not_sent(item.message, obstacle) for item in part)

    def _send_together(self, items):
        """Send items in one request.

        Any thread may do so.
        """
        many, unwritten = items[0].many, []
        try:
            request = self._filled(items)
        except Rejected:
            items, unwritten = self._written(items)
            request = self._filled(items) if len(items) > 1 else None
        if len(items) < 2:
            return _Sent(unwritten, items, [])
        headers = {
            "Content-Type": request.content_type,
            "Idempotency-Key": _key_of(items, request.body),
        }
        trail = Trail(self._rest.pace)
        error = verdict = None
        found, shown, is_mixed = [], False, False
        try:
            answer = self._client.request(
                trail,
                request.method,
                request.url,
                headers,
                request.body,
                query=request.query,
                only_once=not all(item.is_known for item in items),
            )
            with answer.in_turn():
                found, is_mixed = self._found(items, answer)
                if not answer.ok and not any(map(_is_done, found)):
                    shown = any(map(self._shows_new, items, found))
                    raise answer.error()
                verdict = judged(answer, None, "id")
                if verdict.noes and not any(found):
                    raise verdict.error(answer)
        except SyncError as fault:
            error = fault
        except UNREADABLE as fault:
            error, trail.lost = unreadable(fault), True
        if trail.requests:
            trail.requests[-1] += f" ({len(items)} items)"
        if error is None:
            if is_mixed:
                found = [None] * len(items)
            sent = self._judge(items, trail, many, found, is_mixed)
            return sent._replace(receipts=unwritten + sent.receipts)
        fate = UNKNOWN if shown else trail.fate(error)
        if fate == UNKNOWN and not trail.lost and verdict and verdict.of_all:
            fate = REFUSED
        if isinstance(error, Rejected) and fate == REFUSED:
            return _Sent(unwritten, items, [])
        receipts = [
            self._client.receipt(item.message, trail, error, fate=fate)
            for item in items
        ]
        if receipts[0].holds_up_others:  # the first one tells of the request
            receipts[1:] = [replace(each, request="") for each in receipts[1:]]
        return _Sent(unwritten + receipts, [], [])

    def _filled(self, items):
        """:raise Rejected: one of them cannot be written"""
        base = self._client.config.url or ""
        return items[0].many.line.fill_many(base, [item.data for item in items])

    def _written(self, items):
        """:return: the items that can be written, and the receipts of the others"""
        written, refused = [], []
        for item in items:
            try:
                self._filled([item])
                written.append(item)
            except Rejected as error:
                refused.append(unsent(item.message, self._client.redact.clean(error)))
        return written, refused

    def _found(self, items, answer):
        """:return: what is said of each item, ``None`` where nobody can tell; and
        whether that of several has been taken for that of others"""
        many = items[0].many
        keys = [many.matches and many.matches.value(item.data) for item in items]
        redact = self._client.redact
        found = many.reading.of(answer.json(), keys, answer.headers, redact)
        is_mixed = not many.matches and _is_mixed(items, found)
        return [each and _own(each, answer, many) for each in found], is_mixed

    def _shows_new(self, item, own):
        """:return: whether a new record has an id in an answer of another status"""
        says_no = own and (own.answer.refusal is not None or own.has_status)
        return bool(own and own.id and not item.is_known and not says_no)

    def _judge(self, items, trail, many, found, is_mixed):
        """Read what became of each record; those that are lost are created anew."""
        times = Counter()
        for item, own in zip(items, found, strict=True):
            times.update({item.message.external_id, own and own.id} - {None})
        receipts, alone, lost, unsure = [], [], [], set()
        has_list = None in found and _has_list(trail.answer, many)
        for item, own in zip(items, found, strict=True):
            if own is None and item.is_known and has_list:
                # there is no harm in a change that comes twice; others wait no longer
                alone.append(item)
                unsure.add(item.message.key)
                continue
            if own is not None and self._is_lost(item, own):
                lost.append(item)
                continue
            if own is not None and self._may_be_gone(item, own):
                alone.append(item)
                unsure |= {item.message.key} if trail.lost else set()
                continue
            # what is typed may have found the id of something that they share
            is_shared = own is not None and not many.is_usual and times[own.id] > 1
            receipt = self._judge_item(item, own, trail, is_shared, is_mixed)
            if self._names_what_is_there(item, own, receipt):
                alone.append(item)
                unsure |= {item.message.key} if trail.lost else set()
            else:
                receipts.append(receipt)
        return _Sent(receipts, alone, lost, unsure)

    def _is_lost(self, item, own):
        """:return: whether a record is to be created anew: a batch endpoint is made for
        this addon, and knows the records"""
        return item.many.is_usual and self._rest.is_lost(item.message, own.answer)

    @staticmethod
    def _may_be_gone(item, own):
        """:return: whether a part of an answer may say that its record is not there:
        alone, that is proven"""
        if not item.is_known:
            return False
        if own.answer.status in GONE:
            return not item.many.is_usual
        return says_gone(own.answer, item.message.route)

    def _names_what_is_there(self, item, own, receipt):
        """:return: whether the refusal of a new record may have the id of one that is
        there already: alone, that is found out"""
        return (
            item.message.route.already_there == REFUSAL
            and isinstance(receipt.error, Rejected)
            and not item.is_known
            and (bool(item.message.route.there_when) or own.answer.says_there)
            and (receipt.fate == REFUSED or own.answer.refusal is not None)
        )

    def _judge_item(self, item, own, trail, is_shared, is_mixed):
        message, many = item.message, item.many
        answer = own and own.answer
        known_id, again = self._rest.record_id(message), message.again or trail.lost
        goes = message.operation != "upsert" and known_id is not None
        if goes and answer is not None and answer.status in GONE:
            return self._client.receipt(message, trail, None, answer, external_id=None)
        reading = None if many.is_usual else many.reading.id
        try:
            if answer is None:
                raise _unanswered(message, trail.answer, many, is_mixed)
            outcome = self._rest.outcome_at(
                message, answer, reading, creates=known_id is None, again=again
            )
        except SyncError as error:
            # unknown also where the request had left once before, and was not answered
            fate = UNKNOWN
            if answer is not None and not trail.lost:
                fate = self._rest.fate(message, trail, error, answer, reading)
            return self._client.receipt(message, trail, error, answer, fate=fate)
        except UNREADABLE as fault:
            error = unreadable(fault)
            return self._client.receipt(message, trail, error, answer, fate=UNKNOWN)
        if is_shared and outcome.external_id not in (None, message.external_id):
            sentence = wording._lt(
                "%(request)s answered %(status)s with the ID %(id)s for several "
                "records, so it is that of none of them."
            )
            warning = answer.sentence(sentence, id=outcome.external_id)
            outcome = outcome._replace(external_id=message.external_id, warning=warning)
        return self._client.receipt(message, trail, None, answer, **outcome._asdict())


def _key_of(items, body):
    """:return: the key of one request: the same for the same items

    The same content may be sent once more after another one: where that is answered
    from memory, nothing is written. So the keys of the items are part of it, which a
    batch endpoint has in the body.
    """
    keys = [] if items[0].many.is_usual else [each.message for each in items]
    told = "".join(f"\n{message.idempotency_key}" for message in keys)
    return f"batch-{hashlib.sha256(body + told.encode()).hexdigest()}"


def _own(item, answer, many):
    """:return: what is said of one item, ``None`` where that cannot be read"""
    status, refusal = item.status, item.refusal
    if status is None:
        # what the item says is looked at all the same
        status = answer.status
        said = many.reading.status and many.reading.status.of(item.content).value
        if is_failure(said):
            refusal = refusal if many.is_usual else refusal or ""
        elif said is not None or many.is_usual:
            return None
    try:
        body = json.dumps(item.content, ensure_ascii=False)
    except RecursionError:
        return None
    own = replace(
        answer,
        status=status,
        headers={"Retry-After": answer.headers.get("Retry-After")},
        body=body.encode("utf-8", "surrogatepass"),
        cut=False,
        refusal=refusal,
        unread=item.problem,
    )
    return _Own(own, item.id, item.status is not None)


def _has_list(answer, many):
    """:return: whether there is a list of answers, although one to a record is not
    found in it; never of a batch endpoint, which answers to each"""
    if many.is_usual or answer.cut:
        return False
    with answer.in_turn():
        found = many.reading.items.of(answer.json(), answer.headers)
    return isinstance(found.value, list)


def _is_done(own):
    """:return: whether one item says by its own status that it was done"""
    return own is not None and own.has_status and own.answer.ok


def _is_mixed(items, found):
    """:return: whether parts of an answer that should be in the order of the records
    show what others were sent with, and nothing of their own

    Only what one record alone was sent with tells, and one part alone shows.
    """
    parts = [
        set(_texts(part.content, 0)) - {(part.id or "").casefold()} if part else set()
        for part in found
    ]
    shown = _only_one(parts)
    if not shown:
        return False
    sent = _only_one([set(_texts(each.message.payload, 0)) for each in items])
    for place, texts in enumerate(parts):
        whose = {text: sent[text] for text in texts if text in sent}
        if place not in whose.values() and not shown.keys().isdisjoint(whose):
            return True
    return False


def _only_one(groups):
    """:return: texts that are in one of several sets alone, with its place"""
    count = Counter(text for texts in groups for text in texts)
    return {
        text: place
        for place, texts in enumerate(groups)
        for text in texts
        if count[text] == 1
    }


def _texts(value, depth):
    """:return: texts in a value that may tell what it is of: no numbers of a few
    digits, which may be anything"""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each, depth + 1)
    elif isinstance(value, str) and TELLING[0] <= len(value) <= TELLING[1]:
        text = value.strip().casefold()
        if not (text.isdecimal() and len(text) < DIGITS):
            yield text


def _unanswered(message, answer, many, is_mixed=False):
    if is_mixed:
        sentence = wording._lt(
            "%(request)s answered %(status)s, and its answers show the values of other "
            "records: they are not in the order of the request. Say in “Key of an "
            "Answer” what tells which record each is about."
        )
    elif answer.cut:
        sentence = wording._lt(
            "%(request)s answered %(status)s without an item and status "
            "for the key %(key)s. The answer was cut short."
        )
    elif many.is_usual:
        sentence = wording._lt(
            "%(request)s answered %(status)s without an item and status "
            "for the key %(key)s."
        )
    elif many.matches:
        sentence = wording._lt(
            "%(request)s answered %(status)s without an answer to the record %(key)s "
            "that can be told from the others."
        )
    else:
        sentence = wording._lt(
            "%(request)s answered %(status)s, and “%(name)s” in the answer is no list "
            "of one answer for each record."
        )
    name = many.reading.items.text
    return Temporary(sentence, key=message.key, name=name, **answer.told)
