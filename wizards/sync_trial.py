# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import secrets
import time
from contextlib import contextmanager
from typing import Any, NamedTuple

from odoo import fields, models
from odoo.exceptions import UserError

from ..engine import words
from ..exceptions import SyncError
from ..text import storable_within
from ..transports.base import FAILS, UNTOLD, WORKS, Message
from ..transports.rest.readings import Reading

# Seconds for which requests are started.
TRIAL_TIME = 60
# Odoo's id of a contact that there is none of: as long as one, and larger than any.
NO_RECORD = 2_000_000_000
MARK = "Odoo test"


class Tried(NamedTuple):
    """A transport, and what was heard of it: its requests may be sent by any thread."""

    transport: Any
    heard: list


class SyncTrial(models.TransientModel):
    """Try a synchronization with one contact that is made up, and taken away again.

    It is created, read, changed and removed at the system, by the transport alone: no
    job, no record of Odoo and no synchronized record comes of it. Each request is shown
    beside its answer.
    """

    _name = "sync.trial"
    _description = "Try with One Record"

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

    def _compute_contact(self):
        for trial in self:
            trial.contact = f"{MARK} {trial.mark}"

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
        if self.state != "ask":
            raise UserError(self.env._("This was tried already."))
        with self._tried() as tried:
            if self._create_there(tried):
                self._go_on(tried)
        return True

    def action_take_id(self, path):
        """Take the value at a place of the first answer for the id, and go on.

        :param path: where it is, as *ID in the Answer* has it
        :raises UserError: there is no id there
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
        self.stream_id.external_id_key = path
        if self.state == "id":
            self.external_id = found
            with self._tried() as tried:
                self._go_on(tried)
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

    @contextmanager
    def _tried(self):
        """Yield a :class:`Tried`, whose requests and answers are kept for the screen"""
        backend, heard = self.stream_id.backend_id, []
        with backend._open_transport(time.monotonic() + TRIAL_TIME) as transport:
            try:
                told = transport.heard(heard.append)
            except NotImplementedError:
                raise UserError(
                    self.env._("This kind of system cannot be tried like this.")
                ) from None
            yield Tried(told, heard)
            self._keep(heard)

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
        return contact._sync_payload(stream)

    def _send(self, tried, operation, payload):
        message = Message(
            operation,
            NO_RECORD + int(self.mark, 16),
            payload,
            self.stream_id._route(),
            external_id=self.external_id or None,
            idempotency_key=f"odoo-trial-{self.mark}-{len(self.findings or ())}",
        )
        (receipt,) = tried.transport.send([message])
        return receipt

    def _create_there(self, tried):
        """Return whether it is there, and under which id is known."""
        receipt = self._send(tried, "upsert", self._payload())
        self._keep(tried.heard, is_creation=True)
        if receipt.error:
            self._find(self.env._("Create"), FAILS, receipt.error)
            # what may have been carried out is there, under an id that nobody knows
            self._end(left=receipt.fate == "unknown")
            return False
        needs_id = self.stream_id.id_policy == "destination"
        if needs_id and not receipt.external_id:
            why = receipt.warning or words._lt("The answer has no ID where it should.")
            self._find(self.env._("Create"), FAILS, why)
            self.state = "id"
            return False
        self.external_id = receipt.external_id
        self._find(self.env._("Create"), WORKS, receipt.warning or self._told(receipt))
        return True

    def _go_on(self, tried):
        """Read, change and remove what was created."""
        if self.stream_id.id_policy == "none":
            # it is told of what happens, and keeps nothing that could be left
            if "remove" in self.stream_id.request_ids.mapped("kind"):
                self._tell(self.env._("Remove"), self._send(tried, "delete", {}))
            self._end(left=False)
            return
        self._read(tried, self.env._("Read"), WORKS)
        receipt = self._send(
            tried, "upsert", self._payload(city="Changeville", function="Tester")
        )
        self.external_id = receipt.external_id or self.external_id
        self._tell(self.env._("Update"), receipt)
        receipt = self._send(tried, "delete", {})
        self._tell(self.env._("Remove"), receipt)
        if receipt.error:
            self._end(left=True)
            return
        gone = self._read(tried, self.env._("Gone"), FAILS)
        self._end(left=gone is False)
        if gone is None:
            self.left = self.env._(
                "%(system)s has removed the contact %(name)s, as it says. Look there "
                "whether it is gone: its ID is %(id)s.",
                system=self.system,
                name=self.contact,
                id=self.external_id or NO_RECORD + int(self.mark, 16),
            )

    def _read(self, tried, step, there):
        """Look whether the record is there.

        :param there: what it means that it is
        :return: whether it is not there; ``None`` where that cannot be told
        """
        message = Message(
            "upsert",
            NO_RECORD + int(self.mark, 16),
            {},
            self.stream_id._route(),
            external_id=self.external_id or None,
        )
        try:
            held = tried.transport.held(message)
        except NotImplementedError:
            sentence = words._lt("This kind of system cannot be asked what it holds.")
            self._find(step, UNTOLD, sentence)
        except SyncError as error:
            self._find(step, UNTOLD, error)
        else:
            sentence = words._lt("The system holds the contact.")
            if held is None:
                sentence = words._lt("The system does not hold the contact.")
            absent = FAILS if there == WORKS else WORKS
            self._find(step, absent if held is None else there, sentence)
            return held is None
        return None

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
