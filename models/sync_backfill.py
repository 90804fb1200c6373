# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from babel.dates import format_timedelta

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import babel_locale_parse, get_lang

from ..engine import gate

# Seconds of work after which a rate says something.
RATE_SECONDS = 5


class SyncBackfill(models.Model):
    """A synchronization of everything, or of much, at the request of a person.

    The records are queued in batches by one job after another; how is in
    ``sync_backfill_run.py``. This file is about what people see and decide.
    """

    _name = "sync.backfill"
    _description = "Backfill"
    _inherit = ["mail.thread"]
    _order = "id desc"

    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
        help="What is gone over.",
    )
    backend_id = fields.Many2one(
        related="stream_id.backend_id",
        string="System",
        help="The system that gets the records.",
    )
    company_id = fields.Many2one(related="stream_id.company_id")
    model_name = fields.Char(related="stream_id.model_name")
    scope = fields.Selection(
        [
            ("all", "All records"),
            ("unconfirmed", "All that the system has not confirmed"),
            ("failed", "All that failed"),
            ("domain", "Those that match a filter"),
        ],
        "Records",
        required=True,
        readonly=True,
        default="all",
        help="Which records are sent.",
    )
    domain = fields.Char(
        "Filter",
        readonly=True,
        help="Records that match it are sent, if the synchronization sends them at"
        " all.",
    )
    resend = fields.Boolean(
        "Send Again",
        readonly=True,
        help="Records are sent even if the system holds them already as they are.",
    )
    priority = fields.Integer(
        default=10, required=True, readonly=True, help="1 goes first, 10 goes last."
    )
    state = fields.Selection(
        [
            ("running", "Running"),
            ("stopped", "Stopped"),
            ("done", "Done"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="running",
        tracking=True,
        index=True,
        help="Running: more records are being queued. Stopped: it can be resumed. "
        "Done: all have been queued, and delivered or failed.",
    )
    note = fields.Char(readonly=True, tracking=True, help="Why it was stopped.")
    user_id = fields.Many2one(
        "res.users",
        "Asked For By",
        readonly=True,
        required=True,
        default=lambda self: self.env.user,
        help="Who started it; its jobs are this person's.",
    )
    started = fields.Datetime(
        readonly=True,
        help="When the records were counted and the first were queued.",
    )
    ended = fields.Datetime(
        readonly=True,
        help="When it was done or cancelled.",
    )

    # how far it is
    step_uuid = fields.Char(
        "Step Job",
        readonly=True,
        copy=False,
        help="The only job that may queue the next records.",
    )
    last_id = fields.Integer(
        readonly=True, aggregator=None, help="Everything up to this id is queued."
    )
    end_id = fields.Integer(
        readonly=True, aggregator=None, help="What is newer is sent by its own edits."
    )
    total = fields.Integer(
        "Records to Send",
        readonly=True,
        help="How many records there were when it started.",
    )
    queued = fields.Integer(readonly=True, help="Records that have been given a job.")
    done = fields.Integer(compute="_compute_progress", help="Delivered, or unchanged.")
    failed = fields.Integer(
        compute="_compute_progress",
        help="Queued, and somebody has to decide about their jobs.",
    )
    waiting = fields.Integer(
        compute="_compute_progress", help="Queued and not delivered yet."
    )
    progress = fields.Float(
        "Progress (%)",
        compute="_compute_progress",
        help="How many of the records are settled: delivered, unchanged or failed.",
    )

    # since it was last started or resumed
    resumed = fields.Datetime(
        readonly=True,
        help="When it was last started or resumed.",
    )
    done_before = fields.Integer(
        readonly=True,
        help="Records that were settled when it was last resumed; the rate leaves "
        "them out.",
    )
    rate = fields.Integer(
        "Records per Minute",
        compute="_compute_progress",
        aggregator=None,
        help="Records settled per minute since it was last resumed.",
    )
    time_left = fields.Char(
        compute="_compute_progress",
        help="At this rate, until all are settled.",
    )
    hint = fields.Char(compute="_compute_hint", help="What it waits for.")

    _one_open = models.UniqueIndex(
        "(stream_id) WHERE state IN ('running', 'stopped')",
        "A backfill of this synchronization is under way already.",
    )
    _priority_range = models.Constraint(
        "CHECK (priority BETWEEN 1 AND 10)",
        "The priority goes from 1 (first) to 10 (last).",
    )

    def _compute_display_name(self):
        for backfill in self:
            backfill.display_name = f"{backfill.stream_id.name} ({backfill.id})"

    def _open_rows(self):
        """Return what became of the queued records that are not delivered.

        :return: dict ``{id: (records waiting, jobs they wait for, records failed)}``
        """
        self.env["sync.outbox"].flush_model(["backfill_id", "job_uuid"])
        self.env["queue.job"].flush_model(["uuid", "state"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT o.backfill_id,
                       count(*) FILTER (WHERE j.state IS DISTINCT FROM 'failed'),
                       count(DISTINCT COALESCE(o.job_uuid, o.id::text))
                           FILTER (WHERE j.state IS DISTINCT FROM 'failed'),
                       count(*) FILTER (WHERE j.state = 'failed')
                  FROM sync_outbox o
                  LEFT JOIN queue_job j ON j.uuid = o.job_uuid
                 WHERE o.backfill_id IN %s
                 GROUP BY o.backfill_id
                """,
                tuple(self.ids) or (0,),
            )
        )
        return {id_: counts for id_, *counts in rows}

    @api.depends("queued", "total", "state", "resumed", "done_before", "ended")
    def _compute_progress(self):
        open_rows = self._open_rows()
        for backfill in self:
            waiting, _jobs, failed = open_rows.get(backfill.id, (0, 0, 0))
            backfill.waiting = waiting
            backfill.failed = failed
            backfill.done = max(0, backfill.queued - waiting - failed)
            settled = backfill.done + failed
            if backfill.total:
                backfill.progress = min(100, 100 * settled / backfill.total)
            else:
                backfill.progress = 100 if backfill.state == "done" else 0
            rate = backfill._per_second()
            backfill.rate = round(rate * 60)
            backfill.time_left = (
                backfill._duration_text((backfill.total - settled) / rate)
                if rate and backfill.state == "running" and backfill.total > settled
                else False
            )

    def _per_second(self):
        """Return how many records were settled each second since it went on."""
        self.ensure_one()
        if not self.resumed or self.state in ("stopped", "cancelled"):
            return 0
        seconds = ((self.ended or fields.Datetime.now()) - self.resumed).total_seconds()
        settled = self.done + self.failed - self.done_before
        return max(0, settled) / seconds if seconds >= RATE_SECONDS else 0

    def _duration_text(self, seconds):
        """Return a time in words of the user's language, such as "12 minutes"."""
        return format_timedelta(
            timedelta(seconds=max(seconds, 1)),
            threshold=1.5,
            locale=babel_locale_parse(get_lang(self.env).code),
        )

    @api.depends("state", "started")
    def _compute_hint(self):
        for backfill in self:
            if backfill.state != "running":
                backfill.hint = False
                continue
            stream = backfill.sudo().stream_id
            incident = stream.backend_id._open_incident()
            if incident:
                backfill.hint = incident._waiting_text()
            elif gate.seconds_until_window(stream):
                backfill.hint = self.env._("Waiting for the off-peak hours.")
            elif not backfill.started:
                backfill.hint = self.env._("About to count what there is to send.")
            else:
                backfill.hint = False

    # -- decisions of people --------------------------------------------------

    def action_stop(self):
        """Queue no further records; those that are queued are still delivered."""
        self.check_access("read")
        note = self.env._("Stopped by %s.", self.env.user.name)
        self.sudo()._stop(note)
        return True

    def action_resume(self):
        """Go on after the last record that was queued."""
        self.check_access("read")
        for backfill in self.sudo().filtered(lambda each: each.state == "stopped"):
            backfill._go_on()
        return True

    def action_cancel(self):
        """Give it up; what is queued is still delivered."""
        self.check_access("read")
        self.sudo().filtered(lambda each: each.state in ("running", "stopped")).write(
            {
                "state": "cancelled",
                "ended": fields.Datetime.now(),
                "note": self.env._("Cancelled by %s.", self.env.user.name),
            }
        )
        return True

    def action_refresh(self):
        """Show how far it is by now: the client reads the record again."""
        self.check_access("read")
        return True

    def action_open_undelivered(self):
        """Open what is queued and not delivered."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job_sync.action_sync_outbox"
        )
        action["domain"] = [("backfill_id", "=", self.id)]
        return action
