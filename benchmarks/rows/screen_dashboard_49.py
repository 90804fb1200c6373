# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The dashboard of many systems, while all jobs wait and while they are run."""

from benchmarks import screens
from benchmarks.peers import QUEUE, SCREENS
from support.figures import Result, Row, in_turns, medians, ratio

GOAL = 1_500  # milliseconds
# An administrator who watches a queue drain has opened the dashboard before.
SEEN = 2
DRAINING, BESIDE, BARE = "draining", "queue, draining", "bare, draining"
NEW, NEW_BESIDE = "draining, new browser", "queue, draining, new browser"
NEW_BARE = "bare, draining, new browser"


def measure(scene):
    """Open it with a full queue, then let the queue go and open it again."""
    peer, other = screens.prepared(scene), scene.peers[QUEUE]
    held = screens.beside_own_list(
        scene, screens.DASHBOARD, screens.CARD, screens.SYSTEMS
    )
    dashboard = peer, screens.DASHBOARD, screens.CARD, screens.SYSTEMS
    own_list = other, screens.JOBS, screens.ROW, screens.PAGE
    # whoever opens anything waits for so long
    smallest = peer, screens.BARE, screens.ROW, 1
    left = []

    def draining(seen, *screen):
        if left and left[-1] < scene.sizes.contacts / 2:
            screens.fill(peer, scene.sizes)
        where, *asked = screen
        with screens.browser_of(where) as page:
            for _time in range(seen):
                page.milliseconds_until(*asked)
            peer.resume()
            try:
                took = page.milliseconds_until(*asked)
                left.append(peer.open_jobs())
            finally:
                peer.pause()
        return took

    meanwhile = in_turns(
        scene.sizes.rounds,
        {
            DRAINING: lambda: draining(SEEN, *dashboard),
            BESIDE: lambda: draining(SEEN, *own_list),
            BARE: lambda: draining(SEEN, *smallest),
            NEW: lambda: draining(0, *dashboard),
            NEW_BESIDE: lambda: draining(0, *own_list),
            NEW_BARE: lambda: draining(0, *smallest),
        },
    )
    figures = {**medians(held), **medians(meanwhile)}
    note = (
        f"until all cards are shown: the full queue in a new browser, draining in one"
        f" that has shown it {SEEN} times; {scene.sizes.contacts} jobs, never less than"
        f" {min(left)}; {ratio(held, SCREENS, QUEUE):.2f} of queue_job's own list,"
        f" {ratio(meanwhile, DRAINING, BESIDE):.2f} meanwhile,"
        f" {ratio(meanwhile, NEW, NEW_BESIDE):.2f} in new browsers"
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
