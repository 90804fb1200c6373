# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an answer proves: nothing is done, lost or at fault without proof."""

import dataclasses

from ...exceptions import Misconfigured, Rejected, Throttled
from ...transports import base
from .destination import (
    BABBLE,
    BLOCK,
    BUSY,
    BUSY_DATE,
    DENY,
    FORGET,
    MISLEAD,
    NAMELESS,
    REFUSED,
    RETRY_AFTER,
    THROTTLE,
    THROTTLE_DATE,
)

# Characters of an id at most.
LONGEST_ID = 255
# Characters of what is kept of one answer, at most: far less than a babbling one has.
KEPT = 50_000
# Messages: more than are sent at once, unless all go together; and as many as the
# answers of a destination may differ.
MANY, SOME = 10, 6


class TransportProof:
    """Mixed into :class:`.TransportCase`."""

    def assertIds(self, *receipts):
        """Assert that what receipts tell as an id can be one."""
        for receipt in receipts:
            if receipt.external_id is not None:
                self.assertIsInstance(receipt.external_id, str)
                self.assertTrue(receipt.external_id.strip())
                self.assertLessEqual(len(receipt.external_id), LONGEST_ID)

    def assertOneIsRefused(self):
        """Assert that a record that is refused fails, and no other one."""
        sent = [self.message(key) for key in (1, 2, 3)]
        sent[1] = self.message(2, name=REFUSED)
        receipts = self.send(*sent)
        self.assertEqual([each.ok for each in receipts], [True, False, True])
        self.assertIsInstance(receipts[1].error, Rejected)
        self.assertTrue(receipts[1].error.message)
        self.assertEqual(receipts[1].fate, base.REFUSED)
        self.assertFalse(receipts[1].holds_up_others)
        self.assertIds(*receipts)
        self.assertThere({"name": "Record 1"}, {"name": "Record 3"})
        return receipts

    def test_success_that_says_no_is_a_refusal(self):
        self.have(DENY)
        first, *_others = self.assertOneIsRefused()
        # an update too
        (receipt,) = self.send(
            self.message(1, "upsert", first.external_id, name=REFUSED)
        )
        self.assertIsInstance(receipt.error, Rejected)
        self.assertEqual(receipt.fate, base.REFUSED)
        self.assertThere({"name": "Record 1"}, {"name": "Record 3"})

    def test_success_that_says_no_fails_the_job_at_once(self):
        self.assertFailsAtOnce(DENY)

    def test_record_that_is_kept_out_fails_alone(self):
        self.have(BLOCK)
        self.assertOneIsRefused()

    def test_what_can_be_no_id_is_not_taken_for_one(self):
        self.have(NAMELESS)
        receipts = self.send(*map(self.message, range(SOME)))
        for receipt in receipts:
            self.assertTrue(receipt.ok, receipt.error)
            self.assertIsNone(receipt.external_id)
            self.assertTrue(receipt.warning)
        self.assertThere(*({"name": f"Record {key}"} for key in range(SOME)))

    def test_record_that_is_gone_there_is_made_anew(self):
        (first,) = self.send(self.message(7))
        self.have(FORGET)
        self.assertThere()
        known = {"external_id": first.external_id, "proven": True}
        (receipt,) = self.send(self.message(7, city="Paris", **known))
        self.assertTrue(receipt.ok, receipt.error)
        self.assertIds(receipt)
        self.assertThere({"name": "Record 7", "city": "Paris"})
        self.destination.fault(FORGET)
        (receipt,) = self.send(self.message(7, "delete", **known))
        self.assertTrue(receipt.ok, receipt.error)
        self.assertThere()

    def test_marking_what_is_lost_there_makes_nothing(self):
        (first,) = self.send(self.message(7))
        self.have(FORGET)
        sent = self.message(7, "mark", first.external_id, proven=True)
        sent = dataclasses.replace(sent, payload={"deleted": True})
        (receipt,) = self.send(sent)
        # that is a success, or a refusal: some cannot tell it from what they hide
        self.assertFalse(receipt.holds_up_others, receipt.error)
        if receipt.error:
            self.assertIsInstance(receipt.error, Rejected)
            self.assertTrue(receipt.error.message)
        self.assertThere()

    def test_wrong_address_is_no_lost_record(self):
        (first,) = self.send(self.message(7))
        self.have(MISLEAD)
        for operation in ("upsert", "delete"):
            with self.subTest(operation):
                sent = self.message(7, operation, first.external_id)
                (receipt,) = self.send(sent)
                self.assertIsInstance(receipt.error, Misconfigured)
                self.assertTrue(receipt.holds_up_others)
                self.assertNotEqual(receipt.fate, base.DONE)
        self.destination.mend()
        self.assertThere({"name": "Record 7", "city": None})
        (receipt,) = self.send(
            self.message(7, "upsert", first.external_id, city="Rome")
        )
        self.assertTrue(receipt.ok, receipt.error)
        self.assertThere({"name": "Record 7", "city": "Rome"})

    def test_time_to_wait_is_believed(self):
        self.assertWaits(THROTTLE)

    def test_date_to_wait_for_is_believed(self):
        self.assertWaits(THROTTLE_DATE)

    def test_time_to_wait_of_what_is_busy_is_believed(self):
        self.assertWaits(BUSY)

    def test_date_to_wait_for_of_what_is_busy_is_believed(self):
        self.assertWaits(BUSY_DATE)

    def assertWaits(self, fault):
        """Assert that a destination is left alone for as long as it asks."""
        self.have(THROTTLE)  # what never asks to wait has no other form of it
        self.have(fault)
        receipts = self.send(*map(self.message, range(MANY)))
        for receipt in receipts:
            self.assertIsInstance(receipt.error, Throttled)
            self.assertAlmostEqual(receipt.error.retry_after, RETRY_AFTER, delta=5)
        told = [each.request for each in receipts]
        self.assertIn("", told, "it is asked again and again")
        self.assertThere()

    def test_asking_to_wait_holds_up_every_job(self):
        self.have(THROTTLE)
        names = ["A", "B", "C"]
        uuids = [self.new_job(name=name) for name in names]
        for uuid in uuids:
            self.assertEqual(self.run_job(uuid), "pending")
            self.assertEqual(self.job(uuid, "retry")["retry"], 0)
        # and still does when it would answer
        self.destination.mend()
        self.run_job(uuids[0])
        self.assertThere()
        self.settle()
        self.assertThere(*({"name": name} for name in names))

    def test_odd_answers_break_nothing(self):
        self.change_stream(batch_size=10)
        self.have(BABBLE)
        names = ["A", "B", REFUSED, "D", "E"]
        ids = self.new_records([{"name": each} for each in names])
        self.settle()
        self.assertThere(*({"name": each} for each in names if each != REFUSED))
        (row,) = self.outbox()
        self.assertEqual(row["res_id"], ids[names.index(REFUSED)])
        self.assertEqual(self.job(row["job_uuid"], "state")["state"], "failed")
        log = self.read("sync.delivery", [("res_id", "in", ids)], [])
        self.assertEqual({each["res_id"] for each in log}, set(ids))
        kept = [self.job(row["job_uuid"], "failure_reason"), *log]
        for each in kept:
            self.assertLess(len(repr(each)), KEPT)
