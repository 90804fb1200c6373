# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Cancelling very many jobs at once, as who has selected them all in the list."""

import time

from benchmarks import fill
from benchmarks.peers import BARE, LARGE
from benchmarks.progress import tell
from support.figures import Result, Row

WIZARD = "queue.jobs.to.cancelled"
# What queue_job alone has as many of; it waits for ever, and is never run.
BARE_JOB = """
import datetime
eta = datetime.datetime(2100, 1, 1)
env["res.partner"].browse({id}).with_delay(eta=eta).read(["name"])
env.cr.commit()
"""


def measure(scene):
    """Compare with queue_job alone, on as many jobs, which send nothing."""
    ours, bare = scene.peers[LARGE], scene.peers[BARE]
    count = scene.sizes.scale_cancelled
    (id_,) = bare.old_ids(1)
    scene.shell(bare.database, BARE_JOB.format(id=id_))
    fill.copy_jobs(bare, count - 1)
    tell(f"cancelling {count} jobs of queue_job alone")
    alone = _seconds(bare, count)
    tell(f"cancelling {count} jobs of a synchronization")
    took = _seconds(ours, count)
    figures = {"ours": took, "bare": alone}
    note = f"{count} jobs, each with an undelivered change"
    return Result(took / alone, figures, 1, "s", note)


def _seconds(peer, count):
    waiting = [("state", "=", "pending")]
    ids = peer.web.call("queue.job", "search", waiting, limit=count)
    if len(ids) != count:
        raise RuntimeError(f"{len(ids)} jobs of {peer.name} wait instead of {count}")
    selected = {"active_model": "queue.job", "active_ids": ids, "active_id": ids[0]}
    start = time.perf_counter()
    (wizard,) = peer.web.call(WIZARD, "create", [{}], context=selected)
    if peer.name == BARE:
        peer.web.call(WIZARD, "set_cancelled", [wizard])
    else:
        _in_batches(peer, wizard)
    took = time.perf_counter() - start
    ((left,),) = peer.query(
        "SELECT count(*) FROM queue_job WHERE id = ANY(%s) AND state <> 'cancelled'",
        ids,
    )
    if left:
        raise RuntimeError(f"{left} jobs of {peer.name} are not cancelled")
    return took


def _in_batches(peer, wizard):
    """Do what the web client does: one request after the other."""
    action = peer.web.call(WIZARD, "action_decide", [wizard])
    batches, after = action.get("params", {}), 0
    while "until" in batches and after is not False:
        done = peer.web.call(
            WIZARD, "decide_batch", [wizard], after, batches["until"], batches["total"]
        )
        after = done["after"]


ROW = Row(
    id="cancel_10k",
    title="cancel 10,000 jobs, ours / queue_job alone",
    goal=1.3,
    peers=(BARE, LARGE),
    measure=measure,
)
