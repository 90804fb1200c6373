# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .incident_case import IncidentCase


@tagged("post_install", "-at_install")
class TestIncidentProbe(IncidentCase):
    """The one job that asks a system that is down whether it is back."""

    def setUp(self):
        super().setUp()
        self.break_down()
        self.open_outage()

    def probe(self):
        """Return the only probe that waits."""
        (uuid,) = self.probes("pending")
        return uuid

    def test_intervals_grow_and_no_try_is_used(self):
        uuid = self.probe()
        for count, seconds in enumerate((15, 30, 60, 120, 240, 480, 900, 900)):
            self.assertAlmostEqual(self.seconds_until(uuid), seconds, delta=5)
            self.assertEqual(self.incident()["probes"], count)
            self.assertEqual(self.run_job(uuid), "pending")
            self.assertEqual(self.job(uuid, "retry")["retry"], 0)
        self.assertEqual(self.probes(), [uuid])
        self.assertFalse(self.incident()["closed"])

    def test_probe_is_no_delivery(self):
        self.run_job(self.probe())
        self.assertFalse(self.read("sync.delivery", [], ["id"], limit=1))
        self.assertFalse(self.job_uuids())

    def test_probe_that_is_answered_ends_the_incident(self):
        waiting = self.new_job()
        self.mend()
        uuid = self.probe()
        self.assertEqual(self.run_job(uuid), "done")
        self.assertIn("answered", self.job(uuid, "result")["result"])
        incident = self.incident()
        self.assertTrue(incident["closed"])
        self.assertFalse(incident["closed_uid"])
        self.assertAwake(waiting)
        self.watch()
        self.assertFalse(self.probes("pending"))

    def test_system_that_refuses_the_credentials_is_not_back(self):
        self.mend()
        self.destination.answer(401)
        self.assertEqual(self.run_job(self.probe()), "pending")
        self.assertFalse(self.incident()["closed"])

    def test_probe_after_a_person_resumed_does_nothing(self):
        uuid = self.probe()
        self.resume()
        self.assertEqual(self.run_job(uuid), "done")
        incident = self.incident()
        self.assertEqual(incident["probes"], 0)
        self.assertTrue(incident["closed_uid"])

    def test_probe_of_a_system_that_was_deleted_does_nothing(self):
        uuid = self.probe()
        with self.transaction() as env:
            env["sync.incident"].search([]).unlink()
        self.assertEqual(self.run_job(uuid), "done")

    def test_probe_that_is_answered_when_a_person_has_just_resumed(self):
        waiting = self.new_job()
        self.assertAsleep(waiting)
        self.mend()
        uuid = self.probe()
        with self.just_before("_close", self.resume):
            self.assertEqual(self.run_job(uuid), "pending", self.job(uuid, "exc_info"))
        self.assertAwake(waiting)
        self.assertTrue(self.incident()["closed_uid"])
        self.assertEqual(self.run_job(uuid), "done")
        self.assertIn("over", self.job(uuid, "result")["result"])
        self.assertAwake(waiting)

    def test_lost_probe_is_queued_again(self):
        self.watch()
        uuid = self.probe()
        for lost in ("DELETE FROM queue_job", "UPDATE queue_job SET state = 'failed'"):
            with self.subTest(lost):
                with self.registry.cursor() as cr:
                    cr.execute(f"{lost} WHERE uuid = %s", (uuid,))
                self.watch()
                self.watch()
                self.assertNotEqual(self.probe(), uuid)
                uuid = self.probe()

    def test_pause_by_a_person_has_no_probe(self):
        self.resume()
        self.run_job(self.probe())
        self.pause()
        self.watch()
        self.assertFalse(self.probes("pending"))
