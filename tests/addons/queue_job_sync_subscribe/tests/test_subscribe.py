# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from odoo.addons.queue_job_sync.tests.failure_mail_case import FailureMailCase


@tagged("post_install", "-at_install")
class TestSubscribe(FailureMailCase):
    """A manager who wants no notifications of jobs gets none of ours either."""

    def decline(self, user_id):
        with self.transaction() as env:
            env["res.users"].browse(user_id).subscribe_job = False
        self.addCleanup(self.accept, user_id)

    def accept(self, user_id):
        with self.transaction() as env:
            env["res.users"].browse(user_id).subscribe_job = True

    def told(self):
        """Return the users who are told of a failed job by mail, and its followers."""
        uuid = self.failed_test_job()
        self.notify()
        users = set().union(*(mail["users"] for mail in self.mails(uuid)))
        with self.transaction() as env:
            job = env["queue.job"].search([("uuid", "=", uuid)])
            return users, set(job.message_follower_ids.partner_id.user_ids.ids)

    def test_manager_who_has_not_declined_is_told(self):
        mailed, followers = self.told()
        self.assertIn(self.manager_id, mailed)
        self.assertIn(self.manager_id, followers)

    def test_manager_who_has_declined_is_not_told(self):
        self.decline(self.manager_id)
        mailed, followers = self.told()
        self.assertNotIn(self.manager_id, mailed)
        self.assertNotIn(self.manager_id, followers)

    def test_not_even_when_the_settings_name_the_manager(self):
        self.choose(self.manager_id, self.plain_id)
        self.decline(self.manager_id)
        mailed, _followers = self.told()
        self.assertEqual(mailed, {self.plain_id})

    def test_others_whom_the_settings_name_need_not_be_managers(self):
        self.choose(self.plain_id)
        mailed, _followers = self.told()
        self.assertEqual(mailed, {self.plain_id})

    def test_manager_who_has_declined_is_not_told_of_an_outage(self):
        self.decline(self.manager_id)
        with self.transaction() as env:
            partners = env["res.company"]._job_failure_partners()
            self.assertNotIn(self.manager_id, partners.user_ids.ids)
        self.accept(self.manager_id)
        with self.transaction() as env:
            partners = env["res.company"]._job_failure_partners()
            self.assertIn(self.manager_id, partners.user_ids.ids)
