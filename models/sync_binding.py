# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

# A job in one of these states will still do its work.
LIVE_STATES = ("wait_dependencies", "pending", "enqueued", "started")

SYNC_STATES = [
    ("synced", "Synced"),
    ("waiting", "Waiting"),
    ("skipped", "Skipped"),
    ("failed", "Failed"),
]


class SyncBinding(models.Model):
    """What one destination is known to hold of one record.

    Only workers write bindings, and the row is their lock: two jobs never send the
    same record of the same stream at once. How they deliver is in
    ``sync_binding_delivery.py``; this file is about what a binding tells.
    """

    _name = "sync.binding"
    _description = "Synchronized Copy"
    _order = "id desc"
    _log_access = False
    _rec_name = "external_id"

    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    backend_id = fields.Many2one(related="stream_id.backend_id", string="System")
    model_name = fields.Char(related="stream_id.model_name")
    res_id = fields.Many2oneReference(
        "Record", model_field="model_name", required=True, readonly=True
    )
    record_name = fields.Char("Name", compute="_compute_record_name")
    state = fields.Selection(SYNC_STATES, compute="_compute_state")
    external_id = fields.Char(
        "External Id", readonly=True, index="btree_not_null", help="The id there."
    )
    content_hash = fields.Char(
        readonly=True, help="Fingerprint of the content that the destination confirmed."
    )
    version = fields.Integer(
        "Deliveries",
        readonly=True,
        default=0,
        help="How many times the destination confirmed a delivery.",
    )
    last_success = fields.Datetime(readonly=True)
    last_error = fields.Text(readonly=True)
    last_error_date = fields.Datetime("Failed On", readonly=True)
    note = fields.Char(readonly=True, help="What a person decided about its jobs.")
    note_date = fields.Datetime("Decided On", readonly=True)
    skipped = fields.Boolean(
        readonly=True,
        help="A person closed a job that had not delivered: what is there may be older "
        "than what is here.",
    )
    delivery_ids = fields.One2many(
        "sync.delivery", compute="_compute_delivery_ids", string="Deliveries Log"
    )

    _record_uniq = models.UniqueIndex("(stream_id, res_id)")
    # Used by the list of copies whose last try failed
    _error_index = models.Index("(id) WHERE last_error IS NOT NULL")

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

    def _compute_state(self):
        open_states = self.sudo()._open_states(
            SQL(
                "(o.stream_id, o.res_id) IN (SELECT stream_id, res_id"
                " FROM sync_binding WHERE id IN %s)",
                tuple(self.ids) or (0,),
            )
        )
        for binding in self:
            binding.state = open_states.get(
                (binding.stream_id.id, binding.res_id),
                binding._settled_state(),
            )

    def _settled_state(self):
        """Return the state of a binding that has no undelivered change."""
        self.ensure_one()
        if self.skipped:
            return "skipped"
        return "synced" if self.last_success else False

    def _compute_delivery_ids(self):
        for binding in self:
            binding.delivery_ids = self.env["sync.delivery"].search(
                [
                    ("stream_id", "=", binding.stream_id.id),
                    ("res_id", "=", binding.res_id),
                ],
                limit=20,
            )

    # -- the state of records -------------------------------------------------

    @api.model
    def _open_states(self, where):
        """Return the state of everything that has undelivered changes.

        Waiting while any job is still to do its work, otherwise failed.

        :param where: :class:`SQL` condition on ``o``, the outbox
        :return: dict ``{(stream id, record id): "waiting" | "failed"}``
        """
        self.env["sync.outbox"].flush_model()
        self.env["queue.job"].flush_model(["uuid", "state"])
        return {
            (stream_id, res_id): "waiting" if live else "failed"
            for stream_id, res_id, live in self.env.execute_query(
                SQL(
                    """
                    SELECT o.stream_id, o.res_id,
                           bool_or(o.job_uuid IS NULL
                                   OR COALESCE(j.state, 'failed') IN %s)
                      FROM sync_outbox o
                      LEFT JOIN queue_job j ON j.uuid = o.job_uuid
                     WHERE %s
                     GROUP BY o.stream_id, o.res_id
                    """,
                    LIVE_STATES,
                    where,
                )
            )
        }

    @api.model
    def _states_by_record(self, records):
        """Return ``{record id: {stream: state}}`` for records of one model."""
        streams = self._streams_of(records._name)
        states = {id_: {} for id_ in records.ids}
        if not streams or not records.ids:
            return states
        self.flush_model(["stream_id", "res_id", "skipped", "last_success"])
        for stream_id, res_id, skipped in self.env.execute_query(
            SQL(
                "SELECT stream_id, res_id, skipped FROM sync_binding"
                " WHERE stream_id IN %s AND res_id IN %s"
                " AND (skipped OR last_success IS NOT NULL)",
                tuple(streams.ids),
                tuple(records.ids),
            )
        ):
            state = "skipped" if skipped else "synced"
            states[res_id][streams.browse(stream_id)] = state
        open_states = self._open_states(
            SQL(
                "o.stream_id IN %s AND o.res_id IN %s",
                tuple(streams.ids),
                tuple(records.ids),
            )
        )
        for (stream_id, res_id), state in open_states.items():
            states[res_id][streams.browse(stream_id)] = state
        for stream, ids in self.env["sync.outbox"]._noted_ids(records).items():
            if stream in streams:
                states.update({id_: {**states[id_], stream: "waiting"} for id_ in ids})
        return states

    @api.model
    def _streams_of(self, model_name):
        """Return the streams that the user may be told of: his companies' systems."""
        streams = self.env["sync.stream"].sudo()
        ids = [id_ for id_, _watched in streams._watchers(model_name)]
        visible = {None, *self.env.companies.ids}
        return streams.browse(ids).filtered(
            lambda each: each._facts().company_id in visible
        )

    @api.model
    def _status_lines(self, records):
        """Return what a person wants to know of each record, system by system.

        :return: dict ``{record id: [{"system", "state", "date", "reason"}]}``
        """
        states = self._states_by_record(records)
        lines = {}
        for record in records:
            for stream, state in states.get(record.id, {}).items():
                binding = self.search(
                    [("stream_id", "=", stream.id), ("res_id", "=", record.id)]
                )
                lines.setdefault(record.id, []).append(
                    {
                        "system": stream.backend_id.name,
                        "stream": stream.name,
                        "state": state,
                        "date": binding.last_success,
                        "external_id": binding.external_id,
                        "reason": state != "synced"
                        and self._reason(stream, record.id, binding),
                        "note": binding.note,
                        "note_date": binding.note_date,
                    }
                )
        return lines

    @api.model
    def _reason(self, stream, res_id, binding):
        """Return why a change is not delivered yet, in words, or ``False``."""
        held_up = self._held_up_job(stream, res_id)
        if held_up:
            return held_up.state_reason
        delivery = self.env["sync.delivery"].search(
            [("stream_id", "=", stream.id), ("res_id", "=", res_id)], limit=1
        )
        if delivery.state == "failed":
            return delivery.error
        return binding.last_error

    def action_open_record(self):
        """Open the record that this is the copy of."""
        self.ensure_one()
        return self.stream_id._action_open_record(self.res_id)
