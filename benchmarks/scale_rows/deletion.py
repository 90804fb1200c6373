# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Saving a contact while a synchronization of all of them is deleted."""

import itertools
import time

from benchmarks import contacts
from benchmarks.peers import LARGE, SECOND
from benchmarks.progress import tell
from support.figures import Result, Row

PAUSE = 0.1  # seconds between two edits
PATIENCE = 600  # seconds that are looked at, at most


def measure(scene):
    """Edit one contact after the other from the click on Delete until it is gone."""
    peer = scene.peers[LARGE]
    ids = itertools.cycle(peer.old_ids(scene.sizes.contacts))
    stream = peer.admin.search_one("sync.stream", [("name", "=", SECOND)])
    tell("deleting a synchronization")
    start = time.monotonic()
    peer.admin.call("sync.stream", "action_delete", ids=[stream])
    times = [time.monotonic() - start]
    while _is_there(peer, stream) and time.monotonic() - start < PATIENCE:
        times.append(peer.save(next(ids), {"street": contacts.text("Road")}))
        time.sleep(PAUSE)
    took = time.monotonic() - start
    ((left,),) = peer.query(
        "SELECT count(*) FROM sync_binding WHERE stream_id = %s", stream
    )
    note = f"{len(times) - 1} edits in {took:.0f} s; the click too; {left} records left"
    return Result(max(times), {"click": times[0], "ours": max(times)}, 1, "s", note)


def _is_there(peer, stream):
    return bool(peer.query("SELECT 1 FROM sync_stream WHERE id = %s", stream))


ROW = Row(
    id="save_in_deletion",
    title="longest save while a synchronization of all contacts is deleted, seconds",
    goal=1,
    peers=(LARGE,),
    measure=measure,
)
