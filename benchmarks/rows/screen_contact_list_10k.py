# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The list of contacts, with how far the systems are with each."""

from benchmarks import screens
from benchmarks.peers import QUEUE, SCREENS
from support.figures import Row, compared

STATE = f"{screens.ROW} .o_data_cell[name='sync_state'] *"


def measure(scene):
    """Open the list with its column of states, which waits to be chosen."""
    peer = screens.prepared(scene)
    screens.show_column(peer)
    samples = screens.beside_own_list(scene, screens.CONTACTS, STATE, screens.PAGE)
    note = f"of {scene.sizes.contacts} contacts that are synchronized, in a new browser"
    return compared(samples, SCREENS, QUEUE, "ms", note)


ROW = Row(
    id="screen_contact_list_10k",
    title="open the list of 10,000 contacts with their states / queue_job's own list",
    goal=1.3,
    peers=(SCREENS, QUEUE),
    measure=measure,
)
