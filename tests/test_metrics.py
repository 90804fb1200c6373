# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the page for monitoring says, and to whom."""

from datetime import timedelta
from unittest.mock import patch

from prometheus_client.parser import text_string_to_metric_families

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import Form, HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..controllers import metrics
from ..engine.secrets import METRICS_TOKEN as NAME
from ..engine.store import KINDS
from .common import SyncCase
from .health_case import be_server
from .secret_case import set_variable

TOKEN = "s3cr3t-token-for-monitoring"
PAGE = "/queue_job_sync/metrics"


@tagged("post_install", "-at_install")
class TestMetrics(SyncCase, HttpCase):
    def set_token(self, token):
        self.env["res.config.settings"].set_secret(NAME, token)

    def get(self, authorization=f"Bearer {TOKEN}", **options):
        headers = {"Authorization": authorization} if authorization else {}
        return self.url_open(PAGE, headers=headers, **options)

    def samples(self):
        """Return the samples of this test's stream and system, as a dict."""
        self.env.flush_all()
        response = self.get()
        self.assertEqual(response.status_code, 200, response.text)
        found = {}
        for family in text_string_to_metric_families(response.text):
            for sample in family.samples:
                labels = dict(sample.labels)
                ids = labels.pop("stream_id", None), labels.pop("system_id", None)
                if ids in (
                    (str(self.stream.id), None),
                    (None, str(self.backend.id)),
                ):
                    rest = [
                        labels[key] for key in ("reason", "kind", "le") if key in labels
                    ]
                    found[(sample.name.removeprefix("queue_job_sync_"), *rest)] = (
                        sample.value
                    )
        return found

    def test_no_token_no_page(self):
        for authorization in (None, "Bearer ", f"Bearer {TOKEN}", "Bearer False"):
            self.assertEqual(self.get(authorization).status_code, 404)

    def test_problems_of_the_servers(self):
        self.set_token(TOKEN)
        for channels, value in (("root:3", "0.0"), ("root:4", "1.0")):
            be_server(self, workers=4, channels=channels)
            page = self.get().text
            self.assertIn(f'queue_job_sync_problem{{kind="no_place"}} {value}', page)
            self.assertIn('queue_job_sync_problem{kind="no_runner"} 0.0', page)

    def test_only_with_the_token(self):
        self.set_token(TOKEN)
        for authorization in (
            None,
            "",
            "Bearer",
            "Bearer wrong",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Basic {TOKEN}",
            TOKEN,
            "Bearer \xe4\xf6",
        ):
            with self.subTest(authorization):
                response = self.get(authorization)
                self.assertEqual(response.status_code, 401)
                self.assertEqual(response.headers["WWW-Authenticate"], "Bearer")
                self.assertNotIn("queue_job_sync_", response.text)
        for authorization in (f"Bearer {TOKEN}", f"bearer  {TOKEN} "):
            response = self.get(authorization)
            self.assertEqual(response.status_code, 200)
            self.assertIn("text/plain", response.headers["Content-Type"])
            self.assertEqual(response.headers["Cache-Control"], "no-store")
            self.assertNotIn(TOKEN, response.text)

    def test_refusal_asks_for_nothing_else(self):
        self.set_token(TOKEN)
        with patch.object(metrics, "_Collector") as collector:
            self.assertEqual(self.get("Bearer wrong").status_code, 401)
        collector.assert_not_called()

    def test_login_is_no_token(self):
        self.set_token(TOKEN)
        self.authenticate("admin", "admin")
        self.assertEqual(self.get(None).status_code, 401)

    def test_leaves_no_session(self):
        self.set_token(TOKEN)
        self.opener.cookies.clear()
        self.assertNotIn("session_id", self.get().cookies)

    def test_only_reading_methods(self):
        self.set_token(TOKEN)
        response = self.url_open(PAGE, data={"x": "1"})
        self.assertEqual(response.status_code, 405)

    def test_token_kept_beside_the_database(self):
        self.set_token("env:SYNC_TEST_METRICS")
        set_variable(self, "SYNC_TEST_METRICS", TOKEN)
        self.assertEqual(self.get().status_code, 200)
        self.assertEqual(self.get("Bearer env:SYNC_TEST_METRICS").status_code, 401)
        set_variable(self, "SYNC_TEST_METRICS", None)
        with self.assertLogs(metrics.__name__, "WARNING") as logs:
            response = self.get()
        self.assertEqual(response.status_code, 503)
        self.assertIn("env:SYNC_TEST_METRICS", logs.output[0])

    def test_without_the_package(self):
        self.set_token(TOKEN)
        with patch.object(metrics, "prometheus_client", None):
            self.assertEqual(self.get("Bearer wrong").status_code, 401)
            response = self.get()
        self.assertEqual(response.status_code, 501)
        self.assertIn("prometheus_client", response.text)

    def test_copy_of_the_database_has_no_token(self):
        self.set_token(TOKEN)
        (query,) = get_neutralization_queries(["queue_job_sync"])
        self.env.cr.execute(query)
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        self.assertEqual(self.env["res.config.settings"]._metrics_token(), "")

    # -- the settings ---------------------------------------------------------

    def test_settings(self):
        def origin():
            return Form(self.env["res.config.settings"]).metrics_token_origin

        self.assertFalse(origin())
        self.set_token(TOKEN)
        self.assertIn("Stored in the database since", origin())
        self.set_token("env:SYNC_TEST_METRICS")
        self.assertIn("variable SYNC_TEST_METRICS", origin())
        self.set_token(False)
        self.assertEqual(self.env["res.config.settings"]._metrics_token(), "")
        self.assertFalse(origin())

    def test_settings_refuse(self):
        for token, words in (
            ("short", "at least 16 characters"),
            ("env:no name", "What follows env:"),
        ):
            with self.subTest(token), self.assertRaisesRegex(ValidationError, words):
                self.set_token(token)

    def test_only_administrators_set_the_token(self):
        self.set_token(TOKEN)
        for groups in (
            "base.group_user",
            "base.group_user,queue_job.group_queue_job_manager",
        ):
            user = new_test_user(self.env, f"sync_metrics_{len(groups)}", groups=groups)
            with self.assertRaises(AccessError), mute_logger("odoo.addons.base"):
                self.env["res.config.settings"].with_user(user).create({})
            with self.assertRaises(AccessError):
                self.env["res.config.settings"].with_user(user).set_secret(
                    NAME, "another-token-for-monitoring"
                )
            with self.assertRaises(AccessError):
                self.env["ir.config_parameter"].with_user(user).search([])
            with self.assertRaises(AccessError):
                self.env["sync.counter"].with_user(user).search([])

    # -- the figures ----------------------------------------------------------

    def test_nothing_yet(self):
        self.set_token(TOKEN)
        samples = self.samples()
        for name in ("waiting_changes", "oldest_waiting_seconds", "failed_jobs"):
            self.assertEqual(samples[(name,)], 0)
        for name in ("delivered_total", "retried_total"):
            self.assertEqual(samples[(name,)], 0)
        for reason in KINDS.values():
            self.assertEqual(samples[("failed_attempts_total", reason)], 0)
        self.assertEqual(samples[("attempt_duration_seconds_count",)], 0)
        for kind in metrics.INCIDENT_KINDS:
            self.assertEqual(samples[("open_incidents", kind)], 0)

    def test_waiting_and_failed(self):
        self.set_token(TOKEN)
        self.stream.batch_size = 1
        with self.committed() as jobs:
            self.env["res.partner"].create([{"name": "Ada"}, {"name": "Grace"}])
        self.assertEqual(len(jobs), 2)
        hour_ago = fields.Datetime.now() - timedelta(hours=1)
        self.env.cr.execute(
            "UPDATE sync_outbox SET create_date = %s WHERE job_uuid = %s",
            [hour_ago, jobs[0].uuid],
        )
        samples = self.samples()
        self.assertEqual(samples[("waiting_changes",)], 2)
        self.assertGreaterEqual(samples[("oldest_waiting_seconds",)], 3600)
        self.assertLess(samples[("oldest_waiting_seconds",)], 3700)
        jobs[0].state = "failed"
        samples = self.samples()
        self.assertEqual(samples[("waiting_changes",)], 1)
        self.assertLess(samples[("oldest_waiting_seconds",)], 100)
        self.assertEqual(samples[("failed_jobs",)], 1)

    def test_change_without_a_job_waits(self):
        self.set_token(TOKEN)
        self.env["sync.outbox"].create(
            {"stream_id": self.stream.id, "res_id": 1, "operation": "upsert"}
        )
        self.assertEqual(self.samples()[("waiting_changes",)], 1)

    def test_incidents(self):
        self.set_token(TOKEN)
        self.backend.action_pause()
        samples = self.samples()
        self.assertEqual(samples[("open_incidents", "manual")], 1)
        self.assertEqual(samples[("open_incidents", "outage")], 0)
        self.backend.action_resume()
        self.assertEqual(self.samples()[("open_incidents", "manual")], 0)
        twin = self.stream.copy({"name": "Twin"})
        for stream in (self.stream, twin):
            values = {"stream_id": stream.id, "setting": "mapping"}
            incidents = self.env["sync.incident"]
            incidents._insert(self.backend.id, "settings", "No column", **values)
        samples = self.samples()
        self.assertEqual(samples[("open_incidents", "settings")], 2)
        self.assertEqual(samples[("open_incidents", "outage")], 0)

    def test_names_are_told_apart_and_escaped(self):
        self.set_token(TOKEN)
        self.backend.name = 'C"R\\M\n2'
        twin = self.stream.copy({"name": self.stream.name})
        response = self.get()
        labels = [
            sample.labels
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
            if sample.name == "queue_job_sync_delivered_total"
            and sample.labels["stream_id"] in (str(self.stream.id), str(twin.id))
        ]
        self.assertEqual(len(labels), 2)
        self.assertEqual({each["system"] for each in labels}, {'C"R\\M\n2'})
