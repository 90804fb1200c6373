# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The editor whose own change fails is told so, wherever he is in Odoo."""

import json
from unittest.mock import patch

from odoo import SUPERUSER_ID
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger
from odoo.tools.translate import code_translations

from ..models.queue_job import QueueJob
from .common import DeliveryCase

REFUSAL = {"message": "e-mail is not valid"}


@tagged("post_install", "-at_install")
class TestTellEditor(DeliveryCase):
    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            self.editor_id = new_test_user(
                env,
                "sync_told_editor",
                groups="base.group_user,base.group_partner_manager",
                email="sync_told_editor@example.com",
            ).id
            # the users are contacts too
            env["queue.job"].search([("sync_stream_id", "=", self.stream_id)]).unlink()
            env["sync.outbox"].search([("stream_id", "=", self.stream_id)]).unlink()
        self.addCleanup(self._delete_editor)

    def _delete_editor(self):
        with self.transaction() as env:
            env["bus.bus"].search([]).unlink()
            user = env["res.users"].browse(self.editor_id)
            partner = user.partner_id
            user.unlink()
            partner.unlink()

    def told(self):
        """Return what the editor's browser is sent, oldest first."""
        with self.transaction() as env:
            partner = env["res.users"].browse(self.editor_id).partner_id
            channel = json.dumps(
                [env.cr.dbname, "res.partner", partner.id], separators=(",", ":")
            )
            rows = env["bus.bus"].search([("channel", "=", channel)], order="id")
            messages = [json.loads(row.message) for row in rows]
        return [
            each["payload"]
            for each in messages
            if each["type"] == "simple_notification"
        ]

    def edit_by(self, uid, *names):
        """Create contacts, which are refused, each in a transaction of its own."""
        self.destination.answer(422, REFUSAL, times=len(names))
        return [self.new_partner(uid, name=name) for name in names]

    def test_own_edit(self):
        self.edit_by(self.editor_id, "Ada Lovelace")
        self.assertEqual(self.run_pending(), ["failed"])
        (message,) = self.told()
        self.assertEqual(message["type"], "danger")
        self.assertEqual(message["title"], "Ada Lovelace has not reached CRM")
        self.assertEqual(message["message"], "CRM answered: e-mail is not valid")
        self.assertNotIn(self.destination.url, json.dumps(message))

    def test_in_his_language(self):
        with self.transaction() as env:
            french = env["res.lang"].with_context(active_test=False)
            french = french.search([("code", "=", "fr_FR")])
            was_active, french.active = french.active, True
            env["res.users"].browse(self.editor_id).lang = "fr_FR"
        self.addCleanup(self._restore_french, french.id, was_active)
        told = {"%(record)s has not reached %(system)s": "%(system)s : %(record)s"}
        told["%(system)s answered: %(said)s"] = "%(system)s a répondu : %(said)s"
        self.edit_by(self.editor_id, "Ada")
        with self.in_language("fr_FR", told):
            self.run_pending()
        (message,) = self.told()
        self.assertEqual(message["title"], "CRM : Ada")
        self.assertEqual(message["message"], "CRM a répondu : e-mail is not valid")

    def in_language(self, lang, catalogue):
        get = code_translations.get_python_translations
        return patch.object(
            code_translations,
            "get_python_translations",
            lambda module, code: (
                catalogue
                if (module, code) == ("queue_job_sync", lang)
                else get(module, code)
            ),
        )

    def _restore_french(self, french_id, was_active):
        with self.transaction() as env:
            env["res.users"].browse(self.editor_id).lang = "en_US"
            env["res.lang"].browse(french_id).active = was_active

    def test_nothing_is_told_of_what_is_tried_again_or_delivered(self):
        self.destination.answer(500, {"message": "later"})
        self.new_partner(self.editor_id, name="Ada")
        self.assertEqual(self.run_pending(), ["pending"])
        self.assertEqual(self.run_pending(), ["done"])
        self.assertFalse(self.told())

    def test_of_many_failures_at_once_two_are_told(self):
        self.edit_by(self.editor_id, *"ABCDE")
        self.assertEqual(self.run_pending(), ["failed"] * 5)
        first, second = self.told()
        self.assertEqual(first["title"], "A has not reached CRM")
        self.assertEqual(second["title"], "Several changes have not reached CRM")
        self.assertIn("B: CRM answered: e-mail is not valid", second["message"])

    def test_what_was_sent_along_with_the_job_of_another_user(self):
        self.takes_along = True
        self.edit_by(SUPERUSER_ID, "Root")
        self.edit_by(self.editor_id, "Ada")
        first, _second = self.job_uuids("pending")
        self.run_job(first)
        while self.job_uuids("pending"):
            self.run_pending()
        self.assertEqual(
            [each["title"] for each in self.told()], ["Ada has not reached CRM"]
        )

    def test_bulk_is_nobody_s_own_edit(self):
        self.change_stream(batch_size=1)
        self.destination.answer(422, REFUSAL, times=3)
        with self.transaction(self.editor_id) as env:
            partners = env["res.partner"].create([{"name": name} for name in "ABC"])
            self.partner_ids += partners.ids
        self.assertEqual(self.run_pending(), ["failed"] * 3)
        self.assertFalse(self.told())

    def test_backfill_is_nobody_s_own_edit(self):
        self.edit_by(SUPERUSER_ID, "Ada")
        with self.transaction() as env:
            jobs = env["queue.job"].search([("sync_stream_id", "=", self.stream_id)])
            jobs.write({"priority": 15, "user_id": self.editor_id})
        self.assertEqual(self.run_pending(), ["failed"])
        self.assertFalse(self.told())

    def test_portal_user_has_no_such_messages(self):
        with self.transaction() as env:
            user = env["res.users"].browse(self.editor_id)
            user.group_ids = env.ref("base.group_portal")
        self.edit_by(SUPERUSER_ID, "Ada")
        with self.transaction() as env:
            jobs = env["queue.job"].search([("sync_stream_id", "=", self.stream_id)])
            jobs.user_id = self.editor_id
        self.assertEqual(self.run_pending(), ["failed"])
        self.assertFalse(self.told())

    @mute_logger("odoo.addons.queue_job_sync.models.queue_job")
    def test_failure_is_kept_although_nobody_can_be_told(self):
        self.edit_by(self.editor_id, "Ada")
        with patch.object(QueueJob, "_tell_editor", side_effect=ValueError("no")):
            self.assertEqual(self.run_pending(), ["failed"])
        self.assertFalse(self.told())
        (uuid,) = self.job_uuids("failed")
        self.assertIn("is not valid", self.job(uuid, "state_reason")["state_reason"])
