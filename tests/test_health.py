# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether jobs run at all, and leave workers for people: what is said, and to whom."""

from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.modules.registry import Registry
from odoo.tests import Form, new_test_user, tagged
from odoo.tests.common import get_db_name
from odoo.tools import config, mute_logger

from ..engine import health
from .common import SyncCase, backend_values
from .failure_mail_case import FailureMailCase
from .health_case import be_server
from .incident_case import IncidentCase
from .tour_case import TourCase


class HealthCase(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # what the tests of others have left
        cls.env.cr.execute("DELETE FROM queue_job; DELETE FROM sync_node")

    def found(self):
        """Return what is wrong, as a list of kinds."""
        self.env.flush_all()
        return [each.kind for each in health.problems(self.env)]

    def problem(self):
        """Return the only problem, its sentence as a text."""
        self.env.flush_all()
        (problem,) = health.problems(self.env)
        return problem._replace(reason=str(problem.reason))

    def ago(self, **time):
        """Return the time so long ago, by the database's clock."""
        return self.env.cr.now() - timedelta(**time)

    def note(self, name="other:8069", minutes=0, **values):
        """Be told by another server what it is, some minutes ago."""
        return self.env["sync.node"].create(
            {
                "name": name,
                "workers": 4,
                "loaded": True,
                "capacity": 2,
                "noted": self.ago(minutes=minutes),
                "since": self.ago(hours=1),
                **values,
            }
        )

    def new_job(self, minutes=6, **values):
        """Queue a job of another addon, made some minutes ago."""
        job = self.env["queue.job"].with_delay()._test_job().db_record()
        # which nobody may change otherwise
        job = job.with_context(_job_edit_sentinel=job.EDIT_SENTINEL)
        job.write({"date_created": self.ago(minutes=minutes), **values})
        return job


@tagged("post_install", "-at_install")
class TestPlaces(HealthCase):
    def test_fewer_jobs_than_workers_are_well(self):
        be_server(self, workers=4, channels="root:3")
        self.assertFalse(self.found())

    def test_as_many_jobs_as_workers_leave_none(self):
        be_server(self, workers=4, channels="root:4, sync:2, root.sync.crm:1")
        problem = self.problem()
        self.assertEqual(problem.kind, "no_place")
        self.assertIn(f"all 4 workers of {health.here().name}", problem.reason)
        self.assertEqual(
            problem.lines.splitlines(),
            [
                "[options]",
                "workers = 4",
                "",
                "# environment",
                "ODOO_QUEUE_JOB_CHANNELS=root:3,sync:2,root.sync.crm:1",
            ],
        )

    def test_lines_are_for_the_file_if_the_channels_are(self):
        be_server(self, workers=1, channels="")
        self.assertEqual(
            self.problem().lines.splitlines(),
            ["[options]", "workers = 2", "", "[queue_job]", "channels = root:1"],
        )

    def test_a_root_without_a_limit_leaves_none(self):
        # queue_job starts no runner for root:0, but one without a limit for this
        be_server(self, workers=4, channels="root: 0")
        self.assertEqual(self.found(), ["no_place"])

    def test_channels_below_are_no_matter(self):
        be_server(self, workers=2, channels="sync:9,root.sync.crm:8")
        self.assertFalse(self.found())

    def test_threads_have_no_such_limit(self):
        be_server(self, workers=0, channels="root:9")
        self.assertFalse(self.found())

    def test_any_server_is_looked_at(self):
        be_server(self)
        other = self.note(capacity=4)
        self.assertIn("of other:8069", self.problem().reason)
        other.loaded = False
        self.assertFalse(self.found())

    def test_a_server_that_is_silent_may_be_gone(self):
        be_server(self)
        self.note(capacity=4, minutes=health.FRESH_MINUTES + 1)
        self.assertFalse(self.found())

    def test_what_this_server_was_before_a_restart_is_no_matter(self):
        be_server(self)
        self.note(health.here().name, capacity=4)
        self.assertFalse(self.found())

    def test_a_load_balancer_spreads_jobs_over_all_workers(self):
        be_server(self, channels="root:7", ODOO_QUEUE_JOB_HOST="balancer")
        self.note(capacity=7, spread=True)
        self.assertFalse(self.found())
        be_server(self, channels="root:8", ODOO_QUEUE_JOB_HOST="balancer")
        self.assertIn("all 8 workers of all servers", self.problem().reason)
        # its own address, whatever it is called
        for host in ("localhost", "127.0.0.1", "::1", "0.0.0.0"):
            with self.subTest(host):
                be_server(self, channels="root:7", ODOO_QUEUE_JOB_HOST=host)
                self.assertIn("all 4 workers of", self.problem().reason)


@tagged("post_install", "-at_install")
class TestRunner(HealthCase):
    def test_queue_job_is_not_loaded(self):
        be_server(self, loaded=False, workers=0)
        problem = self.problem()
        self.assertEqual(problem.kind, "no_runner")
        self.assertIn("not loaded", problem.reason)
        self.assertIn("\nworkers = 4\n", problem.lines)
        self.assertIn("\nserver_wide_modules = base,rpc,web,queue_job\n", problem.lines)
        self.assertTrue(problem.lines.endswith("=root:3"), problem.lines)

    def test_channels_that_let_no_job_run(self):
        for channels in ("root:0", "root:2:paused", "root:-1", "root:many"):
            with self.subTest(channels):
                be_server(self, channels=channels)
                problem = self.problem()
                self.assertEqual(problem.kind, "no_runner")
                self.assertIn("channels let none run", problem.reason)
                self.assertNotIn("server_wide_modules", problem.lines)

    def test_one_server_with_a_runner_is_enough(self):
        be_server(self, loaded=False)
        other = self.note()
        self.assertFalse(self.found())
        other.capacity = 0
        self.assertEqual(self.found(), ["no_runner"])

    def test_something_else_may_run_jobs(self):
        be_server(self, loaded=False)
        self.note(loaded=False)
        job = self.new_job(state="done", date_started=self.ago(days=2))
        self.assertFalse(self.found())
        job.date_started = self.ago(days=health.USED_DAYS + 1)
        self.assertEqual(self.found(), ["no_runner"])
        # until jobs are due, and none starts
        job.date_started = self.ago(days=2)
        self.new_job()
        self.assertEqual(self.found(), ["no_runner"])

    def test_a_runner_that_is_at_work_elsewhere_is_seen_by_its_lock(self):
        be_server(self, loaded=False)
        with Registry(get_db_name()).cursor() as cr:
            cr.execute(
                "SELECT pg_advisory_xact_lock(%s)", (health.PG_ADVISORY_LOCK_ID,)
            )
            self.assertFalse(self.found())
        self.assertEqual(self.found(), ["no_runner"])


@tagged("post_install", "-at_install")
class TestStuck(HealthCase):
    def setUp(self):
        super().setUp()
        be_server(self)
        self.other = self.note()

    def test_a_due_job_and_none_starts(self):
        self.new_job(minutes=4)
        self.assertFalse(self.found())
        self.new_job(minutes=7)
        problem = self.problem()
        self.assertEqual((problem.kind, problem.lines), ("stuck", ""))
        self.assertIn("for 7 minutes", problem.reason)

    def test_one_that_no_worker_was_found_for(self):
        # the runner asks an address that nobody answers at
        self.new_job(state="enqueued")
        self.assertEqual(self.found(), ["stuck"])

    def test_what_is_not_due_does_not_count(self):
        for values in (
            {"eta": self.ago(minutes=4)},
            {"eta": self.ago(hours=-1)},
            {"state": "wait_dependencies"},
            {"state": "failed"},
            {"state": "done"},
        ):
            with self.subTest(values):
                job = self.new_job(minutes=600, **values)
                self.assertFalse(self.found())
                job.unlink()
        self.new_job(minutes=600, eta=self.ago(minutes=6))
        self.assertEqual(self.found(), ["stuck"])

    def test_jobs_that_start_all_the_time_are_a_backlog(self):
        self.new_job(minutes=600)
        for state in ("done", "failed", "started"):
            with self.subTest(state):
                job = self.new_job(state=state, date_started=self.ago(minutes=4))
                self.assertFalse(self.found())
                job.date_started = self.ago(minutes=6)
                self.assertEqual(self.found(), ["stuck"])

    def test_a_job_at_work_holds_its_place_as_long_as_it_may(self):
        self.new_job(minutes=600)
        self.new_job(state="started", date_started=self.ago(minutes=20))
        self.assertEqual(self.found(), ["stuck"])
        with patch.dict(config.options.maps[0], {"limit_time_real": 1800}):
            self.assertFalse(self.found())

    def test_a_server_that_is_asked_to_run_jobs_starts_them(self):
        # they may all have been put back since
        self.new_job(minutes=600)
        self.other.asked = self.ago(minutes=4)
        self.assertFalse(self.found())
        self.other.asked = self.ago(minutes=6)
        self.assertEqual(self.found(), ["stuck"])

    def test_after_a_standstill_jobs_get_the_time_to_start(self):
        self.new_job(minutes=600)
        self.other.since = self.ago(minutes=4)
        self.assertFalse(self.found())
        self.other.since = self.ago(minutes=6)
        self.assertEqual(self.found(), ["stuck"])
        self.other.noted = self.ago(hours=1)
        self.assertFalse(self.found())

    def test_a_system_that_is_paused_waits_for_people(self):
        self.backend.action_pause()
        job = self.new_job(sync_backend_id=self.backend.id)
        self.assertFalse(self.found())
        job.sync_backend_id = self.env["sync.backend"].create(backend_values(name="Up"))
        self.assertEqual(self.found(), ["stuck"])

    def test_a_channel_may_be_held_back_on_purpose(self):
        be_server(self, channels="root:2,mail:1:paused,root.one:1:sequential")
        for channel in ("root.mail", "root.mail.slow", "root.one"):
            with self.subTest(channel):
                stopped = self.new_job(state="failed", channel="root.one")
                job = self.new_job(channel=channel)
                self.assertFalse(self.found())
                (job | stopped).unlink()
        self.new_job(channel="root.mails")
        self.assertEqual(self.found(), ["stuck"])

    def test_a_sequential_channel_stops_for_its_own_failures_only(self):
        be_server(self, channels="root:2,root.one:1:sequential")
        self.new_job(state="failed", channel="root.other")
        self.new_job(channel="root.one")
        self.assertEqual(self.found(), ["stuck"])


@tagged("post_install", "-at_install")
class TestScreens(HealthCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager, cls.admin, cls.user = (
            new_test_user(cls.env, f"sync_health_{name}", groups)
            for name, groups in (
                ("manager", "base.group_user,queue_job.group_queue_job_manager"),
                ("admin", "base.group_system"),
                ("user", "base.group_user"),
            )
        )

    def setUp(self):
        super().setUp()
        be_server(self, channels="root:4")

    def test_who_may_not_configure_is_told_without_lines(self):
        (shown,) = self.env["sync.health"].with_user(self.admin).banner()
        self.assertEqual(shown["title"], "Jobs can take every worker")
        self.assertIn("all 4 workers", shown["text"])
        self.assertIn("workers = 4", shown["lines"])
        (told,) = self.env["sync.health"].with_user(self.manager).banner()
        self.assertEqual(told, {**shown, "lines": ""})
        with self.assertRaises(AccessError):
            self.env["sync.health"].with_user(self.user).banner()

    def test_wizards_say_it(self):
        self.stream.state = "draft"
        go_live = self.env["sync.go.live"].with_user(self.admin)
        for wizard in (
            Form(self.env["sync.setup"].with_user(self.admin)),
            Form(go_live.with_context(default_stream_id=self.stream.id)),
        ):
            (shown,) = wizard.health
            self.assertIn("workers = 4", shown["lines"])

    def test_a_copy_forgets_the_servers_of_the_original(self):
        self.note()
        self.env["sync.health"].create({"kind": "stuck", "seen": self.ago()})
        self.env.flush_all()
        (query,) = get_neutralization_queries(["queue_job_sync"])
        self.env.cr.execute(query)
        self.env.invalidate_all()
        for model in ("sync.node", "sync.health"):
            self.assertFalse(self.env[model].search([]))


class NotesCase(IncidentCase):
    """Real transactions: a note is committed by itself."""

    def setUp(self):
        super().setUp()
        self.forget()
        self.addCleanup(self.forget)

    def forget(self):
        with self.transaction() as env:
            env["sync.node"].search([]).unlink()
            env["sync.health"].search([]).unlink()
        health._noted.clear()

    def notes(self):
        return self.read("sync.node", [], [], order="name")

    def told(self):
        return self.read("sync.health", [], [])

    def change(self, model, **time):
        """Commit that what servers say, or people were told, is longer ago."""
        with self.transaction() as env:
            for row in env[model].search([]):
                for name in {"seen", "noted", "asked", "since"} & row._fields.keys():
                    row[name] = row[name] and row[name] - timedelta(**time)


@tagged("post_install", "-at_install")
class TestNotes(NotesCase):
    def test_the_cron_notes_what_the_server_is(self):
        be_server(self, workers=3, channels="root:2")
        self.watch()
        (node,) = self.notes()
        here = health.here()
        self.assertEqual(tuple(node[name] for name in here._fields), here)
        self.assertEqual((here.workers, here.capacity, here.loaded), (3, 2, True))
        self.assertFalse(node["asked"])
        be_server(self, workers=5, channels="root:4")
        self.watch()
        (again,) = self.notes()
        self.assertEqual((again["workers"], again["capacity"]), (5, 4))
        self.assertEqual(again["id"], node["id"])

    def test_since_when_there_has_been_a_server(self):
        self.watch()
        (first,) = self.notes()
        self.change("sync.node", minutes=4)
        # another one comes, and the first one goes
        with patch("socket.gethostname", return_value="other"):
            self.watch()
            self.change("sync.node", minutes=4)
            self.watch()
        since = {node["since"] for node in self.notes()}
        self.assertEqual(since, {first["since"] - timedelta(minutes=8)})
        self.change("sync.node", minutes=6)
        self.watch()
        since = max(node["since"] for node in self.notes())
        self.assertGreaterEqual(since, first["since"])

    def test_notes_go_when_they_are_old(self):
        self.watch()
        with self.transaction() as env:
            for name in ("gone:8069", "silent:8069"):
                env["sync.node"].search([], limit=1).copy({"name": name})
            gone, silent = env["sync.node"].search([("name", "like", ":8069")])[-2:]
            gone.noted -= timedelta(days=health.KEEP_DAYS, minutes=1)
            silent.noted -= timedelta(hours=1)
        self.watch()
        names = [node["name"] for node in self.notes()]
        self.assertEqual(len(names), 2)
        self.assertNotIn("gone:8069", names)

    def test_nobody_waits_for_a_table_that_is_locked(self):
        with self.registry.cursor() as cr:
            cr.execute("LOCK TABLE sync_node")
            with mute_logger("odoo.sql_db"), self.assertLogs(health._logger) as logs:
                health.note(self.registry)
        self.assertIn("could not be noted", logs.output[0])
        self.assertFalse(self.notes())


@tagged("post_install", "-at_install")
class TestAsked(NotesCase, TourCase):
    def asked(self):
        """Return when this server has noted that it was asked, asked once more now."""
        self.url_open("/queue_job/runjob?job_uuid=none")
        (node,) = self.notes()
        return node["asked"]

    def test_a_worker_that_is_asked_for_a_job_notes_it_once_in_a_while(self):
        first = self.asked()
        self.assertTrue(first)
        self.change("sync.node", minutes=9)
        self.assertEqual(self.asked(), first - timedelta(minutes=9))
        # a note of the cron says nothing of jobs
        self.watch()
        self.assertEqual(self.asked(), first - timedelta(minutes=9))
        health._noted.clear()
        self.assertGreaterEqual(self.asked(), first)


@tagged("post_install", "-at_install")
class TestTelling(FailureMailCase, NotesCase):
    def mails(self):
        with self.transaction() as env:
            return self._read_mails(env, [("model", "=", "sync.health")])

    def test_one_mail_as_long_as_it_lasts(self):
        be_server(self, channels="root:4")
        for _minute in range(3):
            self.watch()
            self.change("sync.health", minutes=1)
        (mail,) = self.mails()
        self.assertEqual(mail["subject"], "Job Queue: Jobs can take every worker")
        self.assertIn(self.manager_id, mail["users"])
        self.assertNotIn(self.plain_id, mail["users"])
        for text in ("all 4 workers", "workers = 4", "root:3", "action_sync_dashboard"):
            self.assertIn(text, mail["html"])

    def test_another_problem_is_another_mail(self):
        be_server(self, channels="root:4")
        self.watch()
        be_server(self, loaded=False)
        self.watch()
        self.assertEqual(
            [mail["subject"] for mail in self.mails()],
            [
                "Job Queue: Jobs can take every worker",
                "Job Queue: No job runs",
            ],
        )

    def test_two_servers_are_one_problem(self):
        be_server(self, channels="root:4")
        self.watch()
        with self.transaction() as env:
            env["sync.node"].search([]).copy({"name": "other:8069", "capacity": 9})
        self.watch()
        with self.transaction() as env:
            self.assertEqual(len(health.problems(env)), 2)
        self.assertEqual(len(self.mails()), 1)

    def test_told_again_when_it_comes_back(self):
        be_server(self, channels="root:4")
        self.watch()
        be_server(self)
        self.change("sync.health", minutes=11)
        self.watch()
        self.assertFalse(self.told())
        be_server(self, channels="root:4")
        self.watch()
        self.assertEqual(len(self.mails()), 2)

    def test_back_within_minutes_it_is_the_same(self):
        be_server(self, channels="root:4")
        self.watch()
        be_server(self)
        self.change("sync.health", minutes=9)
        self.watch()
        be_server(self, channels="root:4")
        self.watch()
        self.assertEqual(len(self.mails()), 1)

    def test_a_mail_that_cannot_be_written_is_tried_again(self):
        be_server(self, channels="root:4")
        with self.transaction() as env:
            template = env.ref("queue_job_sync.mail_template_health")
            subject = template.subject
            template.subject = "{{ object.missing }}"
        try:
            with (
                mute_logger("odoo.addons.mail.models.mail_render_mixin"),
                self.assertLogs("odoo.addons.queue_job_sync.models.sync_health"),
            ):
                self.watch()
            self.assertFalse(self.told())
        finally:
            with self.transaction() as env:
                env.ref("queue_job_sync.mail_template_health").subject = subject
        self.watch()
        self.assertEqual(len(self.mails()), 1)
