# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One user editing one contact in the web client."""

import time
from statistics import median

from benchmarks import contacts
from benchmarks.peers import BARE, NAIVE, OURS, WEBHOOK
from support.figures import Row, compared
from support.processes import wait_until

# Longer than a job takes, so that no edit is timed while another's job runs.
PAUSE = 0.02  # seconds
DELIVERED = 30  # seconds


def measure(scene):
    """Time the contact form's ``web_save`` while the job runners do their work."""
    samples = edits(scene, ROW.peers)
    return compared(samples, OURS, BARE, "ms", f"median of {scene.sizes.edits} edits")


def edits(scene, names):
    """Return what :func:`edit_in_turns` does, measured once in a run.

    :param names: of the peers, where none was measured before
    """
    peers = {name: scene.peers[name] for name in names}
    return scene.once("edit_one", lambda: edit_in_turns(scene, peers))


def edit_in_turns(scene, peers):
    """Edit with each peer in turn, one edit each.

    :return: the median of each round in milliseconds, by name of the peer
    """
    ids = {name: peer.old_ids(scene.sizes.edits) for name, peer in peers.items()}
    samples = {name: [] for name in peers}
    for _round in range(scene.sizes.rounds):
        times = {name: [] for name in peers}
        for number in range(scene.sizes.edits):
            for name in _order(peers, number):
                times[name].append(_edit(peers[name], ids[name][number]))
        for name, seconds in times.items():
            samples[name].append(1000 * median(seconds))
    return samples


def _edit(peer, id_):
    seconds = peer.save(id_, {"street": contacts.text("Road")})
    wait_until(lambda: not peer.open_jobs(), DELIVERED, "the edit's job done", PAUSE)
    time.sleep(PAUSE)
    return seconds


def _order(names, number):
    """Each peer is the first as often as every other, with another one before it."""
    names = list(names)
    start = number % len(names)
    turned = names[start:] + names[:start]
    return turned[:: -1 if number // len(names) % 2 else 1]


ROW = Row(
    id="edit_one",
    title="edit one contact in the web client's form, ours / bare",
    goal=1.15,
    peers=(OURS, BARE, NAIVE, WEBHOOK),
    measure=measure,
)
