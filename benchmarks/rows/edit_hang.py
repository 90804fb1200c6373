# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One user editing a contact that is being sent to a destination that hangs on it."""

import time
from statistics import median

from benchmarks import contacts
from benchmarks.peers import BARE, NAIVE, OURS
from support.figures import Row, compared
from support.processes import wait_until

PAUSE = 0.1  # seconds between two edits
HUNG = 20  # seconds until the first job must be in the destination's hands


def measure(scene):
    """Time the edits of one contact while a job for it gets no answer."""
    samples = {name: [] for name in ROW.peers}
    for number in range(scene.sizes.rounds):
        for name, figure in _round(scene, number).items():
            samples[name].append(figure)
    return compared(samples, OURS, BARE, "ms", f"median of {scene.sizes.hang_edits}")


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
    title="the same while the destination hangs on that contact, ours / bare",
    goal=1.15,
    peers=(OURS, BARE, NAIVE),
    measure=measure,
)
