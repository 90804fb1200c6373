# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import queue_job
from .failure_mail_case import LOGGER, FailureMailCase

# Odoo tries a template when it is saved: this one works for most jobs
ODD_SUBJECT = "{{ object.oops if object.name == 'Odd' else 'Fine' }}"


@tagged("post_install", "-at_install")
class TestFailureMailTrouble(FailureMailCase):
    """Trouble with the mail is no trouble for the jobs."""

    changed = False

    def change_template(self, **values):
        """Commit other texts; the old ones come back when the test ends."""

        def write(new):
            with self.transaction() as env:
                env.ref("queue_job_sync.mail_template_job_failed").write(new)

        if not self.changed:
            with self.transaction() as env:
                template = env.ref("queue_job_sync.mail_template_job_failed")
                before = {name: template[name] for name in ("subject", "body_html")}
            self.addCleanup(write, before)
            self.changed = True
        write(values)

    def test_edited_template_is_used(self):
        self.change_template(
            subject="Look at {{ object.uuid }}", body_html="<p>Please.</p>"
        )
        uuid = self.failed_test_job()
        self.notify()
        (mail,) = self.mails(uuid)
        self.assertEqual(mail["subject"], f"Look at {uuid}")
        self.assertEqual(mail["text"], "Please.")

    @mute_logger("odoo.addons.mail.models.mail_render_mixin")
    def test_broken_template_is_told_when_it_is_mended(self):
        self.change_template(subject=ODD_SUBJECT)
        uuid = self.failed_test_job(description="Odd")
        with self.assertLogs(LOGGER, "ERROR"):
            self.notify()
        self.assertEqual(self.job(uuid, "state")["state"], "failed")
        self.assertMails(uuid, 0)
        self.change_template(subject="Mended")
        self.notify()
        (mail,) = self.assertMails(uuid, 1)
        self.assertEqual(mail["subject"], "Mended")

    @mute_logger("odoo.addons.mail.models.mail_render_mixin")
    def test_one_mail_that_cannot_be_written_does_not_hold_up_the_others(self):
        self.change_company(job_failure_quiet_minutes=0)
        self.change_template(subject=ODD_SUBJECT)
        first, bad, last = (
            self.failed_test_job(description=name) for name in ("Even", "Odd", "Even")
        )
        with self.assertLogs(LOGGER, "ERROR") as logs:
            self.notify()
        self.assertIn(bad, logs.output[0])
        self.assertMails(first, 1)
        self.assertMails(bad, 0)
        self.assertMails(last, 1)

    def test_missing_template_is_logged(self):
        def rename(before, after):
            with self.transaction() as env:
                env["ir.model.data"].search(
                    [("module", "=", "queue_job_sync"), ("name", "=", before)]
                ).name = after

        uuid = self.failed_test_job()
        rename("mail_template_job_failed", "mail_template_gone")
        try:
            with self.assertLogs(LOGGER, "ERROR"):
                self.notify()
        finally:
            rename("mail_template_gone", "mail_template_job_failed")
        self.assertMails(uuid, 0)
        self.notify()
        self.assertMails(uuid, 1)

    def test_mail_server_that_is_down_does_not_touch_the_job(self):
        uuid = self.failed_test_job()
        self.notify()
        before = self.job(uuid, "state", "retry", "exc_message", "failure_notified")
        with (
            self.transaction() as env,
            mute_logger("odoo.addons.mail.models.mail_mail"),
        ):
            job = env["queue.job"].search([("uuid", "=", uuid)])
            mails = env["mail.mail"].search(self._about(job))
            servers = type(env["ir.mail_server"])
            with patch.object(servers, "_connect__", side_effect=OSError("down")):
                mails.send()
        (mail,) = self.mails(uuid)
        self.assertEqual(mail["state"], "exception")
        self.assertEqual(
            self.job(uuid, "state", "retry", "exc_message", "failure_notified"), before
        )

    def test_mails_are_committed_batch_by_batch(self):
        self.change_company(job_failure_quiet_minutes=0)
        uuids = [self.failed_test_job() for _each in range(5)]
        with self.transaction() as env:
            cron = type(env["ir.cron"])
        commit_progress = cron._commit_progress
        batches = []

        def then_crash(cron, processed=0, **kwargs):
            commit_progress(cron, processed, **kwargs)
            batches.append((processed, kwargs["remaining"]))
            if len(batches) == 2:
                raise RuntimeError("the server is stopped")
            return 1

        with (
            patch.object(queue_job, "NOTIFY_BATCH", 2),
            patch.object(cron, "_commit_progress", then_crash),
            self.assertRaises(RuntimeError),
        ):
            self.notify()
        self.assertEqual(batches, [(2, 3), (2, 1)])
        self.assertEqual([len(self.mails(uuid)) for uuid in uuids], [1, 1, 1, 1, 0])
        self.notify()
        self.assertEqual([len(self.mails(uuid)) for uuid in uuids], [1] * 5)

    def test_cron_stops_when_its_time_is_over(self):
        self.change_company(job_failure_quiet_minutes=0)
        uuids = [self.failed_test_job() for _each in range(3)]
        with self.transaction() as env:
            cron = type(env["ir.cron"])
        with (
            patch.object(queue_job, "NOTIFY_BATCH", 2),
            patch.object(cron, "_commit_progress", return_value=0),
        ):
            self.notify()
        self.assertEqual([len(self.mails(uuid)) for uuid in uuids], [1, 1, 0])
