# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Creating many contacts in one transaction."""

from contextlib import ExitStack

from benchmarks.peers import BARE, NAIVE, OURS, WEBHOOK
from support.figures import Row, compared, in_turns


def measure(scene):
    """Time ``create`` of a list of contacts by the external API.

    The job runners are held meanwhile, so that no peer's jobs take the processor from
    the next one's users; the destination answers at once, for the webhook's sake.
    """
    peers = {name: scene.peers[name] for name in ROW.peers}
    samples = create_in_turns(scene, peers)
    return compared(samples, OURS, BARE, "s", f"{scene.sizes.create} contacts")


def create_in_turns(scene, peers):
    """Return the seconds of each round, by name of the peer.

    :param peers: running peers by name
    """

    def create(peer):
        seconds = peer.create(scene.sizes.create)
        peer.clear_queue()
        return seconds

    with ExitStack() as stack:
        for peer in peers.values():
            stack.enter_context(peer.paused())
            create(peer)  # not counted: the first one of a server is slower
        return in_turns(
            scene.sizes.rounds,
            {name: lambda peer=peer: create(peer) for name, peer in peers.items()},
        )


ROW = Row(
    id="create_bulk",
    title="create 1,000 contacts in one transaction, ours / bare",
    goal=1.05,
    peers=(OURS, BARE, NAIVE, WEBHOOK),
    measure=measure,
)
