# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..engine import jobs, standing
from ..engine.guard import noted
from ..engine.standing import SYNC_STATES, most_urgent

_logger = logging.getLogger(__name__)


class SyncMixin(models.AbstractModel):
    """What people see of the synchronization of a record, and can do about it."""

    _inherit = "sync.mixin"

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
    sync_date = fields.Datetime(
        "Synchronization Date",
        compute="_compute_sync_state",
        compute_sudo=True,
        groups="base.group_user",
        help="When it was delivered or failed, or since when it waits.",
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_sync_state(self):
        found_of = {}
        # who saves a form reads this, and must not lose what he has typed
        with noted(_logger, "The state of %s cannot be shown", self):
            found_of = {
                id_: most_urgent(systems.values())
                for id_, systems in standing.situations(self).items()
            }
        for record in self:
            found = found_of.get(record.id)
            record.sync_state = found and found.state
            record.sync_date = found and found.since

    def _search_sync_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        known = [False, *(state for state, _label in SYNC_STATES)]
        return Domain.OR(
            standing.state_domain(self, state) for state in known if state in value
        )

    def action_sync_status(self):
        """Show, system by system, what has been delivered of this record."""
        self.ensure_one()
        return self.env["sync.status"]._open(self)

    def action_sync_jobs(self):
        """Open the jobs that sent these records.

        :raises AccessError: the user may not read these records, or no jobs at all
        """
        self.check_access("read")
        self.env["queue.job"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job.action_queue_job"
        )
        action["domain"] = self._sync_job_domain()
        action["context"] = {}
        return action

    def _sync_job_domain(self):
        """Return which jobs send or sent these records, alone or with others."""
        return [
            "|",
            "&",
            ("model_name", "=", self._name),
            ("sync_res_id", "in", self.ids),
            ("uuid", "in", self._sync_job_uuids()),
        ]

    def _sync_job_uuids(self):
        """Return the jobs that the changes and deliveries of these records name.

        A job of many records names none of them itself.
        """
        streams = self.env["sync.stream"].sudo().with_context(active_test=False)
        stream_ids = streams.search([("model_name", "=", self._name)]).ids
        if not stream_ids or not self.ids:
            return []
        return standing.job_uuids(self, stream_ids)

    def action_sync_now(self):
        """Send these records to every system they belong in, changed or not.

        :raises AccessError: the user may not edit these records, or is no internal one
        :raises UserError: no synchronization sends any of them
        """
        self.check_access("write")
        self.env["sync.now"].check_access("write")
        streams = standing.streams_of(self.env, self._name)
        return self._sync_send(streams)

    def _sync_send(self, streams, priority=None, eta=None):
        """Queue these records by hand, and say how many deliveries that makes.

        :param streams: where to, as superuser
        :param int priority: of the jobs, if not the streams'
        :param eta: when the jobs may run (UTC, naive), ``None`` for now
        :return: action that tells the user
        :raises UserError: no synchronization sends any of them
        """
        count = jobs.enqueue_by_hand(self, streams, priority=priority, eta=eta)
        if not count:
            raise UserError(
                self.env._("No synchronization is set up for the selected records.")
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("1 delivery is on its way.")
                if count == 1
                else self.env._("%s deliveries are on their way.", count),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
