# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the job of an edit is like."""

from datetime import datetime
from unittest.mock import patch

from odoo.tests import new_test_user, tagged

from ..engine.delivery import send_once_more
from .common import SyncCase


@tagged("post_install", "-at_install")
class TestCaptureJob(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Ada"})
        cls.before_commit(cls)
        cls.outbox(cls).unlink()

    def job_of_edit(self, **values):
        """Return the job that an edit makes, after writing on the stream."""
        self.stream.write(values)
        with self.committed() as jobs:
            self.partner.name = "Ada Lovelace"
        (job,) = jobs
        return job

    def test_links_to_what_it_sends(self):
        job = self.job_of_edit()
        self.assertEqual(job.sync_stream_id, self.stream)
        self.assertEqual(job.sync_backend_id, self.backend)
        self.assertEqual(job.sync_res_id, self.partner.id)
        self.assertEqual(job.sync_record_name, "Ada Lovelace")
        self.assertEqual(job.model_name, "res.partner")
        self.assertEqual(job.method_name, "_sync_deliver")
        self.assertEqual(job.records, self.partner)

    def test_says_system_and_record(self):
        self.assertEqual(self.job_of_edit().name, "CRM: Ada Lovelace")

    def test_belongs_to_the_user_whose_edit_made_it(self):
        user = new_test_user(
            self.env, "sync_clerk", groups="base.group_user,base.group_partner_manager"
        )
        self.before_commit()
        with self.committed() as jobs:
            self.partner.with_user(user).name = "Ada Lovelace"
        (job,) = jobs
        self.assertEqual(job.user_id, user)
        self.assertEqual(job.records.env.uid, user.id)
        self.assertFalse(job.records.env.su)

    def test_belongs_to_the_user_though_the_code_used_sudo(self):
        user = new_test_user(self.env, "sync_clerk", groups="base.group_user")
        self.before_commit()
        with self.committed() as jobs:
            self.partner.with_user(user).sudo().name = "Ada Lovelace"
        (job,) = jobs
        self.assertEqual(job.user_id, user)

    def test_is_pending_at_once_by_default(self):
        job = self.job_of_edit()
        self.assertEqual(job.state, "pending")
        self.assertFalse(job.eta)
        self.assertEqual(job.max_retries, 3)
        self.assertEqual(job.priority, 5)
        self.assertEqual(job.channel, "root.sync")

    def test_has_the_priority_of_the_stream(self):
        self.assertEqual(self.job_of_edit(priority=1).priority, 1)

    def test_goes_in_bulk_where_more_than_a_batch_is_changed(self):
        self.stream.write({"batch_size": 2, "priority": 4})
        for count, priorities in ((2, {4}), (3, {14})):
            with self.committed() as jobs:
                self.env["res.partner"].create([{"name": "Imported"}] * count)
            self.assertEqual({job.priority for job in jobs}, priorities)

    def test_an_edit_has_its_own_job_beside_one_in_bulk(self):
        self.stream.batch_size = 1
        other = self.env["res.partner"].create({"name": "Grace"})
        self.before_commit()
        (self.partner | other).name = "Imported"
        self.before_commit()
        job = self.job_of_edit()
        before, row = self.outbox(self.partner)
        self.assertEqual((job.priority, row.job_uuid), (5, job.uuid))
        job = self.env["queue.job"].search([("uuid", "=", before.job_uuid)])
        self.assertEqual(job.priority, 15)

    def test_what_a_job_in_bulk_sends_once_more_goes_in_bulk(self):
        self.stream.batch_size = 1
        job = self.job_of_edit()
        for priority in (5, 15):
            job.priority = priority
            in_job = self.stream.with_context(job_uuid=job.uuid)
            send_once_more(in_job, {self.partner.id: ()})
            self.assertEqual(self.jobs()[-1].priority, priority)

    def test_has_the_max_retries_of_the_stream(self):
        self.assertEqual(self.job_of_edit(max_retries=7).max_retries, 7)

    def test_may_be_tried_for_ever(self):
        self.assertEqual(self.job_of_edit(max_retries=0).max_retries, 0)

    def test_goes_through_the_channel_of_the_stream(self):
        channel = self.env["queue.job.channel"].create(
            {
                "name": "crm",
                "parent_id": self.env.ref("queue_job_sync.channel_sync").id,
            }
        )
        job = self.job_of_edit(channel_id=channel.id)
        self.assertEqual(job.channel, "root.sync.crm")

    def it_is(self, moment):
        """Let the database's clock show a time, in this transaction."""
        self.enterContext(patch.object(self.env.cr, "_now", moment))

    def test_executes_only_after_the_delay(self):
        self.it_is(datetime(2026, 6, 1, 12))
        job = self.job_of_edit(delay_policy="delay", delay_minutes=30)
        self.assertEqual(job.eta, datetime(2026, 6, 1, 12, 30))

    def test_executes_only_off_peak(self):
        self.it_is(datetime(2026, 6, 1, 12))
        job = self.job_of_edit(
            delay_policy="window",
            window_start=22,
            window_end=6,
            window_tz="Europe/Paris",
        )
        self.assertEqual(job.eta, datetime(2026, 6, 1, 20, 0))

    def test_executes_at_once_inside_the_off_peak_hours(self):
        self.it_is(datetime(2026, 6, 1, 23))
        job = self.job_of_edit(
            delay_policy="window",
            window_start=22,
            window_end=6,
            window_tz="Europe/Paris",
        )
        self.assertFalse(job.eta)

    def test_up_to_a_batch_is_one_job(self):
        self.stream.batch_size = 3
        with self.committed() as jobs:
            self.env["res.partner"].create([{"name": f"P{i}"} for i in range(3)])
        self.assertEqual(len(jobs), 1)

    def test_rows_of_a_chunk_know_their_record_user_and_time(self):
        user = self.env.ref("base.user_admin")
        with self.committed() as jobs:
            partners = (
                self.env["res.partner"]
                .with_user(user)
                .create([{"name": "Grace"}, {"name": "Joan"}])
            )
        rows = self.outbox(partners)
        self.assertEqual(rows.mapped("record_name"), ["Grace", "Joan"])
        self.assertEqual(rows.create_uid, user)
        self.assertEqual(rows.mapped("create_date"), [self.env.cr.now()] * 2)
        self.assertEqual(rows.mapped("operation"), ["upsert"] * 2)
        self.assertEqual(set(rows.mapped("job_uuid")), {job.uuid for job in jobs})

    def test_more_than_a_batch_is_sent_in_chunks(self):
        self.stream.batch_size = 3
        with self.committed() as jobs:
            partners = self.env["res.partner"].create(
                [{"name": f"P{i}"} for i in range(7)]
            )
        self.assertEqual([len(job.records) for job in jobs], [3, 3, 1])
        sent = self.env["res.partner"].union(*(job.records for job in jobs))
        self.assertEqual(sent, partners)
        rows = self.outbox(partners)
        self.assertEqual(len(rows), 7)
        for job in jobs:
            mine = rows.filtered(lambda row, uuid=job.uuid: row.job_uuid == uuid)
            self.assertEqual(mine.mapped("res_id"), job.records.ids)

    def test_job_of_a_chunk_names_no_single_record(self):
        self.stream.batch_size = 2
        with self.committed() as jobs:
            self.env["res.partner"].create([{"name": f"P{i}"} for i in range(4)])
        for job in jobs:
            self.assertFalse(job.sync_res_id)
            self.assertEqual(job.name, "CRM: 2 records (Contact)")
