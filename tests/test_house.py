# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which room may know of which, by the imports that are written in their files."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from odoo.modules.registry import Registry
from odoo.orm.models import MetaModel
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name

import odoo.addons

from . import load_order

ROOT = Path(__file__).parents[1]
ADDON = __name__.rpartition(".tests.")[0]
# Rooms of plain Python: they are given what they work with. Not all are there yet.
PLAIN = ("engine", "mapping", "recipes", "transports")
# What transports share with the rest of the addon, and are to be as plain.
SHARED = ("exceptions", "text", "transports", "wording")


def files_of(room):
    """Return the files of a room, or the one that is a room of its own."""
    return [*(ROOT / room).rglob("*.py"), *ROOT.glob(f"{room}.py")]


def imports_of(source):
    """Return the dotted names that a file imports, in full."""
    package = (*ADDON.split("."), *source.relative_to(ROOT).parent.parts)
    found = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            place = package[: len(package) - node.level + 1] if node.level else ()
            place = (*place, *filter(None, [node.module]))
            found |= {".".join((*place, alias.name)) for alias in node.names}
    return found


@tagged("-at_install", "post_install")
class TestHouse(BaseCase):
    def assertImportsNot(self, room, forbidden, *allowed):
        """Assert that no file of a room imports a module, but for parts of it."""
        allowed = tuple(f"{name}." for name in allowed)
        for source in files_of(room):
            with self.subTest(str(source.relative_to(ROOT))):
                names = {f"{name}." for name in imports_of(source)}
                found = {name for name in names if name.startswith(f"{forbidden}.")}
                self.assertFalse(
                    {name for name in found if not name.startswith(allowed)}
                )

    def test_imports_are_understood(self):
        self.assertGreater(len(files_of("transports")), 15)
        found = imports_of(ROOT / "transports" / "http" / "client.py")
        self.assertLess(
            {
                "json",
                f"{ADDON}.exceptions.SyncError",
                f"{ADDON}.transports.base.Receipt",
                f"{ADDON}.transports.http.answer.Answer",
            },
            found,
        )

    def test_plain_rooms_import_no_model(self):
        for room in PLAIN:
            self.assertImportsNot(room, f"{ADDON}.models")

    def test_transports_import_nothing_of_odoo(self):
        for room in SHARED:
            self.assertImportsNot(room, "odoo", *(f"{ADDON}.{each}" for each in SHARED))


@tagged("-at_install", "post_install")
class TestModels(BaseCase):
    """One file per model, which may be loaded in any order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.classes = [
            (source, cls.names_in(node))
            for room in ("models", "wizards")
            for source in files_of(room)
            for node in ast.parse(source.read_text(encoding="utf-8")).body
            if isinstance(node, ast.ClassDef)
        ]
        cls.home_of = {
            names["_name"][0]: source
            for source, names in cls.classes
            if names.get("_name") and names["_name"][0].startswith("sync.")
        }

    @staticmethod
    def names_in(node):
        """Return what a class says of its name, and of what it inherits, as lists."""
        return {
            target.id: [
                each.value
                for each in ast.walk(statement.value)
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
            for statement in node.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if target.id in ("_name", "_inherit")
        }

    def test_models_are_understood(self):
        self.assertGreater(len(self.home_of), 15)
        self.assertEqual(self.home_of["sync.stream"].name, "sync_stream.py")

    def test_no_model_of_ours_is_inherited_in_place(self):
        for source, names in self.classes:
            inherited = names.get("_inherit", [])
            in_place = inherited[:1] if "_name" not in names else names["_name"]
            for name in set(in_place) & set(inherited):
                with self.subTest(source.name):
                    self.assertNotIn(name, self.home_of)

    def test_a_model_is_extended_in_one_file(self):
        files = {}
        for source, names in self.classes:
            if "_name" not in names and names.get("_inherit"):
                files.setdefault(names["_inherit"][0], set()).add(source)
        for name, sources in files.items():
            with self.subTest(name):
                self.assertEqual(len(sources), 1, sources)

    def test_who_inherits_a_model_of_ours_imports_its_file(self):
        for source, names in self.classes:
            for name in set(names.get("_inherit", [])) & self.home_of.keys():
                home = self.home_of[name]
                if home != source:
                    place = ".".join(home.relative_to(ROOT).with_suffix("").parts)
                    found = imports_of(source)
                    with self.subTest(f"{source.name}: {name}"):
                        self.assertTrue(
                            any(
                                f"{each}.".startswith(f"{ADDON}.{place}.")
                                for each in found
                            )
                        )

    def test_any_order_makes_the_same_models(self):
        """The files of models and wizards are really loaded in other orders."""
        registry = Registry(get_db_name())
        addon = ADDON.rpartition(".")[2]
        given = {
            "addon": addon,
            "paths": list(odoo.addons.__path__),
            "modules": [
                name
                for name in MetaModel._module_to_models__
                if name in registry._init_modules
            ],
        }
        expected = load_order.origins(registry, addon)
        self.assertGreater(len(expected), len(self.home_of))
        self.assertIn("_sync_payload", expected["res.partner"])
        for seed in (1, 2):
            run = subprocess.run(
                [sys.executable, load_order.__file__],
                input=json.dumps({**given, "seed": seed}),
                capture_output=True,
                text=True,
                timeout=120,
            )
            self.assertEqual(run.returncode, 0, run.stderr)
            found = json.loads(run.stdout)
            self.assertEqual(found.keys(), expected.keys())
            for name, attributes in expected.items():
                with self.subTest(name, seed=seed):
                    self.assertEqual(found[name], attributes)
