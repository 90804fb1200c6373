# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial

from psycopg2 import errors as pg_errors

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL, ormcache

from ..engine import clock, gate, jobs, store, waiting, words
from ..engine.store import LIVE_STATES, Alike, connected, read_committed
from ..exceptions import SyncError
from ..transports.http.tokens import CONNECT
from .loose_link import LooseMany2one

_logger = logging.getLogger(__name__)

# An outage that comes back within this many minutes is the same one.
RELAPSE_MINUTES = 10
# How often a pause is tried while the runner is changing the same jobs.
PAUSE_TRIES = 5
# Seconds between two probes: doubled each time, up to the most.
PROBE_LEAST, PROBE_MOST = 15, 900
# Jobs that are tried one after the other, if what they send is refused, once a person
# has changed a setting: one of them may be refused for its own content.
TRIALS = 5
# Of those that were tried last, so many are tried last the next time.
TRIED = 50

ONE_RECORD = words._lt("One record is sent, to see.")


class SyncIncident(models.Model):
    """A time in which nothing is sent to a system: it is down, or it was paused.

    Or nothing is sent of one of its synchronizations, which is set up wrongly: each
    record would meet the same. It is held by an incident of its own, and the others of
    the system go on.

    Or this database may be a copy, or a restored backup, of the one that has sent so
    far. Then each of its systems is held by an incident of its own; they are one event:
    told once, and over for all systems when a person resumes one of them.

    What holds the jobs of the system back is the open incident, which each job looks
    at, and then sleeps; see ``engine/waiting.py``. Who closes it wakes them.

    Where only a record can show that it is over, one job is let through for a trial.
    It is over when the system has confirmed what that one sends; see
    ``engine/blame.py``, which also decides when an incident opens.
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
    stream_id = LooseMany2one(
        "sync.stream",
        "Synchronization",
        readonly=True,
        help="The synchronization of which nothing is sent. Empty: nothing at all is "
        "sent to the system.",
    )
    company_id = fields.Many2one(related="backend_id.company_id")
    kind = fields.Selection(
        [
            ("outage", "Does not answer"),
            ("manual", "Paused manually"),
            ("copy", "Copy or restored backup"),
            ("settings", "Set up wrongly"),
        ],
        required=True,
        readonly=True,
        help="Whether it does not answer, somebody has paused it, this database "
        "looks like a copy, or a synchronization is set up wrongly.",
    )
    setting = fields.Selection(
        [
            ("mapping", "Fields"),
            ("address", "Endpoint or Table"),
            ("method", "Update with"),
            ("key", "Key Column"),
            ("id", "ID in the Answer"),
            ("other", "Another Setting"),
        ],
        readonly=True,
        help="What to look at, and to mend.",
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

    # how it ends
    by_record = fields.Boolean(
        readonly=True,
        help="Whether only a record shows that it is over: the system answers, but "
        "takes none.",
    )
    trial_uuid = fields.Char(
        readonly=True, help="The job that is let through to try whether it is over."
    )
    tried = fields.Json(
        readonly=True, help="The jobs that were tried last; others go first."
    )
    trials_left = fields.Integer(
        readonly=True,
        help="How many jobs are still tried, if what they send is refused.",
    )
    again = fields.Boolean(
        readonly=True,
        help="Whether a setting has been changed since the trial has begun.",
    )
    # what it was opened by, where that was what several records have met alike
    refusal_kind = fields.Char(readonly=True, help="How records were refused.")
    refusal_status = fields.Char(readonly=True, help="The status of those answers.")
    first_delivery = fields.Integer(
        readonly=True, help="The first delivery that was refused so."
    )
    last_delivery = fields.Integer(
        readonly=True,
        help="The last delivery when it ended: what was refused before counts no more.",
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

    _one_open = models.UniqueIndex(
        "(backend_id, COALESCE(stream_id, 0)) WHERE closed IS NULL"
    )
    # Used by store.latest_refusals
    _stream_index = models.Index("(stream_id, id) WHERE stream_id IS NOT NULL")
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
    def _open(self, backend, kind, reason, **values):
        """Let a system wait, or one of its synchronizations, unless it does already.

        Commits by itself: the job that finds out is about to roll back.

        :param reason: what happened, a :class:`..wording.Sentence` or an error
        :param values: of more fields, such as ``stream_id``
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
                incident = incidents._insert(backend.id, kind, reason, **values)
                return incident._waiting_text()
        _logger.warning("System %s could not be paused", backend.id)
        return None

    @api.model
    def _insert(self, backend_id, kind, reason, stream_id=False, **values):
        """Return the open incident of a system, opened now if there was none.

        Or that of one of its synchronizations.
        """
        now = clock.now(self.env.cr)
        whose = [("backend_id", "=", backend_id), ("stream_id", "=", stream_id)]
        found = self.search([*whose, ("closed", "=", False)])
        if found:
            return found
        incident = kind == "outage" and self.search(
            [
                *whose,
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
            incident.write(
                {
                    "closed": False,
                    "closed_uid": False,
                    "reason": reason,
                    "refusal_kind": False,
                    # that it has answered a probe has proved nothing
                    "by_record": True,
                    **values,
                }
            )
        else:
            incident = self.create(
                {
                    "backend_id": backend_id,
                    "stream_id": stream_id,
                    "kind": kind,
                    "reason": reason,
                    "opened": now,
                    "opened_uid": self.env.uid if kind == "manual" else False,
                    # people know what they have paused themselves
                    "told_opened": kind == "manual",
                    **values,
                }
            )
        incident.flush_recordset()
        self.env.cr.postcommit.add(
            partial(
                waiting.put_to_sleep,
                self.env.registry,
                backend_id,
                incident._waiting_text(),
                stream_id or None,
            )
        )
        incident._take_back_later()
        if kind == "outage":
            incident._queue_probe()
        self.env["queue.job"]._call_cron("ir_cron_incidents")
        return incident

    def _waiting_text(self):
        """Return why the jobs wait, a sentence for those who look after them."""
        told = self._told_text()
        reason = self._fields["reason"].error_of(self)
        if self.kind == "copy":
            return self._copy_text(reason)
        if self.kind == "manual" or not reason:
            return told
        return words.Sentence(
            words._lt("%(what)s Reason: %(reason)s"), what=told, reason=reason
        )

    def _told_text(self):
        """Return why nothing is sent, a sentence for everybody: without the reason.

        That names an address.
        """
        told = partial(
            words.Sentence,
            time=self.opened,
            system=self.backend_id.name,
            synchronization=self.stream_id.name or "",
            user=self.opened_uid.sudo().name or "",
        )
        if self.kind == "manual" and self.opened_uid:
            return told(
                words._lt(
                    "Paused by %(user)s at %(time)s; sent when somebody resumes "
                    "%(system)s."
                )
            )
        if self.kind == "manual":
            return told(
                words._lt(
                    "%(system)s is paused since %(time)s; sent when somebody resumes "
                    "it."
                )
            )
        if self.kind == "copy":
            return words.Sentence(
                words._lt(
                    "Nothing is sent: this database looks like a copy, or a restored "
                    "backup."
                )
            )
        if self.kind == "settings":
            return told(
                words._lt(
                    "%(synchronization)s is held since %(time)s; sent when its "
                    "settings are mended."
                )
            )
        if self.refusal_kind:
            return told(
                words._lt(
                    "%(system)s refuses whatever is sent since %(time)s; sent when it "
                    "takes it again."
                )
            )
        return told(
            words._lt("%(system)s is down since %(time)s; sent when it is back.")
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
                    "told_closed": incident.kind not in ("outage", "settings"),
                    "trial_uuid": False,
                    "last_delivery": store.last_delivery(self.env.cr),
                }
            )
            if not by_person:
                # what was refused before the others knew goes on with the rest
                incident._take_back_later()
            waiting.look_later(self.env, incident._key)
        self.env["queue.job"]._call_cron("ir_cron_incidents")

    @property
    def _key(self):
        """What the jobs sleep under that this one holds back."""
        if self.stream_id.id:
            return waiting.for_stream(self.stream_id.id)
        return waiting.for_system(self.backend_id.id)

    def _take_back_later(self):
        """Let those jobs sleep that have failed by what opened it, once it is committed

        Nobody has to decide about them: they go on with the others.
        """
        if not self.refusal_kind:
            return
        streams = self.stream_id or self.backend_id._all_streams()
        self.env.cr.postcommit.add(
            partial(
                _take_back,
                self.env.registry,
                streams.ids,
                Alike(self.refusal_kind, self.refusal_status or ""),
                self.first_delivery,
                self._key,
                self._waiting_text(),
            )
        )

    # -- trials: a job that is let through ------------------------------------

    def action_try_again(self):
        """Send one record; if the system confirms it, all that was held follows."""
        self.check_access("read")
        self.sudo()._try_later()
        return True

    def action_resume(self):
        """Go on, as if it was mended."""
        self.check_access("read")
        self.sudo()._close(by_person=True)
        return True

    def action_open_stream(self):
        """Open the synchronization that is held, with its fields."""
        self.ensure_one()
        self.check_access("read")
        return self.stream_id.get_formview_action()

    def _try_later(self):
        """Try whether these are over once this is committed, each once."""
        postcommit, registry = self.env.cr.postcommit, self.env.registry
        asked = postcommit.data.setdefault("queue_job_sync.trials", set())
        for incident_id in set(self.ids) - asked:
            asked.add(incident_id)
            postcommit.add(partial(_try_now, registry, incident_id))

    @api.model
    def _settings_changed(self, streams, backend=None):
        """Try whether what was set up wrongly is mended, in some streams.

        :param backend: the system whose own settings have been changed
        """
        found = streams.sudo()._open_incident()
        if backend:
            found |= backend.sudo()._open_incident().filtered("by_record")
        found._try_later()

    def _end_disconnected(self):
        """Go on with systems that were held for want of access, and have it again."""
        reason_of = self._fields["reason"].error_of
        self.filtered(
            lambda each: getattr(reason_of(each), "reason", "") == CONNECT
        )._close(by_person=True)

    def _begin_trial(self, afresh=False):
        """Let a job through, and return whether there is one.

        In a transaction of its own, see :meth:`_apart`.

        :param bool afresh: a person has changed something, or asks for it
        """
        cr, key = self.env.cr, self._key
        # two at a time would let two jobs through
        store.lock_incident(cr, self.id)
        self.invalidate_recordset()
        if self.closed:
            return False
        state = self.trial_uuid and store.trial_state(cr, self.trial_uuid, key)
        if state:
            # what one has met that has begun before is not the last word
            self.again = self.again or (afresh and state == "started")
            return True
        tried = self.tried or []
        uuid = store.wake_trial(cr, key, tried)
        if not uuid and (afresh or self.kind == "outage"):
            tried = []
            uuid = store.wake_trial(cr, key, tried)
        if uuid:
            left = TRIALS if afresh else self.trials_left
            self.write(
                {
                    "trial_uuid": uuid,
                    "tried": [*tried, uuid][-TRIED:],
                    "trials_left": max(0, left - 1),
                    "again": False,
                }
            )
        elif afresh:
            # nobody is left to show it; who comes next finds out
            self._close()
        return bool(uuid)

    def _trial_refused(self, reason, setting, goes_on):
        """Keep what a trial has met, and try the next job if one may be tried.

        :param reason: the error
        :param setting: what to look at, if that is known
        :param bool goes_on: whether another record may get through
        :return: whether the same job is to try again at once
        """
        if self.again:
            # it has begun before a person has changed something
            self.write({"again": False, "reason": reason})
            return True
        values = {"reason": reason, "trial_uuid": False}
        if setting:
            values["setting"] = setting
        self.write(values)
        if goes_on and self.kind == "settings" and self.trials_left > 0:
            self._begin_trial()
        return False

    @api.model
    def _renew_trials(self):
        """Let another job through where the one that was is at an end, or waits."""
        for incident in self.search([("trial_uuid", "!=", False)]):
            with incident._apart() as own:
                if (
                    own.closed
                    or not own.trial_uuid
                    or store.trial_state(own.env.cr, own.trial_uuid, own._key)
                ):
                    continue
                own.trial_uuid = False
                if own.kind != "settings":
                    continue
                # where nobody is left to show it, who comes next does
                is_left = store.sleeps_any(own.env.cr, own._key)
                if own.trials_left > 0 or own.again or not is_left:
                    own._begin_trial(afresh=own.again or not is_left)

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
            return words.Sentence(words._lt("The incident is over."))
        doubt = self._doubt()
        if doubt:
            self._become_copy(doubt)
            return self._copy_text(doubt)
        # one that refuses records answers, and so might whatever else is asked of it
        if self.refusal_kind and self._tries_record():
            raise self._probe_later(words.Sentence(ONE_RECORD))
        try:
            with self.backend_id._open_transport() as transport:
                answer = transport.check()
        except SyncError as err:
            raise self._probe_later(err.message) from None
        if self.by_record and self._tries_record():
            raise self._probe_later(words.Sentence(ONE_RECORD))
        self._close()
        return words.Sentence(answer)

    def _tries_record(self):
        """Let a job through; return whether there is one that may show it."""
        with self._apart() as incident:
            return not incident.closed and incident._begin_trial()

    def _probe_later(self, reason):
        """Return the exception that lets the probe come again.

        :param reason: a sentence for people
        """
        with self._apart() as incident:
            incident.probes += 1
            interval = incident._probe_interval()
        return gate.later(reason, interval)

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
        return words.Sentence(
            words._lt(
                "This looks like a copy, or a restored backup, of the database that "
                "has sent so far: neutralize it, or resume. %(doubt)s"
            ),
            doubt=doubt
            if isinstance(doubt, SyncError)
            else words.Sentence(doubt or ""),
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
        self._renew_trials()
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
        name = flag.removeprefix("told_")
        if self.kind == "copy":
            name = "copy"
        elif self.kind == "settings":
            name = "held" if name == "opened" else "mended"
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


def _take_back(registry, stream_ids, alike, since, key, reason):
    """Let failed jobs sleep that have met what an incident is about, and commit."""
    try:
        with read_committed(registry) as cr:
            text, seconds = words.kept(reason), waiting.safety()
            store.take_back(cr, stream_ids, alike, since, key, text, seconds)
    except Exception:
        # people may requeue them
        _logger.exception("What waits under %s has jobs that stay failed", key)
    waiting.look_soon(registry, key)


def _try_now(registry, incident_id):
    """Try whether an incident is over, and commit."""
    try:
        with read_committed(registry) as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            incident = env["sync.incident"].browse(incident_id).exists()
            if incident and not incident.closed:
                incident._begin_trial(afresh=True)
    except Exception:
        # what was changed is saved; a person may try again
        _logger.exception("Incident %s could not be tried", incident_id)
