# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools.safe_eval import safe_eval

from .common import DeliveryCase, drop, stream_values


@tagged("post_install", "-at_install")
class TestRecover(DeliveryCase):
    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            users = env["res.users"].create(
                [
                    {
                        "name": name,
                        "login": f"recover_{name}",
                        "group_ids": [Command.link(env.ref(group).id)],
                    }
                    for name, group in (
                        ("manager", "queue_job.group_queue_job_manager"),
                        ("clerk", "base.group_partner_manager"),
                    )
                ]
            )
            users.group_ids = [Command.link(env.ref("base.group_user").id)]
            self.manager_id, self.clerk_id = users.ids
        self.addCleanup(self._delete_users, [self.manager_id, self.clerk_id])
        # users are contacts too
        self.run_pending()
        self.destination.records.clear()

    def _delete_users(self, user_ids):
        with self.transaction() as env:
            users = env["res.users"].browse(user_ids)
            partners = users.partner_id
            users.unlink()
            partners.unlink()

    def fail(self, count):
        """Have ``count`` jobs fail, and return their contacts."""
        self.destination.answer(422, {"message": "no"}, times=count)
        partner_ids = [self.new_partner(name=f"P{number}") for number in range(count)]
        self.run_pending()
        self.assertEqual(len(self.job_uuids("failed")), count)
        return partner_ids

    def wizard(self, env, **values):
        return env["sync.recover"].create({"backend_id": self.backend_id, **values})

    def test_preview_counts_what_recover_requeues(self):
        partner_ids = self.fail(3)
        for uuid in self.job_uuids("failed"):
            self.assertTrue(self.job(uuid, "sync_error")["sync_error"])
        with self.transaction(self.manager_id) as env:
            wizard = self.wizard(env)
            self.assertEqual(wizard.job_count, 3)
            wizard.action_recover()
        uuids = self.job_uuids("pending")
        self.assertEqual(len(uuids), 3)
        for uuid in uuids:
            self.assertFalse(self.job(uuid, "sync_error")["sync_error"])
        for partner_id in partner_ids:
            self.assertIn("manager", self.binding(partner_id)["note"])
            self.assertTrue(self.binding(partner_id)["note_date"])
        self.assertEqual(self.run_pending(), ["done"] * 3)
        self.assertEqual(len(self.destination.records), 3)

    def test_jobs_go_by_priority_at_the_rate_of_the_system(self):
        self.change_backend(drain_rate=1)
        self.fail(3)
        uuids = self.job_uuids("failed")
        with self.transaction() as env:
            jobs = env["queue.job"].search([("uuid", "in", uuids)], order="id")
            jobs[2].priority = 1
            self.wizard(env).action_recover()
        etas = [self.job(uuid, "eta")["eta"] for uuid in uuids]
        self.assertEqual(etas[0] - etas[2], timedelta(seconds=1))
        self.assertEqual(etas[1] - etas[2], timedelta(seconds=2))
        self.assertEqual(
            [self.job(uuid, "retry")["retry"] for uuid in uuids], [0, 0, 0]
        )

    def test_several_go_in_bulk_and_one_alone_as_before(self):
        for count, priority in ((1, 5), (2, 15)):
            self.fail(count)
            with self.transaction() as env:
                self.wizard(env).action_recover()
            uuids = self.job_uuids("pending")
            self.assertEqual(len(uuids), count)
            for uuid in uuids:
                self.assertEqual(self.job(uuid, "priority")["priority"], priority)
            self.run_pending()

    def test_failed_once_more_they_stay_in_bulk(self):
        self.fail(2)
        for _time in range(2):
            with self.transaction() as env:
                self.wizard(env).action_recover()
            self.destination.answer(422, {"message": "no"}, times=2)
            uuids = self.job_uuids("pending")
            self.run_pending()
            for uuid in uuids:
                self.assertEqual(self.job(uuid, "priority")["priority"], 15)

    def test_older_failures_are_left(self):
        self.fail(1)
        with self.transaction(self.manager_id) as env:
            later = fields.Datetime.now() + timedelta(minutes=1)
            wizard = self.wizard(env, since=later)
            self.assertEqual(wizard.job_count, 0)
            with self.assertRaises(UserError):
                wizard.action_recover()
        self.assertEqual(len(self.job_uuids("failed")), 1)

    def test_one_synchronization(self):
        """All that has failed, by the jobs that there are, and nothing else."""
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            other = env["sync.stream"].create(
                stream_values(backend, name="Others", endpoint="others")
            )
            other_id = other.id
        self.addCleanup(self._delete_stream, other_id)
        self.destination.answer(422, {"message": "no"}, times=6)
        for number in range(3):
            self.new_partner(name=f"P{number}")
        of_system = [("sync_backend_id", "=", self.backend_id)]
        pending = [*of_system, ("state", "=", "pending")]
        for job in self.read("queue.job", pending, ["uuid"]):
            self.assertEqual(self.run_job(job["uuid"]), "failed")
        uuids = self.job_uuids("failed")
        with self.transaction() as env:
            jobs = env["queue.job"].search([*of_system, ("state", "=", "failed")])
            self.assertEqual(len(jobs), 6)
            for job in jobs:
                job.date_started -= timedelta(days=30)
        with self.transaction(self.manager_id) as env:
            action = env["ir.actions.act_window"]._for_xml_id(
                "queue_job_sync.action_sync_recover_stream"
            )
            context = safe_eval(action["context"], {"active_id": self.stream_id})
            wizard = env["sync.recover"].with_context(**context).create({})
            self.assertEqual(wizard.backend_id.id, self.backend_id)
            self.assertEqual(wizard.job_count, 3)
            wizard.action_recover()
        self.assertEqual(self.job_uuids("pending"), uuids)
        self.assertEqual(self.run_pending(), ["done"] * 3)
        self.assertLessEqual(set(uuids), set(self.job_uuids("done")))
        self.assertEqual(len(self.destination.records), 3)
        with self.transaction() as env:
            failed = [("sync_stream_id", "=", other_id), ("state", "=", "failed")]
            self.assertEqual(env["queue.job"].search_count(failed), 3)

    def _delete_stream(self, stream_id):
        with self.transaction() as env:
            env["queue.job"].search([("sync_stream_id", "=", stream_id)]).unlink()
            drop(env["sync.stream"].browse(stream_id))

    def test_users_without_the_right_cannot_recover(self):
        with self.transaction(self.clerk_id) as env, self.assertRaises(AccessError):
            self.wizard(env)
