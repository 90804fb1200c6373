# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What every transport takes and gives. Plain Python: nothing of Odoo in here.

A transport of another addon needs this module and :mod:`..exceptions`, and nothing
else of this package.
"""

import abc
import time
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import heappop, heappush
from typing import Any, NamedTuple

from .. import wording
from ..exceptions import (
    Misconfigured,
    RateLimited,
    Rejected,
    SyncError,
    Temporary,
    Throttled,
    Unreachable,
)
from ..text import storable_within
from .pace import Pace
from .redact import Redactor, one_line, shorten  # noqa: F401 (for other addons)

# What is known of one request afterwards, see :attr:`Receipt.fate`.
DONE = "done"
REFUSED = "refused"
UNKNOWN = "unknown"
UNSENT = "unsent"

# What is known of a use before anything is sent, see :class:`Finding`.
WORKS = "works"
FAILS = "fails"
UNTOLD = "untold"

# How long what is answered waits at most for others that are about to be: this part of
# the time that its answer took, or as long as it takes to go on; and these seconds.
GRACE_PART = 0.1
MAX_GRACE = 0.02
# Seconds after which there may be something to send again, while an answer is awaited.
LOOK_AGAIN = 0.5


@dataclass(frozen=True)
class Route:
    """Where the messages of one stream go within a destination.

    :param target: REST path below the destination's URL, SQL table (``table`` or
        ``schema.table``), or whatever a transport of another addon sends into
    :param batch_target: path that takes many records in one request, see
        :mod:`.rest.batch`; empty when there is none (REST)
    :param id_policy: ``destination`` when it assigns the ids, ``odoo`` when
        Odoo's key is the id there, ``none`` when it keeps no records: each message is
        told anew, and there is nothing to update
    :param external_id_key: where an answer holds the id of the record, a
        :class:`.rest.readings.Reading` (REST); so are those below that are readings
    :param update_method: ``put`` or ``patch`` (REST)
    :param key_column: column that holds Odoo's key (SQL)
    :param binary: what in a payload is the base64 of a file, or a list of such: a
        column of bytes takes the file itself (SQL)
    :param constants: what in a payload is the same for all records, with its value:
        where such a column is part of a unique index with the key, it tells our rows
        from those that others have with the same key (SQL)
    :param left_out: what a payload lacks where it is empty (SQL)
    :param proven: what has worked on this route, since it was last changed: ``create``,
        ``update``, ``mark``, ``delete``. Where it has not, an answer such as 404 may be
        about the route, and not about the record
    :param known_ids: of some records that are there, which may be looked at
    :param requests: those that are typed, each with its kind, line and body, see
        :mod:`.rest.requests`; of other kinds what is usual at ``target`` (REST)
    :param encoding: of bodies, ``json`` or ``form`` (REST)
    :param refused: reading of what says no in an answer, and why (REST)
    :param gone: reading of what says that a record is not there (REST)
    :param already_there: what becomes of a new record that the destination may hold
        under an id that is not known here: ``find`` looks for it before it is created,
        ``refusal`` takes the id from the answer that refuses it; empty for a failure
        (REST)
    :param found: reading of the ids in the answer to a search (REST)
    :param there_when, there_where, there_before: readings of a refusal: that the record
        is there, and its id; then the text before the id (REST)
    :param version, version_header: reading of the version token, and the name of the
        header that sends it back (REST)
    :param many_size: records of one request for many at most (REST)
    :param many_items, many_key, many_matches, many_status, many_id, many_refused: where
        the answer to many has those to single records; what tells the record of each,
        and the placeholder that it is compared with; its status, its id, and what says
        no. See :class:`.rest.readings.ManyReading` (REST)
    """

    target: str
    id_policy: str = "destination"
    external_id_key: str = "id"
    update_method: str = "put"
    key_column: str = "odoo_id"
    batch_target: str = ""
    binary: tuple[str, ...] = ()
    constants: tuple[tuple[str, Any], ...] = ()
    left_out: tuple[str, ...] = ()
    proven: frozenset[str] = frozenset()
    known_ids: tuple[str, ...] = ()
    requests: tuple[tuple[str, str, str], ...] = ()
    encoding: str = "json"
    refused: str = ""
    gone: str = ""
    already_there: str = ""
    found: str = ""
    there_when: str = ""
    there_where: str = ""
    there_before: str = ""
    version: str = ""
    version_header: str = ""
    many_size: int = 0
    many_items: str = ""
    many_key: str = ""
    many_matches: str = ""
    many_status: str = ""
    many_id: str = ""
    many_refused: str = ""

    @property
    def can_look(self) -> bool:
        """Whether a new record can be looked for at the destination, see
        ``already_there``."""
        asks = any(kind == "find" for kind, _line, _body in self.requests)
        return asks and bool(self.already_there) and self.id_policy == "destination"

    @cached_property
    def takes_many(self) -> bool:
        """Whether there is a request for many records (REST)."""
        kinds = {kind for kind, _line, _body in self.requests}
        return bool(self.batch_target or kinds & {"many_create", "many_update"})

    @cached_property
    def tells_new_records(self) -> bool:
        """Whether each new record is sent with its key: a request for many has one key
        for all of them, so that each has to hold its own (REST)."""
        return all(
            '"{idempotency_key}"' in body
            for kind, _line, body in self.requests
            if kind == "many_create"
        )

    @cached_property
    def bare(self) -> "Route":
        """The same without what is known of the records there."""
        return replace(self, proven=frozenset(), known_ids=())


@dataclass(frozen=True)
class Message:
    """One record to deliver.

    :param operation: ``upsert``; ``delete``; or ``mark``, which flags the record
        as deleted at the destination and leaves it there
    :param key: Odoo's id of the record
    :param payload: what to write, of types that JSON knows; for ``mark`` only the
        flag, for ``delete`` empty
    :param external_id: id that the destination gave to the record, if it did
    :param idempotency_key: the same on every attempt to send the same content
    :param again: it creates a record that may be there already: the same was sent
        before with the same key, and not answered
    :param looked: a person has looked for the record, and has not found it
    :param only_looks: the new record is looked for, and not created: what it would be
        created with is not what it is now
    :param version: the version token that the destination gave last, if it did
    """

    operation: str
    key: int | str
    payload: dict[str, Any]
    route: Route
    external_id: str | None = None
    idempotency_key: str = ""
    again: bool = False
    looked: bool = False
    version: str | None = None
    only_looks: bool = False


@dataclass(frozen=True)
class Receipt:
    """What became of one message. Nothing in it contains a secret.

    :param external_id: id of the record at the destination from now on; ``None``
        when there is none (deleted, or Odoo's key is the id), and when the answer to a
        creation has none: the record is there, and nobody here knows its id
    :param error: why it was not delivered; ``None`` when it was
    :param request: what was sent, for the log; empty when nothing was, and when one
        request for several messages got no answer and the receipt of the first one
        tells of it: one attempt is one line of the log
    :param status: HTTP status or SQLSTATE; ``None`` when there was no answer
    :param response: the beginning of the answer, for the log
    :param duration: seconds
    :param fate: what is now known of this very request, whatever is to be done next:
        ``done``; ``refused``, it changed nothing there; ``unknown``, it may have been
        carried out, or still be; ``unsent``, nothing of it ever left. Where a message
        took several requests, what all of them together may have changed. A transport
        that does not say gets what is safe, see :func:`_fate_told_by`
    :param accepted: the destination has taken a message that it has confirmed, and
        has not said that it is carried out
    :param warning: what is doubtful about a confirmation, a sentence for people
    :param adopted: the record was there already, and has been updated
    :param version: the version token of the record from now on; ``None`` when the
        answer has none
    """

    message: Message
    external_id: str | None = None
    error: SyncError | None = field(default=None, compare=False)
    request: str = ""
    status: str | None = None
    response: str = ""
    duration: float = 0.0
    fate: str | None = field(default=None, compare=False)
    accepted: bool = False
    warning: wording.Sentence | None = field(default=None, compare=False)
    adopted: bool = False
    version: str | None = None

    def __post_init__(self):
        # also where a receipt was copied with another error than it was made with
        if self.fate is None or (self.fate == DONE) != self.ok:
            object.__setattr__(self, "fate", _fate_told_by(self.error))
        # What a destination says enters our tables here, and in a SyncError.
        for name in ("external_id", "request", "status", "response", "version"):
            value = storable_within(getattr(self, name))
            object.__setattr__(self, name, value)

    @property
    def ok(self) -> bool:
        """Whether the destination has confirmed the message."""
        return self.error is None

    @property
    def holds_up_others(self) -> bool:
        """Whether other messages would meet the same error."""
        return isinstance(self.error, Throttled | Unreachable | Misconfigured)


@dataclass(frozen=True)
class Column:
    """A place of a destination's table that a value can be written to.

    :param type: as the destination calls it
    :param required: it must be given a value, since there is no default for it
    """

    name: str
    type: str
    required: bool = False


@dataclass(frozen=True)
class Use:
    """What a stream wants of a destination.

    :param names: of the keys or columns that its contents fill, without those that the
        route names; none where that is not known yet
    :param operations: of its messages, see :class:`Message`
    :param mark: the key or column that a ``mark`` fills
    """

    route: Route
    names: tuple[str, ...] = ()
    operations: tuple[str, ...] = ("upsert",)
    mark: str = ""


@dataclass(frozen=True)
class Finding:
    """What is known of a use although nothing has been sent.

    :param outcome: ``works``; ``fails``; or ``untold``, as only sending would tell
    :param sentence: what shows it, for people; nothing in it is a secret
    """

    outcome: str
    sentence: str | wording.Sentence


# Gives the next messages, see Transport.deliver().
Take = Callable[[int], list[Message]]


class Exchange(NamedTuple):
    """One request and its answer, without secrets.

    :param request: method and address
    :param sent: the body, as text
    :param status: of the answer; empty when there was none
    :param headers: of the answer
    :param answer: its body as JSON, as text where it is none
    :param problem: why there was no answer
    """

    request: str
    sent: str = ""
    status: str = ""
    headers: dict[str, str] | None = None
    answer: Any = None
    problem: SyncError | None = None


class NoPace(Pace):
    """No limit: nothing is reserved, and it is always everybody's turn."""

    def expect(self, count):
        pass

    def wait(self):
        pass


NO_PACE = NoPace(reserve=None)


class Transport(abc.ABC):
    """The way to one destination. Close it, or use it in a ``with`` statement.

    One that sends several messages at once, or should stop in time, is a
    :class:`PullingTransport`.
    """

    # Set by whoever opens the transport; asked before each real request.
    pace: Pace = NO_PACE
    # Likewise; how many messages :meth:`send` is given at once, where the transport
    # does not ask for them itself.
    at_once: int = 1
    # Likewise; when the time to start requests is over, by ``time.monotonic()``. It is
    # for what a transport takes at once and sends in many requests all the same.
    end: float | None = None
    # Likewise; told just before a request, from any thread, that a message's record is
    # about to be created anew with a key, since an update has found it gone. What it
    # raises, a SyncError, keeps the request from leaving.
    recreating: Callable[[Message, str], None] = staticmethod(lambda message, key: None)
    # Likewise; told just before a request that updates, with a key, what was found
    # there under an id, and by which texts it was found. What it raises, a SyncError,
    # keeps the request from leaving: no id belongs to two records.
    adopting: Callable[[Message, str, str, tuple[str, ...]], None] = staticmethod(
        lambda message, external_id, key, sought: None
    )

    @abc.abstractmethod
    def send(self, messages: Iterable[Message]) -> list[Receipt]:
        """Deliver the messages.

        A fault of the destination is never raised: it is the ``error`` of the
        receipts it concerns. Once the destination is found unreachable or asks to wait,
        the remaining messages are not started: each would only cost a timeout, or the
        destination's patience. Their receipts have the same class of error, and an
        empty ``request``.

        :return: one receipt for each message, in the same order
        """

    def deliver(self, take: Take) -> Iterator[Receipt]:
        """Send what ``take`` gives until it gives nothing more.

        :param take: called with a number, in the thread that reads the receipts and in
            no other; gives so many messages at most, each about another record, none
            of whose records is under way. They are noted as sent, and so leave at
            once. An empty list means that nothing is to be started now: what is under
            way is finished, while it may be called again, and then it is over
        :return: the receipt of each message, as soon as it is known. Whoever does not
            read them to the end closes the iterator: nothing more is started then, and
            what is under way is waited for
        """
        while messages := take(self.at_once):
            yield from self.send(messages)

    @abc.abstractmethod
    def check(self) -> str:
        """Ask the destination for a sign of life; nothing there is changed.

        :return: a sentence that says what answered
        :raise SyncError: when the destination does not work
        """

    # What follows is for people who set up a synchronization. A transport may leave
    # it out; none of it changes anything at the destination, or waits for the pace.

    def preview(self, message: Message) -> str:
        """Tell what would be sent for a message, and send nothing.

        :return: text without secrets, or a sentence of such; empty when there is
            nothing to send
        :raise SyncError: the message cannot be sent as it is
        :raise NotImplementedError: this transport cannot tell
        """
        raise NotImplementedError

    def held(self, message: Message) -> dict[str, Any] | None:
        """Ask what the destination holds of a message's record now.

        :return: values by name, as in a payload and without secrets; ``None`` when it
            does not hold the record
        :raise SyncError: it does not say
        :raise NotImplementedError: this transport cannot ask
        """
        raise NotImplementedError

    def heard(self, hear: Callable[["Exchange"], None]) -> "Transport":
        """Be listened to, for somebody who tries what is set up.

        :param hear: told of each request and its answer, once both are over
        :return: a transport to the same destination, which tells
        :raise NotImplementedError: this transport cannot tell
        """
        raise NotImplementedError

    def columns(self, target: str) -> list[Column]:
        """Ask which columns a table has.

        :param target: as in :class:`Route`
        :raise SyncError: there is no such table, or the destination does not say
        :raise NotImplementedError: there are no tables
        """
        raise NotImplementedError

    def tables(self) -> list[str]:
        """Ask which tables may be filled.

        :return: their names, as in :class:`Route`
        :raise SyncError: the destination does not say
        :raise NotImplementedError: there are no tables
        """
        raise NotImplementedError

    # Whether several threads may examine at the same time.
    examines_at_once = False

    def examine(self, use: Use) -> Finding:
        """Find out whether messages of a use would be taken, and send none.

        It only asks, and waits for the pace before each question: there may be many.

        :return: nothing more than is known
        :raise SyncError: why no use of the destination works, or none is to be examined
            now
        """
        return Finding(UNTOLD, wording._lt("Only sending tells."))

    def close(self) -> None:
        """Give back what the transport holds."""
        return None

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()


class PullingTransport(Transport):
    """A transport that asks for its messages when it can send them."""

    @abc.abstractmethod
    def deliver(self, take: Take) -> Iterator[Receipt]:
        """Send what ``take`` gives, see :meth:`Transport.deliver`."""

    def send(self, messages: Iterable[Message]) -> list[Receipt]:
        receipts = dict(deliver_list(self.deliver, messages))
        return [receipts[number] for number in range(len(receipts))]


class SequentialTransport(PullingTransport):
    """A transport that sends one message after the other."""

    def deliver(self, take: Take) -> Iterator[Receipt]:
        return deliver_all(self._paced, take, 1)

    def _paced(self, message):
        try:
            self.pace.wait()
        except Throttled as error:
            return unsent(message, error)
        return self._deliver(message)

    @abc.abstractmethod
    def _deliver(self, message: Message) -> Receipt:
        """Send one message; a fault of the destination goes into the receipt."""


def examine_all(transport: Transport, uses: Iterable[Use]) -> list[Finding]:
    """Examine uses of a destination until the time of the transport is over.

    The first one alone: a password that is wrong is tried once. Once the destination is
    found unreachable or asks to wait, no further one is examined.

    :return: a finding for each, in their order
    """
    obstacles = []

    def examine(use):
        if obstacles:
            text = wording._lt("Not asked after an earlier failure: %(why)s")
            return Finding(UNTOLD, wording.Sentence(text, why=obstacles[0]))
        if transport.end is not None and time.monotonic() > transport.end:
            return Finding(UNTOLD, wording._lt("Not asked: the time is over."))
        try:
            return transport.examine(use)
        except SyncError as error:
            if isinstance(error, Throttled | Unreachable):
                obstacles.append(error)
            passing = isinstance(error, Throttled | Temporary)
            return Finding(UNTOLD if passing else FAILS, error.message)

    uses = list(uses)
    found = [examine(use) for use in uses[:1]]
    threads = transport.at_once if transport.examines_at_once else 1
    with ThreadPoolExecutor(threads, thread_name_prefix="sync-examine") as executor:
        return [*found, *executor.map(examine, uses[1:])]


def deliver_all(
    deliver_one: Callable[[Message], Receipt], take: Take, threads: int
) -> Iterator[Receipt]:
    """Deliver messages one by one, with up to ``threads`` threads.

    Whichever thread is free gets another message, however long the others take.

    :param deliver_one: called by the threads, or by this one where one is enough; a
        fault of the destination goes into the receipt that it returns
    :param take, return: see :meth:`Transport.deliver`
    """

    def timed(message):
        return deliver_one(message), time.monotonic()

    under_way, went = {}, time.monotonic()  # when it was started, by future
    with ThreadPoolExecutor(threads, thread_name_prefix="sync-send") as executor:
        while (messages := take(threads - len(under_way))) or under_way:
            now = time.monotonic()
            if threads == 1:
                receipts = [deliver_one(messages[0])]
            else:
                for message in messages:
                    under_way[executor.submit(timed, message)] = now
                patience = LOOK_AGAIN if len(under_way) < threads else None
                receipts = _answered(under_way, patience, now - went)
            went = time.monotonic()
            yield from receipts


def _answered(under_way, patience, away):
    """Wait for one, and for those that end with it if they take as long as it took.

    To hand over its receipt and take the next message costs as much for one as for all.

    :param patience: seconds to wait at most; ``None`` until there is one
    :param away: what it has cost the last time to go on, in seconds
    :return: the receipts of those that have ended, and are under way no more
    """
    done, _left = wait(under_way, patience, return_when=FIRST_COMPLETED)
    if done:
        now = time.monotonic()
        took = min(future.result()[1] - under_way[future] for future in done)
        grace = min(max(took * GRACE_PART, away), took, MAX_GRACE)
        near = [each for each, at in under_way.items() if abs(at + took - now) < grace]
        wait(near, grace)
    ended = [future for future in under_way if future.done()]
    for future in ended:
        del under_way[future]
    return [future.result()[0] for future in ended]


def deliver_list(
    deliver: Callable[[Take], Iterator[Receipt]],
    messages: Iterable[Message],
    end: float | None = None,
) -> Iterator[tuple[int, Receipt]]:
    """Have the messages of a list delivered, those about one record in their order.

    Once the destination is found unreachable or asks to wait, no further message is
    started; nor is one when the time is over.

    :param deliver: as :meth:`Transport.deliver`
    :param end: when that is, by ``time.monotonic()``
    :return: the receipt of each message with its place in the list, as they come in;
        last those of messages that were held back
    """
    messages, places, obstacle = list(messages), defaultdict(deque), None
    for place, message in enumerate(messages):
        places[_record(message)].append(place)
    free = [of_record[0] for of_record in places.values()]  # a heap: the first go first
    begun = False

    def take(most):
        nonlocal obstacle, begun
        # the first ones always leave: who comes back must not find all as it was
        if end is not None and begun and free and time.monotonic() > end:
            text = wording._lt("Not sent: the time of this run is over.")
            obstacle = obstacle or RateLimited(text, 1.0)
        count = 0 if obstacle else min(most, len(free))
        begun = begun or count > 0
        return [messages[heappop(free)] for _number in range(count)]

    for receipt in deliver(take):
        of_record = places[_record(receipt.message)]
        yield of_record.popleft(), receipt
        if receipt.holds_up_others:
            obstacle = obstacle or receipt.error
        if of_record:
            heappush(free, of_record[0])
    for of_record in places.values():
        for place in of_record:
            yield place, not_sent(messages[place], obstacle)


def _record(message):
    return message.route.target, str(message.key)


def not_sent(message: Message, obstacle: SyncError) -> Receipt:
    """:return: the receipt of a message that was held back after ``obstacle``"""
    more = ()
    if isinstance(obstacle, Throttled):
        more = (obstacle.retry_after,)
    elif isinstance(obstacle, Misconfigured):
        more = (obstacle.setting,)
    # of another addon's class too, which may take nothing but a message
    text = wording.Sentence(
        wording._lt("Not sent after an earlier failure: %(why)s"), why=obstacle
    )
    return unsent(message, type(obstacle)(text, *more))


def unsent(message: Message, error: SyncError) -> Receipt:
    """:return: the receipt of a message of which nothing has left"""
    return Receipt(message, message.external_id, error, fate=UNSENT)


def none_sent(messages: Iterable[Message], error: SyncError) -> list[Receipt]:
    """:return: the receipts of messages before whose first one there was an error"""
    receipts = [unsent(message, error) for message in messages]
    if receipts and receipts[0].holds_up_others:
        receipts[1:] = [not_sent(each.message, error) for each in receipts[1:]]
    return receipts


def grouped(
    items: Iterable,
    kind: Callable[[Any], Hashable],
    order: Callable[[Any], int] = lambda kind: 0,
) -> list[list]:
    """Put items together that may go in one request, in the order to send them.

    :param items: each about another record
    :param kind: of an item; those of one kind may go together
    :param order: of a kind, where it matters
    """
    groups = defaultdict(list)
    for item in items:
        groups[kind(item)].append(item)
    return [groups[what] for what in sorted(groups, key=order)]


def deliver_groups(
    deliver: Callable[[list], Iterable[Receipt]], groups: Iterable[list]
) -> Iterator[Receipt]:
    """Deliver one group after the other, as long as nothing holds up the others.

    :param deliver: gives the receipts of the items of a group
    :param groups: items, each with the ``message`` that it is made of
    :return: the receipts of all, as they come in
    """
    obstacle = None
    for group in groups:
        if obstacle:
            yield from (not_sent(item.message, obstacle) for item in group)
            continue
        for receipt in deliver(group):
            if receipt.holds_up_others:
                obstacle = obstacle or receipt.error
            yield receipt


def _fate_told_by(error):
    """What an error alone tells of a request's fate: no more than is sure.

    A request that has left and failed may have been carried out. ``Rejected`` says that
    the destination has judged it, and ``RateLimited`` is our own limit. ``Throttled``
    says neither: behind a 503 there may be a proxy that has passed the request on.
    """
    if error is None:
        return DONE
    if isinstance(error, RateLimited):
        return UNSENT
    return REFUSED if isinstance(error, Rejected | Misconfigured) else UNKNOWN
