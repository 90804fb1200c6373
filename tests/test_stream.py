# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a stream accepts, and what it says when it does not."""

from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine.gate import seconds_until_window
from ..engine.jobs import JITTER
from .common import SyncCase, database_values, stream_values


class ConfigurationCase(SyncCase):
    def assertRefused(self, message, record, **values):
        with (
            self.assertRaisesRegex(ValidationError, message),
            self.env.cr.savepoint(),
        ):
            record.write(values)
            record.env.flush_all()

    def assertViolates(self, constraint, record, **values):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(CheckViolation) as caught,
            self.env.cr.savepoint(),
        ):
            record.write(values)
            record.env.flush_all()
        self.assertEqual(caught.exception.diag.constraint_name, constraint)


@tagged("post_install", "-at_install")
class TestStream(ConfigurationCase):
    def test_model_without_the_mixin_is_refused(self):
        self.assertRefused(
            "Country cannot be synchronized: its model does not inherit sync.mixin",
            self.env["sync.stream"].create(stream_values(self.backend, mapping=[])),
            model_id=self.env["ir.model"]._get("res.country").id,
        )

    def test_contacts_can_be_synchronized(self):
        self.assertIn("res.partner", self.env["sync.stream"]._syncable_models())
        self.assertNotIn("sync.mixin", self.env["sync.stream"]._syncable_models())

    def test_filter_on_an_unknown_field_is_refused(self):
        self.assertRefused(
            "The filter of Contacts to CRM cannot be used: .*no_such_field",
            self.stream,
            domain="[('no_such_field', '=', 1)]",
        )

    def test_filter_that_is_no_filter_is_refused(self):
        for text in ("is_company", "[('name', '=')]", "[", "7", "__import__('os')"):
            with self.subTest(text):
                self.assertRefused("cannot be used", self.stream, domain=text)

    def test_empty_filter_means_all(self):
        self.stream.domain = False
        partner = self.env["res.partner"].create({"name": "Ada"})
        self.before_commit()
        self.assertEqual(len(self.outbox(partner)), 1)

    def test_retry_pattern_is_checked(self):
        for text in (
            "10",
            "{",
            "{0: 10}",
            "{1: 0}",
            "{1: -5}",
            "{'a': 10}",
            "{1: 'x'}",
            "{1: (20, 10)}",
            "{1: (10, 20, 30)}",
            "{1: (10,)}",
            "{1: [(1, 2), 3]}",
            "[1, 2]",
            "{1, 2}",
            "None",
            # no time that a job could be put off to
            "{1: 1e999}",
            "{1: 1e12}",
            "{1: 31536001}",
            "{1: (10, 1e999)}",
            "{1: -1e999}",
            "{1: 1e999 - 1e999}",
            # no number of seconds, or of tries
            "{1: '5'}",
            "{1: True}",
            "{1: 5j}",
            "{1: None}",
            "{True: 5}",
            "{'1': 5}",
            "{1.5: 5}",
            "{-1: 5}",
            "{2147483648: 5}",
            "{1e999: 5}",
            # nothing that Python could read
            "{" * 5000,
            "(" * 200 + "1" + ")" * 200,
        ):
            with self.subTest(text):
                self.assertRefused(
                    "is not a retry pattern", self.stream, retry_pattern=text
                )

    def test_retry_pattern_wins_over_retry_delay(self):
        self.stream.write({"retry_delay": 7})
        self.assertEqual(self.stream._retry_seconds(1), 420)
        self.stream.write({"retry_pattern": "{1: 10, 5: (60, 90)}"})
        waits = [self.stream._retry_seconds(count) for count in (1, 4, 5, 9)]
        self.assertEqual(waits, [10, 10, (60, 90), (60, 90)])

    def test_longest_waits_of_a_retry_pattern_can_be_stored(self):
        self.stream.retry_pattern = "{1: 1.5, 2: [60, 90], 2147483647: 31536000}"
        waits = [self.stream._retry_seconds(count) for count in (1, 2, 2147483647)]
        self.assertEqual(waits, [1.5, (60, 90), 31536000])
        eta = fields.Datetime.now() + timedelta(seconds=waits[-1] * (1 + JITTER))
        self.assertLess(eta.year, 2100)

    def test_retry_pattern_written_past_the_check_leaves_the_delay(self):
        self.stream.retry_delay = 7
        self.stream.flush_recordset()
        self.env.cr.execute("UPDATE sync_stream SET retry_pattern = '{1: 1e12}'")
        self.stream.invalidate_recordset()
        with self.assertLogs("odoo.addons.queue_job_sync.models.sync_stream"):
            self.assertEqual(self.stream._retry_seconds(1), 420)

    def test_pattern_of_a_job_function_is_one_that_queue_job_can_use(self):
        """queue_job reads it to load a job, and stops there if it cannot."""
        functions = self.env["queue.job.function"]
        name = "<res.partner>._sync_deliver"
        function = functions.search([("name", "=", name)])
        for text in (
            "{1: 2.5}",
            "{1: '5'}",
            "{1: 1e999}",
            "{1: 1000000000000}",
            "{1: True}",
            "{1: 0}",
            "{1: (1, 2.5)}",
            "{0: 5}",
            "{1: None}",
        ):
            with self.subTest(text), self.assertRaisesRegex(UserError, "Retry Pattern"):
                function.edit_retry_pattern = text
                function.flush_recordset()
        function.edit_retry_pattern = "{1: 10, 5: (11, 20)}"
        self.assertEqual(functions.job_config(name).retry_pattern, {1: 10, 5: (11, 20)})

    def test_retry_pattern_that_starts_late_leaves_the_delay_to_the_first_tries(self):
        self.stream.write({"retry_delay": 2, "retry_pattern": "{3: 10}"})
        waits = [self.stream._retry_seconds(count) for count in (1, 2, 3)]
        self.assertEqual(waits, [120, 120, 10])

    def test_delay_of_no_time_is_refused(self):
        self.assertRefused(
            "at least one minute", self.stream, delay_policy="delay", delay_minutes=0
        )

    def test_off_peak_hours_are_two_hours_of_a_day(self):
        for start, end in ((-1, 6), (22, 25), (5, 5), (0, 24)):
            with self.subTest(start=start, end=end):
                self.assertRefused(
                    "two different hours of a day",
                    self.stream,
                    delay_policy="window",
                    window_start=start,
                    window_end=end,
                )

    def test_rest_needs_an_endpoint(self):
        self.assertRefused("needs an endpoint", self.stream, endpoint=False)

    def test_endpoint_is_a_path(self):
        with self.assertRaises(ValidationError):
            self.stream.endpoint = "https://elsewhere.example.com/contacts"
        with self.assertRaises(ValidationError):
            self.stream.batch_endpoint = "../contacts/batch"

    def test_batch_endpoint_is_part_of_the_route(self):
        self.assertEqual(self.stream._route().batch_target, "")
        self.stream.batch_endpoint = "contacts/batch"
        self.assertEqual(self.stream._route().batch_target, "contacts/batch")
        warehouse = self.env["sync.backend"].create(database_values(name="Warehouse"))
        stream = self.env["sync.stream"].create(
            stream_values(warehouse, table="contacts", batch_endpoint="x")
        )
        self.assertEqual(stream._route().batch_target, "")

    def test_postgresql_needs_a_table_and_a_key(self):
        warehouse = self.env["sync.backend"].create(database_values(name="Warehouse"))
        stream = self.env["sync.stream"].create(
            stream_values(warehouse, endpoint=False, table="public.contacts")
        )
        self.assertRefused("needs a table", stream, table=False)
        self.assertRefused("needs a key column", stream, key_column=False)

    def test_mark_needs_a_name(self):
        self.assertRefused(
            "needs the name of the mark",
            self.stream,
            delete_policy="mark",
            mark_key=False,
        )

    def test_name_of_the_mark_cannot_be_removed_later(self):
        self.stream.delete_policy = "mark"
        self.assertRefused("needs the name of the mark", self.stream, mark_key=False)

    def test_mark_cannot_be_a_group_of_mapped_names(self):
        self.stream.mapping_ids[0].target = "status.name"
        self.assertRefused(
            "status cannot be a value, because status.name nests in it",
            self.stream,
            delete_policy="mark",
            mark_key="status",
        )

    def test_mark_cannot_be_a_mapped_name(self):
        self.assertRefused(
            "email is filled by the synchronization itself",
            self.stream,
            delete_policy="mark",
            mark_key="email",
        )

    def test_numbers_have_bounds(self):
        for values in ({"priority": 0}, {"priority": 11}):
            with self.subTest(values):
                self.assertViolates("sync_stream_priority_range", self.stream, **values)
        for values in (
            {"max_retries": -1},
            {"retry_delay": 0},
            {"batch_size": 0},
        ):
            with self.subTest(values):
                self.assertViolates(
                    "sync_stream_positive_numbers", self.stream, **values
                )

    def test_model_cannot_change_under_its_fields(self):
        """The fields of one model are not those of another."""
        with patch.object(
            self.env.registry["sync.stream"],
            "_syncable_models",
            lambda streams: ["res.partner", "res.country"],
        ):
            self.assertRefused(
                "email is not a field of Country",
                self.stream,
                model_id=self.env["ir.model"]._get("res.country").id,
            )

    def test_deleted_stream_is_watched_no_more(self):
        self.stream.unlink()
        partner = self.env["res.partner"].create({"name": "Ada"})
        self.before_commit()
        self.assertFalse(
            self.env["sync.outbox"].search_count([("res_id", "=", partner.id)])
        )

    def test_makes_the_job_function_of_its_model(self):
        self.env["queue.job.function"].search(
            [("name", "=", "<res.partner>._sync_deliver")]
        ).unlink()
        self.env["sync.stream"].create(stream_values(self.backend))
        function = self.env["queue.job.function"].search(
            [("name", "=", "<res.partner>._sync_deliver")]
        )
        self.assertEqual(function.channel, "root.sync")

    def test_every_job_function_names_a_method(self):
        for function in self.env["queue.job.function"].search(
            [("method", "=like", "_sync%")]
        ):
            self.assertTrue(
                callable(getattr(self.env[function.model_id.model], function.method)),
                function.name,
            )

    def test_copy_keeps_the_fields(self):
        twin = self.stream.copy()
        self.assertEqual(
            twin.mapping_ids.mapped("target"), self.stream.mapping_ids.mapped("target")
        )
        self.assertFalse(twin.mapping_ids & self.stream.mapping_ids)

    def test_window_without_timezone_is_utc(self):
        self.stream.write({"delay_policy": "window", "window_tz": False})
        self.assertIsInstance(seconds_until_window(self.stream), int)
