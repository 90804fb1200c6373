# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Faults that a transport of any kind can have: the kit has to find them."""

import dataclasses

from ...exceptions import Misconfigured, Rejected, Temporary, Unreachable
from .runner import RunnerCase
from .transport_case import TransportCase


def with_errors(receipts, kind, change):
    """Return receipts that tell of other errors.

    :param kind: class of the errors that are changed
    :param change: function of an error that returns another one, or ``None``
    """
    return (
        dataclasses.replace(receipt, error=change(receipt.error))
        if isinstance(receipt.error, kind)
        else receipt
        for receipt in receipts
    )


def deliver_other(deliver, take, change):
    """Deliver what a function makes of each message, and return receipts of themselves.

    :param deliver: method of a transport
    :param change: function of a message that returns another one
    """
    meant = {}

    def take_other(most):
        messages = take(most)
        others = [change(message) for message in messages]
        meant.update(zip(map(id, others), messages, strict=True))
        return others

    for receipt in deliver(take_other):
        yield dataclasses.replace(receipt, message=meant[id(receipt.message)])


class RaisesDriverErrors:
    """Mixed into a transport, as the others. The error is set by the tests."""

    driver_error = None

    def deliver(self, take):
        for receipt in super().deliver(take):
            if isinstance(receipt.error, Unreachable):
                raise self.driver_error(receipt.error.message)
            yield receipt


class SwallowsRefusals:
    def deliver(self, take):
        return with_errors(super().deliver(take), Rejected, lambda error: None)


class SwallowsMistakes:
    """What is nowhere is taken for gone."""

    def deliver(self, take):
        return with_errors(super().deliver(take), Misconfigured, lambda error: None)


class TakesFailuresForRefusals:
    """What fails for once is never tried again."""

    def deliver(self, take):
        return with_errors(
            super().deliver(take), Temporary, lambda error: Rejected(error.message)
        )


class TellsTheSecret:
    """Says how it tried to get in. The secret is set by the tests."""

    secret = None

    def deliver(self, take):
        return with_errors(
            super().deliver(take),
            Unreachable,
            lambda error: Unreachable(f"{error.message} (password={self.secret})"),
        )


class ClosesOnce:
    closed = False

    def close(self):
        if self.closed:
            raise ValueError("closed already")
        self.closed = True
        return super().close()


class BrokenTransportCase(RunnerCase):
    """Runs the kit on a transport of one kind with each fault.

    A subclass adds the faults that are natural to its kind.
    """

    allow_inherited_tests_method = True  # else Odoo runs a class's own tests only
    #: as in ``_<kind>_config()`` and ``_transport_<kind>()`` of ``sync.backend``
    kind = None
    #: the whole one, made of a configuration
    transport_class = None
    destination_class = None
    #: an error of the library that the transport is built on
    driver_error = None

    # pylint takes the ``super()`` of the class within for one of this method's.
    def assertFound(self, transport, *expected):  # pylint: disable=missing-return
        """Assert exactly which tests of the kit fail with a broken transport.

        :param transport: class of it, made of what the whole one is made of
        :param expected: first the test that is meant for it, then those that need
            what is broken
        """
        kind, destination = self.kind, self.destination_class

        class Case(TransportCase):
            destination_class = destination

            def setUp(self):
                super().setUp()
                self.patch(
                    self.registry["sync.backend"],
                    f"_transport_{kind}",
                    lambda backend: transport(getattr(backend, f"_{kind}_config")()),
                )

        self.assertFails(Case, expected, destination.cannot.values())

    def broken(self, fault, **values):
        """Return the class of a transport with a fault."""
        return type(fault.__name__, (fault, self.transport_class), values)

    def test_whole_one_passes(self):
        self.assertFound(self.transport_class)

    def test_one_that_raises_errors_of_its_driver(self):
        self.assertFound(
            self.broken(RaisesDriverErrors, driver_error=self.driver_error),
            "test_faults_are_errors_of_the_addon",
            "test_credentials_are_in_no_log_and_no_record",
            "test_lost_answer_leaves_one_record",
            "test_messages_are_taken_as_agreed",
            "test_outage_is_one_incident_and_loses_nothing",
            "test_refused_credentials_lose_nothing",
            "test_silence_ends_in_time",
            "test_what_may_have_been_done_is_not_called_undone",
        )

    def test_one_that_swallows_refusals(self):
        self.assertFound(
            self.broken(SwallowsRefusals),
            "test_refused_record_fails_at_once",
            "test_bad_record_does_not_hold_up_the_others",
            "test_faults_are_errors_of_the_addon",
            "test_receipts_are_in_the_order_of_the_messages",
            "test_refusal_that_repeats_the_credentials_is_cleaned",
            "test_odd_answers_break_nothing",
            "test_record_that_is_kept_out_fails_alone",
            "test_success_that_says_no_is_a_refusal",
            "test_success_that_says_no_fails_the_job_at_once",
        )

    def test_one_that_takes_what_is_nowhere_for_gone(self):
        self.assertFound(
            self.broken(SwallowsMistakes), "test_wrong_address_is_no_lost_record"
        )

    def test_one_that_takes_failures_for_refusals(self):
        self.assertFound(
            self.broken(TakesFailuresForRefusals),
            "test_passing_failure_is_tried_again",
            "test_faults_are_errors_of_the_addon",
        )

    def test_one_that_tells_the_secret(self):
        (secret,) = self.destination_class.secrets
        self.assertFound(
            self.broken(TellsTheSecret, secret=secret),
            "test_credentials_are_in_no_log_and_no_record",
        )

    def test_one_that_cannot_be_closed_twice(self):
        self.assertFound(
            self.broken(ClosesOnce),
            "test_closing_twice_and_sending_nothing_are_harmless",
        )
