# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import csv
import re
import runpy
from pathlib import Path

from lxml import etree

from odoo.modules.module import Manifest
from odoo.tests import TransactionCase, tagged
from odoo.tools import file_open

from .common import backend_values, stream_values

MODULE = "queue_job_sync"
MIGRATION = Path(__file__).parents[1] / ("migrations/19.0.3.0.0/post-window-of-jobs.py")


@tagged("post_install", "-at_install")
class TestData(TransactionCase):
    """What data files name by text exists."""

    def records(self, model):
        """Return the records of a model that the data files of the addon bring."""
        found = self.env["ir.model.data"].search(
            [("module", "=", MODULE), ("model", "=", model)]
        )
        self.assertTrue(found, f"no {model}")
        return self.env[model].browse(found.mapped("res_id"))

    def test_job_functions_name_methods_that_exist(self):
        for function in self.records("queue.job.function"):
            model = self.env[function.model_id.model]
            self.assertTrue(callable(getattr(model, function.method, None)), function)
            self.assertEqual(
                function.name,
                function.job_function_name(model._name, function.method),
            )
            action = function.related_action or {}
            self.assertTrue(
                hasattr(
                    self.env["queue.job"],
                    action.get("func_name", "related_action_open_record"),
                )
            )

    def test_jobs_of_the_addon_have_a_channel_of_their_own(self):
        config = self.env["queue.job.function"].job_config(
            "<res.partner>._sync_deliver"
        )
        self.assertEqual(config.channel, "root.sync")
        self.assertEqual(self.records("queue.job.channel").complete_name, "root.sync")

    def test_crons_call_methods_that_exist(self):
        for cron in self.records("ir.cron"):
            (method,) = re.fullmatch(r"model\.(\w+)\(\)", cron.code.strip()).groups()
            model = self.env[cron.model_id.model]
            self.assertTrue(callable(getattr(model, method, None)), cron.code)
            self.assertTrue(cron.active)

    def test_data_that_people_edit_survives_an_update(self):
        for model in ("mail.template", "ir.cron", "queue.job.function"):
            for record in self.records(model):
                data = self.env["ir.model.data"].search(
                    [("model", "=", model), ("res_id", "=", record.id)]
                )
                self.assertTrue(data.noupdate, data.complete_name)

    def test_buttons_and_actions_of_the_views_exist(self):
        for view in self.records("ir.ui.view").filtered("model"):
            model = self.env[view.model]
            for name in re.findall(
                r'<button[^>]*name="(\w+)"[^>]*type="object"', view.arch_db
            ):
                self.assertTrue(hasattr(type(model), name), f"{view.name}: {name}")

    def test_windows_open_models_that_exist(self):
        for action in self.records("ir.actions.act_window"):
            self.assertIn(action.res_model, self.env)

    def test_records_of_others_are_left_as_they_are(self):
        """What another module made would stay changed when the addon is gone."""
        manifest = Manifest.for_addon(MODULE)
        for file in manifest["data"]:
            if file.endswith(".csv"):
                with file_open(f"{MODULE}/{file}") as opened:
                    ids = [row["id"] for row in csv.DictReader(opened)]
            else:
                with file_open(f"{MODULE}/{file}", "rb") as opened:
                    tree = etree.parse(opened)
                self.assertFalse(tree.xpath("//delete"), file)
                ids = tree.xpath("//record/@id | //template/@id | //menuitem/@id")
            foreign = [id_ for id_ in ids if "." in id_]
            self.assertEqual(foreign, [], file)

    def test_window_of_all_jobs(self):
        actions = self.env["ir.actions.act_window"]
        action = actions._for_xml_id("queue_job.action_queue_job")
        modes = [mode for _view, mode in action["views"]]
        self.assertEqual(modes, ["list", "kanban", "form", "pivot", "graph"])
        self.assertIn("Nothing waits and nothing has failed", action["help"])
        action = actions._for_xml_id("queue_job_sync.action_queue_job_failed")
        self.assertNotIn("Nothing waits", action["help"])

    def test_window_that_an_earlier_version_had_changed_is_queue_jobs_again(self):
        window = self.env.ref("queue_job.action_queue_job")
        as_made = window.view_mode
        self.assertEqual(as_made, "list,form,pivot,graph")
        window.write({"view_mode": "list,kanban,form,graph,pivot", "help": "Changed"})
        window.flush_recordset()
        runpy.run_path(MIGRATION)["migrate"](self.env.cr, "19.0.2.0.0")
        window.invalidate_recordset()
        self.assertEqual(window.view_mode, as_made)
        self.assertNotIn("Changed", window.help or "")

    def test_a_stream_brings_the_job_function_of_its_model(self):
        function = self.env.ref(f"{MODULE}.job_function_res_partner_sync_deliver")
        function.unlink()
        backend = self.env["sync.backend"].create(backend_values())
        self.env["sync.stream"].create(stream_values(backend))
        found = self.env["queue.job.function"].search(
            [("name", "=", "<res.partner>._sync_deliver")]
        )
        self.assertEqual(found.channel, "root.sync")

    def test_other_tasks_of_a_contact_are_none_of_this_addon(self):
        partner = self.env["res.partner"].create({"name": "Ada"})
        job = partner.with_delay(description="Geocode").open_commercial_entity()
        record = job.db_record()
        self.assertEqual(record.name, "Geocode")
        self.assertFalse(
            record.sync_stream_id
            or record.sync_backend_id
            or record.sync_res_id
            or record.sync_record_name
        )
        self.assertEqual(record.related_name, "Ada")
