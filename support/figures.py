# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a row is and what measuring it gives."""

from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass
class Result:
    """What was measured.

    :param value: the row's figure, or None with a ``note`` that says why there is none
    :param peers: the median of each peer, by name
    :param rounds: how often it was measured
    :param unit: of the peers' figures
    :param note: what a reader of the figure has to know
    """

    value: float | None
    peers: dict = field(default_factory=dict)
    rounds: int = 0
    unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One row of the table.

    :param id: its name on the command line
    :param title: what is measured
    :param goal: the figure to reach
    :param at_least: the figure is to be the goal or more, not or less
    :param peers: names of the peers that it needs
    :param measure: function of the ``Scene`` that returns a :class:`Result`
    """

    id: str
    title: str
    goal: float
    peers: tuple
    measure: Any
    at_least: bool = False

    def met(self, value):
        """Tell whether a figure reaches the goal; None where there is none."""
        if value is None:
            return None
        return value >= self.goal if self.at_least else value <= self.goal


def in_turns(rounds, actions):
    """Measure peers in turns, so that what disturbs the machine disturbs them all.

    Every other round goes backwards: who is first has no advantage.

    :param actions: function that returns a figure, by name
    :return: list of figures by name
    """
    samples = {name: [] for name in actions}
    for number in range(rounds):
        names = list(actions)
        for name in names if number % 2 == 0 else reversed(names):
            samples[name].append(actions[name]())
    return samples


def ratio(samples, name, to):
    """Return the median of each round's ratio of two peers."""
    pairs = zip(samples[name], samples[to], strict=True)
    return median(one / other for one, other in pairs)


def compared(samples, name, to, unit, note=""):
    """Return the :class:`Result` of a row that compares two peers.

    :param samples: figures of each round, by name of the peer
    """
    return Result(
        value=ratio(samples, name, to),
        peers=medians(samples),
        rounds=len(samples[name]),
        unit=unit,
        note=note,
    )


def medians(samples):
    """Return the median of each peer's figures, by name."""
    return {name: median(figures) for name, figures in samples.items()}
