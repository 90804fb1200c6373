# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The users of a soak: each edits contacts by the external API, in a thread."""

import random
import threading
import time

import requests

from e2e.soak_ledger import stamp, version_of
from support.client import OdooError

CITIES = ("Paris", "Lyon", "Gent", "Porto", "Basel", False)
IN_DOUBT = 1.0  # seconds until whatever a killed worker left behind is over
SETTLE = 90  # seconds in which Odoo has to answer again
# Errors that no crash excuses: the addon must not cause them in an edit.
CONCURRENCY = (
    "SerializationFailure",
    "LockNotAvailable",
    "DeadlockDetected",
    "ConcurrencyError",
)


class Contact:
    """One of the hot contacts; whoever has ``lock`` is its only editor."""

    def __init__(self):
        self.lock = threading.Lock()
        self.id = None  # none until created, and again once deleted
        self.active = True


class Editor(threading.Thread):
    """One user.

    :param client: the ``OdooClient`` of the user
    :param contacts: the :class:`Contact` objects that all editors share
    :param ledger: the shared :class:`soak_ledger.Ledger`
    :param seed: what its choices follow from
    :param may_edit: a function that tells whether there is something to do now
    :param enough: a function that tells when to end
    :param excused: a function that tells whether an error between two times (as of
        ``time.monotonic()``) is the database server's, which was down
    :param values: a function that takes a ``random.Random`` and returns values for
        further fields
    """

    def __init__(
        self, client, contacts, ledger, seed, may_edit, enough, excused, values
    ):
        super().__init__(daemon=True)
        self._client = client
        self._contacts = contacts
        self._ledger = ledger
        self._random = random.Random(seed)
        self._may_edit = may_edit
        self._enough = enough
        self._excused = excused
        self._values = values

    def run(self):
        """Edit until it is enough."""
        while not self._enough():
            if self._may_edit():
                try:
                    self._edit_something()
                except Exception as error:
                    self._ledger.fail(f"{type(error).__name__}: {error}")
            # Not all at the same moment whenever there is something to do again.
            time.sleep(self._random.uniform(0, 0.1))

    def _edit_something(self):
        """Edit one contact or several."""
        contacts = self._take(1)
        if contacts and contacts[0].id and contacts[0].active:
            if self._random.random() < 0.1:
                contacts += self._take(4, like=contacts)
        try:
            if contacts:
                self._edit(contacts)
        finally:
            for contact in contacts:
                contact.lock.release()

    def _take(self, count, like=()):
        """Return up to ``count`` contacts that nobody edits, and keep others off."""
        taken = []
        for contact in self._random.sample(self._contacts, len(self._contacts)):
            if len(taken) == count:
                break
            if contact in like or not contact.lock.acquire(blocking=False):
                continue
            if like and not (contact.id and contact.active):
                contact.lock.release()
                continue
            taken.append(contact)
        return taken

    def _edit(self, contacts):
        version = self._ledger.next_version()
        kind = self._choose(contacts)
        values = {**self._new_values(), "ref": stamp(version)}
        ids = [contact.id for contact in contacts]
        if kind == "delete":
            self._ledger.attempt(ids[0], version)
            answered = self._call("unlink", ids)
        elif kind == "create":
            answered = self._call("create", (), vals_list=[values])
            ids = answered or []
        else:
            if kind == "archive":
                self._ledger.attempt(ids[0], version)
            if kind in ("archive", "unarchive"):
                values["active"] = kind == "unarchive"
            answered = self._call("write", ids, vals=values)
        if answered is None:
            self._find_out(contacts, version)
            return
        for contact, contact_id in zip(contacts, ids, strict=True):
            if kind == "delete":
                contact.id, contact.active = None, True
                state = "deleted"
            else:
                contact.id = contact_id
                contact.active = values.get("active", contact.active)
                state = "active" if contact.active else "archived"
            self._ledger.confirm(contact_id, version, state, kind)

    def _choose(self, contacts):
        """Return what to do with contacts."""
        (first, *others) = contacts
        if others:
            return "edit_many"
        if not first.id:
            return "create"
        chance = self._random.random()
        if first.active:
            return "archive" if chance < 0.1 else "delete" if chance < 0.16 else "edit"
        return "unarchive" if chance < 0.6 else "delete" if chance < 0.8 else "edit"

    def _new_values(self):
        number = self._random.randrange(1000)
        return {
            "name": f"Contact {number}",
            "email": f"c{number}@example.com" if number % 5 else False,
            "phone": f"+33 1 {number:04}",
            "city": self._random.choice(CITIES),
            **self._values(self._random),
        }

    def _call(self, method, ids, **arguments):
        """Call a method of contacts.

        :return: Odoo's answer, or None when nobody knows what became of the edit
        """
        start = time.monotonic()
        try:
            answer = self._client.call("res.partner", method, ids, **arguments)
        except requests.RequestException as error:
            self._note(error, start)
        except OdooError as error:
            self._ledger.took(time.monotonic() - start)
            self._note(error, start)
        else:
            self._ledger.took(time.monotonic() - start)
            return answer
        return None

    def _note(self, error, start):
        """Tell a failure of Odoo from the effect of a killed process."""
        if isinstance(error, OdooError):
            innocent = self._excused(start, time.monotonic()) and not any(
                word in str(error.name) for word in CONCURRENCY
            )
        elif isinstance(error, requests.JSONDecodeError):
            # Without its database Odoo answers with a page for people.
            innocent = self._excused(start, time.monotonic())
        else:
            innocent = not isinstance(error, requests.Timeout)
        if innocent:
            self._ledger.interrupt()
        else:
            name = getattr(error, "name", None) or type(error).__name__
            self._ledger.fail(f"{name}: {error}")

    def _find_out(self, contacts, version):
        """Read what became of an edit that was not answered."""
        time.sleep(IN_DOUBT)
        domain = [("id", "in", [contact.id for contact in contacts])]
        if not contacts[0].id:
            domain = [("ref", "=", stamp(version))]
        found = {row["id"]: row for row in self._read(domain)}
        for contact in contacts:
            if contact.id and contact.id not in found:
                self._ledger.confirm(contact.id, version, "deleted", "found_out")
                contact.id, contact.active = None, True
                continue
            row = (
                found.get(contact.id) if contact.id else next(iter(found.values()), {})
            )
            if row and version_of(row["ref"]) == version:
                contact.id, contact.active = row["id"], row["active"]
                state = "active" if row["active"] else "archived"
                self._ledger.confirm(contact.id, version, state, "found_out")

    def _read(self, domain):
        """Read contacts as soon as Odoo answers again."""
        deadline = time.monotonic() + SETTLE
        while True:
            start = time.monotonic()
            try:
                return self._client.search_read(
                    "res.partner",
                    domain,
                    ["ref", "active"],
                    context={"active_test": False},
                )
            except (requests.RequestException, OdooError) as error:
                if time.monotonic() > deadline:
                    raise
                if isinstance(error, OdooError):
                    self._note(error, start)
            time.sleep(0.3)
