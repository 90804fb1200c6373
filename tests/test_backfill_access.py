# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import SyncCase


@tagged("post_install", "-at_install")
class TestBackfillAccess(SyncCase):
    """Who starts, stops and sees backfills."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        manager = "base.group_user,queue_job.group_queue_job_manager"
        cls.company = cls.env["res.company"].create({"name": "Sync B"})
        cls.backend.company_id = cls.env.company
        elsewhere = {
            "company_id": cls.company.id,
            "company_ids": [fields.Command.set(cls.company.ids)],
        }
        cls.user, cls.manager, cls.foreigner, cls.system = (
            new_test_user(cls.env, f"sync_backfill_{login}", groups=groups, **values)
            for login, groups, values in (
                ("user", "base.group_user", {}),
                ("manager", manager, {}),
                ("foreigner", manager, elsewhere),
                ("system", "base.group_system", {}),
            )
        )

    def start(self, user, **values):
        wizard = self.env["sync.backfill.start"].with_user(user)
        wizard = wizard.create({"stream_id": self.stream.id, **values})
        return self.env["sync.backfill"].browse(wizard.action_start()["res_id"])

    def test_managers_and_administrators_decide(self):
        for user in (self.manager, self.system):
            backfill = self.start(user)
            self.assertEqual(backfill.user_id, user)
            mine = backfill.with_user(user)
            mine.action_stop()
            self.assertEqual(backfill.state, "stopped")
            self.assertIn(user.name, backfill.note)
            mine.action_resume()
            self.assertEqual(backfill.state, "running")
            self.assertFalse(backfill.note)
            mine.action_cancel()
            self.assertEqual(backfill.state, "cancelled")

    def test_decisions_are_in_the_chatter(self):
        backfill = self.start(self.manager)
        self.before_commit()
        backfill.with_user(self.manager).action_stop()
        self.before_commit()
        self.env.cr.precommit.run()
        message = backfill.message_ids[0]
        self.assertEqual(message.author_id, self.manager.partner_id)
        values = message.sudo().tracking_value_ids.mapped("new_value_char")
        self.assertIn("Stopped", values)

    def test_others_do_not(self):
        backfill = self.start(self.manager)
        for user in (self.user, self.foreigner):
            theirs = backfill.with_user(user)
            for button in ("action_stop", "action_cancel", "action_resume"):
                with self.assertRaises(AccessError):
                    getattr(theirs, button)()
            self.assertEqual(backfill.state, "running")
            with self.assertRaises(AccessError):
                self.stream.with_user(user).action_backfill()
            with self.assertRaises(AccessError):
                self.start(user)

    def test_who_may_do_what(self):
        backfill = self.start(self.manager)
        for user, allowed in (
            (self.user, False),
            (self.foreigner, False),
            (self.manager, True),
            (self.system, True),
        ):
            mine = backfill.with_user(user)
            self.assertEqual(mine.has_access("read"), allowed, user.login)
            for operation in ("write", "create", "unlink"):
                self.assertFalse(mine.has_access(operation), operation)

    def test_backfill_of_another_company_is_not_seen(self):
        backfill = self.start(self.manager)
        everything = [("id", "=", backfill.id)]
        theirs = self.env["sync.backfill"].with_user(self.foreigner)
        self.assertFalse(theirs.search(everything))
        self.backend.company_id = False
        self.assertEqual(theirs.search(everything), backfill)

    def test_step_belongs_to_the_company_of_the_system_and_to_who_asked(self):
        backfill = self.start(self.manager)
        job = self.env["queue.job"].search([("uuid", "=", backfill.step_uuid)])
        self.assertEqual(job.company_id, self.env.company)
        self.assertEqual(job.user_id, self.manager)
        self.assertEqual(job.priority, 20)
        self.assertEqual(job.channel, self.stream.channel_id.complete_name)
        self.assertEqual(job.sync_backend_id, self.backend)

    def test_filter_may_not_ask_for_what_the_user_may_not_read(self):
        with self.assertRaises(AccessError):
            self.start(
                self.manager,
                scope="domain",
                domain="[('user_ids.group_ids.rule_groups.name', '=', 'x')]",
            )

    def test_archived_is_not_started(self):
        self.backend.active = False
        with self.assertRaisesRegex(UserError, "archived"):
            self.start(self.manager)

    def test_priority_is_from_one_to_ten(self):
        # which Odoo tells users as a validation error
        for priority in (0, 11):
            with (
                self.assertRaises(CheckViolation),
                mute_logger("odoo.sql_db"),
                self.cr.savepoint(),
            ):
                self.start(self.manager, priority=priority)

    def test_menu_and_button_are_for_administrators(self):
        menu = self.env.ref("queue_job_sync.menu_sync_backfill")
        self.assertTrue(menu.with_user(self.manager)._filter_visible_menus())
        self.assertFalse(menu.with_user(self.user)._filter_visible_menus())
        stream = self.stream.with_user(self.manager)
        arch = stream.get_view(view_type="form")["arch"]
        self.assertIn('name="action_backfill"', arch)
        action = stream.action_backfill()
        self.assertEqual(action["res_model"], "sync.backfill.start")
        backfill = self.start(self.manager)
        self.assertEqual(stream.action_backfill()["res_id"], backfill.id)
        self.assertEqual(stream.backfill_count, 1)
