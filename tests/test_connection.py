# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""*Test Connection*: of each synchronization it is said what is known, and no more."""

import time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from ..models import sync_backend
from ..transports.pace import Pace, Slots
from .common import SyncCase, stream_values, write_backend
from .postgresql_case import PostgresqlCase
from .servers import Answer, HttpDestination

TOKEN = "t0ken-of-the-test"


class Guarded(HttpDestination):
    """A system that knows some addresses, and lets in who has a token."""

    def __init__(self):
        super().__init__()
        # by path, what a GET is answered with
        self.shown = {"/": Answer(200, {"name": "CRM"})}
        self.allow = {}

    def _crud(self, request):
        path = request.path
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Answer(401, {"error": "who are you?"})
        if request.method == "OPTIONS" and path in self.allow:
            return Answer(204, headers={"Allow": self.allow[path]})
        if request.method == "GET" and path in self.shown:
            return self.shown[path]
        return Answer(404, {"message": f"{path} is unknown"})


class ConnectionCase(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = new_test_user(cls.env, "sync_test_admin", "base.group_system")

    def press(self, backend=None):
        """Press the button; return what is said of each synchronization, by name."""
        backend = (backend or self.backend).with_user(self.admin)
        action = backend.action_test_connection()
        self.assertEqual(action["res_model"], "sync.connection.test")
        shown = self.env["sync.connection.test"].browse(action["res_id"])
        shown = shown.with_user(self.admin)
        for _name, _outcome, sentence in shown.findings:
            self.assertNotIn(TOKEN, sentence)
        self.assertEqual(shown.found.count("<tr>"), len(shown.findings))
        return {name: (outcome, said) for name, outcome, said in shown.findings}

    def assertFound(self, outcome, words, stream=None):
        found, said = self.press()[(stream or self.stream).name]
        self.assertEqual(found, outcome, said)
        self.assertIn(words, said)


@tagged("post_install", "-at_install")
class TestConnection(ConnectionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.destination = cls.enterClassContext(Guarded())
        values = {"url": cls.destination.url, "auth": "bearer", "auth_secret": TOKEN}
        write_backend(cls.backend, {**values, "rate_limit": 0})

    def setUp(self):
        super().setUp()
        self.destination.requests.clear()
        self.destination.shown = {"/": Answer(200, {"name": "CRM"})}
        self.destination.allow = {}

    def asked(self):
        return [(each.method, each.path) for each in self.destination.requests]

    def show(self, path, status=200, body=None, **options):
        self.destination.shown[path] = Answer(status, body, **options)

    def bind(self, external_id):
        self.env["sync.binding"].create(
            {
                "stream_id": self.stream.id,
                "res_id": self.env["res.partner"].create({"name": "Ada"}).id,
                "external_id": external_id,
                "content_hash": "hash",
            }
        )
        self.env.flush_all()

    def test_a_right_path_and_password(self):
        self.show("/contacts", 200, [{"id": 1}])
        self.assertFound("works", "GET")
        self.assertEqual(self.asked(), [("GET", "/"), ("GET", "/contacts")])

    def test_a_wrong_password(self):
        self.show("/contacts", 200, [])
        write_backend(self.backend, {"auth_secret": "another"})
        self.assertFound("fails", "The credentials are refused")

    def test_a_wrong_password_is_tried_once_for_all(self):
        for number in range(5):
            values = stream_values(self.backend, name=f"More {number}")
            self.env["sync.stream"].create(values)
        write_backend(self.backend, {"auth_secret": "another"})
        found = self.press()
        outcomes = sorted(outcome for outcome, _said in found.values())
        self.assertEqual(outcomes, ["fails"] + ["untold"] * 5)
        self.assertEqual(len(self.asked()), 2)

    def test_a_right_that_is_missing(self):
        self.show("/contacts", 403, {"error": "not for you"})
        self.assertFound("fails", "not for you")

    def test_a_wrong_path(self):
        self.assertFound("fails", "as it does where there is nothing")

    def test_a_wrong_path_below_a_right_one(self):
        self.stream.endpoint = "crm/v2/contcts"
        self.assertFound("fails", "Check the endpoint")
        paths = {path for _method, path in self.asked()[3:]}
        self.assertEqual(len(paths), 2)
        for path in paths:
            self.assertRegex(path, "^/crm/v2/[0-9a-f]{32}$")

    def test_an_address_that_only_takes_records(self):
        self.show("/contacts", 405)
        self.assertFound("untold", "the address is there")

    def test_an_address_that_hides_from_questions_but_has_options(self):
        self.destination.allow["/contacts"] = "POST, OPTIONS"
        self.assertFound("untold", "only take new records")

    def test_an_address_that_answers_in_its_own_way(self):
        self.show("/contacts", 404, {"error": "no such contact: give an id, please"})
        self.assertFound("untold", "only take new records")

    def test_a_webhook_that_answers_no_question(self):
        self.stream.write({"id_policy": "none", "delete_policy": "ignore"})
        self.assertFound("untold", "only take new records")

    def test_an_address_that_has_worked(self):
        self.stream.proven = self.stream._proven_text({"create"})
        self.assertFound("untold", "has taken records with these settings")

    def test_a_record_that_is_there_is_the_best_proof(self):
        self.bind("c 7")
        self.show("/contacts/c%207", 200, {"id": "c 7"})
        self.assertFound("works", "/contacts/c%207 answered 200")
        self.assertNotIn(("GET", "/contacts"), self.asked())

    def test_a_record_that_is_gone_proves_nothing(self):
        self.bind("c-7")
        self.show("/contacts", 200, [])
        self.assertFound("works", "/contacts answered 200")

    def test_the_page_of_a_login(self):
        self.show("/contacts", 200, "<html><form>Log in</form></html>")
        self.assertFound("untold", "a page for people")

    def test_a_redirect_to_a_login(self):
        self.show("/contacts", 302, headers={"Location": "/login"})
        self.assertFound("fails", "points to")

    def test_another_spelling(self):
        self.show("/contacts", 301, headers={"Location": "/contacts/"})
        self.assertFound("fails", "points to")

    def test_an_answer_that_says_no(self):
        self.show("/contacts", 200, {"success": False, "message": "the key is old"})
        self.assertFound("fails", "the key is old")

    def test_a_question_that_is_refused(self):
        self.show("/contacts", 400, {"message": "which page?"})
        self.assertFound("untold", "which page?")

    def test_a_system_that_is_broken_there(self):
        for status in (500, 502, 503):
            self.show("/contacts", status)
            self.assertFound("fails", f"answered {status}")

    def test_a_system_that_asks_to_wait(self):
        more = stream_values(self.backend, name="More", endpoint="more")
        self.env["sync.stream"].create(more)
        self.show("/contacts", 429, headers={"Retry-After": "7"})
        self.show("/more", 429, headers={"Retry-After": "7"})
        found = self.press()
        self.assertEqual({outcome for outcome, _said in found.values()}, {"untold"})
        self.assertEqual(len(self.asked()), 2)

    def test_a_system_that_asks_to_wait_at_once(self):
        self.show("/", 429, headers={"Retry-After": "7"})
        with self.assertRaisesRegex(UserError, "429"):
            self.press()
        self.assertEqual(len(self.asked()), 1)

    def test_a_system_that_has_asked_to_wait(self):
        self.patch(sync_backend.store, "is_quiet", lambda *_args: True)
        self.assertFound("untold", "takes no more requests for the moment")
        self.assertEqual(len(self.asked()), 1)

    def test_its_own_address_may_be_anything(self):
        self.show("/contacts", 200, [])
        for status in (403, 404, 500):
            self.show("/", status)
            self.assertFound("works", "/contacts")

    def test_a_system_that_does_not_answer(self):
        self.backend.url = "http://127.0.0.1:9"
        with self.assertRaisesRegex(UserError, "does not answer as it should"):
            self.press()

    def test_a_system_without_a_synchronization_is_not_green(self):
        self.stream.active = False
        backend = self.backend.with_user(self.admin)
        for status in (200, 404):
            self.show("/", status)
            params = backend.action_test_connection()["params"]
            self.assertEqual(params["type"], "info")
            self.assertIn(f"answered {status}", params["message"])
            self.assertIn("once it has a synchronization", params["message"])

    def test_drafts_too_and_what_they_lack(self):
        values = stream_values(self.backend, state="draft")
        drafts = self.env["sync.stream"].create(
            [
                {**values, "name": "Good", "endpoint": "good"},
                {**values, "name": "Nowhere", "endpoint": False},
            ]
        )
        self.show("/good", 200, [])
        self.show("/contacts", 200, [])
        found = self.press()
        self.assertEqual(found["Good"][0], "works")
        self.assertEqual(
            found["Nowhere"], ("fails", f"{drafts[1].name} needs an endpoint.")
        )

    def test_nothing_is_written_there(self):
        self.show("/contacts", 200, [])
        self.press()
        self.destination.shown.clear()
        self.press()
        methods = {method for method, _path in self.asked()}
        self.assertEqual(methods, {"GET", "OPTIONS"})

    def many(self, count, **options):
        streams = self.env["sync.stream"].create(
            [
                stream_values(self.backend, name=f"S{number}", endpoint=f"s{number}")
                for number in range(count)
            ]
        )
        for stream in streams:
            self.show(f"/{stream.endpoint}", 200, [], **options)
        self.show("/contacts", 200, [])
        return streams

    def test_forty_nine_are_asked_side_by_side(self):
        self.many(48, delay=0.2)
        began = time.monotonic()
        found = self.press()
        self.assertLess(time.monotonic() - began, 0.2 * 48 / 2)
        self.assertEqual(len(found), 49)
        self.assertEqual({outcome for outcome, _said in found.values()}, {"works"})

    def test_they_are_asked_for_a_time_and_no_longer(self):
        self.many(20, delay=0.3)
        self.backend.concurrency = 2
        self.patch(sync_backend, "TEST_TIME", 0.5)
        found = self.press()
        untold = [said for outcome, said in found.values() if outcome == "untold"]
        self.assertGreater(len(untold), 10)
        self.assertIn("the time is over", untold[0])

    def test_they_are_asked_as_fast_as_the_system_may_be_asked(self):
        self.many(5)
        self.backend.rate_limit = 4
        # turns are given out by a transaction of its own
        self.patch(
            type(self.env["sync.backend"]),
            "_open_transport",
            self.slow_down(type(self.env["sync.backend"])._open_transport),
        )
        began = time.monotonic()
        self.press()
        self.assertGreater(time.monotonic() - began, 1)

    def slow_down(self, original):
        turns = []

        def reserve(_count, _span, _patience):
            now = time.monotonic()
            turns.append(max(now, turns[-1] + 0.25 if turns else now))
            return Slots(turns[-1] - now, 1, 4)

        def open_transport(backend, end=None):
            transport = original(backend, end)
            transport.pace = Pace(reserve, end)
            return transport

        return open_transport


@tagged("post_install", "-at_install")
class TestConnectionPostgresql(ConnectionCase, PostgresqlCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stream.write(
            {
                "table": "contacts",
                "state": "draft",
                "mapping_ids": [
                    fields.Command.clear(),
                    fields.Command.create({"field_path": "name", "target": "name"}),
                ],
            }
        )
        write_backend(cls.backend, cls.system_values(cls))

    def table(self, ddl, name="tried"):
        self.query(ddl)
        self.addCleanup(self.query, f"DROP TABLE IF EXISTS {name} CASCADE")
        self.stream.table = name

    def test_a_table_that_fits(self):
        for policy in ("delete", "ignore"):
            self.stream.delete_policy = policy
            self.assertFound("works", "the login has the rights")
        self.stream.write({"delete_policy": "mark", "mark_key": "deleted"})
        self.assertFound("works", "the login has the rights")
        self.assertFalse(self.query("SELECT * FROM contacts"))

    def test_a_table_that_is_not_there(self):
        self.stream.table = "nowhere"
        self.assertFound("fails", "no table “nowhere”")

    def test_columns_that_are_not_there(self):
        self.stream.mapping_ids[0].target = "nom"
        self.assertFound("fails", "has no column “nom”")
        self.stream.mapping_ids[0].target = "name"
        self.stream.key_column = "id"
        self.assertFound("fails", "has no column “id”")

    def test_a_required_column(self):
        self.stream.mapping_ids[0].write({"target": "email", "field_path": "email"})
        self.assertFound("fails", "no field is mapped to it")

    def test_a_table_before_any_field_is_mapped(self):
        self.stream.mapping_ids.unlink()
        for policy in ("delete", "mark"):
            self.stream.write({"delete_policy": policy, "mark_key": "deleted"})
            self.assertFound("works", "rights")

    def test_rights_that_are_missing(self):
        self.table(
            "CREATE TABLE tried (odoo_id integer PRIMARY KEY, name text);"
            "GRANT SELECT, INSERT (odoo_id), UPDATE (name) ON tried TO PUBLIC"
        )
        self.assertFound("fails", "INSERT (name), DELETE.")
        self.query("GRANT INSERT ON tried TO PUBLIC")
        self.stream.delete_policy = "ignore"
        self.assertFound("works", "rights")
        self.stream.delete_policy = "delete"
        self.assertFound("fails", ": DELETE.")

    def test_a_login_that_may_write_and_not_read(self):
        self.table(
            "CREATE TABLE tried (odoo_id integer PRIMARY KEY, name text);"
            "GRANT INSERT, UPDATE, DELETE ON tried TO PUBLIC"
        )
        self.assertFound("fails", "SELECT (odoo_id)")

    def test_a_key_without_a_unique_index(self):
        self.stream.table = "keyless"
        self.assertFound("fails", "Add a primary key or a unique constraint")

    def test_a_key_of_another_type(self):
        self.table(
            "CREATE TABLE tried (odoo_id uuid PRIMARY KEY, name text);"
            "GRANT ALL ON tried TO PUBLIC"
        )
        self.assertFound("fails", "invalid input syntax for type uuid")

    def test_a_column_that_is_computed(self):
        self.stream.write({"table": "computed"})
        self.stream.mapping_ids[0].target = "made"
        self.assertFound("fails", "made")

    def test_a_view(self):
        self.table(
            "CREATE TABLE tried (odoo_id integer PRIMARY KEY, name text);"
            "CREATE VIEW seen AS SELECT * FROM tried; GRANT ALL ON seen TO PUBLIC"
        )
        self.stream.table = "seen"
        self.assertFound("untold", "only sending tells")

    def test_a_view_that_takes_nothing(self):
        self.query("CREATE VIEW fixed AS SELECT 1 AS odoo_id, 'x'::text AS name")
        self.addCleanup(self.query, "DROP VIEW fixed")
        self.query("GRANT ALL ON fixed TO PUBLIC")
        self.stream.table = "fixed"
        self.assertFound("fails", "does not take this change")

    def test_a_table_with_policies(self):
        self.table(
            "CREATE TABLE tried (odoo_id integer PRIMARY KEY, name text);"
            "GRANT ALL ON tried TO PUBLIC;"
            "ALTER TABLE tried ENABLE ROW LEVEL SECURITY"
        )
        self.assertFound("untold", "only sending tells")

    def test_a_database_that_takes_nothing(self):
        self.query(f"ALTER ROLE {self.user} SET default_transaction_read_only = on")
        reset = f"ALTER ROLE {self.user} RESET default_transaction_read_only"
        self.addCleanup(self.query, reset)
        self.assertFound("fails", "read-only")

    def test_a_wrong_password(self):
        write_backend(self.backend, {"db_password": "another"})
        with self.assertRaisesRegex(UserError, "No connection to PostgreSQL"):
            self.press()

    def test_without_a_synchronization_the_login_counts(self):
        self.stream.active = False
        action = self.backend.with_user(self.admin).action_test_connection()
        self.assertEqual(action["params"]["type"], "success")
