# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

from ..engine import store
from ..engine.standing import SYNC_STATES, open_changes
from ..engine.words import SentenceText
from .loose_link import record_link, stream_link
from .sync_delivery import GC_BATCH, kept_since


class SyncBinding(models.Model):
    """What one destination is known to hold of one record.

    Only workers write bindings, and the row is their lock: two jobs never send the
    same record of the same stream at once, see ``engine/delivery.py``.
    """

    _name = "sync.binding"
    _description = "Synchronized Record"
    _order = "id desc"
    _log_access = False
    _rec_name = "external_id"

    stream_id = stream_link(help="What sends the record.")
    backend_id = fields.Many2one(
        related="stream_id.backend_id",
        string="System",
        help="The system that holds the record.",
    )
    model_name = fields.Char(related="stream_id.model_name")
    res_id = record_link(help="The record in Odoo.")
    record_name = fields.Char(
        "Name", compute="_compute_record_name", help="What people call the record."
    )
    state = fields.Selection(
        SYNC_STATES,
        compute="_compute_state",
        help="Synced: the system holds it as it is here. Waiting: a change is on "
        "its way. Failed: somebody has to decide.",
    )
    external_id = fields.Char(
        "ID in the System",
        readonly=True,
        index="btree_not_null",
        help="What the system calls the record.",
    )
    content_hash = fields.Char(
        readonly=True, help="Fingerprint of the content that the system confirmed."
    )
    version = fields.Integer(
        "Deliveries",
        readonly=True,
        default=0,
        help="How many times the system confirmed a delivery.",
    )
    last_success = fields.Datetime(
        readonly=True, help="When the system last confirmed the record."
    )
    last_error = SentenceText(
        readonly=True, help="Why the last try failed; empty once one succeeds."
    )
    last_error_date = fields.Datetime(
        "Failed On", readonly=True, help="When the last try failed."
    )
    doubt = fields.Selection(
        [
            ("maybe", "May be there already"),
            ("unknown_id", "There, under an unknown ID"),
        ],
        readonly=True,
        help="What a person has to find out before anything more is sent.",
    )
    doubt_reason = SentenceText(
        "Why It Is Not Clear", readonly=True, help="What the system has answered."
    )
    accepted = fields.Boolean(
        readonly=True,
        help="The system has taken it, and has not said that it is carried out.",
    )
    note = SentenceText(readonly=True, help="What a person decided about its jobs.")
    note_date = fields.Datetime(
        "Decided On", readonly=True, help="When it was decided."
    )
    skipped = fields.Boolean(
        readonly=True,
        help="A person closed a job that had not delivered: what is there may be older "
        "than what is here.",
    )
    delivery_ids = fields.One2many(
        "sync.delivery",
        compute="_compute_delivery_ids",
        string="Deliveries Log",
        help="The last attempts at this record.",
    )

    _record_uniq = models.UniqueIndex("(stream_id, res_id)")
    # Used by the list of records whose last try failed
    _error_index = models.Index("(id) WHERE last_error IS NOT NULL")
    # Used by the search for records by their state
    _skipped_index = models.Index("(stream_id, res_id) WHERE skipped")

    def init(self):
        # Room on its page for the next state of a row: no index has to be written when
        # a delivery is confirmed ("heap-only tuples" in PostgreSQL's manual).
        self.env.cr.execute("ALTER TABLE sync_binding SET (fillfactor = 70)")

    def _compute_record_name(self):
        for model_name, bindings in self.grouped("model_name").items():
            if model_name not in self.env:
                bindings.record_name = False
                continue
            records = self.env[model_name].browse(bindings.mapped("res_id"))
            readable = records.exists()._filtered_access("read")
            names = {record.id: record.display_name for record in readable}
            for binding in bindings:
                binding.record_name = names.get(binding.res_id) or str(binding.res_id)

    def _compute_display_name(self):
        for binding in self:
            binding.display_name = f"{binding.backend_id.name}: {binding.record_name}"

    def _pair(self):
        """Return the ids of the stream and of the record."""
        return self.stream_id.id, self.res_id

    def _compute_state(self):
        pairs = [binding._pair() for binding in self]
        found = {
            (stream_id, res_id): state
            for stream_id, res_id, state, _since in open_changes(self.env, pairs)
        }
        for binding in self:
            settled = "synced" if binding.last_success else False
            settled = "skipped" if binding.skipped else settled
            binding.state = found.get(binding._pair(), settled)

    def _compute_delivery_ids(self):
        found = store.last_about(self.env, [binding._pair() for binding in self], 20)
        # those that the user may read, the last one first
        deliveries = self.env["sync.delivery"].search([("id", "in", found)])
        by_pair = deliveries.grouped(lambda each: (each.stream_id.id, each.res_id))
        for binding in self:
            binding.delivery_ids = by_pair.get(binding._pair())

    def action_open_record(self):
        """Open the record in Odoo."""
        self.ensure_one()
        return self.stream_id._action_open_record(self.res_id)

    @api.autovacuum
    def _gc_gone_on_both_sides(self):
        """Drop bindings of records that were deleted here and there.

        Not those of archived records: when they come back, their deliveries must not
        begin to count anew, since notes of requests tell by it what came before.
        """
        dropped = 0
        domain = [("model_name", "in", list(self.env.registry))]
        streams = self.env["sync.stream"].with_context(active_test=False)
        for stream in streams.search(domain):
            ids = store.ask_column(
                self.env.cr,
                """
                DELETE FROM sync_binding WHERE id IN (
                    SELECT b.id FROM sync_binding b
                     WHERE b.stream_id = %(stream)s AND b.last_success < %(since)s
                       AND NOT %(held)s
                       AND NOT EXISTS (
                           SELECT 1 FROM %(table)s r WHERE r.id = b.res_id)
                       AND NOT EXISTS (
                           SELECT 1 FROM sync_outbox o
                            WHERE o.stream_id = b.stream_id AND o.res_id = b.res_id)
                     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
                RETURNING id
                """,
                stream=stream.id,
                since=kept_since(self.env),
                held=store.HELD,
                table=SQL.identifier(self.env[stream.model_name]._table),
                limit=GC_BATCH,
            )
            self.browse(ids).invalidate_recordset(flush=False)
            dropped += len(ids)
        return dropped, dropped >= GC_BATCH
