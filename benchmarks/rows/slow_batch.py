# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Many records at once for a system so slow that a worker's time does not suffice."""

import time
from dataclasses import dataclass

from benchmarks import peers
from benchmarks.peers import SMALL
from support import processes
from support.figures import Result, Row

AT_ONCE = 8  # the addon's default
EVERY = 0.1  # seconds between two looks
SETTLED = 15  # seconds that jobs may take to end once the answers come at once


@dataclass(frozen=True)
class _Delivery:
    """What became of the batch: ``requests`` sent, records ``confirmed``."""

    seconds: float
    requests: int
    confirmed: int


def measure(scene):
    """Compare with the time that the answers alone take."""
    sizes, delivery = scene.sizes, scene.once("slow_batch", lambda: _deliver(scene))
    ideal = sizes.slow_batch / AT_ONCE * sizes.slow_latency
    figures = {"ours": delivery.seconds, "ideal": ideal}
    return Result(delivery.seconds / ideal, figures, 1, "s", _note(scene, delivery))


def measure_sent(scene):
    """Count the requests; of the same delivery, where both rows are measured."""
    delivery = scene.once("slow_batch", lambda: _deliver(scene))
    figures = {"requests": delivery.requests, "confirmed": delivery.confirmed}
    value = delivery.requests / max(delivery.confirmed, 1)
    return Result(value, figures, 1, "", _note(scene, delivery))


def _note(scene, delivery):
    sizes = scene.sizes
    note = (
        f"{sizes.slow_batch} contacts in one transaction, {sizes.slow_latency:g} s for"
        f" each answer, workers end after {sizes.time_limit} s"
    )
    if delivery.confirmed < sizes.slow_batch:
        note += f"; given up with {delivery.confirmed} confirmed"
    return note


def _deliver(scene):
    """Edit contacts in one transaction and wait until the destination has them all.

    Not for ever: given up when no job is left, or when patience is over.
    """
    sizes, peer = scene.sizes, scene.peers[SMALL]
    ids = peer.old_ids(sizes.slow_batch)
    peer.wait_until_idle()
    peer.forget_deliveries(ids)
    scene.destination.tell(reset=True)
    try:
        with scene.destination.with_latency(sizes.slow_latency):
            start = time.monotonic()
            peer.touch(ids)
            while (confirmed := _confirmed(peer, ids)) < len(ids):
                seconds = time.monotonic() - start
                if seconds > sizes.slow_patience or not peer.open_jobs():
                    break
                time.sleep(EVERY)
            seconds = time.monotonic() - start
            requests = scene.destination.counts()["requests"]
    finally:
        _settle(peer)
    if confirmed < len(ids):
        seconds = sizes.slow_patience  # it would take longer, or never end
    return _Delivery(seconds, requests, confirmed)


def _settle(peer):
    """Leave no job to the next row."""
    try:
        peer.wait_until_idle(SETTLED)
    except processes.NotInTime:
        peer.start_over()


def _confirmed(peer, ids):
    ((count,),) = peer.query(
        "SELECT count(*) FROM sync_binding b JOIN sync_stream s ON s.id = b.stream_id"
        " WHERE s.name = %s AND b.res_id = ANY(%s) AND b.version > 0",
        peers.REST,
        ids,
    )
    return count


SLOW_BATCH = Row(
    id="slow_batch",
    title="100 records at 12 s each, 8 at once: time / that of the answers alone",
    goal=1.15,
    peers=(SMALL,),
    measure=measure,
)
SLOW_BATCH_SENT = Row(
    id="slow_batch_sent",
    title="the same: requests / records",
    goal=1.0,
    peers=(SMALL,),
    measure=measure_sent,
)
