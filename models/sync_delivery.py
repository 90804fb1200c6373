# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from collections import Counter
from datetime import timedelta
from itertools import chain

from odoo import api, fields, models
from odoo.tools import unique

from ..engine.words import SentenceText
from .loose_link import domain_of_named, record_link, records_of, stream_link

# Days that settled rows are kept, and the parameter that may say otherwise.
KEEP_DAYS = 90
KEEP_PARAMETER = "queue_job_sync.delivery_days"
# Rows that are dropped in one go.
GC_BATCH = 1000
# What a delivery has one value of, that is sorted here as in the database, and never 0:
# what is not set is False, which Python takes for the same.
ADDED_UP = ("many2one", "selection", "datetime")


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
    _rec_name = "record_name"

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
    record_name = fields.Char(
        compute="_compute_record_name",
        search="_search_record_name",
        help="What people call the record that was sent.",
    )
    job_uuid = fields.Char(
        "Job UUID",
        index="btree_not_null",
        readonly=True,
        help="Of the job that sent it.",
    )
    job_id = fields.Many2one(
        "queue.job",
        compute="_compute_job_id",
        help="The job that sent it; empty if it is not there any more.",
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
    # Used by the purge; the rest is for whoever groups the log by day or state (a list
    # asks for the mean duration) to read no row
    _date_index = models.Index("(date) INCLUDE (stream_id, state, duration)")
    # Used by the list of failed deliveries, and when it is searched by date and reason
    _failed_index = models.Index("(id) WHERE state = 'failed'")
    _failed_date_index = models.Index("(date) WHERE state = 'failed'")
    # Used by the list of those with a warning, which are few
    _warned_index = models.Index("(id) WHERE warning IS NOT NULL")

    def init(self):
        # Grouped by day, rows make as many groups for PostgreSQL as there are different
        # times: it sorts all instead of counting. "n_distinct" (ALTER TABLE in its
        # manual) is how many there are for it after the next ANALYZE.
        self.env.cr.execute(
            "ALTER TABLE sync_delivery ALTER COLUMN date SET (n_distinct = 1000)"
        )

    @api.depends_context("lang", "uid", "allowed_company_ids")
    def _compute_record_name(self):
        there, names = records_of(self)
        gone = self.filtered(
            lambda each: (
                each.model_name in self.env
                and each.res_id not in there[each.model_name]
            )
        )
        # a job of many records names none
        called = {
            (job.uuid, job.sync_res_id): job.sync_record_name for job in gone._jobs()
        }
        for delivery in self:
            name = names[delivery.model_name].get(delivery.res_id)
            if not name and delivery in gone:
                name = called.get((delivery.job_uuid, delivery.res_id))
                name = self.env._(
                    "%(name)s (deleted)", name=name or delivery._number_text()
                )
            delivery.record_name = name or delivery._number_text()

    def _number_text(self):
        """Return what a record is called that has no name, such as "Contact 12"."""
        model = self.env["ir.model"].sudo()._get(self.model_name)
        return f"{model.name or self.model_name or ''} {self.res_id}".strip()

    def _search_record_name(self, operator, value):
        return domain_of_named(self.env, operator, value)

    def _jobs(self):
        """Return the jobs of deliveries that are still there, and the user may see."""
        jobs = self.env["queue.job"]
        uuids = [uuid for uuid in self.mapped("job_uuid") if uuid]
        if not uuids or not jobs.has_access("read"):
            return jobs
        return jobs.search([("uuid", "in", uuids)])

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_job_id(self):
        jobs = {job.uuid: job.id for job in self._jobs()}
        for delivery in self:
            delivery.job_id = jobs.get(delivery.job_uuid)

    def action_open_record(self):
        """Open the record that was sent."""
        self.ensure_one()
        return self.stream_id._action_open_record(self.res_id)

    @api.model
    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), order=None):
        """Count the smallest groups, and add them up for the others.

        PostgreSQL computes grouping sets in one process, which takes seconds for some
        days of a busy log, and plain groups in several.
        """
        finest = list(unique(chain.from_iterable(grouping_sets)))
        named = [self._fields.get(spec.partition(":")[0]) for spec in finest]
        plain = all(field and field.type in ADDED_UP for field in named)
        counted = list(aggregates) == ["__count"]
        groups = []
        # the web client's order is that of the groups
        if plain and counted and order in (None, ", ".join(finest)):
            groups = self._read_group(domain, finest, aggregates)
        if not groups:
            return super()._read_grouping_sets(domain, grouping_sets, aggregates, order)
        ranks = [
            {value: rank for rank, value in enumerate(_in_order(column))}
            for column in list(zip(*groups, strict=True))[: len(finest)]
        ]

        def added_up(specs):
            columns = [finest.index(spec) for spec in specs]
            counts = Counter()
            for *values, count in groups:
                counts[tuple(values[column] for column in columns)] += count

            def rank(item):
                return [ranks[c][v] for c, v in zip(columns, item[0], strict=True)]

            return [(*values, n) for values, n in sorted(counts.items(), key=rank)]

        return [added_up(specs) for specs in grouping_sets]

    @api.autovacuum
    def _gc_old_deliveries(self):
        """Drop what the log says of attempts older than the setting."""
        old = self.search(
            [("date", "<", kept_since(self.env))], order="date, id", limit=GC_BATCH + 1
        )
        old[:GC_BATCH].unlink()
        return len(old[:GC_BATCH]), len(old) > GC_BATCH


def _in_order(values):
    """Return different values of a group as the ORM has them, those not set last."""
    values = list(unique(values))
    if isinstance(values[0], models.BaseModel):
        # in an order of what the user may have no right to read, as in SQL
        there = values[0].union(*values).sudo().sorted()
        return [*there, *(value for value in values if not value)]
    return sorted(values, key=lambda value: (value is None or value is False, value))
