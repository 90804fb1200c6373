# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models

from ..engine.words import SentenceText
from .loose_link import record_link, stream_link

# Days that settled rows are kept, and the parameter that may say otherwise.
KEEP_DAYS = 90
KEEP_PARAMETER = "queue_job_sync.delivery_days"
# Rows that are dropped in one go.
GC_BATCH = 1000


def kept_since(env):
    """Return the time before which what is settled is dropped."""
    parameters = env["ir.config_parameter"].sudo()
    days = int(parameters.get_param(KEEP_PARAMETER) or KEEP_DAYS)
    return fields.Datetime.now() - timedelta(days=days)


class SyncDelivery(models.Model):
    """The log of one attempt to send one record."""

    _name = "sync.delivery"
    _description = "Synchronization Delivery"
    _order = "id desc"
    _log_access = False
    _rec_name = "request"

    # No link to the binding: a failed attempt is logged by a cursor of its own, which
    # cannot see, and must not wait for, a binding that the job has just inserted.
    date = fields.Datetime(
        "When",
        default=fields.Datetime.now,
        readonly=True,
        required=True,
        help="When the attempt was made.",
    )
    stream_id = stream_link(help="What says which fields are sent, and when.")
    backend_id = fields.Many2one(
        related="stream_id.backend_id", string="System", help="What it was sent to."
    )
    model_name = fields.Char(related="stream_id.model_name")
    res_id = record_link(help="The record that was sent.")
    job_uuid = fields.Char(
        "Job UUID",
        index="btree_not_null",
        readonly=True,
        help="Of the job that sent it.",
    )
    operation = fields.Selection(
        [
            ("upsert", "Create or Update"),
            ("delete", "Delete"),
            ("mark", "Mark Deleted"),
        ],
        required=True,
        readonly=True,
        help="What the system was to do with the record.",
    )
    state = fields.Selection(
        [("success", "Delivered"), ("failed", "Failed")],
        required=True,
        readonly=True,
        help="Whether the system has taken it.",
    )
    request = fields.Char(readonly=True, help="What was asked of the system.")
    request_body = fields.Text(
        "Content", readonly=True, help="What was sent, without secrets."
    )
    status = fields.Char(readonly=True, help="HTTP status or SQLSTATE of the answer.")
    response = fields.Text(
        "Answer", readonly=True, help="What the system has answered, without secrets."
    )
    error = SentenceText("Reason", readonly=True, help="Why it was not delivered.")
    warning = SentenceText(
        readonly=True, help="What is doubtful about it, although the system took it."
    )
    error_kind = fields.Selection(
        [
            ("rejected", "Refused this record"),
            ("blocked", "Kept this record out"),
            ("misconfigured", "Set up wrongly"),
            ("throttled", "Asked to wait"),
            ("unreachable", "Not reachable"),
            ("temporary", "Temporary fault"),
        ],
        "Kind of Failure",
        readonly=True,
        help="What kind of failure it was: of this record, or of the whole system.",
    )
    duration = fields.Float(
        "Duration (s)",
        digits=(12, 3),
        readonly=True,
        aggregator="avg",
        help="Seconds until the system had answered.",
    )

    # Used by store.last_about and log_receipts. The record goes first, so that no other
    # index will do: with two that begin with the stream, PostgreSQL takes the one on
    # the stream alone for as good as long as it knows little of the stream, and reads
    # all of its log.
    _record_index = models.Index("(res_id, stream_id, id)")
    # Used by sync.backend._unanswered_in_a_row, the list of a stream's deliveries, and
    # when these are deleted
    _stream_index = models.Index("(stream_id, id)")
    # Used by the purge; the rest is for who counts deliveries to read no row
    _date_index = models.Index("(date) INCLUDE (stream_id, state)")
    # Used by the list of failed deliveries
    _failed_index = models.Index("(id) WHERE state = 'failed'")

    def action_open_record(self):
        """Open the record that was sent."""
        self.ensure_one()
        return self.stream_id._action_open_record(self.res_id)

    @api.autovacuum
    def _gc_old_deliveries(self):
        """Drop what the log says of attempts older than the setting."""
        old = self.search(
            [("date", "<", kept_since(self.env))], order="date, id", limit=GC_BATCH + 1
        )
        old[:GC_BATCH].unlink()
        return len(old[:GC_BATCH]), len(old) > GC_BATCH
