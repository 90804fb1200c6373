# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The fields that a stream sends, and where they go."""

import json

from psycopg2.errors import UniqueViolation

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import SyncCase, drop, stream_values


class MappingCase(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Ada"})
        cls.before_commit(cls)

    def payload(self, *mapping, record=None, **values):
        """Return what a stream with some fields sends for a record."""
        stream = self.env["sync.stream"].create(
            stream_values(self.backend, mapping=mapping, **values)
        )
        record = stream._for_sending(self.partner if record is None else record)
        payload = record._sync_payload(stream)
        self.assertEqual(payload, json.loads(json.dumps(payload)))
        return payload

    def value(self, path, **kwargs):
        """Return what one field becomes."""
        return self.payload((path, "value"), **kwargs)["value"]

    def put_latitude(self, text):
        """Write a number past the ORM, which would round it."""
        self.env.cr.execute(
            "UPDATE res_partner SET partner_latitude = %s::numeric WHERE id = %s",
            (text, self.partner.id),
        )
        self.partner.invalidate_recordset()


@tagged("post_install", "-at_install")
class TestMapping(MappingCase):
    def assertRefused(self, message, path, target="value"):
        with (
            self.assertRaisesRegex(ValidationError, message),
            self.env.cr.savepoint(),
        ):
            self.env["sync.mapping"].create(
                {"stream_id": self.stream.id, "field_path": path, "target": target}
            )

    def test_unknown_field_is_refused(self):
        self.assertRefused(
            "no_such is not a field of Contact: there is no no_such on it", "no_such"
        )

    def test_unknown_field_behind_a_link_is_refused(self):
        self.assertRefused(
            "country_id.nope is not a field of Contact: there is no nope "
            "after country_id",
            "country_id.nope",
        )

    def test_path_through_a_plain_field_is_refused(self):
        self.assertRefused("there is no upper after name", "name.upper")

    def test_path_that_ends_in_a_dot_is_refused(self):
        self.assertRefused("there is no '' after country_id", "country_id.")

    def test_field_without_plain_value_is_refused(self):
        partner = self.env["res.partner"]
        self.assertEqual(partner._fields["properties"].type, "properties")
        self.assertRefused("no plain value", "properties")

    def test_name_at_the_destination_is_a_name(self):
        for target in ("", ".", "a.", ".a", "a..b", " a", "a. b"):
            with self.subTest(target):
                self.assertRefused("is not a name", "phone", target)

    def test_name_is_filled_only_once(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(UniqueViolation),
            self.env.cr.savepoint(),
        ):
            self.env["sync.mapping"].create(
                {
                    "stream_id": self.stream.id,
                    "field_path": "phone",
                    "target": "email",
                }
            )

    def test_name_cannot_be_both_a_value_and_a_group_of_values(self):
        self.assertRefused(
            "name cannot be a value, because name.first nests in it",
            "ref",
            "name.first",
        )
        self.env["sync.mapping"].create(
            {"stream_id": self.stream.id, "field_path": "city", "target": "place.city"}
        )
        self.assertRefused("place cannot be a value", "street", "place")

    def test_mark_is_not_mapped(self):
        self.stream.write({"delete_policy": "mark", "mark_key": "gone"})
        self.assertRefused("filled by the synchronization itself", "active", "gone")

    def test_names_with_dots_nest(self):
        self.partner.write({"city": "London", "zip": "W1"})
        self.assertEqual(
            self.payload(
                ("name", "name"),
                ("city", "address.city"),
                ("zip", "address.post.code"),
            ),
            {"name": "Ada", "address": {"city": "London", "post": {"code": "W1"}}},
        )

    def test_names_of_columns_do_not_nest(self):
        self.backend.write(
            {
                "transport": "rest",
                "db_host": "127.0.0.1",
                "db_name": "warehouse",
                "db_user": "writer",
            }
        )
        self.stream.table = "contacts"
        self.backend.transport = "postgresql"
        self.assertEqual(
            self.payload(("name", "a.b"), table="contacts"), {"a.b": "Ada"}
        )

    def test_mapping_deleted_with_its_stream(self):
        lines = self.stream.mapping_ids
        drop(self.stream)
        self.assertFalse(lines.exists())
