# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import runpy
from pathlib import Path

from odoo.exceptions import UserError
from odoo.tests import tagged

from .backfill_case import BackfillCase

MIGRATION = Path(__file__).parents[1] / (
    "migrations/19.0.3.0.0/end-backfills-of-failed.py"
)


@tagged("post_install", "-at_install")
class TestBackfillScope(BackfillCase):
    """Which records are sent."""

    def deliver_some(self):
        """Have the first three of ten contacts delivered; return the ids of all."""
        ids = self.fill(10)
        for partner_id in ids[:3]:
            self.edit(partner_id, email="known@example.com")
        self.run_all()
        self.assertEqual(sorted(self.names_sent()), ["P1", "P2", "P3"])
        return ids

    def test_what_is_confirmed_is_left_out(self):
        self.deliver_some()
        self.start(scope="unconfirmed", resend=True)
        self.run_all()
        self.assertOnceEach(10)
        self.assertEqual(self.backfill()["total"], 7)

    def test_what_a_person_skipped_is_not_confirmed(self):
        ids = self.deliver_some()
        self.edit(ids[0], name="Skipped")
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "in", self.in_order())]).button_done()
        self.start(scope="unconfirmed")
        self.run_all()
        self.assertEqual(self.names_sent().count("Skipped"), 1)
        self.assertEqual(self.backfill()["total"], 8)

    def test_filter_is_within_that_of_the_synchronization(self):
        self.deliver_some()
        self.new_partner(name="Outside")
        names = ("P4", "P5", "Outside")
        self.start(scope="domain", domain=f"[('name', 'in', {names})]")
        self.run_all()
        self.assertEqual(sorted(self.names_sent()[3:]), ["P4", "P5"])
        self.assertEqual(self.backfill()["total"], 2)

    def test_filter_that_does_not_work_is_refused(self):
        for domain in ("[('no_such_field', '=', 1)]", "[(", "[('id', '=', uid)]"):
            with self.assertRaisesRegex(UserError, "filter"):
                self.start(scope="domain", domain=domain)

    def test_archived_records_are_left_out_unless_asked_for(self):
        ids = self.fill(10)
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE res_partner SET active = false WHERE id = ANY(%s)", (ids[:4],)
            )
        self.start()
        self.run_all()
        self.assertEqual(len(self.names_sent()), 6)

    def test_backfills_of_what_failed_end_with_an_upgrade(self):
        """Until 19.0.2.0.0 there was a scope for failed jobs."""
        for state, ended, left in (
            ("running", "done", ["pending"] * 2),
            ("stopped", "cancelled", ["failed"] * 2),
        ):
            with self.subTest(state):
                uuids = self.fail_some(3)
                with self.transaction() as env:
                    jobs = env["queue.job"].search([("uuid", "in", uuids)], order="id")
                    backfill = env["sync.backfill"].create(
                        {"stream_id": self.stream_id, "state": state}
                    )
                    env.flush_all()
                    # the first job has been queued, and has failed again
                    env.cr.execute(
                        "UPDATE sync_backfill SET scope = 'failed', last_id = %s,"
                        " end_id = %s, started = now() WHERE id = %s",
                        (jobs[0].id, jobs[-1].id, backfill.id),
                    )
                    self.backfill_id = backfill.id
                with self.registry.cursor() as cr:
                    runpy.run_path(MIGRATION)["migrate"](cr, "19.0.2.0.0")
                found = self.backfill()
                self.assertEqual(
                    (found["state"], found["scope"]), (ended, "unconfirmed")
                )
                self.assertTrue(found["ended"])
                states = [self.job(uuid, "state")["state"] for uuid in uuids]
                self.assertEqual(states, ["failed", *left])

    def fail_some(self, count):
        """Have the jobs of edits of as many contacts fail; return their UUIDs."""
        before = set(self.job_uuids())
        self.destination.answer(422, {"message": "no"}, times=count)
        for partner_id in self.fill(count):
            self.edit(partner_id, email="bad@example.com")
        self.run_all()
        return [uuid for uuid in self.job_uuids("failed") if uuid not in before]
