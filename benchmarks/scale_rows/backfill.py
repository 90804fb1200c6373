# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Everything is sent to another system, while the others have had it for years."""

import itertools
import time
from dataclasses import dataclass
from statistics import median

from benchmarks import contacts, peers
from benchmarks.peers import LARGE
from benchmarks.progress import tell
from support.figures import Result, Row

EVERY = 0.5  # seconds between two looks at the table, or two edits
TENTHS = 10


@dataclass(frozen=True)
class _Sent:
    """A backfill: ``seconds`` that each tenth took, and those of edits."""

    tenths: list
    before: list
    meanwhile: list


def measure_pace(scene):
    """Compare the last tenth of all contacts with the first one."""
    sent = scene.once("second", lambda: _send_all(scene))
    each = scene.sizes.scale / TENTHS
    paces = {
        f"tenth {number}": each / took for number, took in enumerate(sent.tenths, 1)
    }
    value = sent.tenths[0] / sent.tenths[-1]
    note = f"{scene.sizes.scale} contacts into a table"
    return Result(value, paces, 1, "/s", note)


def measure_edits(scene):
    """Compare the editor's median in the same backfill with the one before it."""
    sent = scene.once("second", lambda: _send_all(scene))
    figures = {
        "before": 1000 * median(sent.before),
        "meanwhile": 1000 * median(sent.meanwhile),
    }
    note = f"{len(sent.meanwhile)} edits meanwhile, the longest took "
    note += f"{1000 * max(sent.meanwhile):.0f} ms"
    return Result(figures["meanwhile"] / figures["before"], figures, 1, "ms", note)


def _send_all(scene):
    peer, sizes = scene.peers[LARGE], scene.sizes
    ids = itertools.cycle(peer.old_ids(sizes.contacts))

    def edit():
        return peer.save(next(ids), {"street": contacts.text("Road")})

    edit()
    before = []
    for _edit in range(sizes.scale_edits):
        before.append(edit())
        time.sleep(EVERY)
    scene.warehouse.empty()
    stream = peer.admin.search_one(
        "sync.stream", [("name", "=", peers.SQL), ("active", "=", False)]
    )
    peer.admin.write("sync.stream", stream, {"active": True})
    wizard = peer.admin.create("sync.backfill.start", {"stream_id": stream})
    peer.admin.call("sync.backfill.start", "action_start", ids=[wizard])
    meanwhile, moments = [], [time.monotonic()]
    give_up = moments[0] + sizes.scale_patience
    while len(moments) <= TENTHS:
        if time.monotonic() > give_up:
            raise RuntimeError(f"{len(moments) - 1} tenths were sent in time")
        meanwhile.append(edit())
        time.sleep(EVERY)
        tenths = scene.warehouse.count() * TENTHS // sizes.scale
        if tenths >= len(moments):
            moments.append(time.monotonic())
            tell(f"second synchronization: {tenths} tenths")
    seconds = [end - start for start, end in itertools.pairwise(moments)]
    return _Sent(seconds, before, meanwhile)


SECOND_PACE = Row(
    id="second_pace",
    title="pace of another system's first synchronization, last tenth / first tenth",
    goal=0.8,
    peers=(LARGE,),
    measure=measure_pace,
    at_least=True,
)
EDIT_IN_BACKFILL = Row(
    id="edit_in_backfill",
    title="edit one contact while all are sent to another system, meanwhile / before",
    goal=2,
    peers=(LARGE,),
    measure=measure_edits,
)
