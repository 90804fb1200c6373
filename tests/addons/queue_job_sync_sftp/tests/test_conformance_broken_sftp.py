# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The kit finds what is wrong with a transport of files."""

import dataclasses
import itertools
import json

import paramiko

from odoo.tests import tagged

from odoo.addons.queue_job_sync.exceptions import Rejected
from odoo.addons.queue_job_sync.tests.conformance.broken_transport import (
    BrokenTransportCase,
    deliver_other,
)
from odoo.addons.queue_job_sync.tests.conformance.transport_messages import LONG
from odoo.addons.queue_job_sync.transports.base import Receipt, Redactor

from ..transport import SftpTransport
from .sftp_server import SftpDestination

AN_HOUR = 3600  # seconds
NUMBERS = itertools.count(1)


class _RepeatsWhatItIsTold(SftpTransport):
    def __init__(self, config):
        super().__init__(config)
        self._redact = Redactor([])


class _StopsAtTheFirstFault(SftpTransport):
    """What comes after a file that is refused is refused like it."""

    _fault = None

    def _paced(self, message):
        if self._fault:
            return Receipt(message, error=self._fault)
        receipt = super()._paced(message)
        self._fault = receipt.error
        return receipt


class _DropsOneFileMore(SftpTransport):
    """Each send has a name of its own, which nobody remembers."""

    def deliver(self, take):
        return deliver_other(
            super().deliver,
            take,
            lambda message: dataclasses.replace(
                message, key=f"{message.key}-{next(NUMBERS)}"
            ),
        )


class _MissesWhatIsGone(SftpTransport):
    """To delete what is not there is no failure."""

    def _deliver(self, message):
        path = f"{message.route.target}/{message.key}.json"
        try:
            if message.operation == "delete":
                self._asking(lambda sftp: sftp.stat(path))
        except Rejected as error:
            return Receipt(message, error=error)
        return super()._deliver(message)


class _WritesTheMarkAlone(SftpTransport):
    def deliver(self, take):
        return deliver_other(
            super().deliver,
            take,
            lambda message: (
                dataclasses.replace(message, operation="upsert")
                if message.operation == "mark"
                else message
            ),
        )


class _NeverGivesUp(SftpTransport):
    def __init__(self, config):
        super().__init__(
            dataclasses.replace(config, connect_timeout=AN_HOUR, read_timeout=AN_HOUR)
        )


class _AsksOneByOne(SftpTransport):
    """Waits for each file, and for nobody else."""

    def deliver(self, take):
        while messages := take(LONG):
            yield from map(self._deliver, messages)


class _WritesLatin1(SftpTransport):
    def deliver(self, take):
        return deliver_other(super().deliver, take, self._narrowed)

    def _narrowed(self, message):
        text = json.dumps(message.payload, ensure_ascii=False)
        narrow = text.encode("latin-1", "replace").decode("latin-1")
        return dataclasses.replace(message, payload=json.loads(narrow))


class _CheckDropsAFile(SftpTransport):
    def check(self):
        self._asking(lambda sftp: sftp.open("contacts/check.json", "wb").write(b"{}"))
        return super().check()


@tagged("post_install", "-at_install")
class TestConformanceBrokenSftp(BrokenTransportCase):
    kind = "sftp"
    transport_class = SftpTransport
    destination_class = SftpDestination
    driver_error = paramiko.SSHException

    def test_one_that_repeats_what_it_is_told(self):
        self.assertFound(
            _RepeatsWhatItIsTold,
            "test_refusal_that_repeats_the_credentials_is_cleaned",
            "test_credentials_are_in_no_log_and_no_record",
        )

    def test_one_that_stops_at_the_first_fault(self):
        self.assertFound(
            _StopsAtTheFirstFault,
            "test_bad_record_does_not_hold_up_the_others",
            "test_receipts_are_in_the_order_of_the_messages",
        )

    def test_one_that_drops_one_file_more_each_time(self):
        self.assertFound(
            _DropsOneFileMore,
            "test_sending_again_changes_nothing",
            "test_wrong_address_is_no_lost_record",
            "test_archived_record_is_marked_and_unmarked",
            "test_create_edit_and_delete_arrive",
            "test_edit_during_the_send_is_sent_too",
            "test_editor_needs_no_right_on_jobs",
            "test_killed_worker_leaves_one_record",
            "test_lost_answer_leaves_one_record",
            "test_receipts_are_in_the_order_of_the_messages",
        )

    def test_one_that_misses_what_is_gone(self):
        self.assertFound(
            _MissesWhatIsGone,
            "test_sending_again_changes_nothing",
            "test_wrong_address_is_no_lost_record",
        )

    def test_one_that_writes_the_mark_alone(self):
        self.assertFound(
            _WritesTheMarkAlone,
            "test_archived_record_is_marked_and_unmarked",
            "test_marking_what_is_lost_there_makes_nothing",
        )

    def test_one_that_never_gives_up(self):
        self.assertFound(_NeverGivesUp, "test_silence_ends_in_time")

    def test_one_that_waits_for_each_file(self):
        self.assertFound(
            _AsksOneByOne,
            "test_silence_ends_in_time",
            "test_limit_on_requests_per_second_is_kept",
        )

    def test_one_that_writes_latin_1(self):
        self.assertFound(_WritesLatin1, "test_content_arrives_unchanged")

    def test_one_whose_check_drops_a_file(self):
        self.assertFound(
            _CheckDropsAFile,
            "test_check_tells_who_answers_and_writes_nothing",
            "test_credentials_are_in_no_log_and_no_record",
            "test_outage_is_one_incident_and_loses_nothing",
        )
