# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models

from .loose_link import LooseMany2one


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

    Notes are read and written by cursors of their own, in ``engine/store.py``: a job's
    own transaction may be rolled back, and its snapshot may be older than the note of
    the job before it.
    """

    _name = "sync.attempt"
    _description = "Unanswered Delivery"
    _log_access = False
    _rec_name = "idempotency_key"

    stream_id = LooseMany2one(
        "sync.stream", required=True, readonly=True, help="What the request belongs to."
    )
    res_id = fields.Integer(
        required=True, readonly=True, help="Id of the record in Odoo."
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
        required=True, readonly=True, help="Fingerprint of the content."
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
    external_id = fields.Char(
        readonly=True,
        help="What the system calls the record that the request has made, or that was "
        "found there and is updated by it.",
    )
    shown_from = fields.Datetime(
        readonly=True,
        help="From then on a search finds what the request may have made.",
    )
    late_until = fields.Datetime(
        readonly=True,
        help="The request may still arrive until then; empty once it is over.",
    )

    _record_index = models.Index("(stream_id, res_id)")
