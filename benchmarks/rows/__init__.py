# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The rows of the table, in its order."""

from . import (
    backfill_memory,
    create_bulk,
    drain_rest,
    drain_sql,
    edit_hang,
    edit_one,
    import_csv,
    million,
    outage_runs,
    pickup,
)

ALL = {
    row.id: row
    for row in (
        create_bulk.ROW,
        edit_one.ROW,
        edit_hang.ROW,
        pickup.ROW,
        drain_rest.ROW,
        drain_sql.DRAIN_SQL,
        drain_sql.DRAIN_SQL_LIMIT,
        import_csv.ROW,
        backfill_memory.ROW,
        million.ROW,
        outage_runs.ROW,
    )
}
