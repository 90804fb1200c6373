# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What every transport takes and gives. Plain Python: nothing of Odoo in here.

A transport of another addon needs this module and :mod:`..exceptions`, and nothing
else of this package.
"""

import abc
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any

from .. import wording
from ..exceptions import RateLimited, Rejected, SyncError, Throttled, Unreachable
from ..text import storable_within
from .pace import NO_PACE, Pace
from .redact import Redactor, one_line, shorten  # noqa: F401 (for other addons)

# What is known of one request afterwards, see :attr:`Receipt.fate`.
DONE = "done"
REFUSED = "refused"
UNKNOWN = "unknown"
UNSENT = "unsent"


@dataclass(frozen=True)
class Route:
    """Where the messages of one stream go within a destination.

    :param target: REST path below the destination's URL, SQL table (``table`` or
        ``schema.table``), or whatever a transport of another addon sends into
    :param batch_target: path that takes many records in one request, see
        :mod:`.rest.batch`; empty when there is none (REST)
    :param id_policy: ``destination`` when it assigns the ids, ``odoo`` when
        Odoo's key is the id there
    :param external_id_key: where the answer to a creation holds the new id; dots
        go into nested objects (REST)
    :param update_method: ``put`` or ``patch`` (REST)
    :param key_column: column that holds Odoo's key (SQL)
    :param binary: what in a payload is the base64 of a file, or a list of such: a
        column of bytes takes the file itself (SQL)
    :param constants: what in a payload is the same for all records, with its value:
        where such a column is part of a unique index with the key, it tells our rows
        from those that others have with the same key (SQL)
    """

    target: str
    id_policy: str = "destination"
    external_id_key: str = "id"
    update_method: str = "put"
    key_column: str = "odoo_id"
    batch_target: str = ""
    binary: tuple[str, ...] = ()
    constants: tuple[tuple[str, Any], ...] = ()


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
    """

    operation: str
    key: int | str
    payload: dict[str, Any]
    route: Route
    external_id: str | None = None
    idempotency_key: str = ""


@dataclass(frozen=True)
class Receipt:
    """What became of one message. Nothing in it contains a secret.

    :param external_id: id of the record at the destination from now on; ``None``
        when there is none (deleted, or Odoo's key is the id)
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
    """

    message: Message
    external_id: str | None = None
    error: SyncError | None = field(default=None, compare=False)
    request: str = ""
    status: str | None = None
    response: str = ""
    duration: float = 0.0
    fate: str | None = field(default=None, compare=False)

    def __post_init__(self):
        # also where a receipt was copied with another error than it was made with
        if self.fate is None or (self.fate == DONE) != self.ok:
            object.__setattr__(self, "fate", _fate_told_by(self.error))
        # What a destination says enters our tables here, and in a SyncError.
        for name in ("external_id", "request", "status", "response"):
            value = storable_within(getattr(self, name))
            object.__setattr__(self, name, value)

    @property
    def ok(self) -> bool:
        """Whether the destination has confirmed the message."""
        return self.error is None

    @property
    def holds_up_others(self) -> bool:
        """Whether other messages would meet the same error."""
        return isinstance(self.error, Throttled | Unreachable)


@dataclass(frozen=True)
class Column:
    """A place of a destination's table that a value can be written to.

    :param type: as the destination calls it
    :param required: it must be given a value, since there is no default for it
    """

    name: str
    type: str
    required: bool = False


class Transport(abc.ABC):
    """The way to one destination. Close it, or use it in a ``with`` statement."""

    # Set by whoever opens the transport; asked before each real request.
    pace: Pace = NO_PACE
    # Likewise; told just before a request, from any thread, that a message's record is
    # about to be created anew with a key, since an update has found it gone. What it
    # raises, a SyncError, keeps the request from leaving.
    recreating: Callable[[Message, str], None] = staticmethod(lambda message, key: None)

    @abc.abstractmethod
    def send(self, messages: Iterable[Message]) -> list[Receipt]:
        """Deliver the messages.

        A fault of the destination is never raised: it is the ``error`` of the
        receipts it concerns.

        :return: one receipt for each message, in the same order
        """

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

        :return: text without secrets; empty when there is nothing to send
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

    def close(self) -> None:
        """Give back what the transport holds."""
        return None

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()


class SequentialTransport(Transport):
    """A transport that sends one message after the other.

    Once the destination is found unreachable or asks to wait, the remaining
    messages are not sent: each would only cost a timeout, or the destination's
    patience. Their receipts carry the same error and an empty ``request``.
    """

    def send(self, messages: Iterable[Message]) -> list[Receipt]:
        messages = list(messages)
        self.pace.expect(len(messages))
        return deliver_all(self._paced, messages, 1)

    def _paced(self, message):
        try:
            self.pace.wait()
        except Throttled as error:
            return unsent(message, error)
        return self._deliver(message)

    @abc.abstractmethod
    def _deliver(self, message: Message) -> Receipt:
        """Send one message; a fault of the destination goes into the receipt."""


def deliver_all(
    deliver: Callable[[Message], Receipt], messages: Iterable[Message], threads: int
) -> list[Receipt]:
    """Deliver the messages, up to ``threads`` at a time.

    Messages about the same record are sent one after the other. Once the destination
    is found unreachable or asks to wait, no further message is started, as in
    :class:`SequentialTransport`; those under way are finished.

    :param deliver: called by several threads; a fault of the destination goes into
        the receipt that it returns
    :return: one receipt for each message, in the same order
    """
    messages = list(messages)
    receipts, stopped, by_record = {}, threading.Event(), {}
    for number, message in enumerate(messages):
        record = (message.route.target, message.key) if threads > 1 else None
        by_record.setdefault(record, []).append(number)
    records = iter(list(by_record.values()))  # each thread takes the next one

    def work():
        for numbers in records:
            for number in numbers:
                if stopped.is_set():
                    return
                receipts[number] = receipt = deliver(messages[number])
                if receipt.holds_up_others:
                    stopped.set()

    threads = min(threads, len(by_record))
    if threads <= 1:
        work()
    else:
        with ThreadPoolExecutor(threads, thread_name_prefix="sync-send") as executor:
            futures = [executor.submit(work) for _number in range(threads)]
            try:
                for future in as_completed(futures):
                    future.result()
            finally:
                # after a bug, and when this thread is interrupted, the others need
                # not go on
                stopped.set()
    return completed(messages, receipts)


def completed(messages: list[Message], receipts: dict[int, Receipt]) -> list[Receipt]:
    """Add the receipts of messages that were held back.

    :param receipts: by the number of the message, in the order in which they came in;
        where some are missing, there is one that holds up others
    :return: one receipt for each message, in the same order
    """
    obstacles = (each.error for each in receipts.values() if each.holds_up_others)
    obstacle = next(obstacles, None)
    return [
        receipts.get(number) or not_sent(message, obstacle)
        for number, message in enumerate(messages)
    ]


def not_sent(message: Message, obstacle: Throttled | Unreachable) -> Receipt:
    """:return: the receipt of a message that was held back after ``obstacle``"""
    waits = (obstacle.retry_after,) if isinstance(obstacle, Throttled) else ()
    # of another addon's class too, which may take nothing but a message
    text = wording.Sentence(
        wording._lt("Not sent after an earlier failure: %(why)s"), why=obstacle
    )
    return unsent(message, type(obstacle)(text, *waits))


def unsent(message: Message, error: SyncError) -> Receipt:
    """:return: the receipt of a message of which nothing has left"""
    return Receipt(message, message.external_id, error, fate=UNSENT)


def none_sent(messages: Iterable[Message], error: SyncError) -> list[Receipt]:
    """:return: the receipts of messages before whose first one there was an error"""
    receipts = [unsent(message, error) for message in messages]
    if receipts and receipts[0].holds_up_others:
        receipts[1:] = [not_sent(each.message, error) for each in receipts[1:]]
    return receipts


def rounds(
    items: Iterable,
    kind: Callable[[Any], Hashable],
    most: int,
    order: Callable[[Any], int] = lambda kind: 0,
) -> Iterator[list]:
    """Put items together that may go in one request, in the order to send them.

    :param items: each with the ``message`` that it is made of
    :param kind: of an item; those of one kind may go together
    :param most: as many at most
    :param order: of a kind, where it matters and no record says otherwise
    :return: groups, each item of them about another record: several about one record
        stay in order
    """
    seen, groups = Counter(), {}
    for item in items:
        record = (item.message.route.target, str(item.message.key))
        groups.setdefault((seen[record], kind(item)), []).append(item)
        seen[record] += 1
    for turn, what in sorted(groups, key=lambda key: (key[0], order(key[1]))):
        group = groups[turn, what]
        for start in range(0, len(group), most):
            yield group[start : start + most]


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
    return REFUSED if isinstance(error, Rejected) else UNKNOWN
