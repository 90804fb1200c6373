# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How soon after Resume the first job starts where very many wait."""

from benchmarks import contacts, fill, peers, runs
from benchmarks.peers import MANY
from benchmarks.progress import tell
from support.figures import Result, Row
from support.processes import wait_until

PATIENCE = 180  # seconds until the first job has to start
EVERY = 0.1  # seconds between two looks


def measure(scene):
    """Pause the system, have jobs wait for it, and resume it."""
    sizes, peer = scene.sizes, scene.peers[MANY]
    peers.send_to(peer, peers.REST, scene.destination, scene.warehouse)
    peer.wait_until_idle()
    backend = peer.admin.search_one("sync.backend", [("name", "=", peers.REST)])
    peer.admin.call("sync.backend", "action_pause", ids=[backend])
    try:
        _wait_in_vain(scene, peer)
        # The runner reads all jobs, and workers are as those of a busy server.
        peer.restart()
        peer.warm_up()
        runs.count(peer)
        ((start,),) = peer.query("SELECT clock_timestamp()")
        peer.admin.call("sync.backend", "action_resume", ids=[backend])
        seconds = wait_until(
            lambda: runs.seconds_to_first(peer, start), PATIENCE, "a job run", EVERY
        )
    finally:
        runs.stop_counting(peer)
        peer.admin.call("sync.backend", "action_resume", ids=[backend])
        peer.start_over()
    return Result(seconds, {"ours": seconds}, 1, "s", f"{sizes.resumed} jobs")


def _wait_in_vain(scene, peer):
    """Have jobs that wait until the system is resumed, one for each contact."""
    sizes = scene.sizes
    tell(f"{sizes.resumed} waiting jobs")
    # Those that this peer alone has follow one another.
    ids = peer.old_ids(sizes.contacts + 1 + sizes.resumed)[sizes.contacts :]
    if ids[-1] - ids[0] != sizes.resumed:
        raise RuntimeError("the ids of the contacts have holes")
    peer.save(ids[0], {"street": contacts.text("Road")})
    fill.copy_waiting(peer, {"elsewhere": ids[0], "n": sizes.resumed})


ROW = Row(
    id="resume_90k",
    title="first job run after Resume with 90,000 waiting, seconds",
    goal=2,
    peers=(MANY,),
    measure=measure,
)
