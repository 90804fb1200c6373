# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The recipes of this addon, and what is refused of those of others."""

import copy
import json
import os
import tempfile
from pathlib import Path

from odoo.tests import BaseCase, tagged

from ..exceptions import Misconfigured
from ..recipes import reader, schema

FOLDER = Path(__file__).resolve().parents[1] / "recipes"
# Of the issue that asked for them, by file.
SYSTEMS = """
airtable bigcommerce brevo directus dynamics_365 elasticsearch erpnext freshdesk hubspot
intercom klaviyo magento_2 mailchimp odoo_19 pipedrive postgrest quickbooks salesforce
shopify slack strapi stripe webhook woocommerce xero zendesk zoho_crm
""".split()
SECRET_OF_SERVER = "leads to no secret of the server"


def recipe():
    """Return a recipe that can be used."""
    return {
        "format": 1,
        "name": "Shop",
        "letters": "Sh",
        "specification": {
            "name": "Shop API",
            "version": "1",
            "date": "2026-01-01",
            "read": "whole",
        },
        "ask": [
            {"name": "host", "kind": "host", "label": "Host"},
            {
                "name": "key",
                "kind": "secret",
                "label": "Key",
                "secret": "auth_secret",
            },
        ],
        "system": {"url": "https://<host>/api", "auth": "bearer"},
        "synchronizations": [
            {
                "name": "Contacts",
                "model": "res.partner",
                "id_policy": "destination",
                "requests": {
                    "create": {"line": "POST contacts"},
                    "update": {"line": "PUT contacts/{id}"},
                },
                "mapping": [{"field": "name", "target": "name"}],
            }
        ],
    }


class RecipeFolder(BaseCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def written(self, content, name="shop"):
        path = self.folder / f"{name}.json"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path

    def assertRefused(self, content, sentence):
        with self.assertRaisesRegex(Misconfigured, sentence):
            reader.read(self.written(content))


@tagged("post_install", "-at_install")
class TestRecipes(RecipeFolder):
    def test_each_system_has_one_that_can_be_used(self):
        paths = reader.files(FOLDER)
        self.assertEqual([path.stem for path in paths], SYSTEMS)
        for path in paths:
            with self.subTest(path.stem):
                found = reader.read(path)
                self.assertTrue(found["specification"]["version"])
                # one that asks for a secret says where to find it
                for ask in found["ask"]:
                    if ask["kind"] == "secret":
                        self.assertTrue(ask["help"])

    def test_new_records_do_not_take_the_place_of_others(self):
        """Who is there is found or refused, and adopted: not overwritten unseen."""
        for path in reader.files(FOLDER):
            for stream in reader.read(path)["synchronizations"]:
                for kind in {"create", "many_create"} & stream["requests"].keys():
                    text = json.dumps(stream["requests"][kind]).lower()
                    self.assertNotIn("upsert", text, (path.stem, kind))

    def test_the_library_says_the_same_of_the_form(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("jsonschema is not installed")
        validator = jsonschema.Draft202012Validator(schema.rules())
        validator.check_schema(schema.rules())
        for path in reader.files(FOLDER):
            content = json.loads(path.read_text(encoding="utf-8"))
            self.assertTrue(validator.is_valid(content), path.stem)
            self.assertFalse([*schema.problems(content)], path.stem)
        for place, values in {
            ("format",): [2, "1", True, None],
            ("name",): ["", 5, "x" * 41],
            ("letters",): ["", "abc"],
            ("words",): [["x"] * 11, "x", [5]],
            ("ask", 0, "kind"): ["file", None],
            ("ask", 0, "optional"): [1, "yes"],
            ("ask", 0, "field"): ["auth_secret"],
            ("system", "auth"): ["digest"],
            ("system", "rate_limit"): [-1, True, "5", 1001],
            ("system", "concurrency"): [0, 65, 1.5],
            ("system", "proxy_url"): ["http://127.0.0.1"],
            ("system", "headers"): [[{"name": "X"}], [{"name": "X", "value": 5}]],
            ("synchronizations",): [[], {}],
            ("synchronizations", 0, "requests"): [{}, {"send": {"line": "POST x"}}],
            ("synchronizations", 0, "requests", "create"): [{}, {"line": 5}],
            ("synchronizations", 0, "mapping"): [[], [{"field": "name"}]],
            ("synchronizations", 0, "model"): ["Res Partner", 5],
            ("unknown",): [1],
        }.items():
            for value in values:
                content = recipe()
                inner = content
                for step in place[:-1]:
                    inner = inner[step]
                inner[place[-1]] = value
                with self.subTest(place=place, value=value):
                    self.assertFalse(validator.is_valid(content))
                    self.assertTrue([*schema.problems(content)])
        for name in recipe():
            content = recipe()
            del content[name]
            self.assertFalse(validator.is_valid(content))
            self.assertIn(f"{name} is missing.", [*schema.problems(content)])

    def test_a_recipe_that_is_right(self):
        self.assertEqual(reader.read(self.written(recipe())), recipe())

    def test_the_example_of_the_document(self):
        document = FOLDER.parent / "docs" / "recipes.md"
        if not document.exists():
            self.skipTest("the documents are not installed")
        text = document.read_text(encoding="utf-8")
        example = text.partition("```json\n")[2].partition("```")[0]
        self.assertEqual(reader.read(self.written(example))["name"], "Shop")

    # -- hostile ones ---------------------------------------------------------

    def test_no_reference_to_a_secret_of_the_server(self):
        for place, value in (
            (("system", "headers"), [{"name": "X-Key", "value": "env:HOME"}]),
            (("system", "headers"), [{"name": "X-Key", "value": " Config: key"}]),
            (("system", "auth_username"), "env:HOME"),
            (("ask", 1, "help"), "type env:HOME"),
            (("synchronizations", 0, "requests", "create", "body"), {"config:a": 1}),
            (("synchronizations", 0, "mapping", 0, "if_empty"), "ENV :PGPASSWORD"),
        ):
            content = recipe()
            inner = content
            for step in place[:-1]:
                inner = inner[step]
            inner[place[-1]] = value
            with self.subTest(value=value):
                self.assertRefused(content, SECRET_OF_SERVER)

    def test_no_complete_host(self):
        for url in (
            "https://evil.example",
            "https://evil.example/<host>",
            "https://evil.example?<host>",
            "https://evil.example#<host>",
            "https://user@<host>",
            "https://<host>@evil.example",
            "https://<host>:8443",
            "https://evil.example/../<host>",
            "https://evil.example\\@<host>",
            "http://<host>",
            "file:///etc/passwd",
            "//<host>",
            "https://<host>/a?key=<host>",
            "https://<host>/{name}",
            "https://{name}.<host>",
            "https://<host>\n.evil.example",
        ):
            content = recipe()
            content["system"]["url"] = url
            with self.subTest(url=url):
                self.assertRefused(content, "system.url")
            content = recipe()
            content["system"] |= {
                "auth": "oauth_client",
                "oauth": {"token_url": url, "client_id": "x"},
            }
            with self.subTest(token_url=url):
                self.assertRefused(content, "token_url")

    def test_no_secret_leaves_elsewhere_than_meant(self):
        for place, value, sentence in (
            (("system", "url"), "https://<key>.example", "<key> cannot stand there"),
            (("system", "url"), "https://<host>/<key>", "<key> cannot stand there"),
            (("system", "auth_username"), "<key>", "<key> cannot stand there"),
            (
                ("synchronizations", 0, "requests", "create", "line"),
                "POST contacts?key=<key>",
                "<key> cannot stand there",
            ),
            (
                ("synchronizations", 0, "requests", "create", "body"),
                {"key": "<key>", "record": "{record}"},
                "<key> cannot stand there",
            ),
            (
                ("system", "headers"),
                [{"name": "X", "value": "a <key>"}],
                "more than a secret",
            ),
            (("ask", 1, "secret"), "Auth Secret", "cannot be"),
        ):
            content = recipe()
            inner = content
            for step in place[:-1]:
                inner = inner[step]
            inner[place[-1]] = value
            with self.subTest(value=value):
                self.assertRefused(content, sentence)

    def test_requests_are_checked_as_typed_ones(self):
        for kind, request, sentence in (
            ("create", {"line": "POST https://evil.example/x"}, "create: "),
            ("create", {"line": "POST //evil.example/x"}, "create: "),
            ("create", {"line": "POST ../../admin"}, "create: "),
            ("create", {"line": "POST contacts/%2e%2e/x"}, "create: "),
            ("create", {"line": "TRACE contacts"}, "create: "),
            ("create", {"line": "POST contacts/{id}"}, "not known yet"),
            ("update", {"line": "PUT contacts/{unknown}"}, "in no field"),
            ("create", {"line": "POST <nobody>"}, "<nobody> cannot stand there"),
            ("create", {"line": "POST <host>/x"}, "<host> cannot stand there"),
            (
                "create",
                {"line": "POST contacts", "body": {"x": "Dear {name}"}},
                "create: ",
            ),
        ):
            content = recipe()
            content["synchronizations"][0]["requests"][kind] = request
            with self.subTest(request=request):
                self.assertRefused(content, sentence)

    def test_readings_are_checked_as_typed_ones(self):
        for readings, sentence in (
            ({"id": "data["}, "id: "),
            ({"id": "headers.Set-Cookie"}, "is a secret"),
            ({"id": "headers.Authorization"}, "is a secret"),
            ({"refused": "x" * 501}, "refused"),
            ({"found": "data[*].id"}, "found is missing"),
        ):
            content = recipe()
            content["synchronizations"][0]["readings"] = readings
            with self.subTest(readings=readings):
                self.assertRefused(content, sentence)
        content = recipe()
        content["synchronizations"][0]["already_there"] = {"how": "find"}
        self.assertRefused(content, "requests.find is missing")

    def test_files_that_are_none(self):
        for text in (
            "",
            "{",
            "[1, 2",
            '{"format": 1, "format": 1}',
            '{"format": NaN}',
            "\ud800".encode("utf-16-le", "surrogatepass").decode("latin-1"),
        ):
            with self.subTest(text=text):
                self.assertRefused(text, "no JSON")
        self.assertRefused("[1]", "cannot be")
        self.assertRefused("[" * 60_000, "no JSON|too deeply")
        for depth, is_fine in ((55, True), (56, False), (430, False), (900, False)):
            content = recipe()
            (stream,) = content["synchronizations"]
            stream["mapping"].append({"constant": 0, "target": "deep"})
            deep = '"constant": ' + "[" * depth + "0" + "]" * depth
            text = json.dumps(content).replace('"constant": 0', deep)
            with self.subTest(depth=depth):
                if is_fine:
                    self.assertTrue(reader.read(self.written(text)))
                else:
                    self.assertRefused(text, "too deeply")
        with self.assertRaisesRegex(Misconfigured, "cannot be read"):
            reader.read(self.folder / "nowhere.json")

    def test_a_giant_file_is_not_read(self):
        content = recipe() | {"words": ["x" * reader.MAX_SIZE]}
        self.assertRefused(content, "larger than 65536 bytes")

    def test_nothing_outside_of_the_folder_is_read(self):
        inner = self.folder / "recipes"
        inner.mkdir()
        outside = self.written(recipe(), "outside")
        (inner / "link.json").symlink_to(outside)
        (inner / "inside.json").write_text(json.dumps(recipe()))
        (inner / "again.json").symlink_to(inner / "inside.json")
        (inner / "deeper").mkdir()
        (inner / "deeper" / "x.json").write_text(json.dumps(recipe()))
        os.symlink("/dev/zero", inner / "endless.json")
        os.symlink("loop.json", inner / "loop.json")
        found = [path.name for path in reader.files(inner)]
        self.assertEqual(found, ["again.json", "inside.json"])

    def test_what_nobody_asked_for(self):
        content = recipe()
        content["ask"].append({"name": "more", "kind": "text", "label": "More"})
        self.assertRefused(content, "Nothing is done with <more>")
        content = recipe()
        content["ask"].append(copy.copy(content["ask"][0]))
        self.assertRefused(content, "asks for something twice")
        content = recipe()
        line = content["synchronizations"][0]["mapping"][0]
        content["synchronizations"][0]["mapping"].append(line)
        self.assertRefused(content, "only once")
        content = recipe()
        content["synchronizations"][0]["mapping"][0] = {"target": "name"}
        self.assertRefused(content, "needs a field, a method or a constant")


@tagged("post_install", "-at_install")
class TestRecipeAnswers(BaseCase):
    def problem(self, answer, **ask):
        return reader.answer_problem({"label": "X", **ask}, answer)

    def test_hosts(self):
        for good in ("acme.example.com", "ACME.example", "erp", "a.example:8069"):
            self.assertIsNone(self.problem(good, kind="host"), good)
        for bad in (
            "https://a.example",
            "a.example/x",
            "user@a.example",
            "a.example:port",
            "a..example",
            "-a.example",
            "a example",
            "a.example#",
            "a.example?x",
            "{name}.example",
            "<x>",
            "a.example\\@b.example",
            "a.example\nb",
            5,
            None,
            "",
        ):
            self.assertTrue(self.problem(bad, kind="host"), bad)

    def test_hosts_of_one_system(self):
        ends = {"kind": "host", "ends_with": ["shop.example"]}
        for good in ("shop.example", "api.shop.example", "API.Shop.Example"):
            self.assertIsNone(self.problem(good, **ends), good)
        for bad in ("myshop.example", "shop.example.evil.example", "evil.example"):
            self.assertIn("no host of this system", self.problem(bad, **ends))

    def test_labels_paths_and_texts(self):
        self.assertIsNone(self.problem("acme", kind="label"))
        self.assertTrue(self.problem("acme/..", kind="label"))
        self.assertTrue(self.problem("b", kind="label", choices=["a"]))
        self.assertIsNone(self.problem("hooks/contacts/", kind="path"))
        for bad in ("../x", "a/../b", "//evil.example", "x?y", "x#y", "{id}", "a b"):
            self.assertTrue(self.problem(bad, kind="path"), bad)
        self.assertIsNone(self.problem("Contacts & more", kind="text"))
        for bad in ("{record}", "<key>", "a\nb", "env:HOME", "x" * 301, ["x"]):
            self.assertTrue(self.problem(bad, kind="text"), bad)
        self.assertIsNone(self.problem("", kind="text", optional=True))

    def test_answers_stay_one_piece(self):
        content = recipe()
        content["ask"] += [
            {"name": "list", "kind": "text", "label": "List"},
            {"name": "path", "kind": "path", "label": "Path", "optional": True},
        ]
        content["system"]["url"] = "https://<host>/<path>"
        stream = content["synchronizations"][0]
        stream["requests"]["create"] = {
            "line": "POST lists/<list>/members?l=<list>",
            "body": {"list": "<list>", "r": "{record}"},
        }
        content["system"]["headers"] = [
            {"name": "X-List", "value": "<list>"},
            {"name": "X-Path", "value": "<nothing>"},
            {"name": "X-Key", "value": "<key>"},
        ]
        made = reader.filled(
            content, {"host": "A.example", "list": "a/../b & {c}?", "path": ""}
        )
        self.assertEqual(made["system"]["url"], "https://a.example")
        request = made["synchronizations"][0]["requests"]["create"]
        quoted = "a%2F..%2Fb%20%26%20%7Bc%7D%3F"
        self.assertEqual(request["line"], f"POST lists/{quoted}/members?l={quoted}")
        self.assertEqual(json.loads(request["body"])["list"], "a/../b & {c}?")
        self.assertEqual(
            made["system"]["headers"],
            [
                {"name": "X-List", "value": "a/../b & {c}?"},
                {"name": "X-Key", "secret": "auth_secret"},
            ],
        )
        # what was read stays as it is
        self.assertIn("<host>", content["system"]["url"])
