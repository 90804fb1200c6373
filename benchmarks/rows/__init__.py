# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The rows of the table, in its order."""

from . import (
    backfill_memory,
    bulk_behind_edit,
    create_bulk,
    drain_many,
    drain_rest,
    drain_singles,
    drain_sql,
    edit_hang,
    edit_one,
    fair_start,
    hot_contact,
    import_csv,
    lone_edit,
    million,
    outage_runs,
    pickup,
    resume_90k,
    screen_contact_list_10k,
    screen_dashboard_49,
    screen_jobs_10k,
    slow_batch,
)

ALL = {
    row.id: row
    for row in (
        create_bulk.ROW,
        edit_one.ROW,
        edit_hang.ROW,
        hot_contact.ROW,
        pickup.ROW,
        lone_edit.ROW,
        drain_rest.ROW,
        drain_many.ROW,
        drain_singles.DRAIN_SINGLES,
        drain_singles.DRAIN_SINGLES_500,
        drain_sql.DRAIN_SQL,
        drain_sql.DRAIN_SQL_LIMIT,
        import_csv.ROW,
        backfill_memory.ROW,
        million.ROW,
        outage_runs.ROW,
        resume_90k.ROW,
        fair_start.FAIR_START,
        fair_start.FAIR_START_30K,
        slow_batch.SLOW_BATCH,
        slow_batch.SLOW_BATCH_SENT,
        bulk_behind_edit.ROW,
        screen_contact_list_10k.ROW,
        screen_jobs_10k.ROW,
        screen_dashboard_49.ROW,
    )
}
