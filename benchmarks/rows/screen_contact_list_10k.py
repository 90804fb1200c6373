# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The list of contacts, with how far the systems are with each."""

from benchmarks import screens
from benchmarks.peers import BARE, QUEUE, SCREENS
from support.figures import Row, compared, ratio

STATE = f"{screens.ROW} .o_data_cell[name='sync_state'] *"


def measure(scene):
    """Open the list with its column of states, which waits to be chosen."""
    peer, other = screens.prepared(scene), scene.peers[QUEUE]
    screens.show_column(peer)
    # in the database that has no column to show
    bare = {
        BARE: lambda: screens.opened(other, screens.CONTACTS, screens.ROW, screens.PAGE)
    }
    samples = screens.beside_own_list(
        scene, screens.CONTACTS, STATE, screens.PAGE, **bare
    )
    note = (
        f"of {scene.sizes.contacts} contacts that are synchronized, in a new browser;"
        f" {ratio(samples, SCREENS, QUEUE):.2f} of queue_job's own list of jobs"
    )
    return compared(samples, SCREENS, BARE, "ms", note)


ROW = Row(
    id="screen_contact_list_10k",
    title="open the list of 10,000 contacts with states, ours / without the addon",
    goal=1.3,
    peers=(SCREENS, QUEUE),
    measure=measure,
)
