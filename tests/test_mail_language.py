# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .incident_case import IncidentCase
from .mail_server_case import MailServerCase

FRENCH, ENGLISH = "plain@example.com", "manager@example.com"
IN_FRENCH = {
    "mail_template_job_failed": (
        "Tâche en échec : {{ object.name }}",
        "will not be tried again by itself",
        "ne sera pas relancée",
    ),
    "mail_template_jobs_failed": (
        "{{ object._job_failure_count() }} tâches en échec",
        "will not be tried again by themselves",
        "ne seront pas relancées",
    ),
    "mail_template_incident_opened": (
        "{{ object.backend_id.name }} ne répond pas",
        "There is nothing to requeue",
        "Il n'y a rien à relancer",
    ),
}


@tagged("post_install", "-at_install")
class TestMailLanguage(MailServerCase, IncidentCase):
    """Two admins, one of whom reads French, and a real mail server."""

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            french = env["res.lang"].with_context(active_test=False)
            french = french.search([("code", "=", "fr_FR")])
            self.french_id, was_active = french.id, french.active
            french.active = True
        with self.transaction() as env:
            env["res.users"].browse(self.plain_id).lang = "fr_FR"
            env["res.users"].browse(self.manager_id).lang = "en_US"
            before = {name: self._texts(env, name) for name in IN_FRENCH}
            for name, (subject, english, french) in IN_FRENCH.items():
                template = self._template(env, name)
                body = template.with_context(lang="en_US").body_html
                self.assertIn(english, body)
                template.subject = subject
                template.body_html = body.replace(english, french)
        self.addCleanup(self._restore, before, was_active)
        self.choose(self.manager_id, self.plain_id)

    def _template(self, env, name):
        return env.ref(f"queue_job_sync.{name}").with_context(lang="fr_FR")

    def _texts(self, env, name):
        template = self._template(env, name)
        return {"subject": template.subject, "body_html": template.body_html}

    def _restore(self, before, was_active):
        with self.transaction() as env:
            for name, texts in before.items():
                self._template(env, name).write(texts)
            env["res.users"].browse(self.plain_id).lang = "en_US"
        if not was_active:
            with self.transaction() as env:
                env["res.lang"].browse(self.french_id).active = False

    def delivered(self):
        """Send what is queued; return what the mail server got, by address."""
        with self.smtp:
            self.send()
        self.assertEqual(sorted(self.smtp.recipients()), [ENGLISH, FRENCH])
        return self.smtp.messages

    def part(self, message, kind):
        return " ".join(message.get_body((kind,)).get_content().split())

    def test_each_gets_a_failed_job_in_his_language(self):
        uuid = self.failed_sync_job(name="Ada")
        self.notify()
        self.assertMails(uuid, 2)
        messages = self.delivered()
        self.assertEqual(messages[FRENCH]["Subject"], "Tâche en échec : CRM: Ada")
        self.assertEqual(messages[ENGLISH]["Subject"], "Job failed: CRM: Ada")
        for kind in ("html", "plain"):
            self.assertIn("relancée", self.part(messages[FRENCH], kind))
            self.assertIn("tried again", self.part(messages[ENGLISH], kind))
            self.assertNotIn("tried again", self.part(messages[FRENCH], kind))
        # the one button, and the same address in the plain text
        job_id = self.job(uuid)["id"]
        self.assertEqual(self.part(messages[FRENCH], "html").count("<a "), 1)
        self.assertIn(f"/{job_id}", self.part(messages[FRENCH], "plain"))
        self.assertIn("Related record: Ada", self.part(messages[ENGLISH], "plain"))

    def test_each_gets_a_digest_in_his_language(self):
        for _each in range(2):
            self.failed_sync_job()
        self.notify()
        messages = self.delivered()
        self.assertEqual(messages[FRENCH]["Subject"], "2 tâches en échec")
        self.assertEqual(messages[ENGLISH]["Subject"], "2 jobs failed")
        self.assertIn("relancées", self.part(messages[FRENCH], "plain"))

    def test_each_is_told_of_an_outage_in_his_language(self):
        with self.transaction() as env:
            company_id = env.company.id
        self.change_backend(company_id=company_id)
        self.open_outage()
        self.watch()
        self.watch()
        messages = self.delivered()
        self.assertEqual(messages[FRENCH]["Subject"], "CRM ne répond pas")
        self.assertEqual(messages[ENGLISH]["Subject"], "CRM does not answer")

    def test_readers_of_one_language_share_a_mail(self):
        with self.transaction() as env:
            env["res.users"].browse(self.plain_id).lang = "en_US"
        uuid = self.failed_test_job()
        self.notify()
        (mail,) = self.assertMails(uuid, 1)
        self.assertEqual(mail["users"], {self.manager_id, self.plain_id})

    def test_addresses_added_to_the_template_get_one_mail(self):
        self.change_template(email_to="ops@example.com")
        uuid = self.failed_test_job()
        self.notify()
        self.assertMails(uuid, 2)
        with self.smtp:
            self.send()
        self.assertEqual(
            sorted(self.smtp.recipients()), [ENGLISH, "ops@example.com", FRENCH]
        )

    def test_a_language_set_on_the_template_goes_for_everybody(self):
        self.change_template(lang="fr_FR")
        uuid = self.failed_test_job()
        self.notify()
        (mail,) = self.assertMails(uuid, 1)
        self.assertIn("Tâche en échec", mail["subject"])
        self.assertEqual(mail["users"], {self.manager_id, self.plain_id})

    def change_template(self, **values):
        """Commit another setting of the mail about one job, until the test ends."""
        self._change_template(values)
        self.addCleanup(self._change_template, dict.fromkeys(values, False))

    def _change_template(self, values):
        with self.transaction() as env:
            env.ref("queue_job_sync.mail_template_job_failed").write(values)
