# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Run a class of tests within a test: the kit is tested with what is broken."""

import logging
import unittest
from unittest.mock import patch

from odoo.modules import module
from odoo.tests import BaseCase
from odoo.tests.suite import TestSuite

# How many of the tests that a fault is no concern of are run beside those that find
# it: all of them for each fault would take minutes.
OTHERS = 4


class RunnerCase(BaseCase):
    """Tests that run the kit on what is broken."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # the classes that are run patch the same things, and expect to be the first
        cls.doClassCleanups()

    def assertFails(self, case_class, expected, declared=()):
        """Assert which tests of a class fail, and that no others are skipped.

        :param expected: names of the tests, those that may be skipped too, but for
            the first one; without any, all tests are run, else these and some others
        :param declared: reasons for which tests may be skipped
        """
        names = unittest.defaultTestLoader.getTestCaseNames(case_class)
        if expected:
            others = [name for name in names if name not in expected]
            names = [*expected, *others[:: max(1, len(others) // OTHERS)]]
        # what they write to the log is for themselves: they are meant to fail
        with patch.object(logging.getLogger(), "handlers", [logging.NullHandler()]):
            failed, skipped, text = run_tests(case_class, names)
        self.assertEqual(failed, set(expected) - set(skipped), text)
        self.assertFalse(
            set(skipped).intersection(list(expected)[:1]), "not looked for"
        )
        for name, reason in skipped.items():
            self.assertTrue(any(each in reason for each in declared), f"{name} skipped")


def run_tests(case_class, names=None):
    """Run tests of a class, inherited ones too.

    :param names: which; all by default
    :return: (names of the tests that failed, why each was skipped by its name,
        the text of all failures)
    """
    # without those that a class has set to None
    names = names or unittest.defaultTestLoader.getTestCaseNames(case_class)
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
