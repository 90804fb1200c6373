# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What keeps edits from being sent is shown, until it is mended."""

from datetime import datetime
from unittest.mock import patch
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytz

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine import jobs
from ..engine.gate import zone
from .common import DeliveryCase, SyncCase, stream_values

LOGGERS = ("odoo.addons.queue_job_sync", "odoo.sql_db")


class ProblemCase(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.parent = cls.env["res.partner"].create({"name": "Byron"})
        cls.partner = cls.env["res.partner"].create(
            {"name": "Ada", "parent_id": cls.parent.id}
        )
        cls.bank = cls.env["res.partner.bank"].create(
            {"acc_number": "BE68 5390 0754 7034", "partner_id": cls.parent.id}
        )
        cls.before_commit(cls)
        cls.outbox(cls).unlink()

    def edit(self, **values):
        self.partner.write(values or {"name": "Ada Lovelace"})
        self.before_commit()
        return self.outbox(self.partner)

    def problem(self, stream=None):
        stream = stream or self.stream
        self.env.flush_all()
        self.env.invalidate_all()
        return stream.problem

    def sweep(self):
        self.env.flush_all()
        with patch.object(
            self.env.registry["ir.cron"], "_commit_progress", return_value=0
        ):
            self.env["sync.outbox"]._cron_queue_orphans()
        self.env.invalidate_all()

    def plain_sql(self, statement, *values):
        """Change settings behind Odoo's back, as an upgrade or an uninstall does."""
        self.env.flush_all()
        self.env.cr.execute(statement, values)
        self.env.invalidate_all()
        self.env.registry.clear_cache()

    def break_timezone(self):
        self.plain_sql(
            "UPDATE sync_stream SET delay_policy = 'window', window_tz = 'Mars/Base'"
            " WHERE id = %s",
            self.stream.id,
        )


@tagged("post_install", "-at_install")
class TestProblem(ProblemCase):
    def test_none(self):
        self.assertFalse(self.stream.problem)
        self.assertFalse(self.backend.problems)
        self.assertFalse(self.edit().problem)
        self.assertFalse(self.problem())

    def test_none_of_a_stream_that_is_being_made(self):
        self.assertFalse(self.env["sync.stream"].new({"name": "New"}).problem)

    @mute_logger(*LOGGERS)
    def test_timezone_that_python_lacks(self):
        self.break_timezone()
        row = self.edit()
        self.assertEqual(len(row), 1)
        self.assertFalse(row.job_uuid)
        self.assertIn("Mars/Base", row.problem)
        self.assertIn("Mars/Base", self.problem())
        self.assertIn("Mars/Base", self.backend.problems[0]["reason"])
        # nothing leaves at another hour than it was told to
        self.sweep()
        self.assertFalse(row.job_uuid)
        self.stream.window_tz = "Europe/Paris"
        self.sweep()
        self.assertTrue(row.job_uuid)
        self.assertFalse(row.problem)
        self.assertFalse(self.problem())
        self.assertFalse(self.backend.problems)

    def test_timezone_that_only_odoo_knows(self):
        """Odoo offers the zones of pytz; the machine may have fewer."""
        moment = datetime(2026, 7, 1, 12)
        for name in ("US/Eastern", "Europe/Paris"):
            offset = ZoneInfo(name).utcoffset(moment)
            with patch(
                "zoneinfo.ZoneInfo", side_effect=ZoneInfoNotFoundError(name)
            ) as lacking:
                lacking.from_file = ZoneInfo.from_file
                self.assertEqual(zone(name).utcoffset(moment), offset)
                with self.assertRaises(pytz.UnknownTimeZoneError):
                    zone("Mars/Base")

    @mute_logger(*LOGGERS)
    def test_off_peak_hours_that_are_none(self):
        self.plain_sql(
            "UPDATE sync_stream SET delay_policy = 'window', window_start = 1e9"
            " WHERE id = %s",
            self.stream.id,
        )
        self.assertEqual(len(self.edit()), 1)
        self.assertTrue(self.problem())

    @mute_logger(*LOGGERS)
    def test_filter_that_cannot_be_read(self):
        self.plain_sql(
            "UPDATE sync_stream SET domain = 'gibberish' WHERE id = %s", self.stream.id
        )
        # whatever was edited
        self.assertEqual(len(self.edit(comment="Met in Paris")), 1)
        self.assertIn("filter", self.problem())

    @mute_logger(*LOGGERS)
    def test_filter_with_a_field_that_is_gone(self):
        self.plain_sql(
            "UPDATE sync_stream SET domain = %s WHERE id = %s",
            "[('x_gone', '=', 1)]",
            self.stream.id,
        )
        row = self.edit()
        self.assertIn("x_gone", row.problem)
        self.assertIn("x_gone", self.problem())
        self.stream.domain = "[]"
        row.unlink()
        self.assertFalse(self.problem())

    def test_override_that_raises(self):
        def raises(_records, _stream):
            raise ZeroDivisionError("no such share")

        model = self.env.registry["res.partner"]
        for name, watched in {
            "_sync_watched_fields": self.partner,
            "_sync_watched_lines": self.parent,
            "_sync_domain": self.partner | self.parent,
        }.items():
            with (
                # the log of what fails is not to be muted
                self.subTest(name),
                mute_logger(*LOGGERS),
                patch.object(model, name, raises),
            ):
                self.env.registry.clear_cache()
                # every field is watched, or every line
                self.edit(comment=f"Met by {name}")
                self.assertLessEqual(
                    set(watched.ids), set(self.outbox().mapped("res_id"))
                )
                self.assertIn("no such share", self.problem())
            self.env.registry.clear_cache()
            self.outbox().unlink()
            self.assertFalse(self.problem())

    @mute_logger(*LOGGERS)
    def test_queue_that_refuses_jobs(self):
        function = self.env.ref("queue_job_sync.job_function_res_partner_sync_deliver")
        function.on_fail_method = "no_such_method"
        row = self.edit()
        self.assertFalse(row.job_uuid)
        self.assertEqual(self.problem(), row.problem)
        function.on_fail_method = False
        self.sweep()
        self.assertTrue(row.job_uuid)
        self.assertFalse(self.problem())

    @mute_logger(*LOGGERS)
    def test_job_that_cannot_be_handed_on(self):
        row = self.edit()
        function = self.env.ref("queue_job_sync.job_function_res_partner_sync_deliver")
        function.on_fail_method = "no_such_method"
        in_job = self.stream.with_context(job_uuid=row.job_uuid)
        jobs.hand_on(in_job, row.job_uuid, self.partner.ids)
        self.assertFalse(row.job_uuid)
        function.on_fail_method = False
        self.sweep()
        self.assertTrue(row.job_uuid)

    @mute_logger(*LOGGERS)
    def test_sweep_goes_on_with_the_others(self):
        stream = self.env["sync.stream"].create(
            stream_values(self.backend, name="Contacts as well")
        )
        self.partner.name = "Ada L."
        self.before_commit()
        self.break_timezone()
        self.env["sync.outbox"].search([]).job_uuid = False
        self.sweep()
        self.assertIn("Mars/Base", self.outbox(self.partner).problem)
        self.assertFalse(self.outbox(self.partner).job_uuid)
        self.assertTrue(self.outbox(self.partner, stream).job_uuid)

    @mute_logger(*LOGGERS)
    def test_names_that_no_database_holds(self):
        """NUL and half a surrogate, in a name or in a reason."""
        model = self.env.registry["sync.stream"]
        with patch.object(model, "_eta", side_effect=ValueError("a\0b\ud800c")):
            self.assertEqual(self.edit().problem, "ValueError: ab?c")
        self.outbox().unlink()
        with patch(
            "odoo.addons.queue_job_sync.engine.jobs.names_of",
            return_value={self.partner.id: "A\0da\ud800"},
        ):
            self.assertEqual(self.edit(name="Ada").record_name, "Ada?")

    @mute_logger(*LOGGERS)
    def test_who_may_read_synchronizations_reads_it(self):
        self.break_timezone()
        listed = self.env["sync.stream"].web_search_read(
            [("id", "=", self.stream.id)], {"problem": {}}
        )
        self.assertIn("Mars/Base", listed["records"][0]["problem"])
        dashboard = self.backend.read(["problems"])[0]["problems"]
        self.assertEqual(dashboard[0]["id"], self.stream.id)
        self.assertEqual(dashboard[0]["name"], self.stream.name)


@tagged("post_install", "-at_install")
class TestLinesThatTakeNoPart(ProblemCase):
    """A list of lines that inherit the mixin, beside one of lines that do not."""

    def add(self, **mapping):
        self.env["sync.mapping"].create(
            [
                {"stream_id": self.stream.id, "field_path": path, "target": target}
                for target, path in mapping.items()
            ]
        )

    def test_edit_of_a_child_is_sent(self):
        self.add(children="child_ids.name", accounts="bank_ids.acc_number")
        self.edit()
        self.assertEqual(len(self.outbox(self.parent)), 1)
        self.assertFalse(self.problem())
        self.assertEqual(self.parent.sync_state, "waiting")

    def test_what_is_not_mapped_is_not_sent(self):
        self.add(children="child_ids.name", accounts="bank_ids.acc_number")
        self.edit(comment="Met in Paris")
        self.assertFalse(self.outbox())

    def test_lines_without_a_link_back(self):
        """A list that is worked out has none: other lists work all the same."""
        model = self.env.registry["res.partner"]
        right = model._sync_watched_lines

        def wrong(records, stream):
            return {
                **right(records, stream),
                **dict.fromkeys(("no_such_link", "name", "category_id"), {"name"}),
            }

        self.add(children="child_ids.name", accounts="bank_ids.acc_number")
        with patch.object(model, "_sync_watched_lines", wrong):
            self.env.registry.clear_cache()
            self.edit()
            self.assertEqual(len(self.outbox(self.parent)), 1)
            self.assertIn("no_such_link", self.problem())
        self.env.registry.clear_cache()
        streams = self.env["sync.stream"]
        self.assertTrue(streams._line_watchers("res.partner.bank"))
        field = self.env["res.partner"]._fields["bank_ids"]
        self.env.registry.clear_cache()
        with patch.object(field, "inverse_name", None):
            self.assertFalse(streams._line_watchers("res.partner.bank"))
        self.env.registry.clear_cache()


@tagged("post_install", "-at_install")
class TestGone(ProblemCase):
    """What a synchronization is about may be uninstalled, or deleted."""

    def take_field_away(self, path="x_gone"):
        line = self.stream.mapping_ids.filtered(lambda each: each.target == "email")
        self.plain_sql(
            "UPDATE sync_mapping SET field_path = %s WHERE id = %s", path, line.id
        )
        return line

    def test_mapped_field(self):
        for path in ("x_gone", "country_id.x_gone", "x_gone.name", "child_ids.x_gone"):
            with self.subTest(path):
                line = self.take_field_away(path)
                self.assertEqual(len(self.edit(name=f"Ada {path}")), 1)
                self.assertIn("x_gone", self.problem())
                self.assertFalse(line.field_type)
                self.outbox().unlink()
        line.field_path = "email"
        self.assertFalse(self.problem())

    def test_field_that_a_person_has_made_and_deleted(self):
        made = self.env["ir.model.fields"].create(
            {
                "name": "x_size",
                "field_description": "Size",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "ttype": "char",
            }
        )
        self.addCleanup(self.env.registry._setup_models__, self.env.cr, [])
        line = self.stream.mapping_ids.filtered(lambda each: each.target == "email")
        line.field_path = "x_size"
        self.assertFalse(self.problem())
        self.edit(x_size="L")
        self.assertEqual(len(self.outbox(self.partner)), 1)
        made.unlink()
        self.assertIn("x_size", self.problem())

    def test_method(self):
        self.plain_sql(
            "UPDATE sync_mapping SET conversion = 'method', conversion_argument = 'no'"
            " WHERE stream_id = %s AND target = 'email'",
            self.stream.id,
        )
        self.assertEqual(len(self.edit(comment="It may look at anything")), 1)
        self.assertTrue(self.problem())

    def take_model_away(self):
        self.plain_sql(
            "UPDATE sync_stream SET model_name = 'x_gone' WHERE id = %s", self.stream.id
        )

    @mute_logger(*LOGGERS)
    def test_model(self):
        row = self.edit()
        row.job_uuid = False
        self.take_model_away()
        self.assertIn("x_gone", self.problem())
        self.assertEqual(self.backend.problems[0]["id"], self.stream.id)
        self.sweep()
        self.assertTrue(row.exists())
        self.assertTrue(row.problem)
        # everything that shows it can be opened
        views = self.stream.get_views([(False, "form"), (False, "list")])
        shown = {name: {} for name in views["models"]["sync.stream"]["fields"]}
        self.stream.web_read(shown)
        self.assertEqual(self.parent.name, "Byron")

    def test_model_that_is_installed_again_is_found_again(self):
        self.take_model_away()
        self.plain_sql(
            "UPDATE sync_stream SET model_id = NULL WHERE id = %s", self.stream.id
        )
        self.assertEqual(self.stream.model_name, "x_gone")
        self.plain_sql(
            "UPDATE sync_stream SET model_name = 'res.partner' WHERE id = %s",
            self.stream.id,
        )
        self.stream._register_hook()
        self.env.invalidate_all()
        self.assertEqual(self.stream.model_id.model, "res.partner")
        self.assertFalse(self.problem())

    def test_model_is_deleted_without_the_synchronization(self):
        model = self.env["ir.model"].create({"name": "Gone", "model": "x_gone"})
        self.addCleanup(self.env.registry._setup_models__, self.env.cr, [])
        self.plain_sql(
            "UPDATE sync_stream SET model_id = %s, model_name = 'x_gone' WHERE id = %s",
            model.id,
            self.stream.id,
        )
        model.unlink()
        self.env.invalidate_all()
        self.assertFalse(self.stream.model_id)
        self.assertEqual(self.stream.model_name, "x_gone")
        self.assertIn("x_gone", self.problem())

    def test_it_stays_until_somebody_archives_it(self):
        self.take_field_away()
        self.stream.active = False
        self.assertFalse(self.backend.problems)


@tagged("post_install", "-at_install")
class TestJobOfWhatIsGone(DeliveryCase):
    def test_job_names_the_field(self):
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE sync_mapping SET field_path = 'x_gone'"
                " WHERE stream_id = %s AND target = 'email'",
                (self.stream_id,),
            )
        self.registry.clear_cache()
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "failed")
        self.assertIn("x_gone", self.job(uuid, "exc_message")["exc_message"])
        self.assertFalse(self.destination.requests)
        self.assertEqual(len(self.outbox(partner_id)), 1)
