# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.queue_job.job import CANCELLED, DONE, FAILED, PENDING
from odoo.addons.queue_job.models.queue_job import QueueJob as UpstreamJob

from ..engine import jobs, precedence
from ..text import storable_within
from .loose_link import LooseMany2one, groups_there

# What queue_job puts before the reason of the last try.
OUT_OF_TRIES = re.compile(r"^Max\. retries \(\d+\) reached: (?=\S)")

# What the code of a job says of itself.
TOLD = {"result", "exc_name", "exc_message", "exc_info"}


class QueueJob(models.Model):
    _inherit = "queue.job"

    # not to be edited from outside: what becomes of a job changes copies by them
    _protected_fields = (
        *UpstreamJob._protected_fields,
        "sync_backend_id",
        "sync_stream_id",
        "sync_res_id",
        "sync_record_name",
    )

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
        "Record Id",
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
    failure_reason = fields.Char(
        compute="_compute_failure_reason", help="What went wrong the last time."
    )
    related_name = fields.Char(
        "Related Record",
        compute="_compute_related_name",
        help="The record, or records, that the job works on.",
    )

    # A job is written several times, and each time to every index that it is in.
    # Used by the lists of a system's and of a stream's jobs, newest first
    _sync_backend_index = models.Index(
        "(sync_backend_id, date_created) WHERE sync_backend_id IS NOT NULL"
    )
    _sync_stream_index = models.Index(
        "(sync_stream_id, date_created) WHERE sync_stream_id IS NOT NULL"
    )
    # Used by standing.queue_figures, sync.incident._put_off_jobs and
    # _call_back_jobs. Done jobs are not in it.
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

    def _compute_sync_delivery_ids(self):
        deliveries = self.env["sync.delivery"].search(
            [("job_uuid", "in", self.filtered("sync_stream_id").mapped("uuid"))]
        )
        by_uuid = deliveries.grouped("job_uuid")
        for job in self:
            job.sync_delivery_ids = by_uuid.get(job.uuid, deliveries.browse())

    def _compute_related_name(self):
        for job in self:
            job.related_name = job.sync_record_name or job._name_of_records()

    @api.depends("exc_message", "exc_info", "exc_name")
    def _compute_failure_reason(self):
        for job in self:
            # the last line of a traceback says what happened
            lines = (job.exc_info or "").strip().splitlines()
            reason = job.exc_message or (lines and lines[-1]) or job.exc_name
            # the number of tries has a place of its own
            job.failure_reason = reason and OUT_OF_TRIES.sub("", reason)

    def _name_of_records(self):
        """Return the names of up to three records that a job works on."""
        self.ensure_one()
        records = self._known_records()
        if not records:
            return False
        found = records.exists()._filtered_access("read")
        if not found:
            return str(records)
        names = found[:3].mapped("display_name")
        return ", ".join(names) + ("…" if len(found) > 3 else "")

    def _read_group_postprocess_groupby(self, groupby_spec, raw_values):
        values = super()._read_group_postprocess_groupby(groupby_spec, raw_values)
        return groups_there(self, groupby_spec, values)

    # -- decisions of people --------------------------------------------------

    def _change_job_state(self, state, result=None):
        for job in self:
            try:
                super(QueueJob, job)._change_job_state(state, result=result)
            except psycopg2.Error:
                raise
            except Exception:
                if not any(each._load_problem() for each in job._loaded_together()):
                    raise
                if job._mend():
                    super(QueueJob, job)._change_job_state(state, result=result)
                else:
                    job._change_unloadable(state, result)
        if state in (DONE, CANCELLED):
            note = result or self.env._("Closed by %s", self.env.user.name)
            jobs.settle(self, note)
            if state == CANCELLED:
                precedence.settle_dependents(self, note)
        elif state == PENDING:
            jobs.rearm(self)
            precedence.release(self.env, self)

    def open_related_action(self):
        """Open what the job works on.

        :raises UserError: there is nothing to open, or no longer
        """
        try:
            return super().open_related_action()
        except psycopg2.Error:
            raise
        except Exception:
            records = self._known_records()
            if records and not records.exists():
                raise UserError(
                    self.env._("%s no longer exists.", self.related_name)
                ) from None
            problem = self._load_problem()
            if not problem:
                raise
            if not records:
                raise UserError(problem) from None
            return self.related_action_open_record()

    def write(self, vals):
        # what a job returns or raises may hold what cannot be stored, and a job that
        # cannot be stored stays started
        told = TOLD & vals.keys()
        if told:
            vals = {**vals, **{name: storable_within(vals[name]) for name in told}}
        res = super().write(vals)
        if vals.get("state") == FAILED:
            for job in self.sudo().filtered("sync_stream_id"):
                jobs.record_failure(job)
        return res
