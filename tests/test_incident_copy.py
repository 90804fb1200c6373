# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import tempfile
from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged
from odoo.tools import config

from ..engine import gate
from .failure_mail_case import FailureMailCase
from .incident_case import IncidentCase


@tagged("post_install", "-at_install")
class TestIncidentCopy(FailureMailCase, IncidentCase):
    """A copy, or a restored backup, sends nothing until a person says it is none."""

    def setUp(self):
        super().setUp()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(patch.dict(config.options, {"data_dir": folder}))
        self.addCleanup(self._forget)
        self._forget()

    def _forget(self):
        with self.transaction() as env:
            env["ir.config_parameter"].search([("key", "=", gate.ORIGIN)]).unlink()

    def place(self):
        with self.transaction() as env:
            sight = gate.look(env)
        return sight.here, sight.changes

    def since(self):
        with self.transaction() as env:
            return gate.look(env).since

    def pretend(self, **values):
        """Let the database have sent from elsewhere; nothing else tells a copy."""
        here, _changes = self.place()
        with self.transaction() as env:
            gate.remember(env, here._replace(**values))

    def copied(self):
        self.pretend(database="production")

    def known(self):
        with self.transaction() as env:
            return gate.look(env).there

    def mails_about_copies(self):
        return [
            mail["subject"]
            for mail in self.read(
                "mail.mail", [("model", "=", "sync.incident")], ["subject"]
            )
        ]

    def test_first_place_is_remembered(self):
        self.assertIsNone(self.known())
        self.watch()
        here, changes = self.place()
        self.assertEqual(self.known(), here)
        self.assertEqual(here.database, self.registry.db_name)
        self.assertTrue(here.oid and here.server)
        self.assertEqual(gate.seen(here, self.since()), changes)
        self.assertFalse(self.incidents())

    def test_server_that_does_not_say_which_it_is(self):
        with self.transaction() as env:
            incidents = type(env["sync.incident"])
            with patch.object(incidents, "_tells_server", return_value=False):
                sight = gate.look(env)
        place = sight.here
        self.assertEqual((place.server, place.database), ("", self.registry.db_name))
        self.assertGreaterEqual(sight.changes, 0)

    def test_nothing_is_sent_in_the_same_place_again(self):
        self.watch()
        self.assertEqual(self.run_job(self.new_job()), "done")
        self.assertEqual(self.run_job(self.new_job()), "done")
        self.watch()
        self.assertEqual(self.run_job(self.new_job()), "done")
        self.assertFalse(self.incidents())

    def test_copy_sends_nothing(self):
        for changed in ({"database": "production"}, {"oid": 1}, {"server": "1"}):
            with self.subTest(changed):
                self.pretend(**changed)
                uuid = self.new_job()
                self.assertEqual(self.run_job(uuid), "pending")
                self.assertEqual(self.destination.requests, [])
                self.assertEqual(self.job(uuid, "retry")["retry"], 0)
                incident = self.incidents()[-1]
                self.assertEqual(incident["kind"], "copy")
                self.assertAsleep(uuid)
                self.assertIn("copy", self.job(uuid, "result")["result"])
                self.resume()
                self.assertEqual(self.run_job(uuid), "done")
                self.destination.requests.clear()

    def test_reason_says_what_differs(self):
        self.copied()
        self.run_job(self.new_job())
        reason = self.incident()["reason"]
        self.assertIn("production", reason)
        self.assertIn(self.registry.db_name, reason)

    def test_copy_is_found_without_an_edit(self):
        other = self.new_system()
        self.copied()
        self.watch()
        held = self.read("sync.incident", [("closed", "=", False)], ["backend_id"])
        ids = {incident["backend_id"][0] for incident in held}
        self.assertLessEqual({self.backend_id, other.backend_id}, ids)

    def test_copy_is_told_once_for_all_systems(self):
        self.new_system()
        self.copied()
        self.watch()
        self.watch()
        (subject,) = self.mails_about_copies()
        self.assertIn("looks like a copy", subject)
        self.resume()
        self.watch()
        self.assertEqual(len(self.mails_about_copies()), 1)

    def test_resuming_one_system_resumes_all_and_stays_so(self):
        other = self.new_system()
        self.copied()
        self.watch()
        self.resume()
        with self.transaction() as env:
            backend = env["sync.backend"].browse(other.backend_id)
            self.assertFalse(backend._open_incident())
        self.assertEqual(self.known(), self.place()[0])
        self.assertEqual(self.run_job(self.new_job()), "done")
        self.watch()
        self.assertFalse(self.read("sync.incident", [("closed", "=", False)], []))

    def test_system_that_was_down_is_not_asked_by_a_copy(self):
        for find_out in ("probe", "cron"):
            with self.subTest(find_out):
                self.open_outage()
                self.copied()
                if find_out == "probe":
                    self.assertEqual(self.run_job(self.probes("pending")[-1]), "done")
                else:
                    self.watch()
                    self.assertEqual(self.run_job(self.probes("pending")[-1]), "done")
                self.assertEqual(self.destination.requests, [])
                self.assertEqual(self.incidents()[-1]["kind"], "copy")
                uuid = self.new_job()
                self.assertEqual(self.run_job(uuid), "pending")
                self.resume()
                self.assertEqual(self.run_job(uuid), "done")
                self.destination.requests.clear()

    def test_paused_system_of_a_copy_is_held_after_it_is_resumed(self):
        self.pause()
        self.copied()
        self.watch()
        self.resume()
        self.assertEqual(self.run_job(self.new_job()), "pending")
        self.assertEqual(self.destination.requests, [])
        self.assertEqual(self.incidents()[-1]["kind"], "copy")

    def test_edit_in_a_copy_waits_and_does_not_fail(self):
        self.copied()
        self.watch()
        uuid = self.new_job()
        self.assertEqual(self.job(uuid, "state")["state"], "pending")
        self.assertGreater(self.seconds_until(uuid), 3600)

    def test_time_that_has_gone_back(self):
        self.watch()
        here, changes = self.place()
        gate.note(here, self.since(), changes + 1)
        self.assertEqual(self.run_job(self.new_job()), "done")
        gate.note(here, self.since(), changes + 100)
        self.assertEqual(self.run_job(self.new_job()), "pending")
        self.assertEqual(self.incident()["kind"], "copy")
        self.assertIn("not in it", self.incident()["reason"])
        self.resume()
        self.assertEqual(self.run_job(self.new_job()), "done")

    @contextmanager
    def another_node(self):
        """Within, work on a node that has a data folder of its own."""
        with (
            tempfile.TemporaryDirectory() as folder,
            patch.dict(config.options, {"data_dir": folder}),
        ):
            yield

    def test_who_resumes_on_one_node_does_so_on_all(self):
        """What other nodes have seen, they have seen before it was restored."""
        self.watch()
        here, changes = self.place()
        gate.note(here, self.since(), changes + 100)
        self.assertEqual(self.run_job(self.new_job()), "pending")
        with self.another_node():
            self.resume()
            self.assertEqual(self.run_job(self.new_job()), "done")
        self.assertEqual(self.run_job(self.new_job()), "done")
        self.watch()
        self.assertEqual(self.run_job(self.new_job()), "done")
        self.assertEqual(len(self.incidents()), 1)

    def test_backup_from_before_the_database_has_moved(self):
        """It has sent from here since later, as this node has seen."""
        self.watch()
        here, changes = self.place()
        gate.note(here, self.since() + 1, changes)
        self.assertEqual(self.run_job(self.new_job()), "pending")
        self.assertEqual(self.incident()["kind"], "copy")
        self.resume()
        self.assertEqual(self.run_job(self.new_job()), "done")

    def test_what_was_noted_of_another_database_does_not_count(self):
        self.watch()
        here, changes = self.place()
        gate.note(here._replace(oid=here.oid + 1), self.since(), changes + 100)
        self.assertEqual(self.run_job(self.new_job()), "done")

    def test_node_that_cannot_write_or_read_its_note_does_without(self):
        with tempfile.NamedTemporaryFile() as file:
            config["data_dir"] = file.name
            self.watch()
            self.assertEqual(self.run_job(self.new_job()), "done")
        self.watch()
        here, _changes = self.place()
        gate._file(here).write_text("{")
        self.assertEqual(self.run_job(self.new_job()), "done")

    def test_note_that_a_person_has_spoiled_is_made_anew(self):
        with self.transaction() as env:
            env["ir.config_parameter"].set_param(gate.ORIGIN, "{}")
        self.assertEqual(self.run_job(self.new_job()), "done")
        self.watch()
        self.assertEqual(self.known(), self.place()[0])

    def test_nothing_is_tried_in_a_copy(self):
        self.copied()
        with self.transaction() as env:
            trial = env["sync.trial"].create({"stream_id": self.stream_id})
            with self.assertRaisesRegex(UserError, "looks like a copy"):
                trial.action_try()
        self.assertEqual(self.destination.requests, [])
        self.assertEqual(self.incident()["kind"], "copy")

    def test_backfill_of_a_copy_waits(self):
        self.copied()
        with self.transaction() as env:
            backfill = env["sync.backfill"].create({"stream_id": self.stream_id})
            backfill._queue_step()
            uuid = backfill.step_uuid
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertIn("neutralize", self.job(uuid, "result")["result"])
        self.assertGreater(self.seconds_until(uuid), 3600)

    def test_neutralizing_forgets_the_place(self):
        self.watch()
        with self.registry.cursor() as cr:
            for query in get_neutralization_queries(["queue_job_sync"]):
                cr.execute(query)
            cr.execute(
                "SELECT 1 FROM ir_config_parameter WHERE key = %s", (gate.ORIGIN,)
            )
            self.assertFalse(cr.fetchall())
            cr.rollback()
