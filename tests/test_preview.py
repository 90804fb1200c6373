# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What would be sent is shown, and nothing is sent."""

import json

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..transports import Transport
from .common import DeliveryCase, SyncCase, stream_values
from .postgresql_case import PASSWORD, PostgresqlCase
from .secret_case import set_variable
from .test_adoption import searching

WRITTEN = (
    "sync.binding",
    "sync.outbox",
    "sync.attempt",
    "sync.delivery",
    "sync.rate",
    "queue.job",
    "sync.incident",
)
SIGNING_SECRET = "whsec_" + "s3cret//" * 5


class PreviewCase(DeliveryCase):
    def preview(self, partner_id, uid=1):
        """Preview a contact, and check that nothing was written here."""
        before = {model: self.ids_of(model) for model in WRITTEN}
        with self.transaction(uid) as env:
            wizard = env["sync.preview"].create(
                {"stream_id": self.stream_id, "res_id": partner_id}
            )
            action = wizard.action_preview()
            self.assertEqual(action["res_id"], wizard.id)
            found = wizard.read()[0]
            wizard.sudo().unlink()
        self.assertEqual({model: self.ids_of(model) for model in WRITTEN}, before)
        return found

    def ids_of(self, model):
        return {row["id"] for row in self.read(model, [], ["id"])}


@tagged("post_install", "-at_install")
class TestPreviewRest(PreviewCase):
    def test_new_contact_is_a_post(self):
        partner_id = self.new_partner(email="ada@example.com")
        found = self.preview(partner_id)
        self.assertFalse(self.destination.requests)
        head, _blank, body = found["request"].partition("\n\n")
        self.assertEqual(head.splitlines()[0], f"POST {self.destination.url}/contacts")
        self.assertIn("Content-Type: application/json", head)
        self.assertIn("does not hold it yet", found["held_problem"])
        self.assertFalse(found["request_problem"])
        self.assertIn("New", found["comparison"])
        # the request that is sent then is the very same, but for its key
        self.assertEqual(self.run_pending(), ["done"])
        (request,) = self.destination.requests
        self.assertEqual(request.body.decode(), body)
        shown = dict(line.split(": ", 1) for line in head.splitlines()[1:])
        self.assertEqual(shown.pop("Idempotency-Key"), "(a random one)")
        sent = dict(request.headers)
        self.assertRegex(sent.pop("Idempotency-Key"), r"^[0-9a-f]{32}$")
        self.assertEqual(
            shown,
            {
                name: value
                for name, value in sent.items()
                if name not in ("Host", "Connection")
            },
        )

    def test_known_contact_is_compared_with_what_is_there(self):
        self.change_stream(
            mapping_ids=[
                fields.Command.create({"field_path": "city", "target": "address.city"})
            ]
        )
        partner_id = self.new_partner(email="ada@example.com", city="London")
        self.run_pending()
        self.destination.records["/contacts/1"].update(email="old@x", shoe=42)
        self.destination.requests.clear()
        found = self.preview(partner_id)
        (request,) = self.destination.requests
        self.assertEqual((request.method, request.path), ("GET", "/contacts/1"))
        self.assertTrue(
            found["request"].startswith(f"PUT {self.destination.url}/contacts/1\n")
        )
        rows = found["comparison"].split("<tr")
        for name, words in (
            ("name", ('"Ada"', "Same")),
            ("email", ('"ada@example.com"', '"old@x"', "Different")),
            ("address.city", ('"London"', "Same")),
            ("shoe", ("42", "Not sent")),
        ):
            with self.subTest(name):
                (row,) = (each for each in rows if f">{name}</td>" in each)
                for word in words:
                    self.assertIn(word, row)

    def test_contact_that_is_gone_there(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.destination.records.clear()
        found = self.preview(partner_id)
        self.assertIn("does not hold it yet", found["held_problem"])

    def test_contact_that_is_no_longer_sent_is_deleted(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.edit(partner_id, active=False)
        found = self.preview(partner_id)
        self.assertTrue(
            found["request"].startswith(f"DELETE {self.destination.url}/contacts/1\n")
        )
        self.assertIn("Not sent", found["comparison"])
        self.assertTrue(self.destination.records)

    def test_contact_that_is_not_sent(self):
        partner_id = self.new_partner(active=False)
        found = self.preview(partner_id)
        self.assertIn("nothing would be sent", found["request_problem"])
        self.assertFalse(found["request"] or self.destination.requests)

    def test_system_that_does_not_answer_or_refuses_to_tell(self):
        partner_id = self.new_partner()
        self.run_pending()
        for status in (405, 500, 401):
            self.destination.answer(status)
            found = self.preview(partner_id)
            self.assertIn(str(status), found["held_problem"])
            self.assertIn("PUT ", found["request"])
        self.destination.answer(200, ["a", "list"])
        self.assertIn("without a JSON object", self.preview(partner_id)["held_problem"])
        self.change_backend(url="http://127.0.0.1:9/api")
        found = self.preview(partner_id)
        self.assertIn("refused", found["held_problem"])
        self.assertIn("PUT http://127.0.0.1:9/api/contacts/1", found["request"])

    def test_no_secret_is_shown(self):
        secret = "t0k3n/abc+def=="
        partner_id = self.new_partner(name="Ada", email=f"{secret}@example.com")
        for values in (
            {"auth": "bearer"},
            {"auth": "basic", "auth_username": "odoo"},
            {"auth": "header", "auth_header": "X-Shop-Key"},
        ):
            self.change_backend(
                auth_secret=secret, signing_secret=SIGNING_SECRET, **values
            )
            found = self.preview(partner_id)
            self.assertNotIn(secret, repr(found["request"]))
            self.assertNotIn("s3cret//", repr(found))
            header = "X-Shop-Key" if values["auth"] == "header" else "Authorization"
            self.assertIn(f"{header}: ***", found["request"])
            self.assertIn("webhook-signature: ***", found["request"])
        self.destination.answer(201, {"id": "1"})
        self.run_pending()
        self.destination.answer(200, {"name": f"Bearer {secret}", secret: [secret]})
        self.assertNotIn(secret, self.preview(partner_id)["held_problem"] or "")

    def test_secret_that_is_missing_is_named(self):
        set_variable(self, "SYNC_TEST_TOKEN", None)
        self.change_backend(auth="bearer", auth_secret="env:SYNC_TEST_TOKEN")
        found = self.preview(self.new_partner())
        for name in ("request_problem", "held_problem"):
            self.assertIn("env:SYNC_TEST_TOKEN", found[name])
        self.assertIn("Ada", found["comparison"])
        self.assertFalse(found["request"] or self.destination.requests)

    def test_limit_on_requests_is_left_to_the_jobs(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.change_backend(rate_limit=0.01)
        self.assertIn("Same", self.preview(partner_id)["comparison"])

    def test_search_and_creation_in_the_language_of_the_reader(self):
        self.change_stream(**searching())
        partner_id = self.new_partner(name="100% Ada", email="ada@example.com")
        with self.transaction() as env:
            languages = env["res.lang"].with_context(active_test=False)
            french = languages.search([("code", "=", "fr_FR")])
            was_active, french.active = french.active, True
            wizard = (
                env["sync.preview"]
                .with_context(lang="fr_FR")
                .create({"stream_id": self.stream_id, "res_id": partner_id})
            )
            wizard.action_preview()
            found = wizard.request.partition("\n\nSi rien n'est trouvé")
            wizard.unlink()
            french.active = was_active
        self.assertTrue(found[0].startswith("GET "), found)
        self.assertIn("POST ", found[2])
        self.assertIn('"100% Ada"', found[2])

    def test_batch_endpoint_and_mark(self):
        self.change_stream(batch_endpoint="contacts/batch", delete_policy="mark")
        partner_id = self.new_partner()
        self.assertIn('"deleted": false', self.preview(partner_id)["request"])
        self.run_pending()
        self.edit(partner_id, active=False)
        found = self.preview(partner_id)
        self.assertTrue(found["request"].startswith("PATCH "))
        self.assertIn("Different", found["comparison"])


@tagged("post_install", "-at_install")
class TestPreviewPostgresql(PreviewCase, PostgresqlCase):
    def setUp(self):
        super().setUp()
        lines = (
            {"field_path": "name", "target": "name"},
            {"field_path": "color", "target": "age"},
            {"field_path": "category_id.name", "target": "tags"},
            {
                "field_path": "category_id.name",
                "target": "address",
                "conversion": "json",
            },
            {
                "field_path": "partner_latitude",
                "target": "ratio",
                "conversion": "number",
                "conversion_argument": ".2f",
            },
        )
        self.change_stream(
            table="contacts",
            mapping_ids=[
                fields.Command.clear(),
                *(fields.Command.create(line) for line in lines),
            ],
        )
        self.change_backend(**self.system_values())
        with self.transaction() as env:
            self.tag_id = env["res.partner.category"].create({"name": "it's"}).id
        self.addCleanup(self._delete_tag)

    def _delete_tag(self):
        with self.transaction() as env:
            env["res.partner.category"].browse(self.tag_id).unlink()

    def rows(self):
        return self.query("SELECT to_jsonb(c), xmin::text FROM contacts c")

    def new_contact(self):
        return self.new_partner(
            color=3, partner_latitude=1.5, category_id=[self.tag_id]
        )

    def test_row_that_is_not_there(self):
        partner_id = self.new_contact()
        found = self.preview(partner_id)
        self.assertEqual(self.rows(), [])
        self.assertIn('INSERT INTO "contacts" ("odoo_id", "address",', found["request"])
        self.assertIn("ARRAY['it''s']", found["request"])
        self.assertIn("does not hold it yet", found["held_problem"])
        # it is the statement that writes the row
        self.query(found["request"].replace("%", "%%"))
        ((row, _version),) = self.rows()
        self.assertEqual(row["address"], ["it's"])
        self.assertEqual(row["tags"], ["it's"])
        self.assertEqual(row["ratio"], 1.5)

    def test_row_that_is_there_is_compared_and_stays_as_it_is(self):
        partner_id = self.new_contact()
        self.assertEqual(self.run_pending(), ["done"])
        self.query("UPDATE contacts SET age = 99")
        before = self.rows()
        found = self.preview(partner_id)
        self.assertEqual(self.rows(), before)
        self.assertEqual(found["comparison"].count("Same"), 4)
        self.assertEqual(found["comparison"].count("Different"), 1)
        self.assertFalse(found["held_problem"])

    def test_deleted_contact(self):
        partner_id = self.new_contact()
        self.run_pending()
        self.edit(partner_id, active=False)
        before = self.rows()
        found = self.preview(partner_id)
        self.assertEqual(self.rows(), before)
        self.assertIn('DELETE FROM "contacts"', found["request"])
        self.assertIn("odoo_id", found["comparison"])

    def test_asking_cannot_write(self):
        """Whatever stands behind the name of the table."""
        self.query(
            """
            CREATE FUNCTION note() RETURNS integer LANGUAGE sql VOLATILE AS
                $$ INSERT INTO keyless VALUES (1, 'asked') RETURNING 1 $$;
            CREATE VIEW noting AS SELECT 7 AS odoo_id, note()::text AS name;
            GRANT ALL ON noting, keyless TO PUBLIC;
            """
        )
        self.addCleanup(self.query, "DROP VIEW noting; DROP FUNCTION note")
        partner_id = self.new_contact()
        self.change_stream(
            table="noting",
            mapping_ids=[
                fields.Command.clear(),
                fields.Command.create({"field_path": "name", "target": "name"}),
            ],
        )
        self.query(
            "CREATE OR REPLACE VIEW noting AS SELECT "
            f"{partner_id} AS odoo_id, note()::text AS name"
        )
        found = self.preview(partner_id)
        self.assertIn("read-only", found["held_problem"])
        self.assertEqual(self.query("TABLE keyless"), [])

    def test_table_that_cannot_be_read(self):
        partner_id = self.new_contact()
        self.change_stream(
            table="private",
            mapping_ids=[
                fields.Command.clear(),
                fields.Command.create({"field_path": "name", "target": "name"}),
            ],
        )
        self.assertIn("permission denied", self.preview(partner_id)["held_problem"])
        self.change_stream(table="nowhere")
        self.assertIn("does not exist", self.preview(partner_id)["held_problem"])

    def test_server_that_does_not_let_in(self):
        partner_id = self.new_partner(name=f"Ada {PASSWORD}")
        self.assertNotIn(PASSWORD, repr(self.preview(partner_id)))
        self.change_backend(db_password="another")
        found = self.preview(partner_id)
        self.assertIn("No connection", found["request_problem"])
        self.assertIn("No connection", found["held_problem"])
        self.assertNotIn("another", repr(found))


@tagged("post_install", "-at_install")
class TestPreviewAccess(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Ada"})
        cls.manager = new_test_user(
            cls.env,
            "sync_previewer",
            "base.group_user,queue_job.group_queue_job_manager",
        )

    def wizard(self, user, stream=None, record=None):
        return (
            self.env["sync.preview"]
            .with_user(user)
            .create(
                {
                    "stream_id": (stream or self.stream).id,
                    "res_id": (record or self.partner).id,
                }
            )
        )

    def test_job_managers_preview(self):
        wizard = self.wizard(self.manager)
        wizard.action_preview()
        body = json.loads(wizard.request.partition("\n\n")[2])
        self.assertEqual(body, {"country": None, "email": None, "name": "Ada"})

    def test_others_do_not(self):
        for number, groups in enumerate(
            ("base.group_portal", "base.group_user", "base.group_system")
        ):
            user = new_test_user(self.env, f"sync_no_preview_{number}", groups)
            with self.subTest(groups):
                with self.assertRaises(AccessError):
                    self.wizard(user)
                wizard = self.wizard(self.manager).with_user(user)
                with self.assertRaises(AccessError):
                    wizard.action_preview()

    def test_only_records_that_they_may_read(self):
        company = self.env["res.company"].create({"name": "Sync Company B"})
        hidden = self.env["res.partner"].create(
            {"name": "Hidden", "company_id": company.id}
        )
        with self.assertRaises(AccessError):
            self.wizard(self.manager, record=hidden).action_preview()

    def test_only_streams_that_they_may_read(self):
        company = self.env["res.company"].create({"name": "Sync Company B"})
        backend = self.backend.copy({"company_id": company.id})
        stream = self.env["sync.stream"].create(stream_values(backend))
        with self.assertRaises(AccessError):
            self.wizard(self.manager, stream=stream).action_preview()

    def test_record_that_is_not_there(self):
        wizard = self.wizard(self.manager)
        for res_id in (0, False, 2**31 - 1):
            wizard.res_id = res_id
            with self.subTest(res_id), self.assertRaises(UserError):
                wizard.action_preview()

    def test_first_record_is_proposed(self):
        wizard = (
            self.env["sync.preview"]
            .with_user(self.manager)
            .with_context(default_stream_id=self.stream.id)
            .create({})
        )
        self.assertTrue(wizard.res_id)
        action = self.stream.with_user(self.manager).action_preview()
        self.assertEqual(action["context"], {"default_stream_id": self.stream.id})

    def test_transport_that_cannot_tell(self):
        class Silent(Transport):
            def send(self, messages):
                raise AssertionError("nothing is sent")

            def check(self):
                return ""

        self.patch(
            self.registry["sync.backend"], "_transport_rest", lambda backend: Silent()
        )
        wizard = self.wizard(self.manager)
        wizard.action_preview()
        self.assertIn("cannot show its requests", wizard.request_problem)
        self.assertIn("cannot be asked", wizard.held_problem)
        self.assertIn("Ada", wizard.comparison)
