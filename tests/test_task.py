# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import hashlib
import json

from odoo.tests import BaseCase, tagged

from ..engine.task import Fingerprint, _as_read_back


@tagged("post_install", "-at_install")
class TestBindingTask(BaseCase):
    def test_fingerprint_is_that_of_the_whole_list(self):
        """What was confirmed by an earlier version is still known to be there."""
        parts = ["upsert", 'public."contacts"', "odoo_id", '{"name":"Zo\u00eb\\n"}']
        whole = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        for count in range(1, len(parts)):
            with self.subTest(count):
                self.assertEqual(Fingerprint(*parts[:count])(*parts[count:]), whole)

    def test_fingerprint_of_what_is_no_text_is_that_of_its_text(self):
        self.assertEqual(
            Fingerprint("a", 7)(None, 8), Fingerprint("a")("7", "None", "8")
        )

    def test_fingerprints_of_one_beginning_do_not_disturb_each_other(self):
        begun = Fingerprint("a")
        self.assertEqual(begun("b"), begun("b"))
        self.assertNotEqual(begun("b"), begun("c"))

    def test_content_is_as_it_would_be_read_from_a_note(self):
        for body in (
            {"b": 1, "a": "x", "c": None, "d": 1.5, "e": True},
            {"b": {"z": 1, "y": [2, {"x": 3}]}, "a": ("a tuple",)},
            {},
        ):
            with self.subTest(body):
                content = json.dumps(body, sort_keys=True)
                read = _as_read_back(body, content)
                self.assertEqual(json.dumps(read), json.dumps(json.loads(content)))
