# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How many jobs may send to one system at a time, so that others have their turn.

Slots are few, and all systems share them. One that answers slowly would have them all.
So each job that sends holds one of the places of its system: an advisory lock, which is
given back with the job's transaction, however that ends.
"""

from typing import NamedTuple

from . import health, store

ROOT = "root"
# Slots of a channel without a limit: no server has as many workers.
UNLIMITED = 64


class Share(NamedTuple):
    """The share of the slots that one system may have."""

    places: int
    yields: bool  # the last place is given up as soon as another system needs it
    level: str = ROOT  # the channel whose slots it is a share of


def share(slots, alone, level=ROOT):
    """Return the :class:`Share` of a system.

    It never has the last slot, where there are others. Of two it may have both, as long
    as nobody else needs one.

    :param int slots: how many there are for it and others
    :param bool alone: no other system uses them
    :param level: the channel that they are of
    """
    if alone or slots == 1:
        return Share(slots, False, level)
    return Share(slots - (slots > 2), slots == 2, level)


def slots_of(channel):
    """Return how many jobs of a channel may run, and the channel that says so.

    As queue_job's runner reads its configuration: each channel above has to have room
    as well, and one that is not named has as much as the one above it.

    :param str channel: complete name, such as ``root.crm``
    :return: ``(number, complete name)``
    """
    configured = health.channels()
    parts = channel.split(".")
    above = [".".join(parts[: n + 1]) for n in range(len(parts))]
    limits = [
        (configured[name]["capacity"], name)
        for name in above
        if name in configured and configured[name].get("capacity")
    ]
    # the first of the smallest: what is above is shared by more; 0 is no limit
    return min(limits, key=lambda found: found[0], default=(UNLIMITED, ROOT))


def take(backend):
    """Take a place of a system until the transaction is over.

    :param backend: the ``sync.backend``
    :return: the number of the place, from 1, or 0 if all are taken
    """
    return store.take_place(backend.env.cr, backend.id, backend._share().places)


def is_free(backend):
    """Return whether a job of a system would find a place that it could keep."""
    mine, number = backend._share(), take(backend)
    if mine.yields and number == mine.places:
        return not _is_awaited(backend, None, None, True)
    return number > 0


def _is_awaited(backend, uuid, priority, yields):
    """Return whether a job of another system needs one of the slots that one has."""
    cr, mine = backend.env.cr, backend._share()
    channels = store.channels_that_wait(cr, backend.id, uuid, priority, yields)
    return any(slots_of(channel)[1] == mine.level for channel in channels)


def is_needed(cr, stream, place, uuid, priority):
    """Return whether something more urgent waits for what a job has.

    For its slot, a job of another system; for its place, one of another synchronization
    of the same system.

    :param int place: that the job has
    :param str uuid: of the job
    :param priority: of what it is sending, if not its own
    """
    backend = stream.env(cr=cr)["sync.backend"].browse(stream._facts().backend_id)
    mine = backend._share()
    yields = mine.yields and place == mine.places
    if _is_awaited(backend, uuid, priority, yields):
        return True
    key = f"system:{backend.id}"
    return store.sleeps_urgently(cr, key, stream.id, uuid, priority)
