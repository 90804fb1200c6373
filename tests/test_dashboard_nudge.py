# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Dashboards are told that something has changed: seldom, and at nobody's cost."""

import json
import time
from contextlib import contextmanager
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import sync_nudge
from ..models.sync_nudge import WINDOW
from .common import drop
from .incident_case import IncidentCase

DELIVERIES = 200


@tagged("post_install", "-at_install")
class TestDashboardNudge(IncidentCase):
    def setUp(self):
        super().setUp()
        self.forget()

    def forget(self):
        """Be a process that has just started."""
        sync_nudge._quiet_until.clear()

    def messages(self):
        """Return what the bus holds about the test's system, oldest first."""
        with self.transaction() as env:
            env.cr.execute(
                "SELECT channel, message FROM bus_bus"
                " WHERE message LIKE '%%queue_job_sync/changed%%' ORDER BY id"
            )
            found = [
                (json.loads(channel), json.loads(message))
                for channel, message in env.cr.fetchall()
            ]
        return [each for each in found if each[1]["payload"]["id"] == self.backend_id]

    @contextmanager
    def told(self, count=1):
        """What happens within sends so many messages, when some time has gone by."""
        self.forget()
        with self.transaction() as env:
            env.cr.execute("UPDATE sync_nudge SET sent = sent - interval '1 minute'")
        before = len(self.messages())
        yield
        self.assertEqual(len(self.messages()) - before, count)

    def test_a_delivery(self):
        job = self.new_job()
        with self.told():
            self.assertEqual(self.run_job(job), "done")
        ((channel, message),) = self.messages()
        with self.transaction() as env:
            group = env.ref("queue_job.group_queue_job_manager")
            dbname = env.cr.dbname
        self.assertEqual(channel, [dbname, "res.groups", group.id, "queue_job_sync"])
        # nothing but the id
        self.assertEqual(message["payload"], {"id": self.backend_id})

    def test_a_system_of_a_company(self):
        with self.transaction() as env:
            company = env["res.company"]._get_main_company()
            env["sync.backend"].browse(self.backend_id).company_id = company
        with self.told():
            self.pause()
        ((channel, _message),) = self.messages()
        self.assertEqual(channel[1:], ["res.company", company.id, "queue_job_sync"])

    def test_many_deliveries(self):
        """Two hundred jobs, each in a transaction of its own."""
        with self.transaction() as env:
            for number in range(DELIVERIES):
                partner = env["res.partner"].create({"name": f"P{number}"})
                self.partner_ids.append(partner.id)
                env.cr.precommit.run()  # a job for each
        jobs = self.job_uuids("pending")
        self.assertEqual(len(jobs), DELIVERIES)
        start = time.monotonic()
        for number, job in enumerate(jobs):
            if number % 2:
                # the next one is run by a process that has told nobody yet
                self.forget()
            self.assertEqual(self.run_job(job), "done")
        seconds = time.monotonic() - start
        count = len(self.messages())
        self.assertGreaterEqual(count, 1)
        self.assertLessEqual(count, 1 + seconds // WINDOW)
        self.assertEqual(len(self.read("sync.nudge", self.of_system(), ["id"])), 1)

    def of_system(self):
        return [("backend_id", "=", self.backend_id)]

    def test_again_when_the_window_is_over(self):
        with self.told():
            self.pause()
        before = len(self.messages())
        self.resume()
        self.assertEqual(len(self.messages()), before)
        time.sleep(WINDOW)
        self.pause()
        self.assertEqual(len(self.messages()), before + 1)

    def test_a_clock_that_was_put_back(self):
        with self.told():
            self.pause()
        self.forget()
        with self.transaction() as env:
            env.cr.execute("UPDATE sync_nudge SET sent = sent + interval '1 hour'")
        before = len(self.messages())
        self.resume()
        self.assertEqual(len(self.messages()), before + 1)

    def test_nobody_waits_for_another_process(self):
        first, second = self.new_job(), self.new_job()
        self.run_job(first)
        with self.told(0), self.registry.cursor() as other:
            other.execute(
                "SELECT id FROM sync_nudge WHERE backend_id = %s FOR UPDATE",
                (self.backend_id,),
            )
            start = time.monotonic()
            self.assertEqual(self.run_job(second), "done")
            self.assertLess(time.monotonic() - start, WINDOW)

    def test_editors_send_nothing(self):
        with self.told(0):
            partner_id = self.new_partner()
            self.edit(partner_id, name="Ada King")
            self.delete(partner_id)
        self.assertFalse(self.read("sync.nudge", self.of_system(), ["id"]))

    def test_what_is_rolled_back_is_not_told(self):
        with self.told(0), self.registry.cursor() as cr:
            env = self.env_of(cr)
            env["sync.backend"].browse(self.backend_id).action_pause()
            cr.rollback()

    def env_of(self, cr):
        with self.transaction() as env:
            return env(cr=cr)

    def test_a_failed_job_and_its_recovery(self):
        self.destination.answer(422, {"message": "no such country"})
        job = self.new_job()
        with self.told():
            self.assertEqual(self.run_job(job), "failed")
        with self.told(), self.transaction() as env:
            wizard = env["sync.recover"].create({"backend_id": self.backend_id})
            wizard.action_recover()
        self.assertEqual(self.job(job, "state")["state"], "pending")
        with self.told(), self.transaction() as env:
            env["queue.job"].search([("uuid", "=", job)]).button_cancelled()

    def test_an_outage_and_its_end(self):
        self.break_down()
        jobs = [self.new_job() for _each in range(3)]
        for job in jobs[:2]:
            self.run_job(job)
        with self.told():
            self.run_job(jobs[2])
        self.assertTrue(self.incident())
        with self.told():
            self.close_outage()

    def test_a_backfill(self):
        with self.told(), self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            stream.domain = "[('id', '=', 0)]"
            step = env["sync.backfill"]._start(stream).step_uuid
        self.addCleanup(self.delete_job, step)
        with self.told():
            self.run_job(step)
        mine = [("stream_id", "=", self.stream_id)]
        (backfill,) = self.read("sync.backfill", mine, ["state"])
        self.assertEqual(backfill["state"], "done")

    def delete_job(self, uuid):
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", uuid)]).unlink()

    def test_a_deleted_system(self):
        other = self.new_system()
        with self.transaction() as env:
            env["sync.backend"].browse(other.backend_id)._nudge()
            drop(env["sync.stream"].browse(other.stream_id))
            drop(env["sync.backend"].browse(other.backend_id))
        self.assertFalse(
            self.read("sync.nudge", [("backend_id", "=", other.backend_id)], ["id"])
        )

    def test_a_bus_that_does_not_work_fails_no_job(self):
        job = self.new_job()
        with (
            self.told(0),
            patch.object(
                self.registry["bus.bus"], "_sendone", side_effect=OSError("no bus")
            ),
            mute_logger("odoo.addons.queue_job_sync.models.sync_nudge"),
        ):
            self.assertEqual(self.run_job(job), "done")
        with self.told():
            self.pause()
