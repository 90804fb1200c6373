# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The same with years of use in the tables as with none."""

from benchmarks.peers import FULL, OURS
from benchmarks.progress import tell
from benchmarks.rows.create_bulk import create_in_turns
from benchmarks.rows.drain_rest import rest_in_turns
from benchmarks.rows.edit_one import edit_in_turns
from benchmarks.rows.pickup import pickup_in_turns
from support.figures import Result, Row, ratio


def measure(scene):
    """Measure four rows with full and with empty tables; the worst ratio counts."""
    sizes = scene.sizes
    pair = {name: scene.peers[name] for name in ROW.peers}
    drained = dict.fromkeys(pair, sizes.drain)
    measured = {}
    for name, how in {
        "create_bulk": lambda: create_in_turns(scene, pair),
        "edit_one": lambda: edit_in_turns(scene, pair),
        "pickup_ms": lambda: pickup_in_turns(scene, pair),
    }.items():
        tell(f"million: {name}")
        measured[name] = ratio(how(), FULL, OURS)
    tell("million: drain_rest")
    # A rate: the fuller one is to be no slower.
    measured["drain_rest"] = ratio(rest_in_turns(scene, drained), OURS, FULL)
    note = (
        f"each full / empty; {sizes.done_jobs} done and {sizes.waiting_jobs} waiting"
        f" jobs, {sizes.bindings} bindings"
    )
    return Result(max(measured.values()), measured, sizes.rounds, "", note)


ROW = Row(
    id="million",
    title="worst of four rows with full / with empty tables",
    goal=1.2,
    peers=(OURS, FULL),
    measure=measure,
)
