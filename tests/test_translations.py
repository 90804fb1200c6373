# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

from babel.messages.pofile import read_po

from odoo.exceptions import ValidationError
from odoo.tests import TransactionCase, tagged
from odoo.tools.misc import file_path
from odoo.tools.translate import TranslationModuleReader

from ..mapping.columns import column_problems
from ..mapping.content import path_of

LANGUAGES = {
    "fr": "fr_FR",
    "es": "es_ES",
    "ms": "ms_MY",
    "de": "de_DE",
    "ar": "ar_001",
}
# What a mail computes, and how it looks.
ATTRIBUTE = re.compile(r'(?:t-[a-z]+|style)="[^"]*"')
PLACEHOLDER = re.compile(r"%\(\w+\)[srd]|%[srd]")
# Texts that are the same in a language stay empty in its catalog: names and terms.
SAME = 40
# An example of what a field takes, or sentences put together: there are no words in it.
NO_WORDS = re.compile(
    r"""
    \S*[/.:=_`{\[(|@-]\S*          # contacts/batch, details.id, env:NAME, {email}
    | [A-Z]+\ \S+                  # PATCH contacts/{id}
    | [^ ]*[\[({`].*[\])}`][^ ]*     # {"data": "{record}"}, length(@) == `0`
    | \w+\ ==\ '\w+'                # code == 'DUPLICATE'
    | -+[A-Z ]+-+                  # the first line of a certificate
    | %\(\w+\)s:\ %\(\w+\)s
    | [a-z0-9]+                    # contacts, 100
    """,
    re.VERBOSE,
)


@tagged("post_install", "-at_install")
class TestTranslations(TransactionCase):
    """The languages that the addon speaks besides English."""

    def catalog(self, name):
        with open(file_path(f"queue_job_sync/i18n/{name}"), "rb") as file:
            return {each.id: each.string for each in read_po(file) if each.id}

    def test_template_has_every_text(self):
        reader = TranslationModuleReader(self.env.cr, modules=["queue_job_sync"])
        texts = {source for _m, _type, _name, _id, source, _value, _notes in reader}
        self.assertGreater(len(texts), 1000)
        # other addons add to what has a chatter
        for field in self.env["mail.thread"]._fields.values():
            texts -= {field.string, field.help}
        self.assertFalse(texts - self.catalog("queue_job_sync.pot").keys())

    def test_every_text_is_translated(self):
        template = self.catalog("queue_job_sync.pot")
        self.assertGreater(len(template), 1000)
        for short in LANGUAGES:
            texts = self.catalog(f"{short}.po")
            with self.subTest(short):
                self.assertEqual(texts.keys(), template.keys())
                empty = [
                    text
                    for text, own in texts.items()
                    if not own and not NO_WORDS.fullmatch(text)
                ]
                self.assertLess(len(empty), SAME, empty)

    def test_placeholders_are_kept(self):
        for short in LANGUAGES:
            for text, own in self.catalog(f"{short}.po").items():
                if not own:
                    continue
                with self.subTest(short, text=text):
                    self.assertEqual(
                        sorted(PLACEHOLDER.findall(own)),
                        sorted(PLACEHOLDER.findall(text)),
                    )

    def speak_all(self, templates=()):
        """Activate the languages, and return their codes.

        :param templates: mails that others may have changed in a language
        """
        codes = list(LANGUAGES.values())
        for code in codes:
            self.env["res.lang"]._activate_lang(code)
        for template in templates:
            template.update_field_translations("body_html", dict.fromkeys(codes, False))
        self.env["ir.module.module"]._load_module_terms(["queue_job_sync"], codes)
        return codes

    def test_mails_are_the_same_in_each_language_but_for_the_words(self):
        data = self.env["ir.model.data"].search(
            [("module", "=", "queue_job_sync"), ("model", "=", "mail.template")]
        )
        templates = self.env["mail.template"].browse(data.mapped("res_id"))
        self.assertEqual(len(templates), 8)
        codes = self.speak_all(templates)
        for template in templates:
            english = template.with_context(lang="en_US").body_html
            for code in codes:
                with self.subTest(template.name, lang=code):
                    own = template.with_context(lang=code).body_html
                    self.assertNotEqual(own, english)
                    self.assertEqual(
                        sorted(ATTRIBUTE.findall(own)),
                        sorted(ATTRIBUTE.findall(english)),
                    )

    def test_people_read_their_language(self):
        codes = self.speak_all()
        labels = {
            self.env["sync.backend"]
            .with_context(lang=code)
            .fields_get(["rate_limit"])["rate_limit"]["string"]
            for code in ("en_US", *codes)
        }
        self.assertEqual(len(labels), 1 + len(codes), labels)
        refusals = {
            self.env["sync.stream"]
            .with_context(lang=code)
            .env._("%s is archived.", "X")
            for code in ("en_US", *codes)
        }
        self.assertEqual(len(refusals), 1 + len(codes), refusals)

    def test_what_a_mapping_lacks_is_told_in_each_language(self):
        codes = self.speak_all()
        stream = self.env["sync.stream"].new(
            {"model_id": self.env["ir.model"]._get_id("res.partner")}
        )
        line = self.env["sync.mapping"].new(
            {
                "stream_id": stream,
                "target": "x",
                "field_path": "name",
                "conversion": "number",
            }
        )
        for tell in (
            lambda lang: line.with_context(lang=lang)._conversion().problem(),
            lambda lang: self.problem_of_path(line.with_context(lang=lang)),
            lambda lang: next(column_problems(stream.with_context(lang=lang), {})),
        ):
            told = {tell(code) for code in ("en_US", *codes)}
            self.assertEqual(len(told), 1 + len(codes), told)

    def problem_of_path(self, line):
        """Return why the path of a line is none, once it has an impossible one."""
        line.field_path = "name.upper"
        try:
            path_of(line)
        except ValidationError as error:
            return str(error)
        finally:
            line.field_path = "name"
