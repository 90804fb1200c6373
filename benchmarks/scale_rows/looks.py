# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long somebody waits for what a screen asks of the server."""

import time
from statistics import median

from support.figures import Result

# A screen is quick within a second. One that Odoo itself takes long for, with the
# same records and without what the addon adds, may take this many times as long.
SECOND, TIMES = 1.0, 1.3


def seconds(scene, peer, model, method, *args, **kwargs):
    """Return how long an answer takes, the median of some, as the web client asks.

    :param peer: the :class:`~benchmarks.peer.Peer`
    """
    times = []
    for _look in range(scene.sizes.scale_looks):
        start = time.perf_counter()
        peer.web.call(model, method, *args, **kwargs)
        times.append(time.perf_counter() - start)
    return median(times)


def worst(scene, times, bare=None, note=""):
    """Return the :class:`Result` of looks of which each is to be quick.

    :param times: seconds by name of the look
    :param bare: seconds by the same names, without what the addon adds
    """
    bare = bare or {}
    shares = [
        took / max(SECOND, TIMES * bare.get(name, 0)) for name, took in times.items()
    ]
    told = {**times, **{f"{name}, bare": took for name, took in bare.items()}}
    return Result(max(shares), told, scene.sizes.scale_looks, "s", note)
