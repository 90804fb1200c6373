# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial

from psycopg2 import errors as pg_errors

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL, ormcache

from ..engine import clock, gate, jobs, waiting, words
from ..engine.store import LIVE_STATES, connected, read_committed
from ..exceptions import SyncError
from .loose_link import LooseMany2one

_logger = logging.getLogger(__name__)

# An outage that comes back within this many minutes is the same one.
RELAPSE_MINUTES = 10
# How often a pause is tried while the runner is changing the same jobs.
PAUSE_TRIES = 5
# Seconds between two probes: doubled each time, up to the most.
PROBE_LEAST, PROBE_MOST = 15, 900


class SyncIncident(models.Model):
    """A time in which nothing is sent to a system: it is down, or it was paused.

    Or this database may be a copy, or a restored backup, of the one that has sent so
    far. Then each of its systems is held by an incident of its own; they are one event:
    told once, and over for all systems when a person resumes one of them.

    What holds the jobs of the system back is the open incident, which each job looks
    at, and then sleeps; see ``engine/waiting.py``. Who closes it wakes them.
    """

    _name = "sync.incident"
    _description = "Incident"
    _order = "id desc"
    _log_access = False
    _rec_name = "reason"

    # -- fields ---------------------------------------------------------------

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
            ("manual", "Paused manually"),
            ("copy", "Copy or restored backup"),
        ],
        required=True,
        readonly=True,
        help="Whether it does not answer, somebody has paused it, or this database "
        "looks like a copy.",
    )
    reason = words.SentenceText(
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
    probes = fields.Integer(
        "Checks",
        readonly=True,
        help="How often the system was asked whether it answers again.",
    )
    told_opened = fields.Boolean(
        readonly=True, help="Whether the mail that it is down has been sent."
    )
    told_closed = fields.Boolean(
        readonly=True, help="Whether the mail that it is back has been sent."
    )
    recipient_ids = fields.Many2many(
        "res.partner",
        compute="_compute_recipient_ids",
        compute_sudo=True,
        help="Who is told that it is down, and that it is back.",
    )

    # -- indexes --------------------------------------------------------------

    _one_open = models.UniqueIndex("(backend_id) WHERE closed IS NULL")
    _to_tell = models.Index(
        "(id) WHERE told_opened IS NOT TRUE"
        " OR (closed IS NOT NULL AND told_closed IS NOT TRUE)"
    )

    # -- computes -------------------------------------------------------------

    def _compute_recipient_ids(self):
        for incident in self:
            # a copy concerns the systems of all companies
            company = incident.company_id
            if incident.kind == "copy":
                company = company.browse()
            incident.recipient_ids = company._job_failure_partners()

    # -- opened and closed ----------------------------------------------------

    @api.model
    def _open(self, backend, kind, reason):
        """Let a system wait, unless it does already.

        Commits by itself: the job that finds out is about to roll back.

        :param reason: what happened, a :class:`..wording.Sentence` or an error
        :return: why its jobs wait, a sentence for people; ``None`` if it went wrong
        """
        # the runner may be changing the jobs, and another worker opening the incident
        busy = (
            pg_errors.SerializationFailure,
            pg_errors.DeadlockDetected,
            pg_errors.UniqueViolation,
        )
        for _try in range(PAUSE_TRIES):
            with suppress(*busy), connected(self.env.registry) as cr:
                incidents = self.with_env(self.env(cr=cr, su=True))
                return incidents._insert(backend.id, kind, reason)._waiting_text()
        _logger.warning("System %s could not be paused", backend.id)
        return None

    @api.model
    def _insert(self, backend_id, kind, reason):
        """Return the open incident of a system, opened now if there was none."""
        now = clock.now(self.env.cr)
        found = self.search([("backend_id", "=", backend_id), ("closed", "=", False)])
        if found:
            return found
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
            # is over have to be told again.
            if incident.told_closed:
                incident.write({"told_opened": False, "told_closed": False})
            incident.write({"closed": False, "closed_uid": False})
        else:
            incident = self.create(
                {
                    "backend_id": backend_id,
                    "kind": kind,
                    "reason": reason,
                    "opened": now,
                    "opened_uid": self.env.uid if kind == "manual" else False,
                    # people know what they have paused themselves
                    "told_opened": kind == "manual",
                }
            )
        incident.flush_recordset()
        told = words.in_company_language(incident, incident.company_id)
        self.env.cr.postcommit.add(
            partial(
                waiting.put_to_sleep,
                self.env.registry,
                backend_id,
                told._waiting_text(),
            )
        )
        if kind == "outage":
            incident._queue_probe()
        self.env["queue.job"]._call_cron("ir_cron_incidents")
        return incident

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
        """Go on: wake a job, which takes the others along or wakes them.

        Who resumes a copy resumes all of its systems: it is none, then.

        :param bool by_person: the current user asked for it
        """
        incidents = self
        if "copy" in self.mapped("kind"):
            self._note_place(adopt=True)
            incidents |= self.search([("kind", "=", "copy"), ("closed", "=", False)])
        for incident in incidents.filtered(lambda incident: not incident.closed):
            incident.write(
                {
                    "closed": clock.now(self.env.cr),
                    "closed_uid": by_person and self.env.uid,
                    "told_closed": incident.kind != "outage",
                }
            )
            waiting.look_later(self.env, waiting.for_system(incident.backend_id.id))
        self.env["queue.job"]._call_cron("ir_cron_incidents")

    # -- the job that asks whether the system is back -------------------------

    def _queue_probe(self):
        """Queue the job that asks the system whether it is back."""
        # not as the user of the job that found the system down: while that one holds
        # its locks, this would wait for whoever is deleting the user
        self.with_user(SUPERUSER_ID).with_delay(
            priority=0,
            max_retries=0,
            eta=clock.after(self.env.cr, self._probe_interval()),
            description=self.env._("%s: does it answer again?", self.backend_id.name),
        )._probe()

    def _probe_interval(self):
        """Return the seconds until the next probe."""
        return min(PROBE_LEAST * 2 ** min(self.probes, 10), PROBE_MOST)

    def _probe(self):
        """Ask the system whether it answers again, and go on if it does.

        :return: what was found out, in a sentence
        :raises RetryableJobError: it does not; to be asked again later
        """
        if not self.exists() or self.closed or self.kind != "outage":
            return self.env._("The incident is over.")
        self = words.in_company_language(self, self.company_id)
        doubt = self._doubt()
        if doubt:
            self._become_copy(doubt)
            return self._copy_text(doubt)
        try:
            with self.backend_id._open_transport() as transport:
                answer = words.said(self.env, transport.check())
        except SyncError as err:
            with self._apart() as incident:
                incident.probes += 1
                interval = incident._probe_interval()
            raise gate.later(words.said(self.env, err), interval) from None
        self._close()
        return answer

    def _job_store_values(self, job):
        return {
            **super()._job_store_values(job),
            **jobs.told_values(job),
            "sync_res_id": self.id,
        }

    # -- a database that may be a copy ----------------------------------------

    @api.model
    @ormcache()
    def _tells_server(self):
        """Return whether the role may ask for the server's system identifier.

        PostgreSQL lets everybody, unless an operator has taken that right away.
        """
        may = "SELECT has_function_privilege('pg_control_system()', 'execute')"
        self.env.cr.execute(may)
        return self.env.cr.fetchone()[0]

    @api.model
    def _doubt(self):
        """Return why this may not be the database that has sent so far, else ``""``."""
        sight = gate.look(self.env)
        differs = gate.difference(sight)
        if differs == "database":
            return words.Sentence(
                words._lt("It was called %(old)s, and is %(new)s here."),
                old=sight.there.database,
                new=sight.here.database,
            )
        return {
            "": "",
            "server": words._lt("It is on another PostgreSQL server than before."),
            "oid": words._lt("It was made anew under the same name."),
            "changes": words._lt("Changes that this server has seen are not in it."),
        }[differs]

    @api.model
    def _copy_text(self, doubt):
        return self.env._(
            "This looks like a copy, or a restored backup, of the database that has "
            "sent so far: neutralize it, or resume. %s",
            words.said(self.env, doubt),
        )

    @api.model
    def _watch_origin(self):
        """Hold all systems of a copy; remember where one sends from that is none.

        Every minute: people are told although nothing is edited.
        """
        doubt = self._doubt()
        if not doubt:
            self._note_place()
            return
        for backend in self.env["sync.backend"].search([("stream_ids", "!=", False)]):
            incident = backend._open_incident()
            if not incident:
                self._open(backend, "copy", doubt)
            elif incident.kind == "outage":
                incident._become_copy(doubt)

    def _become_copy(self, doubt):
        """Hold what was down when it was copied for being a copy. Commits by itself.

        It is not even asked whether it is back, which takes the original's credentials.
        """
        with self._apart() as own:
            if own.kind == "outage" and not own.closed:
                own.write({"kind": "copy", "reason": doubt, "told_opened": False})

    @api.model
    def _note_place(self, adopt=False):
        """Remember where the database sends from, and how much it has recorded.

        :param bool adopt: it sends from here from now on: a person says it is no copy
        """
        sight = gate.look(self.env)
        if adopt or sight.there is None:
            gate.remember(self.env, sight.here)
            sight = gate.look(self.env)
        gate.note(sight.here, sight.since, sight.changes)

    # -- cron: mails, and what a crash has left undone ------------------------

    @api.model
    def _cron_watch(self):
        """Mend what was lost in a crash, tell of incidents, wake who waits in vain."""
        self.env["sync.health"]._watch()
        self._watch_origin()
        self._queue_lost_probes()
        self.env["sync.backfill"]._queue_lost_steps()
        self._tell("told_opened")
        self._tell("told_closed")
        waiting.look_everywhere(self.env)

    @contextmanager
    def _apart(self):
        """Yield this incident in a transaction of its own, as it is by now.

        Jobs open and close incidents while the cron works; what it writes must neither
        fail for that nor be written over something newer.
        """
        with read_committed(self.env.registry) as cr:
            yield self.with_env(self.env(cr=cr, su=True)).exists()

    @api.model
    def _tell(self, flag):
        """Mail once about each incident that has opened or, by the flag, ended."""
        domain = [(flag, "=", False)]
        if flag == "told_closed":
            domain.append(("closed", "!=", False))
        for incident in self.search(domain):
            try:
                with incident._apart() as own:
                    if own._claim(flag):
                        own._mail(flag)
            except Exception:
                # to be mended by whoever changed the text; tried again until then
                _logger.exception("No mail could be written about %s", incident)

    def _claim(self, flag):
        """Note that people are told, and return whether they still have to be.

        A copy is one event, whichever of its systems this incident is about.
        """
        copies = self.kind == "copy"
        which = SQL("kind = 'copy'") if copies else SQL("id = %s", self.id or None)
        column = SQL.identifier(flag)
        claim = "UPDATE sync_incident SET %s = true WHERE %s IS NOT TRUE AND %s"
        self.env.cr.execute(SQL(claim, column, column, which))
        return bool(self.env.cr.rowcount)

    def _mail(self, flag):
        name = "copy" if self.kind == "copy" else flag.removeprefix("told_")
        template = self.env.ref(
            f"queue_job_sync.mail_template_incident_{name}", raise_if_not_found=False
        )
        if template and self.recipient_ids:
            template._queue_for_readers(self)

    @api.model
    def _queue_lost_probes(self):
        """Queue a probe for each outage that has none left."""
        for incident in self.search([("kind", "=", "outage"), ("closed", "=", False)]):
            live = [
                ("model_name", "=", self._name),
                ("sync_res_id", "=", incident.id),
                ("state", "in", LIVE_STATES),
            ]
            if not self.env["queue.job"].search_count(live, limit=1):
                incident._queue_probe()
