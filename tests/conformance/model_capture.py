# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether each change of a record becomes a delivery, and no other does."""


class ModelCapture:
    """Mixed into :class:`.ModelCase`."""

    def test_created_record_is_sent(self):
        ids = self.new()
        self.assertEqual(len(self.outbox(ids[0])), 1, "not captured")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertThere(ids)
        self.assertSettled(ids[0])

    def test_edited_record_is_sent(self):
        ids = self.new()
        self.settle()
        before = self.payloads(ids)
        self.edit(ids[0], **self.edited)
        self.assertNotEqual(self.payloads(ids), before, "`edited` changes nothing")
        self.assertEqual(len(self.outbox(ids[0])), 1, "not captured")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertThere(ids)

    def test_deleted_record_is_deleted_there(self):
        ids = self.new()
        self.settle()
        self.delete(ids[0])
        self.assertFalse(self.read(self.model_name, [("id", "in", ids)], ["id"]))
        self.assertEqual(self.run_pending(), ["done"])
        self.assertThere([])

    def test_archived_record_is_deleted_there_and_comes_back(self):
        active = self.registry[self.model_name]._active_name
        if not active:
            self.skipTest(f"declared by {self.model_name}: no records are archived")
        ids = self.new()
        self.settle()
        self.edit(ids[0], **{active: False})
        self.assertEqual(self.run_pending(), ["done"])
        self.assertThere([])
        self.edit(ids[0], **{active: True})
        self.assertEqual(self.run_pending(), ["done"])
        self.assertThere(ids)

    def test_rolled_back_change_is_never_sent(self):
        with self.scratch() as env:
            record = env[self.model_name].create(self.values(env, 0))
            record.write(self.edited)
            env.flush_all()
        self.assertEqual(self.run_pending(), [])
        self.assertFalse(self.destination.requests)

    def test_editor_sends_nothing(self):
        ids = self.new(2)
        self.edit(ids[0], **self.edited)
        self.delete(ids[1])
        self.assertFalse(self.destination.requests, "an edit has asked the system")

    def test_edits_of_one_transaction_are_one_delivery(self):
        ids = self.new()
        self.settle()
        with self.transaction() as env:
            record = env[self.model_name].browse(ids)
            record.write(self.edited)
            record.write(self.edited)
        self.assertEqual(len(self.job_uuids("pending")), 1)

    def test_unchanged_record_is_not_sent(self):
        ids = self.new()
        self.edit(ids[0], **self.edited)
        self.settle()
        count = len(self.destination.requests)
        self.edit(ids[0], **self.edited)
        self.settle()
        self.assertEqual(len(self.destination.requests), count)
