# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How much more memory a worker needs when everything is sent, not a little."""

from benchmarks.peers import OURS
from benchmarks.result import Result, Row


def measure(_scene):
    """Compare a worker's peak memory in a large and in a small backfill."""
    return Result(None, note="not available: there is no backfill yet")


ROW = Row(
    id="backfill_memory",
    title="peak memory of a worker, backfill of 100,000 contacts / of 1,000",
    goal=1.2,
    peers=(OURS,),
    measure=measure,
)
