# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The ids that a system gave to linked records."""

from odoo import Command
from odoo.tests import tagged

from .common import SyncCase

FEW, MANY = 1, 50


@tagged("post_install", "-at_install")
class TestMappingLink(SyncCase):
    """Contacts send what the system calls their company, and their own contacts."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stream.mapping_ids = [
            Command.create({"field_path": path, "target": path, "id_there": True})
            for path in ("parent_id", "child_ids")
        ]
        partners = cls.env["res.partner"]
        cls.firms = partners.create([{"name": f"Firm {n}"} for n in range(MANY)])
        cls.staff = partners.create(
            [{"name": firm.name, "parent_id": firm.id} for firm in cls.firms]
        )
        cls.before_commit(cls)

    def known(self, records, stream=None):
        """Let the system hold records, each under a name of its own."""
        self.env["sync.binding"].create(
            [
                {
                    "stream_id": (stream or self.stream).id,
                    "res_id": record.id,
                    "external_id": f"there-{record.id}",
                }
                for record in records
            ]
        )
        self.before_commit()

    def contents(self, records):
        """Return what is sent of records, in their order, and the queries it took."""
        self.env.flush_all()
        self.env.invalidate_all()
        chunk = self.stream._for_sending(records)
        self.assertTrue(self.stream.create_date)  # a job has read it by now
        start = self.env.cr.sql_log_count
        found = chunk._sync_payloads(self.stream)
        count = self.env.cr.sql_log_count - start
        self.before_commit()  # each time another job
        return [found[record.id] for record in records], count

    def test_each_link_is_one_query_however_many_records(self):
        self.known(self.firms)
        self.contents(self.staff)  # what is read once and kept
        _contents, few = self.contents(self.staff[:FEW])
        contents, many = self.contents(self.staff)
        self.assertEqual(
            [content["parent_id"] for content in contents],
            [f"there-{firm.id}" for firm in self.firms],
        )
        self.assertEqual(few, many)
        self.stream.mapping_ids.filtered("id_there").id_there = False
        self.contents(self.staff)
        _contents, without = self.contents(self.staff)
        # nobody has a contact: only the companies are asked for
        self.assertEqual(many, without + 1)

    def test_links_to_many_are_one_query_too(self):
        self.known(self.staff)
        self.contents(self.firms)
        _contents, few = self.contents(self.firms[:FEW])
        contents, many = self.contents(self.firms)
        self.assertEqual(
            [content["child_ids"] for content in contents],
            [[f"there-{each.id}"] for each in self.staff],
        )
        self.assertEqual(few, many)

    def test_what_the_system_does_not_hold_is_null(self):
        self.known(self.firms[0])
        contents, _count = self.contents(self.staff[:2])
        self.assertEqual(
            [content["parent_id"] for content in contents],
            [f"there-{self.firms[0].id}", None],
        )

    def test_what_one_job_has_read_the_next_reads_again(self):
        contents, _count = self.contents(self.staff[:1])
        self.assertIsNone(contents[0]["parent_id"])
        self.known(self.firms[0])
        contents, _count = self.contents(self.staff[:1])
        self.assertEqual(contents[0]["parent_id"], f"there-{self.firms[0].id}")

    def test_ids_of_another_system_are_not_sent(self):
        other = self.backend.copy({"name": "Shop"})
        theirs = self.stream.copy({"backend_id": other.id, "state": "live"})
        self.known(self.firms[0], theirs)
        contents, _count = self.contents(self.staff[:1])
        self.assertIsNone(contents[0]["parent_id"])
