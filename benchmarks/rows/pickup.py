# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How soon after its commit an edit begins to arrive at an idle destination."""

import select
import time
from contextlib import closing
from statistics import median
from threading import Thread

import psycopg2

from benchmarks import contacts
from benchmarks.peers import NAIVE, OURS
from support.figures import Result, Row, in_turns, medians
from support.processes import wait_until

ARRIVED = 30  # seconds


def measure(scene):
    """Edit, and compare the commit's time with the first byte's."""
    peers = {name: scene.peers[name] for name in ROW.peers}
    samples = pickup_in_turns(scene, peers)
    note = f"median of {scene.sizes.pickups} edits"
    figures = medians(samples)
    return Result(figures[OURS], figures, len(samples[OURS]), "ms", note)


def pickup_in_turns(scene, peers):
    """Return the median of each round in milliseconds, by name of the peer."""
    return in_turns(
        scene.sizes.rounds,
        {
            name: lambda peer=peer: median(_pickups(scene, peer))
            for name, peer in peers.items()
        },
    )


def _pickups(scene, peer):
    """Yield the milliseconds of each edit."""
    with closing(psycopg2.connect(dbname=peer.database)) as connection:
        connection.autocommit = True
        # queue_job's own trigger tells of a job when its transaction commits.
        connection.cursor().execute("LISTEN queue_job")
        for id_ in peer.old_ids(scene.sizes.pickups):
            email = peer.email(id_)
            peer.wait_until_idle()
            _forget(connection)
            scene.destination.tell(reset=True)
            committed = _save_and_listen(peer, id_, connection)
            wait_until(
                lambda: scene.destination.counts()["contacts"],
                ARRIVED,
                "the edit at the destination",
            )
            arrived = scene.destination.first_arrivals()[email]
            yield 1000 * (arrived - committed)


def _save_and_listen(peer, id_, connection):
    """Return when the edit's transaction was committed (monotonic seconds)."""
    editor = Thread(target=peer.save, args=(id_, {"street": contacts.text("Road")}))
    editor.start()
    try:
        ready, _write, _error = select.select([connection], [], [], ARRIVED)
        moment = time.monotonic()
        if not ready:
            raise RuntimeError("the edit made no job")
        return moment
    finally:
        editor.join()


def _forget(connection):
    time.sleep(0.1)
    connection.poll()
    connection.notifies.clear()


ROW = Row(
    id="pickup_ms",
    title="commit to first byte at an idle destination, ms",
    goal=100,
    peers=(OURS, NAIVE),
    measure=measure,
)
