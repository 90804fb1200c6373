# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The soak's command line. Only the standard library: it is read before the set-up."""

import argparse
import random

DESCRIPTION = """\
Editors change a set of contacts while workers, the job runner, all of Odoo and
PostgreSQL are killed, and the CRM, a shop that ignores idempotency keys, and the
warehouse hang, fail, lose answers, refuse, say one thing and do another, are slow and
go down. One contact is edited again and again while its delivery hangs. Somebody looks
for records that may be there already, and says so. In the end everything is compared.
The last line is one JSON object, and the exit status is 0 only if its mismatches, lost,
duplicates, stale_overwrites, editor_failures, stuck, crossed and doubted_wrongly are
all 0. Everything runs on the loopback address, on servers of its own, and ends by
itself.
"""


def parse(arguments=None):
    """Read the command line.

    :param arguments: list of texts; the default is what the process was started with
    :return: namespace with ``seconds``, ``seed``, ``editors``, ``contacts``,
        ``edits``, ``kills``, ``outages``, ``settle`` (seconds) and ``keep``
    """
    parser = argparse.ArgumentParser(prog="e2e/soak", description=DESCRIPTION)
    for name, kind, default, text in (
        ("seconds", _positive, 60, "how long contacts are edited, beside restarts"),
        ("editors", _positive, 4, "users who edit at once"),
        ("contacts", _positive, 50, "contacts that are edited again and again"),
        ("edits", _positive, 600, "changes of contacts, spread over the time"),
        ("kills", _count, 6, "processes killed: workers, runner, Odoo, PostgreSQL"),
        ("outages", _count, 2, "times that a destination is down"),
        ("settle", _positive, 300, "seconds that everything may take to arrive after"),
    ):
        text += " (default: %(default)s)"
        parser.add_argument(f"--{name}", type=kind, default=default, help=text)
    parser.add_argument(
        "--seed", type=int, help="number that the course follows from; default: random"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the databases and logs of the run"
    )
    parsed = parser.parse_args(arguments)
    if parsed.seed is None:
        parsed.seed = random.randrange(1_000_000)
    if parsed.contacts < 2 * parsed.editors:
        parser.error("--contacts: at least two for each editor")
    return parsed


def _count(text):
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is less than 0")
    return number


def _positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number
