# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Messages are taken when they can be sent, and receipts come as they are known."""

import random
import threading
import time

from odoo.tests import BaseCase, tagged

from ..exceptions import Temporary, Throttled, Unreachable
from ..transports.base import (
    Message,
    Receipt,
    Route,
    SequentialTransport,
    Transport,
    deliver_all,
    deliver_list,
)
from .conformance.supply import Supply

ROUTE = Route("contacts")
PATIENCE = 10  # seconds until what should happen at once has failed


def _messages(count):
    return [Message("upsert", key, {}, ROUTE) for key in range(count)]


class _SendsOnly(Transport):
    """A transport of another addon, which takes no part in what it is given."""

    def __init__(self, **errors):
        self.sent = []
        self.errors = {int(name[1:]): error for name, error in errors.items()}

    def send(self, messages):
        self.sent.append([each.key for each in messages])
        return [Receipt(each, error=self.errors.get(each.key)) for each in messages]

    def check(self):
        return "fine"


class _OneByOne(SequentialTransport):
    def __init__(self):
        self.sent = []

    def _deliver(self, message):
        self.sent.append(message.key)
        return Receipt(message)

    def check(self):
        return "fine"


class _Threads:
    """Delivers by a function that several threads call; notes what is begun and over.

    :param threads: how many
    """

    def __init__(self, deliver_one, threads=4):
        self._deliver_one = deliver_one
        self._threads = threads
        self.begun, self.over = [], []

    def deliver(self, take):
        return deliver_all(self._noted, take, self._threads)

    def _noted(self, message):
        self.begun.append(message.key)
        try:
            return self._deliver_one(message)
        finally:
            self.over.append(message.key)


@tagged("-at_install", "post_install")
class TestDeliver(BaseCase):
    def delivered(self, transport, messages):
        """:return: the keys in the order of their receipts, and what gave them"""
        supply = Supply(messages)
        receipts = list(supply.deliver_by(transport))
        self.assertEqual(supply.faults, [])
        return [each.message.key for each in receipts], supply

    def test_who_only_sends_is_given_some_at_a_time(self):
        transport = _SendsOnly()
        transport.at_once = 3
        keys, _supply = self.delivered(transport, _messages(7))
        self.assertEqual(keys, [*range(7)])
        self.assertEqual(transport.sent, [[0, 1, 2], [3, 4, 5], [6]])

    def test_who_only_sends_is_given_one_at_a_time_where_nobody_says_more(self):
        transport = _SendsOnly(_1=Unreachable("down"))
        keys, _supply = self.delivered(transport, _messages(4))
        self.assertEqual(keys, [0, 1])
        self.assertEqual(transport.sent, [[0], [1]])

    def test_nothing_is_sent_before_the_one_before_it_is_told(self):
        transport, supply = _OneByOne(), Supply(_messages(3))
        told = []
        for receipt in supply.deliver_by(transport):
            told.append(receipt.message.key)
            self.assertEqual(transport.sent, told)
        self.assertEqual(told, [0, 1, 2])
        self.assertEqual(supply.given, [1, 1, 1, 0])

    def test_slow_answer_keeps_nobody_waiting(self):
        answered = threading.Event()

        def deliver_one(message):
            slow = not message.key
            on_time = not slow or answered.wait(PATIENCE)
            return Receipt(message, error=None if on_time else Temporary("too late"))

        supply = Supply(_messages(40))
        receipts = supply.deliver_by(_Threads(deliver_one))
        first = [next(receipts) for _number in range(39)]
        self.assertNotIn(0, [each.message.key for each in first])
        answered.set()
        (last,) = receipts
        self.assertTrue(last.ok)
        self.assertEqual(supply.faults, [])

    def test_what_comes_while_an_answer_is_awaited_is_sent_meanwhile(self):
        first, late = _messages(2)
        supply, answered = Supply([first]), threading.Event()

        def deliver_one(message):
            if message is late:
                answered.set()
                return Receipt(message)
            supply.add([late])
            on_time = answered.wait(PATIENCE)
            return Receipt(message, error=None if on_time else Temporary("too late"))

        receipts = list(supply.deliver_by(_Threads(deliver_one)))
        self.assertEqual([each.ok for each in receipts], [True, True])
        self.assertEqual(supply.faults, [])

    def test_as_many_are_taken_as_there_are_free_threads(self):
        everybody = threading.Barrier(4)

        def deliver_one(message):
            everybody.wait(PATIENCE)
            time.sleep(0.1)
            return Receipt(message)

        _keys, supply = self.delivered(_Threads(deliver_one), _messages(12))
        self.assertEqual(supply.given[0], 4)
        self.assertEqual(sum(supply.given), 12)

    def test_who_ends_at_almost_the_same_time_goes_on_together(self):
        chance = random.Random(1)

        def deliver_one(message):
            time.sleep(0.2 + chance.random() / 100)
            return Receipt(message)

        _keys, supply = self.delivered(_Threads(deliver_one, 8), _messages(48))
        # by themselves they would all be the only one
        self.assertLess(len(supply.given), 24)

    def test_who_stops_reading_starts_no_more(self):
        def deliver_one(message):
            time.sleep(0.2 if message.key else 0)
            return Receipt(message)

        transport = _Threads(deliver_one)
        receipts = transport.deliver(Supply(_messages(40)).take)
        self.assertEqual(next(receipts).message.key, 0)
        receipts.close()
        self.assertEqual(sorted(transport.begun), [0, 1, 2, 3])
        self.assertEqual(sorted(transport.over), [0, 1, 2, 3], "they are waited for")

    def test_bug_is_not_hidden_and_starts_no_more(self):
        def deliver_one(message):
            time.sleep(0.05 * message.key)
            raise ZeroDivisionError(message.key)

        transport = _Threads(deliver_one)
        with self.assertRaises(ZeroDivisionError):
            list(transport.deliver(Supply(_messages(40)).take))
        self.assertEqual(sorted(transport.begun), [0, 1, 2, 3])
        self.assertEqual(sorted(transport.over), [0, 1, 2, 3], "they are waited for")

    def test_what_is_under_way_is_told_after_an_obstacle(self):
        everybody = threading.Barrier(4)

        def deliver_one(message):
            everybody.wait(PATIENCE)
            time.sleep(0 if message.key == 2 else 0.1)
            error = Throttled("slowly", 17) if message.key == 2 else None
            return Receipt(message, error=error)

        keys, supply = self.delivered(_Threads(deliver_one), _messages(40))
        self.assertEqual(keys[0], 2)
        self.assertEqual(sorted(keys), [0, 1, 2, 3])
        self.assertEqual(supply.given[0], 4)

    def test_list_gives_no_two_about_one_record(self):
        under_way, at_once = set(), []

        def deliver_one(message):
            at_once.append(message.key in under_way)
            under_way.add(message.key)
            time.sleep(0.01)
            under_way.remove(message.key)
            return Receipt(message)

        messages = _messages(3) * 4
        found = dict(deliver_list(_Threads(deliver_one).deliver, messages))
        self.assertEqual([found[place].message for place in range(12)], messages)
        self.assertEqual(at_once, [False] * 12)

    def test_list_tells_of_what_was_held_back(self):
        def deliver_one(message):
            down = message.key == 1
            return Receipt(message, error=Unreachable("down") if down else None)

        messages = _messages(3) * 2
        found = dict(deliver_list(_Threads(deliver_one, 1).deliver, messages))
        self.assertEqual([found[place].ok for place in range(6)], [True] + [False] * 5)
        self.assertIn("Not sent after", found[5].error.message)
