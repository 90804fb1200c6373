# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How fast a full queue drains to a REST destination that takes many at once."""

from benchmarks.drain import drain
from benchmarks.peers import ENDPOINT, NAIVE, OURS, REST, change_stream
from support.figures import Row, compared, in_turns

SIZE = 100  # contacts of one request
SINGLY = "ours, one each"
_LINE = {
    "kind": "many_create",
    "line": f"POST {ENDPOINT}/many",
    "body": '{"contacts": ["{record}"]}',
}
_MANY = {"many_size": SIZE, "many_items": "results"}


def measure(scene):
    """Send new contacts 100 in a request, and one in each."""
    sizes, peer, requests = scene.sizes, scene.peers[OURS], []
    ways = {
        OURS: lambda: _together(scene, requests),
        NAIVE: lambda: drain(scene, scene.peers[NAIVE], REST, sizes.drain_naive),
        SINGLY: lambda: drain(scene, peer, REST, sizes.drain_singly),
    }
    with scene.destination.with_latency(sizes.latency):
        samples = in_turns(sizes.drain_rounds, ways)
    note = (
        f"contacts per second; {sizes.drain} contacts in {max(requests)} requests,"
        f" naive {sizes.drain_naive}, ours one each {sizes.drain_singly};"
        f" {1000 * sizes.latency:g} ms latency"
    )
    return compared(samples, OURS, NAIVE, "/s", note)


def _together(scene, requests):
    """Drain as many to a request as it takes.

    :param requests: is given how many there were
    """
    peer = scene.peers[OURS]
    change_stream(peer, REST, {**_MANY, "request_ids": [(0, 0, _LINE)]})
    try:
        speed = drain(scene, peer, REST, scene.sizes.drain)
        requests.append(scene.destination.counts()["requests"])
    finally:
        change_stream(peer, REST, {**dict.fromkeys(_MANY), "request_ids": [(5, 0, 0)]})
    return speed


ROW = Row(
    id="drain_many",
    title="drain 10,000 contacts to REST, 100 in a request, ours / naive per second",
    goal=10,
    at_least=True,
    peers=(OURS, NAIVE),
    measure=measure,
)
