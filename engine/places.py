# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How many jobs may send to one system at a time, so that others have their turn.

Slots are few, and all systems share them. One that answers slowly would have them all.
So each job that sends holds one of the places of its system: an advisory lock, which is
given back with the job's transaction, however that ends.
"""

from typing import NamedTuple

from odoo.addons.queue_job.jobrunner import runner
from odoo.addons.queue_job.jobrunner.channels import ChannelManager

from . import store

ROOT = "root"


class Share(NamedTuple):
    """The share of the slots that one system may have."""

    places: int
    yields: bool  # the last place is given up as soon as another system needs it


def share(slots, alone):
    """Return the :class:`Share` of a system.

    It never has the last slot, where there are others. Of two it may have both, as long
    as nobody else needs one.

    :param int slots: how many there are for it and others
    :param bool alone: no other system uses them
    """
    if alone or slots == 1:
        return Share(slots, False)
    return Share(slots - 1, False) if slots > 2 else Share(slots, True)


def slots_of(channel):
    """Return how many jobs of a channel may run, and the channel that says so.

    As queue_job's runner reads its configuration: each channel above has to have room
    as well, and one that is not named has as much as the one above it.

    :param str channel: complete name, such as ``root.crm``
    :return: ``(number, complete name)``
    """
    capacities = {ROOT: 1}
    for each in ChannelManager.parse_simple_config(runner._channels()):
        name = each["name"]
        if name.partition(".")[0] != ROOT:
            name = f"{ROOT}.{name}"
        capacities[name] = each.get("capacity", 1)
    parts = channel.split(".")
    above = [".".join(parts[: n + 1]) for n in range(len(parts))]
    # the first of the smallest: what is above is shared by more
    return min(
        ((capacities[name], name) for name in above if name in capacities),
        key=lambda found: found[0],
    )


def take(backend):
    """Take a place of a system until the transaction is over.

    :param backend: the ``sync.backend``
    :return: the number of the place, from 1, or 0 if all are taken
    """
    return store.take_place(backend.env.cr, backend.id, backend._share().places)
