# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, product
from math import inf
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged

from ..engine import store
from ..engine.delivery import Delivery
from ..engine.task import Given
from ..models import sync_stream
from .common import MAPPING, DeliveryCase, stream_values
from .servers import Answer, HttpDestination
from .test_delivery_errors import closed_port

FIRST, SECOND, THIRD = "Ada", "Grace", "Blaise"
# What a record is called before the second and before the third request.
EDITS = ((FIRST, SECOND), (SECOND, FIRST), (SECOND, THIRD))
TURNS = 4  # in which all must be well once the destination is
PATIENT = 1_000_000  # failures until an incident would pause the system

# What becomes of a request: whether it is carried out, and how it is answered; it is
# answered as it was carried out, unless something is said here.
OUTCOMES = {
    "answered": (True, {}),
    "stored, lost": (True, {"drop": True}),
    "lost": (False, {"drop": True}),
    "refused": (False, {"status": 422}),
    "throttled": (False, {"status": 429, "headers": {"Retry-After": "1"}}),
    "busy": (False, {"status": 503, "headers": {"Retry-After": "1"}}),
    "unsent": (False, None),
}
# Those that differ in what is known afterwards.
ENDS = [name for name in OUTCOMES if name != "busy"]


class FickleDestination(HttpDestination):
    """A destination of which a test says what becomes of the next requests.

    :param honours: answer a key that it knows from memory, whatever it asks for
    """

    def __init__(self, honours):
        super().__init__()
        self.honours = honours
        self.outcome = OUTCOMES["answered"]
        self.first = deque()

    def reply(self, request):
        """As ``outcome`` says, after the ``first`` ones."""
        with self._lock:
            carry_out, otherwise = self.first.popleft() if self.first else self.outcome
            self.requests.append(request)
            answer = self._obey(request) if carry_out else Answer()
        return replace(answer, **otherwise)

    def _obey(self, request):
        key = request.headers["Idempotency-Key"]
        if self.honours and key in self._replies:
            return self._replies[key]
        answer = self._crud(request)
        if answer.status < 300:
            self._replies[key] = answer
        return answer


@dataclass
class Story:
    """What happens to one record."""

    known: bool  # the destination holds it before all this
    edits: tuple
    outcomes: tuple
    id: int = 0
    name: str = ""


class FateOrdersCase(DeliveryCase):
    """Every order of what may become of three requests, with edits between them.

    Real requests, one after the other: each order meets one of the edits, and a record
    that is new or known, in turn. All of them are in ``test_fate_decisions.py``, and
    which answer is which fate in ``test_transport_fate.py``.
    """

    def setUp(self):
        super().setUp()
        self.change_backend(outage_threshold=PATIENT)
        self.closed = f"http://127.0.0.1:{closed_port()}"

    def backend_values(self):
        safe = self.destination.honours
        return {**super().backend_values(), "repeats_are_safe": safe}

    def stream_values(self, backend):
        mapping = (*MAPPING, ("id", "odoo_id"))
        return stream_values(backend, mapping, batch_size=500)

    def make_stories(self):
        kinds = cycle(product((True, False), EDITS))
        stories = [
            Story(*kind, outcomes)
            for outcomes, kind in zip(product(ENDS, repeat=3), kinds, strict=False)
        ]
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": FIRST} for _each in stories])
        self.partner_ids += partners.ids
        for story, id_ in zip(stories, self.partner_ids, strict=True):
            story.id, story.name = id_, FIRST
        known = [story for story in stories if story.known]
        self.deliver([story.id for story in known], "answered")
        self.rename(known, lambda story: THIRD if story.edits[0] != FIRST else SECOND)
        return stories

    def rename(self, stories, name_of):
        by_name = {}
        for story in stories:
            if story.name != name_of(story):
                story.name = name_of(story)
                by_name.setdefault(story.name, []).append(story.id)
        with self.transaction() as env:
            for name, ids in by_name.items():
                env["res.partner"].browse(ids).name = name

    def deliver(self, ids, outcome):
        """Do the work of a job's chunk, and let its requests end like this."""
        self.destination.outcome = OUTCOMES[outcome]
        away = patch.object(
            self.registry["sync.backend"], "_rest_config", self._config_of_nowhere()
        )
        with away if outcome == "unsent" else patch.dict({}):
            given = dict.fromkeys(ids, Given(None, own=True))
            with store.delivering(self.registry) as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                stream = env["sync.stream"].browse(self.stream_id)
                chunk = Delivery(stream, given, lambda: True, inf)
                chunk.run()
                if not chunk.is_kept:
                    cr.rollback()

    def _config_of_nowhere(self):
        real = self.registry["sync.backend"]._rest_config
        return lambda backend: replace(real(backend), url=self.closed)

    def judge(self, stories):
        """Assert that nothing is shown as synced that is not, and nothing is twice.

        :return: the ids of the records that are not shown as synced
        """
        there = {}
        for path, record in self.destination.records.items():
            there.setdefault(record["odoo_id"], {})[path] = record["name"]
        waiting = {row["res_id"] for row in self.outbox()}
        domain = [("stream_id", "=", self.stream_id)]
        bindings = self.read("sync.binding", domain, ["res_id", "external_id"])
        ids = {row["res_id"]: row["external_id"] for row in bindings}
        for story in stories:
            found = there.get(story.id, {})
            self.assertLessEqual(len(found), 1, story)
            if story.id not in waiting:
                name = found.get(f"/contacts/{ids.get(story.id)}")
                self.assertEqual(name, story.name, story)
        return waiting

    def ask_person(self):
        """Have a person look whether the records in doubt are there, and say so."""
        there = {
            record["odoo_id"]: path.rpartition("/")[2]
            for path, record in self.destination.records.items()
        }
        with self.transaction() as env:
            mine = [("stream_id", "=", self.stream_id), ("doubt", "!=", False)]
            bindings = env["sync.binding"].search(mine)
            missing = bindings.filtered(lambda each: each.res_id not in there)
            missing._is_not_there()
            found = bindings - missing
            found._is_there({each: there[each.res_id] for each in found})

    def play(self):
        stories = self.make_stories()
        for turn in range(3):
            if turn:
                self.rename(stories, lambda story, at=turn - 1: story.edits[at])
            for story in stories:
                self.deliver([story.id], story.outcomes[turn])
            self.judge(stories)
        for _turn in range(TURNS):
            self.ask_person()
            waiting = self.judge(stories)
            for story in stories:
                if story.id in waiting:
                    self.deliver([story.id], "answered")
        self.assertFalse(self.judge(stories))
        self.assertFalse(self.read("sync.attempt", [], []))


@tagged("post_install", "-at_install")
class TestFateOrdersWithKeys(FateOrdersCase):
    destination_class = partial(FickleDestination, honours=True)

    def test_every_order(self):
        self.play()


@tagged("post_install", "-at_install")
class TestFateOrdersWithoutKeys(FateOrdersCase):
    destination_class = partial(FickleDestination, honours=False)

    def test_every_order(self):
        self.play()


@tagged("post_install", "-at_install")
class TestFateOfRetries(DeliveryCase):
    """What a retry meets tells nothing of the request before it."""

    destination_class = partial(FickleDestination, honours=True)
    takes_along = True

    def setUp(self):
        super().setUp()
        self.change_backend(outage_threshold=PATIENT)

    def names_there(self):
        return [record["name"] for record in self.destination.records.values()]

    def run_last(self, *outcomes, then="answered"):
        """Run the last job that waits; its requests end like these, in this order."""
        self.destination.first.extend(OUTCOMES[name] for name in outcomes)
        self.destination.outcome = OUTCOMES[then]
        self.outlast_patience()
        state = self.run_job(self.job_uuids("pending")[-1])
        self.assertFalse(self.destination.first)
        return state

    def known_partner(self):
        partner_id = self.new_partner(name=FIRST)
        self.assertEqual(self.run_last(), "done")
        return partner_id

    def assertIsThere(self, partner_id, name):
        """Assert that it is once delivered, and that nothing remains of it here."""
        self.assertEqual(self.run_last(), "done")
        self.assertEqual(self.names_there(), [name])
        self.assertFalse(self.outbox(partner_id))
        domain = [("stream_id", "=", self.stream_id)]
        self.assertFalse(self.read("sync.attempt", domain, []))

    def test_update_whose_retry_gets_nowhere(self):
        for retry in ("refused", "throttled", "busy"):
            with self.subTest(retry):
                self.destination.records.clear()
                partner_id = self.known_partner()
                self.edit(partner_id, name=SECOND)
                self.run_last(then="stored, lost")
                self.run_last(then=retry)
                self.assertEqual(self.names_there(), [SECOND])
                self.edit(partner_id, name=FIRST)
                self.assertIsThere(partner_id, FIRST)

    def test_creation_whose_retry_gets_nowhere(self):
        for retry in ("refused", "throttled", "busy"):
            with self.subTest(retry):
                self.destination.records.clear()
                partner_id = self.new_partner(name=FIRST)
                self.run_last(then="stored, lost")
                self.run_last(then=retry)
                self.edit(partner_id, name=SECOND)
                self.assertIsThere(partner_id, SECOND)

    def test_second_send_on_a_kept_connection_that_was_lost(self):
        for second in ("refused", "throttled"):
            with self.subTest(second):
                self.destination.records.clear()
                partner_id = self.known_partner()
                self.edit(partner_id, name=SECOND)
                self.run_last("stored, lost", second)
                self.assertEqual(self.names_there(), [SECOND])
                self.edit(partner_id, name=FIRST)
                self.assertIsThere(partner_id, FIRST)

    def test_our_own_limit(self):
        partner_id = self.known_partner()
        self.edit(partner_id, name=SECOND)
        self.run_last(then="stored, lost")
        self.change_backend(rate_limit=0.001)
        store.reserve(self.registry, self.backend_id, 1, 1, 1)  # the only turn for long
        self.edit(partner_id, name=THIRD)
        self.assertEqual(self.run_last(), "pending")
        self.change_backend(rate_limit=0)
        self.assertEqual(self.names_there(), [SECOND])
        self.edit(partner_id, name=FIRST)
        self.assertIsThere(partner_id, FIRST)

    def test_records_held_back_after_the_failure_of_another(self):
        self.change_stream(batch_size=10)
        self.change_backend(concurrency=1)
        other_id, partner_id = self.known_partner(), self.known_partner()
        self.edit(partner_id, name=SECOND)
        self.run_last(then="stored, lost")
        with self.transaction() as env:
            env["res.partner"].browse([other_id, partner_id]).name = THIRD
        self.run_last("throttled")
        self.assertEqual(self.names_there(), [FIRST, SECOND])
        self.edit(partner_id, name=FIRST)
        self.run_last()
        self.assertEqual(self.names_there()[-1], FIRST)
        self.assertFalse(self.outbox(partner_id))

    # no others are there to be looked at
    @patch.object(sync_stream, "KNOWN_IDS", 0)
    def test_record_that_was_lost_there_and_may_have_been_created_again(self):
        for retry in ("answered", "refused", "throttled"):
            with self.subTest(retry):
                partner_id = self.known_partner()
                self.prove("create", "update")
                self.destination.records.clear()
                self.edit(partner_id, name=SECOND)
                # the update finds nothing
                self.run_last("answered", then="stored, lost")
                self.assertEqual(self.names_there(), [SECOND])
                if retry != "answered":
                    self.run_last(then=retry)
                self.edit(partner_id, name=THIRD)
                self.assertIsThere(partner_id, THIRD)
                self.destination.records.clear()

    def test_record_that_was_lost_there_and_cannot_be_created_again(self):
        partner_id = self.known_partner()
        self.prove("create", "update")
        self.destination.records.clear()
        self.edit(partner_id, name=SECOND)
        self.run_last("answered", then="refused")
        self.assertEqual(self.names_there(), [])
        # as it was confirmed, and as it is not there any more
        self.edit(partner_id, name=FIRST)
        self.assertIsThere(partner_id, FIRST)
