# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who is at fault for what records have met: the record, or its system."""

from odoo.tests import tagged

from ..engine import store
from ..engine.store import Alike
from .blame_case import BlameCase, everything, named
from .incident_case import IncidentCase

NAMES = [f"N{number}" for number in range(10)]


@tagged("post_install", "-at_install")
class TestBlameRecord(BlameCase):
    """What one record meets is its own."""

    def test_one_of_ten_fails_alone(self):
        self.refuse(named("N3"))
        uuids = self.new_jobs(*NAMES)
        states = self.run_each(uuids)
        self.assertEqual(states, ["done"] * 3 + ["failed"] + ["done"] * 6)
        self.assertEqual(self.job(uuids[3], "retry")["retry"], 1, "at once")
        self.assertGoesOn()
        self.assertEqual(self.names_there(), sorted({*NAMES} - {"N3"}))

    def test_body_that_nothing_lets_through_is_its_records_failure(self):
        self.change_stream(batch_size=20)
        self.destination.resets = named("N9")
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": f"N{n}"} for n in range(20)])
        self.partner_ids += partners.ids
        (batch,) = self.job_uuids()
        self.assertEqual(self.run_job(batch), "done")
        self.assertEqual(len(self.destination.records), 19)
        self.assertGoesOn()
        (own,) = self.job_uuids("pending")
        for state in ("pending", "pending", "failed"):
            self.assertEqual(self.run_job(own), state)
        self.assertGoesOn()
        self.assertEqual(self.run_job(self.new_job(name="Last")), "done")

    def test_one_of_a_batch_fails_alone(self):
        self.change_stream(batch_size=10)
        self.refuse(named("N3"))
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": name} for name in NAMES])
            self.partner_ids += partners.ids
        for uuid in self.job_uuids("pending"):
            self.run_job(uuid)
        for uuid in self.job_uuids("pending"):
            self.run_job(uuid)
        failed = self.job_uuids("failed")
        self.assertEqual(len(failed), 1)
        self.assertFalse(self.job_uuids("pending"))
        self.assertGoesOn()
        self.assertEqual(self.names_there(), sorted({*NAMES} - {"N3"}))

    def test_missing_item_that_is_forbidden_does_not_flap(self):
        """It is edited again and again, and nothing else is."""
        partner_id = self.new_partner(name="Ada")
        self.assertEqual(self.run_pending(), ["done"])
        self.destination.records.clear()
        self.refuse(everything(403))
        for number in range(2 * self.threshold):
            self.edit(partner_id, name=f"Ada {number}")
            uuid = self.job_uuids("pending")[0]
            self.assertEqual(self.run_job(uuid), "failed")
        self.assertFalse(self.incidents())
        self.assertEqual(len(self.destination.requests), 1 + 2 * self.threshold)

    def test_records_that_were_refused_before_the_system_worked_do_not_count(self):
        """Five are forbidden; they are requeued, one after the other, for ever."""
        self.refuse(named(*NAMES[:5]))
        refused = self.new_jobs(*NAMES[:4])
        self.assertEqual(self.run_each(refused), ["failed"] * 4)
        self.assertEqual(self.run_each(self.new_jobs("N8")), ["done"])
        refused += self.new_jobs("N4")
        self.assertEqual(self.run_job(refused[-1]), "failed")
        self.assertEqual(self.run_each(self.new_jobs("N9")), ["done"])
        for _each in range(3):
            with self.transaction() as env:
                jobs = env["queue.job"].search([("uuid", "in", refused)])
                jobs.requeue()
            self.assertEqual(self.run_each(refused), ["failed"] * 5)
            self.assertFalse(self.incidents())

    def test_different_refusals_are_no_row(self):
        for number, name in enumerate(NAMES):
            self.refuse(everything((403, 451)[number % 2]))
            self.assertEqual(self.run_each(self.new_jobs(name)), ["failed"])
        self.assertFalse(self.incidents())

    def test_refused_content_never_pauses_the_system(self):
        self.refuse(everything(422))
        self.assertEqual(self.run_each(self.new_jobs(*NAMES)), ["failed"] * 10)
        self.assertGoesOn()


@tagged("post_install", "-at_install")
class TestBlameSystem(BlameCase):
    """What different records meet in a row is the system's."""

    def break_credentials(self):
        """Have five different records refused; return the UUIDs of their jobs."""
        self.refuse(everything(403))
        uuids = self.new_jobs(*NAMES[:5])
        self.assertEqual(self.run_each(uuids[:4]), ["failed"] * 4)
        self.assertGoesOn()
        self.assertEqual(self.run_job(uuids[4]), "pending")
        return uuids

    def test_five_different_records_in_a_row(self):
        waiting = self.new_job(name="N9")
        uuids = self.break_credentials()
        incident = self.incident()
        self.assertEqual((incident["kind"], incident["stream_id"]), ("outage", False))
        self.assertIn("no (403)", incident["reason"])
        for uuid in (*uuids, waiting):
            self.assertAsleep(uuid)
        reason = self.job(waiting, "state_reason")["state_reason"]
        self.assertIn("CRM refuses whatever is sent", reason)
        self.assertFalse(self.job_uuids("failed"), "nobody has to decide about them")

    def test_batch_that_is_refused_as_a_whole(self):
        self.change_stream(batch_size=10)
        self.refuse(everything(403))
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": name} for name in NAMES])
            self.partner_ids += partners.ids
        self.run_job(self.job_uuids("pending")[0])
        self.assertEqual(self.incident()["kind"], "outage")
        for uuid in self.job_uuids("pending"):
            self.run_job(uuid)
        self.assertFalse(self.job_uuids("failed"))
        self.stop_refusing()
        self.run_job(self.probes("pending")[0])
        self.run_until_idle()
        self.assertGoesOn()
        self.assertEqual(self.names_there(), NAMES)

    def test_all_follow_once_it_is_mended(self):
        waiting = self.new_job(name="N9")
        uuids = self.break_credentials()
        self.stop_refusing()
        (probe,) = self.probes("pending")
        asked = len(self.destination.requests)
        self.assertEqual(self.run_job(probe), "pending", "it only lets a job through")
        (trial,) = self.ready()
        self.assertEqual(self.incident()["trial_uuid"], trial)
        self.assertEqual(self.run_job(trial), "done")
        self.assertGoesOn()
        self.run_until_idle()
        self.assertEqual(self.states([*uuids, waiting]), ["done"] * 6)
        self.assertEqual(self.names_there(), [*NAMES[:5], "N9"])
        self.assertEqual(self.run_job(probe), "done")
        # each record once: the probe has no question of its own
        self.assertEqual(len(self.destination.requests) - asked, 6)
        self.assertFalse(self.incident()["closed_uid"])

    def test_one_is_tried_at_a_time_and_another_each_time(self):
        uuids = self.break_credentials()
        self.takes_along = True
        (probe,) = self.probes("pending")
        tried = []
        for number in range(1, 4):
            asked = len(self.destination.requests)
            self.assertEqual(self.run_job(probe), "pending")
            (trial,) = self.ready()
            self.assertEqual(self.run_job(trial), "pending")
            self.assertAsleep(trial)
            self.assertEqual(len(self.destination.requests) - asked, 1)
            self.assertEqual(self.incident()["probes"], number)
            tried.append(trial)
        self.assertEqual(len({*tried}), 3)
        self.assertFalse(self.job_uuids("failed"))
        self.assertFalse(self.incident()["closed"])
        self.assertLessEqual({*tried}, {*uuids})

    def test_one_that_is_refused_for_itself_does_not_hold_up_the_others(self):
        uuids = self.break_credentials()
        # only the five were forbidden all along
        self.refuse(named(*NAMES[:5]))
        fine = self.new_job(name="N7")
        self.assertAsleep(fine)
        (probe,) = self.probes("pending")
        for _each in range(7):
            self.run_job(probe)
            for trial in self.ready():
                self.run_job(trial)
        self.assertEqual(self.job(fine, "state")["state"], "done")
        self.run_until_idle()
        # they had failed before it went through: it is their own
        self.assertEqual(self.states(uuids), ["failed"] * 5)
        self.assertGoesOn()
        self.assertEqual(len(self.incidents()), 1)

    def test_content_that_is_refused_shows_that_it_works(self):
        uuids = self.break_credentials()
        self.refuse(everything(422))
        self.run_job(self.probes("pending")[0])
        (trial,) = self.ready()
        self.assertEqual(self.run_job(trial), "failed")
        self.assertGoesOn()
        self.assertEqual(len(self.asleep()), 3, "the next one has been woken")
        self.stop_refusing()
        self.run_until_idle()
        self.assertEqual(sorted(self.states(uuids)), ["done"] * 4 + ["failed"])

    def test_credentials_are_changed(self):
        uuids = self.break_credentials()
        self.stop_refusing()
        self.change_backend(auth_secret="another")
        (trial,) = self.ready()
        self.assertEqual(self.run_job(trial), "done")
        self.run_until_idle()
        self.assertEqual(self.states(uuids), ["done"] * 5)
        self.assertGoesOn()

    def test_person_resumes(self):
        uuids = self.break_credentials()
        self.stop_refusing()
        self.resume()
        self.run_until_idle()
        self.assertEqual(self.states(uuids), ["done"] * 5)
        self.assertTrue(self.incident()["closed_uid"])

    def test_system_that_is_not_to_be_paused(self):
        self.change_backend(pause_on_outage=False)
        self.refuse(everything(403))
        uuids = self.new_jobs(*NAMES)
        self.assertEqual(self.run_each(uuids), ["failed"] * 10)
        self.assertGoesOn()

    def test_worker_that_dies_in_a_trial(self):
        self.break_credentials()
        (probe,) = self.probes("pending")
        self.run_job(probe)
        (trial,) = self.ready()
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", trial)]).button_cancelled()
        self.watch()
        self.assertFalse(self.incident()["trial_uuid"])
        self.run_job(probe)
        (another,) = self.ready()
        self.assertNotEqual(another, trial)

    def test_nobody_left_to_try(self):
        uuids = self.break_credentials()
        with self.transaction() as env:
            jobs = env["queue.job"].search([("uuid", "in", uuids)])
            jobs.button_cancelled()
        self.assertEqual(self.run_job(self.probes("pending")[0]), "done")
        self.assertGoesOn()

    def test_relapse_is_tried_with_a_record(self):
        """A probe that is answered while no record gets through proves nothing."""
        self.break_down()
        uuids = [self.new_job() for _each in range(self.threshold + 1)]
        self.run_each(uuids[: self.threshold])
        (probe,) = self.probes("pending")
        # it answers, and takes nothing
        self.close_outage()
        self.run_job(probe)
        (next_one,) = self.ready()
        self.assertEqual(self.run_job(next_one), "pending")
        incident = self.incident()
        self.assertFalse(incident["closed"])
        self.assertTrue(incident["by_record"])
        self.mend()
        self.run_job(self.probes("pending")[0])
        (trial,) = self.ready()
        self.assertFalse(self.incident()["closed"])
        self.assertEqual(self.run_job(trial), "done")
        self.assertGoesOn()


@tagged("post_install", "-at_install")
class TestBlameRow(BlameCase, IncidentCase):
    """What a row of failures is."""

    def test_tries_of_one_record_are_no_row(self):
        self.break_down()
        (uuid,) = self.attempt()
        for _each in range(self.threshold + 3):
            with self.transaction() as env:
                env["queue.job"].search([("uuid", "=", uuid)]).max_retries = 0
            self.assertEqual(self.run_job(uuid), "pending")
        self.assertFalse(self.incidents())
        self.attempt(self.threshold - 2)
        self.assertFalse(self.incidents())
        self.attempt()
        self.assertEqual(len(self.incidents()), 1)

    def test_different_records_are_tried_while_others_wait(self):
        """One is awake, and each that fails wakes the next: it is soon known."""
        self.takes_along = True
        # one after the other, as a database is sent to
        self.change_backend(jobs_at_once=1, concurrency=1)
        uuids = [self.new_job() for _each in range(2 * self.threshold)]
        self.pause()
        self.break_down()
        self.resume()
        for number in range(self.threshold):
            self.assertFalse(self.incidents()[1:], number)
            (uuid,) = self.ready()
            self.run_job(uuid)
        (incident,) = self.incidents()[1:]
        self.assertEqual(incident["kind"], "outage")
        self.assertEqual(len({*self.asleep()}), self.threshold + 1)
        self.assertLess({*self.asleep()}, {*uuids})

    def test_of_all_its_synchronizations(self):
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            other = stream.copy({"name": "More", "state": "live"})
            values = {"operation": "upsert", "state": "failed"}
            for number in range(self.threshold):
                env["sync.delivery"].create(
                    {
                        **values,
                        "stream_id": (stream, other)[number % 2].id,
                        "res_id": number,
                        "error_kind": "blocked",
                        "status": "403",
                    }
                )
            env.flush_all()
            backend = self.backend_id
            forbidden = Alike("blocked", "403")
            row = store.alike_in_a_row(env.cr, backend, forbidden)
            self.assertEqual(len(row), self.threshold)
            self.assertFalse(
                store.alike_in_a_row(env.cr, backend, Alike("blocked", "451"))
            )
            self.assertEqual(
                len(store.alike_in_a_row(env.cr, backend, Alike("blocked"))),
                self.threshold,
            )
            env.cr.rollback()
