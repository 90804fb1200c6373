# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    problems = fields.Json(
        compute="_compute_problems",
        compute_sudo=True,
        help="Synchronizations that do not work as they are set up, and why.",
    )

    def _compute_problems(self):
        found = self._streams_with_problems().grouped("backend_id")
        for backend in self:
            backend.problems = [
                {"id": stream.id, "name": stream.name, "reason": stream.problem}
                for stream in found.get(backend._origin, ())
            ]

    def _streams_with_problems(self):
        """Return the synchronizations in use of these systems that do not work."""
        domain = [
            ("backend_id", "in", self._origin.ids),
            ("active", "=", True),
            ("state", "=", "live"),
        ]
        return self.env["sync.stream"].search(domain).filtered("problem")

    def action_open_problems(self):
        """Open the synchronizations of this system that do not work."""
        self.ensure_one()
        self.check_access("read")
        streams = self._streams_with_problems()
        if len(streams) == 1:
            return streams.get_formview_action()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job_sync.action_sync_stream"
        )
        action["domain"] = [("id", "in", streams.ids)]
        return action
