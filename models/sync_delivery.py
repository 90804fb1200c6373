# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..engine.words import SentenceText, kept
from ..exceptions import Rejected, Temporary, Throttled, Unreachable
from ..text import storable
from .loose_link import LooseMany2one

# Characters of a payload that the log keeps.
BODY_LIMIT = 10_000
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

    # -- fields ---------------------------------------------------------------

    # No link to the binding: a failed attempt is logged by a cursor of its own, which
    # cannot see, and must not wait for, a binding that the job has just inserted.
    date = fields.Datetime(
        "When",
        default=fields.Datetime.now,
        readonly=True,
        required=True,
        help="When the attempt was made.",
    )
    stream_id = LooseMany2one(
        "sync.stream",
        "Synchronization",
        required=True,
        readonly=True,
        help="What says which fields are sent, and when.",
    )
    backend_id = fields.Many2one(
        related="stream_id.backend_id", string="System", help="What it was sent to."
    )
    model_name = fields.Char(related="stream_id.model_name")
    res_id = fields.Many2oneReference(
        "Record",
        model_field="model_name",
        required=True,
        readonly=True,
        help="The record that was sent.",
    )
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
    error_kind = fields.Selection(
        [
            ("rejected", "Refused this record"),
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

    # -- indexes --------------------------------------------------------------

    # Used by _last_about. The record goes first, so that no other index will do: with
    # two that begin with the stream, PostgreSQL takes the one on the stream alone for
    # as good as long as it knows little of the stream, and reads all of its log.
    _record_index = models.Index("(res_id, stream_id, id)")
    # Used by sync.backend._unanswered_in_a_row, the list of a stream's deliveries, and
    # when these are deleted
    _stream_index = models.Index("(stream_id, id)")
    # Used by the purge; the rest is for standing.queue_figures to read no row
    _date_index = models.Index("(date) INCLUDE (stream_id, state)")
    # Used by the list of failed deliveries
    _failed_index = models.Index("(id) WHERE state = 'failed'")

    # -- writing and reading the log ------------------------------------------

    @api.model
    def _log_receipts(self, stream, receipts, body_by_key):
        """Count attempts, and write one line for each.

        :param stream: the ``sync.stream`` that was served
        :param receipts: the transport's answers, redacted and bounded by it
        :param body_by_key: text of the content sent, by the id of the record
        """
        if not receipts:
            return
        self.env["sync.counter"]._count(stream, receipts)
        lines = [
            (
                receipt.message.key,
                receipt.message.operation,
                "success" if receipt.ok else "failed",
                receipt.request or None,
                storable(body_by_key[receipt.message.key][:BODY_LIMIT]),
                receipt.status,
                receipt.response or None,
                receipt.error and kept(receipt.error),
                self._kind_of(receipt.error),
                receipt.duration,
            )
            for receipt in receipts
        ]
        # one parameter for all lines: psycopg2 takes longer for arrays than for JSON
        self.env.cr.execute(
            """
            INSERT INTO sync_delivery
                   (date, stream_id, job_uuid, res_id, operation, state, request,
                    request_body, status, response, error, error_kind, duration)
            SELECT %s, %s, %s, (line ->> 0)::int, line ->> 1, line ->> 2, line ->> 3,
                   line ->> 4, line ->> 5, line ->> 6, line ->> 7, line ->> 8,
                   (line ->> 9)::numeric
              FROM jsonb_array_elements(%s) AS line
            """,
            (
                fields.Datetime.now(),
                stream.id,
                self.env.context.get("job_uuid"),
                json.dumps(lines),
            ),
        )

    @api.model
    def _last_about(self, pairs, limit):
        """Return the ids of the last attempts at records, the latest first.

        Each record's are found at one place of the index: the conditions say where it
        begins and ends, and the order is its own, so that no statistics can lead
        PostgreSQL another way, such as along the primary key.

        :param pairs: iterable of ``(stream id, record id)``
        :param int limit: of attempts for each record, at most
        """
        pairs = list(pairs)
        self.flush_model(["stream_id", "res_id"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT last.id
                  FROM unnest(%s::int[], %s::int[]) AS wanted (stream_id, res_id)
                 CROSS JOIN LATERAL (
                       SELECT d.id FROM sync_delivery d
                        WHERE (d.res_id, d.stream_id)
                              BETWEEN (wanted.res_id, wanted.stream_id)
                                  AND (wanted.res_id, wanted.stream_id)
                        ORDER BY d.res_id DESC, d.stream_id DESC, d.id DESC
                        LIMIT %s) AS last
                 ORDER BY last.id DESC
                """,
                [stream_id for stream_id, _res_id in pairs],
                [res_id for _stream_id, res_id in pairs],
                limit,
            )
        )
        return [id_ for (id_,) in rows]

    @api.model
    def _kind_of(self, error):
        """Return the kind of an error of a transport, as in ``exceptions.py``."""
        kinds = {
            Rejected: "rejected",
            Throttled: "throttled",
            Unreachable: "unreachable",
            Temporary: "temporary",
        }
        return next(
            (kind for cls, kind in kinds.items() if isinstance(error, cls)), None
        )

    # -- actions --------------------------------------------------------------

    def action_open_record(self):
        """Open the record that was sent."""
        self.ensure_one()
        return self.stream_id._action_open_record(self.res_id)

    # -- autovacuum -----------------------------------------------------------

    @api.autovacuum
    def _gc_old_deliveries(self):
        """Drop what the log says of attempts older than the setting.

        :return: how many were dropped, and whether there are more; the cleaning
            commits after each call, and calls again while there are
        """
        old = self.search(
            [("date", "<", kept_since(self.env))], order="date, id", limit=GC_BATCH + 1
        )
        old[:GC_BATCH].unlink()
        return len(old[:GC_BATCH]), len(old) > GC_BATCH
