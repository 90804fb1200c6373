# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How many job runs the edits of a contact cause whose delivery takes long."""

import time
from statistics import median

from benchmarks import contacts, runs
from benchmarks.peers import OURS
from support.figures import Result, Row
from support.processes import wait_until

HUNG = 20  # seconds until the first job must be in the destination's hands
PATIENCE = 900  # seconds that it may take until all of the edits' jobs are done


def measure(scene):
    """Edit one contact again and again while the first edit's delivery hangs."""
    numbers = range(scene.sizes.few_rounds)
    rounds = [_round(scene, number) for number in numbers]
    figures = {
        "runs": median(starts for starts, _edits in rounds),
        "edits": median(edits for _starts, edits in rounds),
    }
    value = median(starts / edits for starts, edits in rounds)
    note = f"edits at an even pace, {scene.sizes.hang:g} s of hanging"
    return Result(value, figures, len(rounds), "", note)


def _round(scene, number):
    """Return the job runs and the edits of one contact."""
    peer, destination = scene.peers[OURS], scene.destination
    id_ = peer.old_ids(number + 1)[-1]
    peer.wait_until_idle()
    destination.tell(hang=[peer.email(id_)])
    runs.count(peer)
    try:
        try:
            edits = _edit_while_it_hangs(scene, peer, id_)
        finally:
            destination.tell(hang=[])
        peer.wait_until_idle(PATIENCE)
        return runs.counted(peer), edits
    finally:
        runs.stop_counting(peer)


def _edit_while_it_hangs(scene, peer, id_):
    """Return how many edits there was time for; all of them, on a quiet machine."""
    edits, seconds = scene.sizes.hot_edits, scene.sizes.hang
    _save(peer, id_)
    what = "the contact in the destination's hands"
    wait_until(lambda: scene.destination.counts()["hanging"], HUNG, what)
    start = time.monotonic()
    made = 1
    while made < edits and time.monotonic() < start + seconds:
        _save(peer, id_)
        made += 1
        _sleep_until(start + seconds * made / edits)
    _sleep_until(start + seconds)
    if not scene.destination.counts()["hanging"]:
        raise RuntimeError("the destination did not hang all along")
    return made


def _save(peer, id_):
    return peer.save(id_, {"street": contacts.text("Road")})


def _sleep_until(moment):
    time.sleep(max(0, moment - time.monotonic()))


ROW = Row(
    id="hot_contact",
    title="job runs per edit, 200 edits of one contact during a 20 s hang",
    goal=1.1,
    peers=(OURS,),
    measure=measure,
)
