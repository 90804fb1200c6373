# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The command line. Only the standard library: it is read before the set-up."""

import argparse
from dataclasses import dataclass

COMPARED = """\
Measures the addon beside Odoo without it, the tutorial way, Odoo's own webhook and
plain loops, on real servers on the loopback address, in turns, so that a machine that
gets slower does so for all. benchmarks/README.md says what each row means.
"""
ROWS = (
    "create_bulk",
    "edit_one",
    "edit_hang",
    "hot_contact",
    "pickup_ms",
    "lone_edit",
    "drain_rest",
    "drain_many",
    "drain_singles",
    "drain_singles_500",
    "drain_sql",
    "drain_sql_limit",
    "import_csv",
    "backfill_memory",
    "million",
    "outage_runs",
    "resume_90k",
    "fair_start",
    "fair_start_30k",
    "slow_batch",
    "slow_batch_sent",
    "bulk_behind_edit",
    "screen_contact_list_10k",
    "screen_jobs_10k",
    "screen_dashboard_49",  # the last: it lets the jobs go
)
AT_SCALE = """\
Fills a database with a million contacts, two million synchronized records and five
million deliveries, by SQL, and measures what people do there: some forty minutes, and
some ten gigabytes of disk while it runs. benchmarks/README.md says what each row means.
"""
SCALE_ROWS = (
    "deliveries",
    "filters",
    "dashboard",
    "cancel_10k",
    "second_pace",
    "edit_in_backfill",
    "save_in_deletion",
)


@dataclass(frozen=True)
class Command:
    """A command that measures rows.

    :param name: of the program
    :param about: what it does
    :param rows: ids of what it can measure
    """

    name: str
    about: str
    rows: tuple


RUN = Command("run", COMPARED, ROWS)
SCALE = Command("scale", AT_SCALE, SCALE_ROWS)


def parse(command=RUN, arguments=None):
    """Read the command line.

    :param command: the :class:`Command` that is run
    :param arguments: list of texts; the default is what the process was started with
    :return: namespace with ``quick``, ``json``, ``rows`` (ids), ``rounds`` (a number,
        or None for each row's own), ``before`` (a commit, or None) and ``keep``
    """
    parser = argparse.ArgumentParser(
        prog=f"benchmarks/{command.name}", description=command.about
    )
    parser.add_argument(
        "--quick", action="store_true", help="smaller counts, within ten minutes"
    )
    parser.add_argument(
        "--json", action="store_true", help="the last line is one JSON object"
    )
    parser.add_argument(
        "--rows",
        type=lambda text: _rows(text, command.rows),
        default=command.rows,
        metavar="ID,ID",
        help=f"only these: {', '.join(command.rows)}",
    )
    parser.add_argument(
        "--rounds", type=_positive, help="how often each row is measured"
    )
    parser.add_argument(
        "--before",
        metavar="COMMIT",
        help="compare with the addon as it was at a commit, where a row does so",
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the databases and logs of the run"
    )
    return parser.parse_args(arguments)


def _rows(text, rows):
    names = text.split(",")
    for name in names:
        if name not in rows:
            raise argparse.ArgumentTypeError(f"there is no row {name!r}")
    return tuple(row for row in rows if row in names)


def _positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number
