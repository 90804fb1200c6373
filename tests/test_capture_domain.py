# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Records that enter and leave what a stream sends."""

from odoo.tests import tagged

from .common import SyncCase


@tagged("post_install", "-at_install")
class TestCaptureDomain(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stream.domain = "[('is_company', '=', True)]"
        cls.company, cls.person = cls.env["res.partner"].create(
            [
                {"name": "Analytical Engines", "is_company": True},
                {"name": "Ada", "is_company": False},
            ]
        )
        cls.before_commit(cls)
        cls.outbox(cls).unlink()
        cls.jobs(cls).unlink()

    def known(self, record):
        """Make a record one that the destination has confirmed."""
        self.env["sync.binding"].create(
            {
                "stream_id": self.stream.id,
                "res_id": record.id,
                "external_id": "7",
                "content_hash": "abc",
            }
        )

    def edit(self, records, **values):
        with self.committed() as jobs:
            records.write(values)
        return jobs

    def test_record_outside_makes_none(self):
        self.assertEqual(self.edit(self.person, name="Ada Lovelace"), [])
        with self.committed() as jobs:
            self.env["res.partner"].create({"name": "Grace"})
        self.assertEqual(jobs, [])

    def test_record_inside_makes_one(self):
        self.assertEqual(len(self.edit(self.company, name="Engines")), 1)

    def test_only_the_records_inside_make_one(self):
        jobs = self.edit(self.company | self.person, email="x@example.com")
        self.assertEqual([job.records for job in jobs], [self.company])

    def test_entering_is_sent_though_the_field_is_not_mapped(self):
        self.assertEqual(len(self.edit(self.person, is_company=True)), 1)
        self.assertEqual(self.outbox(self.person).operation, "upsert")

    def test_leaving_is_sent_once_known_at_the_destination(self):
        self.known(self.company)
        self.assertEqual(len(self.edit(self.company, is_company=False)), 1)
        self.assertEqual(len(self.outbox(self.company)), 1)

    def test_leaving_is_not_sent_when_never_sent(self):
        self.assertEqual(self.edit(self.company, is_company=False), [])

    def test_leaving_is_sent_while_a_first_delivery_is_under_way(self):
        self.edit(self.company, name="Engines")
        self.assertEqual(len(self.edit(self.company, is_company=False)), 1)

    def test_outside_and_known_is_still_taken_back(self):
        # it left while nobody looked, as when the filter was changed
        self.known(self.person)
        self.assertEqual(len(self.edit(self.person, name="Ada Lovelace")), 1)

    def test_archive_is_sent_once_known(self):
        self.assertEqual(self.edit(self.company, active=False), [])
        self.company.active = True
        self.before_commit()
        self.outbox().unlink()
        self.known(self.company)
        with self.committed() as jobs:
            self.company.action_archive()
        self.assertEqual(len(jobs), 1)
        self.assertEqual(self.outbox(self.company).operation, "upsert")

    def test_unarchive_is_sent(self):
        self.edit(self.company, active=False)
        with self.committed() as jobs:
            self.company.action_unarchive()
        self.assertEqual([job.records for job in jobs], [self.company])

    def test_filter_that_speaks_of_active_sends_archived_records(self):
        self.stream.domain = "[('active', 'in', [True, False])]"
        self.edit(self.company, active=False)
        self.assertEqual(len(self.edit(self.company, name="Engines")), 1)

    def test_unlink_is_sent_once_known(self):
        self.known(self.company)
        company_id = self.company.id
        with self.committed() as jobs:
            self.company.unlink()
        row = self.outbox().filtered(lambda row: row.res_id == company_id)
        self.assertEqual(len(row), 1)
        self.assertEqual(row.operation, "delete")
        self.assertEqual(row.record_name, "Analytical Engines")
        (job,) = jobs
        self.assertEqual(job.uuid, row.job_uuid)
        self.assertEqual(job.sync_res_id, company_id)
        self.assertEqual(job.name, "CRM: Analytical Engines")

    def test_unlink_is_not_sent_when_never_sent(self):
        with self.committed() as jobs:
            self.company.unlink()
        self.assertEqual(jobs, [])

    def test_unlink_is_sent_while_a_first_delivery_is_under_way(self):
        self.edit(self.company, name="Engines")
        with self.committed() as jobs:
            self.company.unlink()
        self.assertEqual(len(jobs), 1)
        self.assertEqual(self.outbox().mapped("operation"), ["upsert", "delete"])

    def test_edit_then_unlink_is_one_delete(self):
        self.known(self.company)
        with self.committed() as jobs:
            self.company.name = "Engines"
            self.company.unlink()
        self.assertEqual(len(jobs), 1)
        self.assertEqual(self.outbox().mapped("operation"), ["delete"])

    def test_created_and_deleted_in_one_transaction_makes_none(self):
        with self.committed() as jobs:
            partner = self.env["res.partner"].create(
                {"name": "Brief", "is_company": True}
            )
            partner.unlink()
        self.assertEqual(jobs, [])

    def test_filter_may_follow_a_link(self):
        self.stream.domain = "[('country_id.code', '=', 'BE')]"
        self.assertEqual(self.edit(self.person, name="Ada L."), [])
        jobs = self.edit(self.person, country_id=self.env.ref("base.be").id)
        self.assertEqual(len(jobs), 1)
