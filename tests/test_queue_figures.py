# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from collections import Counter
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import SyncCase, backend_values, stream_values


@tagged("post_install", "-at_install")
class TestQueueFigures(SyncCase):
    """The figures of a system's queue."""

    def setUp(self):
        super().setUp()
        self.stream.batch_size = 1
        for name in ("One", "Two", "Three", "Four", "Five"):
            self.env["res.partner"].create({"name": name})
        self.before_commit()
        self.queued = self.jobs()
        self.assertEqual(len(self.queued), 5)

    def figures(self, backend=None):
        backend = backend or self.backend
        return backend._queue_figures()[backend.id]

    def test_jobs(self):
        waiting, enqueued, started, failed, done = self.queued
        enqueued.state = "enqueued"
        started.state = "started"
        failed.state = "failed"
        done.state = "done"
        self.outbox().filtered(lambda row: row.job_uuid == done.uuid).unlink()
        waiting.eta = "2099-01-01"  # it waits all the same
        figures = self.figures()
        # what is being sent is not delivered yet
        self.assertEqual(figures["waiting"], 3)
        self.assertEqual(figures["running"], 1)
        self.assertEqual(figures["failed"], 1)
        self.assertEqual(figures["oldest"], waiting.date_created)

    def test_nothing_waits(self):
        self.queued.state = "failed"
        figures = self.figures()
        self.assertEqual((figures["waiting"], figures["oldest"]), (0, None))
        self.assertEqual(figures["failed"], 5)

    def test_records_of_a_bulk_job(self):
        self.stream.batch_size = 100
        partners = self.env["res.partner"].create(
            [{"name": f"Number {number}"} for number in range(200)]
        )
        self.before_commit()
        bulk = self.jobs() - self.queued
        self.assertEqual(len(bulk), 2)
        self.assertEqual(self.figures()["waiting"], 205)
        bulk[0].state = "failed"
        figures = self.figures()
        self.assertEqual((figures["waiting"], figures["failed"]), (105, 100))
        # one of them is edited once more, and no longer waits for a decision
        first = self.outbox().filtered(lambda row: row.job_uuid == bulk[0].uuid)[0]
        own = partners.browse(first.res_id)
        own.name = "Another"
        self.before_commit()
        figures = self.figures()
        self.assertEqual((figures["waiting"], figures["failed"]), (106, 99))

    def test_record_that_changed_twice_is_one(self):
        partner = self.env["res.partner"].browse(self.outbox()[0].res_id)
        partner.name = "Another"
        self.before_commit()
        self.assertEqual(len(self.outbox(partner)), 2)
        self.assertEqual(self.figures()["waiting"], 5)

    def test_failed_job_about_no_record_is_not_hidden(self):
        self.outbox().filtered(lambda row: row.job_uuid == self.queued[0].uuid).unlink()
        self.queued[0].state = "failed"
        figures = self.figures()
        self.assertEqual((figures["waiting"], figures["failed"]), (4, 1))

    def test_states_of_the_contacts_are_what_is_counted(self):
        self.queued[:2].state = "failed"
        self.queued[2].state = "started"
        self.env.flush_all()
        partners = self.env["res.partner"].browse(self.outbox().mapped("res_id"))
        states = Counter(partners.mapped("sync_state"))
        figures = self.figures()
        self.assertEqual(states, {"waiting": 3, "failed": 2})
        self.assertEqual(figures["waiting"], states["waiting"])
        self.assertEqual(figures["failed"], states["failed"])

    def test_deliveries_by_hour(self):
        this_hour = fields.Datetime.now().replace(minute=0, second=0)
        kind = {"stream_id": self.stream.id, "retried": 0, "seconds": 0}
        for hours, result, bound, count in (
            (0, "delivered", 0.5, 2),
            (0, "rejected", 0.5, 1),
            (1, "delivered", 0.5, 1),
            (1, "delivered", 1.0, 2),
            (23, "delivered", 0.5, 1),
            (24, "delivered", 0.5, 1),
            (None, "delivered", 0.5, 7),
        ):
            hour = hours is not None and this_hour - timedelta(hours=hours)
            self.env["sync.counter"].create(
                {
                    **kind,
                    "hour": hour,
                    "result": result,
                    "bound": bound,
                    "attempts": count,
                }
            )
        delivered = self.figures()["delivered"]
        self.assertEqual(delivered, [1, *[0] * 21, 3, 2])

    def test_each_system_apart(self):
        other = self.env["sync.backend"].create(backend_values(name="Other"))
        self.env["sync.stream"].create(stream_values(other))
        figures = (self.backend | other)._queue_figures()
        self.assertEqual(figures[self.backend.id]["waiting"], 5)
        self.assertEqual(
            figures[other.id],
            {
                "waiting": 0,
                "running": 0,
                "failed": 0,
                "oldest": None,
                "doubt": 0,
                "delivered": [0] * 24,
            },
        )
        self.assertEqual(self.env["sync.backend"]._queue_figures(), {})
