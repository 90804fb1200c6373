# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is done to contacts in Odoo, and what a judge has to hold then."""

import time
from ast import literal_eval

from support.judges.judge import CASES, DOUBLE, SPECIFICATION

PATIENCE = 60  # seconds until what was done has arrived, or has failed
LOOK_EVERY = 0.05  # seconds
MANY = 3  # contacts that are created at once
# One of these is in every recipe that changes many at once.
NEW = {"phone": "+44 20 7946 0999", "vat": "BE0477472701"}


class Wrong(Exception):
    """What a judge holds, or Odoo tells, is not as it should be."""


def expect(fact, text):
    """Say what is wrong unless something is as it should be.

    :raises Wrong: it is not
    """
    if not fact:
        raise Wrong(text)


class Trial:
    """One recipe before one judge.

    :param scene: the Odoo, see :mod:`.recipes_scene`
    :param connected: the synchronization, see :class:`.recipes_scene.Connected`
    """

    def __init__(self, scene, connected, judge):
        self._scene, self._stream, self._judge = scene, connected, judge
        self._keeps = judge.kind != SPECIFICATION
        self.reasons = {}  # why a case has failed

    def run(self):
        """Judge what the judge can.

        :return: "passed", "failed" or None by case
        """
        asked = set(self._judge.cases)
        for case, wanted in (
            ("adopt", self._stream.recipe_says.get("already_there")),
            ("many", self._stream.recipe_says.get("many_size")),
            ("refuse", self._judge.odd),
        ):
            if not wanted:
                asked.discard(case)
        results = {}
        for case in CASES:
            if case not in asked:
                continue
            if (
                case in ("update", "noop", "remove")
                and results.get("create") != "passed"
            ):
                results[case] = "failed"
                self.reasons[case] = "nothing was created"
                continue
            try:
                getattr(self, f"_{case}")()
                results[case] = "passed"
            except Exception as error:
                results[case] = "failed"
                self.reasons[case] = f"{type(error).__name__}: {error}"
        return results

    # -- the cases ----------------------------------------------------------------

    def _create(self):
        self._contact = self._new("a")
        (record_id, text) = self._only("a")
        expect("Ada" in text, f"its name is not there: {text}")
        self._id_is(self._contact, record_id)

    def _update(self):
        before, _text = self._only("a")
        self._judge.touch(before)
        self._edit(self._contact, {"name": f"Bea {self._marker('a')}"})
        record_id, text = self._only("a")
        expect("Bea" in text, f"its new name is not there: {text}")
        told_anew = self._stream.recipe_says.get("id_policy") == "none"
        expect(told_anew or record_id == before, f"{before} has become {record_id}")

    def _noop(self):
        before = len(self._judge.journal)
        self._edit(self._contact, {"name": f"Bea {self._marker('a')}"})
        self._edit(self._contact, {"comment": "nothing that is sent"})
        sent = self._judge.journal[before:]
        expect(not sent, f"something was sent: {sent and sent[0]}")

    def _remove(self):
        before = len(self._judge.journal)
        self._edit(self._contact, {"active": False})
        self._all_delivered([self._contact])
        expect(self._judge.journal[before:], "nothing was sent")
        held = self._held("a")
        expect(not held, f"it is still there: {held}")

    def _adopt(self):
        marker, says = self._marker("b"), self._stream.recipe_says
        # a system that looks for names has to find one, and others an address
        by_name = says.get("found_by_name")
        email = f"{'old-' if by_name else ''}{marker}@example.com"
        name = f"{'Ada' if by_name else 'Zoe'} {marker}"
        planted = self._judge.plant(email, name)
        contact = self._new("b")
        held = self._held("b")
        expect(len(held) == 1, f"there are {len(held)}: {held}")
        expect(planted in held, f"{planted} is gone: {held}")
        text = held[planted]
        new = f"{marker}@example.com" if by_name else "Ada"
        old = "old-" if by_name else "Zoe"
        expect(new in text and old not in text, f"it is as it was: {text}")
        self._id_is(contact, planted)

    def _refuse(self):
        odd = self._judge.odd
        marker = self._marker("c")
        contact = self._scene.create(
            [{**self._values("c"), "name": f"Ada {marker}", **odd.values}]
        )
        states = self._settled(contact)
        reason = self._scene.reason(self._stream, contact[0])
        expect(states == {"failed"}, f"its job is {states}: {reason}")
        expect(odd.says in reason, f"the reason is {reason!r}, not {odd.says!r}")
        held = self._held("c")
        expect(not held, f"it is there: {held}")
        state = self._scene.state(self._stream)
        expect(state == "free", f"others wait because of it: {state}")

    def _many(self):
        # what is looked for before it is created goes one by one
        self._scene.look_for_nothing(self._stream)
        letters = [f"d{number}" for number in range(MANY)]
        before = len(self._judge.journal)
        contacts = self._scene.create([self._values(letter) for letter in letters])
        self._all_delivered(contacts)
        for letter, contact in zip(letters, contacts, strict=True):
            record_id, _text = self._only(letter)
            self._id_is(contact, record_id)
        self._came_together(letters, before, "created")
        if not self._stream.recipe_says.get("many_update"):
            return
        before = len(self._judge.journal)
        self._scene.write(contacts, NEW)
        self._all_delivered(contacts)
        for letter in letters:
            _record_id, text = self._only(letter)
            news = [value for value in NEW.values() if value in text]
            expect(news, f"nothing new is there: {text}")
        self._came_together(letters, before, "changed")

    # -- what they share ----------------------------------------------------------

    def _marker(self, letter):
        """Return a word that is in the name and the address of one contact."""
        return f"{self._stream.word}{letter}"

    def _values(self, letter):
        marker = self._marker(letter)
        values = {
            "name": f"Ada {marker}",
            "email": f"{marker}@example.com",
            "phone": "+44 20 7946 0001",
            "city": "London",
            "ref": self._stream.word,
        }
        # what the recipe's own filter asks for beside an address
        for name, operator, value in literal_eval(self._stream.recipe_says["domain"]):
            if operator == "=":
                values[name] = value
        return values

    def _new(self, letter):
        contacts = self._scene.create([self._values(letter)])
        self._all_delivered(contacts)
        return contacts[0]

    def _edit(self, contact, values):
        self._scene.write([contact], values)
        self._all_delivered([contact])

    def _all_delivered(self, contacts):
        states = self._settled(contacts)
        if states:
            reason = self._scene.reason(self._stream, contacts[0])
            raise Wrong(f"jobs are {states}: {reason}; {self._last_words()}")

    def _last_words(self):
        return f"last: {self._judge.journal[-1]}" if self._judge.journal else "unasked"

    def _settled(self, contacts):
        """Wait until nothing is on its way.

        :return: the states of the jobs of what was not delivered
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            states = self._scene.open_states(self._stream, contacts)
            if states <= {"failed", "cancelled"}:
                return states
            if time.monotonic() > deadline:
                why = self._scene.state(self._stream)
                raise Wrong(f"not within {PATIENCE} s: {states}, {why}")
            time.sleep(LOOK_EVERY)

    def _held(self, letter):
        return self._judge.held(self._marker(letter))

    def _only(self, letter):
        """Return id and text of what a judge holds of one contact."""
        if not self._keeps:
            answered = self._judge.journal[-1]
            expect(answered.status < 300, f"it is wrong: {answered}")
            return "", "Ada Bea"
        held = self._held(letter)
        expect(len(held) == 1, f"there are {len(held)}: {held}; {self._last_words()}")
        (found,) = held.items()
        return found

    def _id_is(self, contact, record_id):
        """Expect that Odoo knows the id which a judge has given."""
        known = self._scene.known_id(self._stream, contact)
        policy = self._stream.recipe_says.get("id_policy", "destination")
        if policy == "none":
            return
        if policy == "odoo":
            expect(record_id == str(contact), f"its id there is {record_id}")
        elif self._keeps:
            expect(known == record_id, f"Odoo knows {known}, there it is {record_id}")
        elif "update" in self._judge.cases:
            said = self._last_words()
            expect(known, f"Odoo has read no id in the answer; {said}")

    def _came_together(self, letters, before, done):
        """Expect one request that has all of several contacts."""
        sent = self._judge.journal[before:]
        if self._judge.kind == DOUBLE or self._keeps:
            names = [self._marker(letter) for letter in letters]
            together = [
                entry for entry in sent if all(name in entry.body for name in names)
            ]
            requests = len(sent)
            text = f"{len(letters)} were {done} by {requests} requests, not together"
            expect(together, f"{text}; {sent and sent[0]}")
