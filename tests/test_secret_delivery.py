# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Jobs whose system's credentials are kept beside the database."""

from standardwebhooks.webhooks import Webhook

from odoo.tests import tagged

from ..engine.secrets import TABLE
from .postgresql_case import PASSWORD, PostgresqlCase
from .secret_case import set_config_file, set_variable
from .test_secrets import BASIC, SCHEMES, SECRET, SecretsCase, all_logs

KEY = "s3cr3t+key/" + "A" * 21
PREVIOUS_KEY = "0lds3cr3t/k+y" + "B" * 19


class ReferenceCase(SecretsCase):
    # the values are nowhere in the database
    tables = (*SecretsCase.tables, TABLE)

    def keep(self, source, value):
        """Keep a secret beside the database; return the reference to it."""
        if source == "env":
            set_variable(self, "SYNC_TEST_TOKEN", value)
            return "env:SYNC_TEST_TOKEN"
        # a literal % or a ; or # is part of a value
        set_config_file(self, f"[queue_job_sync]\nsync_test_token = {value}\n")
        return "config:sync_test_token"

    def reason(self, uuid):
        return self.job(uuid, "failure_reason")["failure_reason"]

    def deliveries(self):
        return self.read(
            "sync.delivery",
            [("stream_id", "=", self.stream_id)],
            ["error", "error_kind", "request", "response", "state"],
        )


@tagged("post_install", "-at_install")
class TestSecretDelivery(ReferenceCase):
    def assertUsedAndHidden(self, source):
        for scheme, (options, header, value) in SCHEMES.items():
            with self.subTest(scheme):
                self.change_backend(auth_secret=self.keep(source, SECRET), **options)
                self.destination.answer(
                    422, {"message": f"what is {value}?"}, headers={"X-Echo": value}
                )
                with all_logs() as logs:
                    self.new_partner()
                    self.assertEqual(self.run_pending(), ["failed"])
                self.assertEqual(self.destination.requests[-1].headers[header], value)
                self.assertIn("what is", self.reason(self.job_uuids()[-1]))
                self.assertIn("***", self.deliveries()[0]["response"])
                self.assertNowhere(logs, SECRET, BASIC)

    def test_from_the_environment(self):
        self.assertUsedAndHidden("env")

    def test_from_the_configuration_file(self):
        self.assertUsedAndHidden("config")

    def test_signing_secrets(self):
        set_variable(self, "SYNC_TEST_SIGNING", f"whsec_{KEY}")
        set_config_file(self, f"[queue_job_sync]\nold = whsec_{PREVIOUS_KEY}\n")
        self.change_backend(
            signing_secret="env:SYNC_TEST_SIGNING",
            signing_secret_previous="config:old",
        )
        self.destination.answer(422, {"message": f"what is {KEY}, {PREVIOUS_KEY}?"})
        with all_logs() as logs:
            self.new_partner()
            self.assertEqual(self.run_pending(), ["failed"])
        (request,) = self.destination.requests
        for key in (KEY, PREVIOUS_KEY):
            webhook = Webhook(f"whsec_{key}")
            self.assertTrue(webhook.verify(request.body, dict(request.headers)))
        self.assertNowhere(logs, KEY, PREVIOUS_KEY)

    def test_signing_secret_that_cannot_sign(self):
        set_variable(self, "SYNC_TEST_SIGNING", SECRET)
        self.change_backend(signing_secret="env:SYNC_TEST_SIGNING")
        with all_logs() as logs:
            self.new_partner()
            self.assertEqual(self.run_pending(), ["pending"])
        self.assertEqual(self.destination.requests, [])
        self.assertEqual(self.deliveries()[0]["error_kind"], "unreachable")
        self.assertNowhere(logs, SECRET)

    def test_missing_sends_nothing_and_is_tried_again(self):
        self.change_backend(auth="bearer", auth_secret="env:SYNC_TEST_TOKEN")
        set_variable(self, "SYNC_TEST_TOKEN", None)
        partner_id = self.new_partner()
        self.assertEqual(self.run_pending(), ["pending"])
        self.assertEqual(self.destination.requests, [])
        (delivery,) = self.deliveries()
        self.assertEqual(delivery["state"], "failed")
        self.assertEqual(delivery["error_kind"], "unreachable")
        self.assertIn("SYNC_TEST_TOKEN (env:SYNC_TEST_TOKEN)", delivery["error"])
        self.assertFalse(delivery["request"])
        self.assertFalse(self.read("sync.attempt", [], ["id"]), "nothing has left")
        self.keep("env", SECRET)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertTrue(self.binding(partner_id)["last_success"])
        (request,) = self.destination.requests
        self.assertEqual(request.headers["Authorization"], f"Bearer {SECRET}")

    def test_missing_for_long_is_an_outage_that_ends_by_itself(self):
        self.change_backend(
            auth="bearer", auth_secret="config:gone", outage_threshold=2
        )
        path = set_config_file(self, "[queue_job_sync]\n")
        for _time in range(2):
            self.new_partner()
        self.assertEqual(self.run_pending(), ["pending"] * 2)
        with self.transaction() as env:
            incident = env["sync.backend"].browse(self.backend_id)._open_incident()
            self.assertIn("config:gone", incident.reason)
            incident_id = incident.id
        path.write_text(f"[queue_job_sync]\ngone = {SECRET}\n", encoding="utf-8")
        with self.transaction() as env:
            incident = env["sync.incident"].browse(incident_id)
            incident._probe()
            self.assertTrue(incident.closed)
        self.assertEqual(self.run_pending(), ["done"] * 2)
        self.assertEqual(self.stored(SECRET), [])

    def test_changed_in_the_file_is_used_by_the_next_job(self):
        path = set_config_file(self, "[queue_job_sync]\ncrm = first\n")
        self.change_backend(auth="bearer", auth_secret="config:crm")
        self.new_partner()
        self.run_pending()
        path.write_text("[queue_job_sync]\ncrm = second\n", encoding="utf-8")
        self.new_partner()
        self.run_pending()
        used = [each.headers["Authorization"] for each in self.destination.requests]
        self.assertEqual(used, ["Bearer first", "Bearer second"])


@tagged("post_install", "-at_install")
class TestDatabaseSecretDelivery(ReferenceCase, PostgresqlCase):
    def setUp(self):
        super().setUp()
        self.change_stream(table="contacts", max_retries=1)
        self.change_backend(
            transport="postgresql",
            db_host=self.host,
            db_port=self.port,
            db_name=self.dbname,
            db_user=self.user,
        )

    def assertUsedAndHidden(self, source):
        self.change_backend(db_password=self.keep(source, PASSWORD))
        with all_logs() as logs:
            self.new_partner()
            # it got in: there is no column for the country
            self.assertEqual(self.run_pending(), ["pending"])
        (uuid,) = self.job_uuids()
        reason = self.job(uuid, "state_reason")["state_reason"]
        self.assertIn("country", reason)
        self.assertNowhere(logs, PASSWORD.rstrip("\\"))

    def test_from_the_environment(self):
        self.assertUsedAndHidden("env")

    def test_from_the_configuration_file(self):
        self.assertUsedAndHidden("config")

    def test_missing(self):
        self.change_backend(db_password="env:SYNC_TEST_TOKEN")
        set_variable(self, "SYNC_TEST_TOKEN", None)
        with all_logs() as logs:
            self.new_partner()
            self.assertEqual(self.run_pending(), ["failed"])
        words = "(env:SYNC_TEST_TOKEN) is not set"
        self.assertIn(words, self.deliveries()[0]["error"])
        self.assertTrue(any(words in line for line in logs))
