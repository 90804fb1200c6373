# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What becomes of records in jobs, whatever goes wrong."""

from .destination import LOSE, STUMBLE


class ModelJobs:
    """Mixed into :class:`.ModelCase`."""

    def state_of(self, record_id):
        (row,) = self.read(self.model_name, [("id", "=", record_id)], ["sync_state"])
        return row["sync_state"]

    def test_many_records_are_sent_by_one_job(self):
        self.change_stream(batch_size=10)
        ids = self.new(4)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertThere(ids)
        self.assertFalse(self.outbox())

    def test_bad_record_does_not_hold_up_the_others(self):
        self.change_stream(batch_size=10)
        ids = self.new(4)
        self.destination.answer(422, {"message": "no"})
        self.assertEqual(self.run_pending(), ["done"])
        (row,) = self.outbox()
        good = [record_id for record_id in ids if record_id != row["res_id"]]
        self.assertThere(good)
        # the job of its own that the bad one gets is told of it
        self.assertEqual(self.job(row["job_uuid"], "state")["state"], "failed")
        self.edit(row["res_id"], **self.edited)
        self.settle()
        self.assertThere(ids)

    def test_failed_delivery_is_tried_again(self):
        ids = self.new()
        self.destination.fault(STUMBLE)
        self.assertEqual(self.run_pending(), ["pending"])
        self.destination.mend()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertThere(ids)

    def test_edit_during_the_send_is_sent_too(self):
        ids = self.new()
        (uuid,) = self.job_uuids()
        with self.sent(uuid):
            self.edit(ids[0], **self.edited)
        self.settle()
        self.assertThere(ids)
        self.assertSettled(ids[0])

    def test_killed_worker_leaves_one_record(self):
        ids = self.new()
        (uuid,) = self.job_uuids()
        self.kill(uuid)
        self.edit(ids[0], **self.edited)
        self.settle()
        self.assertThere(ids)

    def test_lost_answer_leaves_one_record(self):
        ids = self.new()
        self.destination.fault(LOSE)
        self.assertEqual(self.run_pending(), ["pending"])
        self.destination.mend()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertThere(ids)

    def test_state_is_told(self):
        (record_id,) = self.new()
        self.assertEqual(self.state_of(record_id), "waiting")
        self.settle()
        self.assertEqual(self.state_of(record_id), "synced")
        self.edit(record_id, **self.edited)
        self.destination.answer(422, {"message": "no"})
        self.assertEqual(self.run_pending(), ["failed"])
        self.assertEqual(self.state_of(record_id), "failed")
