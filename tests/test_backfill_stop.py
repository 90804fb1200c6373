# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from psycopg2 import OperationalError
from psycopg2.errors import UniqueViolation

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.queue_job.jobrunner.runner import Database

from ..controllers.run_job import RunJobController
from .backfill_case import BackfillCase
from .common import drop
from .race_case import NO_WAITING


@tagged("post_install", "-at_install")
class TestBackfillStop(BackfillCase):
    """Stopped in the middle, killed, archived: what has been sent stays sent."""

    def test_stopped_in_the_middle_and_resumed(self):
        self.fill(100)
        self.start()
        self.run_next(15)
        self.press("action_stop")
        self.run_all()
        sent = len(self.names_sent())
        self.assertLess(sent, 100)
        backfill = self.backfill()
        self.assertEqual(backfill["state"], "stopped")
        self.assertEqual(backfill["done"], sent)
        self.assertFalse(backfill["time_left"] or self.steps("pending"))
        self.sweep()
        self.assertFalse(self.in_order())
        self.press("action_resume")
        self.run_all()
        self.assertOnceEach(100)
        self.assertEqual(self.backfill()["state"], "done")

    def test_resumed_before_the_old_step_has_run_only_one_step_counts(self):
        self.fill(100)
        self.start()
        self.run_next(2)
        self.press("action_stop")
        self.press("action_resume")
        self.assertEqual(len(self.steps("pending")), 2)
        self.run_all()
        self.assertOnceEach(100)

    def test_cancelled_is_not_resumed(self):
        self.fill(100)
        self.start()
        self.run_next(2)
        self.press("action_cancel")
        self.press("action_resume")
        self.press("action_stop")
        self.run_all()
        self.assertEqual(self.backfill()["state"], "cancelled")
        self.assertLess(len(self.names_sent()), 100)
        self.assertFalse(self.outbox())
        self.start()
        self.run_all()
        self.assertOnceEach(100)

    def test_step_waits_for_whoever_changes_it(self):
        self.fill(10)
        self.start()
        uuid = self.step()
        with self.transaction() as env:
            env["sync.backfill"].browse(self.backfill_id).lock_for_update()
            self.assertEqual(self.run_job(uuid), "pending")
            self.sweep()
            self.assertEqual(self.steps("pending"), [uuid])
        self.assertFalse(self.outbox())
        self.run_all()
        self.assertOnceEach(10)

    def open_step(self, cr):
        """Take the step as a worker does; return its job, ready to be performed."""
        with self.registry.cursor() as other:
            other.execute(
                "UPDATE queue_job SET state = 'enqueued', date_enqueued ="
                " now() AT TIME ZONE 'utc' - interval '1 minute' WHERE uuid = %s",
                (self.step(),),
            )
            other.execute("SELECT uuid FROM queue_job WHERE state = 'enqueued'")
            (uuid,) = other.fetchone()
        job = RunJobController._acquire_job(api.Environment(cr, SUPERUSER_ID, {}), uuid)
        cr.execute(NO_WAITING)
        return job

    def test_step_that_began_before_the_stop_queues_nothing(self):
        self.fill(10)
        self.start()
        with self.registry.cursor() as cr, mute_logger("odoo.sql_db"):
            job = self.open_step(cr)
            self.press("action_stop")
            RunJobController._runjob(job.env, job)
        self.run_all()
        self.assertFalse(self.destination.requests or self.outbox())
        self.assertEqual(self.backfill()["state"], "stopped")

    def test_killed_step_leaves_nothing_and_is_done_again(self):
        self.fill(100)
        self.start()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(OperationalError, "terminat|closed"),
            self.registry.cursor() as cr,
        ):
            job = self.open_step(cr)
            job.perform()
            job.env.flush_all()
            cr.execute("SELECT count(*) FROM sync_outbox WHERE backfill_id IS NOT NULL")
            self.assertEqual(cr.fetchone(), (40,))
            with self.registry.cursor() as other:
                # what the kernel does to the connection of a worker that is killed
                pid = cr.connection.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        self.assertFalse(self.outbox() or self.job_uuids())
        self.assertEqual(self.steps("started"), [job.uuid])
        self.sweep()
        self.assertFalse(self.in_order())
        runner = Database(self.registry.db_name)
        runner.requeue_dead_jobs()
        runner.close()
        self.assertEqual(self.in_order(), [job.uuid])
        self.run_all()
        self.assertOnceEach(100)

    def test_archiving_stops_it(self):
        self.fill(100)
        self.start()
        self.run_next(2)
        for archive in (self.change_stream, self.change_backend):
            archive(active=False)
            backfill = self.backfill()
            self.assertEqual(backfill["state"], "stopped")
            self.assertIn("archived", backfill["note"])
            archive(active=True)
            self.press("action_resume")
        with self.registry.cursor() as cr:
            # as neutralize.sql does
            cr.execute("UPDATE sync_backend SET active = false")
        self.run_job(self.backfill()["step_uuid"])
        self.assertEqual(self.backfill()["state"], "stopped")
        self.change_backend(active=True)
        self.press("action_resume")
        self.run_all()
        self.assertOnceEach(100)

    def test_deleted_synchronization_ends_it(self):
        self.fill(10)
        self.start()
        uuid = self.step()
        with self.transaction() as env:
            drop(env["sync.stream"].browse(self.stream_id))
        self.assertEqual(self.run_job(uuid), "done")

    def test_one_at_a_time(self):
        self.fill(10)
        backfill_id = self.start()
        with self.assertRaisesRegex(UserError, "already"):
            self.start()
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            self.assertEqual(stream.action_backfill()["res_id"], backfill_id)
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaisesRegex(UniqueViolation, "sync_backfill_one_open"),
                env.cr.savepoint(),
            ):
                env["sync.backfill"]._start(stream)
        self.backfill_id = backfill_id
        self.press("action_stop")
        with self.assertRaisesRegex(UserError, "already"):
            self.start()
