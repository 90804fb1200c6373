# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
from datetime import timedelta

from psycopg2 import errors as pg_errors

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..engine import clock
from .loose_link import LooseMany2one

_logger = logging.getLogger(__name__)

# Until when the jobs of a paused system are put off. Resuming calls them back, so
# this is only how long they would sleep if nobody did.
WAIT_HOURS = 24
# An outage that comes back within this many minutes is the same one.
RELAPSE_MINUTES = 10
# How often a pause is tried while the runner is changing the same jobs.
PAUSE_TRIES = 5


class SyncIncident(models.Model):
    """A time in which nothing is sent to a system: it is down, or it was paused.

    What its jobs do meanwhile is in ``sync_incident_jobs.py``, and how it is asked
    whether it is back in ``sync_incident_probe.py``.
    """

    _name = "sync.incident"
    _description = "Incident"
    _order = "id desc"
    _log_access = False
    _rec_name = "reason"

    backend_id = LooseMany2one(
        "sync.backend",
        "System",
        required=True,
        readonly=True,
        help="The system that gets nothing meanwhile.",
    )
    company_id = fields.Many2one(related="backend_id.company_id")
    kind = fields.Selection(
        [
            ("outage", "Does not answer"),
            ("manual", "Paused by a person"),
            ("copy", "Copy or restored backup"),
        ],
        required=True,
        readonly=True,
        help="Whether it does not answer, a person has paused it, or this database "
        "looks like a copy of the one that has sent so far.",
    )
    reason = fields.Char(
        readonly=True,
        help="What the last attempt met, or what the person said.",
    )
    opened = fields.Datetime(
        "Since",
        required=True,
        readonly=True,
        help="Nothing has been sent to it since then.",
    )
    opened_uid = fields.Many2one(
        "res.users",
        "Paused By",
        readonly=True,
        help="Who paused it; empty for an outage.",
    )
    closed = fields.Datetime(
        "Until",
        readonly=True,
        help="When it was sent to again; empty as long as it lasts.",
    )
    closed_uid = fields.Many2one(
        "res.users",
        "Resumed By",
        readonly=True,
        help="Who resumed it; empty if it answered by itself.",
    )
    wait_until = fields.Datetime(
        readonly=True, help="Jobs of the system are put off until then."
    )
    probes = fields.Integer(readonly=True, help="How often it was asked since.")
    told_opened = fields.Boolean(
        readonly=True,
        help="Whether the mail that it is down has been sent.",
    )
    told_closed = fields.Boolean(
        readonly=True,
        help="Whether the mail that it is back has been sent.",
    )

    _one_open = models.UniqueIndex("(backend_id) WHERE closed IS NULL")
    _to_tell = models.Index(
        "(id) WHERE told_opened IS NOT TRUE"
        " OR (closed IS NOT NULL AND told_closed IS NOT TRUE)"
    )

    @api.model
    def _open(self, backend, kind, reason):
        """Let a system wait, unless it does already.

        Commits by itself: the job that finds out is about to roll back.

        :param backend: the ``sync.backend``
        :param str kind: of the incident
        :param str reason: what happened
        :return: seconds that its jobs have to wait
        """
        for _try in range(PAUSE_TRIES):
            try:
                with self.env.registry.cursor() as cr:
                    incident = self.with_env(self.env(cr=cr, su=True))._insert(
                        backend.id, kind, reason
                    )
                    return incident._seconds_left()
            except (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, pg_errors.UniqueViolation):
                # the runner was changing one of the jobs, or another worker has
                # opened the incident in this moment
                continue
        _logger.warning("System %s could not be paused", backend.id)
        return 0

    @api.model
    def _insert(self, backend_id, kind, reason):
        """Return the open incident of a system, opened now if there was none."""
        now = clock.now(self.env.cr)
        found = self.search([("backend_id", "=", backend_id), ("closed", "=", False)])
        if found:
            return found
        values = {"closed": False, "closed_uid": False}
        incident = kind == "outage" and self.search(
            [
                ("backend_id", "=", backend_id),
                ("kind", "=", kind),
                ("closed_uid", "=", False),
                ("closed", ">", now - timedelta(minutes=RELAPSE_MINUTES)),
            ],
            limit=1,
        )
        if incident:
            # The probes go on at their long intervals; people who were told that it
            # is over have to be told again. The time to wait for stays: an edit that
            # has not committed yet may have taken it.
            if incident.told_closed:
                values.update(told_opened=False, told_closed=False)
            incident.write(values)
        else:
            incident = self.create(
                {
                    **values,
                    "backend_id": backend_id,
                    "kind": kind,
                    "reason": reason,
                    "opened": now,
                    "wait_until": now + timedelta(hours=WAIT_HOURS),
                    "opened_uid": self.env.uid if kind == "manual" else False,
                    # people know what they have paused themselves
                    "told_opened": kind == "manual",
                }
            )
        incident.flush_recordset()
        incident._move_jobs_soon()
        if kind == "outage":
            incident._queue_probe()
        incident.backend_id._nudge()
        self._wake_cron()
        return incident

    @api.model
    def _pause_by_hand(self, backend):
        """Pause a system because the current user says so."""
        self._insert(
            backend.id, "manual", self.env._("Paused by %s", self.env.user.name)
        )

    @api.model
    def _wait_until(self, backend_id):
        """Return until when the jobs of a system wait, ``None`` if they do not.

        A plain read, for editors.
        """
        self.flush_model(["backend_id", "closed", "wait_until"])
        self.env.cr.execute(
            "SELECT wait_until FROM sync_incident"
            " WHERE backend_id = %s AND closed IS NULL",
            (backend_id,),
        )
        row = self.env.cr.fetchone()
        return row and row[0]

    def _waiting_text(self):
        """Return why the jobs wait, for people."""
        if self.kind == "manual":
            return self.env._("%s is paused.", self.backend_id.name)
        if self.kind == "copy":
            return self._copy_text(self.reason)
        return self.env._(
            "%(system)s does not answer: %(reason)s",
            system=self.backend_id.name,
            reason=self.reason,
        )

    def _close(self, by_person=False):
        """Go on: call the sleeping jobs back, by priority, at a bounded rate.

        Who resumes a copy resumes all of its systems: it is none, then.

        :param bool by_person: the current user asked for it
        """
        incidents = self
        if "copy" in self.mapped("kind"):
            self._adopt()
            incidents |= self.search([("kind", "=", "copy"), ("closed", "=", False)])
        for incident in incidents.filtered(lambda incident: not incident.closed):
            incident.write(
                {
                    "closed": clock.now(self.env.cr),
                    "closed_uid": by_person and self.env.uid,
                    "told_closed": incident.kind != "outage",
                    "called_until": False,
                }
            )
            incident._move_jobs_soon()
        incidents.backend_id._nudge()
        self._wake_cron()

    @api.model
    def _wake_cron(self):
        cron = self.env.ref(
            "queue_job_sync.ir_cron_incidents", raise_if_not_found=False
        )
        if cron:
            cron.sudo()._trigger()
