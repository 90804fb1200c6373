# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .test_failure_digest import FailureDigestCase


@tagged("post_install", "-at_install")
class TestFailureDigestText(FailureDigestCase):
    """What the digest says, and what it keeps to itself."""

    def digest(self):
        """Return what the template is given."""
        with self.transaction() as env:
            return env.company._job_failure_digest()

    def errors(self):
        """Return the lines of errors as (count, system, task, error)."""
        names = ("count", "system", "task", "error")
        return [tuple(line[name] for name in names) for line in self.digest()["errors"]]

    def test_grouped_by_system_synchronization_and_error(self):
        of_stream = {
            "sync_backend_id": self.backend_id,
            "sync_stream_id": self.stream_id,
        }
        self.insert_failed_jobs(3, "'email is taken'", **of_stream)
        self.insert_failed_jobs(2, "'The CRM answered 500'", **of_stream)
        self.insert_failed_jobs(4, "'email is taken'")
        expected = [
            (4, "", "res.partner._do_something", "email is taken"),
            (3, "CRM", "Contacts to CRM", "email is taken"),
            (2, "CRM", "Contacts to CRM", "The CRM answered 500"),
        ]
        self.assertEqual(self.errors(), expected)
        self.notify()
        (mail,) = self.digests()
        self.assertEqual(mail["subject"], "9 jobs failed")
        for line in expected:
            words = " ".join(" ".join(map(str, line)).split())
            self.assertIn(words, mail["text"])

    def test_errors_that_differ_in_numbers_only_are_one(self):
        self.insert_failed_jobs(30, "'a' || n || '@example.com is taken'")
        ((count, _system, _task, error),) = self.errors()
        self.assertEqual(count, 30)
        self.assertRegex(error, r"^a\d+@example.com is taken$")

    def test_errors_with_other_status_codes_are_not(self):
        self.insert_failed_jobs(1, "'The CRM answered 500'")
        self.insert_failed_jobs(1, "'The CRM answered 503'")
        self.assertEqual(len(self.errors()), 2)

    def test_first_twenty_jobs_with_links_and_the_list(self):
        uuids = self.insert_failed_jobs(25)
        digest = self.digest()
        self.assertEqual(digest["other_jobs"], 5)
        with self.transaction() as env:
            base_url = env.company.get_base_url()
            jobs = env["queue.job"].search([("uuid", "in", uuids)], order="id")
            first = jobs[:20].mapped(lambda job: (job.name, job.id))
            self.assertEqual(
                env.ref("queue_job_sync.action_queue_job_failed").res_model, "queue.job"
            )
        self.notify()
        (mail,) = self.digests()
        action = f"{base_url}/odoo/action-queue_job"
        for name, job_id in first:
            link = f'href="{action}.action_queue_job/{job_id}"'
            self.assertIn(link, mail["html"])
            self.assertRegex(mail["html"], f"{link}[^>]*>{name}<")
        self.assertEqual(mail["html"].count(f"{action}.action_queue_job/"), 20)
        self.assertIn(f'href="{action}_sync.action_queue_job_failed"', mail["html"])
        self.assertIn("and 5 more", mail["text"])

    def test_many_errors_are_cut_to_the_most_frequent(self):
        self.insert_failed_jobs(26, "'Error ' || chr(64 + n)")
        self.insert_failed_jobs(3, "'Frequent'")
        digest = self.digest()
        self.assertEqual(len(digest["errors"]), 20)
        self.assertEqual(digest["errors"][0]["error"], "Frequent")
        self.assertEqual(digest["other_errors"], 29 - 3 - 19)
        self.notify()
        self.assertIn("7 with other errors", self.digests()[0]["text"])

    def test_no_traceback_no_argument_and_no_long_text(self):
        self.insert_failed_jobs(2, "E'First line\\nTraceback: s3cret'")
        self.insert_failed_jobs(2, "repeat('x', 5000)")
        self.insert_failed_jobs(2, "NULL")
        self.assertEqual(
            {error for _count, _system, _task, error in self.errors()},
            {"First line", "x" * 199 + "…", "ValueError"},
        )
        self.notify()
        (mail,) = self.digests()
        self.assertNotIn("s3cret", mail["html"])
        self.assertNotIn("Traceback", mail["html"])

    def test_texts_of_errors_are_escaped(self):
        self.insert_failed_jobs(2, "'<b>bold</b>'")
        self.notify()
        self.assertIn("&lt;b&gt;bold", self.digests()[0]["html"])

    def test_chosen_users_get_it(self):
        self.choose(self.plain_id)
        self.insert_failed_jobs(2)
        self.notify()
        self.assertEqual(self.digests()[0]["users"], {self.plain_id})

    def test_settings_open_both_texts(self):
        with self.transaction() as env:
            settings = env["res.config.settings"].create({})
            settings.job_failure_quiet_minutes = 20
            self.assertEqual(env.company.job_failure_quiet_minutes, 20)
            for action, model in (
                (settings.action_open_job_failure_template(), "queue.job"),
                (settings.action_open_job_failure_digest(), "res.company"),
            ):
                template = env[action["res_model"]].browse(action["res_id"])
                self.assertEqual(template.model, model)
