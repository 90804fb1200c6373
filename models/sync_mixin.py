# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .sync_binding import SYNC_STATES
from .sync_change import remember_changes, remember_parents
from .sync_mapping_lines import fold_lists

# A record that is in several systems shows the state that most wants attention.
BY_URGENCY = ("failed", "waiting", "skipped", "synced")


class SyncMixin(models.AbstractModel):
    """A record that external systems are kept in step with.

    A model takes part by inheriting this mixin; nothing else is needed before a
    synchronization (``sync.stream``) can be set up for it. It may override
    :meth:`_sync_domain`, :meth:`_sync_watched_fields`, :meth:`_sync_watched_lines` and
    :meth:`_sync_payload`.
    """

    _name = "sync.mixin"
    _description = "Synchronized Record"

    sync_state = fields.Selection(
        SYNC_STATES,
        "Synchronization",
        compute="_compute_sync_state",
        search="_search_sync_state",
        compute_sudo=True,
        groups="base.group_user",
        help="Synced: every system holds the latest state. Waiting: a change is on "
        "its way. Skipped: a person closed the job, so a system may hold an older "
        "state. Failed: a change could not be delivered.",
    )
    sync_available = fields.Boolean(
        compute="_compute_sync_available",
        groups="base.group_user",
        help="A synchronization is set up for records of this kind.",
    )
    sync_status = fields.Html(
        "Synchronization by System",
        compute="_compute_sync_status",
        compute_sudo=True,
        sanitize=False,
        groups="base.group_user",
    )
    sync_job_count = fields.Integer(
        "Jobs",
        compute="_compute_sync_job_count",
        groups="queue_job.group_queue_job_manager",
    )

    # -- the contract ---------------------------------------------------------

    def _sync_domain(self, stream):
        """Return which records of this model a stream sends.

        Active ones unless the stream's own filter speaks of ``active``, and those of
        the system's company or of none.

        :param stream: the ``sync.stream``
        :return: :class:`odoo.fields.Domain`
        """
        domain = Domain(stream._parsed_domain())
        named = {condition.field_expr for condition in domain.iter_conditions()}
        if self._active_name and self._active_name not in named:
            domain &= Domain(self._active_name, "=", True)
        company_id = stream._facts().company_id
        if company_id and "company_id" in self._fields:
            domain &= Domain("company_id", "in", [False, company_id])
        return domain

    def _sync_watched_fields(self, stream):
        """Return the fields whose edit has to be sent.

        The mapped fields and those that the filter looks at, with every field of the
        same model that they are computed from. An edit behind a link, such as another
        name for the country, is not watched; one of lines is, see
        :meth:`_sync_watched_lines`.

        :param stream: the ``sync.stream``
        :return: set of field names
        """
        return self._sync_closure(self._sync_paths(stream))[0]

    def _sync_payload(self, stream):
        """Return the content that is sent for one record.

        :param stream: the ``sync.stream``
        :return: dict that JSON can hold; for SQL, values by column
        """
        self.ensure_one()
        payload = {}
        for mapping in stream.mapping_ids:
            *parents, key = (
                [mapping.target]
                if stream.transport == "postgresql"
                else mapping.target.split(".")
            )
            node = payload
            for parent in parents:
                node = node.setdefault(parent, {})
            node[key] = mapping._value_of(self)
        return payload if stream.transport == "postgresql" else fold_lists(payload)

    # -- change capture -------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        remember_changes(records)
        return records

    def write(self, vals):
        remember_parents(self, vals.keys(), moving=True)
        res = super().write(vals)
        remember_changes(self, vals.keys())
        return res

    def unlink(self):
        remember_changes(self, names=True)
        self._sync_remember_cascade()
        return super().unlink()

    # -- the job --------------------------------------------------------------

    def _sync_deliver(self, stream):
        """Deliver records as they are now

        This is the job: it runs as the user whose edit made it, whose rights and
        language do not change what is sent.

        :param stream: the ``sync.stream`` to serve
        :return: what was done, in a sentence
        :raises RetryableJobError: to be tried again
        :raises SyncError: this record will not get through as it is
        """
        return self.env["sync.binding"].sudo()._deliver(stream.sudo(), self.ids)

    @api.model
    def _job_store_values(self, job):
        """Link the job to what it sends, so that it can be searched by it.

        (queue_job documents a hook per method, but this general one, which it calls
        after it, replaces what that returned.)
        """
        values = super()._job_store_values(job)
        if job.method_name != "_sync_deliver" or job.retry or job.date_enqueued:
            # another task, or one that was linked when it was made
            return values
        (stream,) = job.args
        return {
            **values,
            "sync_stream_id": stream.id,
            "sync_backend_id": stream._facts().backend_id,
            "sync_res_id": self.id if len(self) == 1 else False,
            "sync_record_name": self.env.context.get("sync_record_name"),
        }

    # -- what people see ------------------------------------------------------

    def _compute_sync_available(self):
        self.sync_available = bool(self.env["sync.stream"]._watchers(self._name))

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_sync_state(self):
        states = self.env["sync.binding"]._states_by_record(self)
        for record in self:
            found = set(states.get(record.id, {}).values())
            record.sync_state = next(
                (state for state in BY_URGENCY if state in found), False
            )

    def _search_sync_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        known = [False, *(state for state, _label in SYNC_STATES)]
        return Domain.OR(
            self.env["sync.binding"]._state_domain(self, state)
            for state in known
            if state in value
        )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_sync_status(self):
        qweb = self.env["ir.qweb"]
        lines = self.env["sync.binding"]._status_lines(self)
        for record in self:
            record.sync_status = (
                qweb._render(
                    "queue_job_sync.record_status", {"lines": lines[record.id]}
                )
                if lines.get(record.id)
                else Markup()
            )

    def _compute_sync_job_count(self):
        counts = dict(
            self.env["queue.job"]._read_group(
                self._sync_job_domain(), ["sync_res_id"], ["__count"]
            )
        )
        for record in self:
            record.sync_job_count = counts.get(record.id, 0)

    def _sync_job_domain(self):
        return [
            ("model_name", "=", self._name),
            ("sync_res_id", "in", self.ids),
        ]

    def action_sync_jobs(self):
        """Open the jobs that sent these records."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job.action_queue_job"
        )
        action["domain"] = self._sync_job_domain()
        action["context"] = {}
        return action

    def action_sync_status(self):
        """Show, system by system, what has been delivered of this record."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Synchronization of %s", self.display_name),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(self._sync_status_view().id, "form")],
            "target": "new",
        }

    def _sync_status_view(self):
        """Return the form that shows ``sync_status`` of this model."""
        return self.env["ir.ui.view"]

    def action_sync_now(self):
        """Send these records to every system they belong in, changed or not.

        :raises AccessError: the user may not edit these records
        :raises UserError: no synchronization sends any of them
        """
        self.check_access("write")
        count = self.env["sync.outbox"].sudo()._enqueue_by_hand(self)
        if not count:
            raise UserError(
                self.env._("No synchronization is set up for the selected records.")
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("%s deliveries are on their way.", count),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
