# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from dataclasses import dataclass

from odoo import api, fields, models
from odoo.tools import SQL

from ..text import storable
from .loose_link import LooseMany2one


@dataclass(frozen=True)
class Attempt:
    """A request of which nobody knows whether it got through."""

    operation: str
    key: str  # its idempotency key
    digest: str  # the fingerprint of its operation and content
    content: str  # JSON; empty where it will not be sent again as it was


class SyncAttempt(models.Model):
    """A note, committed before something is sent, and dropped with the answer.

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

    _key_uniq = models.UniqueIndex("(stream_id, res_id, version, idempotency_key)")

    @api.model
    def _note(self, stream_id, notes):
        """Commit notes about requests that are about to be sent.

        :param notes: list of ``(record id, binding version, Attempt)``
        """
        rows = [
            (
                res_id,
                version,
                note.operation,
                note.key,
                note.digest,
                # where that changes it, it will be refused before it is sent
                storable(note.content),
            )
            for res_id, version, note in notes
        ]
        with self.env.registry.cursor() as cr:
            # one parameter: psycopg2 takes longer for an array than for JSON
            cr.execute(
                """
                INSERT INTO sync_attempt
                       (stream_id, res_id, version, operation,
                        idempotency_key, digest, content)
                SELECT %s, (note ->> 0)::int, (note ->> 1)::int, note ->> 2,
                       note ->> 3, note ->> 4, note ->> 5
                  FROM jsonb_array_elements(%s) AS note
                ON CONFLICT (stream_id, res_id, version, idempotency_key)
                DO NOTHING
                """,
                (stream_id, json.dumps(rows)),
            )

    @api.model
    def _read_open(self, stream_id, versions):
        """Return the open attempts of records, oldest first.

        :param dict versions: version of the binding by record id; attempts made at
            another version were answered since
        :return: dict of lists of :class:`Attempt` by record id
        """
        found = {}
        with self.env.registry.cursor() as cr:
            cr.execute(
                SQL(
                    """
                    SELECT res_id, version, operation, idempotency_key, digest,
                           content
                      FROM sync_attempt
                     WHERE stream_id = %s AND res_id IN %s
                     ORDER BY id
                    """,
                    stream_id,
                    tuple(versions),
                )
            )
            for res_id, version, *values in cr.fetchall():
                if version == versions[res_id]:
                    found.setdefault(res_id, []).append(Attempt(*values))
        return found

    @api.model
    def _forget_records(self, stream_id, record_ids):
        """Drop all notes of records whose state there is known, and commit."""
        self._delete(
            SQL("stream_id = %s AND res_id IN %s", stream_id, tuple(record_ids))
        )

    @api.model
    def _forget_keys(self, stream_id, keys):
        """Drop the notes of requests that were refused, and commit."""
        self._delete(
            SQL("stream_id = %s AND idempotency_key IN %s", stream_id, tuple(keys))
        )

    @api.model
    def _delete(self, where):
        with self.env.registry.cursor() as cr:
            # a note that a crash brings back does no harm: its version is over
            cr.execute("SET LOCAL synchronous_commit = off")
            cr.execute(SQL("DELETE FROM sync_attempt WHERE %s", where))
