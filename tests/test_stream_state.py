# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A draft sends nothing; going live says what it sends."""

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from .common import DeliveryCase, SyncCase, stream_values


@tagged("post_install", "-at_install")
class TestDraft(SyncCase):
    def new_partner(self, **values):
        partner = self.env["res.partner"].create({"name": "Ada", **values})
        self.before_commit()
        return partner

    def go_live(self, user=None, **values):
        wizards = self.env["sync.go.live"]
        if user:
            wizards = wizards.with_user(user)
        return wizards.create({"stream_id": self.stream.id, **values})

    def test_new_and_copied_ones_are_drafts(self):
        values = stream_values(self.backend, name="Other")
        del values["state"]
        self.assertEqual(self.env["sync.stream"].create(values).state, "draft")
        self.assertEqual(self.stream.copy().state, "draft")

    def test_draft_records_nothing_and_live_records(self):
        self.stream.action_back_to_draft()
        partner = self.new_partner()
        self.assertFalse(self.outbox(partner))
        self.go_live(start_with="changes").action_go_live()
        self.assertEqual(self.stream.state, "live")
        self.assertFalse(self.outbox(partner))
        partner.name = "Grace"
        self.before_commit()
        self.assertEqual(len(self.outbox(partner)), 1)

    def test_draft_may_be_incomplete_and_live_may_not(self):
        self.stream.action_back_to_draft()
        self.stream.endpoint = False
        with self.assertRaisesRegex(ValidationError, "needs an endpoint"):
            self.go_live().action_go_live()

    def test_number_of_records_is_told(self):
        self.stream.action_back_to_draft()
        self.stream.domain = "[('ref', '=', 'counted')]"
        partners = [{"name": str(number), "ref": "counted"} for number in range(1204)]
        self.env["res.partner"].create(partners)
        self.env["res.partner"].create({"name": "x", "ref": "not counted"})
        wizard = self.go_live()
        self.assertEqual(
            wizard.summary, "Going live will send 1,204 records (Contact) to CRM."
        )
        wizard.start_with = "changes"
        self.assertIn("will send nothing at once", wizard.summary)

    def test_all_existing_ones_are_sent_by_a_backfill(self):
        self.stream.action_back_to_draft()
        action = self.go_live(start_with="all").action_go_live()
        backfill = self.stream._open_backfills()
        self.assertEqual(
            (backfill.scope, action["res_id"], action["res_model"]),
            ("all", backfill.id, "sync.backfill"),
        )
        self.stream.action_back_to_draft()
        self.assertEqual(backfill.state, "stopped")
        self.assertEqual(backfill.note, f"{self.stream.name} is a draft.")
        self.go_live(start_with="all").action_go_live()
        self.assertEqual(backfill.state, "cancelled")
        self.assertEqual(self.stream._open_backfills().state, "running")

    def test_draft_is_not_gone_over(self):
        self.stream.action_back_to_draft()
        start = self.env["sync.backfill.start"].create({"stream_id": self.stream.id})
        with self.assertRaisesRegex(UserError, "is a draft"):
            start.action_start()

    def test_administrators_decide(self):
        for number, groups in enumerate(
            (
                "base.group_user",
                "base.group_user,queue_job.group_queue_job_manager",
            )
        ):
            user = new_test_user(self.env, f"sync_draft_{number}", groups)
            with self.subTest(groups):
                with self.assertRaises(AccessError):
                    self.go_live(user)
                with self.assertRaises(AccessError):
                    self.stream.with_user(user).action_back_to_draft()
                with self.assertRaises(AccessError):
                    self.stream.with_user(user).action_go_live()
        admin = new_test_user(self.env, "sync_draft_admin", "base.group_system")
        self.stream.with_user(admin).action_back_to_draft()
        self.go_live(admin, start_with="all").action_go_live()
        self.assertEqual(self.stream.state, "live")


@tagged("post_install", "-at_install")
class TestDraftDelivery(DeliveryCase):
    def test_what_waits_goes_on_waiting(self):
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids("pending")
        self.change_stream(state="draft")
        self.assertEqual(self.run_job(uuid), "pending")
        job = self.job(uuid, "retry", "result", "exc_info")
        self.assertEqual(job["retry"], 0)
        self.assertFalse(self.destination.requests)
        self.assertEqual(len(self.outbox(partner_id)), 1)

        self.change_stream(state="live")
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(len(self.destination.records), 1)
