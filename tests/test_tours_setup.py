# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .common import drop
from .postgresql_case import PASSWORD, PostgresqlCase
from .tour_case import TourCase

# More than the steps that a backfill of the test's database takes.
TURNS = 5


class SetupTourCase(TourCase):
    """Systems that are made in a browser, and go when the test ends."""

    system = None

    def set_up(self, tour, **cookies):
        # the one made in the browser takes the place of the usual one
        self.change_stream(active=False)
        self.new_partner(name="Katherine Johnson", email="kj@example.com")
        self.start_tour(
            "/odoo",
            tour,
            login="sync_tour_system",
            cookies={f"queue_job_sync_{key}": cookies[key] for key in cookies},
        )
        (stream,) = self.read(
            "sync.stream", [("backend_id.name", "=", self.system)], ["backend_id"]
        )
        self.stream_id, self.backend_id = stream["id"], stream["backend_id"][0]
        self.run_all()

    def run_all(self):
        """Run the jobs of the system until the backfill is over, and each is done."""
        domain = [("sync_backend_id", "=", self.backend_id)]
        for _turn in range(TURNS):
            # among them the backfill's own, which waits for those that deliver
            pending = self.read(
                "queue.job", [*domain, ("state", "=", "pending")], ["uuid"], order="id"
            )
            for job in pending:
                self.run_job(job["uuid"])
        jobs = self.read("queue.job", domain, ["name", "state", "exc_message"])
        self.assertGreater(len(jobs), 1)
        self.assertEqual([job for job in jobs if job["state"] != "done"], [])
        (backfill,) = self.read(
            "sync.backfill",
            [("stream_id", "=", self.stream_id)],
            ["state", "total", "done"],
        )
        self.assertEqual(backfill["state"], "done")
        self.assertEqual(backfill["done"], backfill["total"])
        self.assertFalse(self.outbox())

    def _delete_everything(self):
        with self.transaction() as env:
            systems = env["sync.backend"].with_context(active_test=False)
            systems = systems.search([("name", "=", self.system)])
            streams = systems.with_context(active_test=False).stream_ids
            env["sync.setup"].search([]).unlink()
            domain = [("sync_backend_id", "in", systems.ids)]
            env["queue.job"].search(domain).unlink()
            drop(streams.exists())
            drop(systems.exists())
        return super()._delete_everything()


@tagged("post_install", "-at_install")
class TestToursSetup(SetupTourCase):
    """The guided set-up by a system administrator, to the first contact there."""

    system = "Web Shop"

    def test_rest(self):
        self.destination.lists.add("/customers")
        self.set_up("queue_job_sync_setup_rest", destination=self.destination.url)
        names = [record["name"] for record in self.destination.records.values()]
        self.assertIn("Katherine Johnson", names)
        asked = {(each.method, each.path) for each in self.destination.requests}
        self.assertIn(("POST", "/customers"), asked)
        self.assertIn(("GET", "/customers"), asked)


@tagged("post_install", "-at_install")
class TestToursSetupRecipe(SetupTourCase):
    """A system that a recipe fills in, once it is known what is personal."""

    system = "Any Webhook"

    def test_recipe(self):
        self.set_up(
            "queue_job_sync_setup_recipe",
            host="hooks.example.com",
            destination=self.destination.url,
        )
        told = [each for each in self.destination.requests if each.method == "POST"]
        self.assertEqual({each.path for each in told}, {"/hooks/contacts"})
        names = {each.json["record"]["name"] for each in told}
        self.assertIn("Katherine Johnson", names)
        self.assertEqual({each.json["event"] for each in told}, {"upsert"})
        for each in told:
            self.assertTrue(each.headers["webhook-signature"].startswith("v1,"))


@tagged("post_install", "-at_install")
class TestToursSetupPostgresql(PostgresqlCase, SetupTourCase):
    system = "Warehouse"

    def test_postgresql(self):
        self.set_up(
            "queue_job_sync_setup_postgresql",
            host=self.host,
            port=str(self.port),
            dbname=self.dbname,
            user=self.user,
            password=PASSWORD,
        )
        rows = self.query("SELECT name, email FROM contacts")
        self.assertIn(("Katherine Johnson", "kj@example.com"), rows)
