# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is made of a value on its way."""

import json
from datetime import date

from odoo import api, fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..mapping import conversions as values
from .test_mapping import MappingCase


class ConversionCase(MappingCase):
    def line(self, path, conversion="none", argument=False, **values):
        """Add a line to the stream, and return it."""
        return self.env["sync.mapping"].create(
            {
                "stream_id": self.stream.id,
                "field_path": path,
                "target": "value",
                "conversion": conversion,
                "conversion_argument": argument,
                **values,
            }
        )

    def converted(self, *args, record=None, **values):
        """Return what a line sends for a record."""
        line = self.line(*args, **values)
        record = self.stream._for_sending(self.partner if record is None else record)
        payload = record._sync_payload(self.stream)
        self.assertEqual(payload, json.loads(json.dumps(payload)))
        line.unlink()
        return payload["value"]

    def assertRefused(self, message, *args, **values):
        with (
            self.assertRaisesRegex(ValidationError, message),
            self.env.cr.savepoint(),
        ):
            self.line(*args, **values)

    def add_method(self, method, name="_sync_value_probe"):
        """Give contacts a method, until the test ends."""
        partners = self.registry["res.partner"]
        setattr(partners, name, method)
        self.addCleanup(delattr, partners, name)

    def tags(self, *names):
        tags = self.env["res.partner.category"].create(
            [{"name": each} for each in names]
        )
        self.partner.category_id = tags
        # in the order of their model from now on, as a job finds them
        self.env.flush_all()
        self.partner.invalidate_recordset()
        return tags


@tagged("post_install", "-at_install")
class TestMappingConversion(ConversionCase):
    def test_value_map(self):
        table = '{"contact": "C", "delivery": 7}'
        self.assertEqual(self.converted("type", "map", table), "C")
        self.partner.type = "delivery"
        self.assertEqual(self.converted("type", "map", table), 7)

    def test_value_that_the_map_does_not_name_stays(self):
        self.assertEqual(self.converted("type", "map", '{"delivery": "D"}'), "contact")

    def test_value_map_names_every_other_value(self):
        table = '{"delivery": "D", "*": null}'
        self.assertIsNone(self.converted("type", "map", table))
        self.partner.type = "delivery"
        self.assertEqual(self.converted("type", "map", table), "D")

    def test_value_map_of_a_boolean_and_of_ids(self):
        belgium = self.env.ref("base.be")
        self.assertEqual(
            self.converted("is_company", "map", '{"true": 1, "false": 0}'), 0
        )
        self.partner.country_id = belgium
        self.assertEqual(
            self.converted("country_id", "map", f'{{"{belgium.id}": "B"}}'), "B"
        )

    def test_empty_value_is_not_mapped(self):
        self.assertIsNone(self.converted("phone", "map", '{"*": "x"}'))

    def test_default(self):
        for default, value in (
            ("none given", "none given"),
            ("0", 0),
            ("false", False),
            ('"0"', "0"),
            ("007", "007"),
            ("[]", []),
            ('{"a": [1]}', {"a": [1]}),
            ("NaN", "NaN"),
            ("[1,", "[1,"),
        ):
            with self.subTest(default):
                found = self.converted("phone", default_value=default)
                self.assertEqual((found, type(found)), (value, type(value)))

    def test_default_of_lists_and_not_of_zero_or_no(self):
        self.assertEqual(self.converted("category_id.name", default_value="-"), "-")
        self.assertEqual(self.converted("color", default_value="7"), 0)
        self.assertIs(self.converted("is_company", default_value="7"), False)
        self.partner.phone = "1"
        self.assertEqual(self.converted("phone", default_value="7"), "1")

    def test_default_belongs_to_one_record_alone(self):
        self.line("phone", default_value="[]")
        record = self.stream._for_sending(self.partner)
        record._sync_payload(self.stream)["value"].append("changed")
        self.assertEqual(record._sync_payload(self.stream)["value"], [])

    def test_constant(self):
        for text, value in (("EUR", "EUR"), ("5", 5), ('"5"', "5"), (False, None)):
            with self.subTest(text):
                self.assertEqual(self.converted(False, "constant", text), value)

    def test_date_format(self):
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = '2026-06-01 23:34:56.789' "
            "WHERE id = %s",
            (self.partner.id,),
        )
        self.partner.invalidate_recordset()
        tokyo = self.partner.with_context(tz="Asia/Tokyo")
        for text, value in (
            ("%d.%m.%Y", "01.06.2026"),
            ("%Y-%m-%dT%H:%M:%S%z", "2026-06-01T23:34:56+0000"),
            ("100%% %j", "100% 152"),
        ):
            with self.subTest(text):
                found = self.converted("create_date", "date", text, record=tokyo)
                self.assertEqual(found, value)

    def test_date_format_of_a_date_and_of_none(self):
        currency = self.env["res.currency"].create(
            {
                "name": "TSZ",
                "symbol": "T",
                "rate_ids": [(0, 0, {"name": f"2026-06-0{day}"}) for day in (1, 2)],
            }
        )
        country = self.env["res.country"].create({"name": "Dateland", "code": "X2"})
        self.partner.country_id = country
        path = "country_id.currency_id.rate_ids.name"
        options = {"several": "semicolon"}
        self.assertIsNone(self.converted(path, "date", "%d/%m", **options))
        country.currency_id = currency
        self.assertEqual(
            self.converted(path, "date", "%d/%m", **options), "02/06; 01/06"
        )
        self.partner.country_id = False
        self.assertIsNone(self.converted("country_id.write_date", "date", "%Y"))

    def test_number_format(self):
        self.partner.write({"partner_latitude": 51.504, "color": 7})
        for path, text, value in (
            ("partner_latitude", ".1f", "51.5"),
            ("partner_latitude", "+010.2f", "+000051.50"),
            ("color", "05d", "00007"),
            ("color", ".2f", "7.00"),
            ("country_id.phone_code", "d", None),
        ):
            with self.subTest(path=path, format=text):
                self.assertEqual(self.converted(path, "number", text), value)
        self.partner.partner_latitude = 0
        self.assertEqual(self.converted("partner_latitude", "number", ".2f"), "0.00")

    def test_number_format_rounds_half_up_as_odoo_does(self):
        self.partner.color = 25
        for number, text, value in (
            (52.205, ".2f", "52.21"),
            (-52.205, ".2f", "-52.21"),
            (2.675, ".2f", "2.68"),
            (0.5, ".0f", "1"),
            (-0.001, ".2f", "0.00"),
            (0.52205, ".2%", "52.21%"),
            (0.125, ".1e", "1.3e-01"),
            (1234.5, ",.0f", "1,235"),
            (0.125, ".2g", "0.13"),
            (0.125, ".2", "0.13"),
            (99.995, ".4g", "100"),
            (1.5, "+", "+1.5"),
            (0.0000005, "f", "0.000001"),
            (0, ".1e", "0.0e+00"),
            (1e22, ".2f", "10000000000000000000000.00"),
        ):
            with self.subTest(number=number, format=text):
                self.assertEqual(values.formatted_number(number, text), value)
        self.assertEqual(self.converted("color", "number", ".0e"), "3e+01")
        self.assertEqual(self.converted("color", "number", "x"), "19")
        # a number of the field's own digits is what is formatted
        self.put_latitude("52.20499999999")
        self.assertEqual(self.converted("partner_latitude", "number", ".2f"), "52.21")

    def test_years_have_four_digits(self):
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = '0099-06-01 03:04:05' WHERE id = %s",
            (self.partner.id,),
        )
        self.partner.invalidate_recordset()
        self.assertEqual(self.converted("create_date"), "0099-06-01T03:04:05Z")
        for text, value in (
            ("%Y", "0099"),
            ("%d.%m.%Y %H:%M", "01.06.0099 03:04"),
            ("%G %%Y %%%Y", "0099 %Y %0099"),
            ("%y", "99"),
        ):
            with self.subTest(text):
                self.assertEqual(self.converted("create_date", "date", text), value)
        self.assertEqual(values.plain(date(7, 1, 2)), "0007-01-02")
        self.assertEqual(values.formatted_date(date(7, 1, 2), "%d/%m/%Y"), "02/01/0007")

    def test_joined(self):
        self.assertIsNone(self.converted("category_id.name", several="comma"))
        tags = self.tags("B", "A, with comma", "B2")
        for several, value in (
            ("comma", "A, with comma, B, B2"),
            ("bar", "A, with comma|B|B2"),
            ("line", "A, with comma\nB\nB2"),
            ("semicolon", "A, with comma; B; B2"),
        ):
            with self.subTest(several):
                self.assertEqual(
                    self.converted("category_id.name", several=several), value
                )
        ids = ", ".join(map(str, tags.sorted().ids))
        self.assertEqual(self.converted("category_id", several="comma"), ids)

    def test_joined_values_are_converted_first(self):
        for kind in ("other", "delivery", "other"):
            self.env["res.partner"].create(
                {"name": kind, "parent_id": self.partner.id, "type": kind}
            )
        self.partner.invalidate_recordset()
        table = '{"other": "O", "delivery": "D"}'
        found = self.converted("child_ids.type", "map", table, several="comma")
        self.assertEqual(sorted(found.split(", ")), ["D", "O", "O"])
        self.assertEqual(
            self.converted("child_ids.is_company", several="comma"),
            "false, false, false",
        )

    def test_json_text(self):
        self.assertEqual(self.converted("category_id.name", "json"), "[]")
        self.tags("Łódź", 'a"b')
        text = self.converted("category_id.name", "json")
        self.assertEqual(sorted(json.loads(text)), ['a"b', "Łódź"])
        self.assertIn("Łódź", text)
        self.assertEqual(self.converted("name", "json"), '"Ada"')
        self.assertIsNone(self.converted("phone", "json"))


@tagged("post_install", "-at_install")
class TestMappingLists(ConversionCase):
    """A list has one value for each record, in their order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        countries = (
            cls.env.ref("base.be"),
            cls.env["res.country"],
            cls.env.ref("base.be"),
        )
        cls.children = cls.env["res.partner"].create(
            [
                {
                    "name": f"{number}",
                    "parent_id": cls.partner.id,
                    "type": "other",
                    "country_id": country.id,
                }
                for number, country in enumerate(countries)
            ]
        )
        cls.before_commit(cls)

    def test_neither_equal_nor_empty_values_are_dropped(self):
        order = self.partner.child_ids.mapped("name")
        expected = [None if name == "1" else "BE" for name in order]
        self.assertEqual(len(expected), 3)
        self.assertEqual(self.converted("child_ids.country_id.code"), expected)
        self.assertEqual(
            self.converted("child_ids.country_id.code", several="comma"), "BE, BE"
        )

    def test_links_of_several_records_are_one_list(self):
        tags = self.env["res.partner.category"].create([{"name": "A"}, {"name": "B"}])
        for child, own in zip(self.children, (tags, tags[:0], tags[1]), strict=True):
            child.category_id = own
        self.assertEqual(
            sorted(self.converted("child_ids.category_id.name")), ["A", "B", "B"]
        )
        self.assertEqual(
            sorted(self.converted("child_ids.category_id")),
            sorted([*tags.ids, tags[1].id]),
        )


@tagged("post_install", "-at_install")
class TestMappingMethod(ConversionCase):
    def test_method(self):
        def probe(record, mapping):
            return {
                "who": record.name,
                "for": mapping.target,
                "when": fields.Date.to_date("2026-06-01"),
                "of": record.env["res.partner"].browse([1, 2]),
                "no": False,
                "more": (1, 2.5, b"YQ=="),
            }

        self.add_method(probe)
        self.assertEqual(
            self.converted(False, "method", "probe"),
            {
                "who": "Ada",
                "for": "value",
                "when": "2026-06-01",
                "of": [1, 2],
                "no": False,
                "more": [1, 2.5, "YQ=="],
            },
        )

    def test_only_prepared_methods_are_called(self):
        self.add_method(lambda _record, _mapping: 1)
        for name in (
            "unlink",
            "_sync_value_probe",
            "probe.__call__",
            "Probe",
            "../probe",
            "",
            False,
            "no_such",
        ):
            with self.subTest(name):
                self.assertRefused("Contact has no method", False, "method", name)
        self.line(False, "method", "probe")

    def test_what_is_no_method_is_refused(self):
        self.add_method("a text")
        self.assertRefused("Contact has no method", False, "method", "probe")

    def watched(self, method):
        self.add_method(method)
        line = self.line(False, "method", "probe")
        watched = self.env["res.partner"]._sync_watched_fields(self.stream)
        line.unlink()
        delattr(self.registry["res.partner"], "_sync_value_probe")
        self._cleanups.pop()
        return watched

    def test_method_says_which_edits_change_its_value(self):
        @api.depends("ref", "country_id.code")
        def probe(record, mapping):
            return record.ref

        base = self.env["res.partner"]._sync_watched_fields(self.stream)
        self.assertNotIn("ref", base)
        self.assertEqual(self.watched(probe), base | {"ref", "country_id"})
        dynamic = api.depends(lambda model: ["ref"])(lambda record, mapping: 1)
        self.assertEqual(self.watched(dynamic), base | {"ref"})

    def test_every_edit_may_change_the_value_of_a_method_that_does_not_say(self):
        watched = self.watched(lambda record, mapping: record.ref)
        self.assertEqual(watched, set(self.env["res.partner"]._fields))

    def test_edit_that_a_method_looks_at_is_recorded(self):
        @api.depends("ref")
        def probe(record, mapping):
            return record.ref

        self.add_method(probe)
        self.outbox().unlink()
        self.line(False, "method", "probe")
        self.partner.ref = "new"
        self.before_commit()
        self.assertEqual(self.outbox().mapped("res_id"), self.partner.ids)

    def test_constant_watches_nothing(self):
        base = self.env["res.partner"]._sync_watched_fields(self.stream)
        self.line("ref", "constant", "x")
        self.assertEqual(
            self.env["res.partner"]._sync_watched_fields(self.stream), base
        )


class Repeated(values.OfField):
    """Text as often as the details say: a conversion of another addon."""

    def problem(self):
        if not self.argument.isdigit():
            return "How often?"
        return super().problem()

    def converter(self):
        times = int(self.argument)
        return lambda value: (value or "") * times


@tagged("post_install", "-at_install")
class TestMappingOwnConversion(ConversionCase):
    """Another addon brings a class of its own."""

    def setUp(self):
        super().setUp()
        lines = self.registry["sync.mapping"]
        original = lines._conversions

        def with_own(records):
            return {**original(records), "map": Repeated}

        self.patch(lines, "_conversions", with_own)

    def test_own_conversion(self):
        self.assertEqual(self.converted("name", "map", "2"), "AdaAda")
        self.assertEqual(self.converted("phone", "map", "2", default_value="-"), "-")
        self.tags("A", "B")
        found = self.converted("category_id.name", "map", "2", several="bar")
        self.assertEqual(found, "AA|BB")

    def test_own_conversion_says_what_is_wrong(self):
        self.assertRefused("value: How often?", "name", "map", "often")
        self.assertRefused("has several values", "category_id.name", "map", "2")
        self.assertRefused("nothing to join", "name", "map", "2", several="bar")

    def test_edit_that_an_own_conversion_looks_at_is_recorded(self):
        self.line("ref", "map", "2")
        self.assertIn("ref", self.env["res.partner"]._sync_watched_fields(self.stream))


@tagged("post_install", "-at_install")
class TestMappingRefused(ConversionCase):
    """What cannot work is refused when it is saved, with the reason."""

    def test_line_without_a_field(self):
        self.assertRefused("Choose the field that fills value", False)

    def test_map_that_is_none(self):
        for argument, reason in (
            (False, "not JSON"),
            ("draft -> D", "not JSON"),
            ('{"contact": NaN}', "NaN is no value in JSON"),
            ('{"contact": 1, "other": 2, "contact": 3}', "“contact” is there twice"),
            ('["contact"]', "names values"),
            ("{}", "names values"),
        ):
            with self.subTest(argument):
                self.assertRefused(reason, "type", "map", argument)

    def test_map_of_values_that_the_field_never_has(self):
        self.assertRefused(
            "type never has the value draft", "type", "map", '{"draft": "D"}'
        )
        self.assertRefused("never has", "is_company", "map", '{"yes": 1}')
        self.assertRefused("never has", "country_id", "map", '{"BE": 1}')

    def test_map_of_a_field_that_it_is_not_for(self):
        for path in ("partner_latitude", "create_date", "comment", "image_1920"):
            with self.subTest(path):
                self.assertRefused("not for", path, "map", '{"*": 1}')

    def test_several_values_are_not_converted_unless_joined(self):
        for path, conversion, argument in (
            ("category_id", "map", '{"1": "A"}'),
            ("child_ids.type", "map", '{"other": "O"}'),
            ("child_ids.create_date", "date", "%Y"),
            ("child_ids.color", "number", "02d"),
        ):
            with self.subTest(path):
                self.assertRefused("has several values", path, conversion, argument)
                self.line(path, conversion, argument, several="comma").unlink()

    def test_one_value_is_not_joined(self):
        self.assertRefused("nothing to join", "name", several="comma")
        self.assertRefused("do not join", "category_id", "json", several="comma")

    def test_date_format(self):
        for path in ("name", "color", "country_id", "category_id"):
            with self.subTest(path):
                self.assertRefused("neither a date nor a time", path, "date", "%Y")
        for text in (False, "", "yyyy", "%", "%Q", "%%", "%-d", "%c", "%Y %"):
            with self.subTest(text):
                self.assertRefused("is not a date format", "create_date", "date", text)

    def test_time_of_a_date(self):
        path = "country_id.currency_id.rate_ids.name"
        self.assertRefused("has no time", path, "date", "%H", several="comma")

    def test_number_format(self):
        for path in ("name", "is_company", "country_id"):
            with self.subTest(path):
                self.assertRefused("is not a number", path, "number", ".2f")
        for text in (False, "abc", "%.2f", "{:.2f}", "999999999d", ".999f", "n"):
            with self.subTest(text):
                self.assertRefused("not a format", "partner_latitude", "number", text)
        self.assertRefused("not a format", "partner_latitude", "number", "05d")
        self.assertRefused("not a format", "color", "number", ".2d")
