# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The kit finds each mapped value that goes stale, and what is said of it in vain."""

from odoo import fields
from odoo.tests import tagged

from .conformance.model_paths import far_ends
from .conformance.runner import RunnerCase, run_tests
from .test_conformance_partner import TestConformancePartner
from .test_mapping import MappingCase

TEST = "test_edit_behind_each_path_is_sent"


def child_case():
    """Return the kit for contacts with all that the paths below lead to."""

    class Case(TestConformancePartner):
        unnoticed = {}

        def values(self, env, number):
            parent = env["res.partner"].create(
                {"name": "Analytical Engines", "is_company": True, "ref": "AE"}
            )
            return {
                "name": f"Ada {number}",
                "parent_id": parent.id,
                "country_id": env.ref("base.be").id,
                "category_id": [fields.Command.create({"name": "Gold"})],
                "child_ids": [fields.Command.create({"name": "Byron"})],
            }

    return Case


@tagged("post_install", "-at_install")
class TestConformanceBrokenMapping(RunnerCase):
    def asked(self, *paths, base=None, **attributes):
        """Run the test with a mapping, and return whether it failed, why, and skips."""
        names = {"mapping": [(path, f"n{n}") for n, path in enumerate(paths)]}
        names |= {"__module__": __name__, **attributes}
        failed, skipped, text = run_tests(
            type("Case", (base or child_case(),), names), [TEST]
        )
        return bool(failed), text, skipped.get(TEST, "")

    def test_values_that_go_stale(self):
        for path, end in (
            ("country_id.name", "country_id.name"),
            ("category_id.name", "category_id.name"),
            ("parent_id.ref", "parent_id.ref"),
            ("parent_id.country_id.code", "parent_id.country_id"),
            # stored, and written by Odoo when the parent changes
            ("commercial_company_name", "commercial_partner_id.name"),
        ):
            with self.subTest(path):
                failed, text, _skipped = self.asked("name", path)
                self.assertTrue(failed)
                self.assertIn(path, text)
                self.assertIn(f"'{end}'", text)
                self.assertIn("nobody notices", text)
                failed, text, skipped = self.asked(
                    "name", path, unnoticed={path: "It is rare."}
                )
                self.assertFalse(failed, text)
                self.assertIn(f"{path}: It is rare.", skipped)

    def test_values_that_do_not(self):
        for path in ("name", "child_ids.name", "child_ids.email"):
            with self.subTest(path):
                failed, text, skipped = self.asked(path)
                self.assertFalse(failed or skipped, text)
                failed, text, _skipped = self.asked(path, unnoticed={path: "Never."})
                self.assertTrue(failed)
                self.assertIn("`unnoticed` is wrong", text)

    def test_what_cannot_be_asked_is_no_success(self):
        failed, text, _skipped = self.asked(
            "parent_id.ref", base=TestConformancePartner, unnoticed={}
        )
        self.assertTrue(failed)
        self.assertIn("no edit has changed what is sent", text)

        def other_value(case, record, name):
            return record[name]

        failed, text, _skipped = self.asked("parent_id.ref", other_value=other_value)
        self.assertTrue(failed)
        self.assertIn("no edit has changed what is sent", text)

    def test_what_is_declared_is_mapped_and_has_a_reason(self):
        for unnoticed in ({"country_id.name": ""}, {"country_id.code": "It is rare."}):
            with self.subTest(unnoticed):
                failed, _text, _skipped = self.asked(
                    "country_id.name", unnoticed=unnoticed
                )
                self.assertTrue(failed)

    # pylint takes the ``super()`` of the class within for one of this method's.
    def test_model_that_sees_to_it(self):  # pylint: disable=missing-return
        """What is noticed by code of its own needs no declaration."""

        class Case(child_case()):
            def setUp(self):
                super().setUp()
                countries = self.registry["res.country"]
                write = countries.write

                def noticed(records, vals):
                    res = write(records, vals)
                    partners = records.env["res.partner"]
                    partners = partners.search([("country_id", "in", records.ids)])
                    partners.write({"country_id": records[:1].id})
                    return res

                self.patch(countries, "write", noticed)

        failed, text, skipped = self.asked("country_id.name", base=Case)
        self.assertFalse(failed or skipped, text)


@tagged("post_install", "-at_install")
class TestFarEnds(MappingCase):
    def test_far_ends(self):
        partners = self.env["res.partner"]
        for path, ends in (
            ("name", []),
            ("country_id", []),
            ("country_id.name", ["country_id.name"]),
            (
                "parent_id.country_id.code",
                ["parent_id.country_id", "parent_id.country_id.code"],
            ),
            ("nope.name", []),
        ):
            with self.subTest(path):
                self.assertEqual(far_ends(partners, path), ends)
        found = far_ends(partners, "commercial_company_name")
        self.assertIn("parent_id.is_company", found)
        self.assertFalse({each for each in found if "write_date" in each})
