# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A transport by itself: what it makes of messages."""

import dataclasses
import threading
import time
from hashlib import sha256

from ...exceptions import Rejected, SyncError, Temporary, Throttled, Unreachable
from ...transports.base import DONE, UNKNOWN, WORKS, Message, Use, examine_all
from .destination import (
    DOWN,
    LOCKED,
    LOSE,
    REFUSE,
    REFUSED,
    SILENT,
    STUMBLE,
    THROTTLE,
)
from .kit_case import TIMEOUT
from .supply import Supply

MEANING = {
    DOWN: Unreachable,
    LOCKED: Unreachable,
    REFUSE: Rejected,
    STUMBLE: Temporary,
    THROTTLE: Throttled,
    LOSE: Unreachable | Temporary,
    SILENT: Unreachable,
}
# As in Route.proven, when all of it has worked.
PROVEN = frozenset({"create", "update", "mark", "delete"})
ODD = 'Zoë "O\'Brien" \\ %s {} <b>łódź</b>\n漢字 🙂'
MANY = 20  # more than are sent at once, unless all go together
PATIENCE = 2 * TIMEOUT + 5  # seconds that a chunk may take at a silent destination
# Records of a chunk that takes longer if each of them waits for an answer.
LONG = PATIENCE // TIMEOUT + 3


class TransportMessages:
    """Mixed into :class:`.TransportCase`."""

    def message(
        self, key, operation="upsert", external_id=None, proven=False, **values
    ):
        """:param proven: the same kind of message has arrived there before"""
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            route = stream._route()
        if proven:
            route = dataclasses.replace(route, proven=PROVEN)
        payload = {"name": f"Record {key}", "email": None, "city": None, **values}
        return Message(
            operation=operation,
            key=key,
            payload={} if operation == "delete" else payload,
            route=route,
            external_id=external_id,
            idempotency_key=sha256(repr((operation, key, values)).encode()).hexdigest(),
        )

    def transport(self):
        with self.transaction() as env:
            return env["sync.backend"].browse(self.backend_id)._open_transport()

    def send(self, *messages):
        """:return: the receipts; what is raised is a failure, not an error"""
        with self.transport() as transport:
            return self.send_by(transport, messages)

    def send_by(self, transport, messages):
        try:
            return transport.send(messages)
        except Exception as error:
            raise AssertionError(f"send() raised {error!r}") from error

    def send_in_time(self, *messages):
        """Send, and fail if that takes too long."""
        found = []
        with self.transport() as transport:
            thread = threading.Thread(
                target=lambda: found.append(self.send_by(transport, messages)),
                daemon=True,
            )
            thread.start()
            thread.join(PATIENCE)
            self.assertFalse(thread.is_alive(), f"no end within {PATIENCE} s")
        return found[0]

    def test_receipts_are_in_the_order_of_the_messages(self):
        self.have(REFUSE)
        sent = [self.message(key) for key in (5, 3, 9, 1)]
        sent[1] = self.message(3, name=REFUSED)
        receipts = self.send(*sent)
        self.assertEqual([each.message for each in receipts], sent)
        self.assertEqual([each.ok for each in receipts], [True, False, True, True])
        self.assertThere(*({"name": f"Record {key}"} for key in (1, 5, 9)))
        self.assertIds(*receipts)
        # and each tells of its own record
        self.destination.mend()
        again = [
            self.message(
                each.message.key, external_id=each.external_id, city=f"City {key}"
            )
            for key, each in zip((5, 9, 1), (r for r in receipts if r.ok), strict=True)
        ]
        self.assertTrue(all(each.ok for each in self.send(*again)))
        self.assertThere(
            *({"name": f"Record {key}", "city": f"City {key}"} for key in (5, 9, 1))
        )

    def test_messages_are_taken_as_agreed(self):
        messages = [self.message(key) for key in range(MANY)]
        for is_down in (False, True):
            with self.subTest(is_down=is_down), self.transport() as transport:
                if is_down:
                    self.destination.fault(DOWN)
                supply = Supply(messages)
                receipts = list(supply.deliver_by(transport))
                self.assertEqual(supply.faults, [])
                self.assertEqual({each.ok for each in receipts}, {not is_down})
        self.destination.mend()
        self.assertThere(*({"name": each.payload["name"]} for each in messages))

    def test_faults_are_errors_of_the_addon(self):
        for number, (fault, meaning) in enumerate(MEANING.items()):
            if fault in self.destination.cannot or fault == SILENT:
                continue  # reported, or tested, by the test for it
            with self.subTest(fault):
                self.destination.fault(fault)
                (receipt,) = self.send(self.message(number, name=REFUSED))
                self.assertIsInstance(receipt.error, meaning)
                self.assertTrue(receipt.error.message)
            self.destination.mend()

    def test_silence_ends_in_time(self):
        self.have(SILENT)
        receipts = self.send_in_time(*map(self.message, range(LONG)))
        self.assertEqual(len(receipts), LONG)
        for receipt in receipts:
            self.assertIsInstance(receipt.error, Unreachable)

    def test_what_may_have_been_done_is_not_called_undone(self):
        self.have(LOSE)
        (receipt,) = self.send(self.message(7))
        self.assertEqual(receipt.fate, UNKNOWN)
        self.destination.mend()
        (receipt,) = self.send(self.message(7))
        self.assertEqual(receipt.fate, DONE)

    def test_sending_again_changes_nothing(self):
        sent = self.message(7)
        (first,), (again,) = self.send(sent), self.send(sent)
        self.assertEqual(first.external_id, again.external_id)
        self.assertThere({"name": "Record 7"})
        gone = self.message(7, "delete", first.external_id, proven=True)
        for receipt in (first, again, *self.send(gone), *self.send(gone)):
            self.assertTrue(receipt.ok, receipt.error)
        self.assertThere()

    def test_limit_on_requests_per_second_is_kept(self):
        self.change_backend(rate_limit=4)
        started = time.monotonic()
        for key in range(5):
            self.assertTrue(self.send(self.message(key))[0].ok)
        self.assertGreater(time.monotonic() - started, 0.9)

    def test_content_arrives_unchanged(self):
        values = {"name": ODD, "email": None, "city": "x" * 100_000}
        (receipt,) = self.send(self.message(7, **values))
        self.assertTrue(receipt.ok, receipt.error)
        self.assertThere(values)

    def test_check_tells_who_answers_and_writes_nothing(self):
        with self.transport() as transport:
            self.assertTrue(transport.check().strip())
        self.assertThere()
        self.destination.fault(DOWN)
        with self.transport() as transport, self.assertRaises(SyncError):
            transport.check()

    def test_examining_writes_nothing_and_claims_nothing_of_what_is_down(self):
        for operation in ("upsert", "delete"):
            found = self.examine(operation)
            self.assertTrue(found.sentence.strip())
            self.assertThere()
        self.destination.fault(DOWN)
        self.assertNotEqual(self.examine().outcome, WORKS)

    def examine(self, *operations):
        """:return: what is found out of messages like those that are sent"""
        message = self.message(7)
        use = Use(message.route, tuple(message.payload), operations or ("upsert",))
        with self.transport() as transport:
            (found,) = examine_all(transport, [use])
        return found

    def test_closing_twice_and_sending_nothing_are_harmless(self):
        transport = self.transport()
        self.assertEqual(transport.send([]), [])
        self.assertTrue(transport.send([self.message(7)])[0].ok)
        transport.close()
        transport.close()
