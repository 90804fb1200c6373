# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import runpy
from pathlib import Path
from uuid import uuid4

from odoo import SUPERUSER_ID, Command
from odoo.exceptions import UserError
from odoo.tests import HttpCase, get_db_name, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .common import DeliveryCase

GROUPS = "base.group_user,base.group_partner_manager"
OWN_LOGGER = "odoo.addons.queue_job_sync.controllers.run_job"
MIGRATION = Path(__file__).parents[1] / (
    "migrations/19.0.3.0.0/post-jobs-of-deleted-users.py"
)


class LoadCase(DeliveryCase):
    """Users who make jobs, and what may happen to them."""

    quiet_loggers = (*DeliveryCase.quiet_loggers, OWN_LOGGER, "odoo.models.unlink")

    def setUp(self):
        super().setUp()
        self.uuids, self.user_ids, self.company_ids = [], [], []
        self.partners_of_users = []  # they outlive them
        self.addCleanup(self._delete_what_was_made)

    def _delete_what_was_made(self):
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "in", self.uuids)]).unlink()
            env["res.users"].browse(self.user_ids).exists().unlink()
            env["res.partner"].browse(self.partners_of_users).exists().unlink()
            env["res.company"].browse(self.company_ids).active = False

    def new_user(self, **values):
        """Commit a user who may edit contacts, and return the id."""
        with self.transaction() as env:
            login = f"queue_job_sync_load_{len(self.user_ids)}"
            user = new_test_user(env, login=login, groups=GROUPS, **values)
            self.user_ids.append(user.id)
            self.partners_of_users.append(user.partner_id.id)
            return user.id

    def delete_user(self, user_id):
        with self.transaction() as env:
            env["res.users"].browse(user_id).unlink()

    def delete_user_by_sql(self, user_id):
        """Delete a user in a way that no method of Odoo notices."""
        with self.registry.cursor() as cr:
            cr.execute(
                "DELETE FROM res_groups_users_rel WHERE uid = %(id)s;"
                "DELETE FROM res_company_users_rel WHERE user_id = %(id)s;"
                "DELETE FROM res_users WHERE id = %(id)s",
                {"id": user_id},
            )

    def edit_as(self, user_id, context=None):
        """Commit a new contact of a user; return its id and its job's UUID."""
        with self.transaction(user_id) as env:
            partners = env["res.partner"].with_context(**(context or {}))
            partner = partners.create({"name": "Ada"})
            self.partner_ids.append(partner.id)
        return partner.id, self.job_uuids()[-1]

    def foreign_job(self, user_id, context=None, su=False):
        """Commit another addon's job: it would give a contact a reference."""
        partner_id = self.partner_of_nobody()
        with self.transaction(user_id) as env:
            partner = env["res.partner"].browse(partner_id)
            if su:
                partner = partner.sudo()
            partner = partner.with_context(**(context or {}))
            uuid = partner.with_delay().write({"ref": "was run"}).uuid
        self.uuids.append(uuid)
        return uuid

    def partner_of_nobody(self):
        """Commit a contact that no synchronization sends."""
        with self.transaction() as env:
            env["sync.stream"].browse(self.stream_id).state = "draft"
        partner_id = self.new_partner()
        with self.transaction() as env:
            env["sync.stream"].browse(self.stream_id).state = "live"
        return partner_id

    def change_stored(self, uuid, old, new):
        """Change a text in what is stored of a job's records and arguments."""
        with self.registry.cursor() as cr:
            for column in ("records", "args", "kwargs"):
                cr.execute(
                    SQL(
                        "UPDATE queue_job SET %(column)s = to_jsonb("
                        "replace(%(column)s #>> '{}', %(old)s, %(new)s))"
                        " WHERE uuid = %(uuid)s",
                        column=SQL.identifier(column),
                        old=old,
                        new=new,
                        uuid=uuid,
                    )
                )

    def lose_model(self, uuid):
        self.change_stored(uuid, '"model": "res.partner"', '"model": "gone.model"')
        self.change_job(uuid, model_name="gone.model")

    def lose_method(self, uuid):
        self.change_job(uuid, method_name="gone_method")

    def change_job(self, uuid, **values):
        with self.registry.cursor() as cr:
            for name, value in values.items():
                cr.execute(
                    SQL(
                        "UPDATE queue_job SET %s = %s WHERE uuid = %s",
                        SQL.identifier(name),
                        value,
                        uuid,
                    )
                )

    def assertDelivered(self, partner_id, uuid):
        self.assertEqual(self.run_job(uuid), "done")
        self.assertFalse(self.outbox(partner_id))
        self.assertTrue(self.binding(partner_id)["external_id"])
        self.assertEqual(self.job(uuid, "retry")["retry"], 1)

    def assertRefused(self, uuid, reason):
        """Assert that a job fails for a reason, was never run, and is told about."""
        self.assertEqual(self.run_job(uuid), "failed")
        job = self.job(uuid, "failure_reason", "state_reason", "retry", "exc_info")
        self.assertIn(reason, job["failure_reason"])
        self.assertIn(reason, job["state_reason"])
        self.assertEqual(job["retry"], 0)
        self.assertTrue(job["exc_info"])
        refs = self.read("res.partner", [("id", "in", self.partner_ids)], ["ref"])
        self.assertNotIn("was run", [each["ref"] for each in refs])


@tagged("post_install", "-at_install")
class TestJobLoad(LoadCase):
    """Jobs that queue_job could not load are run as OdooBot's, or failed."""

    # -- of a synchronization -------------------------------------------------

    def test_jobs_of_a_deleted_user_go_on_as_odoobots(self):
        user_id = self.new_user()
        partner_id, uuid = self.edit_as(user_id)
        self.assertEqual(self.job(uuid, "user_id")["user_id"][0], user_id)
        self.delete_user(user_id)
        self.assertEqual(self.job(uuid, "user_id")["user_id"][0], SUPERUSER_ID)
        self.assertDelivered(partner_id, uuid)

    def test_jobs_of_a_user_deleted_behind_odoos_back_go_on(self):
        user_id = self.new_user()
        partner_id, uuid = self.edit_as(user_id)
        self.delete_user_by_sql(user_id)
        self.assertDelivered(partner_id, uuid)
        self.assertEqual(self.job(uuid, "user_id")["user_id"][0], SUPERUSER_ID)

    def test_backfill_of_a_deleted_user_goes_on(self):
        partner_id = self.partner_of_nobody()
        self.change_stream(domain=f"[('id', '=', {partner_id})]")
        user_id = self.new_user()
        with self.transaction(user_id) as env:
            stream = env["sync.stream"].sudo().browse(self.stream_id)
            backfill_id = env["sync.backfill"]._start(stream).id
        self.delete_user(user_id)
        self.run_step(backfill_id)
        self.assertEqual(self.run_pending()[:1], ["done"])
        self.assertEqual(len(self.destination.records), 1)
        with self.transaction() as env:
            self.assertFalse(env["sync.backfill"].browse(backfill_id).user_id)

    def run_step(self, backfill_id):
        """Run the step of a backfill that is to be done."""
        with self.transaction() as env:
            uuid = env["sync.backfill"].browse(backfill_id).step_uuid
        self.uuids.append(uuid)
        self.assertEqual(self.run_job(uuid), "done")

    def test_jobs_of_users_deleted_before_the_upgrade_go_on(self):
        user_id = self.new_user()
        partner_id, uuid = self.edit_as(user_id)
        self.delete_user_by_sql(user_id)
        with self.registry.cursor() as cr:
            runpy.run_path(MIGRATION)["migrate"](cr, "19.0.2.0.0")
        self.assertEqual(self.job(uuid, "user_id")["user_id"][0], SUPERUSER_ID)
        self.assertDelivered(partner_id, uuid)

    def test_other_jobs_stay_their_users(self):
        user_id, other_id = self.new_user(), self.new_user()
        self.edit_as(user_id)
        _partner_id, uuid = self.edit_as(other_id)
        self.delete_user(user_id)
        self.assertEqual(self.job(uuid, "user_id")["user_id"][0], other_id)

    def test_user_who_was_archived(self):
        user_id = self.new_user()
        context = {"allowed_company_ids": [self._main_company_id()]}
        partner_id, uuid = self.edit_as(user_id, context)
        with self.transaction() as env:
            env["res.users"].browse(user_id).active = False
        self.assertDelivered(partner_id, uuid)

    def _main_company_id(self):
        with self.transaction() as env:
            return env.ref("base.main_company").id

    def _lose_company(self, make):
        """Have a job made in a company that its user may then no longer enter."""
        with self.transaction() as env:
            company = env["res.company"].create({"name": f"Branch {uuid4()}"})
            self.company_ids.append(company.id)
            main = env.ref("base.main_company")
        user_id = self.new_user(company_ids=[Command.set([main.id, company.id])])
        made = make(user_id, {"allowed_company_ids": [company.id]})
        with self.transaction() as env:
            env["res.users"].browse(user_id).company_ids = main
        return made

    def test_user_who_may_no_longer_enter_the_company(self):
        self.assertDelivered(*self._lose_company(self.edit_as))

    def _lose_language(self, make):
        """Have a job made in a language that is then switched off."""
        with self.transaction() as env:
            env["res.lang"]._activate_lang("nl_BE")
        user_id = self.new_user()
        made = make(user_id, {"lang": "nl_BE"})
        with self.transaction() as env:
            env["res.lang"].search([("code", "=", "nl_BE")]).active = False
        return made

    def test_language_that_was_switched_off(self):
        self.assertDelivered(*self._lose_language(self.edit_as))

    def test_job_of_a_model_that_is_gone_fails(self):
        partner_id, uuid = self.edit_as(SUPERUSER_ID)
        self.lose_model(uuid)
        self.assertRefused(uuid, "The model gone.model is no longer there.")
        self.assertIn("gone.model", self.binding(partner_id)["last_error"])

    # -- of another addon -----------------------------------------------------

    def test_foreign_job_of_a_deleted_user_fails(self):
        for delete in (self.delete_user, self.delete_user_by_sql):
            for context in ({}, {"allowed_company_ids": [self._main_company_id()]}):
                for su in (False, True):
                    with self.subTest(delete.__name__, context=context, su=su):
                        user_id = self.new_user()
                        uuid = self.foreign_job(user_id, context, su)
                        delete(user_id)
                        self.assertRefused(uuid, "has been deleted")

    def test_foreign_job_of_a_model_that_is_gone_fails(self):
        uuid = self.foreign_job(SUPERUSER_ID)
        self.lose_model(uuid)
        self.assertRefused(uuid, "The model gone.model is no longer there.")

    def test_foreign_job_of_a_method_that_is_gone_fails(self):
        uuid = self.foreign_job(SUPERUSER_ID)
        self.lose_method(uuid)
        self.assertRefused(uuid, "res.partner no longer has the method gone_method")

    def test_foreign_job_with_an_argument_whose_model_is_gone_fails(self):
        partner_id = self.partner_of_nobody()
        with self.transaction() as env:
            partner = env["res.partner"].browse(partner_id)
            tags = env["res.partner.category"].browse(1)
            uuid = partner.with_delay().write({"category_id": tags}).uuid
        self.uuids.append(uuid)
        self.change_stored(uuid, '"res.partner.category"', '"gone.category"')
        self.assertRefused(uuid, "The model gone.category is no longer there.")

    def test_foreign_job_in_a_company_that_its_user_may_no_longer_enter_fails(self):
        uuid = self._lose_company(self.foreign_job)
        self.assertRefused(uuid, "unauthorized or invalid companies")

    def test_foreign_job_in_a_language_that_was_switched_off_fails(self):
        uuid = self._lose_language(self.foreign_job)
        self.assertRefused(uuid, "Invalid language code: nl_BE")

    def test_job_that_another_worker_holds_is_left_to_it(self):
        uuid = self.foreign_job(SUPERUSER_ID)
        self.lose_method(uuid)
        with self.registry.cursor() as cr:
            self.change_job(uuid, state="enqueued")
            cr.execute("SELECT FROM queue_job WHERE uuid = %s FOR UPDATE", (uuid,))
            self.assertEqual(self.run_job(uuid), "enqueued")

    # -- of a graph -----------------------------------------------------------

    def _chain(self):
        """Commit two jobs, the second of which waits for the first."""
        first_id, second_id = self.partner_of_nobody(), self.partner_of_nobody()
        with self.transaction() as env:
            partners = env["res.partner"]
            first = partners.browse(first_id).delayable().write({"ref": "first"})
            second = partners.browse(second_id).delayable().write({"ref": "second"})
            first.on_done(second).delay()
            uuids = [each._generated_job.uuid for each in (first, second)]
        self.uuids += uuids
        return uuids

    def test_job_before_one_that_cannot_be_loaded_is_run(self):
        first, second = self._chain()
        self.lose_method(second)
        self.assertEqual(self.run_job(first), "done")
        self.assertEqual(self.job(second, "state")["state"], "failed")

    def test_job_after_one_that_cannot_be_loaded_is_run(self):
        first, second = self._chain()
        self.lose_method(first)
        self.assertEqual(self.run_job(first), "failed")
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", first)]).button_done()
        self.assertEqual(self.job(second, "state")["state"], "pending")
        self.assertEqual(self.run_job(second), "done")


@tagged("post_install", "-at_install")
class TestUnloadableJobButtons(LoadCase):
    """What people do about such jobs, and what they see of them."""

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            self.manager_id = env.ref("base.user_admin").id

    def press(self, button, uuid):
        with self.transaction(self.manager_id) as env:
            return getattr(env["queue.job"].search([("uuid", "=", uuid)]), button)()

    def _user_is_gone(self):
        user_id = self.new_user()
        uuid = self.foreign_job(user_id)
        self.delete_user(user_id)
        return uuid

    def _model_is_gone(self):
        uuid = self.foreign_job(SUPERUSER_ID)
        self.lose_model(uuid)
        return uuid

    def _method_is_gone(self):
        uuid = self.foreign_job(SUPERUSER_ID)
        self.lose_method(uuid)
        return uuid

    def unloadable(self):
        """Yield ``(job, why it cannot run)``, within a subtest."""
        for lose, reason in (
            (self._user_is_gone, "user whose action made the job has been deleted"),
            (self._model_is_gone, "model gone.model is no longer there"),
            (self._method_is_gone, "no longer has the method gone_method"),
        ):
            with self.subTest(lose.__name__):
                yield lose(), reason

    def test_set_to_done(self):
        for uuid, _reason in self.unloadable():
            self.press("button_done", uuid)
            job = self.job(uuid, "state", "date_done", "result")
            self.assertEqual(job["state"], "done")
            self.assertTrue(job["date_done"])
            self.assertIn("Manually set to done by", job["result"])

    def test_cancelled(self):
        for uuid, _reason in self.unloadable():
            self.press("button_cancelled", uuid)
            job = self.job(uuid, "state", "date_cancelled", "result")
            self.assertEqual(job["state"], "cancelled")
            self.assertTrue(job["date_cancelled"])
            self.assertIn("Cancelled by", job["result"])

    def test_requeue_says_why_it_cannot(self):
        for uuid, reason in self.unloadable():
            self.press("button_cancelled", uuid)
            with self.assertRaisesRegex(UserError, f"cannot be requeued: .*{reason}"):
                self.press("requeue", uuid)
            self.assertEqual(self.job(uuid, "state")["state"], "cancelled")

    def test_related_record(self):
        for uuid, reason in self.unloadable():
            if "model" in reason:
                with self.assertRaisesRegex(UserError, reason):
                    self.press("open_related_action", uuid)
            else:
                action = self.press("open_related_action", uuid)
                self.assertEqual(action["res_id"], self.partner_ids[-1])

    def test_form_and_list_open(self):
        for uuid, _reason in self.unloadable():
            with self.transaction(self.manager_id) as env:
                jobs = env["queue.job"].search([("uuid", "=", uuid)])
                for kind in ("form", "list", "kanban"):
                    view = jobs.get_views([(False, kind)])["models"]["queue.job"]
                    fields = dict.fromkeys(view["fields"], {})
                    self.assertTrue(jobs.web_read(fields)[0]["name"])

    def test_closing_one_closes_those_behind_it(self):
        partner_ids = [self.partner_of_nobody(), self.partner_of_nobody()]
        with self.transaction() as env:
            first, second = (
                env["res.partner"].browse(id_).delayable().write({"ref": "x"})
                for id_ in partner_ids
            )
            first.on_done(second).delay()
            uuids = [each._generated_job.uuid for each in (first, second)]
        self.uuids += uuids
        self.lose_method(uuids[0])
        self.press("button_cancelled", uuids[0])
        states = [self.job(uuid, "state")["state"] for uuid in uuids]
        self.assertEqual(states, ["cancelled", "cancelled"])

    # -- of a synchronization -------------------------------------------------

    def test_job_of_ours_is_requeued_though_its_user_is_gone(self):
        user_id = self.new_user()
        partner_id, uuid = self.edit_as(user_id)
        self.destination.answer(422)
        self.assertEqual(self.run_job(uuid), "failed")
        self.delete_user_by_sql(user_id)
        self.press("requeue", uuid)
        self.assertDelivered(partner_id, uuid)

    def test_ended_job_of_ours_is_requeued_though_its_user_is_gone(self):
        user_id = self.new_user()
        partner_id, uuid = self.edit_as(user_id)
        self.assertEqual(self.run_job(uuid), "done")
        self.delete_user(user_id)
        action = self.press("open_related_action", uuid)
        self.assertEqual(action["res_id"], partner_id)
        self.press("requeue", uuid)
        self.assertEqual(self.run_job(uuid), "done")

    def test_changes_of_a_closed_job_are_settled(self):
        for button in ("button_done", "button_cancelled"):
            with self.subTest(button):
                partner_id, uuid = self.edit_as(SUPERUSER_ID)
                self.lose_model(uuid)
                self.press(button, uuid)
                self.assertFalse(self.outbox(partner_id))
                self.assertTrue(self.binding(partner_id)["skipped"])


@tagged("post_install", "-at_install")
class TestRunJobRoute(HttpCase):
    """The address that the runner calls leads to the addon's own controller."""

    def test_job_that_cannot_be_loaded_is_failed(self):
        job = self.env["queue.job"].with_delay()._test_job().db_record()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE queue_job SET state = 'enqueued', method_name = 'gone_method'"
            " WHERE id = %s",
            (job.id,),
        )
        self.env.invalidate_all()
        with mute_logger(OWN_LOGGER):
            answer = self.url_open(
                f"/queue_job/runjob?db={get_db_name()}&job_uuid={job.uuid}"
            )
        self.assertEqual(answer.status_code, 200)
        job.invalidate_recordset()
        self.assertEqual(job.state, "failed")
        self.assertIn("no longer has the method gone_method", job.failure_reason)
