# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The kit finds what is wrong with a transport into PostgreSQL."""

import dataclasses
import re

import psycopg2
from psycopg2 import sql

from odoo.tests import tagged

from ..exceptions import Misconfigured, Rejected
from ..transports.base import Receipt
from ..transports.postgresql import PostgresqlTransport
from ..transports.redact import Redactor
from .conformance.broken_transport import (
    BrokenTransportCase,
    deliver_other,
)
from .conformance.postgresql_destination import PostgresqlDestination
from .conformance.transport_messages import LONG

AN_HOUR = 3600  # seconds


class _RepeatsWhatItIsTold(PostgresqlTransport):
    def __init__(self, config):
        super().__init__(config)
        self._redact = self._connection.redact = Redactor([])


class _LosesTheStatement(PostgresqlTransport):
    """One row that is refused, and no row of its statement is written."""

    def _write(self, rows):
        receipts, _met = self._execute(rows)
        return receipts


class _BelievesTheStatement(PostgresqlTransport):
    """What has raised no error has been written."""

    def _made_sure(self, rows, receipts, met):
        return receipts


class _TakesAPolicyForARight(PostgresqlTransport):
    """Each row is refused that comes with one that a policy keeps out."""

    def _execute(self, rows):
        receipts, met = super()._execute(rows)
        if receipts[0].status == "42501" and isinstance(receipts[0].error, Rejected):
            mistake = Misconfigured(receipts[0].error.message, "address")
            receipts = [dataclasses.replace(each, error=mistake) for each in receipts]
        return receipts, met


class _WritesUpToTheFault(PostgresqlTransport):
    """One by one; what comes after a row that is refused counts as written."""

    def deliver(self, take):
        refused = False
        while messages := take(LONG):
            for message in messages:
                found = [Receipt(message)] if refused else self._deliver([message])
                for receipt in found:
                    refused |= isinstance(receipt.error, Rejected)
                    yield receipt


class _RewritesStatements(PostgresqlTransport):
    """Sends what its method :meth:`rewritten` makes of each statement."""

    def __init__(self, config):
        super().__init__(config)
        execute, connection = self._connection.execute, self._connection

        def execute_other(query, parameters=None):
            text = self.rewritten(query.as_string(connection.open()))
            return execute(sql.SQL(text), parameters)

        connection.execute = execute_other

    def rewritten(self, text):
        raise NotImplementedError


class _FindsNoRow(_RewritesStatements):
    """Does not see that the row is there; its insert does as its subclass says."""

    conflict = ""

    def rewritten(self, text):
        text = text.replace(' RETURNING "sent"', ' AND false RETURNING "sent"')
        return re.sub(
            r' ON CONFLICT \("odoo_id"\) .* RETURNING 1',
            f"{self.conflict} RETURNING 1",
            text,
        )


class _InsertsWithoutKey(_FindsNoRow):
    pass


class _KeepsTheOldRow(_FindsNoRow):
    conflict = ' ON CONFLICT ("odoo_id") DO NOTHING'


class _DeletesWhatIsMarked(_RewritesStatements):
    def rewritten(self, text):
        marking = r'^WITH "done" AS \(UPDATE (\S+) SET .* WHERE'
        return re.sub(marking, r'WITH "done" AS (DELETE FROM \1 WHERE %s AND', text)


class _NeverGivesUp(PostgresqlTransport):
    def __init__(self, config):
        super().__init__(
            dataclasses.replace(
                config, connect_timeout=AN_HOUR, statement_timeout=AN_HOUR
            )
        )


class _CutsLongTexts(PostgresqlTransport):
    def deliver(self, take):
        return deliver_other(super().deliver, take, self._cut)

    def _cut(self, message):
        payload = {
            name: value[:255] if isinstance(value, str) else value
            for name, value in message.payload.items()
        }
        return dataclasses.replace(message, payload=payload)


class _CheckWritesARow(PostgresqlTransport):
    def check(self):
        self._connection.execute(
            sql.SQL("INSERT INTO contacts (odoo_id) VALUES (0) ON CONFLICT DO NOTHING")
        )
        return super().check()


@tagged("post_install", "-at_install")
class TestConformanceBrokenPostgresql(BrokenTransportCase):
    kind = "postgresql"
    transport_class = PostgresqlTransport
    destination_class = PostgresqlDestination
    driver_error = psycopg2.OperationalError

    def test_one_that_repeats_what_it_is_told(self):
        self.assertFound(
            _RepeatsWhatItIsTold,
            "test_refusal_that_repeats_the_credentials_is_cleaned",
            "test_credentials_are_in_no_log_and_no_record",
        )

    def test_one_that_loses_a_statement_for_one_row(self):
        self.assertFound(
            _LosesTheStatement,
            "test_bad_record_does_not_hold_up_the_others",
            "test_odd_answers_break_nothing",
            "test_receipts_are_in_the_order_of_the_messages",
            "test_record_that_is_kept_out_fails_alone",
            "test_success_that_says_no_is_a_refusal",
            "test_success_that_says_no_fails_the_job_at_once",
        )

    def test_one_that_believes_a_statement_without_an_error(self):
        self.assertFound(
            _BelievesTheStatement,
            "test_success_that_says_no_is_a_refusal",
            "test_success_that_says_no_fails_the_job_at_once",
        )

    def test_one_that_takes_a_policy_for_a_right(self):
        self.assertFound(
            _TakesAPolicyForARight, "test_record_that_is_kept_out_fails_alone"
        )

    def test_one_that_writes_half_a_batch(self):
        self.assertFound(
            _WritesUpToTheFault,
            "test_bad_record_does_not_hold_up_the_others",
            "test_odd_answers_break_nothing",
            "test_receipts_are_in_the_order_of_the_messages",
            "test_record_that_is_kept_out_fails_alone",
            "test_success_that_says_no_is_a_refusal",
            "test_silence_ends_in_time",
        )

    def test_one_that_inserts_without_a_key(self):
        self.assertFound(
            _InsertsWithoutKey,
            "test_sending_again_changes_nothing",
            "test_what_may_have_been_done_is_not_called_undone",
            "test_wrong_address_is_no_lost_record",
            "test_archived_record_is_marked_and_unmarked",
            "test_create_edit_and_delete_arrive",
            "test_edit_during_the_send_is_sent_too",
            "test_editor_needs_no_right_on_jobs",
            "test_killed_worker_leaves_one_record",
            "test_lost_answer_leaves_one_record",
            "test_receipts_are_in_the_order_of_the_messages",
        )

    def test_one_that_keeps_the_old_row(self):
        self.assertFound(
            _KeepsTheOldRow,
            "test_create_edit_and_delete_arrive",
            "test_wrong_address_is_no_lost_record",
            "test_archived_record_is_marked_and_unmarked",
            "test_edit_during_the_send_is_sent_too",
            "test_editor_needs_no_right_on_jobs",
            "test_killed_worker_leaves_one_record",
            "test_receipts_are_in_the_order_of_the_messages",
        )

    def test_one_that_deletes_what_is_to_be_marked(self):
        self.assertFound(
            _DeletesWhatIsMarked, "test_archived_record_is_marked_and_unmarked"
        )

    def test_one_that_never_gives_up(self):
        self.assertFound(_NeverGivesUp, "test_silence_ends_in_time")

    def test_one_that_cuts_long_texts(self):
        self.assertFound(_CutsLongTexts, "test_content_arrives_unchanged")

    def test_one_whose_check_writes_a_row(self):
        self.assertFound(
            _CheckWritesARow,
            "test_check_tells_who_answers_and_writes_nothing",
            "test_outage_is_one_incident_and_loses_nothing",
        )
