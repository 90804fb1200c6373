# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The kit finds a stored value that goes stale at the system."""

from odoo.tests import tagged

from odoo.addons.queue_job_sync.tests.conformance.runner import RunnerCase, run_tests

from .test_conformance_bank import TestConformanceBank

TEST = "test_edit_behind_each_path_is_sent"
STORED = "country_code_here"


@tagged("post_install", "-at_install")
class TestConformanceStaleBank(RunnerCase):
    def test_stored_value_of_another_record(self):
        class Case(TestConformanceBank):
            mapping = (*TestConformanceBank.mapping, (STORED, "country_code"))

        failed, _skipped, text = run_tests(Case, [TEST])
        self.assertEqual(failed, {TEST}, text)
        self.assertIn("['country.code']", text)
        self.assertIn(STORED, text)

        class Declared(Case):
            unnoticed = {**TestConformanceBank.unnoticed, STORED: "As is."}

        failed, skipped, text = run_tests(Declared, [TEST])
        self.assertFalse(failed, text)
        self.assertIn(TEST, skipped)
