# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import format_datetime

from odoo.addons.queue_job.job import FAILED, PENDING, STARTED

from ..engine import gate, jobs, standing, store, words
from ..engine.store import LIVE_STATES

LAST_DELIVERIES = 5
# The fields of a job that keep its reason in parts.
PARTS = ("sync_error", "result")


class SyncStatus(models.TransientModel):
    """What each system holds of one record, for everyone who may read the record."""

    _name = "sync.status"
    _description = "Synchronization of a Record"

    res_model = fields.Char(
        required=True, readonly=True, help="What kind of record this is about."
    )
    res_id = fields.Many2oneReference(
        "Record",
        model_field="res_model",
        required=True,
        readonly=True,
        help="The record that this is about.",
    )
    content = fields.Html(
        "Synchronization by System",
        compute="_compute_content",
        help="How far each system is with the record.",
    )
    waits = fields.Boolean(
        compute="_compute_content",
        help="Whether a change is on its way to one of the systems.",
    )
    can_send = fields.Boolean(
        compute="_compute_can_send",
        help="Whether you may have it sent: you may edit it, and a system takes it.",
    )
    can_clarify = fields.Boolean(
        compute="_compute_can_clarify",
        help="Whether a system may have the record already, or has it under an unknown "
        "ID, and you may say so.",
    )

    @api.model
    def _open(self, record):
        """Return the action that shows the dialog about a record.

        :raises AccessError: the user may not read it, or is no internal one
        """
        self.check_access("read")
        record.check_access("read")
        # nobody makes one by hand: what it is about has been checked
        status = self.sudo().create({"res_model": record._name, "res_id": record.id})
        return status._get_records_action(
            name=self.env._("Synchronization of %s", record.display_name),
            target="new",
            context={},
        )

    def _record(self):
        """Return the record that it is about.

        :raises AccessError: the user may not read it
        """
        self.ensure_one()
        self.check_access("read")
        if self.res_model not in self.env["sync.stream"]._syncable_models():
            return self.env["sync.mixin"]
        record = self.env[self.res_model].browse(self.res_id).exists()
        record.check_access("read")
        return record

    def _compute_can_send(self):
        for status in self:
            record = status._record()
            status.can_send = bool(record) and record.has_access("write")

    def _compute_can_clarify(self):
        may_decide = self.env["sync.clarify"].has_access("write")
        for status in self:
            status.can_clarify = may_decide and bool(status._doubtful())

    def _compute_content(self):
        state = self.env["sync.binding"]._fields["state"]
        for status in self:
            systems = status._systems()
            status.waits = any(each["situation"].state == "waiting" for each in systems)
            status.content = self.env["ir.qweb"]._render(
                "queue_job_sync.record_status",
                {
                    "systems": systems,
                    "labels": dict(state._description_selection(self.env)),
                    "age": self._age,
                    "moment": self._moment,
                    "shows_log": self.env["sync.delivery"].has_access("read"),
                },
            )

    # -- what is told ---------------------------------------------------------

    def _systems(self):
        """Return what there is to tell of each system, as a list of dicts."""
        record = self._record()
        situations = record and standing.situations(record)[record.id]
        systems = []
        for stream, situation in (situations or {}).items():
            place = [("stream_id", "=", stream.id), ("res_id", "=", record.id)]
            binding = self.env["sync.binding"].sudo().search(place)
            last = store.last_about(self.env, [(stream.id, record.id)], LAST_DELIVERIES)
            deliveries = self.env["sync.delivery"].sudo().browse(last)
            job = self._job_that_counts(place, situation.state)
            name = stream.backend_id.name
            hold = self._hold(stream, situation, job)
            systems.append(
                {
                    "name": name,
                    "stream": stream.name,
                    "situation": situation,
                    "binding": binding,
                    "url": stream._record_page(record.id, binding.external_id),
                    "reason": self._told(
                        name, situation, job, deliveries, binding, hold
                    ),
                    "next": self._next(name, situation.state, job, binding, hold),
                    "due": situation.state == "waiting" and self._due(job),
                    "deliveries": [
                        (each, words.told_to_all(each, told, name))
                        for each in deliveries
                        for told in ["error" if each.error else "warning"]
                    ],
                }
            )
        return systems

    def _job_that_counts(self, place, state):
        """Return the job that is next to send the record, or that failed last."""
        rows = self.env["sync.outbox"].sudo().search(place).filtered("job_uuid")
        found = self.env["queue.job"].sudo()
        found = found.search([("uuid", "in", rows.mapped("job_uuid"))])
        if state == "waiting":
            live = found.filtered(lambda job: job.state in LIVE_STATES)
            now = fields.Datetime.now()
            return live.sorted(
                lambda job: (
                    job.state != STARTED,
                    job.sync_execute_after or now,
                    job.id,
                )
            )[:1]
        return found.filtered(lambda job: job.state == FAILED).sorted("id")[-1:]

    def _told(self, system, situation, job, deliveries, binding, hold):
        """Return why the system does not have the record for sure, or ``False``."""
        if situation.state == "doubt":
            return words.told_to_all(binding, "doubt_reason", system)
        if hold:
            return words.about(system, hold)
        if situation.state in ("waiting", "failed"):
            return self._reason(system, job, deliveries[:1], binding)
        return False

    def _hold(self, stream, situation, job):
        """Return what keeps a system from being sent what waits, or ``False``."""
        if situation.state != "waiting" or job.state == STARTED:
            return False
        hold = gate.obstacle(stream, for_all=True)
        return bool(hold) and words.said(self.env, hold)

    def _reason(self, system, job, last, binding):
        """Return why a change is not delivered yet, in words, or ``False``."""
        if job.state == PENDING and job.sync_wait_key:
            reason = jobs.reason_to_wait(job, for_all=True)
            return reason and words.about(system, reason)
        if job.state_reason:
            # where it is kept in parts, the request can be left out
            parts = (each for each in PARTS if job[each] == job.state_reason)
            return words.told_to_all(job, next(parts, "state_reason"), system)
        if last.state == "failed" and last.error:
            return words.told_to_all(last, "error", system)
        if job.state == FAILED or not job:
            return words.told_to_all(binding, "last_error", system)
        return False

    def _next(self, system, state, job, binding, hold):
        """Return what happens next, in sentences, or ``False``."""
        if state == "doubt":
            return self._doubt_text(system, binding)
        if state == "accepted":
            return self.env._(
                "%s has accepted it, and has not said that it is carried out.", system
            )
        if state == "unsent":
            return self.env._("It will be sent with its next change.")
        return self._next_try(state, job, hold)

    def _doubt_text(self, system, binding):
        """Return what is known of a record in doubt, and who has to do what."""
        if binding.doubt == "unknown_id":
            known = self.env._(
                "%s has taken this record, and has not said under which ID. Nothing "
                "more is sent of it before somebody gives that.",
                system,
            )
        elif binding.doubt == "found":
            known = self.env._(
                "%(system)s has what may be this record: %(ids)s. Nothing more is sent "
                "of it before somebody has looked there.",
                system=system,
                ids=binding.found_ids,
            )
        else:
            known = self.env._(
                "%s was to create this record, and has not said whether it did. It may "
                "be there already. Nothing more is sent of it before somebody has "
                "looked there.",
                system,
            )
        if self.can_clarify:
            todo = self.env._("Look there, then press Clarify.")
        else:
            todo = self.env._("Those who look after the jobs can say so here.")
        return f"{known} {todo}"

    def _next_try(self, state, job, hold):
        """Return what happens next, in a sentence, or ``False``.

        :param hold: what is told already of when it is sent
        """
        if state == "failed" and self.can_send:
            return self.env._(
                "It is not tried again by itself. Correct the record, or press"
                " Synchronize now."
            )
        if state == "failed":
            return self.env._("It is not tried again by itself.")
        if state != "waiting":
            return False
        if job.state == STARTED:
            return self.env._("It is being sent now.")
        when = self.env._("as soon as a worker is free")
        if hold or job.sync_wait_key:
            when = self.env._("as soon as it need not wait any longer")
        elif self._is_put_off(job):
            when = self._age(job.eta)
        if not job.retry:
            return not hold and self.env._("It will be sent %s.", when)
        if not job.max_retries:
            return self.env._("Next try %s.", when)
        return self.env._(
            "Next try %(when)s (%(number)s of %(most)s).",
            when=when,
            number=job.retry + 1,
            most=job.max_retries,
        )

    @api.model
    def _is_put_off(self, job):
        return job.state == "pending" and job.eta and job.eta > fields.Datetime.now()

    @api.model
    def _due(self, job):
        """Return when a job is due, or was before it had to wait, in words."""
        is_told = job.sync_wait_key or self._is_put_off(job)
        date = is_told and job.sync_execute_after
        return date and self.env._("Due: %s", self._moment(date))

    @api.model
    def _moment(self, date):
        return format_datetime(self.env, date, dt_format="short")

    @api.model
    def _age(self, date):
        """Return how long ago a time was, or how far it is, in the user's language."""
        relative = self.env["ir.qweb.field.relative"]
        return relative.value_to_html(date, {"now": fields.Datetime.now()})

    # -- what can be done -----------------------------------------------------

    def _doubtful(self):
        """Return the bindings of the record that are in doubt, as superuser.

        In the systems that the user may be told of.
        """
        record = self._record()
        return (
            self.env["sync.binding"]
            .sudo()
            .search(
                [
                    (
                        "stream_id",
                        "in",
                        standing.streams_of(self.env, self.res_model).ids,
                    ),
                    ("res_id", "in", record.ids),
                    ("doubt", "!=", False),
                ]
            )
        )

    def action_clarify(self):
        """Ask what the record is in the systems that may have it already."""
        return self._doubtful().sudo(False).action_clarify()

    def action_send_now(self):
        """Send the record everywhere, now, with the priority of each stream."""
        return self._record().action_sync_now()

    def action_options(self):
        """Ask where, when and how urgently to send the record."""
        return self.env["sync.now"]._open(self._record())

    def action_jobs(self):
        """Open the jobs of the record."""
        return self._record().action_sync_jobs()
