# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which edits are recorded, once per record and transaction."""

from contextlib import suppress

from odoo.tests import new_test_user, tagged

from .common import DeliveryCase, SyncCase, backend_values, stream_values


class Undone(Exception):
    """Raised on purpose, to leave a transaction or a savepoint."""


@tagged("post_install", "-at_install")
class TestCapture(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Ada"})
        cls.before_commit(cls)

    def test_new_contact_makes_one_row_and_its_job(self):
        with self.committed() as jobs:
            partner = self.env["res.partner"].create({"name": "Grace"})
        row = self.outbox(partner)
        self.assertEqual(len(row), 1)
        self.assertEqual(row.operation, "upsert")
        self.assertEqual(row.record_name, "Grace")
        self.assertEqual([job.uuid for job in jobs], [row.job_uuid])

    def test_two_writes_make_one_job(self):
        with self.committed() as jobs:
            self.partner.name = "Ada Lovelace"
            self.env.flush_all()
            self.partner.email = "ada@example.com"
        self.assertEqual(len(jobs), 1)

    def test_create_then_write_makes_one_job(self):
        with self.committed() as jobs:
            partner = self.env["res.partner"].create({"name": "Grace"})
            partner.email = "grace@example.com"
        self.assertEqual(len(jobs), 1)

    def test_next_transaction_makes_another_job(self):
        for name in ("Ada L.", "Ada Lovelace"):
            with self.committed() as jobs:
                self.partner.name = name
            self.assertEqual(len(jobs), 1)

    def test_one_job_for_records_edited_together(self):
        partners = self.env["res.partner"].create([{"name": "A"}, {"name": "B"}])
        self.before_commit()
        with self.committed() as jobs:
            partners.write({"email": "both@example.com"})
        self.assertEqual([job.records for job in jobs], [partners])

    def test_each_row_names_the_job_of_its_record(self):
        partners = self.env["res.partner"].create([{"name": "A"}, {"name": "B"}])
        self.before_commit()
        for row in self.outbox(partners):
            job = self.env["queue.job"].search([("uuid", "=", row.job_uuid)])
            self.assertIn(row.res_id, job.records.ids)

    def test_edit_of_an_unmapped_field_makes_none(self):
        with self.committed() as jobs:
            self.partner.write({"phone": "+33123456789", "comment": "Met in Paris"})
        self.assertEqual(jobs, [])

    def test_edit_of_mapped_and_unmapped_fields_makes_one(self):
        with self.committed() as jobs:
            self.partner.write({"phone": "+33123456789", "name": "Ada L."})
        self.assertEqual(len(jobs), 1)

    def test_edit_behind_a_computed_field_makes_one(self):
        stream = self.env["sync.stream"].create(
            stream_values(self.backend, mapping=[("email_formatted", "mail")])
        )
        with self.committed():
            self.partner.phone = "+33123456789"
        self.assertFalse(self.outbox(stream=stream))
        with self.committed():
            self.partner.name = "Ada Lovelace"
        self.assertEqual(self.outbox(stream=stream).res_id, self.partner.id)

    def test_edit_of_the_link_of_a_path_makes_one(self):
        with self.committed() as jobs:
            self.partner.country_id = self.env.ref("base.be")
        self.assertEqual(len(jobs), 1)

    def test_mapping_a_field_watches_it_from_then_on(self):
        self.env["sync.mapping"].create(
            {"stream_id": self.stream.id, "field_path": "phone", "target": "phone"}
        )
        with self.committed() as jobs:
            self.partner.phone = "+33123456789"
        self.assertEqual(len(jobs), 1)

    def test_unmapping_a_field_stops_watching_it(self):
        self.stream.mapping_ids.filtered(lambda line: line.target == "email").unlink()
        with self.committed() as jobs:
            self.partner.email = "ada@example.com"
        self.assertEqual(jobs, [])

    def test_mapping_another_field_watches_that_one(self):
        line = self.stream.mapping_ids.filtered(lambda line: line.target == "email")
        line.field_path = "website"
        with self.committed() as jobs:
            self.partner.website = "https://ada.example.com"
        self.assertEqual(len(jobs), 1)

    def test_two_streams_make_two_jobs(self):
        other = self.env["sync.backend"].create(backend_values(name="Shop"))
        stream = self.env["sync.stream"].create(stream_values(other))
        with self.committed() as jobs:
            self.partner.name = "Ada Lovelace"
        self.assertEqual(len(jobs), 1)
        self.assertEqual(len(self.outbox(self.partner, stream)), 1)
        self.assertEqual(self.jobs(stream).sync_backend_id, other)

    def test_archived_stream_makes_none(self):
        self.stream.active = False
        with self.committed() as jobs:
            self.partner.name = "Ada Lovelace"
        self.assertEqual(jobs, [])
        self.stream.active = True
        with self.committed() as jobs:
            self.partner.name = "Ada L."
        self.assertEqual(len(jobs), 1)

    def test_archived_stream_makes_none_whatever_the_editor_sees(self):
        self.stream.active = False
        with self.committed() as jobs:
            # the context in which archived records are edited
            self.partner.with_context(active_test=False).name = "Ada Lovelace"
        self.assertEqual(jobs, [])

    def test_archived_backend_makes_none(self):
        self.backend.active = False
        with self.committed() as jobs:
            self.partner.name = "Ada Lovelace"
        self.assertEqual(jobs, [])
        self.backend.active = True
        with self.committed() as jobs:
            self.partner.name = "Ada L."
        self.assertEqual(len(jobs), 1)

    def test_two_editors_of_two_records_own_their_jobs(self):
        users = [
            new_test_user(
                self.env, login, groups="base.group_user,base.group_partner_manager"
            )
            for login in ("sync_one", "sync_two")
        ]
        partners = self.env["res.partner"].create([{"name": "A"}, {"name": "B"}])
        self.before_commit()
        self.outbox().unlink()
        with self.committed() as jobs:
            for partner, user in zip(partners, users, strict=True):
                partner.with_user(user).email = f"{user.login}@example.com"
        self.assertEqual(
            {job.sync_res_id: job.user_id for job in jobs},
            dict(zip(partners.ids, users, strict=True)),
        )
        self.assertEqual(
            {row.res_id: row.create_uid for row in self.outbox()},
            dict(zip(partners.ids, users, strict=True)),
        )

    def test_two_editors_of_one_record_make_one_job(self):
        user = new_test_user(
            self.env, "sync_one", groups="base.group_user,base.group_partner_manager"
        )
        self.before_commit()
        with self.committed() as jobs:
            self.partner.name = "Ada L."
            self.partner.with_user(user).name = "Ada Lovelace"
        (job,) = jobs
        self.assertEqual(job.user_id, user)

    def test_name_of_a_user_is_an_edit_of_the_contact(self):
        user = new_test_user(self.env, "sync_renamed", name="Before")
        self.before_commit()
        with self.committed() as jobs:
            user.name = "After"
        self.assertEqual([job.sync_record_name for job in jobs], ["After"])

    def test_savepoint_undone_makes_no_job(self):
        with self.committed() as jobs, suppress(Undone), self.env.cr.savepoint():
            self.env["res.partner"].create({"name": "Nobody"})
            raise Undone()
        self.assertEqual(jobs, [])

    def test_plain_savepoint_undone_makes_no_job_for_what_does_not_exist(self):
        with self.committed() as jobs:
            with suppress(Undone), self.env.cr.savepoint(flush=False):
                partner = self.env["res.partner"].create({"name": "Nobody"})
                raise Undone()
            self.env.invalidate_all()
        self.assertEqual(jobs, [])
        self.assertFalse(self.outbox(partner))

    def test_savepoint_undone_keeps_the_edits_around_it(self):
        with self.committed() as jobs:
            self.partner.name = "Ada L."
            with suppress(Undone), self.env.cr.savepoint():
                self.env["res.partner"].create({"name": "Nobody"})
                raise Undone()
        self.assertEqual([job.records for job in jobs], [self.partner])


@tagged("post_install", "-at_install")
class TestRollback(DeliveryCase):
    def test_rollback_leaves_neither_row_nor_job(self):
        with suppress(Undone), self.transaction() as env:
            partner = env["res.partner"].create({"name": "Nobody"})
            # what a commit does first: from here on, both are in the transaction
            env.cr.flush()
            self.assertTrue(
                env["sync.outbox"].search_count([("res_id", "=", partner.id)])
            )
            raise Undone()
        self.assertEqual(self.outbox(), [])
        self.assertEqual(self.job_uuids(), [])
        self.assertEqual(self.read("res.partner", [("id", "=", partner.id)], []), [])

    def test_commit_leaves_both(self):
        partner_id = self.new_partner()
        self.assertEqual([row["res_id"] for row in self.outbox()], [partner_id])
        self.assertEqual(
            [row["job_uuid"] for row in self.outbox()], self.job_uuids("pending")
        )
