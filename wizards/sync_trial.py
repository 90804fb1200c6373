# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import re
import secrets
import time
from contextlib import contextmanager
from typing import Any, NamedTuple

from odoo import api, fields, models
from odoo.api import NewId
from odoo.exceptions import UserError

from ..engine import words
from ..engine.capture import RETRIED, reason_of
from ..exceptions import RateLimited, Rejected, SyncError
from ..text import storable_within
from ..transports.base import FAILS, UNTOLD, WORKS, Message
from ..transports.http.errors import UNREADABLE, unreadable
from ..transports.rest.lines import dialogue_of
from ..transports.rest.readings import Reading
from ..transports.rest.requests import ID, Placeholder

# Seconds for which requests are started, and for how many more the removal is: Odoo
# ends a worker after 120 (limit_time_real).
TRIAL_TIME = 40
REMOVAL_TIME = 20
# Odoo's id of a contact that there is none of: as long as one, and larger than any.
NO_RECORD = 2_000_000_000
MARK = "Odoo test"
# What is there under an id: the contact, something else or nothing; or nobody knows.
ITSELF, ANOTHER, NOTHING = "itself", "another", "nothing"


class TrialPace:
    """The pace of a system, and an end to the requests of a trial.

    :param pace: a :class:`..transports.pace.Pace`
    :param end: when they are over, by the clock of ``time.monotonic()``
    """

    def __init__(self, pace, end):
        self.end = end
        self._pace = pace

    def expect(self, count):
        self._pace.expect(count)

    def wait(self):
        self.require_time()
        self._pace.wait()

    def require_time(self):
        """:raises RateLimited: it is over"""
        if time.monotonic() > self.end:
            raise RateLimited(words._lt("Not sent: the trial has taken too long."))


class Tried(NamedTuple):
    """A transport, what was heard of it, and the contents that the contact gets.

    Its requests may be sent by any thread.
    """

    transport: Any
    heard: list
    content: dict
    changed: dict


class SyncTrial(models.TransientModel):
    """Try a synchronization with one contact that is made up, and taken away again.

    It is created, read, changed and removed at the system, by the transport alone: no
    job, no record of Odoo and no synchronized record comes of it. Each request is shown
    beside its answer.

    Nothing there is changed that the trial has not created: neither what the system has
    already, nor what an id leads to that was not that of the contact.
    """

    _name = "sync.trial"
    _description = "Try with One Record"
    _rec_name = "contact"

    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        required=True,
        readonly=True,
        ondelete="cascade",
        help="What is tried.",
    )
    system = fields.Char(
        related="stream_id.backend_id.name",
        related_sudo=False,
        help="Where the contact is created.",
    )
    state = fields.Selection(
        [("ask", "Consent"), ("id", "ID"), ("done", "Done")],
        required=True,
        readonly=True,
        default="ask",
        help="How far the trial is.",
    )
    mark = fields.Char(
        readonly=True,
        default=lambda self: secrets.token_hex(3),
        help="What tells the contact from others.",
    )
    contact = fields.Char(
        compute="_compute_contact",
        help="The name of the contact, by which it is found.",
    )
    external_id = fields.Char(
        "ID in the System", readonly=True, help="The ID that the system has given it."
    )
    id_path = fields.Char(
        related="stream_id.external_id_key",
        related_sudo=False,
        help="Where the answer holds the ID. A click on it in the answer sets this.",
    )
    exchanges = fields.Json(
        readonly=True, help="Each request and its answer, without secrets."
    )
    findings = fields.Json(readonly=True, help="What works, and what does not.")
    found = fields.Html(compute="_compute_found", help="What works, and what does not.")
    left = fields.Char(
        "Left There", readonly=True, help="What the trial has left at the system."
    )

    @api.depends("mark")
    def _compute_contact(self):
        for trial in self:
            trial.contact = f"{MARK} {trial.mark}"

    @api.depends("findings")
    def _compute_found(self):
        for trial in self:
            trial.found = self.env["sync.connection.test"]._rendered(trial.findings)

    # -- buttons --------------------------------------------------------------

    def action_try(self):
        """Create the contact at the system; then read, change and remove it.

        Where nobody knows its id yet, the person who tries is asked for it first.

        :raises UserError: this cannot be tried, with the reason
        """
        self.ensure_one()
        self.check_access("write")
        self._require_ready()
        with self._tried("ask") as (trial, tried):
            receipt = trial._create_there(tried)
            if receipt:
                trial._go_on(tried, receipt.external_id)
        return True

    def action_take_id(self, path):
        """Take the value at a place of the first answer for the id, and go on.

        The place is kept if the contact is there under that id.

        :param path: where it is, as *ID in the Answer* has it
        :raises UserError: there is no id there, or another one than that of the contact
        """
        self.ensure_one()
        self.check_access("write")
        self._require_ready()
        if self.state == "ask":
            raise UserError(self.env._("Nothing was answered yet."))
        # the search for one that is there goes before it
        made = [each for each in self.exchanges or () if each.get("is_creation")]
        created = made[-1] if made else {}
        try:
            reading = Reading.parse(path if isinstance(path, str) else "")
        except SyncError as error:
            raise UserError(words.said(self.env, error)) from None
        found = reading.id_in(created.get("answer"), created.get("headers") or {})
        if not found:
            raise UserError(self.env._("There is no ID at %s.", path))
        if self.state == "id":
            sentence = words._lt("The ID is looked for at %(place)s.")
            with self._tried("id") as (trial, tried):
                # it works by now
                trial.findings = []
                trial._find(
                    self.env._("Create"), WORKS, words.Sentence(sentence, place=path)
                )
                trial._go_on(tried, found, path)
        elif found == self.external_id:
            self.stream_id.external_id_key = path
        else:
            raise UserError(self.env._("The contact is not known as %s.", found))
        return True

    def action_stop(self):
        """Give up without the id, and say what is left at the system."""
        self.ensure_one()
        self.check_access("write")
        if self.state == "id":
            self._end(left=True)
        return True

    # -- what is tried --------------------------------------------------------

    def _require_ready(self):
        stream = self.stream_id
        stream.check_access("write")
        if stream.model_name != "res.partner":
            raise UserError(self.env._("Only contacts can be tried like this."))
        stream.backend_id._require_connection()
        stream._require_route()
        # nothing is sent from a copy of the database, nor to whom is left alone
        hold = stream.backend_id.sudo()._hold()
        if hold:
            raise UserError(words.said(self.env, hold))

    @contextmanager
    def _tried(self, state):
        """Yield this trial on a cursor of its own, and a :class:`Tried`.

        What is known is committed at the end, and before anything leaves that the
        contact may be there: whatever becomes of this request, which may be repeated.

        :param state: in which it has to be
        :raises UserError: it is in another one, or cannot begin, with the reason
        """
        backend, heard = self.stream_id.backend_id, []
        contents = self._contents()
        end = time.monotonic() + TRIAL_TIME
        try:
            transport = backend._open_transport(end + REMOVAL_TIME)
        except SyncError as error:
            raise UserError(words.said(self.env, error)) from None
        with transport:
            try:
                told = transport.heard(heard.append)
            except NotImplementedError:
                raise UserError(
                    self.env._("This kind of system cannot be tried like this.")
                ) from None
            told.adopting, told.recreating = _leave_alone, _not_again
            told.pace = TrialPace(told.pace, end)
            with self._locked(state) as trial:
                trial._end(left=True)
            with self._locked("done") as trial:
                yield trial, Tried(told, heard, *contents)
                trial._keep(heard)

    @contextmanager
    def _locked(self, state):
        """Yield this trial on a cursor of its own, where nobody else changes it.

        :param state: in which it has to be
        :raises UserError: it is in another one, or somebody else tries it now
        """
        with self.env.registry.cursor() as cr:
            trial = self.with_env(self.env(cr=cr))
            if not trial.try_lock_for_update() or trial.state != state:
                raise UserError(self.env._("This was tried already."))
            yield trial

    def _keep(self, heard, **more):
        """Keep what was heard, and forget it."""
        kept = [*(self.exchanges or ())]
        for exchange in heard:
            said = {**exchange._asdict(), **more}
            if exchange.problem:
                said["problem"] = words.said(self.env, exchange.problem)
            kept.append(storable_within(said))
        self.exchanges = kept
        heard.clear()

    def _contents(self):
        """Return the content of the contact, and the one that it is changed to.

        :raises UserError: they cannot be built, with the reason
        """
        changes = {"city": "Changeville", "function": "Tester"}
        try:
            return self._payload(), self._payload(**changes)
        except (UserError, *RETRIED):
            raise
        except SyncError as error:
            raise UserError(words.said(self.env, error)) from None
        except Exception as error:
            # the code of a model may want a record that is in the database
            raise UserError(
                self.env._(
                    "This contact has no content, since it is not in the database: "
                    "%(reason)s. Nothing was sent.",
                    reason=reason_of(error),
                )
            ) from None

    def _payload(self, **changes):
        """Return the content of the contact, as a job would send it."""
        country = self.env.company.country_id or self.env.ref("base.us")
        values = {
            "name": self.contact,
            "email": f"odoo-test-{self.mark}@example.com",
            "phone": "+1 202-555-0143",
            "street": "1 Test Street",
            "zip": "12345",
            "city": "Testville",
            "country_id": country.id,
            **changes,
        }
        stream = self.stream_id.sudo()
        contact = stream._for_sending(self.env["res.partner"].new(values))
        return _with_key(contact._sync_payload(stream), self._key())

    def _key(self):
        """Return Odoo's id of the contact, which is that of none."""
        return NO_RECORD + int(self.mark, 16)

    def _send(self, tried, operation, payload):
        if operation == "delete":
            tried.transport.pace.end += REMOVAL_TIME
        message = Message(
            operation,
            self._key(),
            payload,
            self.stream_id._route(),
            external_id=self.external_id or None,
            idempotency_key=f"odoo-trial-{self.mark}-{len(self.findings or ())}",
        )
        (receipt,) = tried.transport.send([message])
        return receipt

    def _create_there(self, tried):
        """Return the receipt if it is there, and has an id; else ``None``."""
        receipt = self._send(tried, "upsert", tried.content)
        self._keep(tried.heard, is_creation=True)
        if receipt.error:
            self._find(self.env._("Create"), FAILS, receipt.error)
            # what may have been carried out is there, under an id that nobody knows
            self._end(left=receipt.fate == "unknown")
            return None
        gives_ids = self.stream_id.id_policy == "destination"
        if gives_ids and not receipt.external_id:
            why = receipt.warning or words._lt("The answer has no ID where it should.")
            self._find(self.env._("Create"), FAILS, why)
            self._ask_id()
            return None
        self._find(self.env._("Create"), WORKS, receipt.warning or self._told(receipt))
        return receipt

    def _go_on(self, tried, external_id, path=None):
        """Read, change and remove what was created, if that is what is read.

        :param external_id: which the system may have given it
        :param path: where a person has found that in the answer; kept if it is right
        """
        if self.stream_id.id_policy == "none":
            # what it keeps of what it is told cannot be looked at
            is_removed = False
            if "remove" in self.stream_id.request_ids.mapped("kind"):
                receipt = self._send(tried, "delete", {})
                self._tell(self.env._("Remove"), receipt)
                is_removed = not receipt.error
            self._end(left=not is_removed)
            if not is_removed:
                self.left = self.env._(
                    "%(system)s was told of the contact %(name)s. Look there what it "
                    "has made of that.",
                    system=self.system,
                    name=self.contact,
                )
            return
        there, sentence = self._look(tried, external_id)
        is_there = {ITSELF: WORKS, UNTOLD: UNTOLD}.get(there, FAILS)
        self._find(self.env._("Read"), is_there, sentence)
        # Odoo's own id is that of nothing else
        ours = self.stream_id.id_policy == "odoo" and there != ANOTHER
        if there != ITSELF and not ours:
            if self.stream_id.id_policy == "destination" and there != UNTOLD:
                # a person may see another one in the answer
                self._ask_id()
            else:
                self._end(left=True)
            return
        self.external_id = external_id
        if path:
            self.stream_id.external_id_key = path
        receipt = self._send(tried, "upsert", tried.changed)
        self._tell(self.env._("Update"), receipt)
        if receipt.external_id not in (None, external_id):
            # that of another record, as where two are made one
            self.external_id = False
            self._end(left=True)
            return
        receipt = self._send(tried, "delete", {})
        self._tell(self.env._("Remove"), receipt)
        if receipt.error:
            self._end(left=True)
            return
        there, sentence = self._look(tried, external_id)
        is_gone = {NOTHING: WORKS, UNTOLD: UNTOLD}.get(there, FAILS)
        self._find(self.env._("Gone"), is_gone, sentence)
        self._end(left=is_gone == FAILS)
        if is_gone == UNTOLD:
            self.left = self.env._(
                "%(system)s has removed the contact %(name)s, as it says. Look there "
                "whether it is gone: its ID is %(id)s.",
                system=self.system,
                name=self.contact,
                id=self.external_id or self._key(),
            )

    def _look(self, tried, external_id):
        """Look what the system has under an id.

        :return: ``ITSELF``, ``ANOTHER``, ``NOTHING`` or ``UNTOLD``; and a sentence
        """
        try:
            return self._looked(tried, external_id)
        except NotImplementedError:
            sentence = words._lt("This kind of system cannot be asked what it holds.")
            return UNTOLD, sentence
        except SyncError as error:
            return UNTOLD, error
        except UNREADABLE as error:
            return UNTOLD, unreadable(error)

    def _looked(self, tried, external_id):
        """Return what :meth:`_look` does.

        :raises SyncError: nobody knows
        """
        held = self._held(tried, external_id)
        if held is None:
            return NOTHING, words._lt("The system does not hold the contact.")
        if not self._is_shown(held):
            sentence = words._lt(
                "What the system holds there does not show %(name)s: it is left as it "
                "is."
            )
            return ANOTHER, words.Sentence(sentence, name=self.contact)
        if not self._tells_apart(tried):
            sentence = words._lt(
                "The system shows the contact whatever the ID is. Read has to ask for "
                "{id}."
            )
            return ANOTHER, sentence
        return ITSELF, words._lt("The system holds the contact.")

    def _held(self, tried, external_id):
        # what is only asked does not wait for the pace
        tried.transport.pace.require_time()
        message = Message(
            "upsert",
            self._key(),
            {},
            self.stream_id._route(),
            external_id=external_id or None,
        )
        return tried.transport.held(message)

    def _is_shown(self, held):
        """Return whether what is held is the contact.

        However its name is written, and whichever part of it or of the address is sent.
        """
        text = json.dumps(held, ensure_ascii=False, default=str)
        mark = rf"(?<![^\W_]){self.mark}(?![^\W_])"
        return bool(re.search(mark, text, re.IGNORECASE))

    def _tells_apart(self, tried):
        """Return whether the system shows what has the id that it is asked for.

        A search may be by Odoo's id, or ignored: it finds the contact by any then.
        """
        stream = self.stream_id
        if stream.transport != "rest" or stream.id_policy != "destination":
            return True
        path = dialogue_of(stream._route().bare).lines.read.path
        if any(isinstance(part, Placeholder) and part.source == ID for part in path):
            return True
        try:
            held = self._held(tried, str(NO_RECORD))
        except RateLimited:
            raise
        except SyncError:
            return True
        return held is None or not self._is_shown(held)

    def _tell(self, step, receipt):
        if receipt.error:
            self._find(step, FAILS, receipt.error)
        else:
            self._find(step, WORKS, receipt.warning or self._told(receipt))

    def _told(self, receipt):
        return words.Sentence(
            words._lt("Answered %(status)s"), status=receipt.status or "-"
        )

    def _find(self, step, outcome, sentence):
        found = [step, outcome, storable_within(words.said(self.env, sentence))]
        self.findings = [*(self.findings or ()), found]

    def _ask_id(self):
        """Have a person say which ID it is: until then it is not over."""
        self.state, self.left = "id", False

    def _end(self, left):
        """Say that it is over.

        :param left: whether the contact may still be there
        """
        self.state = "done"
        if not left:
            self.left = False
        elif self.external_id:
            self.left = self.env._(
                "The contact %(name)s is still in %(system)s, with the ID %(id)s. "
                "Remove it there.",
                name=self.contact,
                system=self.system,
                id=self.external_id,
            )
        else:
            self.left = self.env._(
                "The contact %(name)s may be in %(system)s. Look for it there, and "
                "remove it.",
                name=self.contact,
                system=self.system,
            )


def _with_key(value, key):
    """Return a value with the key where the id is of a record that is only made up."""
    if isinstance(value, NewId):
        return key
    if isinstance(value, dict):
        return {name: _with_key(each, key) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_key(each, key) for each in value]
    return value


def _leave_alone(message, external_id, key, sought):
    """Keep what is there already as it is, see ``Transport.adopting``."""
    sentence = words._lt(
        "The system has such a contact already, as %(id)s. It is left as it is."
    )
    raise Rejected(sentence, id=external_id)


def _not_again(message, key):
    """Create no second one, see ``Transport.recreating``."""
    raise Rejected(words._lt("The system does not know the contact any more."))
