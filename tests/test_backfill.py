# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.sql_db import Cursor
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.queue_job_sync.models import sync_backfill

from .backfill_case import MARK, BackfillCase
from .servers import Answer, HttpDestination


@contextmanager
def counted_rows():
    """Yield a list of how many rows each real query of the process yields."""
    counts = []
    execute = Cursor.execute

    def counting(cursor, *args, **kwargs):
        execute(cursor, *args, **kwargs)
        counts.append(cursor.rowcount)

    with patch.object(Cursor, "execute", counting):
        yield counts


class HalfRefusing(HttpDestination):
    """A destination that refuses every second contact."""

    def reply(self, request):
        if request.json["name"][-1] in "13579":
            return Answer(422, {"message": "no"})
        return super().reply(request)


@tagged("post_install", "-at_install")
class TestBackfillOfRefused(BackfillCase):
    destination_class = HalfRefusing

    def test_goes_on_by_itself(self):
        """Each batch leaves a job for the record that was refused."""
        self.fill(100)
        self.start()
        self.run_all()
        backfill = self.backfill()
        self.assertEqual(backfill["state"], "done")
        self.assertEqual((backfill["done"], backfill["failed"]), (50, 50))


@tagged("post_install", "-at_install")
class TestBackfill(BackfillCase):
    """Everything is sent, once, some at a time."""

    def test_every_record_is_delivered_once(self):
        self.fill(101)
        self.start()
        self.run_all()
        self.assertOnceEach(101)
        backfill = self.backfill()
        self.assertEqual(backfill["state"], "done")
        self.assertEqual(backfill["total"], 101)
        self.assertEqual(backfill["done"], 101)
        self.assertEqual(backfill["progress"], 100)
        self.assertTrue(backfill["ended"])
        self.assertFalse(self.steps("pending", "failed"))

    def test_click_neither_counts_nor_reads(self):
        self.fill(500)
        with counted_rows() as counts:
            self.start()
        self.assertLess(max(counts), 100)
        backfill = self.backfill()
        self.assertFalse(backfill["total"] or backfill["queued"])
        self.assertFalse(self.outbox())

    def test_thousands_are_never_read_at_once(self):
        self.change_stream(batch_size=100)
        self.fill(5000)
        self.start()
        with (
            patch.object(sync_backfill, "STEP_RECORDS", 400),
            counted_rows() as counts,
        ):
            self.run_all()
        self.assertOnceEach(5000)
        self.assertLessEqual(max(counts), 400)
        self.assertEqual(self.backfill()["done"], 5000)

    def test_few_jobs_are_queued_at_a_time_and_the_queue_never_runs_dry(self):
        self.fill(200)
        self.start()
        self.run_next()
        self.assertEqual(len(self.job_uuids("pending")), 20)
        while len(self.job_uuids()) < 100:
            waiting = len(self.job_uuids("pending"))
            self.assertGreaterEqual(waiting, 10)
            self.assertLessEqual(waiting, 20)
            self.run_next()
        self.assertEqual(self.backfill()["queued"], 200)

    def test_step_without_room_waits(self):
        self.fill(200)
        self.start()
        self.run_next()
        uuid = self.step()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(self.job(uuid, "retry")["retry"], 0)
        self.assertTrue(self.sleeps(uuid))
        self.assertEqual(len(self.job_uuids()), 20)
        # one that was delivered makes room
        self.run_job(self.job_uuids("pending")[0])
        self.assertFalse(self.sleeps(uuid))
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(len(self.job_uuids()), 21)

    def test_last_step_sleeps_until_everything_is_settled(self):
        self.fill(6)
        self.start()
        self.run_next()
        first, second, third = self.job_uuids("pending")
        uuid = self.step()
        self.run_job(uuid)
        self.assertTrue(self.sleeps(uuid))
        text = "4 records to deliver."
        self.run_job(first)
        self.assertTrue(self.sleeps(uuid))
        self.run_job(uuid)
        self.assertEqual(self.job(uuid, "result")["result"], text)
        self.run_job(second)
        self.assertTrue(self.sleeps(uuid))
        # what failed is not waited for
        self.destination.answer(422, {"message": "no"}, times=2)
        self.run_job(third)
        for alone in self.job_uuids("pending"):
            self.destination.answer(422, {"message": "no"})
            self.assertEqual(self.run_job(alone), "failed")
        self.assertFalse(self.sleeps(uuid))
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.backfill()["state"], "done")

    def test_step_hears_of_jobs_that_a_person_closes(self):
        self.fill(2)
        self.start()
        self.run_next()
        (alone,) = self.job_uuids("pending")
        uuid = self.step()
        self.run_job(uuid)
        self.assertTrue(self.sleeps(uuid))
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", alone)]).button_done()
        self.assertFalse(self.sleeps(uuid))

    def test_sleeping_step_of_one_that_is_stopped_ends(self):
        self.fill(4)
        for button in ("action_stop", "action_cancel"):
            self.start()
            self.run_next()
            uuid = self.step()
            self.run_job(uuid)
            self.assertTrue(self.sleeps(uuid))
            self.press(button)
            self.assertFalse(self.sleeps(uuid))
            self.assertEqual(self.run_job(uuid), "done")
            self.press("action_cancel")
            self.run_all()

    def sleeps(self, uuid):
        """Return whether a step waits for the records of its backfill."""
        key = self.job(uuid, "sync_wait_key")["sync_wait_key"]
        self.assertIn(key, (False, f"backfill:{self.backfill_id}"))
        return bool(key)

    def test_goes_in_bulk_and_edits_go_first(self):
        ids = self.fill(60)
        self.start()
        self.run_next(3)
        self.edit(ids[59], name="Edited")
        jobs = self.read("queue.job", [("uuid", "in", self.in_order())], ["priority"])
        self.assertEqual({job["priority"] for job in jobs}, {5, 20})
        self.run_next()
        self.assertEqual(self.names_sent()[-1], "Edited")
        self.run_all()
        names = self.names_sent()
        self.assertEqual(names.count("Edited"), 1)
        self.assertEqual(len(names), 60)
        self.assertFalse(self.outbox())

    def test_record_that_is_deleted_meanwhile_is_no_error(self):
        ids = self.fill(60)
        self.start()
        self.run_next()
        self.delete(ids[1])
        self.delete(ids[59])
        self.run_all()
        self.assertEqual(len(self.destination.records), 58)
        self.assertEqual(self.backfill()["state"], "done")
        self.assertFalse(self.job_uuids("failed"))

    def test_record_that_is_created_meanwhile_is_sent_by_its_edit(self):
        self.fill(60)
        self.start()
        self.run_next(3)
        self.new_partner(name="New", ref=MARK)
        self.run_all()
        self.assertEqual(self.names_sent().count("New"), 1)
        self.assertEqual(self.backfill()["total"], 60)

    def test_nothing_to_send_is_done_at_once(self):
        self.start()
        self.run_all()
        backfill = self.backfill()
        self.assertEqual((backfill["state"], backfill["progress"]), ("done", 100))

    def test_unchanged_is_not_sent_again_unless_asked_for(self):
        self.fill(10)
        for values, sent in (({}, 10), ({}, 10), ({"resend": True}, 20)):
            self.start(**values)
            self.run_all()
            self.assertEqual(len(self.names_sent()), sent)
            self.assertEqual(self.backfill()["done"], 10)

    def test_resending_waits_for_the_off_peak_hours(self):
        self.fill(10)
        hour = fields.Datetime.now().hour
        self.start(resend=True)
        self.run_next()
        self.change_stream(
            delay_policy="window",
            window_tz="UTC",
            window_start=(hour + 2) % 24,
            window_end=(hour + 3) % 24,
        )
        for uuid in self.in_order():
            self.assertEqual(self.run_job(uuid), "pending")
            wait = self.job(uuid, "eta")["eta"] - fields.Datetime.now()
            self.assertGreater(wait, timedelta(minutes=59))
        self.assertFalse(self.destination.requests)
        self.assertIn("off-peak", self.backfill()["hint"])

    def test_open_incident_is_waited_for_and_called_back(self):
        self.fill(10)
        self.start()
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id).action_pause()
        uuid = self.step()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertFalse(self.outbox())
        wait = self.job(uuid, "eta")["eta"] - fields.Datetime.now()
        self.assertGreater(wait, timedelta(hours=23))
        self.assertIn("Paused by", self.backfill()["hint"])
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id).action_resume()
        wait = self.job(uuid, "eta")["eta"] - fields.Datetime.now()
        self.assertLess(wait, timedelta(seconds=10))
        self.run_all()
        self.assertOnceEach(10)

    def test_failed_records_are_counted_and_the_others_go_on(self):
        # fewer are refused than hold the synchronization
        self.fill(18)
        self.start()
        self.run_next(4)
        delivered = len(self.names_sent())
        self.assertGreater(delivered, 0)
        self.destination.answer(422, {"message": "no"}, times=100)
        self.run_all()
        backfill = self.backfill()
        self.assertEqual(backfill["state"], "done")
        self.assertEqual(backfill["done"], delivered)
        self.assertEqual(backfill["failed"], 18 - delivered)
        self.assertEqual(len(self.outbox()), 18 - delivered)
        self.assertEqual(backfill["progress"], 100)

    def test_records_handed_on_keep_the_priority(self):
        self.destination.answer(500, {"message": "no"}, times=1)
        self.fill(4)
        self.start()
        self.run_next(3)
        uuid = self.job_uuids()[-1]
        self.assertEqual(self.job(uuid, "priority")["priority"], 20)
        self.assertEqual(self.backfill()["waiting"], 3)

    def test_records_whose_job_vanished_are_queued_again_in_bulk(self):
        ids = self.fill(2)
        self.start(priority=9)
        self.run_next(1)
        self.edit(ids[0], name="Edited")
        with self.transaction() as env:
            env["queue.job"].search([("sync_stream_id", "=", self.stream_id)]).unlink()
            env["sync.outbox"]._cron_queue_orphans()
        rows = self.read(
            "sync.outbox",
            [("stream_id", "=", self.stream_id)],
            ["backfill_id", "job_uuid"],
        )
        self.assertEqual(len(rows), 3)
        for row in rows:
            job = self.job(row["job_uuid"], "priority")
            self.assertEqual(job["priority"], 19 if row["backfill_id"] else 5)

    def test_rate_and_time_left(self):
        self.fill(60)
        self.start()
        self.run_next(4)
        with self.transaction() as env:
            env["sync.backfill"].browse(self.backfill_id).resumed = (
                fields.Datetime.now() - timedelta(seconds=60)
            )
        backfill = self.backfill()
        self.assertEqual(backfill["done"], 6)
        self.assertAlmostEqual(backfill["rate"], 6, delta=1)
        self.assertEqual(backfill["time_left"], "9 minutes")

    def test_lost_step_is_queued_again(self):
        self.fill(60)
        self.start()
        self.run_next(2)
        self.sweep()
        uuid = self.step()
        for lost in ("DELETE FROM queue_job", "UPDATE queue_job SET state = 'done'"):
            with self.registry.cursor() as cr:
                cr.execute(f"{lost} WHERE uuid = %s", (uuid,))
            self.sweep()
            self.sweep()
            self.assertNotEqual(self.step(), uuid)
            uuid = self.step()
        self.run_all()
        self.assertOnceEach(60)

    def test_step_that_fails_stops_it_with_the_reason(self):
        self.fill(10)
        self.start()
        self.change_stream(domain="[]")
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE sync_stream SET domain = %s WHERE id = %s",
                ("[('no_such_field', '=', 1)]", self.stream_id),
            )
        with mute_logger("odoo.addons.queue_job_sync.models.sync_stream"):
            self.assertEqual(self.run_job(self.step()), "failed")
        self.sweep()
        backfill = self.backfill()
        self.assertEqual(backfill["state"], "stopped")
        self.assertIn("no_such_field", backfill["note"])
        self.change_stream(domain=f"[('ref', '=', '{MARK}')]")
        self.press("action_resume")
        self.run_all()
        self.assertOnceEach(10)
