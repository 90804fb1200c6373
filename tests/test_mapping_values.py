# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The values that fields become on their way."""

import base64

from odoo.tests import new_test_user, tagged

from ..engine.task import Held, Owed, TaskBuilder
from ..mapping.conversions import plain_of, rounded
from .common import stream_values
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

    def test_float_has_the_digits_of_its_field(self):
        for stored, sent in (
            ("60739.2000000004", "60739.2"),
            ("51.5073219499", "51.5073219"),
            ("51.50732195", "51.507322"),
            ("-0.00000000001", "0.0"),
            ("1e17", "1e+17"),
        ):
            with self.subTest(stored):
                self.put_latitude(stored)
                self.assertEqual(repr(self.value("partner_latitude")), sent)

    def test_float_without_digits_has_those_that_a_float_holds(self):
        for stored, sent in (
            (0.1 + 0.2, "0.3"),
            (60739.2, "60739.2"),
            (123456789.012345, "123456789.012345"),
            (1e300, "1e+300"),
            (-0.0, "0.0"),
        ):
            with self.subTest(stored):
                self.assertEqual(repr(rounded(stored)), sent)

    def test_decimal_precision_is_that_of_now(self):
        field = self.registry["res.partner"]._fields["partner_latitude"]
        precision = self.env["decimal.precision"].create(
            {"name": "Sync Test", "digits": 3}
        )
        self.patch(field, "_digits", "Sync Test")
        self.put_latitude("1.23456")
        stream = self.env["sync.stream"].create(
            stream_values(self.backend, mapping=[("partner_latitude", "value")])
        )
        record = stream._for_sending(self.partner)
        self.assertEqual(record._sync_payload(stream), {"value": 1.235})
        precision.digits = 2
        self.assertEqual(record._sync_payload(stream), {"value": 1.23})

    def test_noise_of_a_float_is_no_change(self):
        self.stream.mapping_ids.create(
            {
                "stream_id": self.stream.id,
                "field_path": "partner_latitude",
                "target": "latitude",
            }
        )
        builder, digests = TaskBuilder(self.stream), set()
        for stored in ("60739.2", "60739.2000000004", "60739.19999999999"):
            self.put_latitude(stored)
            payload = self.stream._for_sending(self.partner)._sync_payload(self.stream)
            task = builder.build(
                Held(1, self.partner.id), Owed([], force=False), payload
            )
            digests.add(task.digest)
        self.assertEqual(len(digests), 1)

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
class TestMappingAmounts(MappingCase):
    """Amounts have the digits of their currency."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls.registry.reset_changes)
        cls.env["ir.model.fields"].create(
            [
                {
                    "model_id": cls.env["ir.model"]._get_id("res.partner"),
                    "field_description": name,
                    "name": name,
                    **values,
                }
                for name, values in (
                    (
                        "x_currency_id",
                        {"ttype": "many2one", "relation": "res.currency"},
                    ),
                    (
                        "x_amount",
                        {"ttype": "monetary", "currency_field": "x_currency_id"},
                    ),
                )
            ]
        )
        cls.currencies = cls.env["res.currency"].create(
            [
                {"name": name, "symbol": name, "rounding": rounding}
                for name, rounding in (("TS0", 1), ("TS2", 0.01), ("TS3", 0.001))
            ]
        )

    def put(self, currency, text, partner=None):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET x_amount = %s::numeric, x_currency_id = %s"
            " WHERE id = %s",
            (text, currency.id or None, (partner or self.partner).id),
        )
        self.env.invalidate_all()

    def test_amount(self):
        for currency, stored, sent in (
            (self.currencies[0], "60739.5000000004", "60740.0"),
            (self.currencies[1], "60739.2000000004", "60739.2"),
            (self.currencies[1], "52.205", "52.21"),
            (self.currencies[2], "52.2055", "52.206"),
            (self.currencies[:0], "60739.20000000000004", "60739.2"),
        ):
            with self.subTest(currency=currency.name, stored=stored):
                self.put(currency, stored)
                self.assertEqual(repr(self.value("x_amount")), sent)

    def test_amounts_of_lines(self):
        children = self.env["res.partner"].create(
            [
                {"name": currency.name, "parent_id": self.partner.id, "type": "other"}
                for currency in self.currencies
            ]
        )
        for child, currency in zip(children, self.currencies, strict=True):
            self.put(currency, "1.2345", child)
        self.assertEqual(sorted(self.value("child_ids.x_amount")), [1.0, 1.23, 1.235])

    def test_another_currency_is_a_change(self):
        stream = self.env["sync.stream"].create(
            stream_values(
                self.backend,
                mapping=[("x_amount", "a"), ("parent_id.x_amount", "b")],
            )
        )
        self.assertEqual(
            stream.mapping_ids._watched_paths(),
            {
                "x_amount",
                "x_currency_id",
                "parent_id.x_amount",
                "parent_id.x_currency_id",
            },
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
