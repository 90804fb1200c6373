# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The kit finds what is wrong with a transport, by the test that is meant for it."""

import dataclasses
import threading

import requests

from odoo.tests import tagged

from ..exceptions import Rejected, Throttled, Unreachable
from ..transports.base import NO_PACE, Receipt
from ..transports.redact import Redactor
from ..transports.rest import RestTransport
from .conformance import TransportCase
from .conformance.kit_case import TIMEOUT
from .conformance.rest_destination import RestDestination
from .conformance.runner import RunnerCase
from .conformance.transport_messages import PATIENCE


class _RaisesDriverErrors(RestTransport):
    def send(self, messages):
        receipts = super().send(messages)
        for receipt in receipts:
            if isinstance(receipt.error, Unreachable):
                raise requests.ConnectionError(receipt.error.message)
        return receipts


class _SwallowsRejections(RestTransport):
    def send(self, messages):
        return [
            dataclasses.replace(receipt, error=None)
            if isinstance(receipt.error, Rejected)
            else receipt
            for receipt in super().send(messages)
        ]


class _ForgetsTheKey(RestTransport):
    def send(self, messages):
        sent = list(messages)
        bare = [dataclasses.replace(each, idempotency_key="") for each in sent]
        return [
            dataclasses.replace(receipt, message=message)
            for receipt, message in zip(super().send(bare), sent, strict=True)
        ]


class _MixesUpReceipts(RestTransport):
    def send(self, messages):
        return super().send(messages)[::-1]


class _LeaksTheSecret(RestTransport):
    def __init__(self, config):
        super().__init__(config)
        self._client.redact = Redactor([])


class _IgnoresThrottling(RestTransport):
    def send(self, messages):
        return [
            dataclasses.replace(receipt, error=Unreachable(receipt.error.message))
            if isinstance(receipt.error, Throttled)
            else receipt
            for receipt in super().send(messages)
        ]


class _BlocksForEver(RestTransport):
    """As far as a test can see; and only where the answer is awaited."""

    def send(self, messages):
        receipts = super().send(messages)
        if any("No complete answer" in str(receipt.error) for receipt in receipts):
            threading.Event().wait(PATIENCE + TIMEOUT)
        return receipts


class _LosesTheChunk(RestTransport):
    def send(self, messages):
        receipts = super().send(messages)
        bad = next((r.error for r in receipts if isinstance(r.error, Rejected)), None)
        if bad is None:
            return receipts
        return [Receipt(each.message, error=bad) for each in receipts]


class _IgnoresThePace(RestTransport):
    pace = property(lambda self: NO_PACE, lambda self, pace: None)


class _CheckAlwaysAnswers(RestTransport):
    def check(self):
        return "fine"


@tagged("post_install", "-at_install")
class TestConformanceBrokenTransport(RunnerCase):
    def assertFound(self, transport, *expected):
        """Assert exactly which tests of the kit fail with a broken transport.

        :param expected: first the test that is meant for it, then those that need
            what is broken
        """

        class Case(TransportCase):
            destination_class = RestDestination

            def setUp(self):
                super().setUp()
                self.patch(
                    self.registry["sync.backend"],
                    "_transport_rest",
                    lambda backend: transport(backend._rest_config()),
                )

        self.assertFails(Case, expected)

    def test_whole_one_passes(self):
        self.assertFound(RestTransport)

    def test_one_that_raises_errors_of_its_driver(self):
        self.assertFound(
            _RaisesDriverErrors,
            "test_faults_are_errors_of_the_addon",
            "test_credentials_are_in_no_log_and_no_record",
            "test_lost_answer_leaves_one_record",
            "test_outage_is_one_incident_and_loses_nothing",
            "test_silence_ends_in_time",
        )

    def test_one_that_swallows_refusals(self):
        self.assertFound(
            _SwallowsRejections,
            "test_refused_record_fails_at_once",
            "test_bad_record_does_not_hold_up_the_others",
            "test_faults_are_errors_of_the_addon",
            "test_receipts_are_in_the_order_of_the_messages",
            "test_refusal_that_repeats_the_credentials_is_cleaned",
        )

    def test_one_that_forgets_the_key(self):
        self.assertFound(
            _ForgetsTheKey,
            "test_sending_again_changes_nothing",
            "test_killed_worker_leaves_one_record",
            "test_lost_answer_leaves_one_record",
        )

    def test_one_that_mixes_up_receipts(self):
        self.assertFound(
            _MixesUpReceipts, "test_receipts_are_in_the_order_of_the_messages"
        )

    def test_one_that_leaks_the_secret(self):
        self.assertFound(
            _LeaksTheSecret,
            "test_refusal_that_repeats_the_credentials_is_cleaned",
            "test_credentials_are_in_no_log_and_no_record",
        )

    def test_one_that_ignores_being_told_to_wait(self):
        self.assertFound(
            _IgnoresThrottling,
            "test_asking_to_wait_uses_no_try",
            "test_faults_are_errors_of_the_addon",
        )

    def test_one_that_never_gives_up(self):
        self.assertFound(_BlocksForEver, "test_silence_ends_in_time")

    def test_one_that_loses_a_chunk_for_one_record(self):
        self.assertFound(
            _LosesTheChunk,
            "test_bad_record_does_not_hold_up_the_others",
            "test_receipts_are_in_the_order_of_the_messages",
        )

    def test_one_that_ignores_the_limit(self):
        self.assertFound(_IgnoresThePace, "test_limit_on_requests_per_second_is_kept")

    def test_one_whose_check_always_answers(self):
        self.assertFound(
            _CheckAlwaysAnswers, "test_check_tells_who_answers_and_writes_nothing"
        )
