# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL


class SyncBackend(models.Model):
    """When a system is left alone: by itself in an outage, by hand on request."""

    _inherit = "sync.backend"

    pause_on_outage = fields.Boolean(
        "Pause in an Outage",
        default=True,
        help="When the system does not answer several times in a row, its jobs wait "
        "without using up their tries, and it is asked from time to time whether it "
        "is back. Without this, every job goes through its own tries.",
    )
    outage_threshold = fields.Integer(
        "After",
        default=5,
        required=True,
        help="Attempts in a row without an answer that count as an outage.",
    )
    drain_rate = fields.Integer(
        "Jobs per Second Afterwards",
        default=50,
        required=True,
        help="How fast the waiting jobs are let go when the system is back.",
    )
    incident_ids = fields.One2many(
        "sync.incident",
        "backend_id",
        "Incidents",
        help="The times at which this system was paused or down.",
    )
    incident_id = fields.Many2one(
        "sync.incident",
        "Open Incident",
        compute="_compute_incident_id",
        search="_search_incident_id",
        help="Why nothing is sent now: it does not answer, or somebody has paused it.",
    )
    incident_kind = fields.Selection(
        related="incident_id.kind",
        help="Whether it does not answer, somebody has paused it, or this database "
        "looks like a copy.",
    )
    incident_text = fields.Char(
        compute="_compute_incident_id",
        help="Why nothing is sent now, and since when.",
    )

    _positive_pace = models.Constraint(
        "CHECK (outage_threshold > 0 AND drain_rate > 0)",
        "The number of attempts and the rate must be at least one.",
    )

    def _compute_incident_id(self):
        incidents = self.env["sync.incident"].search(
            [("backend_id", "in", self.ids), ("closed", "=", False)]
        )
        by_backend = {incident.backend_id: incident for incident in incidents}
        for backend in self:
            incident = by_backend.get(backend)
            backend.incident_id = incident
            backend.incident_text = incident and incident._waiting_text()

    def _search_incident_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        open_ids = self.env["sync.incident"]._search([("closed", "=", False)])
        domain = [("incident_ids", "in", [id_ for id_ in value if id_])]
        if False in value:
            return ["|", *domain, "!", ("incident_ids", "in", open_ids)]
        return ["&", *domain, ("incident_ids", "in", open_ids)]

    def _open_incident(self):
        """Return the open incident of this system, if any. A plain read."""
        self.ensure_one()
        return self.env["sync.incident"].search(
            [("backend_id", "=", self.id), ("closed", "=", False)]
        )

    def _hold(self):
        """Return why jobs do not send now, and the seconds that they have to wait.

        An incident is opened now if this database looks like a copy of the one that has
        sent so far: before anything is sent, rather than when the cron comes by.

        :return: ``(text, seconds)``, or ``None``
        """
        incident = self._open_incident()
        if not incident:
            return incident._hold_copy(self)
        # the next ones need not start in vain as well
        incident._move_jobs()
        return incident._waiting_text(), incident._seconds_left()

    @api.model
    def _unanswered_in_a_row(self, backend_id, limit):
        """Return how many of the last ``limit`` attempts found the system down."""
        # BETWEEN and the order keep PostgreSQL to the index on (stream_id, id): with
        # "=" it may take the primary key, and read the whole log of other systems
        rows = self.env.execute_query(
            SQL(
                """
                SELECT last.down
                  FROM sync_stream s,
                       LATERAL (SELECT id, error_kind = 'unreachable' AS down
                                  FROM sync_delivery
                                 WHERE stream_id BETWEEN s.id AND s.id
                                 ORDER BY stream_id DESC, id DESC
                                 LIMIT %(limit)s) last
                 WHERE s.backend_id = %(backend)s
                 ORDER BY last.id DESC LIMIT %(limit)s
                """,
                backend=backend_id,
                limit=limit,
            )
        )
        count = 0
        for (down,) in rows:
            if not down:
                break
            count += 1
        return count

    def _note_unreachable(self, reason):
        """Pause this system if it has not answered for too many attempts.

        :param str reason: why the last attempt failed
        :return: seconds that its jobs have to wait, 0 if it is not paused
        """
        self.ensure_one()
        if not self.pause_on_outage:
            return 0
        with self.env.registry.cursor() as cr:
            # as committed by now, the attempts of the other workers among them
            seen = self.with_env(self.env(cr=cr))._unanswered_in_a_row(
                self.id, self.outage_threshold
            )
        if seen < self.outage_threshold:
            return 0
        return self.env["sync.incident"]._open(self, "outage", reason)

    def action_pause(self):
        """Let the jobs of these systems wait until somebody resumes them."""
        self.check_access("read")
        for backend in self:
            self.env["sync.incident"].sudo()._pause_by_hand(backend)
        return True

    def action_resume(self):
        """Send again: waiting jobs go on, by priority, at a bounded rate."""
        self.check_access("read")
        for backend in self.sudo():
            backend._open_incident()._close(by_person=True)
        return True
