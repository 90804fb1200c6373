# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from functools import partial

from odoo import api, models

# What a dashboard asks the bus for, and the kind of message it gets.
CHANNEL = "queue_job_sync.dashboard"
MESSAGE = "queue_job_sync/changed"
# A part of the channels of companies and groups, which no client can name by itself.
SUBCHANNEL = "queue_job_sync"
# Where a transaction keeps the systems that it has changed something about.
CHANGED = "queue_job_sync.changed"


class SyncBackend(models.Model):
    """Open dashboards are told that something has changed; they ask for the rest."""

    _inherit = "sync.backend"

    def _nudge(self):
        """Tell open dashboards about these systems once this is committed.

        For workers and decisions of people. Editors must not call it: what they queue
        is seen when the dashboard next looks by itself.
        """
        postcommit = self.env.cr.postcommit
        if CHANGED not in postcommit.data:
            changed = postcommit.data[CHANGED] = set()
            postcommit.add(partial(self.env["sync.nudge"]._send_due, changed))
        postcommit.data[CHANGED].update(self.ids)

    def _tell_dashboards(self):
        """Put a message on the bus for those who may see this system: only its id."""
        self.ensure_one()
        anchor = self.company_id or self._group_of_readers()
        self.env["bus.bus"]._sendone((anchor, SUBCHANNEL), MESSAGE, {"id": self.id})

    @api.model
    def _nudge_channels(self):
        """Return the bus channels of all systems that the current user may see."""
        if not self.has_access("read"):
            return []
        anchors = [self._group_of_readers(), *self.env.user.company_ids]
        return [(anchor, SUBCHANNEL) for anchor in anchors]

    @api.model
    def _group_of_readers(self):
        """Return what the channel of the systems of no company is named after."""
        return self.env.ref("queue_job.group_queue_job_manager")
