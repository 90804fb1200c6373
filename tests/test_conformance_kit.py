# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the kit does with classes that are not complete."""

import requests
from urllib3 import Timeout

from odoo.tests import tagged
from odoo.tests.loader import get_module_test_cases

from ..exceptions import Unreachable
from ..transports.base import Receipt, SequentialTransport
from . import conformance
from .conformance import ModelCase, TransportCase
from .conformance.destination import (
    BABBLE,
    BLOCK,
    BUSY,
    BUSY_DATE,
    DENY,
    DOWN,
    ECHO,
    FORGET,
    LOCKED,
    LOSE,
    MISLEAD,
    NAMELESS,
    OPTIONAL,
    STUMBLE,
    THROTTLE,
    THROTTLE_DATE,
)
from .conformance.kit_case import TIMEOUT
from .conformance.rest_destination import RestDestination
from .conformance.runner import RunnerCase, run_tests

DECLARED = "test_what_it_cannot_do_is_declared_with_a_reason"
# What is skipped where a destination never has a fault.
TEST_OF = {
    BABBLE: "test_odd_answers_break_nothing",
    BLOCK: "test_record_that_is_kept_out_fails_alone",
    BUSY: "test_time_to_wait_of_what_is_busy_is_believed",
    BUSY_DATE: "test_date_to_wait_for_of_what_is_busy_is_believed",
    DENY: "test_success_that_says_no_is_a_refusal",
    ECHO: "test_refusal_that_repeats_the_credentials_is_cleaned",
    FORGET: "test_record_that_is_gone_there_is_made_anew",
    LOCKED: "test_refused_credentials_lose_nothing",
    LOSE: "test_lost_answer_leaves_one_record",
    MISLEAD: "test_wrong_address_is_no_lost_record",
    NAMELESS: "test_what_can_be_no_id_is_not_taken_for_one",
    STUMBLE: "test_passing_failure_is_tried_again",
    THROTTLE: "test_asking_to_wait_uses_no_try",
    THROTTLE_DATE: "test_date_to_wait_for_is_believed",
}


SILENCE = "test_silence_ends_in_time"
MISSING = "test_settings_that_are_missing_are_told"


class _OnRequests(SequentialTransport):
    """Built on ``requests``, as those of other addons may be."""

    def __init__(self, config, timeout):
        self._url, self._timeout = config.url, timeout

    def check(self):
        return requests.get(self._url, timeout=self._timeout).reason

    def _deliver(self, message):
        try:
            requests.post(
                f"{self._url}/{message.route.target}",
                json=message.payload,
                timeout=self._timeout,
            )
        except requests.RequestException as error:
            return Receipt(message, error=Unreachable(type(error).__name__))
        return Receipt(message)


def only(name, case_class):
    """Return a class whose other tests are not run."""
    names = {each: None for each in dir(case_class) if each.startswith("test_")}
    del names[name]
    return type("Case", (case_class,), {**names, "__module__": __name__})


@tagged("post_install", "-at_install")
class TestConformanceKit(RunnerCase):
    def test_importing_it_runs_nothing(self):
        self.assertFalse(list(get_module_test_cases(conformance)))
        for case_class in (ModelCase, TransportCase):
            failed, skipped, _text = run_tests(case_class)
            self.assertFalse(failed)
            self.assertIn("is for subclasses", " ".join(skipped.values()))

    def test_what_a_subclass_forgets_is_named(self):
        class Forgetful(ModelCase):
            model_name = "res.partner"

        failed, _skipped, text = run_tests(Forgetful)
        self.assertTrue(failed)
        self.assertIn("Forgetful has to set mapping, edited", text)

    def test_not_everything_may_be_left_out(self):
        for cannot, failing in (
            ({DOWN: "It is always there."}, {DECLARED}),
            ({THROTTLE: ""}, {DECLARED}),
            ({THROTTLE: "It never asks to wait."}, set()),
        ):
            destination = type("Proud", (RestDestination,), {"cannot": cannot})
            with self.subTest(cannot):

                class Case(TransportCase):
                    destination_class = destination

                self.assertFails(only(DECLARED, Case), failing)

    # pylint: disable=missing-return
    def test_timeouts_of_requests_are_kept(self):
        """Odoo's tests would make ten seconds of short ones, and break on pairs."""
        for limit, failing in (
            (TIMEOUT, []),
            ((TIMEOUT, TIMEOUT), []),
            (Timeout(connect=TIMEOUT, read=TIMEOUT), []),
            ((TIMEOUT, 10 * TIMEOUT), [SILENCE]),
        ):
            with self.subTest(limit):

                class Case(TransportCase):
                    destination_class = RestDestination
                    timeout = limit

                    def setUp(self):
                        super().setUp()

                        def transport(backend):
                            return _OnRequests(backend._rest_config(), self.timeout)

                        backends = self.registry["sync.backend"]
                        self.patch(backends, "_transport_rest", transport)

                self.assertFails(only(SILENCE, Case), failing)

    # pylint: disable=missing-return
    def test_settings_that_nobody_misses_are_found(self):
        class Case(TransportCase):
            destination_class = RestDestination

            def setUp(self):
                super().setUp()
                backends = self.registry["sync.backend"]
                self.patch(backends, "_connection_problem", lambda backend: None)

        self.assertFails(only(MISSING, Case), [MISSING])

    def test_what_is_left_out_is_reported(self):
        self.assertEqual(set(TEST_OF), OPTIONAL)
        for fault, name in TEST_OF.items():
            reason = f"It never comes to {fault}."
            destination = type("Mild", (RestDestination,), {"cannot": {fault: reason}})
            with self.subTest(fault):

                class Case(TransportCase):
                    destination_class = destination

                failed, skipped, text = run_tests(only(name, Case))
                self.assertFalse(failed, text)
                self.assertEqual(list(skipped), [name])
                self.assertIn(reason, skipped[name])
