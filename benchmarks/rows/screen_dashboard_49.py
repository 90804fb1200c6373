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
    left = []

    def draining(look, *asked):
        if left and left[-1] < scene.sizes.contacts / 2:
            screens.fill(peer, scene.sizes)
        peer.resume()
        try:
            took = look(*asked)
            left.append(peer.open_jobs())
        finally:
            peer.pause()
        return took

    meanwhile = in_turns(
        scene.sizes.rounds,
        {
            DRAINING: lambda: draining(
                screens.opened,
                *(peer, screens.DASHBOARD, screens.CARD, screens.SYSTEMS),
            ),
            BESIDE: lambda: draining(screens.own_list, scene),
            # whoever opens anything waits for so long
            BARE: lambda: draining(
                screens.opened, *(peer, screens.BARE, screens.ROW, 1)
            ),
        },
    )
    figures = {**medians(held), **medians(meanwhile)}
    note = (
        f"until all cards are shown, in a new browser; {scene.sizes.contacts} jobs,"
        f" never less than {min(left)}; {ratio(held, SCREENS, QUEUE):.2f} of"
        f" queue_job's own list, {ratio(meanwhile, DRAINING, BESIDE):.2f} meanwhile"
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
