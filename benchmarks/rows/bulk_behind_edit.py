# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long an edit waits behind very many records that were changed in bulk."""

import time

from benchmarks import contacts, peers
from benchmarks.peers import MANY
from benchmarks.progress import tell
from support.figures import Result, Row, medians

EVERY = 0.02  # seconds between two looks at the destination
BEGUN = 2  # seconds after which the bulk is on its way


def measure(scene):
    """Edit contacts, one after the other, while the bulk drains.

    There are no more edits when half of the bulk is gone.
    """
    sizes, peer = scene.sizes, scene.peers[MANY]
    peers.send_to(peer, peers.REST, scene.destination, scene.warehouse)
    edited = [peer.create_one() for _edit in range(sizes.rounds)]
    peer.wait_until_idle()
    seconds = []
    try:
        with scene.destination.with_latency(sizes.latency):
            jobs = _queue_bulk(scene, peer)
            time.sleep(BEGUN)
            for id_, email in edited:
                if seconds and peer.open_jobs() < jobs / 2:
                    break
                seconds.append(_edit(scene, peer, id_, email))
                if seconds[-1] >= sizes.bulk_patience:
                    break
    finally:
        peer.start_over()
    samples = {"ours": seconds}
    figures = medians(samples)
    note = (
        f"{sizes.bulk} contacts in transactions of 1,000; {1000 * sizes.latency:g} ms"
        f" latency; slowest {max(seconds):.3g} s"
    )
    return Result(figures["ours"], figures, len(seconds), "s", note)


def _queue_bulk(scene, peer):
    """Have very many contacts wait, and let them go.

    :return: how many jobs they are
    """
    tell(f"{scene.sizes.bulk} contacts in bulk")
    ids = peer.old_ids(scene.sizes.bulk)
    peer.pause()
    try:
        peer.forget_deliveries(ids)
        peer.touch(ids)
        # What is seen before is not to be taken for the edits.
        scene.destination.tell(reset=True)
        return peer.open_jobs()
    finally:
        peer.resume()


def _edit(scene, peer, id_, email):
    """Return the seconds from saving a contact to its arrival, at most the patience."""
    start = time.monotonic()
    peer.save(id_, {"street": contacts.text("Road")})
    while time.monotonic() < start + scene.sizes.bulk_patience:
        arrived = scene.destination.first_arrival(email)
        if arrived:
            return arrived - start
        time.sleep(EVERY)
    return scene.sizes.bulk_patience


ROW = Row(
    id="bulk_behind_edit",
    title="an edit's arrival with 40,000 bulk deliveries waiting, seconds",
    goal=1,
    peers=(MANY,),
    measure=measure,
)
