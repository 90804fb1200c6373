# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager

from odoo import SUPERUSER_ID, Command, api
from odoo.modules.registry import Registry
from odoo.tests.common import get_db_name
from odoo.tools import html2plaintext

from .common import DeliveryCase

# where the mail is written, and trouble with it logged
LOGGER = "odoo.addons.queue_job_sync.models.queue_job"


class FailureMailCase(DeliveryCase):
    """Managers with and without an address, and jobs that fail."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with cls.committing() as env:
            manager = env.ref("queue_job.group_queue_job_manager")
            users = env["res.users"].with_context(no_reset_password=True)
            users = users.create(
                [
                    {
                        "name": f"Failure mail {login}",
                        "login": f"queue_job_sync_{login}",
                        "email": email,
                        "group_ids": [
                            Command.set([env.ref("base.group_user").id, *groups])
                        ],
                    }
                    for login, email, groups in (
                        ("manager", "manager@example.com", manager.ids),
                        ("silent", False, manager.ids),
                        ("plain", "plain@example.com", []),
                    )
                ]
            )
            cls.manager_id, cls.silent_id, cls.plain_id = users.ids
        cls.addClassCleanup(cls._delete_users, users.ids)

    @classmethod
    @contextmanager
    def committing(cls):
        with Registry(get_db_name()).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    @classmethod
    def _delete_users(cls, ids):
        with cls.committing() as env:
            users = env["res.users"].browse(ids)
            partners = users.partner_id
            users.unlink()
            partners.unlink()

    def setUp(self):
        super().setUp()
        self.uuids = []
        self.addCleanup(self._delete_jobs)

    def choose(self, *user_ids):
        """Commit who is told, until the test ends."""
        with self.transaction() as env:
            env.company.job_failure_user_ids = [Command.set(user_ids)]
        if user_ids:
            self.addCleanup(self.choose)

    def _delete_jobs(self):
        with self.transaction() as env:
            jobs = env["queue.job"].search([("uuid", "in", self.uuids)])
            env["mail.mail"].search(self._about(jobs)).unlink()
            jobs.unlink()

    def _about(self, jobs):
        return [("model", "=", "queue.job"), ("res_id", "in", jobs.ids)]

    def new_test_job(self, **options):
        """Commit a job that always fails and has nothing to do with this addon."""
        with self.transaction() as env:
            delayed = env["queue.job"].with_delay(**options)
            uuid = delayed._test_job(failure_rate=1).uuid
        self.uuids.append(uuid)
        return uuid

    def failed_test_job(self, **options):
        uuid = self.new_test_job(**options)
        self.assertEqual(self.run_job(uuid), "failed")
        return uuid

    def failed_sync_job(self, **values):
        self.new_partner(**values)
        uuid = self.job_uuids()[-1]
        self.uuids.append(uuid)
        self.destination.answer(422, {"message": "email is taken"})
        self.assertEqual(self.run_job(uuid), "failed")
        return uuid

    def notify(self):
        """Do what the cron does."""
        with self.transaction() as env:
            env["queue.job"]._cron_notify_failures()

    def mails(self, uuid):
        with self.transaction() as env:
            jobs = env["queue.job"].search([("uuid", "=", uuid)])
            mails = env["mail.mail"].search(self._about(jobs), order="id")
            return [
                {
                    "subject": mail.subject,
                    "html": mail.body_html,
                    "text": " ".join(html2plaintext(mail.body_html).split()),
                    "state": mail.state,
                    "users": set(mail.recipient_ids.user_ids.ids),
                    "to": mail.recipient_ids.mapped("email"),
                }
                for mail in mails
            ]

    def assertMails(self, uuid, count):
        mails = self.mails(uuid)
        self.assertEqual(len(mails), count)
        return mails
