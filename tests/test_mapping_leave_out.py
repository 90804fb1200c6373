# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is empty is left out where somebody says so, and sent as null elsewhere."""

from odoo import fields
from odoo.tests import tagged

from ..mapping.content import with_mark
from .common import DeliveryCase
from .postgresql_case import PostgresqlCase
from .test_mapping import MappingCase


def lines(*mapping):
    """Return the commands that map a path, or what else a line has, to each name."""
    commands = [fields.Command.clear()]
    for source, target, *more in mapping:
        path = source if isinstance(source, dict) else {"field_path": source}
        values = {"target": target, **path, **(more[0] if more else {})}
        commands.append(fields.Command.create(values))
    return commands


def constant(value):
    return {"conversion": "constant", "conversion_argument": value}


OUT = {"leave_out": True}


@tagged("post_install", "-at_install")
class TestLeaveOut(MappingCase):
    def sent(self, *mapping, **values):
        """Return what is sent of a contact that has a name, and the given values."""
        self.stream.mapping_ids = lines(*mapping)
        self.before_commit()
        self.partner.write(values)
        return self.stream._for_sending(self.partner)._sync_payload(self.stream)

    def test_null_is_sent_unless_it_is_left_out(self):
        mapping = (("email", "email"), ("phone", "phone", OUT), ("name", "name", OUT))
        self.assertEqual(self.sent(*mapping), {"email": None, "name": "Ada"})
        self.stream.leave_out_empty = True
        self.assertEqual(self.sent(*mapping), {"name": "Ada"})
        self.stream.leave_out_empty = False
        self.assertEqual(
            self.sent(*mapping, phone="1"),
            {"email": None, "phone": "1", "name": "Ada"},
        )

    def test_what_is_empty(self):
        self.stream.leave_out_empty = True
        self.assertEqual(
            self.sent(
                ("color", "zero"),
                ("is_company", "no"),
                ("email", "text"),
                ("country_id", "link"),
                ("country_id.code", "behind"),
                ("category_id", "links"),
                ("category_id.name", "list"),
                ("category_id.name", "joined", {"several": "comma"}),
                ("category_id.name", "json", {"conversion": "json"}),
                ("create_date", "at", {"conversion": "date", **argument("%Y")}),
                ("child_ids.email", "all"),
                child_ids=[fields.Command.create({"name": "Byron"})],
            ),
            {
                "zero": 0,
                "no": False,
                "json": "[]",
                "at": self.partner.create_date.strftime("%Y"),
                "all": [None],
            },
        )

    def test_what_is_typed_is_sent(self):
        self.stream.leave_out_empty = True
        self.assertEqual(
            self.sent(
                (constant("null"), "nothing", OUT),
                ("email", "null", {"default_value": "null", **OUT}),
                ("phone", "none", {"default_value": "[]"}),
                ("city", "text", {"default_value": "?"}),
            ),
            {"nothing": None, "null": None, "none": [], "text": "?"},
        )

    def test_objects_without_a_value_are_left_out(self):
        mapping = (
            ("city", "address.place.city", OUT),
            ("zip", "address.place.zip", OUT),
            ("email", "more.email"),
            ("phone", "more.phone", OUT),
        )
        self.assertEqual(self.sent(*mapping), {"more": {"email": None}})
        self.assertEqual(
            self.sent(*mapping, zip="W1"),
            {"address": {"place": {"zip": "W1"}}, "more": {"email": None}},
        )
        self.stream.leave_out_empty = True
        self.assertEqual(self.sent(*mapping, zip=False), {})

    def test_entries_without_a_value_are_left_out(self):
        mapping = (
            ("email", "emails[0].value", OUT),
            (constant("work"), "emails[0].label"),
            (constant("work"), "emails[0].more.label"),
            ("phone", "emails[1].value", OUT),
            (constant("home"), "emails[1].label"),
        )
        home = {"value": "1", "label": "home"}
        self.assertEqual(self.sent(*mapping), {})
        self.assertEqual(self.sent(*mapping, phone="1"), {"emails": [home]})
        work = {"value": "a@b.c", "label": "work", "more": {"label": "work"}}
        self.assertEqual(self.sent(*mapping, email="a@b.c"), {"emails": [work, home]})

    def test_entries_are_nulls_unless_they_are_left_out(self):
        mapping = (("email", "both[0]"), ("name", "both[1]"), (constant("c"), "c[0].d"))
        whole = {"both": [None, "Ada"], "c": [{"d": "c"}]}
        self.assertEqual(self.sent(*mapping), whole)
        self.stream.leave_out_empty = True
        self.assertEqual(self.sent(*mapping), {**whole, "both": ["Ada"]})

    def test_values_of_lines(self):
        mapping = (
            ("child_ids.name", "people[].name"),
            ("child_ids.email", "people[].emails[0].value", OUT),
            ("child_ids.function", "people[].work.title", OUT),
            ("child_ids.email", "only[].email", OUT),
        )
        self.assertEqual(self.sent(*mapping), {"people": []})
        people = [
            fields.Command.create({"name": "Byron", "email": "b@c.d"}),
            fields.Command.create({"name": "Ralph", "function": "Poet"}),
        ]
        self.assertEqual(
            self.sent(*mapping, child_ids=people),
            {
                "people": [
                    {"name": "Byron", "emails": [{"value": "b@c.d"}]},
                    {"name": "Ralph", "work": {"title": "Poet"}},
                ],
                "only": [{"email": "b@c.d"}],
            },
        )

    def test_mark_is_beside_what_is_left(self):
        self.stream.write({"delete_policy": "mark", "mark_key": "meta.gone"})
        payload = self.sent(("email", "meta.email", OUT))
        self.assertEqual(payload, {})
        self.assertEqual(
            with_mark(self.stream, payload, False), {"meta": {"gone": False}}
        )


def argument(text):
    return {"conversion_argument": text}


@tagged("post_install", "-at_install")
class TestLeftOutOfRequests(DeliveryCase):
    def test_value_that_becomes_empty_is_left_out_of_the_next_request(self):
        self.change_stream(
            mapping_ids=lines(("name", "name"), ("email", "emails[0].value", OUT)),
            update_method="patch",
        )
        partner_id = self.new_partner(email="ada@example.com")
        self.assertEqual(self.run_pending(), ["done"])
        whole = {"name": "Ada", "emails": [{"value": "ada@example.com"}]}
        self.assertEqual(self.destination.requests[-1].json, whole)
        before = self.binding(partner_id)["content_hash"]
        self.edit(partner_id, email=False)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.destination.requests[-1].method, "PATCH")
        self.assertEqual(self.destination.requests[-1].json, {"name": "Ada"})
        after = self.binding(partner_id)["content_hash"]
        self.assertNotEqual(after, before)
        # the system keeps what it has, and is told of the next value
        count = len(self.destination.requests)
        self.edit(partner_id, email="")
        self.run_pending()
        self.assertEqual(len(self.destination.requests), count)
        self.edit(partner_id, email="ada@example.com")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.destination.requests[-1].json, whole)
        self.assertEqual(self.binding(partner_id)["content_hash"], before)

    def test_choice_counts_for_the_next_edit(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.assertEqual(self.destination.requests[-1].json["email"], None)
        self.change_stream(leave_out_empty=True)
        self.edit(partner_id, name="Grace")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.destination.requests[-1].json, {"name": "Grace"})


@tagged("post_install", "-at_install")
class TestLeftOutOfRows(DeliveryCase, PostgresqlCase):
    def setUp(self):
        super().setUp()
        self.query(
            "CREATE TABLE own (odoo_id integer PRIMARY KEY, name text NOT NULL,"
            " email text DEFAULT 'unknown', phone text NOT NULL);"
            "GRANT ALL ON own TO PUBLIC"
        )
        self.addCleanup(self.query, "DROP TABLE own")
        self.change_stream(
            table="own",
            mapping_ids=lines(("name", "name"), ("email", "email"), ("phone", "phone")),
            leave_out_empty=True,
            batch_size=10,
        )
        self.change_backend(**self.system_values())

    def rows(self):
        return self.query("SELECT name, email FROM own ORDER BY name")

    def test_row_has_its_default_and_then_keeps_what_it_has(self):
        with self.transaction() as env:
            partners = env["res.partner"].create(
                [
                    {"name": "Ada", "phone": "1"},
                    {"name": "Grace", "phone": "2", "email": "g@h.i"},
                ]
            )
            self.partner_ids += partners.ids
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.rows(), [("Ada", "unknown"), ("Grace", "g@h.i")])
        self.edit(partners.ids[1], email=False)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.rows(), [("Ada", "unknown"), ("Grace", "g@h.i")])

    def test_required_value_that_is_empty_fails_its_record_alone(self):
        self.new_partner(phone="1")
        failed_id = self.new_partner(name="Grace")
        self.assertEqual(self.run_pending(), ["done", "failed"])
        self.assertIn("phone", self.binding(failed_id)["last_error"])
        incidents = [("stream_id", "=", self.stream_id), ("closed", "=", False)]
        self.assertFalse(self.read("sync.incident", incidents, []))
        self.new_partner(name="Joan", phone="3")
        self.assertEqual(self.run_pending(), ["done"])
