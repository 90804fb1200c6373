# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from psycopg2 import errors as pg_errors

from odoo.tests import tagged

from .race_case import RaceCase

# What is done to a contact in an editor's transaction.
EDITS = {
    "write": lambda partner: partner.write({"name": "Second"}),
    "archive": lambda partner: partner.write({"active": False}),
    "delete": lambda partner: partner.unlink(),
    "send now": lambda partner: partner.action_sync_now(),
    "add a child": lambda partner: partner.create(
        {"name": "Child", "parent_id": partner.id}
    ),
}


@tagged("post_install", "-at_install")
class TestExactnessEditors(RaceCase):
    """No edit waits for a worker or fails because of one.

    Each test ends with an edit that is not one of ours, and that does fail.
    """

    def touch_binding(self, env, partner_id):
        """Do what no edit may: this is how it would fail."""
        env.cr.execute(
            "UPDATE sync_binding SET version = version WHERE res_id = %s",
            (partner_id,),
            log_exceptions=False,
        )

    def contact_with_a_job(self):
        partner_id = self.new_partner(name="Zero")
        self.settle()
        self.edit(partner_id, name="First")
        (job,) = self.job_uuids("pending")
        return partner_id, job

    def assertSameThere(self, partner_id, edit):
        """Assert that the destination has what an edit has left."""
        self.settle()
        names = self.names_here(partner_id)
        external_id = self.binding(partner_id)["external_id"]
        there = self.destination.records.get(f"/contacts/{external_id}")
        self.assertEqual([there["name"]] if there else [], names)
        self.assertEqual(bool(there), edit not in ("archive", "delete"))
        self.assertSettled(partner_id)

    def test_no_edit_fails_because_a_worker_has_committed_since_it_began(self):
        for name, edit in EDITS.items():
            with self.subTest(edit=name):
                partner_id, job = self.contact_with_a_job()
                with self.overlapping() as env:
                    self.assertEqual(self.run_job(job), "done")
                    edit(env["res.partner"].browse(partner_id))
                self.assertSameThere(partner_id, name)
        partner_id, job = self.contact_with_a_job()
        with self.assertRaises(pg_errors.SerializationFailure):
            with self.overlapping() as env:
                self.run_job(job)
                self.touch_binding(env, partner_id)

    def test_no_edit_waits_for_a_worker_that_holds_the_contact(self):
        for name, edit in EDITS.items():
            with self.subTest(edit=name):
                partner_id, job = self.contact_with_a_job()
                with self.sent(job), self.overlapping() as env:
                    edit(env["res.partner"].browse(partner_id))
                self.assertSameThere(partner_id, name)
        partner_id, job = self.contact_with_a_job()
        with self.sent(job), self.assertRaises(pg_errors.LockNotAvailable):
            with self.overlapping() as env:
                self.touch_binding(env, partner_id)
