# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the documents tell developers of classes is what these are."""

import inspect
import re
from dataclasses import fields
from pathlib import Path
from unittest import SkipTest

from lxml import etree

from odoo.tests import BaseCase, TransactionCase, tagged

from ..transports.base import Message, Pace, Receipt, Redactor, Transport
from .conformance.destination import Destination

DOCUMENTS = Path(__file__).resolve().parents[1] / "docs"
CELL = re.compile(r"(?<!\\)\|")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MODULE = re.compile(r"\b[a-z_]\w*(?:\.\w+)*\.(?=\w)")
# What would put a secret into a block as a value of a record or of a configuration.
SECRET_VALUE = re.compile(
    r"""\w*(?:secret|password|token)\w*["']?\s*(?:=|:)\s*f?["']|secret=[a-z]\w*\."""
)


def text_of(name):
    """Return the text of a document; a wheel brings none."""
    document = DOCUMENTS / name
    if not document.exists():
        raise SkipTest("the documents are not installed")
    return document.read_text(encoding="utf-8")


def told(text, title):
    """Return the cells of each row of a table, by its first one.

    :param title: the head of its first column
    """
    rows = [
        [cell.strip().replace("\\|", "|").strip("`") for cell in CELL.split(line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    start = next(at for at, row in enumerate(rows) if row[0] == title)
    length = len(rows[start])
    found = {}
    for row in rows[start + 2 :]:
        # the next table begins
        if len(row) != length or not re.fullmatch(r"\w+", row[0]) or row[0] in found:
            break
        if row[0][0].isupper():
            break
        found[row[0]] = row[1:]
    return found


def type_name(annotation):
    """Return a type as a developer writes it, without modules."""
    return MODULE.sub("", inspect.formatannotation(annotation))


def signature_of(function):
    """Return what a method takes and returns, as texts."""
    signature = inspect.signature(function)
    _self, *parameters = signature.parameters.values()
    takes = ", ".join(MODULE.sub("", str(each)) for each in parameters)
    return [takes, type_name(signature.return_annotation)]


def methods_of(kind):
    """Return the methods of a class that others call, by name."""
    return {
        name: value
        for name, value in vars(kind).items()
        if inspect.isfunction(value) and (name[0] != "_" or name == "__call__")
    }


@tagged("-at_install", "post_install")
class TestDeveloperDocuments(BaseCase):
    def test_messages_and_receipts_are_as_is_told(self):
        text = text_of("develop.md")
        for kind in (Message, Receipt):
            with self.subTest(kind.__name__):
                rows = told(text, kind.__name__)
                self.assertEqual(
                    {name: row[0] for name, row in rows.items()},
                    {each.name: type_name(each.type) for each in fields(kind)},
                )
                self.assertTrue(all(row[-1] for row in rows.values()))

    def test_methods_are_as_is_told(self):
        for document, kind in (
            ("develop.md", Redactor),
            ("develop.md", Pace),
            ("conformance.md", Destination),
        ):
            with self.subTest(kind.__name__):
                rows = told(text_of(document), kind.__name__)
                expected = {
                    name: signature_of(method)
                    for name, method in methods_of(kind).items()
                }
                for name, annotation in inspect.get_annotations(kind).items():
                    expected[name] = ["", type_name(annotation)]
                self.assertEqual(
                    {name: row[:2] for name, row in rows.items()}, expected
                )

    def test_what_a_transport_is_given_is_told(self):
        text = text_of("develop.md")
        found = inspect.get_annotations(Transport)
        for name in ("pace", "at_once", "end"):
            with self.subTest(name):
                told_as = f"`{name}: {type_name(found[name])}`"
                self.assertIn(told_as, text)

    def test_examples_take_secrets_by_the_method_for_them(self):
        checked = 0
        for document in ("develop.md", "conformance.md"):
            for block in BLOCK.findall(text_of(document)):
                with self.subTest(block.partition("\n")[0]):
                    self.assertNotRegex(block, SECRET_VALUE)
                for name in re.findall(r'_secret_names\(\) \| \{"(\w+)"', block):
                    checked += 1
                    self.assertIn(f'self._secret("{name}")', block)
                    self.assertIn(f"{name}_origin = fields.Char(", block)
        self.assertGreater(checked, 0)

    def test_a_secret_in_an_example_is_found(self):
        for text in (
            '{"auth_secret": "s3cret"}',
            "HttpConfig(url=url, secret='s3cret')",
            'system.db_password = "s3cret"',
            "HookTransport(secret=self.hook_secret)",
        ):
            with self.subTest(text):
                self.assertRegex(text, SECRET_VALUE)


@tagged("post_install", "-at_install")
class TestPlaces(TransactionCase):
    """Where another addon puts its fields, as ``docs/develop.md`` tells."""

    def test_places_are_where_is_told_and_empty(self):
        text = text_of("develop.md")
        rows = re.findall(
            r'^\| `(queue_job_sync\.\w+)`\s*\| `<(\w+) name="(\w+)">`', text, re.M
        )
        self.assertEqual(len(rows), 4)
        for view, tag, name in rows:
            with self.subTest(view):
                tree = etree.fromstring(self.env.ref(view).arch)
                (place,) = tree.xpath(f"//{tag}[@name='{name}']")
                if name != "where":  # which has our own fields
                    self.assertEqual(len(place), 0)
