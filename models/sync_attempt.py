# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import logging
import threading
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from ..exceptions import Temporary
from ..text import storable
from . import read_committed
from .loose_link import LooseMany2one

_logger = logging.getLogger(__name__)

# Notes that are looked after in one go; the rest is for the next run.
SWEEP_BATCH = 1000


@dataclass(frozen=True)
class Attempt:
    """A request of which nobody knows whether it got through.

    :param version: of the binding that it was made at
    :param key: its idempotency key
    :param digest: the fingerprint of its operation and content
    :param content: JSON; empty where it will not be sent again as it was
    :param creates: it may have made a record there whose id is not known here
    :param id: of its note
    :param late_until: when it can no longer arrive, by the database's clock (UTC,
        naive); ``None`` once its sender has seen its end
    :param over: nothing of it can arrive any more
    """

    version: int
    operation: str
    key: str
    digest: str
    content: str
    creates: bool = False
    id: int | None = None
    late_until: datetime | None = None
    over: bool = True


class SyncAttempt(models.Model):
    """A note of one request, committed before it is sent.

    It is closed by what is known of that very request (``Receipt.fate``), or by a later
    state of the record that the destination has confirmed and that nothing of the
    request can come after. What another request met, even one with the same key, closes
    nothing.

    If the worker or the connection dies before the answer, the destination may hold
    what nobody here knows of: a record without its id, or content other than what it
    confirmed last. The next job finds the note. It asks for a creation again with the
    same key and content, instead of creating a second record; and it does not take
    content for unchanged that another one may have been written over.

    Notes are read and written by cursors of their own: a job's own transaction may be
    rolled back, and its snapshot may be older than the note of the job before it.
    """

    _name = "sync.attempt"
    _description = "Unanswered Delivery"
    _log_access = False
    _rec_name = "idempotency_key"

    # -- fields ---------------------------------------------------------------

    stream_id = LooseMany2one(
        "sync.stream",
        required=True,
        readonly=True,
        help="What the request belongs to.",
    )
    res_id = fields.Integer(
        required=True,
        readonly=True,
        help="Id of the record in Odoo.",
    )
    version = fields.Integer(
        readonly=True, help="Version of the binding that it was made at."
    )
    operation = fields.Char(
        required=True,
        readonly=True,
        help="What the request was to do: write the record, mark it or delete it.",
    )
    idempotency_key = fields.Char(
        required=True,
        readonly=True,
        help="The key that every retry of the same content carries.",
    )
    digest = fields.Char(
        required=True,
        readonly=True,
        help="Fingerprint of the content.",
    )
    content = fields.Text(
        required=True,
        readonly=True,
        help="What was sent, so that a retry sends the same.",
    )
    creates = fields.Boolean(
        readonly=True,
        help="The request may have made a record there whose id is not known here.",
    )
    late_until = fields.Datetime(
        readonly=True,
        help="The request may still arrive until then; empty once it is over.",
    )

    _record_index = models.Index("(stream_id, res_id)")

    # -- what jobs read and write ---------------------------------------------

    @api.model
    def _read_open(self, stream_id, record_ids):
        """Return the open attempts of records, oldest first.

        :return: dict of lists of :class:`Attempt` by record id
        """
        found = {}
        with self.env.registry.cursor() as cr:
            cr.execute(
                SQL(
                    """
                    SELECT res_id, version, operation, idempotency_key, digest,
                           content, COALESCE(creates, false), id, late_until,
                           late_until IS NULL
                           OR late_until < clock_timestamp() AT TIME ZONE 'utc'
                      FROM sync_attempt
                     WHERE stream_id = %s AND res_id IN %s
                     ORDER BY id
                    """,
                    stream_id,
                    tuple(record_ids),
                )
            )
            for res_id, *values in cr.fetchall():
                found.setdefault(res_id, []).append(Attempt(*values))
        return found

    @api.model
    def _settle(self, closed, over):
        """Commit what is known of requests that have not got through.

        :param closed: ids of the notes to drop
        :param over: ids of those that stay, and whose requests have come to an end
        """
        if closed or over:
            # the sweep may be at the same notes
            with read_committed.cursor(self.env.registry) as cr:
                self.env(cr=cr)["sync.attempt"]._end(closed, over)

    @api.model
    def _end(self, closed, over):
        """Do what :meth:`_settle` commits."""
        self.env.cr.execute(
            """
            WITH ended AS (
                UPDATE sync_attempt SET late_until = NULL WHERE id = ANY(%s))
            DELETE FROM sync_attempt WHERE id = ANY(%s)
            """,
            (list(over), list(closed)),
        )

    @api.model
    def _close(self, stream_id, closed, known):
        """Drop the notes that a confirmation has closed, and commit.

        :param closed: ids of those notes
        :param dict known: ids of the notes that the jobs knew of, by record id
        :return: list of ``(record id, version, digest, late_until)`` of the notes of
            these records that they did not know of
        """
        with read_committed.cursor(self.env.registry) as cr:
            # a note that a crash brings back does no harm: it is sent once more
            cr.execute("SET LOCAL synchronous_commit = off")
            cr.execute(
                SQL(
                    """
                    WITH gone AS (DELETE FROM sync_attempt WHERE id = ANY(%s))
                    SELECT res_id, version, digest, late_until FROM sync_attempt
                     WHERE stream_id = %s AND res_id IN %s AND id <> ALL(%s)
                    """,
                    list(closed),
                    stream_id,
                    tuple(known),
                    [id_ for ids in known.values() for id_ in ids] + list(closed),
                )
            )
            return cr.fetchall()

    @api.model
    def _restore(self, stream_id, notes):
        """Write notes of requests that are over and must not be forgotten.

        :param notes: list of ``(record id, Attempt)`` with the ids of notes, which may
            have been dropped by others
        """
        self.env.cr.execute(
            f"""
            INSERT INTO sync_attempt
                   (stream_id, id, res_id, version, operation, idempotency_key,
                    digest, content, creates)
            SELECT %s, (note ->> 7)::int, {_VALUES}
              FROM jsonb_array_elements(%s) AS note
            ON CONFLICT (id) DO UPDATE SET late_until = NULL
            """,
            (stream_id, json.dumps([[*_row(*each), each[1].id] for each in notes])),
        )

    # -- cron: notes that nobody has looked after -----------------------------

    @api.model
    def _send_over_forgotten(self):
        """Have records sent once more where a request may have come late, and commit.

        Jobs see to that themselves, see ``sync.binding._close_notes``. Here it is about
        a worker that had lost its connection, noted its request after the next one had
        looked, and died before it could say so; and about notes that a crash has
        brought back, most of which tell of what is there anyway.
        """
        with self.env.registry.cursor() as cr:
            env = self.env(cr=cr)
            found = env.execute_query(self._forgotten_query())
            in_use = env["sync.stream"]._in_use()
            late = {}
            for _id, stream_id, res_id, is_same in found:
                if not is_same and stream_id in in_use._ids:
                    late.setdefault(stream_id, {})[res_id] = ()
            env["sync.attempt"]._end(
                closed=[id_ for id_, _stream, _record, is_same in found if is_same],
                over=[
                    id_
                    for id_, stream_id, res_id, _same in found
                    if res_id in late.get(stream_id, ())
                ],
            )
            for stream_id, records in late.items():
                stream = in_use.browse(stream_id)
                env["sync.binding"]._send_once_more(stream, records)

    @api.model
    def _forgotten_query(self):
        """Return the query for notes that a confirmation has left, as :class:`SQL`.

        Their requests can no longer arrive, and nothing is on its way for the record.
        Its columns: id, stream id, record id, whether the destination has confirmed the
        same content.
        """
        return SQL(
            """
            SELECT a.id, a.stream_id, a.res_id,
                   a.digest IS NOT DISTINCT FROM b.content_hash
              FROM sync_attempt a
              JOIN sync_binding b ON b.stream_id = a.stream_id AND b.res_id = a.res_id
             WHERE a.late_until < now() AT TIME ZONE 'utc'
               AND a.version < b.version AND NOT b.skipped
               AND NOT EXISTS (
                   SELECT FROM sync_outbox o
                    WHERE o.stream_id = a.stream_id AND o.res_id = a.res_id)
             ORDER BY a.id LIMIT %s
            """,
            SWEEP_BATCH,
        )


# One parameter for all notes: psycopg2 takes longer for an array than for JSON.
_VALUES = """
    (note ->> 0)::int, (note ->> 1)::int, note ->> 2, note ->> 3, note ->> 4,
    note ->> 5, (note ->> 6)::bool
"""


def _row(res_id, attempt):
    return (
        res_id,
        attempt.version,
        attempt.operation,
        attempt.key,
        attempt.digest,
        # where that changes it, it will be refused before it is sent
        storable(attempt.content),
        attempt.creates,
    )


def write_notes(registry, stream_id, notes, seconds):
    """Commit notes about requests that are about to be sent; any thread may do so.

    :param registry: of the database
    :param notes: list of ``(record id, Attempt)``, one for a record
    :param seconds: after which all of them are over, however slow the answers
    :return: dict of the notes' ids by record id
    """
    with registry.cursor() as cr:
        cr.execute(
            f"""
            INSERT INTO sync_attempt
                   (stream_id, late_until, res_id, version, operation, idempotency_key,
                    digest, content, creates)
            -- whole seconds, as the eta of a job that waits for it
            SELECT %s, date_trunc('second', now() AT TIME ZONE 'utc'
                                            + %s * interval '1 second'), {_VALUES}
              FROM jsonb_array_elements(%s) AS note
            RETURNING res_id, id
            """,
            (stream_id, seconds, json.dumps([_row(*each) for each in notes])),
        )
        return dict(cr.fetchall())


class Recreations:
    """Notes creations that a transport decides on, see ``Transport.recreating``.

    :param registry: of the database
    :param stream_id: what the messages belong to
    :param attempts: the :class:`Attempt` that each message is, by record id
    :param seconds: as for :func:`write_notes`
    """

    def __init__(self, registry, stream_id, attempts, seconds):
        self._registry = registry
        self._stream_id = stream_id
        self._attempts = attempts
        self._seconds = seconds
        self._lock = threading.Lock()
        self.made = {}  # Attempt by record id

    def __call__(self, message, key):
        """:raises Temporary: it could not be noted, and so must not be sent"""
        attempt = replace(self._attempts[message.key], key=key, creates=True, id=None)
        try:
            ids = write_notes(
                self._registry,
                self._stream_id,
                [(message.key, attempt)],
                self._seconds,
            )
        except psycopg2.Error:
            _logger.exception("The creation of %s could not be noted", message.key)
            raise Temporary("Not sent: it could not be noted before.") from None
        with self._lock:
            self.made[message.key] = replace(attempt, id=ids[message.key])
