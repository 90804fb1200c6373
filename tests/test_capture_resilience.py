# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An editor never pays for the synchronization, with an error or with time."""

from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import SyncCase


@tagged("post_install", "-at_install")
class TestCaptureResilience(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Ada"})
        cls.before_commit(cls)
        cls.outbox(cls).unlink()

    def edit(self):
        with self.committed() as jobs:
            self.partner.name = "Ada Lovelace"
        self.env.invalidate_all()
        self.assertEqual(self.partner.name, "Ada Lovelace")
        self.assertEqual(len(self.outbox(self.partner)), 1)
        return jobs

    def broken_filter(self, break_it):
        return patch.object(self.env.registry["res.partner"], "_sync_domain", break_it)

    @mute_logger("odoo.addons.queue_job_sync.engine.capture")
    def test_filter_that_raises_lets_the_edit_through(self):
        def raises(records, stream):
            raise ZeroDivisionError("broken filter")

        self.env["sync.stream"]._watchers("res.partner")
        with self.broken_filter(raises):
            self.assertEqual(len(self.edit()), 1)

    @mute_logger("odoo.addons.queue_job_sync.engine.capture", "odoo.sql_db")
    def test_filter_that_breaks_the_transaction_lets_the_edit_through(self):
        def raises(records, stream):
            records.env.cr.execute("SELECT 1/0")

        self.env["sync.stream"]._watchers("res.partner")
        with self.broken_filter(raises):
            self.assertEqual(len(self.edit()), 1)

    @mute_logger(
        "odoo.addons.queue_job_sync.engine.capture",
        "odoo.addons.queue_job_sync.models.sync_stream",
        "odoo.sql_db",
    )
    def test_filter_broken_since_the_start_lets_the_edit_through(self):
        def raises(records, stream):
            raise ZeroDivisionError("broken filter")

        def breaks_transaction(records, stream):
            records.env.cr.execute("SELECT 1/0")

        for break_it in (raises, breaks_transaction):
            with self.subTest(break_it.__name__), self.broken_filter(break_it):
                # as in a worker that has just started
                self.env.registry.clear_cache()
                self.assertEqual(len(self.edit()), 1)
            self.env.registry.clear_cache()
            self.partner.name = "Ada"
            self.before_commit()
            self.outbox().unlink()

    @mute_logger("odoo.addons.queue_job_sync.engine.capture")
    def test_job_that_cannot_be_made_leaves_the_row(self):
        function = self.env.ref("queue_job_sync.job_function_res_partner_sync_deliver")
        # queue_job then refuses to build any job of this function
        function.on_fail_method = "no_such_method"
        self.assertEqual(self.edit(), [])
        self.assertFalse(self.outbox(self.partner).job_uuid)
        self.assertEqual(self.partner.sync_state, "waiting")

    def queries(self, **values):
        """Return how many queries an edit and its commit take."""
        self.before_commit()
        start = self.env.cr.sql_log_count
        self.partner.write(values)
        self.before_commit()
        return self.env.cr.sql_log_count - start

    def test_edit_that_nothing_watches_costs_no_query(self):
        self.queries(phone="+33123456780")
        watched = self.queries(phone="+33123456781")
        self.stream.active = False
        self.queries(phone="+33123456782")
        unwatched = self.queries(phone="+33123456783")
        self.assertEqual(watched, unwatched)
        self.assertFalse(self.outbox())

    def test_number_of_queries_of_an_edit_does_not_grow_with_the_records(self):
        """A chunk costs what one record does, but for the rows it inserts."""
        self.stream.batch_size = 2

        def cost(count):
            partners = self.env["res.partner"].create(
                [{"name": f"P{i}"} for i in range(count)]
            )
            self.before_commit()
            self.outbox().unlink()
            self.stream.batch_size = count - 1
            self.before_commit()
            self.env.invalidate_all()
            # without the notes in the chatter, which do grow
            partners = partners.with_context(tracking_disable=True)
            partners.write({"email": "all@example.com"})
            self.env.flush_all()
            start = self.env.cr.sql_log_count
            self.before_commit()
            return self.env.cr.sql_log_count - start

        cost(4)
        self.assertAlmostEqual(cost(40), cost(4), delta=2)

    def test_record_that_plain_sql_has_deleted_is_a_deletion(self):
        self.env["sync.binding"].create(
            {
                "stream_id": self.stream.id,
                "res_id": self.partner.id,
                "external_id": "1",
            }
        )
        self.partner.name = "Ada Lovelace"
        self.env.flush_all()
        # as the database does with what belongs to a deleted record
        self.env.cr.execute("DELETE FROM res_partner WHERE id = %s", [self.partner.id])
        self.env.invalidate_all()
        self.before_commit()
        self.assertEqual(self.outbox(self.partner).operation, "delete")
