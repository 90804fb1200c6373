# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How much of everything is measured."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Sizes:
    """Counts of a run.

    ``rounds``: how often each row is measured; the others are counts per round,
    ``latency`` and ``outage`` are seconds.
    """

    rounds: int = 5
    contacts: int = 10_000  # that each database has from the start
    create: int = 1_000
    edits: int = 40
    hang_edits: int = 15
    pickups: int = 20
    drain: int = 10_000
    drain_naive: int = 1_500  # its rate is steady
    drain_rounds: int = 3
    latency: float = 0.05
    imported: int = 10_000
    import_rounds: int = 3
    backfill: int = 100_000
    backfill_small: int = 1_000
    done_jobs: int = 1_000_000
    waiting_jobs: int = 100_000
    bindings: int = 1_000_000
    outage_jobs: int = 10_000
    outage: int = 600


FULL = Sizes()
QUICK = replace(
    FULL,
    rounds=3,
    contacts=2_000,
    create=300,
    edits=12,
    hang_edits=8,
    pickups=8,
    drain=1_000,
    drain_naive=200,
    drain_rounds=1,
    imported=600,
    backfill=5_000,
    done_jobs=50_000,
    waiting_jobs=5_000,
    bindings=50_000,
    outage_jobs=500,
    outage=40,
)


def of(arguments):
    """Return the sizes that the command line asks for."""
    sizes = QUICK if arguments.quick else FULL
    if arguments.rounds:
        rounds = {"rounds": arguments.rounds, "drain_rounds": arguments.rounds}
        sizes = replace(sizes, **rounds, import_rounds=arguments.rounds)
    return sizes
