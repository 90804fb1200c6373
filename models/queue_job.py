# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
import re
from datetime import datetime, timedelta
from functools import partial

import psycopg2
from markupsafe import Markup

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime

from odoo.addons.base_sparse_field.models.fields import Serialized
from odoo.addons.queue_job.job import (
    CANCELLED,
    DONE,
    ENQUEUED,
    FAILED,
    PENDING,
    STARTED,
    WAIT_DEPENDENCIES,
)
from odoo.addons.queue_job.models.queue_job import QueueJob as UpstreamJob

from ..actions import warning
from ..engine import job_load, jobs, store, words
from ..text import storable_within
from .loose_link import LooseMany2one, groups_there

_logger = logging.getLogger(__name__)

# What queue_job puts before the reason of the last try.
OUT_OF_TRIES = re.compile(r"^Max\. retries \(\d+\) reached: (?=\S)")

# What the code of a job says of itself.
TOLD = {"result", "exc_name", "exc_message", "exc_info"}

# Those that a person may close, and those that may be queued again.
UNDECIDED = (WAIT_DEPENDENCIES, PENDING, ENQUEUED, FAILED)
ENDED = (FAILED, DONE, CANCELLED)

# What a job sleeps by, see engine/waiting.py.
SLEEP = ("sync_wait_key", "sync_wait_reason", "sync_due")

# Different reasons that are told at a time.
MOST_REASONS = 3

# Who has closed a job.
CLOSED_BY = {
    DONE: words._lt("Manually set to done by %(user)s"),
    CANCELLED: words._lt("Cancelled by %(user)s"),
}

# Failed jobs told about in a mail each, before the cron commits.
NOTIFY_BATCH = 50
# Jobs told about in one digest that are marked as told before the cron commits.
MARK_BATCH = 1000

NOTIFIER = "ir_cron_notify_failures"
MAIL_OF_ONE = "queue_job_sync.mail_template_job_failed"
MAIL_OF_MANY = "queue_job_sync.mail_template_jobs_failed"

# Of the jobs of one user that fail within this time, two are told of.
TELLING_PAUSE = timedelta(minutes=1)


class QueueJob(models.Model):
    """What the jobs of queue_job learn: what they send, their reasons, their mails.

    People are shown why a job waits or failed, its tries, its time. Administrators are
    told of failed jobs: soon, and without a storm of mails. One failure is a mail of
    its own, several are a digest. After a mail the company is left in peace for its
    quiet period; what fails meanwhile is in the next digest.
    """

    _inherit = "queue.job"

    # not to be edited from outside: what becomes of a job changes copies by them
    _protected_fields = (
        *UpstreamJob._protected_fields,
        "sync_backend_id",
        "sync_stream_id",
        "sync_res_id",
        "sync_record_name",
    )

    # -- what it sends --------------------------------------------------------

    sync_backend_id = LooseMany2one(
        "sync.backend",
        "External System",
        readonly=True,
        help="Where the job sends something to.",
    )
    sync_stream_id = LooseMany2one(
        "sync.stream",
        "Synchronization",
        readonly=True,
        help="What says which fields are sent, and when.",
    )
    sync_res_id = fields.Integer(
        "ID in Odoo",
        readonly=True,
        index="btree_not_null",
        aggregator=None,
        help="Of the record that is sent, if the job is about one alone.",
    )
    sync_record_name = fields.Char(
        "Record", readonly=True, help="The name of what is sent."
    )
    sync_delivery_ids = fields.One2many(
        "sync.delivery",
        compute="_compute_sync_delivery_ids",
        string="Deliveries",
        help="Each time that the job has sent something, with the system's answer.",
    )

    sync_along_count = fields.Integer(
        "Sent With Others",
        compute="_compute_sync_delivery_ids",
        help="Deliveries by which other jobs have sent what this one was to send.",
    )
    sync_carrier_uuid = fields.Char(
        "Delivered By",
        readonly=True,
        copy=False,
        help="The job that has last sent the change along with its own.",
    )
    sync_error = words.SentenceText(
        "Last Error",
        readonly=True,
        copy=False,
        help="What the last try met at the system, or on the way to it.",
    )

    # -- what it waits for ----------------------------------------------------

    # A job that sleeps is pending, with an eta far away: see engine/waiting.py

    sync_wait_key = fields.Char(
        readonly=True, copy=False, help="What has to be over before the job goes on."
    )
    sync_wait_reason = words.SentenceText(
        readonly=True, copy=False, help="Why the job does not go on now."
    )
    sync_in_doubt = fields.Boolean(
        "In Doubt",
        compute="_compute_sync_in_doubt",
        help="Somebody has to say whether the record is in the system already, or "
        "under which ID.",
    )
    sync_due = fields.Datetime(
        "Due",
        readonly=True,
        copy=False,
        help="When the job was to run, before it had to wait for something.",
    )
    sync_execute_after = fields.Datetime(
        "Execute Only After",
        compute="_compute_sync_execute_after",
        help="The job does not start before; or when it was to run, if it waits for "
        "something else now. Empty: it starts soon.",
    )

    # -- what people are shown ------------------------------------------------

    name = fields.Char(help="What the job is about.")
    state = fields.Selection(
        help="Pending: waits for its turn. Enqueued: given to a worker. Started: runs"
        " now. Failed: is not tried again by itself. Wait Dependencies: other jobs have"
        " to be done before."
    )
    uuid = fields.Char(help="What the job is called in logs.")
    model_name = fields.Char(help="What kind of record the job works on.")
    graph_jobs_count = fields.Integer(help="Jobs that were queued together.")
    dependency_graph = Serialized(help="Which job has to be done before which.")
    exc_name = fields.Char(help="The kind of the last error, for developers.")
    exc_message = fields.Char(help="What the last error said.")
    exc_info = fields.Text(help="Where in the code it failed, for developers.")
    result = words.SentenceText(help="What came of it.")
    func_string = fields.Char(help="The method that is called, for developers.")
    channel = fields.Char(
        help="Jobs of one channel share its capacity: how many may run at a time."
    )
    company_id = fields.Many2one(help="Whose people see the job, and are told of it.")
    user_id = fields.Many2one(  # pylint: disable=attribute-string-redundant
        string="User", help="Whose action made the job; it runs as that user."
    )
    priority = fields.Integer(
        "Priority (Bulk: +10)",
        help="Of the jobs that wait, those with the lowest number start first. Those of"
        " synchronizations in bulk have 10 more.",
    )
    sync_priority = fields.Integer(
        "Priority",
        compute="_compute_sync_priority",
        inverse="_inverse_sync_priority",
        help="Of the jobs that wait, those with the lowest number start first; those in"
        " bulk after all others.",
    )
    sync_bulk = fields.Selection(
        [("bulk", "Bulk")],
        "Bulk",
        compute="_compute_sync_priority",
        search="_search_sync_bulk",
        help="Sent with many others: by a backfill, an import, or somebody who has"
        " chosen several. Single edits go first, whatever the priorities.",
    )
    eta = fields.Datetime(help="The job does not start before. Empty: it starts soon.")
    retry = fields.Integer(help="How often it was tried since it was queued.")
    date_created = fields.Datetime(string="Created", help="When it came to be.")
    date_enqueued = fields.Datetime(
        string="Enqueued", help="When it was last given to a worker."
    )
    date_started = fields.Datetime(string="Started", help="When its last try began.")
    date_done = fields.Datetime(string="Done", help="Empty unless it is done.")
    exec_time = fields.Float(
        string="Duration (s)",
        help="Seconds from the start of its last try to its end, done or failed."
        " Empty when it has not run, and for a job whose worker died. A mean when"
        " grouped.",
    )
    related_name = fields.Char(
        "Related Record",
        compute="_compute_related_name",
        help="The record, or records, that the job works on.",
    )
    failure_reason = fields.Char(
        compute="_compute_failure_reason", help="What went wrong the last time."
    )
    state_reason = fields.Char(
        "Reason",
        compute="_compute_state_reason",
        help="Why the job failed, what it waits for, or what came of it.",
    )
    tries = fields.Char(
        "Try",
        compute="_compute_tries",
        help="How often the job was tried, and the number of tries after which it"
        " fails.",
    )

    # -- who is told that it failed -------------------------------------------

    failure_notified = fields.Boolean(
        readonly=True,
        copy=False,
        help="The administrators have been told that this job failed.",
    )
    failure_recipient_ids = fields.Many2many(
        "res.partner",
        compute="_compute_failure_recipient_ids",
        compute_sudo=True,
        help="Who gets the mail when the job fails.",
    )

    # -- indexes --------------------------------------------------------------

    # A job is written several times, and each time to every index that it is in.
    # The list of what is open and the statistics stay quick beside a million of jobs
    # that are done: both are in the order, or by the time, that people look at.
    _open_jobs_index = models.Index(
        "(date_created DESC, date_done DESC) WHERE state IN"
        " ('wait_dependencies', 'pending', 'enqueued', 'started', 'failed')"
    )
    _ended_jobs_index = models.Index("(date_started) WHERE state IN ('done', 'failed')")
    # Used by _cron_notify_failures
    _failure_to_notify_index = models.Index(
        # the id first: the first ones are searched for by id, for several companies
        "(id, company_id) WHERE state = 'failed' AND failure_notified IS NOT TRUE"
    )
    # Used by the lists of a system's and of a stream's jobs, newest first
    _sync_backend_index = models.Index(
        "(sync_backend_id, date_created) WHERE sync_backend_id IS NOT NULL"
    )
    _sync_stream_index = models.Index(
        "(sync_stream_id, date_created) WHERE sync_stream_id IS NOT NULL"
    )
    # Used by store.due_changes and store.is_overtaken
    _sync_due_index = models.Index(
        "(sync_stream_id, priority, COALESCE(sync_due, eta, date_created), id)"
        " WHERE state = 'pending' AND sync_stream_id IS NOT NULL AND graph_uuid IS NULL"
        " AND (sync_wait_key IS NULL OR sync_wait_key ~ '^system:')"
    )
    # Used by store.wake and whoever looks for sleepers
    _sync_wait_index = models.Index(
        "(sync_wait_key, priority, sync_due, id) WHERE sync_wait_key IS NOT NULL"
    )
    # Used by store.wake for some streams of a system
    _sync_asleep_index = models.Index(
        "(sync_stream_id, priority, sync_due, id)"
        " WHERE state = 'pending' AND sync_wait_key ~ '^system:'"
    )
    # Used by store.sleep_on
    _sync_sleep_index = models.Index(
        "(eta) WHERE state = 'pending' AND sync_wait_key IS NOT NULL"
    )
    # Used by store.has_no_caller, store.is_needed and store.put_to_sleep: who is awake
    _sync_awake_index = models.Index(
        "(sync_backend_id, priority, COALESCE(sync_due, eta, date_created), id)"
        " WHERE state = 'pending' AND sync_wait_key IS NULL"
        " AND sync_stream_id IS NOT NULL"
    )
    # Used by standing.queue_figures. Done jobs are not in it.
    _sync_open_index = models.Index(
        "(sync_backend_id, state, date_created)"
        " WHERE sync_backend_id IS NOT NULL AND state IN ("
        "'wait_dependencies', 'pending', 'enqueued', 'started', 'failed')"
    )
    # Used by standing.failed_jobs and sync.recover: failed jobs among a million others
    _failed_sync_index = models.Index(
        "(sync_stream_id, id) INCLUDE (uuid)"
        " WHERE state = 'failed' AND sync_stream_id IS NOT NULL"
    )

    # -- computed fields ------------------------------------------------------

    def _compute_sync_delivery_ids(self):
        jobs = self.filtered("sync_stream_id")
        uuids = {*jobs.mapped("uuid"), *jobs.mapped("sync_carrier_uuid")} - {False}
        deliveries = self.env["sync.delivery"].search([("job_uuid", "in", uuids)])
        by_uuid = deliveries.grouped("job_uuid")
        none = deliveries.browse()
        for job in self:
            own = by_uuid.get(job.uuid, none)
            along = none
            if job in jobs:
                carried = by_uuid.get(job.sync_carrier_uuid, none)
                along = job._delivered_along(own, carried)
            job.sync_delivery_ids = own | along
            job.sync_along_count = len(along)

    def _delivered_along(self, own, carried):
        """Return the deliveries that other jobs have made of what this one owed.

        :param own: what it has delivered itself
        :param carried: what the job has delivered that is known to have carried it
        """
        records = job_load.known_records(self)
        ids = {*records.ids} if records is not None else set()
        ids = {self.sync_res_id} if self.sync_res_id else ids
        ids.difference_update(
            own.filtered(lambda x: x.state == "success").mapped("res_id")
        )
        along = carried.filtered(lambda each: each.res_id in ids)
        ids.difference_update(along.mapped("res_id"))
        if not (ids and self.date_done):
            return along
        # each delivery has the record as it is then: the last one that was made while
        # the job was there has what the job was to send
        found = own.search(
            [
                ("stream_id", "=", self.sync_stream_id.id),
                ("res_id", "in", list(ids)),
                ("state", "=", "success"),
                ("date", ">=", self.date_created.replace(microsecond=0)),
                ("date", "<=", self.date_done),
            ]
        )
        last = found.grouped("res_id").values()
        return along.union(*(each[:1] for each in last))

    def _compute_related_name(self):
        for job in self:
            job.related_name = job.sync_record_name or job._name_of_records()

    def _name_of_records(self):
        """Return the names of up to three records that a job works on."""
        records = job_load.known_records(self)
        if not records:
            return False
        found = records.exists()._filtered_access("read")
        if not found:
            return str(records)
        names = found[:3].mapped("display_name")
        return ", ".join(names) + ("…" if len(found) > 3 else "")

    @api.depends("sync_error", "exc_message", "exc_info", "exc_name")
    @api.depends_context("lang")
    def _compute_failure_reason(self):
        for job in self:
            # the last line of a traceback says what happened
            lines = (job.exc_info or "").strip().splitlines()
            reason = job.exc_message or (lines and lines[-1]) or job.exc_name
            # the number of tries has a place of its own
            reason = reason and OUT_OF_TRIES.sub("", reason)
            job.failure_reason = job.sync_error or reason

    @api.depends(
        "state", "result", "sync_error", "eta", "failure_reason", "sync_wait_reason"
    )
    @api.depends_context("lang", "tz")
    def _compute_state_reason(self):
        now = datetime.now()
        for job in self:
            if job.state == FAILED:
                job.state_reason = job.failure_reason
            elif job.state in (WAIT_DEPENDENCIES, ENQUEUED, STARTED):
                # what it has waited for is over, or the state says it
                job.state_reason = False
            elif job.state == PENDING and job.sync_wait_key:
                job.state_reason = jobs.reason_to_wait(job)
            elif job.state == PENDING and job.sync_error:
                job.state_reason = job.sync_error
            elif job.state == PENDING and not job.result and job.eta and job.eta > now:
                job.state_reason = self.env._("Waits for the time set for it")
            else:
                job.state_reason = job.result

    @api.depends("sync_wait_key", "sync_due", "eta")
    def _compute_sync_execute_after(self):
        for job in self:
            # while it sleeps, its eta only saves it from sleeping for ever
            job.sync_execute_after = job.sync_due if job.sync_wait_key else job.eta

    @api.depends("sync_wait_key")
    def _compute_sync_in_doubt(self):
        for job in self:
            job.sync_in_doubt = (job.sync_wait_key or "").startswith("doubt:")

    @api.depends("retry", "max_retries")
    def _compute_tries(self):
        for job in self:
            most = job.max_retries or self.env._("for ever")
            job.tries = f"{job.retry} / {most}"

    @api.depends("priority", "model_name", "method_name")
    def _compute_sync_priority(self):
        bulk = self.filtered_domain(jobs.bulk_jobs())
        for job in self:
            in_bulk = job in bulk
            job.sync_bulk = in_bulk and "bulk"
            job.sync_priority = job.priority - in_bulk * jobs.BULK

    def _inverse_sync_priority(self):
        for job in self:
            job._set_priority(job.sync_priority)

    def _search_sync_bulk(self, operator, value):
        if operator != "in":
            return NotImplemented
        found = Domain.FALSE
        if "bulk" in value:
            found |= jobs.bulk_jobs()
        if False in value:
            found |= ~jobs.bulk_jobs()
        return found

    def _set_priority(self, priority, keep_bulk=True):
        """Change the priority to one as people mean it.

        :param bool keep_bulk: leave those in bulk behind all others
        :raises UserError: it is none that a synchronization has
        """
        if self.filtered_domain(jobs.own_jobs()) and not 1 <= priority <= jobs.BULK:
            raise UserError(
                self.env._("The priority goes from 1 (first) to 10 (last).")
            )
        bulk = self.filtered_domain(jobs.bulk_jobs() if keep_bulk else Domain.FALSE)
        # tracking would read all fields of all jobs
        untracked = self.with_context(tracking_disable=True)
        (untracked & bulk).priority = priority + jobs.BULK
        (untracked - bulk).priority = priority
        changed = words._lt("Priority changed to %(priority)s")
        jobs.log_decision(self, words.Sentence(changed, priority=priority))

    @api.depends("company_id")
    def _compute_failure_recipient_ids(self):
        for job in self:
            job.failure_recipient_ids = job._failure_company()._job_failure_partners()

    # -- lists ----------------------------------------------------------------

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        # the lists are in the order in which the jobs go
        if field_name == "sync_priority":
            field_name = "priority"
        elif field_name == "sync_execute_after":
            due, eta = (
                self._field_to_sql(alias, name, query) for name in ("sync_due", "eta")
            )
            return SQL("COALESCE(%s, %s) %s %s", due, eta, direction, nulls)
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    def _read_group_postprocess_groupby(self, groupby_spec, raw_values):
        values = super()._read_group_postprocess_groupby(groupby_spec, raw_values)
        return groups_there(self, groupby_spec, values)

    @api.model
    def get_empty_list_help(self, help_message):
        """Say what an empty list means, where its window does not."""
        return super().get_empty_list_help(
            help_message
            or Markup(
                '<p class="o_view_nocontent_smiling_face">{nothing}</p><p>{more}</p>'
            ).format(
                nothing=self.env._("Nothing waits and nothing has failed"),
                more=self.env._(
                    "Jobs come by themselves, such as when somebody edits a contact. "
                    "Remove the filter to see those that are done."
                ),
            )
        )

    # -- decisions of people --------------------------------------------------

    def button_done(self):
        """Set those that are not at an end to done; each reader is told who did."""
        return self._close(DONE)

    def button_cancelled(self):
        """Cancel those that are not at an end; queue_job's own goes one by one."""
        return self._close(CANCELLED)

    def _close(self, state):
        undecided = self.filtered(lambda job: job.state in UNDECIDED)
        told = words.Sentence(CLOSED_BY[state], user=self.env.user.name)
        undecided._change_job_state(state, told)
        return True

    def _change_job_state(self, state, result=None):  # pylint: disable=missing-return
        """Do what a person has decided about jobs.

        Those of synchronizations are changed together, in one statement, and so is what
        they owe.
        """
        self.check_access("write")
        if state in CLOSED_BY and not result:
            result = words.Sentence(CLOSED_BY[state], user=self.env.user.name)
        together = self.filtered_domain(jobs.own_jobs()).filtered(
            lambda job: not job.graph_uuid and job.model_name in self.env
        )
        if state == PENDING:
            together = together.filtered("sync_backend_id")
            # one alone goes now, whatever others wait for
            together = together if len(together) > 1 else together.browse()
            jobs.requeue_many(together, ENDED)
        alone = self - together
        for job in alone:
            if job.state == state == CANCELLED:
                # with what it has waited for
                continue
            # who has decided it tells of it, not who made the job
            job._track_discard()
            took = job.exec_time
            if job.sync_wait_key:
                # it is due when it was, whatever becomes of it: nobody's decision
                job.sudo().eta = job.sync_due
            try:
                super(QueueJob, job)._change_job_state(state, result=result)
            except psycopg2.Error:
                raise
            except Exception:
                if job_load.can_be_stored(job):
                    raise
                if job_load.mend(job):
                    super(QueueJob, job)._change_job_state(state, result=result)
                else:
                    job_load.change_state(job, state, result)
            if state != PENDING:
                # a decision is no run
                job.exec_time = took
        if state == PENDING:
            jobs.rearm(alone)
        else:
            told = words.kept(result)
            closed = alone | store.close_jobs(self.env, together, state, told)
            jobs.settle(closed, state, result)

    def action_run_now(self):
        """Let pending jobs run as soon as there is a slot, whatever they wait for.

        What cannot go yet, because its system is down, say, sleeps on; the user is
        told so.
        """
        pending = self.filtered(lambda job: job.state == PENDING)
        told = {}
        for alike in pending.grouped(
            lambda job: (job.sync_stream_id, job.sync_backend_id, job.sync_wait_key)
        ).values():
            reason = jobs.obstacle(alike[0])
            if reason:
                told[reason] = told.get(reason, 0) + len(alike)
        pending.write({"eta": False})
        if not told:
            return True
        lines = [
            reason
            if len(self) == 1
            else self.env._("%(count)s jobs: %(reason)s", count=count, reason=reason)
            for reason, count in told.items()
        ]
        return warning(
            " ".join(lines[:MOST_REASONS]),
            title=self.env._("Not now"),
            next={"type": "ir.actions.client", "tag": "soft_reload"},
        )

    def _log_eta(self, eta):
        """Tell in the chatter until when a person has put jobs off, or no longer."""
        text = words.Sentence(words._lt("To run as soon as possible"))
        if eta:
            # as format_datetime() has it
            zone = self.env.user.tz or "UTC"
            text = words.Sentence(
                words._lt("To be executed only after %(time)s (%(zone)s)"),
                time=format_datetime(self.env, eta),
                zone=zone,
            )
        jobs.log_decision(self, text)

    def action_clarify(self):
        """Ask what the record is in the system that the job waits for an answer about.

        :raises UserError: it does not wait for that
        """
        self.ensure_one()
        found = self.env["sync.binding"]
        if self.sync_in_doubt:
            _kind, stream_id, res_id = self.sync_wait_key.split(":")
            found = found.search(
                [("stream_id", "=", int(stream_id)), ("res_id", "=", int(res_id))]
            )
        return found.action_clarify()

    def action_delivery(self):
        """Open the deliveries that other jobs have made for this one."""
        self.ensure_one()
        made = self.sync_delivery_ids.filtered(lambda each: each.job_uuid != self.uuid)
        return made._get_records_action(name=self.env._("Delivery"))

    def open_related_action(self):
        """Open what the job works on.

        :raises UserError: there is nothing to open, or no longer
        """
        try:
            return super().open_related_action()
        except psycopg2.Error:
            raise
        except Exception:
            records = job_load.known_records(self)
            if records and not records.exists():
                raise UserError(
                    self.env._("%s no longer exists.", self.related_name)
                ) from None
            problem = job_load.problem(self)
            if not problem:
                raise
            if not records:
                raise UserError(words.said(self.env, problem)) from None
            return self.related_action_open_record()

    # -- what becomes of a job is stored --------------------------------------

    def write(self, vals):
        vals = {**vals}
        failed = vals.get("state") == FAILED
        if "eta" in vals and "state" not in vals and not self.env.su:
            self._log_eta(vals["eta"])
        if "eta" in vals:
            # it waits for nothing else any more
            vals = {**dict.fromkeys(SLEEP), **vals}
        if "state" in vals:
            # a job that fails again is told about again
            vals.setdefault("failure_notified", False)
        started = vals.get("date_started")
        if failed and started and not vals.get("exec_time"):
            # queue_job tells the time of done jobs only
            vals["exec_time"] = (datetime.now() - started).total_seconds()
        for name in TOLD & vals.keys():
            # what a job returns or raises may hold what cannot be stored, and a job
            # that cannot be stored stays started
            if not isinstance(vals[name], words.Sentence):
                vals[name] = storable_within(vals[name])
        res = super().write(vals)
        if failed:
            for job in self.sudo().filtered("sync_stream_id"):
                jobs.record_failure(job, vals.get("sync_error"))
            self._tell_editors_later()
            companies = {job._failure_company() for job in self.sudo()}
            # the end of a quiet period calls it by itself
            if not all(company._job_failure_quiet_until() for company in companies):
                self._call_cron(NOTIFIER)
        return res

    # -- the editor is told ---------------------------------------------------

    def _tell_editors_later(self):
        """Tell those whose own edits have failed, once this is committed.

        A job that is one of many has been asked for by nobody who waits for it.
        """
        single = self.sudo().filtered(
            lambda job: (
                job.method_name == jobs.DELIVER
                and job.sync_stream_id
                and job.sync_res_id
                and not job.sync_bulk
            )
        )
        for user, theirs in single.grouped("user_id").items():
            if user.active and user.id != SUPERUSER_ID and user._is_internal():
                tell = partial(_tell_editor, self.env.registry, theirs[-1:].id)
                self.env.cr.postcommit.add(tell)

    def _tell_editor(self):
        """Tell the user of a failed job so, in his language, if he is there.

        Of several that fail at about the same time, the second message is about all.
        """
        since = fields.Datetime.now() - TELLING_PAUSE
        alike = [
            ("state", "=", FAILED),
            ("sync_stream_id", "=", self.sync_stream_id.id),
            ("user_id", "=", self.user_id.id),
            ("date_started", ">=", since),
        ]
        count = self.search_count(alike, limit=3)
        if self.state != FAILED or count > 2:
            return
        job = self.with_context(lang=self.user_id.lang)
        system = job.sync_backend_id.name or ""
        field = "sync_error" if job.sync_error else "failure_reason"
        reason = words.told_to_all(job, field, system) or ""
        if count > 1:
            title = job.env._("Several changes have not reached %s", system)
            message = job.env._(
                "The last one, %(record)s: %(reason)s",
                record=job.sync_record_name,
                reason=reason,
            )
        else:
            title = job.env._(
                "%(record)s has not reached %(system)s",
                record=job.sync_record_name,
                system=system,
            )
            message = reason
        told = {"type": "danger", "title": title, "message": message, "sticky": True}
        self.user_id._bus_send("simple_notification", told)

    def _message_failed_job(self):
        # queue_job's speaks of a section that is on top of the form here
        own = words.in_company_language(self, self._failure_company())
        return own.env._("The job has failed, and will not be tried again by itself.")

    def _notify_thread(self, message, *args, **kwargs):
        """Tell nobody of the message about a failure: the template's mail does that.

        queue_job leaves the message for the followers, whom it subscribes with it.
        """
        failed = self.env.ref("queue_job.mt_job_failed", raise_if_not_found=False)
        if failed and message.subtype_id == failed:
            return []
        return super()._notify_thread(message, *args, **kwargs)

    @api.model
    def _call_cron(self, name, at=None):
        """Have a cron of the addon called: now, or once at a moment."""
        cron = self.env.ref(f"queue_job_sync.{name}", raise_if_not_found=False)
        triggers = self.env["ir.cron.trigger"].sudo()
        same = [("cron_id", "=", cron and cron.id), ("call_at", "=", at)]
        if cron and not (at and triggers.search_count(same, limit=1)):
            cron.sudo()._trigger(at)

    def _failure_company(self):
        """Return whose people are told; the main company's for jobs of no company.

        Everybody may see a job without a company, so any company could tell; the main
        one has a quiet period like the others.
        """
        self.ensure_one()
        return self.company_id or self.env["res.company"]._get_main_company()

    # -- the cron that tells of failed jobs -----------------------------------

    @api.model
    def _cron_notify_failures(self):
        """Tell the administrators about failed jobs, each failure once.

        Jobs failed by queue_job's runner with plain SQL pass through no method, so
        this looks at what is failed rather than at what announced itself.
        """
        untold = self._read_group(self._untold_domain(), ["company_id"])
        main = self.env["res.company"]._get_main_company()
        for company in {company or main for (company,) in untold}:
            quiet_until = company._job_failure_quiet_until()
            if quiet_until:
                self._call_cron(NOTIFIER, quiet_until)
            elif not self._tell_company(company):
                break

    @api.model
    def _untold_domain(self, company=None):
        """Return which failed jobs nobody, or nobody of a company, was told about."""
        domain = [("state", "=", FAILED), ("failure_notified", "=", False)]
        if company:
            ids = company.ids
            if company == company._get_main_company():
                ids = [*ids, False]
            domain.append(("company_id", "in", ids))
        return domain

    @api.model
    def _tell_company(self, company):
        """Tell a company of its failed jobs; return whether there is time left."""
        # ids only: ten thousand jobs with their arguments do not fit into memory
        failed = self.search(self._untold_domain(company), order="id")
        if company.job_failure_quiet_minutes and len(failed) > 1:
            # told in one go: what is not marked now would be in the next digest too
            if failed._mail_failures(company):
                failed._mark_told()
            return True
        for start in range(0, len(failed), NOTIFY_BATCH):
            # not a slice, which would fetch the fields of all jobs
            batch = self.browse(failed.ids[start : start + NOTIFY_BATCH])
            told = batch.filtered(lambda job: job._mail_failures(company))
            told.failure_notified = True
            left = len(failed) - start - len(batch)
            if not self.env["ir.cron"]._commit_progress(len(told), remaining=left):
                return False
            if not told:
                break
        return True

    def _mail_failures(self, company):
        """Queue a mail about these failed jobs, in each reader's language.

        :return: whether that is settled; a text that cannot be rendered has to be
            mended first, and is tried again when the cron next runs
        """
        alone = len(self) == 1
        what = f"Job {self.uuid}" if alone else f"{len(self)} jobs"
        xmlid = MAIL_OF_ONE if alone else MAIL_OF_MANY
        template = self.env.ref(xmlid, raise_if_not_found=False)
        if not template:
            _logger.error("%s failed, and the mail about it has no template", what)
            return False
        if not company._job_failure_partners():
            _logger.warning(
                "%s failed, and nobody who could be told has an e-mail address", what
            )
            return True
        try:
            with self.env.cr.savepoint():
                template._queue_for_readers(self if alone else company)
        except Exception:
            _logger.exception("%s failed, and no mail could be written about it", what)
            return False
        company.job_failure_mailed = fields.Datetime.now()
        quiet_until = company._job_failure_quiet_until()
        if quiet_until:
            self._call_cron(NOTIFIER, quiet_until)
        return True

    def _mark_told(self):
        """Remember that people know of these jobs, and commit.

        Some may have been requeued since; those that fail again are told again.
        """
        progress = self.env["ir.cron"]._commit_progress
        for start in range(0, len(self), MARK_BATCH):
            batch = self[start : start + MARK_BATCH]
            still = self.search([("id", "in", batch.ids), *self._untold_domain()])
            # tracking would read all fields of all jobs
            still.with_context(tracking_disable=True).failure_notified = True
            progress(len(batch), remaining=len(self) - start - len(batch))


def _tell_editor(registry, job_id):
    """Tell the user of a job that it has failed, and commit; it raises nothing.

    What has failed is committed, and shown on the record.
    """
    try:
        with store.read_committed(registry) as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            job = env["queue.job"].browse(job_id).exists()
            if job:
                job._tell_editor()
    except Exception:
        _logger.exception("The user of job %s has not been told that it failed", job_id)
