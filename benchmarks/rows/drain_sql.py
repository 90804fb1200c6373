# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How fast a full queue drains to a PostgreSQL table."""

import json
from contextlib import contextmanager
from pathlib import Path

from benchmarks import peers
from benchmarks.drain import drain
from benchmarks.peers import NAIVE, OURS
from support.figures import Row, compared, in_turns, ratio

SCRIPT = Path(__file__).parents[1] / "inside" / "raw_sql.py"
RAW = "raw"
# A statement for many rows costs little more than one for few: docs/performance.md
# advises it for databases.
LARGE, LARGE_BATCH, DEFAULT_BATCH = "ours, batches of 1,000", 1_000, 100


def measure(scene):
    """Compare with one job, one connection and one insert for each contact."""
    sizes = scene.sizes
    with _sending_to_sql(scene, NAIVE, OURS):
        samples = in_turns(
            sizes.drain_rounds,
            {
                OURS: lambda: _drain(scene, OURS, sizes.drain),
                NAIVE: lambda: _drain(scene, NAIVE, sizes.drain_naive),
            },
        )
    note = f"contacts per second; {sizes.drain} contacts, naive {sizes.drain_naive}"
    return compared(samples, OURS, NAIVE, "/s", note)


def measure_limit(scene):
    """Compare with reading the records by the ORM and one ``execute_values``."""
    sizes = scene.sizes
    with _sending_to_sql(scene, OURS):
        samples = in_turns(
            sizes.drain_rounds,
            {
                OURS: lambda: _drain(scene, OURS, sizes.drain),
                LARGE: lambda: _drain_large(scene, sizes.drain),
                RAW: lambda: _raw(scene, sizes.drain),
            },
        )
    note = (
        f"contacts per second; {sizes.drain} contacts; the figure is that of batches of"
        f" 1,000, as the documentation advises for databases; with the default of 100:"
        f" {ratio(samples, OURS, RAW):.3g}"
    )
    return compared(samples, LARGE, RAW, "/s", note)


@contextmanager
def _sending_to_sql(scene, *names):
    for name in names:
        scene.peers[name].wait_until_idle()
        peers.send_to(scene.peers[name], peers.SQL, scene.destination, scene.warehouse)
    try:
        yield
    finally:
        for name in names:
            peers.send_to(
                scene.peers[name], peers.REST, scene.destination, scene.warehouse
            )


def _drain(scene, name, count):
    return drain(scene, scene.peers[name], peers.SQL, count)


def _drain_large(scene, count):
    peer = scene.peers[OURS]
    peers.change_stream(peer, peers.SQL, {"batch_size": LARGE_BATCH})
    try:
        return _drain(scene, OURS, count)
    finally:
        peers.change_stream(peer, peers.SQL, {"batch_size": DEFAULT_BATCH})


def _raw(scene, count):
    """Let Odoo's own Python read and insert the same contacts."""
    peer = scene.peers[OURS]
    scene.warehouse.empty()
    settings = {"dsn": scene.warehouse.dsn, "ids": peer.old_ids(count)}
    code = f"SETTINGS = {settings!r}\n{SCRIPT.read_text()}"
    seconds = json.loads(scene.shell(peer.database, code).splitlines()[-1])
    if scene.warehouse.count() != count:
        raise RuntimeError("the plain insert did not insert everything")
    return count / seconds


DRAIN_SQL = Row(
    id="drain_sql",
    title="drain 10,000 contacts to PostgreSQL, ours / naive contacts per second",
    goal=20,
    at_least=True,
    peers=(OURS, NAIVE),
    measure=measure,
)
DRAIN_SQL_LIMIT = Row(
    id="drain_sql_limit",
    title="the same, ours / reading by the ORM and one execute_values",
    goal=0.5,
    at_least=True,
    peers=(OURS,),
    measure=measure_limit,
)
