# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How much more memory a worker needs when everything is sent, not a little."""

from pathlib import Path

from benchmarks import peers
from benchmarks.peers import MANY
from benchmarks.progress import tell
from support import processes
from support.figures import Result, Row

PATIENCE = 3_600  # seconds that a backfill may take
# What Linux tells of a process: the most memory it has ever held, in kB.
PEAK = "VmHWM:"
MEBIBYTE = 1024


def measure(scene):
    """Compare a worker's peak memory in a large and in a small backfill.

    Each has workers of its own, which have answered the same few requests before.
    """
    sizes = scene.sizes
    peer = scene.peers[MANY]
    peers.send_to(peer, peers.SQL, scene.destination, scene.warehouse)
    peaks = {}
    for count in (sizes.backfill_small, sizes.backfill):
        tell(f"backfill_memory: {count} contacts")
        peer.restart()
        with peer.paused():
            peer.warm_up()
        scene.warehouse.empty()
        _backfill(peer, peer.old_ids(count)[-1])
        if scene.warehouse.count() != count:
            raise RuntimeError("the backfill did not send everything")
        peaks[count] = max(map(_peak, peer.server.workers("WorkerHTTP")))
    small, large = peaks.values()
    return Result(
        large / small,
        {f"{count} contacts": peak / MEBIBYTE for count, peak in peaks.items()},
        1,
        "MiB",
        "the largest of the workers; their own start and libraries included",
    )


def _backfill(peer, last_id):
    """Go over all contacts up to one, and wait until that is done."""
    stream = peer.admin.search_one("sync.stream", [("name", "=", peers.SQL)])
    domain = [("id", "<=", last_id), ("email", "=like", "old-%")]
    wizard = peer.admin.create(
        "sync.backfill.start",
        {
            "stream_id": stream,
            "scope": "domain",
            "domain": repr(domain),
            "resend": True,
        },
    )
    peer.admin.call("sync.backfill.start", "action_start", ids=[wizard])

    def done():
        (state,) = peer.query(
            "SELECT state FROM sync_backfill ORDER BY id DESC LIMIT 1"
        )
        return state == ("done",)

    processes.wait_until(done, PATIENCE, "the backfill done", 0.5)


def _peak(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(PEAK))


ROW = Row(
    id="backfill_memory",
    title="peak memory of a worker, backfill of 100,000 contacts / of 1,000",
    goal=1.2,
    peers=(MANY,),
    measure=measure,
)
