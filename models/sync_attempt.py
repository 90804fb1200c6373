# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import dataclass

from odoo import api, fields, models
from odoo.tools import SQL


@dataclass(frozen=True)
class Attempt:
    """A first request for a record of which nobody knows whether it got through."""

    key: str  # its idempotency key
    digest: str  # the fingerprint of its content
    content: str  # JSON


class SyncAttempt(models.Model):
    """A note, committed before a record is sent for the first time.

    If the worker or the connection dies before the answer, the destination may hold
    a record whose id nobody here knows. The next job finds the note and asks again
    with the same key and content, instead of creating a second one. Notes are read
    and written by cursors of their own: a job's own transaction may be rolled back,
    and its snapshot may be older than the note of the job before it.
    """

    _name = "sync.attempt"
    _description = "Unanswered First Delivery"
    _log_access = False
    _rec_name = "idempotency_key"

    stream_id = fields.Many2one(
        "sync.stream", required=True, readonly=True, ondelete="cascade"
    )
    res_id = fields.Integer(required=True, readonly=True)
    version = fields.Integer(
        readonly=True, help="Version of the binding that it was made at."
    )
    idempotency_key = fields.Char(required=True, readonly=True)
    digest = fields.Char(required=True, readonly=True)
    content = fields.Text(required=True, readonly=True)

    _key_uniq = models.UniqueIndex("(stream_id, res_id, version, idempotency_key)")

    @api.model
    def _note(self, stream_id, notes):
        """Commit notes about requests that are about to be sent.

        :param notes: list of ``(record id, binding version, Attempt)``
        """
        with self.env.registry.cursor() as cr:
            for res_id, version, attempt in notes:
                cr.execute(
                    SQL(
                        """
                        INSERT INTO sync_attempt (stream_id, res_id, version,
                                                  idempotency_key, digest, content)
                        VALUES (%s, %s, %s, %s, %s, %s)
                        ON CONFLICT (stream_id, res_id, version, idempotency_key)
                        DO NOTHING
                        """,
                        stream_id,
                        res_id,
                        version,
                        attempt.key,
                        attempt.digest,
                        attempt.content,
                    )
                )

    @api.model
    def _read_open(self, stream_id, versions):
        """Return the oldest open attempt of each record that has one.

        :param dict versions: version of the binding by record id; attempts made at
            another version were answered since
        :return: dict of :class:`Attempt` by record id
        """
        found = {}
        with self.env.registry.cursor() as cr:
            cr.execute(
                SQL(
                    """
                    SELECT res_id, version, idempotency_key, digest, content
                      FROM sync_attempt
                     WHERE stream_id = %s AND res_id IN %s
                     ORDER BY id
                    """,
                    stream_id,
                    tuple(versions),
                )
            )
            for res_id, version, key, digest, content in cr.fetchall():
                if version == versions[res_id]:
                    found.setdefault(res_id, Attempt(key, digest, content))
        return found

    @api.model
    def _forget(self, stream_id, record_ids):
        """Drop the notes of records whose answer is known, and commit."""
        with self.env.registry.cursor() as cr:
            cr.execute(
                SQL(
                    "DELETE FROM sync_attempt WHERE stream_id = %s AND res_id IN %s",
                    stream_id,
                    tuple(record_ids),
                )
            )
