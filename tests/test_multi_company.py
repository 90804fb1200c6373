# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import SyncCase, backend_values, stream_values

MANAGER = "base.group_user,base.group_partner_manager,queue_job.group_queue_job_manager"


@tagged("post_install", "-at_install")
class TestMultiCompany(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stream.unlink()
        cls.company_a, cls.company_b = cls.env["res.company"].create(
            [{"name": "Sync A"}, {"name": "Sync B"}]
        )
        cls.manager_a, cls.manager_b = (
            new_test_user(
                cls.env,
                login,
                groups=MANAGER,
                company_id=company.id,
                company_ids=[fields.Command.set(company.ids)],
            )
            for login, company in (
                ("sync_a", cls.company_a),
                ("sync_b", cls.company_b),
            )
        )
        cls.backend.company_id = cls.company_b
        cls.stream = cls.env["sync.stream"].create(stream_values(cls.backend))
        cls.before_commit(cls)

    def new_partner(self, user, company=None):
        """Return a contact that a user creates, and the jobs that this makes."""
        with self.committed() as jobs:
            partner = (
                self.env["res.partner"]
                .with_user(user)
                .with_company(user.company_id)
                .create({"name": "Ada", "company_id": company and company.id})
            )
        return partner, jobs

    def test_only_contacts_of_the_systems_company_or_of_none_are_sent(self):
        self.assertEqual(self.new_partner(self.manager_a, self.company_a)[1], [])
        self.assertEqual(len(self.new_partner(self.manager_b, self.company_b)[1]), 1)
        self.assertEqual(len(self.new_partner(self.manager_a)[1]), 1)

    def test_system_of_no_company_gets_the_contacts_of_each(self):
        self.backend.company_id = False
        self.assertEqual(len(self.new_partner(self.manager_a, self.company_a)[1]), 1)
        self.assertEqual(len(self.new_partner(self.manager_b, self.company_b)[1]), 1)

    def test_contact_moved_to_another_company_leaves(self):
        partner, _jobs = self.new_partner(self.manager_b, self.company_b)
        with self.committed() as jobs:
            partner.sudo().company_id = self.company_a
        self.assertEqual(len(jobs), 1)

    def test_system_moved_to_another_company_sends_those_contacts(self):
        partner, jobs = self.new_partner(self.manager_a, self.company_a)
        self.assertEqual(jobs, [])
        self.backend.company_id = self.company_a
        with self.committed() as jobs:
            partner.name = "Ada Lovelace"
        self.assertEqual(len(jobs), 1)

    def test_job_is_of_the_systems_company_whoever_edits(self):
        _partner, (job,) = self.new_partner(self.manager_a)
        self.assertEqual(job.user_id, self.manager_a)
        self.assertEqual(job.company_id, self.company_b)

    def test_job_of_a_shared_system_is_of_the_editors_company(self):
        self.backend.company_id = False
        _partner, (job,) = self.new_partner(self.manager_a)
        self.assertEqual(job.company_id, self.company_a)

    def one_of_each(self):
        partner, (job,) = self.new_partner(self.manager_a)
        values = {"stream_id": self.stream.id, "res_id": partner.id}
        return (
            self.backend,
            self.stream,
            self.stream.mapping_ids[0],
            self.outbox(partner),
            self.env["sync.binding"].create(values),
            self.env["sync.delivery"].create(
                {**values, "operation": "upsert", "state": "success"}
            ),
            job,
        )

    def test_manager_of_another_company_sees_nothing(self):
        for record in self.one_of_each():
            with self.subTest(record._name):
                theirs = record.with_user(self.manager_a).with_company(self.company_a)
                with self.assertRaises(AccessError):
                    theirs.read(["display_name"])
                self.assertFalse(theirs.search([("id", "=", record.id)]))

    def test_manager_of_the_company_sees_everything(self):
        for record in self.one_of_each():
            with self.subTest(record._name):
                theirs = record.with_user(self.manager_b).with_company(self.company_b)
                self.assertTrue(theirs.read(["display_name"]))
                self.assertEqual(theirs.search([("id", "=", record.id)]), theirs)

    def test_both_see_a_system_of_no_company(self):
        self.backend.company_id = False
        self.assertFalse(self.stream.company_id)
        for manager in (self.manager_a, self.manager_b):
            for record in (self.backend, self.stream, self.stream.mapping_ids[0]):
                self.assertTrue(record.with_user(manager).read(["display_name"]))

    def test_status_of_a_shared_contact_names_no_system_of_another_company(self):
        partner, _jobs = self.new_partner(self.manager_a)
        self.backend.name = "Secret CRM of B"
        as_a = partner.with_user(self.manager_a).with_company(self.company_a)
        as_b = partner.with_user(self.manager_b).with_company(self.company_b)
        for record, company, told in (
            (as_a, self.company_a, False),
            (as_b, self.company_b, True),
        ):
            record = record.with_context(allowed_company_ids=company.ids)
            status = record.env["sync.status"].browse(
                record.action_sync_status()["res_id"]
            )
            self.assertEqual("Secret CRM of B" in status.content, told)
        self.assertEqual(as_b.sync_state, "waiting")
        self.assertFalse(as_a.sync_state)
        found = as_a.search([("id", "=", partner.id), ("sync_state", "=", "waiting")])
        self.assertFalse(found)

    def test_two_systems_of_two_companies(self):
        backend = self.env["sync.backend"].create(
            backend_values(name="CRM of A", company_id=self.company_a.id)
        )
        stream = self.env["sync.stream"].create(stream_values(backend))
        partner, jobs = self.new_partner(self.manager_a, self.company_a)
        self.assertEqual(jobs, [])
        self.assertEqual(self.jobs(stream).sync_res_id, partner.id)
