# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A system that is connected by a recipe, and what becomes of the recipe later."""

import json
import tempfile
from pathlib import Path
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..engine import secrets
from ..models.sync_recipe import SyncRecipe
from .servers import HttpDestination
from .test_recipes import recipe
from .test_setup import SetupCase

STRIPE = "queue_job_sync/stripe"


class RecipeCase(SetupCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        folders = SyncRecipe._recipe_folders

        def with_ours(model):
            return [*folders(model), ("shop_addon", self.folder)]

        self.enterContext(patch.object(SyncRecipe, "_recipe_folders", with_ours))
        self.addCleanup(self.env.registry.clear_cache)

    def add(self, content, name="shop"):
        """Add a recipe of another addon, or change it, as an update of that does."""
        path = self.folder / f"{name}.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        self.env.registry.clear_cache()
        return f"shop_addon/{name}"

    def begin_with(self, key):
        """Return a set-up by an administrator, who has chosen a recipe."""
        setup = self.env["sync.setup"].with_user(self.admin).create({})
        self.call(setup, "action_choose", key)
        return setup

    def call(self, setup, method, *args):
        """Call a method as the web client does."""
        model = self.env["sync.setup"].with_user(self.admin)
        result = call_kw(model, method, [setup.ids, *args], {})
        self.env.invalidate_all()
        return result

    def to_address(self, content=None, **answers):
        """Return a set-up with a recipe whose questions are answered."""
        setup = self.begin_with(self.add(content or recipe()))
        setup.recipe_answers = {"host": "shop.example.com", **answers}
        self.call(setup, "set_secret", "auth_secret", "t0ken-of-shop")
        self.call(setup, "action_next")
        return setup


@tagged("post_install", "-at_install")
class TestRecipeSetup(RecipeCase):
    def test_cards(self):
        key = self.add(recipe())
        deep = json.dumps(recipe()).replace('"name": "Shop"', '"name": ' + "[" * 900)
        deep = self.add(deep + "]" * 900, "a_deep")
        broken = self.add("{", "broken")
        with mute_logger("odoo.addons.queue_job_sync.models.sync_recipe"):
            cards = self.env["sync.setup"].with_user(self.admin).new({}).recipe_cards
        by_key = {card["key"]: card for card in cards}
        self.assertGreaterEqual(len(cards), 28)
        self.assertEqual(by_key[key]["letters"], "Sh")
        self.assertIn("no JSON", by_key[broken]["problem"])
        self.assertTrue(by_key[deep]["problem"])
        self.assertEqual(cards[-1]["key"], broken)
        names = [each["name"].casefold() for each in cards if "name" in each]
        self.assertEqual(names, sorted(names))
        setup = self.env["sync.setup"].with_user(self.admin).create({})
        for wrong, sentence in (
            (broken, "no JSON"),
            ("shop_addon/../../etc/passwd", "no such recipe"),
            ("queue_job_sync/recipe.schema", "no such recipe"),
            ("/etc/passwd", "no such recipe"),
        ):
            with self.assertRaisesRegex(UserError, sentence):
                self.call(setup, "action_choose", wrong)
        self.assertEqual((setup.step, setup.recipe), ("system", False))

    def test_another_system_is_connected_as_before(self):
        setup = self.begin_with(False)
        self.assertEqual((setup.step, setup.backend_id.id), ("kind", False))
        setup.name = "Web Shop"
        setup.action_next()
        self.assertEqual(setup.step, "address")
        self.assertFalse(setup.backend_id.recipe or setup.backend_id.recipe_text)

    def test_only_what_is_personal_is_asked_for(self):
        setup = self.begin_with(self.add(recipe()))
        self.assertEqual((setup.step, setup.name), ("account", "Shop"))
        self.assertEqual(setup.recipe_urls, [["Requests go to", "https://<host>/api"]])
        self.assertEqual(
            [(ask["name"], ask.get("origin")) for ask in setup.recipe_asks],
            [("host", None), ("key", "")],
        )
        self.assertFalse(setup.backend_id.active)
        for answers, sentence in (
            (False, "Host: It is missing"),
            ({"host": "https://x"}, "Host: Type a host"),
            ({"host": "shop.example"}, "Key: It is missing"),
            ("nonsense", "Host: It is missing"),
        ):
            setup.recipe_answers = answers
            with self.assertRaisesRegex(UserError, sentence):
                self.call(setup, "action_next")
        self.assertFalse(setup.stream_id)
        self.call(setup, "set_secret", "auth_secret", "t0ken-of-shop")
        self.assertIn("Stored in the database", setup.recipe_asks[1]["origin"])
        setup.recipe_answers = {"host": "shop.example"}
        self.call(setup, "action_next")
        self.assertEqual(setup.step, "address")
        self.assertEqual(setup.url, "https://shop.example/api")

    def test_where_secrets_go_is_shown_before_one_is_asked_for(self):
        setup = self.begin_with("queue_job_sync/zoho_crm")
        self.assertEqual(
            [url for _label, url in setup.recipe_urls],
            [
                "https://www.zohoapis.<region>",
                "https://accounts.zoho.<region>/oauth/v2/token",
                "https://accounts.zoho.<region>/oauth/v2/auth?access_type=offline"
                "&prompt=consent",
            ],
        )

    def test_a_secret_gets_into_no_field(self):
        setup = self.to_address()
        self.assertEqual(setup.backend_id._secret("auth_secret"), "t0ken-of-shop")
        for record in (setup, setup.backend_id, setup.stream_id):
            values = record.sudo().read([])[0]
            self.assertNotIn("t0ken-of-shop", repr(values), record._name)

    def test_values_are_copied_into_ordinary_fields(self):
        content = recipe()
        content["system"] |= {
            "rate_limit": 9,
            "concurrency": 4,
            "repeats_are_safe": True,
        }
        content["synchronizations"][0] |= {
            "domain": [["email", "!=", False]],
            "batch_size": 50,
            "delete_policy": "ignore",
            "mapping": [
                {"field": "email", "target": "email", "if_empty": ""},
                {"field": "country_id.code", "target": "address.country"},
                {"constant": "odoo", "target": "source"},
                {"constant": "5", "target": "text"},
                {"constant": 5, "target": "number"},
                {"method": "first_name", "target": "first"},
                {"method": "last_name", "target": "last", "if_empty": "-"},
            ],
        }
        setup = self.to_address(content)
        backend, stream = setup.backend_id, setup.stream_id
        self.assertEqual((backend.rate_limit, backend.concurrency), (9, 4))
        self.assertTrue(backend.repeats_are_safe)
        self.assertEqual(backend.auth, "bearer")
        self.assertEqual((stream.model_name, stream.state), ("res.partner", "draft"))
        self.assertEqual((stream.batch_size, stream.delete_policy), (50, "ignore"))
        partner = self.env["res.partner"].create(
            {
                "name": "Ada King  Lovelace",
                "email": "ada@example.com",
                "country_id": self.env.ref("base.uk").id,
            }
        )
        payload = partner._sync_payload(stream.sudo())
        self.assertEqual(
            payload,
            {
                "email": "ada@example.com",
                "address": {"country": "GB"},
                "source": "odoo",
                "text": "5",
                "number": 5,
                "first": "Ada King",
                "last": "Lovelace",
            },
        )
        partner.write({"name": "Lovelace Ltd", "is_company": True, "email": False})
        payload = partner._sync_payload(stream.sudo())
        self.assertEqual((payload["first"], payload["last"]), (None, "Lovelace Ltd"))
        self.assertEqual(payload["email"], "")

    def test_what_is_not_installed_is_left_out_and_told(self):
        content = recipe()
        (stream,) = content["synchronizations"]
        stream["mapping"] += [
            {"field": "loyalty_card_id.code", "target": "card"},
            {"field": "parent_id.nothing", "target": "parent"},
            {"method": "nowhere", "target": "method"},
        ]
        content["synchronizations"].append(
            {**stream, "name": "Robots", "model": "robot.arm"}
        )
        setup = self.to_address(content)
        self.assertEqual(setup.stream_id.mapping_ids.mapped("target"), ["name"])
        for text in ("card", "parent", "method", "Robots: this database sends no"):
            self.assertIn(text, setup.left_out)
        self.assertEqual(len(setup.backend_id._all_streams()), 1)
        content["synchronizations"] = content["synchronizations"][1:]
        with self.assertRaisesRegex(UserError, "sends no robot.arm"):
            self.to_address(content)

    def test_what_nobody_may_send_is_refused(self):
        for change, sentence in (
            ({"model": "res.users"}, "sends no res.users"),
            ({"domain": [["user_ids.nothing", "=", "x"]]}, "filter"),
            ({"domain": ["nonsense"]}, "filter"),
        ):
            content = recipe()
            content["synchronizations"][0] |= change
            with self.subTest(change=change), self.assertRaises(UserError) as caught:
                self.to_address(content)
            self.assertIn(sentence, str(caught.exception))
        # nor does it go live with it, as one that is typed
        content = recipe()
        line = {"field": "user_ids.password", "target": "x"}
        content["synchronizations"][0]["mapping"].append(line)
        setup = self.to_address(content)
        self.assertIn("password", setup.lacking)

    def test_going_back_loses_nothing_that_was_changed(self):
        setup = self.to_address()
        setup.stream_id.write({"batch_size": 7})
        stream = setup.stream_id
        self.call(setup, "action_back")
        self.assertEqual(setup.step, "account")
        self.call(setup, "action_next")
        self.assertEqual((setup.stream_id, stream.batch_size), (stream, 7))
        # another account is another place
        self.call(setup, "action_back")
        setup.recipe_answers = {"host": "other.example.com"}
        self.call(setup, "action_next")
        self.assertEqual(setup.url, "https://other.example.com/api")
        self.assertFalse(stream.exists())

    def test_a_secret_that_is_corrected_is_in_its_header_too(self):
        content = recipe()
        content["system"]["headers"] = [{"name": "apikey", "value": "<key>"}]
        setup = self.to_address(content)
        self.assertEqual(self.header(setup), "t0ken-of-shop")
        self.call(setup, "action_back")
        self.call(setup, "set_secret", "auth_secret", "0ther-of-shop")
        self.call(setup, "action_next")
        self.assertEqual(self.header(setup), "0ther-of-shop")
        # one that somebody has removed stays away
        setup.backend_id.header_ids.unlink()
        self.call(setup, "action_back")
        self.call(setup, "action_next")
        self.assertFalse(setup.backend_id.header_ids)

    def test_other_requests_are_another_place(self):
        setup = self.to_address()
        setup.test_state = "ok"
        line = setup.request_ids.filtered(lambda each: each.kind == "create")
        setup.request_ids = [Command.update(line.id, {"line": "POST contatcs"})]
        self.assertFalse(setup.test_state)

    @mute_logger("odoo.addons.queue_job_sync.models.sync_recipe")
    def test_a_header_is_not_sent_without_its_secret(self):
        content = recipe()
        content["system"]["headers"] = [{"name": "apikey", "value": "<key>"}]
        content["ask"][1]["optional"] = True
        with self.assertRaisesRegex(UserError, "apikey would be sent without"):
            self.begin_with(self.add(content))

    def header(self, setup):
        """Return what the only further header has."""
        (header,) = setup.backend_id._rest_config().headers
        self.assertTrue(header.secret)
        return header.value

    def test_another_choice_takes_what_was_made_along(self):
        setup = self.to_address()
        backend, stream = setup.backend_id, setup.stream_id
        self.call(setup, "action_back")
        self.call(setup, "action_back")
        self.assertEqual(setup.step, "system")
        self.call(setup, "action_choose", STRIPE)
        self.assertFalse(backend.exists() or stream.exists())
        self.assertEqual(secrets.get(self.env.cr, backend.id), {})
        self.assertEqual((setup.name, setup.step), ("Stripe", "account"))
        self.assertFalse(setup.recipe_answers)
        self.call(setup, "action_back")
        self.call(setup, "action_choose", False)
        self.assertEqual((setup.step, setup.name), ("kind", False))

    def test_what_is_given_up_goes(self):
        setup = self.to_address()
        backend, stream = setup.backend_id, setup.stream_id
        setup.unlink()
        self.assertFalse(backend.exists() or stream.exists())

    def test_word_before_the_key(self):
        content = recipe()
        content["system"] |= {
            "auth": "header",
            "auth_header": "Authorization",
            "scheme": "ApiKey",
        }
        setup = self.to_address(content)
        with HttpDestination() as destination:
            setup.url = destination.url
            setup.action_test()
            (asked,) = destination.requests
        self.assertEqual(asked.headers["Authorization"], "ApiKey t0ken-of-shop")
        self.assertNotIn("t0ken", setup.test_answer)


@tagged("post_install", "-at_install")
class TestRecipeDifferences(RecipeCase):
    def test_an_admin_is_told_what_differs(self):
        content = recipe()
        content["system"] |= {"rate_limit": 9, "repeats_are_safe": True}
        setup = self.to_address(content)
        backend, stream = setup.backend_id, setup.stream_id
        self.assertEqual(backend.recipe_text, "As in the recipe Shop.")
        self.assertEqual(stream.recipe_text, "As in the recipe Shop.")
        backend.write({"rate_limit": 5, "auth": "header", "repeats_are_safe": False})
        stream.mapping_ids.target = "label"
        stream.mapping_ids = [(0, 0, {"field_path": "city", "target": "city"})]
        # as in the next request
        self.env.invalidate_all()
        self.assertEqual(
            backend.recipe_text,
            "Differs from the recipe Shop: Authentication Key in a Header instead of "
            "Bearer Token; Requests per Second 5 instead of 9; Repeats with One Key "
            "Are Safe No instead of Yes.",
        )
        self.assertEqual(
            stream.recipe_text,
            "Differs from the recipe Shop: Fields, name nothing instead of name; "
            "Fields, label label instead of nothing; Fields, city city instead of "
            "nothing.",
        )

    def test_an_update_of_the_addon_changes_nothing(self):
        setup = self.to_address()
        backend, stream = setup.backend_id, setup.stream_id
        content = recipe()
        content["system"] |= {"rate_limit": 3, "url": "https://<host>/api/v2"}
        (synced,) = content["synchronizations"]
        synced |= {"batch_size": 20, "mapping": [{"field": "email", "target": "mail"}]}
        self.add(content)
        self.env.invalidate_all()
        self.assertEqual((backend.rate_limit, stream.batch_size), (0, 100))
        self.assertEqual(backend.url, "https://shop.example.com/api")
        self.assertEqual(stream.mapping_ids.target, "name")
        self.assertIn("Requests per Second 0 instead of 3", backend.recipe_text)
        self.assertIn(
            "https://shop.example.com/api instead of https://shop.example.com/api/v2",
            backend.recipe_text,
        )
        self.assertIn("Batch Size 100 instead of 20", stream.recipe_text)
        self.assertIn("mail nothing instead of email", stream.recipe_text)

    def test_a_recipe_that_is_gone_is_compared_as_it_was(self):
        setup = self.to_address()
        (self.folder / "shop.json").unlink()
        self.env.registry.clear_cache()
        backend = setup.backend_id
        self.assertEqual(backend.recipe_text, "As in the recipe shop_addon/shop.")
        backend.auth = "none"
        self.env.invalidate_all()
        self.assertIn("None instead of Bearer Token", backend.recipe_text)
        self.assertTrue(setup.stream_id.recipe_text)

    def test_a_model_that_is_gone(self):
        """As of an addon that was uninstalled: the form can be opened, and deleted."""
        content = recipe()
        (stream,) = content["synchronizations"]
        stream["mapping"].append({"method": "first_name", "target": "first"})
        setup = self.to_address(content)
        self.assertEqual(setup.stream_id.recipe_text, "As in the recipe Shop.")
        stream["model"] = "robot.arm"
        self.add(content)
        self.env.invalidate_all()
        self.assertIn("Fields, first", setup.stream_id.recipe_text)

    def test_who_sees_it(self):
        setup = self.to_address()
        manager = new_test_user(
            self.env, "sync_recipe_manager", "queue_job.group_queue_job_manager"
        )
        setup.action_next()
        for record in (setup.backend_id, setup.stream_id):
            told = record.with_user(manager).recipe_text
            self.assertEqual(told, "As in the recipe Shop.")


@tagged("post_install", "-at_install")
class TestRecipesOfThisAddon(RecipeCase):
    def test_each_can_be_copied(self):
        recipes = self.env["sync.recipe"]
        samples = {"label": "acme", "path": "some/path", "text": "Some text"}
        for key, content in recipes._catalogue()[0].items():
            answers = {}
            for ask in content["ask"]:
                if ask["kind"] == "host":
                    end = ask.get("ends_with", ["example.com"])[0]
                    answers[ask["name"]] = f"api.{end}"
                elif ask["kind"] != "secret":
                    answer = ask.get("choices", [samples[ask["kind"]]])[0]
                    answers[ask["name"]] = answer
            with self.subTest(key), self.env.cr.savepoint():
                setup = self.begin_with(key)
                setup.recipe_answers = answers
                for ask in setup.recipe_asks:
                    if "secret" in ask and not ask.get("optional"):
                        self.call(setup, "set_secret", ask["secret"], "k3y-to-account")
                self.call(setup, "action_next")
                self.assertEqual(setup.step, "address")
                self.assertTrue(setup.url.startswith("https://"))
                self.assertNotIn("<", setup.url)
                self.assertFalse(setup.left_out)
                for record in (setup.backend_id, setup.stream_id):
                    self.assertIn("As in the recipe", record.recipe_text)
