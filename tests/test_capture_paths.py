# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whichever way a contact is edited, the edit is recorded."""

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import SyncCase


@tagged("post_install", "-at_install")
class TestCapturePaths(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create(
            {"name": "Ada", "email": "ada@example.com"}
        )
        cls.before_commit(cls)
        cls.outbox(cls).unlink()

    def merge(self, kept, merged):
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (kept | merged).ids, dst_partner=kept
        )

    def test_merge_sends_the_kept_contact_and_deletes_the_other(self):
        twin = self.env["res.partner"].create(
            {"name": "Ada", "email": "ada@example.com", "phone": "+33123456789"}
        )
        self.before_commit()
        self.outbox().unlink()
        self.env["sync.binding"].create(
            {"stream_id": self.stream.id, "res_id": twin.id, "external_id": "8"}
        )
        twin_id = twin.id
        with self.committed():
            self.merge(self.partner, twin)
        self.assertEqual(
            {(row.res_id, row.operation) for row in self.outbox()},
            {(self.partner.id, "upsert"), (twin_id, "delete")},
        )

    def test_merge_sends_the_contacts_that_change_parent(self):
        self.env["sync.mapping"].create(
            {
                "stream_id": self.stream.id,
                "field_path": "parent_id.name",
                "target": "parent",
            }
        )
        twin = self.env["res.partner"].create({"name": "Ada"})
        child = self.env["res.partner"].create({"name": "Byron", "parent_id": twin.id})
        self.before_commit()
        self.outbox().unlink()
        with self.committed():
            self.merge(self.partner, twin)
        self.assertEqual(child.parent_id, self.partner)
        self.assertEqual(len(self.outbox(child)), 1)

    def test_import_makes_one_job_for_many_rows(self):
        with self.committed() as jobs:
            result = self.env["res.partner"].load(
                ["name", "email"],
                [["Grace", "grace@example.com"], ["Joan", "joan@example.com"]],
            )
        self.assertEqual([job.records.ids for job in jobs], [result["ids"]])

    def test_import_of_changes_makes_a_job(self):
        xmlid = self.partner._BaseModel__ensure_xml_id()
        (_record, name) = next(xmlid)
        with self.committed() as jobs:
            self.env["res.partner"].load(["id", "name"], [[name, "Ada Lovelace"]])
        self.assertEqual(self.partner.name, "Ada Lovelace")
        self.assertEqual([job.records for job in jobs], [self.partner])

    def test_import_that_is_refused_makes_none(self):
        with self.committed() as jobs:
            result = self.env["res.partner"].load(
                ["name", "country_id"], [["Grace", "Belgium"], ["Joan", "No Such Land"]]
            )
        self.assertFalse(result["ids"])
        self.assertEqual(jobs, [])
        self.assertFalse(self.outbox())

    def test_copy_makes_a_job(self):
        with self.committed() as jobs:
            twin = self.partner.copy()
        self.assertEqual([job.records for job in jobs], [twin])

    def test_name_create_makes_a_job(self):
        with self.committed() as jobs:
            partner_id, _name = self.env["res.partner"].name_create("Grace")
        self.assertEqual([job.sync_res_id for job in jobs], [partner_id])

    def test_address_of_a_company_reaches_its_contacts(self):
        child = self.env["res.partner"].create(
            {"name": "Byron", "parent_id": self.partner.id, "type": "contact"}
        )
        self.before_commit()
        self.outbox().unlink()
        with self.committed():
            self.partner.country_id = self.env.ref("base.be")
        self.assertEqual(child.country_id.code, "BE")
        self.assertEqual(len(self.outbox(child)), 1)

    def test_child_edited_in_the_form_of_its_parent_makes_a_job(self):
        with self.committed():
            self.partner.write({"child_ids": [(0, 0, {"name": "Byron"})]})
        self.assertEqual(len(self.outbox(self.partner.child_ids)), 1)

    def test_portal_user_edits_his_details(self):
        user = new_test_user(
            self.env, "sync_portal", groups="base.group_portal", name="Portal"
        )
        self.before_commit()
        self.outbox().unlink()
        with self.committed() as jobs:
            # the portal checks the rights itself, then writes as superuser
            partner = user.partner_id.with_user(user).sudo()
            partner.with_context(show_address=1).write({"name": "Portal Renamed"})
        (job,) = jobs
        self.assertEqual(job.user_id, user)
        self.assertEqual(self.outbox(user.partner_id).operation, "upsert")

    def test_public_visitor_leaves_his_address(self):
        visitor = self.env.ref("base.public_user")
        with self.committed() as jobs:
            partner = (
                self.env["res.partner"]
                .with_user(visitor)
                .sudo()
                .create({"name": "Visitor", "email": "visitor@example.com"})
            )
        (job,) = jobs
        self.assertEqual(job.user_id, visitor)
        self.assertEqual(len(self.outbox(partner)), 1)

    def test_contact_creator_needs_no_right_on_the_synchronization(self):
        user = new_test_user(
            self.env, "sync_clerk", groups="base.group_user,base.group_partner_manager"
        )
        self.before_commit()
        with self.committed() as jobs:
            partner = self.env["res.partner"].with_user(user).create({"name": "Grace"})
            partner.email = "grace@example.com"
        (job,) = jobs
        self.assertEqual(job.user_id, user)
        self.assertEqual(partner.sync_state, "waiting")
        with self.assertRaises(AccessError):
            self.outbox(partner).with_user(user).read(["record_name"])
        with self.assertRaises(AccessError):
            self.stream.with_user(user).read(["name"])

    def test_name_in_the_job_does_not_depend_on_where_it_was_edited(self):
        self.partner.write({"street": "1 Main Street", "city": "London"})
        self.before_commit()
        self.outbox().unlink()
        with self.committed() as jobs:
            self.partner.with_context(show_address=1, show_email=1).name = "Ada L."
        (job,) = jobs
        self.assertEqual(job.name, "CRM: Ada L.")
        self.assertEqual(self.outbox(self.partner).record_name, "Ada L.")
