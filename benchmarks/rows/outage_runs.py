# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How many job runs are wasted while a destination is down."""

import time

from benchmarks import peers, runs
from benchmarks.peers import NAIVE, OURS
from support.figures import Result, Row


def measure(scene):
    """Queue a job for each of many contacts, with the destination gone, and wait."""
    sizes = scene.sizes
    pair = {name: scene.peers[name] for name in ROW.peers}
    # One job for each contact, which is what the row is about.
    peers.change_stream(pair[OURS], peers.REST, {"batch_size": 1})
    scene.destination.stop()
    try:
        for peer in pair.values():
            peer.wait_until_idle()
            peer.pause()
            peer.touch(peer.old_ids(sizes.outage_jobs))
            runs.count(peer)
        jobs = {name: peer.open_jobs() for name, peer in pair.items()}
        for peer in pair.values():
            peer.resume()
        time.sleep(sizes.outage)
        starts = {name: runs.counted(peer) for name, peer in pair.items()}
    finally:
        for peer in pair.values():
            peer.resume()
            runs.stop_counting(peer)
        scene.destination.start()
        peers.change_stream(pair[OURS], peers.REST, {"batch_size": 100})
    note = f"{jobs[OURS]} jobs, {sizes.outage} s; the naive jobs end as failed"
    return Result(starts[OURS], starts, 1, "runs", note)


ROW = Row(
    id="outage_runs",
    title="job runs caused by 10,000 jobs waiting out a 10-minute outage",
    goal=20,
    peers=(OURS, NAIVE),
    measure=measure,
)
