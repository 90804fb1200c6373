# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is measured at scale, in its order: the last one deletes a synchronization."""

from . import backfill, cancel_10k, dashboard, deletion, deliveries, filters

ALL = {
    row.id: row
    for row in (
        deliveries.ROW,
        filters.ROW,
        dashboard.ROW,
        cancel_10k.ROW,
        backfill.SECOND_PACE,
        backfill.EDIT_IN_BACKFILL,
        deletion.ROW,
    )
}
