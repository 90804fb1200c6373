# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged

from odoo.addons.queue_job.jobrunner.runner import Database

from .failure_mail_case import LOGGER, FailureMailCase


@tagged("post_install", "-at_install")
class TestFailureMail(FailureMailCase):
    """Each failure of each job is told once."""

    def test_failure_of_any_job_is_mailed_once(self):
        uuid = self.failed_test_job()
        self.assertMails(uuid, 0)
        self.notify()
        (mail,) = self.assertMails(uuid, 1)
        self.assertEqual(mail["state"], "outgoing")
        self.notify()
        self.assertMails(uuid, 1)

    def test_failure_calls_the_cron_at_once(self):
        uuid = self.new_test_job()
        count = self._triggers()
        self.run_job(uuid)
        self.assertGreater(self._triggers(), count)

    def _triggers(self):
        with self.transaction() as env:
            cron = env.ref("queue_job_sync.ir_cron_notify_failures")
            return env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])

    def test_failed_delivery_is_mailed_with_what_matters(self):
        uuid = self.failed_sync_job(name="Ada")
        self.notify()
        (mail,) = self.assertMails(uuid, 1)
        job = self.job(uuid, "func_string", "retry", "max_retries")
        self.assertEqual(mail["subject"], "Job failed: CRM: Ada")
        for words in (
            "Synchronization: Contacts to CRM",
            "External system: CRM",
            "Related record: Ada",
            "Tries: 1 of 3",
            "email is taken",
        ):
            self.assertIn(words, mail["text"])
        self.assertNotIn(job["func_string"], mail["text"])
        with self.transaction() as env:
            base_url = env["ir.config_parameter"].get_param("web.base.url")
            self.assertTrue(env.ref("queue_job.action_queue_job").exists())
        self.assertIn(
            f'href="{base_url}/odoo/action-queue_job.action_queue_job/{job["id"]}"',
            mail["html"],
        )

    def test_content_of_a_job_of_another_addon(self):
        uuid = self.failed_test_job(description="Nightly import", max_retries=7)
        self.notify()
        (mail,) = self.mails(uuid)
        self.assertEqual(mail["subject"], "Job failed: Nightly import")
        self.assertIn("Task: queue.job._test_job", mail["text"])
        # the arguments of any job may hold a secret
        self.assertNotIn("failure_rate", mail["html"])
        self.assertIn("Tries: 1 of 7", mail["text"])
        self.assertIn("by itself. Job failed Task", mail["text"])
        self.assertNotIn("External system", mail["text"])

    def test_retry_is_not_a_failure(self):
        self.destination.answer(500)
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.uuids.append(uuid)
        self.assertEqual(self.run_job(uuid), "pending")
        self.notify()
        self.assertMails(uuid, 0)

    def test_job_found_dead_is_mailed(self):
        uuid = self.new_test_job(max_retries=3)
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET state = 'started', retry = 4,"
                " date_enqueued = now() AT TIME ZONE 'utc' - interval '1 hour'"
                " WHERE uuid = %s",
                (uuid,),
            )
            # plain SQL: no method of the job is called
            cr.execute(Database._query_requeue_dead_jobs(None))
        self.assertEqual(self.job(uuid, "state")["state"], "failed")
        self.notify()
        (mail,) = self.assertMails(uuid, 1)
        self.assertIn("found dead", mail["text"])
        self.notify()
        self.assertMails(uuid, 1)

    def test_job_that_fails_again_is_mailed_again(self):
        uuid = self.failed_test_job()
        self.notify()
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", uuid)]).requeue()
        self.notify()
        self.assertMails(uuid, 1)
        self.assertEqual(self.run_job(uuid), "failed")
        self.notify()
        # told when the quiet period after the first mail is over
        self.assertMails(uuid, 1)
        self.pass_minutes(15)
        self.notify()
        self.assertMails(uuid, 2)

    def test_job_mended_before_the_cron_runs_is_not_mailed(self):
        uuid = self.failed_sync_job()
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", uuid)]).requeue()
        self.assertEqual(self.run_job(uuid), "done")
        self.notify()
        self.assertMails(uuid, 0)

    def test_queue_job_subscribes_its_followers_and_sends_no_mail_of_its_own(self):
        uuid = self.failed_test_job()
        with self.transaction() as env:
            job = env["queue.job"].search([("uuid", "=", uuid)])
            managers = env["res.users"].search(job._subscribe_users_domain())
            self.assertIn(self.silent_id, managers.ids)
            followers = (managers | job.user_id).partner_id.filtered("active")
            self.assertEqual(job.message_follower_ids.partner_id, followers)
            messages = job.message_ids.filtered("body")
            self.assertEqual(len(messages), 1)
            self.assertEqual(messages.subtype_id, env.ref("queue_job.mt_job_failed"))
            self.assertIn("The job has failed", messages.body)
            self.assertFalse(messages.notification_ids)
        self.assertMails(uuid, 0)
        self.notify()
        self.assertMails(uuid, 1)

    # -- recipients -----------------------------------------------------------

    def test_managers_with_an_address_get_it(self):
        uuid = self.failed_test_job()
        self.notify()
        (mail,) = self.mails(uuid)
        self.assertIn(self.manager_id, mail["users"])
        self.assertNotIn(self.silent_id, mail["users"])
        self.assertNotIn(self.plain_id, mail["users"])
        with self.transaction() as env:
            group = env.ref("queue_job.group_queue_job_manager")
            managers = env["res.users"].search([("all_group_ids", "in", group.ids)])
            self.assertEqual(mail["users"], set(managers.filtered("email").ids))
        self.assertTrue(all(mail["to"]))

    def test_chosen_users_get_it_instead(self):
        self.choose(self.plain_id)
        uuid = self.failed_test_job()
        self.notify()
        (mail,) = self.mails(uuid)
        self.assertEqual(mail["users"], {self.plain_id})
        self.assertEqual(mail["to"], ["plain@example.com"])

    def test_managers_of_other_companies_do_not_get_it(self):
        uuid = self.failed_test_job()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            other = env["res.company"].create({"name": "Elsewhere"})
            job = env["queue.job"].search([("uuid", "=", uuid)])
            manager = env["res.users"].browse(self.manager_id)
            self.assertIn(manager.partner_id, job.failure_recipient_ids)
            job.company_id = other
            self.assertNotIn(manager.partner_id, job.failure_recipient_ids)
            manager.company_ids |= other
            job.invalidate_recordset(["failure_recipient_ids"])
            self.assertIn(manager.partner_id, job.failure_recipient_ids)
            cr.rollback()

    def test_nobody_to_tell_is_logged_and_said_once(self):
        self.choose(self.silent_id)
        uuid = self.failed_test_job()
        with self.assertLogs(LOGGER, "WARNING") as logs:
            self.notify()
        self.assertIn(uuid, logs.output[0])
        with self.assertNoLogs(LOGGER, "WARNING"):
            self.notify()
        self.assertMails(uuid, 0)
        self.assertEqual(self.job(uuid, "state")["state"], "failed")
