# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Tests of others whose classes edit contacts while a synchronization is live."""

from copy import deepcopy

from odoo.tests import TransactionCase, new_test_user, tagged

from ..engine.capture import PENDING_KEY
from .common import SyncCase, backend_values, stream_values


@tagged("post_install", "-at_install")
class TestSetUpClass(TransactionCase):
    """Odoo's test case copies what waits for the commit before each test."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend = cls.env["sync.backend"].create(backend_values())
        cls.stream = cls.env["sync.stream"].create(stream_values(cls.backend))
        # noted, and not committed
        cls.partner = cls.env["res.partner"].create({"name": "Ada"})

    def rows(self):
        self.env.cr.precommit.run()
        return self.env["sync.outbox"].search([("stream_id", "=", self.stream.id)])

    def test_one(self):
        self.assertEqual(self.rows().mapped("res_id"), self.partner.ids)

    def test_two(self):
        self.partner.name = "Ada Lovelace"
        self.assertEqual(self.rows().mapped("record_name"), ["Ada Lovelace"])


@tagged("post_install", "-at_install")
class TestNotedChanges(SyncCase):
    def test_are_plain_values(self):
        user = new_test_user(
            self.env, "sync_one", groups="base.group_user,base.group_partner_manager"
        )
        partners = self.env["res.partner"].with_user(user)
        partner = partners.with_context(lang="en_US", default_env=self.env).create(
            {"name": "Ada"}
        )
        noted = self.env.cr.precommit.data[PENDING_KEY]
        self.assertEqual(deepcopy(noted), noted)
        change = noted["res.partner"][partner.id]
        self.assertEqual(change.uid, user.id)
        self.assertEqual(change.context, {"lang": "en_US"})

    def test_edits_of_one_user_are_one_job_whatever_their_contexts(self):
        partners = self.env["res.partner"].create([{"name": "A"}, {"name": "B"}])
        self.before_commit()
        with self.committed() as jobs:
            partners[0].with_context(active_test=False).email = "a@example.com"
            partners[1].with_context(tz="Europe/Paris").email = "b@example.com"
            partners[1].sudo().name = "C"
        self.assertEqual([set(job.records.ids) for job in jobs], [set(partners.ids)])
