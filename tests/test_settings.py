# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import ValidationError
from odoo.tests import Form, TransactionCase, new_test_user, tagged
from odoo.tools import config

from ..engine.run import BUDGET_PARAMETER, budget
from ..models.sync_delivery import kept_since
from .common import backend_values, create_backend, stream_values


@tagged("post_install", "-at_install")
class TestSettings(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = "base.group_user,queue_job.group_queue_job_manager"
        cls.reached = new_test_user(cls.env, "sync_settings_reached", groups)
        cls.silent = new_test_user(cls.env, "sync_settings_silent", groups)
        cls.reached.email = "reached@example.com"
        cls.silent.email = False

    def settings(self):
        return Form(self.env["res.config.settings"])

    def test_who_has_no_address_is_named(self):
        settings = self.settings()
        self.assertFalse(settings.job_failure_nobody)
        self.assertIn(self.silent.name, settings.job_failure_unreachable)
        self.assertNotIn(self.reached.name, settings.job_failure_unreachable)

    def test_nobody_would_be_told(self):
        settings = self.settings()
        settings.job_failure_user_ids.add(self.silent)
        self.assertTrue(settings.job_failure_nobody)
        settings.job_failure_user_ids.add(self.reached)
        self.assertFalse(settings.job_failure_nobody)
        managers = self.env["res.users"].search(
            [
                (
                    "all_group_ids",
                    "in",
                    self.env.ref("queue_job.group_queue_job_manager").id,
                )
            ]
        )
        managers.partner_id.email = False
        self.env.company.job_failure_user_ids = [Command.clear()]
        self.assertTrue(self.settings().job_failure_nobody)

    def test_days_to_keep_deliveries(self):
        settings = self.settings()
        self.assertEqual(settings.sync_delivery_days, 90)
        settings.sync_delivery_days = 12
        settings.save().execute()
        self.assertAlmostEqual(
            kept_since(self.env),
            fields.Datetime.now() - timedelta(days=12),
            delta=timedelta(minutes=1),
        )
        self.assertEqual(self.settings().sync_delivery_days, 12)

    def test_run_is_as_long_as_suits_a_worker_unless_set(self):
        for limit, seconds in ((120, 30), (20, 5), (0, 30), (1000, 30)):
            with patch.dict(config.options, limit_time_real=limit):
                self.assertEqual(budget(self.env), seconds)
        settings = self.settings()
        settings.sync_run_seconds = 45
        settings.save().execute()
        self.assertEqual(budget(self.env), 45)
        self.env["ir.config_parameter"].set_param(BUDGET_PARAMETER, "long")
        with patch.dict(config.options, limit_time_real=20):
            self.assertEqual(budget(self.env), 5)

    def test_run_fits_into_the_time_of_a_worker(self):
        with patch.dict(config.options, limit_time_real=60):
            for seconds in (-1, 61):
                settings = self.settings()
                settings.sync_run_seconds = seconds
                with self.assertRaises(ValidationError):
                    settings.save()

    def test_timeouts_that_do_not_fit_are_told(self):
        backend = create_backend(self.env, backend_values(read_timeout=30))
        with patch.dict(config.options, limit_time_real=120):
            self.assertFalse(backend.timeout_text)
            backend.read_timeout = 90
            self.assertIn("120 s", backend.timeout_text)
            # a record that takes two requests
            backend.read_timeout = 50
            self.assertFalse(backend.timeout_text)
            values = stream_values(backend, state="draft", id_policy="destination")
            stream = self.env["sync.stream"].create(values)
            self.assertFalse(backend.timeout_text)
            stream.version_where = "headers.ETag"
            self.assertIn("waits 104 s for two answers", backend.timeout_text)
            stream.write({"version_where": False, "already_there": "find"})
            self.assertIn("two answers", backend.timeout_text)
            # a request that has waited for its access leaves no time for another one
            oauth = {
                "auth": "oauth_client",
                "oauth_token_url": "http://127.0.0.1:9/token",
                "oauth_client_id": "odoo",
            }
            backend.write({**oauth, "connect_timeout": 5, "read_timeout": 30})
            self.assertFalse(backend.timeout_text)
        with patch.dict(config.options, limit_time_real=0):
            backend.invalidate_recordset()
            self.assertFalse(backend.timeout_text)

    def test_deliveries_are_kept_for_a_day_at_least(self):
        for days in (0, -1):
            settings = self.settings()
            settings.sync_delivery_days = days
            with self.assertRaises(ValidationError):
                settings.save()
