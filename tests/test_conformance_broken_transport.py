# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The kit finds what is wrong with a transport over REST."""

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import requests

from odoo.tests import tagged

from ..exceptions import Rejected, Throttled, Unreachable
from ..transports.base import NO_PACE, UNTOLD, WORKS, Finding, Message, Receipt
from ..transports.redact import Redactor
from ..transports.rest import RestTransport
from .conformance.broken_transport import (
    BrokenTransportCase,
    deliver_other,
    with_errors,
)
from .conformance.kit_case import TIMEOUT
from .conformance.rest_destination import RestDestination
from .conformance.transport_messages import LONG, PATIENCE, PROVEN

# In each form that a time to wait has.
WAITING = (
    "test_time_to_wait_is_believed",
    "test_date_to_wait_for_is_believed",
    "test_time_to_wait_of_what_is_busy_is_believed",
    "test_date_to_wait_for_of_what_is_busy_is_believed",
)


class _ForgetsTheKey(RestTransport):
    def deliver(self, take):
        return deliver_other(
            super().deliver,
            take,
            lambda message: dataclasses.replace(message, idempotency_key=""),
        )


class _MixesUpReceipts(RestTransport):
    def send(self, messages):
        return super().send(messages)[::-1]


class _LeaksTheSecret(RestTransport):
    def __init__(self, config):
        super().__init__(config)
        self._client.redact = Redactor([])


class _IgnoresThrottling(RestTransport):
    def deliver(self, take):
        return with_errors(
            super().deliver(take),
            Throttled,
            lambda error: Unreachable(error.message),
        )


class _BlocksForEver(RestTransport):
    """As far as a test can see; and only where the answer is awaited."""

    def send(self, messages):
        receipts = super().send(messages)
        if any("No complete answer" in str(receipt.error) for receipt in receipts):
            threading.Event().wait(PATIENCE + TIMEOUT)
        return receipts


class _LosesTheChunk(RestTransport):
    def deliver(self, take):
        receipts = list(super().deliver(take))
        bad = next((r.error for r in receipts if isinstance(r.error, Rejected)), None)
        if bad is None:
            return receipts
        return [Receipt(each.message, error=bad) for each in receipts]


class _BelievesTheStatus(RestTransport):
    """What is answered 200 has been done."""

    def deliver(self, take):
        for receipt in super().deliver(take):
            believed = isinstance(receipt.error, Rejected) and receipt.status == "200"
            yield dataclasses.replace(receipt, error=None) if believed else receipt


class _TakesABlockForAnOutage(RestTransport):
    def deliver(self, take):
        for receipt in super().deliver(take):
            if receipt.status == "403":
                error = Unreachable(receipt.error.message)
                receipt = dataclasses.replace(receipt, error=error)
            yield receipt


class _TakesAnythingForAnId(RestTransport):
    def deliver(self, take):
        for receipt in super().deliver(take):
            if receipt.ok and receipt.message.operation == "upsert":
                found = str(receipt.external_id)
                receipt = dataclasses.replace(receipt, external_id=found)
            yield receipt


class _NeverMakesAnew(RestTransport):
    @staticmethod
    def _refuse(message, key):
        raise Rejected("It is gone.")

    recreating = property(lambda self: self._refuse, lambda self, value: None)


class _WritesTheMarkAlone(RestTransport):
    """A mark is a content like any other, and makes a record where there is none."""

    def deliver(self, take):
        return deliver_other(super().deliver, take, self._written)

    def _written(self, message):
        if message.operation != "mark":
            return message
        return dataclasses.replace(message, operation="upsert")


class _TakesEachAddressForRight(RestTransport):
    """What it does not find there is lost, and created again."""

    def deliver(self, take):
        return deliver_other(super().deliver, take, self._proven)

    def _proven(self, message):
        route = dataclasses.replace(message.route, proven=PROVEN)
        return dataclasses.replace(message, route=route)


class _AsksAgainSoon(RestTransport):
    def deliver(self, take):
        return with_errors(
            super().deliver(take), Throttled, lambda error: Throttled(error.message, 9)
        )


class _ChokesOnLongAnswers(RestTransport):
    def deliver(self, take):
        for receipt in super().deliver(take):
            if "xxxxx" in receipt.response or "[[[[[" in receipt.response:
                raise RecursionError
            yield receipt


class _LosesReceipts(RestTransport):
    def deliver(self, take):
        return list(super().deliver(take))[:LONG]


class _AnswersTwice(RestTransport):
    def deliver(self, take):
        receipts = list(super().deliver(take))
        return receipts + receipts[LONG:]


class _ForgetsWhatIsHeldUp(RestTransport):
    def deliver(self, take):
        for receipt in super().deliver(take):
            yield receipt
            if receipt.holds_up_others:
                return


class _TakesInAnotherThread(RestTransport):
    def deliver(self, take):
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(list, super().deliver(take)).result()


class _TakesOnce(RestTransport):
    def deliver(self, take):
        given = [take(LONG)]
        return super().deliver(lambda most: given.pop() if given else [])


class _TakesAfterTheEnd(RestTransport):
    def deliver(self, take):
        yield from super().deliver(take)
        yield from super().deliver(take)


class _IgnoresThePace(RestTransport):
    pace = property(lambda self: NO_PACE, lambda self, pace: None)


class _CheckAlwaysAnswers(RestTransport):
    def check(self):
        return "fine"


class _ClaimsToWork(RestTransport):
    def examine(self, use):
        return Finding(WORKS, "fine")


class _ExaminesBySending(RestTransport):
    def examine(self, use):
        payload = dict.fromkeys(use.names, "tried")
        self.send([Message("upsert", 7, payload, use.route)])
        return Finding(UNTOLD, "sent one")


@tagged("post_install", "-at_install")
class TestConformanceBrokenTransport(BrokenTransportCase):
    kind = "rest"
    transport_class = RestTransport
    destination_class = RestDestination
    driver_error = requests.ConnectionError

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
            "test_asking_to_wait_holds_up_every_job",
            *WAITING,
            "test_faults_are_errors_of_the_addon",
        )

    def test_one_that_never_gives_up(self):
        self.assertFound(_BlocksForEver, "test_silence_ends_in_time")

    def test_one_that_loses_a_chunk_for_one_record(self):
        self.assertFound(
            _LosesTheChunk,
            "test_bad_record_does_not_hold_up_the_others",
            "test_messages_are_taken_as_agreed",
            "test_odd_answers_break_nothing",
            "test_receipts_are_in_the_order_of_the_messages",
            "test_record_that_is_kept_out_fails_alone",
            "test_success_that_says_no_is_a_refusal",
            *WAITING,
        )

    def test_one_that_believes_the_status(self):
        self.assertFound(
            _BelievesTheStatus,
            "test_success_that_says_no_is_a_refusal",
            "test_success_that_says_no_fails_the_job_at_once",
        )

    def test_one_that_takes_a_block_for_an_outage(self):
        self.assertFound(
            _TakesABlockForAnOutage, "test_record_that_is_kept_out_fails_alone"
        )

    def test_one_that_takes_anything_for_an_id(self):
        self.assertFound(
            _TakesAnythingForAnId, "test_what_can_be_no_id_is_not_taken_for_one"
        )

    def test_one_that_makes_nothing_anew(self):
        self.assertFound(_NeverMakesAnew, "test_record_that_is_gone_there_is_made_anew")

    def test_one_that_writes_the_mark_alone(self):
        self.assertFound(
            _WritesTheMarkAlone,
            "test_marking_what_is_lost_there_makes_nothing",
            "test_archived_record_is_marked_and_unmarked",
        )

    def test_one_that_takes_each_address_for_right(self):
        self.assertFound(
            _TakesEachAddressForRight, "test_wrong_address_is_no_lost_record"
        )

    def test_one_that_asks_again_too_soon(self):
        self.assertFound(
            _AsksAgainSoon,
            *WAITING,
            "test_asking_to_wait_uses_no_try",
        )

    def test_one_that_chokes_on_long_answers(self):
        self.assertFound(_ChokesOnLongAnswers, "test_odd_answers_break_nothing")

    def test_ones_that_do_not_deliver_as_agreed(self):
        for transport, *more in (
            (_LosesReceipts, *WAITING),
            (_AnswersTwice, *WAITING),
            (_ForgetsWhatIsHeldUp,),
            (_TakesInAnotherThread, *WAITING),
            (_TakesOnce, *WAITING),
            (_TakesAfterTheEnd,),
        ):
            with self.subTest(transport):
                self.assertFound(transport, "test_messages_are_taken_as_agreed", *more)

    def test_one_that_ignores_the_limit(self):
        self.assertFound(_IgnoresThePace, "test_limit_on_requests_per_second_is_kept")

    def test_one_whose_check_always_answers(self):
        self.assertFound(
            _CheckAlwaysAnswers, "test_check_tells_who_answers_and_writes_nothing"
        )

    def test_ones_that_examine_by_sending_or_by_guessing(self):
        for transport in (_ClaimsToWork, _ExaminesBySending):
            with self.subTest(transport):
                self.assertFound(
                    transport,
                    "test_examining_writes_nothing_and_claims_nothing_of_what_is_down",
                )
