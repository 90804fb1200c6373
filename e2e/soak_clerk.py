# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A user of a soak who decides what only people can: what is there, and to go on."""

import time
from collections import Counter

import requests

from e2e.soak_configure import CRM, SHOP
from e2e.soak_editors import Editor
from e2e.soak_ledger import Ledger
from support.client import OdooError

SHARE = 0.3  # of what is to be clarified, how much is each time
AT_ONCE = 4  # records that are decided together at most
PAUSE = 2.0  # seconds


class Clerk(Editor):
    """Looks into the stores for records that are in doubt, and says so in Odoo.

    Tries again, too, what was held for its settings, and goes on with systems that are
    down, whether they are back or not. A part of all that while contacts are edited,
    and the rest once :meth:`hurry` is called; then a system that is back is found by
    itself.

    :param client: the ``OdooClient`` of a user who looks after jobs
    :param scene: the open :class:`soak_scene.Scene`
    :param seed: what the choices follow from
    :param excused: as for :class:`Editor`
    """

    def __init__(self, client, scene, seed, excused):
        self._in_a_hurry = False
        self._has_ended = False
        self._stores = {CRM: scene.crm, SHOP: scene.shop}
        self.decided = Counter()  # how often it was decided what
        self.refused = []  # what Odoo has answered instead
        super().__init__(
            client,
            [],
            Ledger(),
            seed,
            may_edit=lambda: True,
            enough=lambda: self._has_ended,
            excused=excused,
            values=None,
        )

    @property
    def failures(self):
        """What Odoo answered where it should not have, as sentences."""
        return self._ledger.failures

    def hurry(self):
        """Leave nothing for later."""
        self._in_a_hurry = True

    def end(self):
        """Do no more, and wait until it is so."""
        self._has_ended = True
        self.join()

    def _edit_something(self):
        for task in (self._clarify, self._try_again):
            start = time.monotonic()
            try:
                task()
            except OdooError as error:
                self._take_note(error, start)
            except requests.RequestException as error:
                self._note(error, start)
        time.sleep(PAUSE / 4 if self._in_a_hurry else PAUSE)

    def _take_note(self, error, start):
        """Tell what a person is told, such as to come again, from a failure."""
        if str(error.name).endswith("UserError"):
            self.refused.append(str(error))
        else:
            self._note(error, start)

    def _clarify(self):
        domain = [("doubt", "!=", False)]
        found = self._client.search_read("sync.binding", domain, [])
        ids = [each["id"] for each in found]
        if not self._in_a_hurry:
            ids = [id_ for id_ in ids if self._random.random() < SHARE]
        self._random.shuffle(ids)
        while ids:
            count = self._random.randint(1, AT_ONCE)
            some, ids = ids[:count], ids[count:]
            start = time.monotonic()
            try:
                self._decide(some)
            except OdooError as error:
                # others may be decided all the same
                self._take_note(error, start)

    def _decide(self, ids):
        """Go through the dialog that asks about some records."""
        wizard = self._client.call("sync.binding", "action_clarify", ids)["res_id"]
        lines = self._client.search_read(
            "sync.clarify.line",
            [("wizard_id", "=", wizard)],
            ["binding_id", "backend_id", "doubt"],
        )
        bindings = [line["binding_id"][0] for line in lines]
        contacts = {
            row["id"]: row["res_id"]
            for row in self._client.search_read(
                "sync.binding", [("id", "in", bindings)], ["res_id"]
            )
        }
        there = {name: _ids_in(store) for name, store in self._stores.items()}
        commands = []
        for line in lines:
            contact = contacts[line["binding_id"][0]]
            found = there[line["backend_id"][1]].get(contact)
            if found:
                values = {"decision": "there", "external_id": found}
            elif line["doubt"] == "maybe":
                values = {"decision": "absent"}
            else:
                continue  # the store has said that it has it, or will
            commands.append((1, line["id"], values))
        if not commands:
            return
        self._client.write("sync.clarify", wizard, {"line_ids": commands})
        self._client.call("sync.clarify", "action_apply", [wizard])
        self.decided += Counter(values["decision"] for _1, _id, values in commands)

    def _try_again(self):
        kinds = {"settings": "action_try_again", "outage": "action_resume"}
        domain = [("kind", "in", list(kinds)), ("closed", "=", False)]
        for each in self._client.search_read("sync.incident", domain, ["kind"]):
            if self._in_a_hurry:
                wanted = each["kind"] == "settings"
            else:
                wanted = self._random.random() < SHARE
            if wanted:
                method = kinds[each["kind"]]
                self._client.call("sync.incident", method, [each["id"]])
                self.decided[method.removeprefix("action_")] += 1


def _ids_in(store):
    """Return what a store calls contacts, by Odoo's ids."""
    return {row["odoo_id"]: key for key, row in store.contacts().items()}
