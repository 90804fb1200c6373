# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How much of everything is measured."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Sizes:
    """Counts of a run.

    ``rounds``: how often each row is measured; the others are counts per round,
    what has no count (``latency``, ``outage``, ...) is in seconds.
    """

    rounds: int = 5
    contacts: int = 10_000  # that each database has from the start
    create: int = 1_000
    edits: int = 40
    hang_edits: int = 15
    pickups: int = 20
    drain: int = 10_000
    drain_naive: int = 1_500  # its rate is steady
    drain_singly: int = 3_000  # likewise
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
    hot_edits: int = 200
    hang: float = 20
    few_rounds: int = 2  # of the rows that take minutes each time
    singles: int = 2_000
    singles_naive: int = 400  # their rate is steady
    fair_few: int = 1_000
    fair_many: int = 30_000
    fair_latency: float = 10
    fair_settled: float = 20
    fair_patience: float = 180
    slow_batch: int = 100
    slow_latency: float = 12
    time_limit: int = 120  # Odoo's own
    slow_patience: float = 600
    bulk: int = 40_000
    bulk_patience: float = 180
    resumed: int = 90_000
    scale: int = 1_000_000  # contacts that are synchronized, with benchmarks/scale
    scale_deliveries: int = 5_000_000
    scale_waiting: int = 10_000
    scale_failed: int = 2_000
    scale_cancelled: int = 10_000
    scale_looks: int = 3
    scale_edits: int = 40
    scale_patience: float = 3_600


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
    drain_singly=400,
    drain_rounds=1,
    imported=600,
    backfill=5_000,
    done_jobs=50_000,
    waiting_jobs=5_000,
    bindings=50_000,
    outage_jobs=500,
    outage=40,
    hot_edits=40,
    hang=5,
    few_rounds=1,
    singles=150,
    singles_naive=60,
    fair_few=60,
    fair_many=1_000,
    fair_latency=3,
    fair_settled=5,
    fair_patience=30,
    slow_latency=3,
    time_limit=30,
    slow_patience=120,
    bulk=4_000,
    bulk_patience=60,
    resumed=4_000,
    scale=20_000,
    scale_deliveries=60_000,
    scale_waiting=400,
    scale_failed=100,
    scale_cancelled=300,
    scale_edits=12,
    scale_patience=600,
)


def of(arguments):
    """Return the sizes that the command line asks for."""
    sizes = QUICK if arguments.quick else FULL
    if arguments.rounds:
        names = ("rounds", "drain_rounds", "import_rounds", "few_rounds")
        sizes = replace(sizes, **dict.fromkeys(names, arguments.rounds))
    return sizes
