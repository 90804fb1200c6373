# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ..engine import store
from .incident_case import THRESHOLD, IncidentCase

DOWN = (
    r"^CRM is down since \d.* UTC; sent when it is back\. Reason: Connection refused$"
)


@tagged("post_install", "-at_install")
class TestIncident(IncidentCase):
    """When an incident opens, and how many there are."""

    def test_attempts_without_an_answer_open_one_incident(self):
        self.break_down()
        self.attempt(THRESHOLD - 1)
        self.assertFalse(self.incidents())
        self.attempt()
        incident = self.incident()
        self.assertEqual(incident["kind"], "outage")
        self.assertIn("refused", incident["reason"])
        self.assertFalse(incident["closed"])
        self.attempt(2)
        self.assertEqual(len(self.incidents()), 1)

    def test_system_that_is_never_reached_opens_one_too(self):
        self.change_stream(table="contacts")
        self.change_backend(
            transport="postgresql",
            db_host="127.0.0.1",
            db_port=1,
            db_name="crm",
            db_user="crm",
        )
        self.attempt(THRESHOLD)
        self.assertEqual(self.incident()["kind"], "outage")

    def test_batch_counts_as_one_attempt(self):
        self.change_stream(batch_size=2)
        self.break_down()
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": "Ada"}] * (THRESHOLD + 1))
            self.partner_ids += partners.ids
        first, _second = self.job_uuids()
        self.run_job(first)
        self.assertFalse(self.incidents())

    def test_answer_starts_the_count_again(self):
        for answer, state in ((200, "done"), (422, "failed"), (500, "pending")):
            with self.subTest(answer):
                self.mend()
                self.assertEqual(self.run_job(self.new_job()), "done")
                self.break_down()
                self.attempt(THRESHOLD - 1)
                self.mend()
                if answer != 200:
                    self.destination.answer(answer)
                self.assertEqual(self.run_job(self.new_job()), state)
                self.break_down()
                self.attempt(THRESHOLD - 1)
                self.assertFalse(self.incidents())
        self.attempt()
        self.assertEqual(len(self.incidents()), 1)

    def test_other_failures_do_not_count(self):
        for status, headers in (
            (422, None),
            (500, None),
            (429, {"Retry-After": "60"}),
        ):
            self.destination.answer(status, headers=headers, times=THRESHOLD + 1)
            self.attempt(THRESHOLD + 1)
            self.assertFalse(self.incidents())

    def test_another_system_that_is_down_does_not_count(self):
        other = self.new_system()
        self.break_down()
        self.attempt(THRESHOLD - 1)
        with self.transaction() as env:
            env["sync.delivery"].create(
                {
                    "stream_id": other.stream_id,
                    "res_id": self.partner_ids[-1],
                    "operation": "upsert",
                    "state": "failed",
                    "error_kind": "unreachable",
                }
            )
            env.flush_all()
            down = store.Alike("unreachable")
            for system, count in (
                (other.backend_id, 1),
                (self.backend_id, THRESHOLD - 1),
            ):
                row = store.alike_in_a_row(env.cr, system, down)
                self.assertEqual(len(row), count)

    def test_system_that_is_not_to_be_paused(self):
        self.change_backend(pause_on_outage=False)
        self.break_down()
        uuids = self.attempt(THRESHOLD + 2)
        self.assertFalse(self.incidents())
        for uuid in uuids:
            self.assertEqual(self.job(uuid, "retry")["retry"], 1)

    def test_two_workers_open_one_incident(self):
        with self.just_before("create", self.open_outage):
            hold = self.open_outage("me too")
        self.assertEqual(self.incident()["reason"], "Connection refused")
        self.assertRegex(hold, DOWN)
        self.assertEqual(len(self.probes()), 1)

    def test_two_workers_reopen_one_incident(self):
        self.open_outage()
        self.close_outage()
        with self.just_before("write", self.open_outage):
            hold = self.open_outage("me too")
        self.assertFalse(self.incident()["closed"])
        self.assertRegex(hold, DOWN)
        # that of the first time, which nobody has run, and one of the second
        self.assertEqual(len(self.probes()), 2)

    def test_relapse_is_the_same_incident(self):
        self.open_outage()
        self.change_incident(probes=4)
        for probe in self.probes("pending"):
            self.assertEqual(self.run_job(probe), "done")
        self.assertTrue(self.incident()["closed"])
        self.open_outage("again")
        incident = self.incident()
        self.assertFalse(incident["closed"])
        (probe,) = self.probes("pending")
        self.assertAlmostEqual(self.seconds_until(probe), 240, delta=5)

    def test_later_outage_is_another_incident(self):
        self.open_outage()
        self.close_outage()
        self.change_incident(closed=fields.Datetime.now() - timedelta(minutes=11))
        self.open_outage()
        self.assertEqual(len(self.incidents()), 2)

    def test_outage_after_a_person_resumed_is_another_incident(self):
        self.open_outage()
        self.press("action_resume")
        self.open_outage()
        self.assertEqual(len(self.incidents()), 2)

    def test_system_of_an_incident_is_found(self):
        def found(operator, value):
            return self.read(
                "sync.backend",
                [("id", "=", self.backend_id), ("incident_id", operator, value)],
                ["incident_id", "incident_text"],
            )

        self.assertTrue(found("=", False))
        self.assertFalse(found("!=", False))
        self.open_outage()
        incident_id = self.incident()["id"]
        (backend,) = found("=", incident_id)
        self.assertEqual(backend["incident_id"][0], incident_id)
        self.assertIn("Connection refused", backend["incident_text"])
        self.assertTrue(found("!=", False))
        self.assertFalse(found("=", False))
        self.close_outage()
        self.assertFalse(found("=", incident_id))
        self.assertTrue(found("=", False))
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id).action_pause()
        self.assertFalse(found("=", incident_id), "it is another one that is open")
