# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class SyncBackend(models.Model):
    """What the dashboard shows of each system, and where its figures lead to."""

    _inherit = "sync.backend"

    status = fields.Selection(
        [("up", "Up"), ("paused", "Paused"), ("down", "Down")],
        compute="_compute_status",
        help="Down: it does not answer. Paused: by a person. In both cases changes "
        "are kept and wait.",
    )
    status_since = fields.Datetime(
        "Since",
        compute="_compute_status",
        help="Since when it has been paused or down.",
    )
    status_text = fields.Char(
        compute="_compute_status", help="The status, and for how long."
    )
    status_reason = fields.Char(
        compute="_compute_status",
        help="Why nothing is sent now.",
    )
    waiting_count = fields.Integer(
        "Waiting", compute="_compute_figures", help="Jobs that are to be run."
    )
    running_count = fields.Integer(
        "Running",
        compute="_compute_figures",
        help="Jobs that are being run.",
    )
    failed_count = fields.Integer(
        "Failed",
        compute="_compute_figures",
        help="Jobs that somebody has to decide about.",
    )
    oldest_waiting = fields.Datetime(
        compute="_compute_figures", help="When the oldest waiting job was made."
    )
    oldest_text = fields.Char(
        "Oldest Change",
        compute="_compute_figures",
        help="For how long the oldest change has been waiting.",
    )
    delivered_hourly = fields.Json(
        "Delivered",
        compute="_compute_figures",
        help="Records delivered in each of the last 24 hours, the current one last.",
    )
    open_backfills = fields.Json(
        compute="_compute_open_backfills", help="Those that run or are stopped."
    )

    def _compute_status(self):
        incidents = self.env["sync.incident"]
        mine = ("backend_id", "in", self.ids)
        ended = dict(
            incidents._read_group(
                [mine, ("closed", "!=", False)], ["backend_id"], ["closed:max"]
            )
        )
        for backend in self:
            incident = backend.incident_id
            if incident:
                backend.status = "down" if incident.kind == "outage" else "paused"
                backend.status_since = incident.opened
            else:
                backend.status = "up"
                backend.status_since = ended.get(backend, False)
            backend.status_reason = incident.reason
            backend.status_text = backend._status_text()

    def _status_text(self):
        self.ensure_one()
        if not self.status_since:
            return self.env._("Up")
        duration = self._time_since(self.status_since)
        if self.status == "up":
            return self.env._("Up for %s", duration)
        if self.status == "paused":
            return self.env._("Paused for %s", duration)
        return self.env._("Down for %s", duration)

    def _time_since(self, moment):
        """Return how long ago a moment was, such as "12 minutes"."""
        seconds = (fields.Datetime.now() - moment).total_seconds()
        return self.env["sync.backfill"]._duration_text(seconds)

    def _compute_figures(self):
        figures = self._queue_figures()
        for backend in self:
            # none of a system that has not been saved
            mine = figures.get(backend.id, {})
            oldest = mine.get("oldest") or False
            backend.waiting_count = mine.get("waiting", 0)
            backend.running_count = mine.get("running", 0)
            backend.failed_count = mine.get("failed", 0)
            backend.oldest_waiting = oldest
            backend.oldest_text = oldest and backend._time_since(oldest)
            backend.delivered_hourly = mine.get("delivered", [])

    def _compute_open_backfills(self):
        backfills = self._search_open_backfills().grouped("backend_id")
        for backend in self:
            backend.open_backfills = [
                backend._backfill_card(backfill)
                for backfill in backfills.get(backend, ())
            ]

    def _backfill_card(self, backfill):
        """Return what the dashboard shows of a backfill of this system."""
        self.ensure_one()
        number = self.env["ir.qweb.field.integer"].value_to_html
        if backfill.state == "stopped":
            title = self.env._("Stopped backfill: %s", backfill.stream_id.name)
            note = backfill.note
        else:
            title = self.env._("Backfill: %s", backfill.stream_id.name)
            note = backfill.hint
            if self.incident_id:
                # the card says already what it waits for
                note = False
            elif not note and backfill.time_left:
                note = self.env._("%s left", backfill.time_left)
        return {
            "id": backfill.id,
            "title": title,
            "stopped": backfill.state == "stopped",
            "progress": int(backfill.progress),
            "count": self.env._(
                "%(done)s of %(total)s",
                done=number(backfill.done + backfill.failed, {}),
                total=number(backfill.total, {}),
            ),
            "note": note or "",
        }

    def _search_open_backfills(self):
        return self.env["sync.backfill"].search(
            [
                ("stream_id.backend_id", "in", self.ids),
                ("state", "in", ("running", "stopped")),
            ]
        )

    # -- where the figures lead to --------------------------------------------

    def action_open_waiting(self):
        """Open the jobs of this system that are to be run."""
        return self._action_open_jobs("wait_dependencies", "pending", "enqueued")

    def action_open_running(self):
        """Open the jobs of this system that are being run."""
        return self._action_open_jobs("started")

    def action_open_failed(self):
        """Open the jobs of this system that have failed."""
        return self._action_open_jobs("failed")

    def _action_open_jobs(self, *states):
        """Open the jobs of this system in some states, as filters to be taken off."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job.action_queue_job"
        )
        action["domain"] = [("sync_backend_id", "=", self.id)]
        action["context"] = {f"search_default_{state}": 1 for state in states}
        return action

    def action_open_backfills(self):
        """Open the backfill of this system that is under way, or the list of them."""
        self.ensure_one()
        self.check_access("read")
        backfills = self._search_open_backfills()
        if len(backfills) == 1:
            return backfills.get_formview_action()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job_sync.action_sync_backfill"
        )
        action["domain"] = [("id", "in", backfills.ids)]
        return action
