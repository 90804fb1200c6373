# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import ast
from datetime import timedelta

from babel.dates import format_timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import babel_locale_parse, get_lang

from ..actions import window
from ..engine import capture, gate, jobs, waiting, words
from ..engine.jobs import BULK
from ..engine.standing import ASLEEP_IN_DOUBT
from ..engine.store import CONFIRMED, ask

# Seconds of work after which a rate says something.
RATE_SECONDS = 5
# Jobs of one backfill that are queued at a time: enough to keep the workers busy, and
# few enough to be stopped soon.
OUTSTANDING = 20
# As many of them are still to be done when the next step has its turn.
IN_HAND = OUTSTANDING // 2
# Records that one step reads, at most: this bounds what a worker holds in memory.
STEP_RECORDS = 2000
# What becomes of the queued records, if all of them are delivered.
NOTHING_OPEN = (0, 0, 0, 0)
# Seconds until it is tried again that somebody has had it locked.
BUSY_SECONDS = 5
# Failed jobs that a list of them is asked for one by one.
NAMED_JOBS = 1000


class SyncBackfill(models.Model):
    """A synchronization of everything, or of much, at the request of a person.

    It goes over its stream by one job after another, some records each. A step is a job
    of their priority, in bulk. It queues some records and the next step, which stands
    in the queue before the last of them, so that the workers never run dry. One that
    finds no room, or nothing left to queue, sleeps until records get through. Nothing
    of a step outlives it but the id where the next begins.
    """

    _name = "sync.backfill"
    _description = "Backfill"
    _inherit = ["mail.thread"]
    _order = "id desc"

    # -- fields ---------------------------------------------------------------

    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
        help="The synchronization whose records are sent.",
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
        "Also unchanged records",
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
    note = words.SentenceText(readonly=True, tracking=True, help="Why it was stopped.")
    user_id = fields.Many2one(
        "res.users",
        "Requested By",
        readonly=True,
        ondelete="set null",
        default=lambda self: self.env.user,
        help="Who started it; its jobs are this person's. Empty: a user who was "
        "deleted since.",
    )
    started = fields.Datetime(
        readonly=True, help="When the records were counted and the first were queued."
    )
    ended = fields.Datetime(readonly=True, help="When it was done or cancelled.")

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
    done = fields.Integer(
        compute="_compute_progress",
        help="Delivered, unchanged, or closed by a person.",
    )
    failed = fields.Integer(
        compute="_compute_progress",
        help="Records whose jobs failed. Once all are queued and settled, this is what "
        "came of it, whatever becomes of them later.",
    )
    doubtful = fields.Integer(
        "To Be Clarified",
        compute="_compute_progress",
        help="Queued, and somebody has to say whether they are in the system already.",
    )
    waiting = fields.Integer(
        compute="_compute_progress", help="Queued and not delivered yet."
    )
    # when it was done: what becomes of its jobs later does not change what came of it
    done_at_end = fields.Integer(
        "Done at the End", readonly=True, copy=False, help="See Done."
    )
    failed_at_end = fields.Integer(
        "Failed at the End", readonly=True, copy=False, help="See Failed."
    )
    doubtful_at_end = fields.Integer(
        "To Be Clarified at the End",
        readonly=True,
        copy=False,
        help="See To Be Clarified.",
    )
    still_failed = fields.Integer(
        compute="_compute_progress",
        help="Records that somebody has to decide about now.",
    )
    still_open = fields.Boolean(
        compute="_compute_progress", help="Some of its changes are not delivered now."
    )
    outcome = fields.Char(
        "State and Failures",
        compute="_compute_outcome",
        help="How far it is, and how many records failed.",
    )
    failed_text = fields.Char(
        compute="_compute_outcome", help="How many of all records failed, and still do."
    )
    progress = fields.Float(
        "Progress (%)",
        compute="_compute_progress",
        help="How many of the records are settled: delivered, unchanged, failed or to "
        "be clarified.",
    )

    # since it was last started or resumed
    resumed = fields.Datetime(
        readonly=True, help="When it was last started or resumed."
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
        compute="_compute_progress", help="At this rate, until all are settled."
    )
    hint = fields.Char(compute="_compute_hint", help="What it waits for.")

    # -- constraints ----------------------------------------------------------

    _one_open = models.UniqueIndex(
        "(stream_id) WHERE state IN ('running', 'stopped')",
        "A backfill of this synchronization is under way already.",
    )
    _priority_range = models.Constraint(
        "CHECK (priority BETWEEN 1 AND 10)",
        "The priority goes from 1 (first) to 10 (last).",
    )

    # -- computes -------------------------------------------------------------

    def _compute_display_name(self):
        for backfill in self:
            backfill.display_name = f"{backfill.stream_id.name} ({backfill.id})"

    def _open_rows(self):
        """Return what became of the queued records that are not delivered.

        :return: dict ``{id: (records waiting, jobs they wait for, records failed,
            records that people have to clarify)}``
        """
        self.env["sync.outbox"].flush_model(["backfill_id", "job_uuid"])
        self.env["queue.job"].flush_model(["uuid", "state", "sync_wait_key"])
        rows = ask(
            self.env.cr,
            """
            SELECT o.backfill_id,
                   count(*) FILTER (WHERE %(waits)s),
                   count(DISTINCT COALESCE(o.job_uuid, o.id::text))
                       FILTER (WHERE %(waits)s),
                   count(*) FILTER (WHERE j.state = 'failed'),
                   count(*) FILTER (WHERE %(doubt)s)
              FROM sync_outbox o
              LEFT JOIN queue_job j ON j.uuid = o.job_uuid
             WHERE o.backfill_id IN %(ids)s
             GROUP BY o.backfill_id
            """,
            waits=SQL(
                "j.state IS DISTINCT FROM 'failed' AND %s IS NOT TRUE", ASLEEP_IN_DOUBT
            ),
            doubt=ASLEEP_IN_DOUBT,
            ids=tuple(self.ids) or (0,),
        )
        return {id_: counts for id_, *counts in rows}

    @api.depends("queued", "total", "state", "resumed", "done_before", "ended")
    @api.depends("done_at_end", "failed_at_end", "doubtful_at_end")
    def _compute_progress(self):
        open_rows = self._open_rows()
        for backfill in self:
            left, _jobs, failed, doubtful = open_rows.get(backfill.id, NOTHING_OPEN)
            backfill.still_failed = failed
            backfill.still_open = bool(left or failed or doubtful)
            if backfill.state == "done":
                left, failed = 0, backfill.failed_at_end
                doubtful, done = backfill.doubtful_at_end, backfill.done_at_end
            else:
                done = max(0, backfill.queued - left - failed - doubtful)
            backfill.waiting = left
            backfill.failed = failed
            backfill.doubtful = doubtful
            backfill.done = done
            settled = backfill._settled()
            if backfill.total:
                backfill.progress = min(100, 100 * settled / backfill.total)
            else:
                backfill.progress = 100 if backfill.state == "done" else 0
            rate = backfill._per_second()
            backfill.rate = round(rate * 60)
            backfill.time_left = False
            if rate and backfill.state == "running" and backfill.total > settled:
                left = (backfill.total - settled) / rate
                backfill.time_left = backfill._duration_text(left)

    @api.depends("state", "failed", "still_failed", "total", "queued")
    @api.depends_context("lang")
    def _compute_outcome(self):
        labels = dict(self._fields["state"]._description_selection(self.env))
        for backfill in self:
            backfill.outcome = labels.get(backfill.state)
            backfill.failed_text = False
            if not backfill.failed:
                continue
            backfill.outcome = self.env._(
                "%(state)s, %(count)s failed",
                state=backfill.outcome,
                count=backfill.failed,
            )
            if backfill.state != "done":
                continue
            backfill.failed_text = self.env._(
                "%(failed)s of %(total)s records failed. Still failed now: %(now)s.",
                failed=backfill.failed,
                total=backfill.total,
                now=backfill.still_failed,
            )

    def _settled(self):
        """Return how many records nothing more is sent of, unless a person decides."""
        return self.done + self.failed + self.doubtful

    def _per_second(self):
        """Return how many records were settled each second since it went on."""
        if not self.resumed or self.state in ("stopped", "cancelled"):
            return 0
        seconds = ((self.ended or fields.Datetime.now()) - self.resumed).total_seconds()
        settled = self._settled() - self.done_before
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
            backfill.hint = False
            if backfill.state != "running":
                continue
            stream = backfill.sudo().stream_id
            incident = stream.backend_id._open_incident()
            incident = incident or stream._open_incident()
            if incident:
                backfill.hint = words.said(self.env, incident._waiting_text())
            elif gate.seconds_until_window(stream):
                backfill.hint = self.env._("Waiting for the off-peak hours.")
            elif not backfill.started:
                backfill.hint = self.env._("About to count what there is to send.")

    # -- decisions of people --------------------------------------------------

    def action_stop(self):
        """Queue no further records; those that are queued are still delivered."""
        self.check_access("read")
        user = self.env.user.name
        self.sudo()._stop(words.Sentence(words._lt("Stopped by %(user)s."), user=user))
        return True

    def action_resume(self):
        """Go on after the last record that was queued; the rate counts anew."""
        self.check_access("read")
        for backfill in self.sudo().filtered(lambda each: each.state == "stopped"):
            backfill.write(
                {
                    "state": "running",
                    "note": False,
                    "resumed": backfill.started and fields.Datetime.now(),
                    "done_before": backfill._settled(),
                }
            )
            backfill._queue_step()
        return True

    def action_cancel(self):
        """Give it up; what is queued is still delivered."""
        self.check_access("read")
        user = self.env.user.name
        note = words.Sentence(words._lt("Cancelled by %(user)s."), user=user)
        given_up = self.sudo().filtered(
            lambda each: each.state in ("running", "stopped")
        )
        given_up.write(
            {"state": "cancelled", "ended": fields.Datetime.now(), "note": note}
        )
        given_up._wake_step()
        return True

    def action_refresh(self):
        """Show how far it is by now: the client reads the record again."""
        self.check_access("read")
        return True

    def action_open_undelivered(self):
        """Open what is queued and not delivered."""
        domain = [("backfill_id", "=", self.id)]
        return window(self, "queue_job_sync.action_sync_outbox", domain=domain)

    def action_open_failed(self):
        """Open the failed jobs of its records.

        All of the synchronization, where they are too many to be named.
        """
        domain = [("backfill_id", "=", self.id), ("job_uuid", "!=", False)]
        jobs_of = [("sync_stream_id", "=", self.stream_id.id), ("state", "=", "failed")]
        if self.still_failed <= NAMED_JOBS:
            found = self.env["sync.outbox"]._read_group(domain, ["job_uuid"])
            uuids = [uuid for (uuid,) in found]
            failed = self.env["queue.job"].search([*jobs_of, ("uuid", "in", uuids)])
            jobs_of = [("id", "in", failed.ids)]
        return window(
            self,
            "queue_job_sync.action_queue_job_failed",
            name=self.env._("Failed Jobs: %s", self.display_name),
            domain=jobs_of,
        )

    # -- start, stop and resume -----------------------------------------------

    @api.model
    def _start(self, stream, **values):
        """Begin to go over a stream; return the new backfill of the current user."""
        backfill = self.sudo().create(
            {"stream_id": stream.id, "user_id": self.env.uid, **values}
        )
        backfill._queue_step()
        return backfill.with_env(self.env)

    def _stop(self, note):
        """Queue no further records; ``note``, a sentence, tells people why."""
        running = self.filtered(lambda each: each.state == "running")
        running.write({"state": "stopped", "note": note})
        running._wake_step()

    def _wake_step(self):
        """Let a step that waits for records find out what has been decided."""
        waiting.look_later(self.env, *map(waiting.for_backfill, self.ids))

    def _queue_step(self):
        """Queue the only job that may do the next step."""
        stream = self.stream_id
        context = {"company_id": stream.company_id.id} if stream.company_id else {}
        job = (
            self.with_user(self._owner())
            .with_context(**context)
            .with_delay(
                priority=self.priority + BULK,
                # never failed for being killed often
                max_retries=0,
                channel=stream.channel_id.complete_name,
                description=self.env._(
                    "%s: queue the next records", stream.backend_id.name
                ),
            )
            ._step()
        )
        # run at once by queue_job's own test switch, there is no job
        self.step_uuid = getattr(job, "uuid", False)

    def _job_store_values(self, job):
        """Let the job wait for its system with the others."""
        values = {**super()._job_store_values(job), **jobs.told_values(job)}
        if job.retry or job.date_enqueued:
            # linked when it was made; the backfill may be gone by now
            return values
        return {**values, "sync_backend_id": self.sudo().backend_id.id}

    # -- a step ---------------------------------------------------------------

    def _step(self):
        """Queue the next records

        :return: what was done, in a sentence
        :raises RetryableJobError: not now; uses no try
        """
        if not self.sudo().exists():
            return words.Sentence(words._lt("It no longer exists: nothing queued."))
        backfill = self.sudo().try_lock_for_update(allow_referencing=True)
        if not backfill:
            busy = words.Sentence(words._lt("Somebody is changing it."))
            raise gate.later(busy, BUSY_SECONDS)
        if backfill.state != "running":
            return words.Sentence(
                words._lt("It does not run any more: nothing queued.")
            )
        if backfill.step_uuid != self.env.context.get("job_uuid"):
            return words.Sentence(
                words._lt("Another job has taken over: nothing queued.")
            )
        stream = backfill.stream_id
        if stream._resting_text():
            backfill._stop_resting()
            return words.Sentence(stream._resting_text())
        gate.pass_through(stream)
        if not backfill.started:
            backfill._count()
        return backfill._queue_records()

    def _stop_resting(self):
        for backfill in self:
            backfill._stop(backfill.stream_id._resting_text())

    def _count(self):
        """Find out how much there is to do, and where it ends."""
        query = self._records_query()
        id_ = SQL.identifier(query.table, "id")
        select = query.select(SQL("count(*)"), SQL("max(%s)", id_))
        ((total, end_id),) = self.env.execute_query(select)
        now = fields.Datetime.now()
        self.write(
            {"total": total, "end_id": end_id or 0, "started": now, "resumed": now}
        )

    def _queue_records(self):
        """Queue as many records as there is room for, and the next step."""
        obstacle = self._obstacle()
        if obstacle:
            raise waiting.asleep(waiting.for_backfill(self.id), obstacle)
        if self.last_id >= self.end_id:
            _left, _jobs, failed, doubtful = self._open_counts()
            over = {"state": "done", "ended": fields.Datetime.now(), "step_uuid": False}
            kept = {
                "done_at_end": max(0, self.queued - failed - doubtful),
                "failed_at_end": failed,
                "doubtful_at_end": doubtful,
            }
            # what was counted may have changed meanwhile
            self.write({**over, **kept, "total": self.queued})
            return words.Sentence(
                words._lt("All records have been queued and delivered, or failed.")
            )
        count = self._enqueue(OUTSTANDING - self._open_counts()[1])
        self.queued += count
        return words.Sentence(words._lt("%(count)s records queued."), count=count)

    def _obstacle(self):
        """Return why the next step cannot be done yet, a sentence; ``None`` if it can.

        One of a backfill that does not run any more has nothing to wait for.
        """
        if self.state != "running":
            return None
        records, open_jobs, _failed, _doubtful = self._open_counts()
        is_queued = self.last_id >= self.end_id
        if is_queued and records:
            text = words._lt("%(count)s records to deliver.")
            return words.Sentence(text, count=records)
        if not is_queued and open_jobs >= OUTSTANDING:
            text = words._lt("%(count)s jobs have to be done first.")
            return words.Sentence(text, count=open_jobs)
        return None

    def _open_counts(self):
        """Return the counts of :meth:`_open_rows` for this backfill."""
        return self._open_rows().get(self.id, NOTHING_OPEN)

    def _enqueue(self, room):
        """Queue the next records, as at most ``room`` jobs; return how many."""
        stream = self.stream_id
        size = min(stream.batch_size, STEP_RECORDS)
        limit = min(room, STEP_RECORDS // size) * size
        ids = self._records_query(order="id", limit=limit).get_result_ids()
        self.last_id = ids[-1] if len(ids) == limit else self.end_id
        self._enqueue_ids(ids[: -IN_HAND * size])
        self._queue_step()
        self._enqueue_ids(ids[-IN_HAND * size :])
        return len(ids)

    def _owner(self):
        """Return the user of its jobs: what is sent does not depend on it."""
        return self.user_id or self.env.ref("base.user_root")

    def _enqueue_ids(self, ids):
        stream = self.stream_id
        records = self.env[stream.model_name].with_user(self._owner()).browse(ids)
        capture.enqueue(
            stream, records, priority=self.priority, bulk=True, backfill=self
        )

    def _records_query(self, **options):
        """Return the query for the records that are still to be queued."""
        stream = self.stream_id
        model = stream._for_sending(self.env[stream.model_name])
        domain = model._sync_domain(stream) & Domain("id", ">", self.last_id)
        if self.end_id:
            domain &= Domain("id", "<=", self.end_id)
        if self.scope == "domain":
            domain &= Domain(ast.literal_eval(self.domain or "[]"))
        query = model._search(domain, **options)
        if self.scope == "unconfirmed":
            self.env["sync.binding"].flush_model()
            self.env["sync.outbox"].flush_model()
            query.add_where(
                SQL(
                    # OFFSET keeps PostgreSQL from reading all of them for each step
                    """
                    (NOT EXISTS (
                        SELECT 1 FROM sync_binding b
                         WHERE b.stream_id = %(stream)s AND b.res_id = %(id)s
                           AND %(confirmed)s
                        OFFSET 0)
                     OR EXISTS (
                        SELECT 1 FROM sync_outbox o
                         WHERE o.stream_id = %(stream)s AND o.res_id = %(id)s
                        OFFSET 0))
                    """,
                    stream=stream.id,
                    id=SQL.identifier(query.table, "id"),
                    confirmed=CONFIRMED,
                )
            )
        return query

    # -- cron: steps that are lost --------------------------------------------

    @api.model
    def _queue_lost_steps(self):
        """Mend backfills whose step has vanished; stop those whose step has failed."""
        for backfill in self.search([("state", "=", "running")]):
            queue = self.env["queue.job"]
            job = queue.search([("uuid", "=", backfill.step_uuid)], limit=1)
            if job.state not in (False, "done", "failed", "cancelled"):
                continue
            # a step that is at work may be queueing the next
            backfill = backfill.try_lock_for_update(allow_referencing=True)
            if backfill and job.state == "failed":
                note = words._lt("Its job failed: %(reason)s")
                reason = job.failure_reason or "?"
                backfill._stop(words.Sentence(note, reason=reason))
            elif backfill and job.state == "cancelled":
                backfill._stop(words._lt("Its job was cancelled."))
            elif backfill:
                backfill._queue_step()
