# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager
from datetime import timedelta

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
        self.addCleanup(self.forget_mails)
        self.forget_mails()
        with self.transaction() as env:
            # what the tests of others have left is nothing to tell about here
            failed = env["queue.job"].search([("state", "=", "failed")])
            failed.failure_notified = True
            self.last_mail = (
                env["mail.mail"].search([], order="id DESC", limit=1).id or 0
            )

    def forget_mails(self):
        """Commit that nobody has ever been told, with the quiet period as installed."""
        with self.transaction() as env:
            env["res.company"].search([]).write(
                {"job_failure_mailed": False, "job_failure_quiet_minutes": 15}
            )

    def change_company(self, **values):
        """Commit other settings of the company."""
        with self.transaction() as env:
            env.company.write(values)

    def pass_minutes(self, minutes):
        """Let the last mail be longer ago."""
        with self.transaction() as env:
            env.company.job_failure_mailed -= timedelta(minutes=minutes)

    def choose(self, *user_ids):
        """Commit who is told, until the test ends."""
        with self.transaction() as env:
            env.company.job_failure_user_ids = [Command.set(user_ids)]
        if user_ids:
            self.addCleanup(self.choose)

    def _delete_jobs(self):
        with self.transaction() as env:
            jobs = env["queue.job"].search([("uuid", "in", self.uuids)])
            env["mail.mail"].search([("id", ">", self.last_mail)]).unlink()
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
            return self._read_mails(env, self._about(jobs))

    def digests(self, company_id=None):
        """Return the digests of a company, by default of the main one."""
        with self.transaction() as env:
            company_id = company_id or env.company.id
            return self._read_mails(
                env, [("model", "=", "res.company"), ("res_id", "=", company_id)]
            )

    def _read_mails(self, env, domain):
        domain = [("id", ">", self.last_mail), *domain]
        return [
            {
                "id": mail.id,
                "subject": mail.subject,
                "html": mail.body_html,
                "text": " ".join(html2plaintext(mail.body_html).split()),
                "state": mail.state,
                "users": set(mail.recipient_ids.user_ids.ids),
                "to": mail.recipient_ids.mapped("email"),
            }
            for mail in env["mail.mail"].search(domain, order="id")
        ]

    def all_mails(self):
        """Return the number of mails written in this test."""
        with self.transaction() as env:
            return env["mail.mail"].search_count([("id", ">", self.last_mail)])

    def assertMails(self, uuid, count):
        mails = self.mails(uuid)
        self.assertEqual(len(mails), count)
        return mails
