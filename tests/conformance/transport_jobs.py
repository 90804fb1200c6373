# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A transport within jobs: what becomes of a record, whatever goes wrong."""

from odoo import SUPERUSER_ID, api

from ..incident_case import THRESHOLD
from .destination import (
    DOWN,
    LOCKED,
    LOSE,
    REFUSE,
    REFUSED,
    RETRY_AFTER,
    STUMBLE,
    THROTTLE,
)


class TransportJobs:
    """Mixed into :class:`.TransportCase`."""

    def assertRan(self, *states):
        self.assertEqual(self.run_pending(), list(states))

    def test_create_edit_and_delete_arrive(self):
        record_id = self.new_record({"name": "Ada", "email": "ada@example.com"})
        self.assertRan("done")
        self.assertThere({"name": "Ada", "email": "ada@example.com", "city": None})
        self.edit(record_id, name="Grace", email=False, city="London")
        self.assertRan("done")
        self.assertThere({"name": "Grace", "email": None, "city": "London"})
        self.delete(record_id)
        self.assertRan("done")
        self.assertThere()
        self.assertSettled(record_id)

    def test_archived_record_is_marked_and_unmarked(self):
        self.change_stream(delete_policy="mark", mark_key="deleted")
        record_id = self.new_record({"name": "Ada"})
        self.assertRan("done")
        self.edit(record_id, active=False)
        self.assertRan("done")
        self.assertThere({"name": "Ada", "deleted": True})
        self.edit(record_id, active=True)
        self.assertRan("done")
        self.assertThere({"name": "Ada", "deleted": False})

    def test_rolled_back_change_is_never_sent(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["res.partner"].create({"name": "Ada"})
            env.flush_all()
            cr.rollback()
        self.assertRan()
        self.assertThere()

    def test_passing_failure_is_tried_again(self):
        self.have(STUMBLE)
        record_id = self.new_record({"name": "Ada"})
        (uuid,) = self.job_uuids()
        self.assertRan("pending")
        self.assertEqual(self.job(uuid, "retry")["retry"], 1)
        self.assertThere()
        self.destination.mend()
        self.assertRan("done")
        self.assertThere({"name": "Ada"})
        self.assertFalse(self.outbox(record_id))

    def test_refused_record_fails_at_once(self):
        self.assertFailsAtOnce(REFUSE)

    def assertFailsAtOnce(self, fault):
        """Assert that a record that is refused like this uses one try, and no more."""
        self.have(fault)
        self.new_record({"name": REFUSED})
        (uuid,) = self.job_uuids()
        self.assertRan("failed")
        job = self.job(uuid, "retry", "failure_reason")
        self.assertEqual(job["retry"], 1)
        self.assertTrue(job["failure_reason"])
        self.assertThere()

    def test_refused_credentials_lose_nothing(self):
        self.have(LOCKED)
        self.new_record({"name": "Ada"})
        self.assertRan("pending")
        self.assertThere()
        self.destination.mend()
        self.assertRan("done")
        self.assertThere({"name": "Ada"})

    def test_asking_to_wait_uses_no_try(self):
        self.have(THROTTLE)
        self.new_record({"name": "Ada"})
        (uuid,) = self.job_uuids()
        self.assertRan("pending")
        self.assertEqual(self.job(uuid, "retry")["retry"], 0)
        self.assertAlmostEqual(self.seconds_until(uuid), RETRY_AFTER, delta=30)
        self.destination.mend()
        self.outlast_patience()
        self.assertRan("done")
        self.assertThere({"name": "Ada"})

    def test_outage_is_one_incident_and_loses_nothing(self):
        self.have(DOWN)
        names = [f"Record {number}" for number in range(THRESHOLD + 2)]
        for name in names:
            self.run_job(self.new_job(name=name))
        self.assertEqual(self.incident()["kind"], "outage")
        self.assertEqual(len(self.job_uuids("pending")), len(names))
        self.destination.mend()
        for uuid in self.probes("pending"):
            self.assertEqual(self.run_job(uuid), "done")
        self.assertTrue(self.incident()["closed"])
        self.settle()
        self.assertThere(*({"name": name} for name in names))

    def test_edit_during_the_send_is_sent_too(self):
        record_id = self.new_record({"name": "First"})
        (uuid,) = self.job_uuids()
        with self.sent(uuid):
            self.assertThere({"name": "First"})
            self.edit(record_id, name="Second")
        self.settle()
        self.assertThere({"name": "Second"})
        self.assertSettled(record_id)

    def test_killed_worker_leaves_one_record(self):
        record_id = self.new_record({"name": "Ada"})
        (uuid,) = self.job_uuids()
        self.kill(uuid)
        self.assertThere({"name": "Ada"})
        self.edit(record_id, name="Grace")
        self.settle()
        self.assertThere({"name": "Grace"})
        self.assertFalse(self.outbox(record_id))

    def test_lost_answer_leaves_one_record(self):
        self.have(LOSE)
        self.new_record({"name": "Ada"})
        self.assertRan("pending")
        # or nothing was done that could be done twice
        self.assertThere({"name": "Ada"})
        self.destination.mend()
        self.assertRan("done")
        self.assertThere({"name": "Ada"})

    def test_bad_record_does_not_hold_up_the_others(self):
        self.change_stream(batch_size=10)
        self.have(REFUSE)
        names = ["A", "B", REFUSED, "D"]
        _a, _b, bad, _d = self.new_records([{"name": name} for name in names])
        self.assertRan("done")
        self.assertThere({"name": "A"}, {"name": "B"}, {"name": "D"})
        (row,) = self.outbox()
        self.assertEqual(row["res_id"], bad)
        # it has got a job of its own, which is told of it
        self.assertEqual(self.job(row["job_uuid"], "state")["state"], "failed")
        self.edit(bad, name="C")
        self.assertRan("done")
        self.assertThere(*({"name": name} for name in "ABCD"))

    def test_record_deleted_before_it_was_sent_is_never_there(self):
        record_id = self.new_record({"name": "Ada"})
        self.delete(record_id)
        self.settle()
        self.assertThere()
        self.assertSettled(record_id)
