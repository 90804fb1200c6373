# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Where names at the destination lead: into objects, into lists, and to names."""

import json
import runpy
from pathlib import Path

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import BaseCase, tagged

from ..mapping.comparison import compare
from ..mapping.content import with_mark
from ..transports.base import Message, Route
from ..transports.names import EACH, name_of, steps_of
from ..transports.rest.requests import FIND, UPDATE, RequestLine
from .test_mapping import MappingCase

MIGRATION = Path(__file__).parents[1] / "migrations/19.0.7.0.0/post-names.py"
NAMES = {
    "name": ("name",),
    "First Name": ("First Name",),
    "größe": ("größe",),
    "address.city": ("address", "city"),
    "emails[0].value": ("emails", 0, "value"),
    "emails[10]": ("emails", 10),
    "grid[1][2].x": ("grid", 1, 2, "x"),
    "lines[].sku": ("lines", EACH, "sku"),
    "lines[].emails[0].value": ("lines", EACH, "emails", 0, "value"),
    '"primaryContact@odata.bind"': ("primaryContact@odata.bind",),
    'links."a.b"[0].c': ("links", "a.b", 0, "c"),
    r'"say \"a.b\" \\"': ('say "a.b" \\',),
    '"x[0]"': ("x[0]",),
    '"lines[]".sku': ("lines[]", "sku"),
    # as they always were
    "metadata[order_id]": ("metadata[order_id]",),
    "@type": ("@type",),
    "a:b/c": ("a:b/c",),
    'the "real" name': ('the "real" name',),
    "a[0]b": ("a[0]b",),
}
NO_NAMES = (
    *("", ".", "a.", ".a", "a..b", " a", "a. b", "a\n"),
    *("[0]", "[0].a", "[].a", "a.[0]", "a[00]", "a[01].b", "a[12345]"),
    *('"a', '""', '"a"b', '"a.b', '"a\\c"', '"a\x07"'),
)


@tagged("post_install", "-at_install")
class TestNames(BaseCase):
    def test_names(self):
        for name, steps in NAMES.items():
            with self.subTest(name):
                self.assertEqual(steps_of(name), steps)
                self.assertEqual(name_of(steps), name)

    def test_what_is_no_name(self):
        for name in NO_NAMES:
            with self.subTest(name):
                self.assertIsNone(steps_of(name))

    def test_quotes_that_are_not_needed(self):
        self.assertEqual(steps_of('"name"."x y"[0]'), ("name", "x y", 0))
        self.assertEqual(name_of(("name", "x y", 0)), "name.x y[0]")

    def test_whatever_is_there_has_a_name(self):
        for step in (*NO_NAMES[1:-1], *(steps[0] for steps in NAMES.values())):
            if "\n" not in step:
                with self.subTest(step):
                    self.assertEqual(steps_of(name_of((step, 0))), (step, 0))

    def test_preview_has_the_names_of_the_mapping(self):
        content = {"a.b@c": 1, "a": {"b@c": 2, "x[0]": 3}, "list": [{"a": 4}]}
        names = [line.name for line in compare(content, {})]
        self.assertEqual(names, ['"a.b@c"', "a.b@c", 'a."x[0]"', "list"])

    def test_placeholders_find_what_is_mapped(self):
        content = {
            "emails": [{"value": "a@b.c"}],
            "a.b@odata.bind": "/x(7)",
            "First Name": "Ada",
        }
        message = Message("upsert", 7, content, Route(""))
        names = ["emails[0].value", '"a.b@odata.bind"', "First Name"]
        body = ["{emails[0].value}", '{"a.b@odata.bind"}', '{"First Name"}']
        line = RequestLine.parse(UPDATE, "PUT c/{id}", json.dumps(body))
        self.assertEqual(line.unknown_names(names), [])
        sent = line.fill("https://a.b", message, "1").body
        self.assertEqual(json.loads(sent), ["a@b.c", "/x(7)", "Ada"])
        line = RequestLine.parse(FIND, 'GET c?e={emails[0].value}&x={"a.b"}')
        self.assertEqual(line.unknown_names(names), ['{"a.b"}'])
        self.assertEqual(line.unknown_names(["a.b", "emails[0].value"]), ['{"a.b"}'])
        self.assertEqual(line.unknown_names(['"a.b"', "emails[0].value"]), [])


@tagged("post_install", "-at_install")
class TestMappingNames(MappingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner.write(
            {"email": "ada@example.com", "phone": "+44 1", "city": "London"}
        )
        cls.partner.child_ids = [
            fields.Command.create({"name": name, "email": f"{name}@example.com"})
            for name in ("Byron", "Ralph")
        ]

    def constant(self, target, value):
        return {
            "target": target,
            "conversion": "constant",
            "conversion_argument": value,
        }

    def stream_of(self, *lines):
        """Return a stream with a mapping, looked through as before a commit."""
        lines = [
            dict(zip(("field_path", "target"), line, strict=True))
            if isinstance(line, tuple)
            else line
            for line in lines
        ]
        self.stream.mapping_ids = [
            fields.Command.clear(),
            *map(fields.Command.create, lines),
        ]
        self.before_commit()
        return self.stream

    def sent(self, *lines):
        stream = self.stream_of(*lines)
        return stream._for_sending(self.partner)._sync_payload(stream)

    def assertRefused(self, message, *lines):
        with (
            self.subTest(lines),
            self.assertRaisesRegex(ValidationError, message),
            self.env.cr.savepoint(),
        ):
            self.stream_of(*lines)
        self.env.cr.precommit.clear()

    def test_entries_of_lists(self):
        self.assertEqual(
            self.sent(
                ("phone", "emails[1].value"),
                ("email", "emails[0].value"),
                self.constant("emails[0].primary", "true"),
                ("name", "names[0]"),
                ("city", "names[1]"),
                ("zip", "a.b[0].c[0]"),
                ("ref", "grid[0][0]"),
            ),
            {
                "emails": [
                    {"value": "ada@example.com", "primary": True},
                    {"value": "+44 1"},
                ],
                "names": ["Ada", "London"],
                "a": {"b": [{"c": [None]}]},
                "grid": [[None]],
            },
        )

    def test_entries_go_by_their_number(self):
        lines = [("name", f"all[{number}]") for number in range(12)]
        lines[10] = ("city", "all[10]")
        self.assertEqual(
            self.sent(*reversed(lines))["all"], ["Ada"] * 10 + ["London", "Ada"]
        )

    def test_name_with_dots(self):
        self.assertEqual(
            self.sent(
                ("name", '"primaryContact@odata.bind"'),
                ("city", 'x."a.b"[0]'),
                ("zip", "x.a.b"),
            ),
            {
                "primaryContact@odata.bind": "Ada",
                "x": {"a.b": ["London"], "a": {"b": None}},
            },
        )

    def test_lists_within_lines(self):
        self.assertEqual(
            self.sent(
                ("child_ids.name", "people[].name"),
                ("child_ids.email", "people[].emails[0].value"),
                ("child_ids.function", 'people[]."at.work"'),
                ("child_ids.name", "held[0].people[].name"),
            ),
            {
                "people": [
                    {
                        "name": name,
                        "emails": [{"value": f"{name}@example.com"}],
                        "at.work": None,
                    }
                    for name in ("Byron", "Ralph")
                ],
                "held": [{"people": [{"name": "Byron"}, {"name": "Ralph"}]}],
            },
        )

    def test_gaps_are_refused(self):
        said = r"emails\[2\].* nothing is mapped to emails\[1\]: a list has all"
        self.assertRefused(said, ("name", "emails[0]"), ("city", "emails[2].x"))
        self.assertRefused(
            r"grid\[0\]\[1\] is mapped.* nothing is mapped to grid\[0\]\[0\]",
            ("name", "grid[0][1]"),
        )
        self.assertRefused(
            r"nothing is mapped to p\[\]\.e\[0\]", ("child_ids.name", "p[].e[1].v")
        )

    def test_lines_are_renamed_one_by_one(self):
        stream = self.stream_of(
            ("email", "emails[0].value"), ("phone", "emails[1].value")
        )
        first, second = stream.mapping_ids
        stream.mapping_ids = [
            fields.Command.update(first.id, {"target": "mails[0].value"}),
            fields.Command.update(second.id, {"target": "mails[1].value"}),
        ]
        self.before_commit()
        first.unlink()
        with self.assertRaisesRegex(ValidationError, "nothing is mapped to mails"):
            self.before_commit()
        self.env.cr.precommit.clear()

    def test_contradictions_are_refused(self):
        listed = "emails is a list already"
        for others in (
            ("city", "emails"),
            ("city", "emails.value"),
            ("child_ids.name", "emails[].value"),
        ):
            self.assertRefused(listed, ("email", "emails[0].value"), others)
        self.assertRefused(
            r"emails\[0\] cannot be a value, because emails\[0\].value nests in it",
            ("email", "emails[0].value"),
            ("city", "emails[0]"),
        )
        self.assertRefused(
            r"emails\[0\] is a list already",
            ("email", "emails[0][0]"),
            ("city", "emails[0].x"),
        )
        self.assertRefused(
            '"name" and name are one name', ("name", "name"), ("city", '"name"')
        )
        self.assertRefused("one link to many", self.constant("people[].x", "1"))

    def test_what_is_no_name_is_refused(self):
        for name in NO_NAMES[1:]:
            self.assertRefused("is not a name such as address.city", ("name", name))
        for name in ("lines[][0]", "lines[][].x", "lines[].a[].x"):
            self.assertRefused("is not a name such as", ("child_ids.name", name))

    def test_mark_is_a_name_outside_of_lists(self):
        self.stream_of(("name", "name"))
        self.stream.write({"delete_policy": "mark", "mark_key": 'meta."is.gone"'})
        self.assertEqual(
            with_mark(self.stream, {"name": "Ada"}, True),
            {"name": "Ada", "meta": {"is.gone": True}},
        )
        self.stream.mark_key = "gone"
        self.assertRefused("filled by the synchronization itself", ("city", '"gone"'))
        for name in ("gone[0]", "states[0].gone", '"gone'):
            with (
                self.subTest(name),
                self.assertRaisesRegex(ValidationError, "is not a name"),
                self.env.cr.savepoint(),
            ):
                self.stream.mark_key = name

    def test_what_names_meant_before_is_what_is_sent(self):
        before = {
            "x[0]": {"x[0]": "Ada"},
            "b.x[0].y": {"b": {"x[0]": {"y": "Ada"}}},
            '"q"': {'"q"': "Ada"},
            "m[k]": {"m[k]": "Ada"},
            "a.c": {"a": {"c": "Ada"}},
        }
        stream = self.stream_of(
            *(("name", f"t{number}") for number in range(len(before))),
            ("child_ids.name", "l[].x[0]"),
        )
        self.env.flush_all()
        for line, name in zip(stream.mapping_ids, before, strict=False):
            self.env.cr.execute(
                "UPDATE sync_mapping SET target = %s WHERE id = %s", (name, line.id)
            )
        self.env.cr.execute(
            "UPDATE sync_stream SET mark_key = 'gone[7]' WHERE id = %s", (stream.id,)
        )
        runpy.run_path(MIGRATION)["migrate"](self.env.cr, "19.0.6.0.0")
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        names = stream.mapping_ids.mapped("target")
        self.assertEqual(
            names, ['"x[0]"', 'b."x[0]".y', r'"\"q\""', "m[k]", "a.c", 'l[]."x[0]"']
        )
        self.assertEqual(stream.mark_key, '"gone[7]"')
        stream._check_mapping()
        sent = stream._for_sending(self.partner)._sync_payload(stream)
        lines = {"l": [{"x[0]": "Byron"}, {"x[0]": "Ralph"}]}
        self.assertEqual(
            sent, {k: v for each in (*before.values(), lines) for k, v in each.items()}
        )


@tagged("post_install", "-at_install")
class TestNamesOfColumns(MappingCase):
    def setUp(self):
        super().setUp()
        self.stream.write({"state": "draft", "table": "contacts"})
        self.backend.write(
            {
                "db_host": "127.0.0.1",
                "db_name": "warehouse",
                "db_user": "writer",
                "transport": "postgresql",
            }
        )

    def test_tables_have_neither_lists_nor_quotes(self):
        line = self.stream.mapping_ids[0]
        for name in ("emails[0].value", "lines[].sku", '"a.b"'):
            with self.subTest(name):
                line.target = name
                (lacking,) = self.stream._lacking()
                self.assertIn(f"{name}: a table has columns", lacking)
                with self.assertRaisesRegex(ValidationError, "a table has columns"):
                    self.stream._require_ready()
        for name in ("a.b", "First Name", "m[k]"):
            line.target = name
            self.assertEqual(self.stream._lacking(), [])

    def test_columns_that_are_known_have_any_name(self):
        line = self.stream.mapping_ids[0]
        line.target = "emails[0]"
        names = ["odoo_id", *self.stream.mapping_ids.mapped("target")]
        column = {"type": "text", "required": False}
        known = {name: column for name in names}
        self.patch(self.registry["sync.stream"], "_known_columns", lambda _self: known)
        self.assertEqual(self.stream._lacking(), [])
        payload = self.stream._for_sending(self.partner)._sync_payload(self.stream)
        self.assertEqual(payload["emails[0]"], "Ada")
        del known["emails[0]"]
        (lacking,) = self.stream._lacking()
        self.assertIn("has no column: emails[0]", lacking)
