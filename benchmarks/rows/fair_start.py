# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long an idle system waits for its change while another one is slow."""

import time
from contextlib import contextmanager
from statistics import median

from benchmarks.peers import SMALL
from benchmarks.progress import tell
from support.figures import Result, Row

EVERY = 0.02  # seconds between two looks at the idle system


def measure(scene):
    """Measure with some changes waiting for the slow system."""
    return _measure(scene, scene.sizes.fair_few)


def measure_many(scene):
    """Measure with very many changes waiting for the slow system."""
    return _measure(scene, scene.sizes.fair_many)


def _measure(scene, count):
    """Create contacts, one after the other, that the idle system is sent as well.

    The slowest counts: whoever waits does not wait for the median. After one that has
    not arrived at all there are no others.
    """
    sizes, peer = scene.sizes, scene.peers[SMALL]
    seconds = []
    with _backlog(scene, peer, count):
        time.sleep(sizes.fair_settled)
        if not scene.destination.counts()["requests"]:
            raise RuntimeError("nothing is sent to the slow system")
        for _contact in range(sizes.rounds):
            seconds.append(_create(scene, peer))
            if seconds[-1] >= sizes.fair_patience:
                break
    slowest = max(seconds)
    note = (
        f"{count} single changes, the last one {sizes.fair_settled:g} s ago,"
        f" {sizes.fair_latency:g} s for each answer"
    )
    if slowest >= sizes.fair_patience:
        note += "; the last one had not arrived when the row was given up"
    figures = {"median": median(seconds), "slowest": slowest}
    return Result(slowest, figures, len(seconds), "s", note)


@contextmanager
def _backlog(scene, peer, count):
    """Have contacts wait for the slow system, each edited by itself."""
    tell(f"{count} single edits")
    peer.wait_until_idle()
    ids = peer.old_ids(count)
    scene.destination.tell(reset=True)
    try:
        with scene.destination.with_latency(scene.sizes.fair_latency):
            # Beside a runner that hears of each of them as it comes, as it would.
            scene.edit_singly(peer, ids)
            yield
    finally:
        peer.start_over()


def _create(scene, peer):
    """Return the seconds from saving a contact to its arrival at the idle system.

    They are those of the patience where it does not arrive.
    """
    start = time.monotonic()
    end = start + scene.sizes.fair_patience
    _id, email = peer.create_one()
    while time.monotonic() < end:
        arrived = scene.idle.first_arrival(email)
        if arrived:
            return arrived - start
        time.sleep(EVERY)
    return scene.sizes.fair_patience


FAIR_START = Row(
    id="fair_start",
    title="an idle system's change beside 1,000 of one that takes 10 s each, seconds",
    goal=0.5,
    peers=(SMALL,),
    measure=measure,
)
FAIR_START_30K = Row(
    id="fair_start_30k",
    title="the same beside 30,000",
    goal=1,
    peers=(SMALL,),
    measure=measure_many,
)
