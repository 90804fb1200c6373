# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The dashboard of many systems, while all jobs wait and while they are run."""

from benchmarks import screens
from benchmarks.peers import QUEUE, SCREENS
from support.figures import Result, Row, in_turns, medians, ratio

GOAL = 1_500  # milliseconds
DRAINING, BESIDE, BARE = "draining", "queue, meanwhile", "bare, meanwhile"


def measure(scene):
    """Open it with a full queue, then let the queue go and open it again."""
    peer = screens.prepared(scene)
    held = screens.beside_own_list(
        scene, screens.DASHBOARD, screens.CARD, screens.SYSTEMS
    )
    peer.resume()
    try:
        draining = in_turns(
            scene.sizes.rounds,
            {
                DRAINING: lambda: screens.opened(
                    peer, screens.DASHBOARD, screens.CARD, screens.SYSTEMS
                ),
                BESIDE: lambda: screens.own_list(scene),
                # whoever opens anything waits for so long
                BARE: lambda: screens.opened(peer, screens.BARE, screens.ROW, 1),
            },
        )
        left = peer.open_jobs()
    finally:
        peer.pause()
    figures = {**medians(held), **medians(draining)}
    note = (
        f"until all cards are shown, in a new browser; {scene.sizes.contacts} jobs,"
        f" of which {left} were left; {ratio(held, SCREENS, QUEUE):.2f} of queue_job's"
        f" own list, {ratio(draining, DRAINING, BESIDE):.2f} while draining"
    )
    worst = max(figures[SCREENS], figures[DRAINING])
    return Result(worst, figures, scene.sizes.rounds, "ms", note)


ROW = Row(
    id="screen_dashboard_49",
    title="open the dashboard of 49 systems, full queue or draining, ms",
    goal=GOAL,
    peers=(SCREENS, QUEUE),
    measure=measure,
)
