# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the cards show, against what is really there, and who may see and do what."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .backfill_case import BackfillCase
from .common import backend_values
from .incident_case import IncidentCase
from .test_access import AccessCase

FIGURES = (
    "status",
    "status_text",
    "status_since",
    "status_reason",
    "waiting_count",
    "running_count",
    "failed_count",
    "oldest_waiting",
    "oldest_text",
    "delivered_hourly",
    "open_backfills",
)


@tagged("post_install", "-at_install")
class TestDashboard(IncidentCase):
    def card(self):
        """Return what the card of the test's system shows."""
        (card,) = self.read("sync.backend", [("id", "=", self.backend_id)], FIGURES)
        return card

    def figures(self):
        card = self.card()
        return tuple(
            card[name] for name in ("waiting_count", "running_count", "failed_count")
        )

    def action(self, name):
        """Return the ids of the jobs that a button of the card opens."""
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            action = getattr(backend, name)()
            states = [key.removeprefix("search_default_") for key in action["context"]]
            domain = [*action["domain"], ("state", "in", states)]
            return set(env["queue.job"].search(domain).mapped("uuid"))

    def test_nothing_has_happened(self):
        card = self.card()
        self.assertEqual((card["status"], card["status_text"]), ("up", "Up"))
        self.assertEqual(self.figures(), (0, 0, 0))
        self.assertFalse(card["oldest_waiting"] or card["oldest_text"])
        self.assertEqual(card["delivered_hourly"], [0] * 24)
        self.assertFalse(card["open_backfills"])

    def test_jobs_that_wait_run_fail_and_are_done(self):
        done, failed, running, first, second = (self.new_job() for _each in range(5))
        self.assertEqual(self.figures(), (5, 0, 0))
        self.assertEqual(self.run_job(done), "done")
        self.destination.answer(422, {"message": "no such country"})
        self.assertEqual(self.run_job(failed), "failed")
        with self.transaction() as env:
            env.cr.execute(
                "UPDATE queue_job SET state = 'started' WHERE uuid = %s", (running,)
            )
            env.cr.execute(
                "UPDATE queue_job SET date_created = date_created - interval '7 minute'"
                " WHERE uuid = %s",
                (first,),
            )
        self.assertEqual(self.figures(), (2, 1, 1))
        card = self.card()
        self.assertEqual(sum(card["delivered_hourly"]), 1)
        self.assertEqual(
            card["oldest_waiting"], self.job(first, "date_created")["date_created"]
        )
        self.assertEqual(card["oldest_text"], "7 minutes")
        self.assertEqual(self.action("action_open_waiting"), {first, second})
        self.assertEqual(self.action("action_open_running"), {running})
        self.assertEqual(self.action("action_open_failed"), {failed})

    def test_paused_and_resumed(self):
        self.pause()
        self.change_incident(opened=fields.Datetime.now() - timedelta(hours=3))
        card = self.card()
        self.assertEqual(card["status"], "paused")
        self.assertEqual(card["status_text"], "Paused for 3 hours")
        self.assertIn("Paused by", card["status_reason"])
        self.resume()
        card = self.card()
        self.assertEqual(card["status"], "up")
        self.assertEqual(card["status_since"], self.incident()["closed"])
        self.assertTrue(card["status_text"].startswith("Up for "))
        self.assertFalse(card["status_reason"])

    def test_down_and_back(self):
        self.break_down()
        self.attempt(3)
        card = self.card()
        self.assertEqual(card["status"], "down")
        self.assertEqual(card["status_since"], self.incident()["opened"])
        self.assertEqual(card["status_reason"], self.incident()["reason"])
        self.assertTrue(card["status_text"].startswith("Down for "))
        # they wait for the system, and so does the job that asks for it
        self.assertEqual(self.figures(), (3, 0, 0))
        self.close_outage()
        self.assertEqual(self.card()["status"], "up")

    def test_systems_apart(self):
        other = self.new_system()
        self.new_job()
        with self.transaction() as env:
            backend = env["sync.backend"].browse(other.backend_id)
            backend.action_pause()
        self.assertEqual(self.card()["status"], "up")
        cards = self.read(
            "sync.backend",
            [("id", "in", (self.backend_id, other.backend_id))],
            ["status", "waiting_count"],
            order="id",
        )
        self.assertEqual([card["status"] for card in cards], ["up", "paused"])
        # each has a synchronization of contacts
        self.assertEqual([card["waiting_count"] for card in cards], [1, 1])


@tagged("post_install", "-at_install")
class TestDashboardBackfill(BackfillCase):
    def backfills(self):
        (card,) = self.read(
            "sync.backend", [("id", "=", self.backend_id)], ["open_backfills"]
        )
        return card["open_backfills"]

    def open(self):
        with self.transaction() as env:
            return env["sync.backend"].browse(self.backend_id).action_open_backfills()

    def test_a_backfill_and_its_progress(self):
        self.fill(10)
        self.start()
        self.run_next(3)  # the step, and two jobs for two records each
        (shown,) = self.backfills()
        backfill = self.backfill()
        self.assertEqual(shown["id"], self.backfill_id)
        self.assertFalse(shown["stopped"])
        self.assertEqual(backfill["done"], len(self.names_sent()))
        self.assertEqual(shown["count"], f"{backfill['done']} of 10")
        self.assertEqual(shown["progress"], int(backfill["progress"]))
        self.assertGreater(shown["progress"], 0)
        self.assertEqual(self.open()["res_id"], self.backfill_id)

        self.press("action_stop")
        (shown,) = self.backfills()
        self.assertTrue(shown["stopped"])
        self.assertIn("Stopped", shown["title"])
        self.assertEqual(shown["note"], self.backfill()["note"])

        self.press("action_resume")
        self.run_all()
        self.assertEqual(self.backfill()["state"], "done")
        self.assertFalse(self.backfills())
        self.assertEqual(self.open()["domain"], [("id", "in", [])])


@tagged("post_install", "-at_install")
class TestDashboardAccess(AccessCase):
    """Each kind of user on the dashboard."""

    def mine(self, role):
        return self.backend.with_user(self.users[role])

    def menus(self, role):
        menus = self.env["ir.ui.menu"].with_user(self.users[role])
        return menus._visible_menu_ids()

    def test_first_screen_of_the_app(self):
        root = self.env.ref("queue_job.menu_queue_job_root")
        dashboard = self.env.ref("queue_job_sync.menu_sync_dashboard")
        self.assertEqual(root.child_id.sorted()[0], dashboard)
        self.assertIn(dashboard.id, self.menus("manager"))
        for role in ("user", "creator"):
            with self.subTest(role):
                self.assertNotIn(dashboard.id, self.menus(role))

    def test_only_those_who_see_systems_see_figures(self):
        for role in ("manager", "system"):
            with self.subTest(role):
                (card,) = self.mine(role).read(FIGURES)
                self.assertEqual(card["waiting_count"], len(self.jobs()))
        for role in ("public", "portal", "user", "creator"):
            with self.subTest(role), self.assertRaises(AccessError):
                self.mine(role).read(FIGURES)

    def test_buttons(self):
        for role in ("public", "portal", "user", "creator"):
            for name in ("action_pause", "action_resume", "action_test_connection"):
                with self.subTest(role=role, name=name):
                    with self.assertRaises(AccessError):
                        getattr(self.mine(role), name)()
        self.mine("manager").action_pause()
        self.assertEqual(self.mine("manager").status, "paused")
        self.mine("manager").action_resume()
        self.env.invalidate_all()
        self.assertEqual(self.mine("manager").status, "up")
        with self.assertRaises(AccessError):
            self.mine("manager").action_test_connection()

    def test_test_connection_is_for_administrators(self):
        view = self.env.ref("queue_job_sync.view_sync_backend_dashboard")
        for role, shown in (("manager", False), ("system", True)):
            arch = self.mine(role).get_view(view.id, "kanban")["arch"]
            self.assertEqual("action_test_connection" in arch, shown)
            self.assertIn("action_pause", arch)

    def test_only_systems_of_the_users_companies(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        theirs = self.env["sync.backend"].create(
            backend_values(name="Elsewhere", company_id=elsewhere.id)
        )
        self.env.flush_all()
        for role in ("manager", "system"):
            with self.subTest(role), self.assertRaises(AccessError):
                theirs.with_user(self.users[role]).read(FIGURES)
