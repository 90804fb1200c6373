# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A synchronization that is set up wrongly is held, and goes on once it is mended."""

from odoo import fields
from odoo.tests import new_test_user, tagged
from odoo.tools import html2plaintext

from ..engine import blame
from .backfill_case import BackfillCase
from .blame_case import BlameCase, everything, named
from .failure_mail_case import FailureMailCase
from .postgresql_case import PostgresqlCase

NAMES = [f"N{number:02}" for number in range(blame.OF_THE_LAST)]


class HeldCase(BlameCase):
    def hold(self, name="Ada"):
        """Have the first record find a wrong setting; return the UUID of its job."""
        self.refuse(everything(405))
        uuid = self.new_job(name=name)
        self.assertEqual(self.run_job(uuid), "pending")
        return uuid


@tagged("post_install", "-at_install")
class TestHeld(HeldCase):
    def test_first_record_holds_it(self):
        waiting = self.new_job(name="N9")
        uuid = self.hold()
        incident = self.held()
        self.assertEqual(incident["kind"], "settings")
        self.assertEqual(incident["setting"], "method")
        self.assertIn("answered 405", incident["reason"])
        for each in (uuid, waiting):
            self.assertHeld(each)
            reason = self.job(each, "state_reason")["state_reason"]
            self.assertRegex(
                reason, "Contacts to CRM is held since .*; sent when its settings"
            )
        self.assertFalse(self.job_uuids("failed"))
        self.assertEqual(len(self.destination.requests), 1)

    def test_record_in_a_batch_uses_no_try(self):
        self.change_stream(batch_size=10)
        self.refuse(everything(405))
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": name} for name in NAMES[:9]])
            self.partner_ids += partners.ids
        self.assertEqual(self.run_pending(), ["pending"] * len(self.job_uuids()))
        for uuid in self.job_uuids():
            self.assertHeld(uuid)
        self.assertLessEqual(len(self.destination.requests), 8, "those at once")

    def test_edit_meanwhile_waits(self):
        self.hold()
        self.assertHeld(self.new_job(name="N9"))

    def test_what_is_told_of_others_uses_no_try(self):
        self.takes_along = True
        first, second = self.new_job(name="N1"), self.new_job(name="N2")
        self.refuse(everything(405))
        self.run_job(first)
        for uuid in (first, second):
            self.assertHeld(uuid)

    def test_other_synchronizations_of_the_system_go_on(self):
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            values = {"name": "More", "endpoint": "more", "state": "live"}
            other_id = stream.copy(values).id
        self.addCleanup(self._drop_stream, other_id)
        self.refuse(
            lambda request: 405 if request.path.startswith("/contacts") else None
        )
        self.new_partner()
        self.assertEqual(self.run_pending(), ["pending"])
        mine = [("sync_stream_id", "=", other_id)]
        (job,) = self.read("queue.job", mine, ["uuid", "sync_wait_key"])
        self.assertFalse(job["sync_wait_key"])
        self.assertEqual(self.run_job(job["uuid"]), "done")
        (backend,) = self.read(
            "sync.backend",
            [("id", "=", self.backend_id)],
            ["incident_id", "status", "problems"],
        )
        self.assertFalse(backend["incident_id"])
        self.assertEqual(backend["status"], "up")
        (problem,) = backend["problems"]
        self.assertEqual(problem["id"], self.stream_id)
        self.assertIn("answered 405", problem["reason"])

    def _drop_stream(self, stream_id):
        with self.transaction() as env:
            mine = [("sync_stream_id", "=", stream_id)]
            env["queue.job"].search(mine).unlink()
            stream = env["sync.stream"].browse(stream_id)
            for owned in stream._owned:
                env.cr.execute(
                    f"DELETE FROM {owned.table} WHERE {owned.link} = %s", (stream_id,)
                )
            stream.unlink()

    def test_one_record_is_tried_and_all_follow(self):
        self.takes_along = True
        first = self.hold("N1")
        rest = self.new_jobs("N2", "N3", "N4")
        self.stop_refusing()
        asked = len(self.destination.requests)
        self.edit_mapping()
        (trial,) = self.ready()
        self.assertEqual(trial, first, "the oldest of the most urgent")
        self.assertEqual(self.held()["trial_uuid"], trial)
        self.assertEqual(self.run_job(trial), "done")
        self.assertGoesOn()
        self.run_until_idle()
        self.assertEqual(self.states([first, *rest]), ["done"] * 4)
        self.assertEqual(self.names_there(), ["N1", "N2", "N3", "N4"])
        self.assertEqual(len(self.destination.requests) - asked, 4)

    def test_still_wrong(self):
        self.takes_along = True
        uuids = [self.hold("N1"), *self.new_jobs("N2", "N3")]
        asked = len(self.destination.requests)
        for number in range(1, 3):
            self.edit_mapping()
            (trial,) = self.ready()
            self.assertEqual(self.run_job(trial), "pending")
            self.assertEqual(len(self.destination.requests) - asked, number)
            for uuid in uuids:
                self.assertHeld(uuid)
            self.assertFalse(self.held()["trial_uuid"])
        self.assertEqual(len(self.incidents()), 1)

    def test_wrong_in_another_way(self):
        self.hold()
        self.assertIn("405", self.held()["reason"])
        self.refuse(everything(422))
        self.edit_mapping()
        (trial,) = self.ready()
        self.assertEqual(self.run_job(trial), "pending")
        self.assertHeld(trial)
        self.assertIn("no (422)", self.held()["reason"])

    def test_one_that_is_refused_for_itself_hides_nothing(self):
        bad = self.hold("bad")
        good = self.new_job(name="N2")
        self.refuse(named("bad", status=422))
        self.edit_mapping()
        self.assertEqual(self.ready(), [bad])
        self.assertEqual(self.run_job(bad), "pending")
        self.assertEqual(self.ready(), [good], "the next one is tried")
        self.assertEqual(self.run_job(good), "done")
        self.assertGoesOn()
        self.run_until_idle()
        self.assertEqual(self.states([bad, good]), ["failed", "done"])

    def test_settings_that_are_tried(self):
        self.hold()
        for values in (
            {"endpoint": "people"},
            {"update_method": "patch"},
            {"external_id_key": "data.id"},
            {"batch_endpoint": False},
            {"key_column": "id"},
        ):
            with self.subTest(values):
                self.change_stream(**values)
                self.assertTried()
        for values in ({"url": self.destination.url}, {"auth_secret": "s3cret"}):
            with self.subTest(list(values)):
                self.change_backend(**values)
                self.assertTried()
        for values in ({"priority": 4}, {"name": "Contacts"}):
            self.change_stream(**values)
            self.assertFalse(self.ready())

    def test_lines_that_are_made_and_removed(self):
        self.hold()
        line = {"field_path": "ref", "target": "ref"}
        self.change_stream(mapping_ids=[fields.Command.create(line)])
        self.assertTried()
        mine = [("stream_id", "=", self.stream_id), ("target", "=", "ref")]
        (line,) = self.read("sync.mapping", mine, ["target"])
        with self.transaction() as env:
            env["sync.mapping"].browse(line["id"]).target = "reference"
        self.assertTried()
        with self.transaction() as env:
            env["sync.mapping"].browse(line["id"]).unlink()
        self.assertTried()

    def assertTried(self):
        (trial,) = self.ready()
        self.run_job(trial)
        self.assertHeld(trial)

    def test_button(self):
        uuid = self.hold()
        self.stop_refusing()
        manager = self.new_manager()
        with self.transaction(manager) as env:
            env["sync.stream"].browse(self.stream_id).action_try_again()
        self.assertEqual(self.ready(), [uuid])
        with self.transaction(manager) as env:
            incident = env["sync.incident"].browse(self.held()["id"])
            incident.action_try_again()
            action = incident.action_open_stream()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("sync.stream", self.stream_id)
        )
        self.assertEqual(self.run_job(uuid), "done")
        self.assertGoesOn()

    def new_manager(self):
        with self.transaction() as env:
            groups = "base.group_user,queue_job.group_queue_job_manager"
            user = new_test_user(env, "sync_held_manager", groups=groups)
        self.addCleanup(self._delete_user, user.id)
        return user.id

    def _delete_user(self, user_id):
        with self.transaction() as env:
            partner = env["res.users"].browse(user_id).partner_id
            env["res.users"].browse(user_id).unlink()
            partner.unlink()

    def test_person_resumes(self):
        uuids = [self.hold("N1"), *self.new_jobs("N2")]
        self.stop_refusing()
        with self.transaction() as env:
            env["sync.stream"].browse(self.stream_id).action_resume()
        self.assertGoesOn()
        self.assertTrue(self.incident()["closed_uid"])
        self.run_until_idle()
        self.assertEqual(self.states(uuids), ["done"] * 2)

    def test_resumed_although_it_is_wrong(self):
        uuid = self.hold()
        with self.transaction() as env:
            env["sync.stream"].browse(self.stream_id).action_resume()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertHeld(uuid)
        self.assertEqual(len(self.incidents()), 2)

    def test_nobody_left_to_try(self):
        uuid = self.hold()
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", uuid)]).button_cancelled()
        self.edit_mapping()
        self.assertGoesOn()

    def test_trial_that_has_nothing_to_send(self):
        uuid, partner_id = self.hold("N1"), self.partner_ids[-1]
        other = self.new_job(name="N2")
        self.stop_refusing()
        with self.transaction() as env:
            env["sync.outbox"].search([("res_id", "=", partner_id)]).unlink()
        self.edit_mapping()
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.held()["trial_uuid"], uuid)
        self.watch()
        self.assertEqual(self.ready(), [other], "another one is tried")
        self.assertEqual(self.run_job(other), "done")
        self.assertGoesOn()

    def test_trial_that_is_lost(self):
        uuid, other = self.hold("N1"), self.new_job(name="N2")
        self.edit_mapping()
        self.assertEqual(self.ready(), [uuid])
        for lost in ("DELETE FROM queue_job", "UPDATE queue_job SET state = 'failed'"):
            with self.registry.cursor() as cr:
                cr.execute(
                    f"{lost} WHERE uuid = %s", (self.held()["trial_uuid"] or None,)
                )
            self.watch()
            self.assertLessEqual({*self.ready()}, {other})
        self.assertFalse(self.ready())

    def test_saved_while_a_trial_is_under_way(self):
        """It was refused for what is mended by then, and so is not the last word."""
        uuid = self.hold()
        self.edit_mapping()
        with self.started(uuid):
            self.edit_mapping()
            self.assertTrue(self.held()["again"])
        self.assertAwakeSoon(uuid)
        self.stop_refusing()
        self.assertEqual(self.run_job(uuid), "done")
        self.assertGoesOn()

    def test_saved_twice_before_the_trial_begins(self):
        uuid = self.hold()
        asked = len(self.destination.requests)
        self.edit_mapping()
        self.change_stream(endpoint="people")
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertHeld(uuid)
        self.assertEqual(len(self.destination.requests) - asked, 1)

    def assertAwakeSoon(self, uuid):
        job = self.job(uuid, "state", "retry", "sync_wait_key")
        self.assertEqual(
            (job["state"], job["retry"], job["sync_wait_key"]), ("pending", 0, False)
        )
        self.assertLess(self.seconds_until(uuid), 15)
        self.assertEqual(self.held()["trial_uuid"], uuid)

    def test_system_that_is_paused_meanwhile(self):
        uuid = self.hold()
        self.pause()
        self.stop_refusing()
        self.edit_mapping()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertAsleep(uuid)
        self.resume()
        self.assertEqual(self.ready(), [uuid])
        self.assertEqual(self.run_job(uuid), "done")
        self.assertGoesOn()

    def test_deleted_with_its_synchronization(self):
        self.hold()
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            self.assertIn("sync_incident", {owned.table for owned in stream._owned})
            self.assertTrue(stream._owns_rows())


@tagged("post_install", "-at_install")
class TestHeldMail(FailureMailCase, HeldCase):
    def watch_mails(self):
        """Do what the cron does; return subjects and texts of the mails so far."""
        self.watch()
        with self.transaction() as env:
            domain = [("model", "=", "sync.incident")]
            return [
                (mail.subject, " ".join(html2plaintext(mail.body_html).split()))
                for mail in env["mail.mail"].search(domain, order="id")
            ]

    def test_one_mail_when_it_is_held_and_one_when_it_goes_on(self):
        uuids = [self.hold("N1"), *self.new_jobs("N2", "N3")]
        for _each in range(2):
            self.run_each(uuids)
            ((subject, text),) = self.watch_mails()
            self.assertEqual(subject, "Contacts to CRM is held")
            self.assertIn("answered 405", text)
            self.assertIn("Open the mapping", text)
        self.stop_refusing()
        self.edit_mapping()
        self.run_until_idle()
        for _each in range(2):
            _held, (subject, text) = self.watch_mails()
            self.assertEqual(subject, "Contacts to CRM goes on")
        self.notify()
        for uuid in uuids:
            self.assertMails(uuid, 0)


@tagged("post_install", "-at_install")
class TestHeldForRefusals(HeldCase):
    """20 of its last 25 records are refused alike."""

    takes_along = False

    def refuse_many(self, status=422, count=blame.REFUSED):
        """Have so many records refused; return the UUIDs of their jobs."""
        self.refuse(everything(status))
        uuids = self.new_jobs(*NAMES[: count - 1])
        self.assertEqual(self.run_each(uuids), ["failed"] * (count - 1))
        self.assertGoesOn()
        uuids += self.new_jobs(NAMES[count - 1])
        self.run_job(uuids[-1])
        return uuids

    def test_held_and_nobody_has_to_decide(self):
        uuids = self.refuse_many()
        incident = self.held()
        self.assertEqual(
            (incident["kind"], incident["setting"]), ("settings", "mapping")
        )
        self.assertIn("no (422)", incident["reason"])
        for uuid in uuids:
            self.assertHeld(uuid)
        self.assertFalse(self.job_uuids("failed"))

    def test_all_follow_once_it_is_mended(self):
        uuids = self.refuse_many()
        uuids += self.new_jobs("later")
        self.stop_refusing()
        self.edit_mapping()
        self.assertEqual(len(self.ready()), 1)
        self.run_until_idle()
        self.assertEqual({*self.states(uuids)}, {"done"})
        self.assertEqual(self.names_there(), [*NAMES[: blame.REFUSED], "later"])
        self.assertGoesOn()

    def test_what_was_refused_before_does_not_count_once_it_is_mended(self):
        uuids = self.refuse_many()
        # all but the first are refused for themselves
        self.refuse(named(*NAMES[1:4], status=422))
        self.edit_mapping()
        self.run_until_idle()
        self.assertGoesOn()
        self.assertEqual(self.states(uuids).count("failed"), 3)
        self.assertEqual(self.states(uuids).count("done"), blame.REFUSED - 3)
        self.assertEqual(len(self.incidents()), 1)

    def test_still_refused(self):
        uuids = self.refuse_many()
        asked = len(self.destination.requests)
        self.edit_mapping()
        self.run_until_idle()
        for uuid in uuids:
            self.assertHeld(uuid)
        # any of them might be refused for itself
        self.assertEqual(len(self.destination.requests) - asked, 5)
        self.edit_mapping()
        (trial,) = self.ready()
        self.assertEqual(trial, uuids[5], "others go first")

    def test_five_that_are_taken_among_the_last_are_few(self):
        self.run_each(self.new_jobs("A", "B", "C", "D", "E"))
        self.refuse_many()
        self.held()

    def test_six_that_are_taken_among_the_last_are_many(self):
        self.refuse(everything(422))
        self.run_each(self.new_jobs(*NAMES[:13]))
        self.stop_refusing()
        self.run_each(self.new_jobs("A", "B", "C", "D", "E", "F"))
        self.refuse(everything(422))
        self.run_each(self.new_jobs(*NAMES[13:19]))
        self.run_each(self.new_jobs("G", "H", "I", "J", "K"))
        self.assertGoesOn()
        self.assertEqual(len(self.job_uuids("failed")), 24)

    def test_tries_of_the_same_records_do_not_count(self):
        self.refuse(everything(422))
        uuids = self.new_jobs(*NAMES[:5])
        for _each in range(6):
            self.assertEqual(self.run_each(uuids), ["failed"] * 5)
            with self.transaction() as env:
                env["queue.job"].search([("uuid", "in", uuids)]).requeue()
        self.assertGoesOn()

    def test_every_second_one_is_refused(self):
        """In batches, which leave those that are refused to jobs of their own."""
        self.takes_along = True
        self.change_stream(batch_size=8)
        names = [f"N{number:03}" for number in range(120)]
        self.refuse(named(*names[::2], status=422))
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": name} for name in names])
            self.partner_ids += partners.ids
        self.run_until_idle(rounds=200)
        self.assertGoesOn()
        self.assertEqual(len(self.job_uuids("failed")), 60)
        self.assertEqual(self.names_there(), names[1::2])

    def test_refused_in_different_ways(self):
        for number, name in enumerate(NAMES):
            self.refuse(everything((422, 400, 409)[number % 3]))
            self.assertEqual(self.run_each(self.new_jobs(name)), ["failed"])
        self.assertGoesOn()

    def test_cancelled_by_a_person_stays_so(self):
        self.refuse(everything(422))
        cancelled = self.new_job(name="cancelled")
        self.run_job(cancelled)
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", cancelled)]).button_cancelled()
        uuids = self.new_jobs(*NAMES[: blame.REFUSED - 1])
        self.run_each(uuids)
        self.held()
        self.assertEqual(self.states([cancelled]), ["cancelled"])

    def test_batch(self):
        self.change_stream(batch_size=30)
        self.refuse(everything(422))
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": name} for name in NAMES])
            self.partner_ids += partners.ids
        for _round in range(3):
            for uuid in self.ready():
                self.run_job(uuid)
        self.held()
        self.assertFalse(self.job_uuids("failed"))
        self.stop_refusing()
        self.edit_mapping()
        self.run_until_idle()
        self.assertEqual(self.names_there(), NAMES)


@tagged("post_install", "-at_install")
class TestHeldForIds(HeldCase):
    """Three new records in a row have no id where it is looked for."""

    def setUp(self):
        super().setUp()
        self.change_stream(external_id_key="data.id")

    def deliver(self, *names):
        uuids = self.new_jobs(*names)
        self.assertEqual(self.run_each(uuids), ["done"] * len(names))

    def test_held_after_three(self):
        self.deliver("N1", "N2")
        self.assertGoesOn()
        self.deliver("N3")
        incident = self.held()
        self.assertEqual((incident["kind"], incident["setting"]), ("settings", "id"))
        self.assertIn("hold no ID", incident["reason"])
        self.assertHeld(self.new_job(name="N4"))
        self.assertEqual(len(self.destination.requests), 3)

    def test_goes_on_with_the_first_that_has_one(self):
        self.deliver("N1", "N2", "N3")
        uuids = self.new_jobs("N4", "N5")
        self.change_stream(external_id_key="nowhere")
        (trial,) = self.ready()
        self.assertEqual(self.run_job(trial), "done", "it is there")
        self.assertEqual(self.held()["setting"], "id")
        self.assertFalse(self.ready(), "no more of them")
        self.change_stream(external_id_key="id")
        (trial,) = self.ready()
        self.assertEqual(self.run_job(trial), "done")
        self.assertGoesOn()
        self.assertEqual(self.states(uuids), ["done"] * 2)
        self.deliver("N6")
        self.assertGoesOn()

    def test_one_with_an_id_begins_a_new_row(self):
        self.deliver("N1", "N2")
        self.change_stream(external_id_key="id")
        self.deliver("N3")
        self.change_stream(external_id_key="data.id")
        self.deliver("N4", "N5")
        self.assertGoesOn()
        self.deliver("N6")
        self.held()

    def test_updates_are_no_creations(self):
        self.change_stream(external_id_key="id")
        self.deliver("N1")
        partner_id = self.partner_ids[-1]
        self.change_stream(external_id_key="data.id")
        for number in range(3):
            self.deliver(f"A{number}")
            if number < 2:
                self.edit(partner_id, name=f"N1 {number}")
                self.assertEqual(self.run_job(self.job_uuids()[-1]), "done")
                self.assertGoesOn()
        self.held()

    def test_ids_of_odoo_need_none(self):
        self.destination.upsert = True
        self.change_stream(id_policy="odoo")
        self.deliver("N1", "N2", "N3", "N4")
        self.assertGoesOn()


@tagged("post_install", "-at_install")
class TestHeldTable(HeldCase, PostgresqlCase):
    """A column that is not there."""

    def setUp(self):
        super().setUp()
        self.change_stream(table="contacts", mapping_ids=self.lines("name"))
        self.change_backend(**self.system_values())

    def lines(self, target):
        return [
            fields.Command.clear(),
            fields.Command.create({"field_path": "name", "target": target}),
        ]

    def test_unknown_column(self):
        self.change_stream(mapping_ids=self.lines("nmae"))
        uuids = self.new_jobs("N1", "N2", "N3")
        self.assertEqual(self.run_each(uuids), ["pending"] * 3)
        for uuid in uuids:
            self.assertHeld(uuid)
        self.assertEqual(self.held()["setting"], "mapping")
        self.assertIn("nmae", self.held()["reason"])
        self.change_stream(mapping_ids=self.lines("name"))
        self.run_until_idle()
        self.assertGoesOn()
        self.assertEqual(self.states(uuids), ["done"] * 3)
        found = self.query("SELECT name FROM contacts ORDER BY name")
        self.assertEqual(found, [("N1",), ("N2",), ("N3",)])


@tagged("post_install", "-at_install")
class TestHeldBackfill(BackfillCase, HeldCase):
    """A backfill queues nothing while its synchronization is held."""

    stream_options = BackfillCase.stream_options

    def test_stops_and_goes_on(self):
        self.refuse(everything(405))
        self.fill(60)
        self.start()
        for _round in range(8):
            ready = [uuid for uuid in self.in_order() if self.is_ready(uuid)]
            if not ready:
                break
            self.run_job(ready[0])
        self.assertFalse(ready, "nothing goes on")
        step = self.step()
        key = self.job(step, "sync_wait_key")["sync_wait_key"]
        self.assertIn(key, (f"stream:{self.stream_id}", f"backfill:{self.backfill_id}"))
        backfill = self.backfill()
        self.assertEqual(backfill["state"], "running")
        self.assertIn("sent when its settings are mended", backfill["hint"])
        queued = backfill["queued"]
        self.watch()
        self.assertEqual(self.backfill()["queued"], queued)
        self.stop_refusing()
        self.edit_mapping()
        self.run_all()
        self.assertEqual(self.backfill()["state"], "done")
        self.assertEqual(len(self.destination.records), 60)
        self.assertGoesOn()

    def is_ready(self, uuid):
        return not self.job(uuid, "sync_wait_key")["sync_wait_key"]
