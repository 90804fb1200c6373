# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta
from unittest.mock import patch

from lxml import etree

from odoo import Command, api, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import html2plaintext
from odoo.tools.safe_eval import safe_eval

from ..engine import store
from .common import DeliveryCase
from .test_reschedule import RescheduleCase


@tagged("post_install", "-at_install")
class TestJobButtons(DeliveryCase):
    """What people do about jobs, on the form and for many at once."""

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            manager = env.ref("base.user_admin")
            self.manager_id, self.manager_name = manager.id, manager.name

    def press(self, button, *uuids):
        """Press a button of the form of each job, as a job manager."""
        with self.transaction(self.manager_id) as env:
            result = None
            for job in self.jobs(env, uuids):
                result = getattr(job, button)()
            return result

    def jobs(self, env, uuids):
        return env["queue.job"].search([("uuid", "in", uuids)], order="id")

    def press_for_all(self, model, button, *uuids):
        """Use one of the wizards of the list, as a job manager."""
        with self.transaction(self.manager_id) as env:
            ids = self.jobs(env, uuids).ids
            context = {"active_model": "queue.job", "active_ids": ids}
            wizard = env[model].with_context(**context).create({})
            self.assertEqual(wizard.job_ids.ids, ids)
            getattr(wizard, button)()

    def told(self, uuid):
        """Return what the chatter of a job says, oldest first, with who has said it."""
        with self.transaction() as env:
            messages = self.jobs(env, [uuid]).message_ids.sorted("id")
            return [
                (html2plaintext(each.body).strip(), each.author_id.name)
                for each in messages
                if each.body or each.tracking_value_ids
            ]

    def failed_job(self, **values):
        """Commit a contact that the destination refuses; return both ids."""
        partner_id = self.new_partner(**values)
        uuid = self.job_uuids()[-1]
        self.destination.answer(422)
        self.assertEqual(self.run_job(uuid), "failed")
        return partner_id, uuid

    def sync_state(self, partner_id):
        with self.transaction() as env:
            return env["res.partner"].browse(partner_id).sync_state

    # -- requeue --------------------------------------------------------------

    def test_requeued_job_delivers(self):
        partner_id, uuid = self.failed_job()
        self.press("requeue", uuid)
        job = self.job(uuid, "state", "retry")
        self.assertEqual((job["state"], job["retry"]), ("pending", 0))
        self.assertEqual(self.sync_state(partner_id), "waiting")
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.sync_state(partner_id), "synced")
        self.assertEqual(len(self.destination.records), 1)
        self.assertFalse(self.binding(partner_id)["last_error"])

    def test_requeued_job_delivers_what_the_record_is_now(self):
        partner_id, uuid = self.failed_job(name="Ada")
        self.edit(partner_id, name="Grace")
        self.press("requeue", uuid)
        self.run_job(uuid)
        self.assertEqual(self.destination.records["/contacts/1"]["name"], "Grace")

    def test_requeued_job_has_all_its_tries_again(self):
        self.destination.answer(500, times=6)
        self.new_partner()
        (uuid,) = self.job_uuids()
        for _round in range(2):
            states = [self.run_job(uuid) for _try in range(3)]
            self.assertEqual(states, ["pending", "pending", "failed"])
            self.press("requeue", uuid)
        self.assertEqual(self.run_job(uuid), "done")

    def test_cancelled_job_that_is_requeued_delivers(self):
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        named = self.job(uuid, "sync_record_name")
        self.press("button_cancelled", uuid)
        self.press("requeue", uuid)
        self.assertEqual(self.job(uuid, "sync_record_name"), named)
        self.assertEqual(self.sync_state(partner_id), "waiting")
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(len(self.destination.records), 1)
        self.assertEqual(self.sync_state(partner_id), "synced")

    def test_many_jobs_are_requeued_at_once(self):
        partner_ids, uuids = zip(*(self.failed_job() for _each in "ab"), strict=True)
        self.press_for_all("queue.requeue.job", "requeue", *uuids)
        self.assertEqual(self.run_pending(), ["done", "done"])
        for partner_id in partner_ids:
            self.assertEqual(self.sync_state(partner_id), "synced")

    # -- set to done and cancel -----------------------------------------------

    def assertClosed(self, button, state, word):
        partner_id, uuid = self.failed_job()
        self.assertEqual(self.sync_state(partner_id), "failed")
        self.press(button, uuid)
        job = self.job(uuid, "state", "result")
        self.assertEqual(job["state"], state)
        self.assertIn(self.manager_name, job["result"])
        self.assertFalse(self.outbox(partner_id))
        note = self.binding(partner_id)["note"]
        self.assertIn(word, note)
        self.assertIn(self.manager_name, note)
        self.assertEqual(self.sync_state(partner_id), "skipped")
        self.assertIn(partner_id, self.ids_in_state("skipped"))
        self.assertNotIn(partner_id, self.ids_in_state("synced"))
        self.assertEqual(len(self.destination.requests), 1)

    def ids_in_state(self, state):
        found = self.read("res.partner", [("sync_state", "=", state)], ["id"])
        return [partner["id"] for partner in found]

    def test_older_content_there_is_not_called_synced(self):
        partner_id = self.new_partner(name="Ada")
        self.assertEqual(self.run_pending(), ["done"])
        self.edit(partner_id, name="Grace")
        self.press("button_cancelled", *self.job_uuids("pending"))
        self.assertEqual(self.sync_state(partner_id), "skipped")
        self.edit(partner_id, name="Ada")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.sync_state(partner_id), "synced")

    def test_job_set_to_done_sends_nothing_more(self):
        self.assertClosed("button_done", "done", "Manually set to done by")

    def test_cancelled_job_sends_nothing_more(self):
        self.assertClosed("button_cancelled", "cancelled", "Cancelled by")

    def test_job_closed_before_it_ran_sends_nothing(self):
        for button, state in (
            ("button_done", "done"),
            ("button_cancelled", "cancelled"),
        ):
            with self.subTest(button):
                partner_id = self.new_partner()
                (uuid,) = self.job_uuids("pending")
                self.press(button, uuid)
                self.assertEqual(self.job(uuid, "state")["state"], state)
                self.assertFalse(self.outbox(partner_id))
                self.assertFalse(self.destination.requests)

    def test_closing_one_job_leaves_the_changes_of_another(self):
        partner_id = self.new_partner(name="Ada")
        self.edit(partner_id, name="Grace")
        first, second = self.job_uuids()
        self.press("button_cancelled", first)
        (row,) = self.outbox(partner_id)
        self.assertEqual(row["job_uuid"], second)
        self.assertEqual(self.sync_state(partner_id), "waiting")
        self.assertEqual(self.run_job(second), "done")
        self.assertEqual(self.destination.records["/contacts/1"]["name"], "Grace")

    def test_next_delivery_clears_the_note(self):
        partner_id, uuid = self.failed_job()
        self.press("button_cancelled", uuid)
        self.edit(partner_id, name="Grace")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertFalse(self.binding(partner_id)["note"])
        self.assertEqual(self.sync_state(partner_id), "synced")

    def test_record_that_is_sent_meanwhile_keeps_nobody_from_the_others(self):
        partner_ids, uuids = zip(*(self.failed_job() for _each in "abc"), strict=True)
        with self.transaction(self.manager_id) as env:
            jobs = self.jobs(env, uuids)
            self.assertEqual(len(jobs), 3)
            with self.transaction() as other:
                sent = [("res_id", "=", partner_ids[1])]
                other["sync.binding"].search(sent).last_error = "changed since"
            jobs.button_cancelled()
        owing = {row["res_id"] for row in self.outbox()}
        self.assertEqual(owing, {partner_ids[1]})

    def test_many_jobs_are_settled_in_one_go(self):
        uuids = [self.failed_job()[1] for _each in range(3)]
        for button in ("button_cancelled", "requeue", "button_done"):
            with (
                patch.object(store, "lock_bindings", wraps=store.lock_bindings) as lock,
                self.transaction(self.manager_id) as env,
            ):
                getattr(self.jobs(env, uuids), button)()
            self.assertEqual(lock.call_count, 1, button)

    def test_many_jobs_that_are_requeued_go_as_there_is_room(self):
        uuids = [self.failed_job()[1] for _each in range(3)]
        self.press_for_all("queue.requeue.job", "action_decide", *uuids)
        self.assertEqual(len(self.awake()), 1)
        bulk = {self.job(uuid, "sync_bulk")["sync_bulk"] for uuid in uuids}
        self.assertEqual(bulk, {"bulk"})

    def test_many_jobs_are_set_to_done_at_once(self):
        for button in ("action_decide", "set_done"):
            self.assertClosedAtOnce("queue.jobs.to.done", button, "done")

    def test_many_jobs_are_cancelled_at_once(self):
        for button in ("action_decide", "set_cancelled"):
            self.assertClosedAtOnce("queue.jobs.to.cancelled", button, "cancelled")

    def assertClosedAtOnce(self, wizard, button, state):
        partner_id, uuid = self.failed_job()
        waiting_id = self.new_partner()
        uuids = [uuid, *self.job_uuids("pending")]
        self.press_for_all(wizard, button, *uuids)
        for each in uuids:
            self.assertEqual(self.job(each, "state")["state"], state)
        for each in (partner_id, waiting_id):
            self.assertIn(self.manager_name, self.binding(each)["note"])
        self.assertFalse(self.outbox())

    def test_finished_job_is_not_changed_by_cancel(self):
        partner_id = self.new_partner()
        self.run_pending()
        (uuid,) = self.job_uuids()
        self.press("button_cancelled", uuid)
        self.assertEqual(self.job(uuid, "state")["state"], "done")
        self.assertFalse(self.binding(partner_id)["note"])

    def test_manager_needs_no_other_group(self):
        partner_id, uuid = self.failed_job()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, self.manager_id, {})
            user = (
                env["res.users"]
                .sudo()
                .create(
                    {
                        "name": "Job manager",
                        "login": "queue_job_sync_manager",
                        "group_ids": [
                            Command.set(
                                [
                                    env.ref("base.group_user").id,
                                    env.ref("queue_job.group_queue_job_manager").id,
                                ]
                            )
                        ],
                    }
                )
            )
            for button in ("button_done", "requeue", "button_cancelled", "requeue"):
                getattr(self.jobs(env, [uuid]).with_user(user), button)()
            action = self.jobs(env, [uuid]).with_user(user).open_related_action()
            self.assertEqual(action["res_id"], partner_id)
            cr.rollback()

    # -- how long it took, and who decided ------------------------------------

    def decide_about_failed(self, button, alone=True):
        """Press a button for one failed job, or for two, of ten minutes ago."""
        uuids = [self.failed_job()[1] for _each in ("a" if alone else "ab")]
        with self.transaction() as env:
            jobs = self.jobs(env, uuids)
            jobs.exec_time = 1.5
            jobs.date_started = fields.Datetime.now() - timedelta(minutes=10)
        with self.transaction(self.manager_id) as env:
            getattr(self.jobs(env, uuids), button)()
        return uuids

    def test_a_decision_is_no_run(self):
        for button in ("button_done", "button_cancelled"):
            for alone in (True, False):
                with self.subTest(button, alone=alone):
                    for uuid in self.decide_about_failed(button, alone):
                        self.assertEqual(self.job(uuid, "exec_time")["exec_time"], 1.5)

    def test_job_that_has_not_run_has_no_duration(self):
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.press("button_done", uuid)
        self.assertFalse(self.job(uuid, "exec_time")["exec_time"])

    def test_who_decided_is_told_in_the_chatter(self):
        # the job is another one's
        decisions = {
            "button_done": "Set to done",
            "button_cancelled": "Cancelled",
            "requeue": "Requeued",
        }
        for button, text in decisions.items():
            for alone in (True, False):
                with self.subTest(button, alone=alone):
                    for uuid in self.decide_about_failed(button, alone):
                        failed, tracked, *told = self.told(uuid)
                        self.assertIn("failed", failed[0])
                        self.assertFalse(tracked[0])
                        self.assertEqual(told, [(text, self.manager_name)])

    def test_run_now_is_told_in_the_chatter(self):
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.press("action_run_now", uuid)
        self.assertEqual(
            self.told(uuid), [("To run as soon as possible", self.manager_name)]
        )

    def test_what_the_form_changes_is_told_in_the_chatter(self):
        self.new_partner()
        (uuid,) = self.job_uuids()
        with self.transaction(self.manager_id) as env:
            env.user.tz = "Europe/Paris"
            self.jobs(env, [uuid]).write(
                {"eta": "2030-01-01 12:00:00", "sync_priority": 2}
            )
        later, priority = sorted(self.told(uuid), reverse=True)
        self.assertEqual(priority, ("Priority changed to 2", self.manager_name))
        self.assertIn("01/01/2030 01:00:00 PM (Europe/Paris)", later[0])
        self.assertEqual(later[1], self.manager_name)

    def test_what_a_worker_does_is_no_decision(self):
        self.destination.answer(500)
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertFalse(self.told(uuid))

    # -- related record -------------------------------------------------------

    def test_related_record_opens_the_contact(self):
        partner_id, uuid = self.failed_job()
        action = self.press("open_related_action", uuid)
        self.assertEqual(action["type"], "ir.actions.act_window")
        self.assertEqual(action["res_model"], "res.partner")
        self.assertEqual(action["res_id"], partner_id)
        self.assertEqual(action["view_mode"], "form")

    def test_related_records_of_a_batch_open_as_a_list(self):
        self.change_stream(batch_size=2)
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": name} for name in "ABC"])
            self.partner_ids += partners.ids
        action = self.press("open_related_action", self.job_uuids()[0])
        self.assertEqual(action["res_model"], "res.partner")
        self.assertTrue(action["view_mode"].startswith("list"))
        with self.transaction() as env:
            found = env["res.partner"].search(action["domain"])
            self.assertEqual(sorted(found.ids), partners.ids[:2])

    def test_related_record_that_is_deleted_is_said_to_be(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.delete(partner_id)
        uuid = self.job_uuids()[-1]
        with self.assertRaisesRegex(UserError, "Ada no longer exists"):
            self.press("open_related_action", uuid)

    def test_name_of_the_related_record_outlives_it(self):
        partner_id, uuid = self.failed_job(name="Ada")
        self.assertEqual(self.job(uuid, "related_name")["related_name"], "Ada")
        self.delete(partner_id)
        self.assertEqual(self.job(uuid, "related_name")["related_name"], "Ada")

    # -- run now --------------------------------------------------------------

    def test_job_that_sleeps_is_woken(self):
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id).action_pause()
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertTrue(self.job(uuid, "sync_wait_key")["sync_wait_key"])
        said = self.press("action_run_now", uuid)["params"]
        self.assertEqual(said["type"], "warning")
        self.assertRegex(said["message"], "^Paused by .* somebody resumes CRM.$")
        job = self.job(uuid, "state", "eta", "sync_wait_key", "sync_due")
        self.assertEqual(job.pop("state"), "pending")
        self.assertFalse(job["eta"] or job["sync_wait_key"] or job["sync_due"])
        # what it waits for is still there
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertTrue(self.job(uuid, "sync_wait_key")["sync_wait_key"])
        self.assertFalse(self.destination.requests)

    def test_job_of_a_system_that_is_up_again_goes(self):
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id).action_pause()
        for name in "AB":
            self.new_partner(name=name)
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id).action_resume()
        # the first one was woken, the other waits for its turn
        (uuid,) = self.asleep()
        self.assertIs(self.press("action_run_now", uuid), True)
        self.assertNotIn(uuid, self.asleep())
        self.assertEqual(self.run_job(uuid), "done")

    def test_of_several_jobs_each_reason_is_said_once(self):
        for name in "ABC":
            self.new_partner(name=name)
        self.change_stream(state="draft")
        with self.transaction() as env:
            found = env["queue.job"].search([("sync_stream_id", "=", self.stream_id)])
            message = found.action_run_now()["params"]["message"]
        self.assertEqual(message, "3 jobs: Contacts to CRM is a draft.")


@tagged("post_install", "-at_install")
class TestRunNow(RescheduleCase):
    """Who may have a job run at once, and which."""

    def test_job_to_be_tried_later_is_tried_now(self):
        jobs = self.new_jobs("pending", "failed")
        later = fields.Datetime.now().replace(microsecond=0) + timedelta(hours=3)
        jobs.write({"eta": later, "retry": 2})
        jobs.with_user(self.manager).action_run_now()
        # failed jobs are requeued, by another button
        self.assertEqual(jobs.mapped("eta"), [False, later])
        self.assertEqual(jobs.mapped("retry"), [2, 2])

    def test_only_job_managers_may(self):
        jobs = self.new_jobs("pending", "done")
        eta = jobs[0].eta = fields.Datetime.now().replace(microsecond=0)
        for groups in ("base.group_user,base.group_system", "base.group_portal"):
            user = new_test_user(self.env, f"sync_{groups[-6:]}", groups)
            for each in jobs:
                with self.assertRaises(AccessError):
                    each.with_user(user).action_run_now()
        self.assertEqual(jobs[0].eta, eta)

    def test_shown_for_pending_jobs_with_a_time(self):
        jobs = self.new_jobs("pending", "pending", "failed", "done", "started")
        (jobs - jobs[0]).eta = fields.Datetime.now()
        view = self.env.ref("queue_job.view_queue_job_form")
        arch = jobs.with_user(self.manager).get_view(view.id)["arch"]
        (button,) = etree.fromstring(arch).xpath("//button[@name='action_run_now']")
        invisible = button.get("invisible")
        hidden = [safe_eval(invisible, job) for job in jobs.read(["state", "eta"])]
        self.assertEqual(hidden, [True, False, True, True, True])
