# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import ast
from datetime import datetime, timedelta

from freezegun import freeze_time
from lxml import etree

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from .common import DeliveryCase
from .test_reschedule import RescheduleCase

HOUR = timedelta(hours=1)


@tagged("post_install", "-at_install")
class TestJobTime(DeliveryCase):
    """What is left behind by a real run."""

    def test_a_failed_job_tells_how_long_it_took(self):
        self.destination.answer(422, {"message": "email is taken"}, delay=0.3)
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "failed")
        job = self.job(uuid, "exec_time", "state_reason", "tries")
        self.assertGreaterEqual(job["exec_time"], 0.3)
        self.assertLess(job["exec_time"], 30)
        self.assertIn("email is taken", job["state_reason"])
        self.assertEqual(job["tries"], "1 / 3")
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", uuid)]).requeue()
        job = self.job(uuid, "exec_time", "state_reason", "tries")
        self.assertEqual((job["exec_time"], job["tries"]), (0, "0 / 3"))
        self.assertFalse(job["state_reason"])

    def test_the_reason_of_the_last_try_comes_without_decoration(self):
        self.destination.answer(500, {"message": "out of order"}, times=3)
        self.new_partner()
        (uuid,) = self.job_uuids()
        for _try in range(3):
            self.run_job(uuid)
        job = self.job(uuid, "exc_message", "failure_reason")
        self.assertTrue(job["exc_message"].startswith("Max. retries (3) reached: "))
        self.assertNotIn("Max. retries", job["failure_reason"])
        self.assertIn("500", job["failure_reason"])

    def test_a_job_that_is_tried_again_tells_why_it_waits(self):
        self.destination.answer(500, {"message": "out of order"})
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "pending")
        job = self.job(uuid, "state_reason", "tries")
        self.assertIn("500", job["state_reason"])
        self.assertEqual(job["tries"], "1 / 3")


@tagged("post_install", "-at_install")
class TestJobThatSleeps(DeliveryCase):
    """What a job says that waits for something."""

    FIELDS = ("state", "eta", "sync_due", "sync_execute_after", "state_reason")

    def setUp(self):
        super().setUp()
        self.press("action_pause")

    def press(self, button):
        with self.transaction() as env:
            getattr(env["sync.backend"].browse(self.backend_id), button)()

    def test_job_of_a_paused_system(self):
        self.new_partner()
        (uuid,) = self.job_uuids()
        job = self.job(uuid, "date_created", *self.FIELDS)
        self.assertRegex(job["state_reason"], "^Paused by .* resumes CRM.$")
        self.assertEqual(job["sync_execute_after"], job["sync_due"])
        self.assertLess(job["sync_due"] - job["date_created"], HOUR)
        self.assertGreater(job["eta"] - job["date_created"], 20 * HOUR)

    def test_reason_that_is_over_is_not_told(self):
        uuids = [self.new_partner(name=name) and self.job_uuids()[-1] for name in "AB"]
        self.press("action_resume")
        woken, asleep = (self.job(uuid, *self.FIELDS) for uuid in uuids)
        self.assertFalse(woken["state_reason"] or woken["sync_due"])
        self.assertEqual(asleep["state_reason"], "Waits for its turn.")
        self.assertTrue(asleep["sync_due"])

    def test_patience_that_the_system_has_asked_for(self):
        self.press("action_resume")
        self.destination.answer(429, headers={"Retry-After": "60"})
        self.new_partner(name="A")
        self.new_partner(name="B")
        first, second = self.job_uuids()
        self.run_job(first)
        self.assertEqual(self.run_job(second), "pending")
        job = self.job(second, *self.FIELDS)
        self.assertEqual(
            job["state_reason"], "CRM takes no more requests for the moment."
        )
        with self.transaction() as env:
            env.cr.execute("UPDATE sync_rate SET quiet_until = now() - interval '1 h'")
        self.assertEqual(
            self.job(second, "state_reason")["state_reason"], "Waits for its turn."
        )

    def test_time_that_saves_a_sleeper_is_never_when_it_was_due(self):
        self.new_partner()
        (uuid,) = self.job_uuids()
        # fell asleep after the runner had chosen it
        self.assertEqual(self.run_job(uuid), "pending")
        job = self.job(uuid, *self.FIELDS)
        self.assertLessEqual(job["sync_due"], datetime.now())
        self.press("action_resume")
        self.assertLessEqual(self.job(uuid, "eta")["eta"], datetime.now())


@tagged("post_install", "-at_install")
class TestJobDisplay(RescheduleCase):
    """What the screens of the job admins say and find."""

    def test_tries(self):
        jobs = self.new_jobs("pending", "pending")
        jobs[0].write({"retry": 2, "max_retries": 5})
        jobs[1].write({"retry": 4, "max_retries": 0})
        self.assertEqual(jobs.mapped("tries"), ["2 / 5", "4 / for ever"])

    def test_priority_of_what_goes_in_bulk(self):
        alone, bulk = self.new_jobs("pending"), self.new_bulk(2)
        theirs = self.env["queue.job"].with_delay(priority=15)._test_job()
        theirs = self.env["queue.job"].search([("uuid", "=", theirs.uuid)])
        jobs = alone | bulk | theirs
        self.assertEqual(jobs.mapped("sync_priority"), [5, 5, 5, 15])
        self.assertEqual(jobs.mapped("sync_bulk"), [False, "bulk", "bulk", False])
        self.assertEqual(self.found("bulk", jobs), bulk.ids)
        mine = [("id", "in", jobs.ids)]
        self.assertEqual(
            self.env["queue.job"].search([*mine, ("sync_bulk", "=", False)]),
            alone | theirs,
        )
        bulk[0].priority = 11
        self.assertEqual(
            self.env["queue.job"].search(mine, order="sync_priority, id").ids,
            [alone.id, bulk[0].id, bulk[1].id, theirs.id],
        )

    def test_priority_is_changed_on_the_form_as_it_is_shown(self):
        alone, bulk = self.new_jobs("pending"), self.new_bulk(2)
        for job, stored in ((alone, 2), (bulk[0], 12)):
            with Form(job.with_user(self.manager)) as form:
                form.sync_priority = 2
            self.assertEqual((job.priority, job.sync_priority), (stored, 2))
        with self.assertRaisesRegex(UserError, "from 1"):
            alone.sync_priority = 11

    def test_reason_by_state(self):
        jobs = self.new_jobs("pending", "started", "done", "pending")
        told = "CRM: delivered"
        jobs.result = told
        jobs[3].write({"result": False, "eta": fields.Datetime.now() + HOUR})
        self.assertEqual(
            jobs.mapped("state_reason"),
            [
                told,
                False,
                told,
                "Waits for the time set for it",
            ],
        )
        jobs[3].eta = fields.Datetime.now() - HOUR
        jobs.invalidate_recordset(["state_reason"])
        self.assertFalse(jobs[3].state_reason)

    def test_time_that_saves_a_sleeper_is_shown_nowhere(self):
        awake, asleep = self.new_jobs("pending", "pending")
        awake.eta = fields.Datetime.now() + HOUR
        asleep.write(
            {
                "eta": fields.Datetime.now() + 30 * HOUR,
                "sync_wait_key": f"system:{self.backend.id}",
                "sync_due": fields.Datetime.now(),
            }
        )
        due = asleep.sync_due
        for job, shown, time in (
            (awake, "eta", awake.eta),
            (asleep, "sync_due", due),
        ):
            with self.subTest(job=job):
                form, as_list = (
                    self.times_shown(f"queue_job.view_queue_job_{name}", job)
                    for name in ("form", "tree")
                )
                self.assertEqual(form, [shown])
                self.assertEqual(as_list, ["sync_execute_after"])
                self.assertEqual(job.sync_execute_after, time)
        card = self.env.ref("queue_job_sync.view_queue_job_kanban").arch
        self.assertNotIn('"eta"', card)

    def test_order_by_when_they_are_due(self):
        first, second = self.new_jobs("pending", "pending")
        second.eta = fields.Datetime.now() + HOUR
        first.write(
            {
                "eta": fields.Datetime.now() + 30 * HOUR,
                "sync_wait_key": f"system:{self.backend.id}",
                "sync_due": fields.Datetime.now(),
            }
        )
        both = first | second
        for order, found in (("ASC", both), ("DESC", second | first)):
            order = f"sync_execute_after {order}"
            self.assertEqual(both.search([("id", "in", both.ids)], order=order), found)
        self.assertTrue(both.fields_get()["sync_execute_after"]["sortable"])

    def times_shown(self, view, job):
        """Return which of its times a view shows of a job, to the manager."""
        arch = job.with_user(self.manager).get_view(self.env.ref(view).id)["arch"]
        values = job.read(["state", "eta", "sync_wait_key"])[0]
        return [
            node.get("name")
            for node in etree.fromstring(arch).xpath(
                "//field[(@name='eta' or @name='sync_due' or"
                " @name='sync_execute_after') and not(@column_invisible)]"
            )
            if not safe_eval(node.get("invisible", "False"), values)
        ]

    def test_what_others_have_to_do_before_is_no_reason(self):
        (job,) = self.new_jobs("wait_dependencies")
        job.result = "of its last run"
        self.assertFalse(job.state_reason)

    def found(self, name, jobs):
        """Return which of these jobs a filter of the list finds, for the manager."""
        model = self.env["queue.job"].with_user(self.manager)
        arch = model.get_view(self.env.ref("queue_job.view_queue_job_search").id)
        (node,) = etree.fromstring(arch["arch"]).xpath(f"//filter[@name='{name}']")
        domain = safe_eval(node.get("domain"), {"uid": self.manager.id})
        return model.search([("id", "in", jobs.ids), *domain], order="id").ids

    def test_mine(self):
        jobs = self.new_jobs("pending", "pending")
        jobs[1].user_id = self.manager
        self.assertEqual(self.found("mine", jobs), jobs[1].ids)

    def test_failed_today_is_the_day_of_the_reader(self):
        self.manager.tz = "Asia/Kuala_Lumpur"
        jobs = self.new_jobs("failed", "failed", "done")
        # today is the 23rd there, and began at 16:00 of the 22nd in UTC
        jobs[0].date_started = "2026-11-22 15:59:00"
        (jobs[1] | jobs[2]).date_started = "2026-11-22 16:01:00"
        with freeze_time("2026-11-22 18:00:00"):
            self.assertEqual(self.found("failed_today", jobs), jobs[1].ids)

    def test_waiting_longer_than_an_hour(self):
        jobs = self.new_jobs("pending", "pending", "failed", "enqueued")
        guarded = jobs.with_context(_job_edit_sentinel=jobs.EDIT_SENTINEL)
        guarded.date_created = fields.Datetime.now() - HOUR * 1.1
        guarded[0].date_created = fields.Datetime.now() - HOUR * 0.9
        self.assertEqual(self.found("waiting_long", jobs), (jobs[1] | jobs[3]).ids)

    def test_retrying(self):
        jobs = self.new_jobs("pending", "pending", "failed", "done")
        jobs.retry = 1
        jobs[0].retry = 0
        self.assertEqual(self.found("retrying", jobs), jobs[1].ids)

    def test_the_list_opens_with_what_is_open(self):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job.action_queue_job"
        )
        jobs = self.new_jobs("done", "pending", "failed", "cancelled")
        defaults = [
            key.removeprefix("search_default_")
            for key in ast.literal_eval(action["context"])
        ]
        found = {id_ for name in defaults for id_ in self.found(name, jobs)}
        self.assertEqual(found, {jobs[1].id, jobs[2].id})

    def test_statistics_leave_out_what_never_ran(self):
        jobs = self.new_jobs("done", "failed", "done", "pending")
        jobs[:2].date_started = fields.Datetime.now()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job_sync.action_queue_job_statistics"
        )
        domain = [("id", "in", jobs.ids), *ast.literal_eval(action["domain"])]
        self.assertEqual(self.env["queue.job"].search(domain, order="id"), jobs[:2])

    def test_every_field_shown_has_a_help_text(self):
        for model, view in (
            ("queue.job", "queue_job.view_queue_job_form"),
            ("queue.job", "queue_job.view_queue_job_tree"),
            ("queue.job", "queue_job_sync.view_queue_job_kanban"),
            ("sync.delivery", "queue_job_sync.view_sync_delivery_form"),
            ("sync.delivery", "queue_job_sync.view_sync_delivery_kanban"),
            ("sync.reschedule", "queue_job_sync.view_sync_reschedule_form"),
        ):
            records = self.env[model].with_user(self.manager)
            arch = records.get_view(self.env.ref(view).id)["arch"]
            names = etree.fromstring(arch).xpath(
                "//field[not(@invisible='1' or @invisible='True' or"
                " @column_invisible or ancestor::field or"
                " ancestor::group[@invisible='1'])]/@name"
            )
            self.assertTrue(names)
            for name in names:
                with self.subTest(view=view, field=name):
                    self.assertTrue(records._fields[name].help)
