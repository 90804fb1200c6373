# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How fast a full queue drains to a REST destination."""

import time

import requests

from benchmarks import peers
from benchmarks.contacts import MAPPING
from benchmarks.drain import drain
from benchmarks.peers import NAIVE, OURS
from support.figures import Row, compared, in_turns

RAW = 100  # requests of the plain loop, whose rate is steady


def measure(scene):
    """Queue edits of many contacts while the runners are held, then let them go."""
    sizes = scene.sizes
    samples = rest_in_turns(scene, {OURS: sizes.drain, NAIVE: sizes.drain_naive})
    with scene.destination.with_latency(sizes.latency):
        samples["raw"] = in_turns(sizes.drain_rounds, {"raw": lambda: _raw(scene)})[
            "raw"
        ]
    note = (
        f"contacts per second; {sizes.drain} contacts, naive {sizes.drain_naive},"
        f" raw {RAW} one after another; {1000 * sizes.latency:g} ms latency"
    )
    return compared(samples, OURS, NAIVE, "/s", note)


def rest_in_turns(scene, counts):
    """Return the contacts per second of each round, by name of the peer.

    :param counts: how many contacts each peer drains, by name
    """
    with scene.destination.with_latency(scene.sizes.latency):
        return in_turns(
            scene.sizes.drain_rounds,
            {
                name: lambda name=name: drain(
                    scene, scene.peers[name], peers.REST, counts[name]
                )
                for name in counts
            },
        )


def _raw(scene):
    """Send the same payloads in a plain loop over one session."""
    peer = scene.peers[OURS]
    columns = [path for path in MAPPING if "." not in path]
    rows = peer.query(
        f"SELECT {', '.join('p.' + name for name in columns)}, c.code"
        "  FROM res_partner p JOIN res_country c ON c.id = p.country_id"
        " WHERE p.id = ANY(%s)",
        peer.old_ids(RAW),
    )
    keys = [*columns, "country"]
    start = time.monotonic()
    with requests.Session() as session:
        for row in rows:
            payload = dict(zip(keys, row, strict=True))
            url = f"{scene.destination.url}/{peers.ENDPOINT}"
            session.post(url, json=payload, timeout=30).raise_for_status()
    return len(rows) / (time.monotonic() - start)


ROW = Row(
    id="drain_rest",
    title="drain 10,000 contacts to REST, ours / naive contacts per second",
    goal=10,
    at_least=True,
    peers=(OURS, NAIVE),
    measure=measure,
)
