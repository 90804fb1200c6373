# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from odoo.addons.queue_job_sync.models import sync_backfill

from .backfill_case import BackfillCase
from .servers import Answer, HttpDestination

FIGURES = ("state", "outcome", "done", "failed", "waiting", "total", "progress")
MANAGER = "base.group_user,queue_job.group_queue_job_manager"


class Refusing(HttpDestination):
    """A destination that refuses what ends in 3 or 7, for as long as it is told to."""

    refuses = True

    def reply(self, request):
        if self.refuses and request.body and request.json["name"][-1] in "37":
            return Answer(422, {"message": "no"})
        return super().reply(request)


@tagged("post_install", "-at_install")
class TestBackfillFigures(BackfillCase):
    """What came of a backfill stays so, whatever becomes of its records later."""

    destination_class = Refusing

    def setUp(self):
        super().setUp()
        self.fill(20)
        self.start()
        self.run_all()

    def figures(self):
        found = self.backfill()
        return tuple(found[name] for name in FIGURES)

    def as_manager(self, env):
        """Return the backfill as a jobs manager sees it."""
        user = new_test_user(env, "sync_figures_manager", MANAGER)
        return env["sync.backfill"].with_user(user).browse(self.backfill_id)

    def failed_jobs(self, env):
        return env["queue.job"].search(
            [("sync_stream_id", "=", self.stream_id), ("state", "=", "failed")]
        )

    def assertKept(self, still_failed):
        self.assertEqual(
            self.figures(), ("done", "Done, 4 failed", 16, 4, 0, 20, 100.0)
        )
        backfill = self.backfill()
        self.assertEqual(backfill["still_failed"], still_failed)
        self.assertEqual(
            backfill["failed_text"],
            f"4 of 20 records failed. Still failed now: {still_failed}.",
        )

    def test_all_that_failed_is_said_with_the_way_to_it(self):
        self.assertKept(4)
        with self.transaction() as env:
            backfill = self.as_manager(env)
            action = backfill.action_open_failed()
            found = env["queue.job"].with_user(backfill.env.uid)
            found = found.search(action["domain"])
            self.assertEqual(found, self.failed_jobs(env))
            self.assertEqual(
                sorted(found.mapped("sync_record_name")), ["P13", "P17", "P3", "P7"]
            )
            self.patch(sync_backfill, "NAMED_JOBS", 3)
            many = backfill.action_open_failed()["domain"]
            self.assertEqual(env["queue.job"].search(many), found)
            env.cr.rollback()

    def test_figures_stay_when_jobs_are_requeued_and_delivered(self):
        self.destination.refuses = False
        with self.transaction() as env:
            self.failed_jobs(env)[0].requeue()
        self.assertKept(3)
        self.run_pending()
        self.assertKept(3)
        with self.transaction() as env:
            self.failed_jobs(env).requeue()
        self.assertKept(0)
        self.run_pending()
        self.assertFalse(self.outbox())
        self.assertKept(0)

    def test_figures_stay_when_jobs_are_closed_or_purged(self):
        with self.transaction() as env:
            self.failed_jobs(env)[0].button_done()
        self.assertKept(3)
        with self.transaction() as env:
            self.failed_jobs(env).unlink()
        self.assertKept(0)
        with self.transaction() as env:
            env["sync.outbox"].search([("stream_id", "=", self.stream_id)]).unlink()
        self.assertKept(0)

    def test_the_synchronization_tells_of_its_last_backfill(self):
        with self.transaction() as env:
            stream = self.as_manager(env).stream_id
            self.assertEqual(stream.backfill_failures, "Done, 4 failed")
            found = self.as_manager_found(stream.env)
            self.assertEqual(found.ids, [self.backfill_id])
            env.cr.rollback()
        self.destination.refuses = False
        with self.transaction() as env:
            self.failed_jobs(env).requeue()
        self.start()
        self.run_all()
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            self.assertFalse(stream.backfill_failures)
        self.assertEqual(self.backfill()["outcome"], "Done")
        self.assertFalse(self.backfill()["failed_text"])

    def as_manager_found(self, env):
        """Return what the filter of the list finds among those of the stream."""
        failed = [("failed_at_end", ">", 0), ("stream_id", "=", self.stream_id)]
        return env["sync.backfill"].search(failed)

    def test_back_office_is_refused(self):
        with self.transaction() as env:
            user = new_test_user(env, "sync_figures_user", "base.group_user")
            backfill = env["sync.backfill"].with_user(user).browse(self.backfill_id)
            with self.assertRaises(AccessError):
                backfill.action_open_failed()
            with self.assertRaises(AccessError):
                backfill.read(["outcome"])
            env.cr.rollback()
