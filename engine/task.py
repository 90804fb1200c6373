# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""A record as it is now, against what its destination holds: what is to be sent."""

import hashlib
import json
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from ..exceptions import SyncError
from ..mapping.content import with_mark
from ..transports.base import DONE, UNKNOWN, Message, Receipt

# Made once: json.dumps() makes one for each call that is not about the defaults.
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
# Values that are the same once written to JSON and read back.
_SCALARS = {str, int, float, bool, type(None)}


class Held(NamedTuple):
    """What a binding says of one record at the destination, when it was locked."""

    id: int | None  # of the binding; None while there is none
    res_id: int
    external_id: str | None = None
    content_hash: str | None = None
    version: int = 0
    note: str | None = None
    doubt: str | None = None  # see ``sync.binding``
    version_token: str | None = None
    looked: bool | None = None
    adopted: bool = False  # by a delivery
    absent: str | None = None  # as it is after a delivery


@dataclass(frozen=True)
class Attempt:
    """A request of which nobody knows whether it got through, see ``sync.attempt``."""

    version: int  # of the binding that it was made at
    operation: str
    key: str  # its idempotency key
    digest: str  # the fingerprint of its operation and content
    content: str  # JSON; empty where it will not be sent again as it was
    creates: bool = False  # may have made a record there whose id is not known here
    id: int | None = None  # of its note
    # when it can no longer arrive, by the database's clock (UTC, naive); None once its
    # sender has seen its end
    late_until: datetime | None = None
    over: bool = True  # nothing of it can arrive any more
    # what was found there, and is updated by it, or what it has made there
    external_id: str | None = None
    # when a search shows what it has created (UTC, naive); None once that is past
    shown_from: datetime | None = None


@dataclass(frozen=True)
class Owed:
    """The undelivered changes of one record."""

    row_ids: list[int]  # of the outbox
    force: bool  # asked for by a person: sent now, and even if nothing has changed
    resend: bool = False  # sent even if nothing has changed


class Given(NamedTuple):
    """The job that a record is sent for."""

    uuid: str
    alone: bool = True  # whether it is about that record only
    own: bool = False  # whether it is the job that runs
    priority: int | None = None  # of a job of others


@dataclass(eq=False)
class Task:
    """What has to be done for one record."""

    binding: Held
    owed: Owed
    content: str  # the content as text, "" when there is none
    digest: str  # the fingerprint of its operation and content
    message: Message | None  # None: nothing has to be sent
    payload: dict | None  # as it is to be sent, None if the record is gone
    attempts: list[Attempt]  # what was sent before, and never answered
    creation: Attempt | None  # the first unsettled one of them that creates
    doubt: str | None = None  # why it must not be sent: as in ``sync.binding``
    # its own requests: the last is the one that the receipt is about; one before it was
    # an update that has found no record
    noted: list[Attempt] = field(default_factory=list)
    receipt: Receipt | None = None  # what became of them
    error: SyncError | None = None  # why the record did not get through

    @property
    def asks_again(self):
        """Whether the creation has to be asked for before anything else is sent."""
        creation = self.creation
        return bool(creation and self.message and not self.doubt) and (
            creation.digest != self.digest or self.attempts[-1].key != creation.key
        )

    def asking_again(self, only_looks=False):
        """Return a task that sends its open creation as it was sent.

        :param only_looks: as in ``Message``
        """
        creation = self.creation
        return replace(
            self,
            content=creation.content,
            digest=creation.digest,
            message=replace(
                self.message,
                operation="upsert",
                payload=json.loads(creation.content),
                idempotency_key=creation.key,
                again=True,
                only_looks=only_looks,
            ),
            noted=[],
        )

    @property
    def found_id(self):
        """The id there of what was found, and is not on the binding yet."""
        found = self.message.external_id
        return found if found != self.binding.external_id else None

    @property
    def proof(self):
        """What has been carried out with the present settings, as in ``Route``.

        ``None`` where the system has only said that there is nothing to do, or will be.
        """
        receipt, message = self.receipt, self.message
        if message.route.takes_many:
            # that records may go together proves nothing of how they go alone
            return None
        # HTTP's, or PostgreSQL's
        if receipt.accepted or not (receipt.status or "").startswith(("2", "00")):
            return None
        if self.noted[-1].creates:
            return "create"
        return "update" if message.operation == "upsert" else message.operation

    def closed_by(self, fate):
        """Return the ids of the notes that its request's fate closes.

        Those of its own, unless the fate is unknown. A note of another one only if the
        destination has confirmed this one, and nothing of the other can come after it:
        what was carried out under a key may have been at its first request already.

        :param str fate: as in ``Receipt``
        """
        *update, own = self.noted
        if fate not in (DONE, UNKNOWN):
            # an update that has found the record gone still tells that what was
            # confirmed is not there
            return [own.id]
        closed = [each.id for each in update]
        if fate == UNKNOWN:
            # one note stands for all requests with its key
            twins = [
                each.id for each in self.attempts if each.key == own.key and each.over
            ]
            return closed + ([own.id, *twins[1:]] if twins else [])
        closed.append(own.id)
        keys = [each.key for each in self.attempts]
        again = own.key in keys
        before = self.attempts[: keys.index(own.key)] if again else self.attempts
        closed += [
            each.id
            for each in before
            if (each.late_until is None if again else each.over)
        ]
        # sending once more mends no creation that comes late, and its key does
        return closed + [
            each.id
            for each in self.attempts
            if each.key == own.key and (each.over or each.creates)
        ]

    def over_after(self, fate):
        """Return the ids of the notes that stay, and whose requests are over."""
        closed = self.closed_by(fate)
        over = [each.id for each in self.noted]
        if fate == UNKNOWN:
            # so that a retry may have its key: nothing else comes between them
            # and what was asked for again is as young as that, for whoever looks for it
            key = self.noted[-1].key
            over += [
                each.id
                for each in self.attempts
                if each.over and (each.late_until or each.key == key)
            ]
        return [id_ for id_ in over if id_ not in closed]

    @property
    def shown_from(self):
        """When a search is believed that does not find what it may have created."""
        times = [each.shown_from for each in self.attempts if each.creates]
        return max(filter(None, times), default=None)

    def adopt(self, note, external_id):
        """Take what it has noted as creations for updates of what was found there.

        :param Attempt note: of the update
        """
        self.attempts = [
            replace(each, key=note.key, creates=False, external_id=external_id)
            if each.creates
            else each
            for each in self.attempts
        ]
        own = [each for each in self.noted if not each.creates]
        self.noted = [*own, note]

    @property
    def may_be_overwritten(self):
        """The attempts that may put something else there after this was confirmed."""
        closed = self.closed_by(DONE)
        return [
            each
            for each in self.attempts
            if each.id not in closed and each.digest != self.digest
        ]


class TaskBuilder:
    """Compares records with what a destination holds of them.

    What is the same for all records of a job is found out once.

    :param stream: the ``sync.stream``
    :param route: its :class:`..transports.base.Route`, if it is known
    """

    def __init__(self, stream, route=None):
        self._route = route or stream._route()
        self._repeats_are_safe = (
            stream.backend_id.repeats_are_safe and self._route.tells_new_records
        )
        self._stream = stream
        self._marks = stream.delete_policy == "mark"
        self._deletes = stream.delete_policy != "ignore"
        self._digests = {
            operation: Fingerprint(
                operation, self._route.target, self._route.key_column
            )
            for operation in ("upsert", "mark", "delete")
        }

    def build(self, binding, owed, payload, attempts=()):
        """Return what has to be done for one record, as a :class:`Task`.

        :param binding: its binding, as :class:`Held`
        :param owed: its :class:`Owed` changes
        :param payload: the record as it is to be sent; ``None`` if it is gone
        :param attempts: each :class:`Attempt` whose answer is not known
        """
        operation, body = self._operation(payload)
        content = _ENCODER.encode(body)
        digest = self._digests[operation](content)
        # what was made before the last confirmation is settled by it
        unsettled = [each for each in attempts if each.version == binding.version]
        creation = next((each for each in unsettled if each.creates), None)
        # found there by a request that was not answered
        found = [each.external_id for each in unsettled if each.external_id]
        external_id = found[-1] if found else binding.external_id or None
        # an unanswered attempt may have put something else there since
        needed = (
            digest != binding.content_hash
            or creation is not None
            or any(attempt.digest != digest for attempt in attempts)
        )
        if payload is not None:
            needed = needed or owed.force or owed.resend
        else:
            needed = (
                needed
                and self._deletes
                and bool(binding.external_id or binding.content_hash or attempts)
            )
        message = doubt = None
        if needed:
            doubt = self._doubt(binding, creation)
            key = _idempotency_key(binding, attempts, digest)
            message = Message(
                operation=operation,
                key=binding.res_id,
                payload=_as_read_back(body, content),
                route=self._route,
                # a creation is open: what it had the id of was found gone
                external_id=None if creation else external_id,
                idempotency_key=key,
                again=bool(creation) and creation.key == key,
                looked=bool(binding.looked),
                version=None if found else binding.version_token,
            )
        told = content, digest, message, payload, list(attempts), creation, doubt
        return Task(binding, owed, *told)

    def _doubt(self, binding, creation):
        """Return why nothing may be sent of a record, ``None`` if it may.

        A creation of unknown fate is asked for again only where a repeat with its key
        makes no second record, or where the record is looked for before. What was found
        so, and may be it or not, is for a person.
        """
        if self._route.id_policy != "destination":
            return None
        if creation and binding.doubt != "found":
            can_tell = self._repeats_are_safe or self._route.can_look
            return None if can_tell else "maybe"
        return binding.doubt

    def _operation(self, payload):
        """Return what to do, and the body that says it."""
        if payload is None:
            if self._marks:
                return "mark", with_mark(self._stream, {}, True)
            return "delete", {}
        if self._marks:
            payload = with_mark(self._stream, payload, False)
        return "upsert", payload


def _idempotency_key(binding, attempts, digest):
    """Return the key of a request: that of the last attempt, or a random one.

    The same on every retry of the same content, and another one when anything else may
    have been carried out since: a destination that honours keys answers a known one
    from memory, and writes nothing. It is random so that a database that was restored
    from a backup does not repeat the keys of edits that it has forgotten.

    A destination may refuse a key that comes with another request than the first time.
    """
    last = attempts[-1] if attempts else None
    if last and (last.digest, last.version) == (digest, binding.version):
        others = [each for each in attempts if each.key != last.key]
        # a creation's key is all that keeps it from being a second one
        if last.creates or all(each.late_until is None for each in others):
            return last.key
    return new_key()


def new_key():
    """Return a key for a request that has not been made before."""
    return uuid.uuid4().hex


class Fingerprint:
    """SHA-256 of a list of texts, written as JSON, of which many begin alike.

    :param parts: the first ones; what is no text stands for its text
    """

    def __init__(self, *parts):
        text = json.dumps([str(part) for part in parts])
        self._begun = hashlib.sha256(text.removesuffix("]").encode())

    def __call__(self, *parts):
        """:return: the fingerprint of the list with the other parts, in hexadecimal"""
        text = "".join([f", {json.dumps(str(part))}" for part in parts])
        whole = self._begun.copy()
        whole.update(f"{text}]".encode())
        return whole.hexdigest()


def _as_read_back(body, content):
    """Return a content as it would be read from a note: a key has the same bytes."""
    if _SCALARS.issuperset(map(type, body.values())):
        return dict(sorted(body.items()))
    return json.loads(content)
