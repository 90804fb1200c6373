# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import BaseCase, tagged

from ..mapping.comparison import Line, compare, same


@tagged("post_install", "-at_install")
class TestPayloadComparison(BaseCase):
    def test_same_in_a_type_of_its_own(self):
        for sent, held in (
            ("a", "a"),
            (1, 1.0),
            ("1.50", 1.5),
            ("0012", 12),
            (7, "7"),
            ("2026-06-01T12:34:56Z", "2026-06-01T12:34:56"),
            ("2026-06-01T12:34:56Z", "2026-06-01T14:34:56+02:00"),
            ("2026-06-01", "2026-06-01T00:00:00"),
            ('["a", {"b": 1}]', ["a", {"b": 1}]),
            ("true", True),
            (None, None),
            ([], []),
            (60739.2, 60739.20),
            (60739.2, "60739.20"),
            ("0099-06-01T03:04:05Z", "0099-06-01T03:04:05+00:00"),
            (["1.50", None], [1.5, None]),
            (["2026-06-01T12:34:56Z"], ["2026-06-01T14:34:56+02:00"]),
            (["6ba7"], ["6ba7"]),
        ):
            with self.subTest(sent=sent, held=held):
                self.assertTrue(same(sent, held))

    def test_different(self):
        for sent, held in (
            ("a", "b"),
            (1, True),
            (0, False),
            (0, None),
            ("", None),
            (None, "null"),
            ("null", None),
            ("a", None),
            ("1.50", 1.51),
            ("2026-06-01T12:34:56Z", "2026-06-01T12:34:57"),
            (["a", "b"], ["b", "a"]),
            ("1", True),
            ([1], "a"),
            ([1], [True]),
            (["1"], ["1", "1"]),
            (["1"], [None]),
        ):
            with self.subTest(sent=sent, held=held):
                self.assertFalse(same(sent, held))

    def test_lines(self):
        self.assertEqual(
            compare(
                {"a": 1, "b": {"c": "x", "d": {}}, "e": None},
                {"a": 2, "b": {"c": "x", "z": "é"}},
            ),
            [
                Line("a", "changed", "1", "2"),
                Line("b.c", "same", '"x"', '"x"'),
                Line("b.d", "added", "{}", ""),
                Line("e", "added", "null", ""),
                Line("b.z", "kept", "", '"é"'),
            ],
        )

    def test_json_text_of_an_object(self):
        self.assertEqual(
            [line.state for line in compare({"a": '{"b": 1}'}, {"a": {"b": 1}})],
            ["same"],
        )

    def test_nothing_is_held_or_known(self):
        self.assertEqual(compare({"a": 1}, None), [Line("a", "added", "1", "")])
        self.assertEqual(
            compare({"a": 1}, None, known=False), [Line("a", "unknown", "1", "")]
        )

    def test_long_value_is_shortened(self):
        (line,) = compare({"a": "x" * 1000}, {})
        self.assertEqual(len(line.sent), 300)
