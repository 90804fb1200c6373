# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The content of many records at once, and where its names nest."""

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..mapping.content import with_mark
from .common import stream_values
from .test_mapping import MappingCase

PATHS = (
    ("name", "name"),
    ("email", "email"),
    ("city", "address.city"),
    ("country_id.code", "address.country"),
    ("country_id.currency_id.name", "currency"),
    ("category_id.name", "tags"),
    ("child_ids.category_id.name", "more.tags"),
    ("create_date", "created"),
)


@tagged("post_install", "-at_install")
class TestPayloads(MappingCase):
    def make_partners(self, count):
        tags = self.env["res.partner.category"].create([{"name": "A"}, {"name": "B"}])
        return self.env["res.partner"].create(
            [
                {
                    "name": f"P{number}",
                    "country_id": self.env.ref("base.be").id,
                    "category_id": tags.ids,
                    "child_ids": [
                        (0, 0, {"name": "child", "category_id": tags[0].ids})
                    ],
                }
                for number in range(count)
            ]
        )

    def make_stream(self, **values):
        return self.env["sync.stream"].create(
            stream_values(self.backend, mapping=PATHS, **values)
        )

    def queries(self, stream, records):
        """Count the queries that the content of records takes, nothing known."""
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        payloads = stream._for_sending(records)._sync_payloads(stream)
        self.assertEqual(list(payloads), records.ids)
        return self.env.cr.sql_log_count - before

    def test_queries_do_not_grow_with_the_records(self):
        stream = self.make_stream()
        partners = self.make_partners(40)
        self.queries(stream, partners)  # how it is built is worked out once
        few = self.queries(stream, partners[:2])
        self.assertGreater(few, 0)
        self.assertEqual(self.queries(stream, partners), few)

    def test_content_is_that_of_each_record(self):
        stream = self.make_stream()
        partners = stream._for_sending(self.make_partners(3))
        payloads = partners._sync_payloads(stream)
        for number, partner in enumerate(partners):
            payload = payloads[partner.id]
            self.assertEqual(payload, partner._sync_payload(stream))
            self.assertEqual(payload["name"], f"P{number}")
            self.assertEqual(payload["address"], {"city": None, "country": "BE"})
            self.assertEqual(payload["more"], {"tags": ["A"]})

    def test_content_of_a_model_of_its_own_is_used(self):
        partners = self.registry["res.partner"]
        original = partners._sync_payload

        def with_extra(record, stream):
            return {**original(record, stream), "extra": record.id}

        self.patch(partners, "_sync_payload", with_extra)
        records = self.stream._for_sending(self.make_partners(2))
        payloads = records._sync_payloads(self.stream)
        self.assertEqual(
            [payload["extra"] for payload in payloads.values()], records.ids
        )

    def test_change_of_the_mapping_holds_at_once(self):
        record = self.stream._for_sending(self.partner)
        self.assertEqual(
            list(record._sync_payload(self.stream)), ["name", "email", "country"]
        )
        lines = self.stream.mapping_ids
        lines[0].target = "label"
        lines[1].unlink()
        self.assertEqual(list(record._sync_payload(self.stream)), ["label", "country"])
        lines[0].target = "a.b"
        self.assertEqual(record._sync_payload(self.stream)["a"], {"b": "Ada"})
        self.stream.table = "contacts"
        self.backend.write(
            {
                "db_host": "127.0.0.1",
                "db_name": "warehouse",
                "db_user": "writer",
                "transport": "postgresql",
            }
        )
        self.assertEqual(record._sync_payload(self.stream)["a.b"], "Ada")


@tagged("post_install", "-at_install")
class TestMark(MappingCase):
    def test_mark_with_dots_nests(self):
        self.stream.write({"delete_policy": "mark", "mark_key": "meta.state.gone"})
        payload = {"name": "Ada", "meta": {"source": "odoo"}}
        self.assertEqual(
            with_mark(self.stream, payload, False),
            {"name": "Ada", "meta": {"source": "odoo", "state": {"gone": False}}},
        )
        self.assertEqual(payload, {"name": "Ada", "meta": {"source": "odoo"}})
        self.assertEqual(
            with_mark(self.stream, {}, True), {"meta": {"state": {"gone": True}}}
        )

    def test_mark_of_a_table_is_a_column(self):
        self.stream.write({"delete_policy": "mark", "mark_key": "a.b"})
        self.stream.table = "contacts"
        self.backend.write(
            {
                "db_host": "127.0.0.1",
                "db_name": "warehouse",
                "db_user": "writer",
                "transport": "postgresql",
            }
        )
        self.assertEqual(with_mark(self.stream, {}, True), {"a.b": True})

    def test_mark_that_is_no_name_is_refused(self):
        for key in (".", "a.", ".a", "a..b"):
            with (
                self.subTest(key),
                self.assertRaisesRegex(ValidationError, "is not a name"),
                self.env.cr.savepoint(),
            ):
                self.stream.write({"delete_policy": "mark", "mark_key": key})

    def test_mark_does_not_nest_in_a_value(self):
        with (
            self.assertRaisesRegex(ValidationError, "name cannot be a value"),
            self.env.cr.savepoint(),
        ):
            self.stream.write({"delete_policy": "mark", "mark_key": "name.gone"})
