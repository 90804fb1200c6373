# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How fast contacts drain to a REST destination that were edited one by one."""

from benchmarks import peers
from benchmarks.drain import drain
from benchmarks.peers import NAIVE, OURS
from support.figures import Row, compared, in_turns

SLOW = 0.5  # seconds; of a destination that is far away, or busy


def measure(scene):
    """Measure with the latency of the other rows."""
    return _measure(scene, scene.sizes.latency)


def measure_slow(scene):
    """Measure with a latency of half a second."""
    return _measure(scene, SLOW)


def _measure(scene, latency):
    """Queue edits of one contact each while the runners are held, then let them go."""
    sizes = scene.sizes
    counts = {OURS: sizes.singles, NAIVE: sizes.singles_naive}
    with scene.destination.with_latency(latency):
        samples = in_turns(
            sizes.few_rounds,
            {name: lambda name=name: _drain(scene, name, counts) for name in counts},
        )
    note = (
        f"contacts per second; {sizes.singles} contacts, naive {sizes.singles_naive};"
        f" {1000 * latency:g} ms latency"
    )
    return compared(samples, OURS, NAIVE, "/s", note)


def _drain(scene, name, counts):
    peer = scene.peers[name]
    return drain(scene, peer, peers.REST, counts[name], singly=True)


DRAIN_SINGLES = Row(
    id="drain_singles",
    title="drain 2,000 single edits to REST at 50 ms, ours / naive per second",
    goal=5,
    at_least=True,
    peers=(OURS, NAIVE),
    measure=measure,
)
DRAIN_SINGLES_500 = Row(
    id="drain_singles_500",
    title="the same at 500 ms",
    goal=6,
    at_least=True,
    peers=(OURS, NAIVE),
    measure=measure_slow,
)
