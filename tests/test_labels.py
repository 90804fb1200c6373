# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a screen reader has to say of what is only drawn, words, dark screens."""

import re
from pathlib import Path

from lxml import etree

from odoo.tests import TransactionCase, tagged
from odoo.tools.misc import file_path
from odoo.tools.translate import TranslationModuleReader

ADDON = "queue_job_sync"
LABELS = ("aria-label", "title", "string", "alt")
# They have no text of their own that could be read out.
DRAWN = ("canvas", "img", "svg")
PRESSED = ("a", "button")
# What a dark scheme cannot turn around.
FIXED_COLOUR = re.compile(
    r"(#[0-9a-f]{3,8}|rgba?\(.*|\b(?:white|black))\s*(?:[;}\"',]|!important)",
    re.IGNORECASE,
)
FIXED_CLASSES = {"bg-white", "bg-black", "text-black", "text-white", "text-dark"}
# What labels, help and messages once said of what has another name, wholly or in part.
OLD_LABELS = {"Several", "Several Values", "If Empty", "When Empty", "Details"}
OLD_WORDS = re.compile(
    r"\b(?:[Cc]opies|Synchronized Copy|I[dD] [Tt]here|id there|(?:External|Odoo) Id"
    r"|(?:Failed|Waiting|Skipped) at sync|Recover|Paused by a person"
    r"|(?:Answer|Connect) Within|Jobs per Second|Send First|Send Again|Probes"
    r"|It does not work yet|Traceback)\b"
)


def labelled(element):
    """Return whether an element has a label, fixed or computed."""
    return any(
        element.get(f"{prefix}{label}")
        for label in LABELS
        for prefix in ("", "t-att-", "t-attf-")
    )


def has_text(element):
    """Return whether an element says something by its content."""
    return bool(
        "".join(element.itertext()).strip()
        or element.xpath(".//field | .//*[@t-out or @t-esc]")
        or element.get("t-out")
    )


def unlabelled(tree):
    """Yield each element that a screen reader would pass over in silence."""
    for element in tree.iter(etree.Element):
        if element.get("position") or element.get("special"):
            continue
        names = element.get("class", "").split()
        drawn = element.tag in DRAWN or "fa" in names or "oi" in names
        if drawn and element.get("aria-hidden") == "true":
            # what it stands for is said beside it
            if not has_text(element.getparent()):
                yield element
        elif drawn or element.get("role") == "progressbar":
            if not labelled(element):
                yield element
        elif element.tag in PRESSED and not (labelled(element) or has_text(element)):
            yield element


@tagged("post_install", "-at_install")
class TestLabels(TransactionCase):
    def trees(self):
        """Yield the name and the tree of each view and template of the addon."""
        data = self.env["ir.model.data"].search(
            [("module", "=", ADDON), ("model", "=", "ir.ui.view")]
        )
        for view in self.env["ir.ui.view"].browse(data.mapped("res_id")):
            yield view.xml_id, etree.fromstring(view.arch)
        sources = Path(file_path(f"{ADDON}/static/src"))
        for path in sources.rglob("*.xml"):
            yield path.name, etree.parse(path).getroot()

    def test_whatever_is_drawn_or_pressed_has_a_label(self):
        checked = 0
        for name, tree in self.trees():
            checked += len(tree.xpath("//button | //a | //canvas | //i"))
            for element in unlabelled(tree):
                with self.subTest(name):
                    self.fail(etree.tostring(element, encoding="unicode")[:300])
        self.assertGreater(checked, 50)

    def test_what_has_none_is_found(self):
        for source in (
            "<button icon='fa-eye' name='look'/>",
            "<a><i class='fa fa-eye'/></a>",
            "<a><i class='fa fa-eye' aria-hidden='true'/></a>",
            "<div role='progressbar'/>",
            "<canvas/>",
        ):
            with self.subTest(source):
                tree = etree.fromstring(f"<div>{source}</div>")
                self.assertTrue(list(unlabelled(tree)))
        for source in (
            "<button icon='fa-eye' string='Look'/>",
            "<a><i class='fa fa-eye' aria-hidden='true'/> Look</a>",
            "<i class='fa fa-eye' title='Look'/>",
            "<canvas t-att-aria-label='description'/>",
        ):
            with self.subTest(source):
                tree = etree.fromstring(f"<div>{source}</div>")
                self.assertFalse(list(unlabelled(tree)))


@tagged("post_install", "-at_install")
class TestReferences(TransactionCase):
    """A form with a link to a record of any model has to know of which model."""

    def test_the_model_of_a_reference_is_in_its_form(self):
        data = self.env["ir.model.data"].search(
            [("module", "=", ADDON), ("model", "=", "ir.ui.view")]
        )
        views = self.env["ir.ui.view"].browse(data.mapped("res_id"))
        checked = 0
        for view in views.filtered(lambda each: each.type in ("form", "list")):
            names = set(etree.fromstring(view.arch).xpath("//field/@name"))
            for name in names & self.env[view.model]._fields.keys():
                field = self.env[view.model]._fields[name]
                if field.type == "many2one_reference":
                    checked += 1
                    with self.subTest(f"{view.xml_id}: {name}"):
                        self.assertIn(field.model_field, names)
        self.assertGreaterEqual(checked, 3)


@tagged("post_install", "-at_install")
class TestWords(TransactionCase):
    """One word for one thing: what once said it otherwise does not come back."""

    def old(self, texts):
        return sorted(
            text for text in texts if text in OLD_LABELS or OLD_WORDS.search(text)
        )

    def test_no_text_says_an_old_word(self):
        # fields, views, templates, actions, menus, mails, and what the code says
        reader = TranslationModuleReader(self.env.cr, modules=[ADDON])
        texts = {source for _m, _type, _name, _id, source, _value, _notes in reader}
        self.assertGreater(len(texts), 1000)
        self.assertEqual(self.old(texts), [])

    def test_an_old_word_is_found(self):
        for text in ("Details", "Copies", "ID there", "Failed at sync", "Send First"):
            with self.subTest(text):
                self.assertTrue(self.old([text]))
        self.assertFalse(self.old(["Technical details", "is sent again", "Copy"]))


@tagged("post_install", "-at_install")
class TestColours(TransactionCase):
    def fixed(self, text):
        """Return the colours in a source that are the same in light and in dark."""
        classes = set(re.findall(r"[a-z-]+", text)) & FIXED_CLASSES
        return [match[1] for match in FIXED_COLOUR.finditer(text)] + sorted(classes)

    def test_screens_take_their_colours_from_the_scheme(self):
        checked = 0
        for folder in ("static/src", "views", "wizards"):
            for path in Path(file_path(f"{ADDON}/{folder}")).rglob("*.*"):
                if path.suffix in (".js", ".scss", ".xml"):
                    checked += 1
                    with self.subTest(path.name):
                        self.assertEqual(self.fixed(path.read_text()), [])
        self.assertGreater(checked, 30)

    def test_a_fixed_colour_is_found(self):
        for source in (
            "a { color: #fff; }",
            "a { background: rgb(0, 0, 0); }",
            "a { color: white; }",
            '<b style="color: #dc3545"/>',
            '<b class="p-1 bg-white"/>',
        ):
            with self.subTest(source):
                self.assertTrue(self.fixed(source))
        self.assertFalse(self.fixed("a { color: $o-main-text-color; } #name {}"))
