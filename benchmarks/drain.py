# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Drains a full queue and times it."""

from benchmarks import peers

PATIENCE = 3_600  # seconds that a drain may take


def drain(scene, peer, kind, count, singly=False):
    """Queue edits of contacts while the runner is held, then let it go.

    The destination knows none of the contacts, each time.

    :param peer: a :class:`~benchmarks.peer.Peer` that sends to this destination
    :param kind: ``peers.REST`` or ``peers.SQL``
    :param count: how many contacts
    :param bool singly: each edited in a transaction of its own, not 1,000 in one
    :return: contacts per second, from the runner's start to the last one's arrival
    """
    ids = peer.old_ids(count)
    peer.wait_until_idle()
    peer.pause()
    try:
        peer.forget_deliveries(ids)
        if singly:
            scene.edit_singly(peer, ids)
        else:
            peer.touch(ids)
        scene.destination.tell(reset=True)
        scene.warehouse.empty()
    finally:
        start = peer.resume()
    where = scene.destination if kind == peers.REST else scene.warehouse
    end = where.wait_for(count, PATIENCE)
    peer.wait_until_idle()
    return count / (end - start)
