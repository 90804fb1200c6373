# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..models import queue_job
from .failure_mail_case import LOGGER, FailureMailCase

# Odoo tries a template when it is saved: this one fails only when there are jobs
ODD_DIGEST = "{{ object.oops if object._job_failure_count() else 'Fine' }}"


class FailureDigestCase(FailureMailCase):
    """Failed jobs by the thousand."""

    def insert_failed_jobs(self, count, error="'Boom'", **values):
        """Commit jobs failed by plain SQL, as queue_job's runner does.

        :param str error: SQL of the error; ``n`` is the number of the job
        """
        marker = f"digest-{self.id()}-{len(self.uuids)}-"
        with self.transaction() as env:
            values = {"company_id": env.company.id, **values}
            values = {key: SQL("%s::int", value) for key, value in values.items()}
            rows = env.execute_query(
                SQL(
                    """
                    INSERT INTO queue_job (uuid, name, state, model_name, method_name,
                        exc_name, exc_message, exc_info, kwargs, %(columns)s)
                    SELECT %(marker)s || n, 'Task ' || n, 'failed', 'res.partner',
                           '_do_something', 'builtins.ValueError', %(error)s,
                           'Traceback (most recent call last) s3cret',
                           '{"secret": "s3cret"}', %(values)s
                      FROM generate_series(1, %(count)s) AS n
                    RETURNING uuid
                    """,
                    columns=SQL(", ").join(map(SQL.identifier, values)),
                    values=SQL(", ").join(values.values()),
                    marker=marker,
                    error=SQL(error),  # pylint: disable=sql-injection
                    count=count,
                )
            )
        self.uuids += [uuid for (uuid,) in rows]
        return [uuid for (uuid,) in rows]

    def untold(self):
        with self.transaction() as env:
            jobs = env["queue.job"]
            return jobs.search_count(jobs._untold_domain())

    def end_quiet_period(self):
        self.pass_minutes(15)


@tagged("post_install", "-at_install")
class TestFailureDigest(FailureDigestCase):
    """However much fails, a mail at once and one digest for each quiet period."""

    def test_first_failure_at_once_and_further_ones_in_one_digest(self):
        first = self.failed_test_job()
        self.notify()
        self.assertMails(first, 1)
        further = [self.failed_test_job() for _each in range(3)]
        self.notify()
        self.assertEqual(self.all_mails(), 1)
        self.pass_minutes(14)
        self.notify()
        self.assertEqual(self.all_mails(), 1)
        self.pass_minutes(1)
        self.notify()
        (digest,) = self.digests()
        self.assertEqual(digest["subject"], "3 jobs failed")
        self.assertIn("3 queue.job._test_job Job failed", digest["text"])
        self.assertEqual(self.all_mails(), 2)
        for uuid in further:
            self.assertMails(uuid, 0)
        self.notify()
        self.end_quiet_period()
        self.notify()
        self.assertEqual(self.all_mails(), 2)

    def test_one_further_failure_is_told_in_full(self):
        self.failed_test_job()
        self.notify()
        uuid = self.failed_test_job()
        self.notify()
        self.assertMails(uuid, 0)
        self.end_quiet_period()
        self.notify()
        self.assertMails(uuid, 1)
        self.assertFalse(self.digests())

    def test_many_found_at_once_are_one_digest_and_no_single_mail(self):
        uuids = self.insert_failed_jobs(500)
        self.notify()
        self.assertEqual(len(self.digests()), 1)
        self.assertEqual(self.all_mails(), 1)
        self.assertMails(uuids[0], 0)
        self.assertEqual(self.untold(), 0)

    def test_ten_thousand_failures_are_two_mails_in_a_period(self):
        self.failed_test_job()
        self.notify()
        for _each in range(4):
            self.insert_failed_jobs(2500)
            self.notify()
        self.assertEqual(self.all_mails(), 1)
        self.assertEqual(self.untold(), 10_000)
        self.end_quiet_period()
        with patch.object(
            type(self.env_of("ir.cron")), "_commit_progress", autospec=True
        ) as commit:
            self.notify()
        # in batches, each of them one write
        self.assertEqual(
            [(call.args[1], call.kwargs["remaining"]) for call in commit.mock_calls],
            [(1000, left) for left in range(9000, -1, -1000)],
        )
        self.assertEqual(self.all_mails(), 2)
        self.assertEqual(self.untold(), 0)
        (digest,) = self.digests()
        self.assertEqual(digest["subject"], "10000 jobs failed")
        self.assertIn("10000 res.partner._do_something Boom", digest["text"])
        self.assertLess(len(digest["html"]), 20_000)

    def env_of(self, model):
        with self.transaction() as env:
            return env[model]

    def test_large_fields_of_the_jobs_are_not_read(self):
        self.insert_failed_jobs(50)
        with self.registry.cursor() as cr:
            queries = []
            execute = type(cr).execute

            def spy(cursor, query, *args, **kwargs):
                queries.append(str(query))
                return execute(cursor, query, *args, **kwargs)

            with patch.object(type(cr), "execute", spy):
                self.notify()
        self.assertTrue(self.digests())
        self.assertTrue(any('"queue_job"."exc_message"' in text for text in queries))
        for column in ("kwargs", "args", "records", "exc_info", "dependencies"):
            self.assertFalse(
                [text for text in queries if f'"queue_job"."{column}"' in text]
            )

    # -- the period -----------------------------------------------------------

    def test_zero_minutes_mail_each_failure_at_once(self):
        self.change_company(job_failure_quiet_minutes=0)
        uuids = [self.failed_test_job() for _each in range(3)]
        self.notify()
        uuids.append(self.failed_test_job())
        self.notify()
        self.assertEqual([len(self.mails(uuid)) for uuid in uuids], [1] * 4)
        self.assertFalse(self.digests())

    def test_period_is_the_company_s(self):
        self.change_company(job_failure_quiet_minutes=60)
        self.failed_test_job()
        self.notify()
        uuid = self.failed_test_job()
        self.pass_minutes(59)
        self.notify()
        self.assertMails(uuid, 0)
        self.pass_minutes(1)
        self.notify()
        self.assertMails(uuid, 1)

    def test_period_cannot_be_negative(self):
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"):
            self.change_company(job_failure_quiet_minutes=-1)

    def test_cron_is_called_when_the_period_ends(self):
        self.failed_test_job()
        self.triggers(forget=True)
        self.notify()
        # a failure within the period does not call it once more
        self.failed_test_job()
        self.notify()
        with self.transaction() as env:
            end = env.company.job_failure_mailed + timedelta(minutes=15)
        self.assertEqual(self.triggers(), [end])

    def triggers(self, forget=False):
        """Return when the cron will be called."""
        with self.transaction() as env:
            cron = env.ref("queue_job_sync.ir_cron_notify_failures")
            found = env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
            moments = found.mapped("call_at")
            if forget:
                found.unlink()
            return moments

    def test_failure_after_the_period_calls_the_cron_at_once(self):
        self.failed_test_job()
        self.notify()
        self.end_quiet_period()
        self.triggers(forget=True)
        self.failed_test_job()
        (moment,) = self.triggers()
        self.assertLessEqual(moment, fields.Datetime.now())

    def test_company_in_its_period_does_not_hold_up_another(self):
        self.failed_test_job()
        self.notify()
        with self.transaction() as env:
            other = env["res.company"].create({"name": "Digest Elsewhere"}).id
        self.addCleanup(self._delete_company, other)
        with self.transaction() as env:
            env["res.users"].browse(self.plain_id).company_ids = [(4, other)]
            env["res.company"].browse(other).job_failure_user_ids = [(4, self.plain_id)]
        self.insert_failed_jobs(2)
        self.insert_failed_jobs(3, company_id=other)
        self.notify()
        self.assertFalse(self.digests())
        (digest,) = self.digests(other)
        self.assertEqual(digest["subject"], "3 jobs failed")
        self.assertEqual(digest["users"], {self.plain_id})
        self.end_quiet_period()
        self.notify()
        (digest,) = self.digests()
        self.assertEqual(digest["subject"], "2 jobs failed")
        self.assertEqual(len(self.digests(other)), 1)

    def _delete_company(self, company_id):
        with self.transaction() as env:
            env["res.users"].browse(self.plain_id).company_ids = [(3, company_id)]
            env["queue.job"].search([("company_id", "=", company_id)]).unlink()
            company = env["res.company"].browse(company_id)
            partner = company.partner_id
            company.unlink()
            partner.unlink()

    def test_jobs_of_no_company_are_told_by_the_main_one(self):
        self.insert_failed_jobs(2)
        self.insert_failed_jobs(3, company_id=None)
        self.notify()
        (digest,) = self.digests()
        self.assertEqual(digest["subject"], "5 jobs failed")
        self.assertEqual(self.untold(), 0)

    # -- trouble --------------------------------------------------------------

    def change_digest(self, subject):
        with self.transaction() as env:
            template = env.ref(queue_job.MAIL_OF_MANY)
            before, template.subject = template.subject, subject
        return before

    @mute_logger("odoo.addons.mail.models.mail_render_mixin")
    def test_broken_digest_is_told_when_it_is_mended(self):
        before = self.change_digest(ODD_DIGEST)
        self.addCleanup(self.change_digest, before)
        self.insert_failed_jobs(2)
        with self.assertLogs(LOGGER, "ERROR"):
            self.notify()
        self.assertEqual(self.all_mails(), 0)
        self.assertEqual(self.untold(), 2)
        self.change_digest("Mended")
        self.notify()
        (digest,) = self.digests()
        self.assertEqual(digest["subject"], "Mended")

    def test_nobody_to_tell_starts_no_quiet_period(self):
        self.choose(self.silent_id)
        self.insert_failed_jobs(2)
        with self.assertLogs(LOGGER, "WARNING") as logs:
            self.notify()
        self.assertIn("2 jobs failed, and nobody", logs.output[0])
        self.assertEqual(self.untold(), 0)
        self.choose(self.plain_id)
        uuid = self.failed_test_job()
        self.notify()
        self.assertMails(uuid, 1)

    def test_job_requeued_while_the_digest_is_marked_is_told_again(self):
        self.insert_failed_jobs(3)
        uuid = self.failed_test_job()
        with self.transaction() as env:
            job = env["queue.job"].search([("uuid", "=", uuid)])
            crons = type(env["ir.cron"])
        commit = crons._commit_progress

        def then_requeue(cron, done, remaining):
            if remaining == 2:
                with self.transaction() as env:
                    env["queue.job"].browse(job.id).requeue()
            return commit(cron, done, remaining=remaining)

        with (
            patch.object(queue_job, "MARK_BATCH", 2),
            patch.object(crons, "_commit_progress", then_requeue),
        ):
            self.notify()
        self.assertEqual(self.digests()[0]["subject"], "4 jobs failed")
        job = self.job(uuid, "state", "failure_notified")
        self.assertEqual((job["state"], job["failure_notified"]), ("pending", False))
