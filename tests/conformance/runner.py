# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Run a class of tests within a test: the kit is tested with what is broken."""

import unittest

from odoo.modules import module
from odoo.tests import BaseCase
from odoo.tests.suite import TestSuite
from odoo.tools import mute_logger

# What tests write to the log that are meant to fail.
NOISE = ("odoo.sql_db", "odoo.addons.queue_job", "odoo.addons.queue_job_sync")


class RunnerCase(BaseCase):
    """Tests that run the kit on what is broken."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # the classes that are run patch the same things, and expect to be the first
        cls.doClassCleanups()

    def assertFails(self, case_class, expected):
        """Assert exactly which tests of a class fail, and that none is skipped.

        :param expected: names of the tests
        """
        with mute_logger(*NOISE):
            failed, skipped, text = run_tests(case_class)
        self.assertEqual(failed, set(expected), text)
        self.assertFalse(skipped)


def run_tests(case_class):
    """Run all tests of a class, inherited ones too.

    :return: (names of the tests that failed, why each was skipped by its name,
        the text of all failures)
    """
    # without those that a class has set to None
    names = unittest.defaultTestLoader.getTestCaseNames(case_class)
    result = unittest.TestResult()
    outer = module.current_test
    try:
        TestSuite([case_class(name) for name in names]).run(result)
    finally:
        module.current_test = outer
    found = result.failures + result.errors
    failed = {_name(test) for test, _text in found}
    skipped = {_name(test): reason for test, reason in result.skipped}
    return failed, skipped, "\n".join(text for _test, text in found)


def _name(test):
    test = getattr(test, "test_case", test)  # a subtest names its test
    return getattr(test, "_testMethodName", str(test))
