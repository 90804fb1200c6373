# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from babel.messages.pofile import read_po
from lxml import etree

from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools.misc import file_path
from odoo.tools.translate import PoFileReader, TranslationModuleReader

LANGUAGES = {
    "fr": "fr_FR",
    "es": "es_ES",
    "de": "de_DE",
    "ar": "ar_001",
    "ms": "ms_MY",
}
SHOWN = ("string", "help", "placeholder", "confirm", "title")
# What no screen of the addon shows.
HIDDEN = {"Args", "Base", "Field Type", "Fields", "Kwargs", "Queue Job Lock"}
# What is the same in a language.
SAME = {
    "fr": {"Description", "Exception", "Messages"},
    "es": set(),
    "de": {"Graph", "Icon", "Job Queue Manager", "Jobs", "Name"},
    "ar": set(),
    "ms": {"Model"},
}
EVERYWHERE = {"ID", "UUID"}


@tagged("post_install", "-at_install")
class TestQueueJobTerms(TransactionCase):
    """What queue_job says on our screens is said in the reader's language.

    It is in ``i18n_extra``, which Odoo reads as it does ``i18n``: there nothing writes
    the files anew.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code in LANGUAGES.values():
            cls.env["res.lang"]._activate_lang(code)
        cls.env["ir.module.module"]._load_module_terms(
            ["base", "mail", "queue_job", "queue_job_sync"], list(LANGUAGES.values())
        )
        with open(file_path("queue_job_sync/i18n/queue_job_sync.pot"), "rb") as file:
            # translated by the addon's own catalogs
            cls.own = {each.id for each in read_po(file) if each.id}

    def terms(self, lang):
        """Yield what queue_job's own records say: in English, and in a language."""
        reader = TranslationModuleReader(self.env.cr, modules=["queue_job"], lang=lang)
        for _module, kind, _name, _id, source, value, _notes in reader:
            if kind != "code":
                yield source, value

    def test_every_term_is_translated(self):
        for short, lang in LANGUAGES.items():
            with self.subTest(lang):
                same = {*EVERYWHERE, *HIDDEN, *SAME[short], *self.own}
                terms = dict(self.terms(lang))
                self.assertGreater(len(terms), 100)
                left = {source for source, value in terms.items() if value == source}
                left |= {source for source, value in terms.items() if not value}
                self.assertFalse(left - same)

    def test_both_catalogs_say_the_same_of_a_field(self):
        """A field that the addon changes is a record of both modules.

        Where both have something to say of it, Odoo takes the one or the other.
        """
        for short in LANGUAGES:
            with self.subTest(short):
                own = self.labels(f"i18n/{short}.po", "queue_job_sync")
                extra = self.labels(f"i18n_extra/{short}.po", "queue_job")
                both = own.keys() & extra.keys()
                self.assertGreater(len(both), 30)
                self.assertEqual(
                    {key: own[key] for key in both}, {key: extra[key] for key in both}
                )

    def labels(self, catalog, module):
        """Return what a catalog says of fields of jobs, by field and kind of text."""
        return {
            (row["name"], row["imd_name"]): row["value"]
            for row in PoFileReader(file_path(f"queue_job_sync/{catalog}"))
            if row["module"] == module
            and row.get("imd_name", "").startswith("field_queue_job__")
            and row["value"]
        }

    def test_form_of_a_job_is_in_french(self):
        user = new_test_user(
            self.env,
            "sync_french_manager",
            "base.group_user,base.group_no_one,queue_job.group_queue_job_manager",
            lang="fr_FR",
        )
        english = {source for source, _value in self.terms("fr_FR")}
        english -= {*EVERYWHERE, *HIDDEN, *SAME["fr"]}
        # others add to what has a chatter
        prefix = "field_queue_job__"
        data = self.env["ir.model.data"].search(
            [("module", "=", "queue_job"), ("name", "=like", f"{prefix}%")]
        )
        named = {each.name.removeprefix(prefix) for each in data}
        for model in (
            "queue.job",
            "queue.requeue.job",
            "queue.jobs.to.done",
            "queue.jobs.to.cancelled",
        ):
            kinds = ["form"]
            kinds += ["list", "search", "kanban"] if model == "queue.job" else []
            told = self.env[model].with_user(user).with_context(lang="fr_FR")
            views = told.get_views([(False, kind) for kind in kinds])
            said = {}  # where each text is shown
            for kind, view in views["views"].items():
                for node in etree.fromstring(view["arch"]).iter(etree.Element):
                    texts = [node.get(name) for name in SHOWN]
                    texts += [(node.text or "").strip(), (node.tail or "").strip()]
                    said |= dict.fromkeys(texts, f"{kind}: {node.tag} {node.attrib}")
            names = [*filter(named.__contains__, views["models"][model]["fields"])]
            for name, field in told.fields_get(names).items():
                texts = [field["string"], field.get("help")]
                texts += [label for _key, label in field.get("selection", ())]
                said |= dict.fromkeys(texts, name)
            with self.subTest(model):
                theirs = english if model == "queue.job" else english - self.own
                left = {text: said[text] for text in said.keys() & theirs}
                self.assertFalse(left)
