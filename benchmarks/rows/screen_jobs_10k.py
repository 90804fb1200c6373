# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The list of jobs, as the addon extends it."""

from benchmarks import screens
from benchmarks.peers import QUEUE, SCREENS
from support.figures import Row, compared


def measure(scene):
    """Open the list of as many waiting jobs with the addon and without it."""
    samples = screens.beside_own_list(scene, screens.JOBS, screens.ROW, screens.PAGE)
    note = f"of {scene.sizes.contacts} jobs, in a new browser"
    return compared(samples, SCREENS, QUEUE, "ms", note)


ROW = Row(
    id="screen_jobs_10k",
    title="open the list of 10,000 jobs, ours / queue_job's own",
    goal=1.3,
    peers=(SCREENS, QUEUE),
    measure=measure,
)
