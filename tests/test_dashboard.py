# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the cards show, against what is really there, and who may see and do what."""

from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

from .backfill_case import BackfillCase
from .common import SyncCase, backend_values, stream_values
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
    "delivered_count",
    "open_backfills",
    "health",
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
        # what is being sent is not delivered yet
        self.assertEqual(self.figures(), (3, 1, 1))
        card = self.card()
        self.assertEqual(sum(card["delivered_hourly"]), 1)
        self.assertEqual(card["delivered_count"], 1)
        # it is reached all the same
        self.assertEqual((card["status"], card["health"]), ("up", "failed"))
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

    def test_summary_is_for_those_who_see_systems(self):
        for role in ("manager", "system"):
            with self.subTest(role):
                summary = self.mine(role).dashboard()["summary"]
                self.assertTrue(summary["parts"])
        for role in ("public", "portal", "user", "creator"):
            with self.subTest(role), self.assertRaises(AccessError):
                self.mine(role).dashboard()
            with self.subTest(role), self.assertRaises(AccessError):
                self.mine(role).search([("health", "=", "fine")])

    def test_summary_counts_systems_of_the_users_companies(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        manager = self.mine("manager")
        before = manager.search([("health", "=", "paused")])
        title = manager.dashboard()["summary"]["title"]
        theirs = self.env["sync.backend"].create(
            backend_values(name="Elsewhere", company_id=elsewhere.id)
        )
        theirs.action_pause()
        self.env.invalidate_all()
        self.assertEqual(manager.search([("health", "=", "paused")]), before)
        self.assertEqual(manager.dashboard()["summary"]["title"], title)
        self.assertIn(
            theirs, self.env["sync.backend"].search([("health", "=", "paused")])
        )


@tagged("post_install", "-at_install")
class TestDashboardOfMany(SyncCase):
    """Systems beside one another: which of them wants attention first."""

    def setUp(self):
        super().setUp()
        self.env["sync.backend"].search([]).active = False
        names = ("Fine", "Paused", "Down", "Failed", "Worse", "Doubt", "Wrong")
        self.systems = {name: self.new_system(name) for name in names}
        self.systems["Paused"].action_pause()
        incidents = self.env["sync.incident"]
        incidents._insert(self.systems["Down"].id, "outage", "Connection refused")
        wrong = self.systems["Wrong"]
        values = {"stream_id": wrong.stream_ids.id, "setting": "mapping"}
        incidents._insert(wrong.id, "settings", "No column", **values)
        for name, count in (("Failed", 1), ("Worse", 3)):
            for number in range(count):
                self.fail_one(self.systems[name].stream_ids, number)
        self.env["sync.binding"].create(
            {
                "stream_id": self.systems["Doubt"].stream_ids.id,
                "res_id": 1,
                "doubt": "maybe",
            }
        )
        self.env.flush_all()
        self.env.invalidate_all()
        self.manager = new_test_user(
            self.env,
            "sync_many",
            groups="base.group_user,queue_job.group_queue_job_manager",
        )
        self.mine = self.env["sync.backend"].with_user(self.manager)

    def new_system(self, name):
        system = self.env["sync.backend"].create(backend_values(name=name))
        self.env["sync.stream"].create(stream_values(system, name=name))
        return system

    def fail_one(self, stream, res_id):
        """Have a record with a change whose job has failed."""
        partner = self.env.user.partner_id
        job = partner.with_delay()._sync_deliver(stream).db_record()
        job.state = "failed"
        self.assertEqual(job.sync_stream_id, stream)
        self.env["sync.outbox"].create(
            {
                "stream_id": stream.id,
                "res_id": res_id,
                "operation": "upsert",
                "job_uuid": job.uuid,
            }
        )

    def names(self, domain=(), order="health, name"):
        return self.mine.search(list(domain), order=order).mapped("name")

    def views(self):
        action = self.env.ref("queue_job_sync.action_sync_dashboard")
        return self.mine.get_views(
            [
                *[(view.id, kind) for view, kind in self.shown(action)],
                (action.search_view_id.id, "search"),
            ]
        )["views"]

    def shown(self, action):
        """Return the cards and the list of an action, each with its kind."""
        views = action.view_ids.sorted("sequence")
        return [
            (each.view_id, each.view_mode)
            for each in views
            if each.view_mode in ("kanban", "list")
        ]

    def test_worst_first(self):
        worst_first = ["Down", "Paused", "Wrong", "Worse", "Failed", "Doubt", "Fine"]
        self.assertEqual(self.names(), worst_first)
        for kind in ("kanban", "list"):
            arch = etree.fromstring(self.views()[kind]["arch"])
            order = arch.get("default_order")
            self.assertEqual(self.names(order=order), worst_first)
            self.assertGreaterEqual(int(arch.get("limit")), 49)

    def test_sorted_by_a_figure(self):
        self.assertEqual(
            self.names(order="failed_count desc, name")[:2], ["Worse", "Failed"]
        )
        described = self.mine.fields_get(["failed_count", "health", "status_text"])
        self.assertTrue(described["failed_count"]["sortable"])
        self.assertTrue(described["health"]["sortable"])
        self.assertFalse(described["status_text"]["sortable"])

    def test_summary(self):
        summary = self.mine.dashboard()["summary"]
        self.assertEqual(summary["title"], "7 systems")
        self.assertEqual(
            [part["text"] for part in summary["parts"]],
            [
                "1 down",
                "1 paused",
                "1 with a problem",
                "2 with failed records",
                "1 with records to be clarified",
                "1 fine",
            ],
        )
        everything = self.env["sync.backend"].search([])
        (everything - self.systems["Fine"]).active = False
        summary = self.mine.dashboard()["summary"]
        self.assertEqual(summary["title"], "1 system")
        self.assertEqual([part["text"] for part in summary["parts"]], ["1 fine"])
        self.systems["Fine"].active = False
        self.assertFalse(self.mine.dashboard()["summary"]["parts"])

    def test_each_part_of_the_summary_is_a_filter(self):
        arch = etree.fromstring(self.views()["search"]["arch"])
        found = {}
        for part in self.mine.dashboard()["summary"]["parts"]:
            (node,) = arch.xpath("//filter[@name=$name]", name=part["health"])
            domain = safe_eval(node.get("domain"))
            found[part["health"]] = self.names(domain, "name")
        self.assertEqual(
            found,
            {
                "down": ["Down"],
                "paused": ["Paused"],
                "problem": ["Wrong"],
                "failed": ["Failed", "Worse"],
                "doubt": ["Doubt"],
                "fine": ["Fine"],
            },
        )

    def test_list_has_the_figures_of_the_cards(self):
        fields_of = {
            kind: set(
                etree.fromstring(self.views()[kind]["arch"]).xpath("//field/@name")
            )
            for kind in ("kanban", "list")
        }
        shown = {"name", "status_text", "oldest_text"}
        shown |= {"waiting_count", "running_count", "failed_count", "doubt_count"}
        for kind, names in fields_of.items():
            self.assertLessEqual(shown, names, kind)
        self.assertIn("health", fields_of["list"])
        (worse,) = self.mine.search_read([("name", "=", "Worse")], list(shown))
        self.assertEqual((worse["failed_count"], worse["status_text"]), (3, "Up"))

    def queries(self, specification):
        """Return how many queries a look at the dashboard takes, after the first."""
        for _time in range(2):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            found = self.mine.web_search_read(
                [], specification, order="health, name", limit=200
            )
            self.mine.dashboard()
        return self.env.cr.sql_log_count - before, len(found["records"])

    def test_as_many_queries_for_many_systems_as_for_few(self):
        arch = etree.fromstring(self.views()["kanban"]["arch"])
        specification = {name: {} for name in arch.xpath("//field/@name")}
        few, shown = self.queries(specification)
        self.assertEqual(shown, 7)
        for number in range(20):
            system = self.new_system(f"Another {number}")
            self.fail_one(system.stream_ids, number)
            if number % 3 == 0:
                system.action_pause()
        many, shown = self.queries(specification)
        self.assertEqual(shown, 27)
        self.assertEqual(many, few)
        self.assertLess(many, 40)
