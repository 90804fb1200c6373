# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The values that fields become on their way."""

import base64

from odoo.tests import new_test_user, tagged

from ..models.payload_values import plain_of
from .test_mapping import MappingCase


@tagged("post_install", "-at_install")
class TestMappingValues(MappingCase):
    def test_text(self):
        self.assertEqual(self.value("name"), "Ada")

    def test_empty_is_null(self):
        for path in ("phone", "country_id", "country_id.code", "comment", "image_1920"):
            with self.subTest(path):
                self.assertIsNone(self.value(path))

    def test_id(self):
        self.assertEqual(self.value("id"), self.partner.id)

    def test_boolean_is_false_not_null(self):
        self.assertIs(self.value("is_company"), False)
        self.partner.is_company = True
        self.assertIs(self.value("is_company"), True)

    def test_number_zero_is_zero_not_null(self):
        self.assertEqual(self.value("color"), 0)
        self.assertIs(type(self.value("partner_latitude")), float)

    def test_float(self):
        self.partner.partner_latitude = 51.5073219
        self.assertEqual(self.value("partner_latitude"), 51.5073219)

    def test_link_to_one_is_its_id(self):
        self.partner.country_id = self.env.ref("base.be")
        self.assertEqual(self.value("country_id"), self.env.ref("base.be").id)

    def test_path_through_a_link_to_one(self):
        self.partner.country_id = self.env.ref("base.be")
        self.assertEqual(self.value("country_id.code"), "BE")
        self.assertEqual(self.value("country_id.currency_id.name"), "EUR")

    def test_link_to_many_is_a_list(self):
        tags = self.env["res.partner.category"].create([{"name": "A"}, {"name": "B"}])
        self.partner.category_id = tags
        self.assertEqual(self.value("category_id"), tags.ids)
        self.assertEqual(self.value("category_id.name"), ["A", "B"])

    def test_link_to_none_of_many_is_an_empty_list(self):
        self.assertEqual(self.value("category_id"), [])
        self.assertEqual(self.value("category_id.name"), [])

    def test_list_goes_through_further_links(self):
        country = self.env.ref("base.be")
        self.env["res.partner"].create(
            [
                {"name": "C", "parent_id": self.partner.id, "type": "other"},
                {
                    "name": "D",
                    "parent_id": self.partner.id,
                    "type": "other",
                    "country_id": country.id,
                },
            ]
        )
        self.assertEqual(self.value("child_ids.name"), ["C", "D"])
        # one value for each, in their order
        self.assertEqual(self.value("child_ids.country_id.code"), [None, "BE"])

    def test_datetime_is_utc_with_a_z(self):
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = '2026-06-01 12:34:56.789' "
            "WHERE id = %s",
            (self.partner.id,),
        )
        self.partner.invalidate_recordset()
        self.assertEqual(self.value("create_date"), "2026-06-01T12:34:56Z")

    def test_date_is_iso(self):
        currency = self.env["res.currency"].create(
            {
                "name": "TSY",
                "symbol": "T",
                "rate_ids": [(0, 0, {"name": "2026-06-01", "rate": 2.5})],
            }
        )
        country = self.env["res.country"].create(
            {"name": "Syncland", "code": "X1", "currency_id": currency.id}
        )
        self.partner.country_id = country
        self.assertEqual(
            self.value("country_id.currency_id.rate_ids.name"), ["2026-06-01"]
        )
        self.assertEqual(self.value("country_id.currency_id.rate_ids.rate"), [2.5])

    def test_selection_is_its_key(self):
        self.assertEqual(self.value("type"), "contact")

    def test_html_is_text(self):
        self.partner.comment = "<p>Met in <b>Paris</b></p>"
        value = self.value("comment")
        self.assertIs(type(value), str)
        self.assertEqual(value, "<p>Met in <b>Paris</b></p>")

    def test_binary_is_base64(self):
        pixel = base64.b64decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
            "awAAAABJRU5ErkJggg=="
        )
        attachment = self.env["ir.attachment"].create(
            {"name": "x", "raw": b"\x00\xff binary"}
        )
        plain = plain_of(attachment._fields["datas"])
        self.assertEqual(
            plain(attachment.datas),
            base64.b64encode(b"\x00\xff binary").decode(),
        )
        self.partner.image_1920 = base64.b64encode(pixel)
        # not its size, whatever the editor's client asked for
        value = self.value(
            "image_1920", record=self.partner.with_context(bin_size=True)
        )
        self.assertTrue(base64.b64decode(value).startswith(b"\x89PNG"))

    def test_reference_names_model_and_id(self):
        menu = self.env.ref("contacts.res_partner_menu_contacts")
        plain = plain_of(menu._fields["action"])
        self.assertEqual(
            plain(menu.action),
            f"{menu.action._name},{menu.action.id}",
        )
        menu.action = False
        self.assertIsNone(plain(menu.action))

    def test_order_of_the_lines_is_that_of_the_sequence(self):
        mapping = self.stream.mapping_ids
        for sequence, line in enumerate(reversed(mapping)):
            line.sequence = sequence
        self.stream.invalidate_recordset()
        record = self.stream._for_sending(self.partner)
        self.assertEqual(
            list(record._sync_payload(self.stream)), ["country", "email", "name"]
        )


@tagged("post_install", "-at_install")
class TestMappingNeutral(MappingCase):
    """What is sent does not depend on who edited."""

    def test_language_is_the_streams(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        country = self.env.ref("base.de")
        country.with_context(lang="fr_FR").name = "Allemagne"
        country.with_context(lang="en_US").name = "Germany"
        self.partner.country_id = country
        user = new_test_user(self.env, "sync_french", lang="fr_FR")
        french = self.partner.with_user(user).with_context(lang="fr_FR")
        self.assertEqual(french.country_id.name, "Allemagne")
        self.assertEqual(self.value("country_id.name", record=french), "Germany")
        self.assertEqual(self.value("country_id.name", lang="fr_FR"), "Allemagne")

    def test_company_is_the_systems(self):
        company = self.env["res.company"].create({"name": "Sync Company B"})
        self.partner.with_company(self.env.company).barcode = "here"
        self.partner.with_company(company).barcode = "there"
        editor = self.partner.with_company(self.env.company)
        self.assertEqual(editor.barcode, "here")
        self.backend.company_id = company
        self.assertEqual(self.value("barcode", record=editor), "there")

    def test_rights_of_the_editor_do_not_matter(self):
        user = new_test_user(self.env, "sync_portal", groups="base.group_portal")
        tags = self.env["res.partner.category"].create({"name": "Hidden"})
        self.partner.write({"category_id": tags, "user_id": self.env.user.id})
        editor = self.partner.with_user(user)
        self.assertEqual(self.value("category_id.name", record=editor), ["Hidden"])
        self.assertEqual(
            self.value("user_id.login", record=editor), self.env.user.login
        )

    def test_archived_links_are_sent(self):
        tag = self.env["res.partner.category"].create({"name": "Old"})
        self.partner.category_id = tag
        tag.active = False
        self.env.flush_all()
        self.partner.invalidate_recordset()
        self.assertFalse(self.partner.category_id)
        self.assertEqual(self.value("category_id.name"), ["Old"])

    def test_timezone_of_the_editor_does_not_matter(self):
        editor = self.partner.with_context(tz="Asia/Tokyo")
        self.assertEqual(
            self.value("create_date", record=editor), self.value("create_date")
        )
