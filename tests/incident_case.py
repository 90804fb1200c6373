# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple
from unittest.mock import patch

from odoo import SUPERUSER_ID, fields
from odoo.tools import mute_logger

from .common import drop
from .race_case import RaceCase
from .test_delivery_errors import closed_port

THRESHOLD = 3


class System(NamedTuple):
    """The ids of a system and of its synchronization."""

    backend_id: int
    stream_id: int


class IncidentCase(RaceCase):
    """A system that can be broken and mended, and the incidents that this makes."""

    def setUp(self):
        super().setUp()
        self.change_backend(outage_threshold=THRESHOLD)
        self.addCleanup(self._delete_probes)

    def _delete_probes(self):
        with self.transaction() as env:
            incidents = env["sync.incident"].search([])
            about = [("model", "=", "sync.incident"), ("res_id", "in", incidents.ids)]
            env["mail.mail"].search(about).unlink()
            env["queue.job"].search([("model_name", "=", "sync.incident")]).unlink()
            incidents.sudo().unlink()

    def break_down(self):
        self.change_backend(url=f"http://127.0.0.1:{closed_port()}")

    def mend(self):
        self.change_backend(url=self.destination.url)

    def new_job(self, **values):
        """Commit a new contact, and return the UUID of its job."""
        self.new_partner(**values)
        return self.job_uuids()[-1]

    def attempt(self, count=1):
        """Run the first job of as many contacts; return the UUIDs."""
        uuids = [self.new_job() for _each in range(count)]
        for uuid in uuids:
            self.run_job(uuid)
        return uuids

    def new_system(self):
        """Commit another system and its synchronization, and return their ids."""
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            backend = stream.backend_id.copy({"name": "Shop"})
            values = {"name": "Shop", "backend_id": backend.id, "state": "live"}
            stream = stream.copy(values)
            system = System(backend.id, stream.id)
        self.addCleanup(self._delete_system, system)
        return system

    def _delete_system(self, system):
        with self.transaction() as env:
            jobs = [("sync_backend_id", "=", system.backend_id)]
            env["queue.job"].search(jobs).unlink()
            drop(env["sync.stream"].browse(system.stream_id).exists())
            drop(env["sync.backend"].browse(system.backend_id).exists())

    def open_outage(self, reason="Connection refused"):
        """Open an incident as a worker does; return the seconds to wait."""
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            return env["sync.incident"]._open(backend, "outage", reason)

    @contextmanager
    def just_before(self, method, do):
        """Let another transaction do something before the first call of a method.

        The caller's snapshot is taken by then, which makes the call come too late.
        """
        incidents = self.registry["sync.incident"]
        original = getattr(incidents, method)
        calls = []

        def late(records, *args):
            if not calls:
                calls.append(method)
                do()
            return original(records, *args)

        with (
            patch.object(incidents, method, late),
            mute_logger("odoo.sql_db"),
        ):
            yield
        self.assertTrue(calls)

    def pause(self):
        self.press("action_pause")

    def resume(self):
        self.press("action_resume")

    def close_outage(self):
        """Close the open incident, as a probe that is answered does."""
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id)._open_incident()._close()

    def press(self, button, uid=SUPERUSER_ID):
        """Press a button of the system's form."""
        with self.transaction(uid) as env:
            getattr(env["sync.backend"].browse(self.backend_id), button)()

    def watch(self):
        """Do what the cron does."""
        with self.transaction() as env:
            env["sync.incident"]._cron_watch()

    def incidents(self):
        domain = [("backend_id", "=", self.backend_id)]
        return self.read("sync.incident", domain, [], order="id")

    def incident(self):
        """Return the only incident of the system."""
        (incident,) = self.incidents()
        return incident

    def change_incident(self, **values):
        """Commit what time would have changed."""
        with self.transaction() as env:
            domain = [("backend_id", "=", self.backend_id)]
            env["sync.incident"].search(domain).write(values)

    def probes(self, *states):
        """Return the UUIDs of the jobs that ask the system."""
        domain = [("model_name", "=", "sync.incident")]
        if states:
            domain.append(("state", "in", states))
        return [job["uuid"] for job in self.read("queue.job", domain, ["uuid"])]

    def seconds_until(self, uuid):
        eta = self.job(uuid, "eta")["eta"]
        return eta and (eta - fields.Datetime.now()).total_seconds()

    def assertPutOff(self, uuid, retry=0):
        """The job waits for the end of the incident, after so many tries."""
        job = self.job(uuid, "state", "retry", "eta", "result")
        self.assertEqual((job["state"], job["retry"]), ("pending", retry))
        until = self.incidents()[-1]["wait_until"]
        self.assertTrue(job["eta"], "the job does not wait")
        self.assertAlmostEqual(job["eta"], until, delta=timedelta(seconds=30))
        self.assertTrue(job["result"])

    def assertCalledBack(self, uuid):
        self.assertEqual(self.job(uuid, "state")["state"], "pending")
        self.assertLess(self.seconds_until(uuid), 10)
