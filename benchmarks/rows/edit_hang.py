# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One user editing a contact that is being sent to a destination that hangs on it."""

import time
from statistics import median

from benchmarks import contacts
from benchmarks.peers import BARE, NAIVE, OURS
from benchmarks.rows.edit_one import edits
from support.figures import Result, Row, medians, ratio
from support.processes import wait_until

PAUSE = 0.1  # seconds between two edits
HUNG = 20  # seconds until the first job must be in the destination's hands


def measure(scene):
    """Time the edits of one contact while a job for it gets no answer.

    What an edit costs anyway is taken off: ``edit_one`` of the same run.
    """
    idle = edits(scene, (OURS, BARE))
    samples = {name: [] for name in ROW.peers}
    for number in range(scene.sizes.rounds):
        for name, figure in _round(scene, number).items():
            samples[name].append(figure)
    hanging, otherwise = ratio(samples, OURS, BARE), ratio(idle, OURS, BARE)
    figures = medians(samples)
    for name in (OURS, BARE):
        figures[f"{name}, idle"] = median(idle[name])
    note = (
        f"median of {scene.sizes.hang_edits}; {hanging:.4g} of a bare edit,"
        f" {otherwise:.4g} where nothing hangs"
    )
    rounds = len(samples[OURS])
    return Result(hanging - otherwise, figures, rounds, "ms", note)


def _round(scene, number):
    destination = scene.destination
    peers = {name: scene.peers[name] for name in ROW.peers}
    ids = {name: peer.old_ids(number + 1)[-1] for name, peer in peers.items()}
    (email,) = {peer.email(ids[name]) for name, peer in peers.items()}
    destination.tell(hang=[email])
    times = {name: [] for name in peers}
    try:
        senders = [name for name in peers if name != BARE]
        for name in senders:
            _save(peers[name], ids[name])
        what = "the contact in the destination's hands"
        # The naive way lets its other workers hang too: one for each edit.
        wait_until(lambda: destination.counts()["hanging"] >= len(senders), HUNG, what)
        for _edit in range(scene.sizes.hang_edits):
            for name, peer in peers.items():
                times[name].append(_save(peer, ids[name]))
                time.sleep(PAUSE)
        if destination.counts()["hanging"] < len(senders):
            raise RuntimeError("the destination did not hang all along")
    finally:
        destination.tell(hang=[])
    for name in senders:
        peers[name].wait_until_idle(120)
    return {name: 1000 * median(seconds) for name, seconds in times.items()}


def _save(peer, id_):
    return peer.save(id_, {"street": contacts.text("Road")})


ROW = Row(
    id="edit_hang",
    title="the same while the destination hangs on that contact, less edit_one",
    goal=0.05,
    peers=(OURS, BARE, NAIVE),
    measure=measure,
)
