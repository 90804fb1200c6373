# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Cancelling very many jobs at once."""

from benchmarks import contacts, fill
from benchmarks.peers import BARE, LARGE
from benchmarks.progress import tell
from support.figures import Result, Row


def measure(scene):
    """Compare with queue_job alone, on as many jobs."""
    raise NotImplementedError


ROW = Row(
    id="cancel_10k",
    title="cancel 10,000 jobs, ours / queue_job alone",
    goal=1.3,
    peers=(BARE, LARGE),
    measure=measure,
)
