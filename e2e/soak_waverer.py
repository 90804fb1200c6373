# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A user of a soak who cannot decide: contacts go back to what they were, and again."""

import time

from e2e.soak_editors import Contact, Editor

WAVERER = "Waverer"  # begins the names of these contacts
CONTACTS = 3
PLACES = ("Here", "There")


class Waverer(Editor):
    """An editor of contacts of its own, whose version stays the same.

    So nothing tells an older content from a newer one that is the same; at the end it
    has to be the last one everywhere. What is for it is as for :class:`Editor`.
    """

    def __init__(self, client, ledger, seed, may_edit, enough, excused, values):
        contacts = [Contact() for _number in range(CONTACTS)]
        super().__init__(
            client, contacts, ledger, seed, may_edit, enough, excused, values
        )

    def _edit_something(self):
        (contact,) = self._take(1)
        try:
            if contact.id:
                self._waver(contact)
            else:
                self._edit([contact])
        finally:
            contact.lock.release()
        time.sleep(self._random.uniform(0.1, 0.8))

    def _waver(self, contact):
        version, _state = self._ledger.confirmed[contact.id]
        values = {"city": self._random.choice(PLACES)}
        # what became of a call without an answer makes no difference
        if self._call("write", [contact.id], vals=values) is not None:
            self._ledger.confirm(contact.id, version, "active", "waver")

    def _new_values(self):
        return {**super()._new_values(), "name": f"{WAVERER} {self.name}"}
