# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import replace
from itertools import count, product
from types import SimpleNamespace

from odoo.tests import BaseCase, tagged

from ..engine.task import Attempt, Held, Owed, TaskBuilder
from ..transports.base import DONE, REFUSED, UNKNOWN, UNSENT, Route
from ..transports.rest.transport import ADOPT, RECREATE

RECORD = 7
FIRST, SECOND, THIRD = ({"name": name} for name in ("Ada", "Grace", "Blaise"))
DELETED, NOTHING = None, "no edit"
# Turns after which a request can no longer arrive.
WINDOW = 3
# Turns after which a search shows what was created.
LAG = 2
TURNS = 24  # in which all must be well once the destination is

# What becomes of a request: is it carried out, and what is known of it afterwards.
ANSWERED = (True, DONE)
OUTCOMES = {
    "answered": ANSWERED,
    "stored, lost": (True, UNKNOWN),
    "lost": (False, UNKNOWN),
    "refused": (False, REFUSED),
    "unsent": (False, UNSENT),
    # the worker has lost its connection or died: the request is on its way
    "gone": (False, None),
    "comes late": (None, None),
}
# What the record is before the second and before the third turn.
EDITS = (
    (NOTHING, SECOND),
    (SECOND, FIRST),
    (SECOND, THIRD),
    (SECOND, SECOND),
    (FIRST, SECOND),
    (DELETED, DELETED),
    (DELETED, FIRST),
    (SECOND, DELETED),
)


class _Stream:
    """As much of a stream as decisions ask for."""

    delete_policy = "delete"

    def __init__(self, route, repeats_are_safe):
        self._found = route
        self.backend_id = SimpleNamespace(repeats_are_safe=repeats_are_safe)

    def _route(self):
        return self._found


class _Destination:
    """Records by id; a request with a key that it knows is answered from memory."""

    def __init__(self, honours, upsert):
        self.honours = honours
        self.upsert = upsert
        self.records = {}
        self._answered = {}
        self._ids = map(str, count(1))

    def carry_out(self, method, key, id_, content):
        """:return: the id, ``None`` when there is no such record"""
        if self.honours and key in self._answered:
            return self._answered[key]
        if method == "POST":
            id_ = next(self._ids)
        elif method == "PUT" and not self.upsert and id_ not in self.records:
            return None
        if method == "DELETE":
            self.records.pop(id_, None)
        else:
            self.records[id_] = content
        self._answered[key] = id_
        return id_


class _World:
    """One record, what is noted of it, and a destination: without database or socket.

    A turn is one job. What the jobs do with what was decided is as in
    ``engine/delivery.py``, in short.
    """

    route_options = {}
    only_looks = False

    def __init__(self, id_policy, honours, known, lost_there=False):
        self.route = Route("contacts", id_policy=id_policy, **self.route_options)
        self.builder = TaskBuilder(_Stream(self.route, honours))
        self.there = _Destination(honours, upsert=id_policy == "odoo")
        self.binding = Held(1, RECORD)
        self.notes, self.on_its_way = [], []
        self.content, self.owed_from, self.now = FIRST, 0, 0
        self._ids = count(1)
        if known:
            self.turn(ANSWERED)
            self.content, self.owed_from = SECOND, self.now
        if lost_there:
            self.there.records.clear()

    def edit(self, content):
        if content != NOTHING and content != self.content:
            self.content = content
            self.owed_from = self.now

    @property
    def shows_synced(self):
        return self.owed_from is None

    def turn(self, outcome):
        """Let a job run, if there is one, and time pass."""
        self.now += 1
        if self.owed_from is not None and self.owed_from <= self.now:
            self._job(outcome)
        due = [each for each in self.on_its_way if each[0] == self.now]
        for _until, request in due:
            self.there.carry_out(*request)

    def _read_notes(self):
        return [
            replace(each, over=each.late_until is None or each.late_until < self.now)
            for each in self.notes
        ]

    def _waits(self, task):
        return False

    def _job(self, outcome):
        attempts = self._read_notes()
        task = self._build(self.binding, attempts)
        if self._waits(task):
            return
        if task.doubt:
            self._ask_person(attempts)
            return
        if task.asks_again:
            again = task.asking_again(self.only_looks)
            self.not_there = False
            if not self._send(again, outcome) and not self.not_there:
                return
            binding = self.binding
            if self.not_there:
                # as Delivery._as_found_out()
                self.notes = [
                    replace(each, creates=False, late_until=None)
                    if each.creates
                    else each
                    for each in self.notes
                    if binding.content_hash or not each.creates
                ]
                attempts = [replace(each, creates=False) for each in attempts]
                binding = binding._replace(content_hash=None)
            open_ids = {each.id for each in self.notes}
            left = [each for each in attempts if each.id in open_ids]
            task = self._build(binding, left)
        if task.message and not self._send(task, outcome):
            return
        self.owed_from = None
        late = (
            [each.late_until for each in task.may_be_overwritten] if task.noted else []
        )
        if late:
            self.owed_from = max((at for at in late if at), default=self.now) + 1

    def _ask_person(self, attempts):
        """Have a person look, once what may come late has come, and say what is there.

        As ``sync.binding`` keeps it.
        """
        if not all(each.over for each in attempts):
            return
        self.binding = self.binding._replace(
            external_id=next(iter(self.there.records), None), content_hash=None
        )
        self.notes = [each for each in self.notes if not each.creates]

    def _build(self, binding, attempts):
        return self.builder.build(binding, Owed([1], False), self.content, attempts)

    def _send(self, task, outcome):
        """:return: whether it was confirmed"""
        message = task.message
        own = Attempt(
            version=self.binding.version,
            operation=message.operation,
            key=message.idempotency_key,
            digest=task.digest,
            content=task.content,
            creates=self.route.id_policy == "destination"
            and message.operation == "upsert"
            and not message.external_id,
        )
        self._note(task, own)
        fate, id_ = self._request(task, own, message, outcome)
        if fate is None:
            return False
        closed, over = task.closed_by(fate), task.over_after(fate)
        self.notes = [
            replace(each, late_until=None) if each.id in over else each
            for each in self.notes
            if each.id not in closed
        ]
        if fate != DONE:
            return False
        gone = message.operation == "delete"
        self.binding = self.binding._replace(
            external_id=None if gone or self.route.id_policy == "odoo" else id_,
            content_hash=None if gone else task.digest,
            version=self.binding.version + 1,
        )
        task.binding = self.binding
        return True

    def _note(self, task, attempt):
        attempt = replace(attempt, id=next(self._ids), late_until=self.now + WINDOW)
        self.notes.append(attempt)
        task.noted.append(attempt)

    def _request(self, task, own, message, outcome):
        """:return: what is known of it, and the id of the record"""
        id_ = message.external_id
        if self.route.id_policy == "odoo":
            id_ = str(RECORD)
        content = message.payload
        if message.operation == "delete":
            return self._exchange("DELETE", own.key, id_, None, outcome)
        if id_ is None:
            return self._exchange("POST", own.key, None, content, outcome)
        lost = not self.there.upsert and id_ not in self.there.records
        if lost and outcome is not OUTCOMES["unsent"]:
            # the answer to the update is 404
            key = own.key + RECREATE
            self._note(task, replace(own, key=key, creates=True))
            return self._exchange("POST", key, None, content, outcome)
        return self._exchange("PUT", own.key, id_, content, outcome)

    def _exchange(self, method, key, id_, content, outcome):
        carried_out, fate = outcome
        if carried_out:
            id_ = self.there.carry_out(method, key, id_, content)
        elif carried_out is None:
            request = (method, key, id_, content)
            self.on_its_way.append((self.now + WINDOW, request))
        return fate, id_


class _LookingWorld(_World):
    """One whose destination ignores keys, and is searched before anything is created.

    :param there_before: the destination has the record before all this
    :param early: a worker that dies while it adopts does so before the id is noted
    """

    route_options = {
        "already_there": "find",
        "found": "results[*].id",
        "requests": (("find", "GET contacts?name={name}", ""),),
    }
    only_looks = True

    def __init__(self, there_before=False, early=False, **start):
        self.born, self.early = {}, early
        super().__init__(**start)
        if there_before:
            self.there.records["C-1"] = FIRST
            self.born["C-1"] = -LAG

    def turn(self, outcome):
        turned = super().turn(outcome)
        for id_ in self.there.records:
            self.born.setdefault(id_, self.now)
        return turned

    def _read_notes(self):
        return [
            replace(each, shown_from=None)
            if each.shown_from and each.shown_from < self.now
            else each
            for each in super()._read_notes()
        ]

    def _waits(self, task):
        # as Delivery._is_too_early()
        return bool(task.message and task.creation and task.shown_from)

    def _note(self, task, attempt):
        attempt = replace(attempt, shown_from=self.now + WINDOW + LAG)
        return super()._note(task, attempt)

    def _send(self, task, outcome):
        before = {each.id: each for each in self.notes}
        done = super()._send(task, outcome)
        self.notes = [
            replace(each, shown_from=self.now + LAG)
            if each.late_until is None and before.get(each.id, each).late_until
            else each
            for each in self.notes
        ]
        ended = [each.id for each in task.noted]
        if outcome[1] is UNKNOWN:
            # what was asked for again is as young as that
            key = task.noted[-1].key
            self.notes = [
                replace(each, shown_from=self.now + LAG)
                if each.key == key or each.id in ended
                else each
                for each in self.notes
            ]
        return done

    def _request(self, task, own, message, outcome):
        creates = message.operation == "upsert" and message.external_id is None
        if not creates or outcome is OUTCOMES["unsent"]:
            return super()._request(task, own, message, outcome)
        shown = [id_ for id_ in self.there.records if self.born[id_] + LAG <= self.now]
        if not shown and message.only_looks:
            self.not_there = outcome is not OUTCOMES["gone"]
            return (UNSENT if self.not_there else None), None
        if not shown:
            return super()._request(task, own, message, outcome)
        [found] = shown
        if self.early and outcome is OUTCOMES["gone"]:
            return None, None
        # as store.note_adoption() and the task keep it
        note = replace(
            task.noted[-1], key=own.key + ADOPT, creates=False, external_id=found
        )
        task.adopt(note, found)
        self.notes = [
            replace(each, key=note.key, creates=False, external_id=found)
            if each.creates
            else each
            for each in self.notes
        ]
        return self._exchange("PUT", note.key, found, message.payload, outcome)

    def _ask_person(self, attempts):
        raise AssertionError("a person is asked")


@tagged("-at_install", "post_install")
class TestFateDecisions(BaseCase):
    """Every order of what may become of three requests, with edits between them.

    Decided by the same functions as in a job, without a database or a socket: what the
    jobs make of it is in ``test_fate_orders.py``.
    """

    world_class = _World

    def play(self, story, start, edits, outcomes):
        world = self.world_class(**start)
        changes = dict(zip((1, 2), edits, strict=True))
        for number, name in enumerate(outcomes):
            world.edit(changes.get(number, NOTHING))
            world.turn(OUTCOMES[name])
            self.judge(world, story)
        for _turn in range(TURNS):
            world.turn(ANSWERED)
            self.judge(world, story)
        self.assertTrue(world.shows_synced, story)
        self.judge(world, story, at_rest=True)

    def judge(self, world, story, at_rest=False):
        """Assert that nothing is shown as synced that is not, and nothing is twice."""
        there = list(world.there.records.values())
        # where a repeat might make a second one, a person is asked
        self.assertLessEqual(len(there), 1, story)
        if world.shows_synced:
            expected = [world.content] if world.content is not DELETED else []
            known = world.there.records.get(world.binding.external_id or str(RECORD))
            found = [known] if known is not None else []
            self.assertEqual(found, expected, story)
            self.assertEqual(there, expected, story)

    def play_all(self, **start):
        for edits, outcomes in product(EDITS, product(OUTCOMES, repeat=3)):
            if start.get("lost_there") and not _is_told(edits, outcomes):
                continue
            self.play((start, edits, outcomes), start, edits, outcomes)

    def test_new_records(self):
        for honours in (True, False):
            start = {"id_policy": "destination", "honours": honours, "known": False}
            self.play_all(**start)

    def test_known_records(self):
        for honours in (True, False):
            start = {"id_policy": "destination", "honours": honours, "known": True}
            self.play_all(**start)

    def test_records_that_the_destination_has_lost(self):
        for honours in (True, False):
            start = {"id_policy": "destination", "honours": honours, "known": True}
            self.play_all(lost_there=True, **start)

    def test_records_with_odoo_ids(self):
        for honours in (True, False):
            for known in (True, False):
                start = {"id_policy": "odoo", "honours": honours, "known": known}
                self.play_all(**start)


@tagged("-at_install", "post_install")
class TestFateDecisionsLookedFor(TestFateDecisions):
    """The same, at one that ignores keys and can be searched: nobody is asked,
    and never are there two."""

    world_class = _LookingWorld

    def test_new_records(self):
        for early in (True, False):
            self.play_all(
                id_policy="destination", honours=False, known=False, early=early
            )

    def test_known_records(self):
        self.play_all(id_policy="destination", honours=False, known=True)

    def test_records_that_the_destination_has_lost(self):
        start = {"id_policy": "destination", "honours": False, "known": True}
        self.play_all(lost_there=True, **start)

    def test_records_with_odoo_ids(self):
        """There is nothing to look for."""

    def test_records_that_were_there_before(self):
        start = {"id_policy": "destination", "honours": False, "known": False}
        for early in (True, False):
            for edits, outcomes in product(EDITS, product(OUTCOMES, repeat=3)):
                if DELETED in edits:
                    continue  # what was never sent is not deleted
                options = {**start, "there_before": True, "early": early}
                self.play((options, edits, outcomes), options, edits, outcomes)


def _is_told(edits, outcomes):
    """Whether an update has found the record gone before what was there is back."""
    if FIRST in edits and DELETED in edits:
        return False
    before = edits.index(FIRST) + 1 if FIRST in edits else len(outcomes)
    return any(name != "unsent" for name in outcomes[:before])
