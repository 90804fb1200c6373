# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

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
        waiting.eta = "2099-01-01"  # it waits all the same
        figures = self.figures()
        self.assertEqual(figures["waiting"], 2)
        self.assertEqual(figures["running"], 1)
        self.assertEqual(figures["failed"], 1)
        self.assertEqual(figures["oldest"], waiting.date_created)

    def test_nothing_waits(self):
        self.queued.state = "failed"
        figures = self.figures()
        self.assertEqual((figures["waiting"], figures["oldest"]), (0, None))

    def test_deliveries_by_hour(self):
        this_hour = fields.Datetime.now().replace(minute=0, second=0)
        for hours, state, count in (
            (0, "success", 2),
            (0, "failed", 1),
            (1, "success", 3),
            (23, "success", 1),
            (24, "success", 1),
        ):
            self.env["sync.delivery"].create(
                [
                    {
                        "date": this_hour - timedelta(hours=hours),
                        "stream_id": self.stream.id,
                        "res_id": 1,
                        "operation": "upsert",
                        "state": state,
                    }
                ]
                * count
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
