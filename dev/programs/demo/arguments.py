# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The demo's command line. Only the standard library: it is read before the set-up."""

import argparse

from support import processes
from support.environment.console import Failure


def parse():
    """Read the command line.

    :return: namespace with ``once`` and ``port`` (None takes a free one)
    :raises Failure: when the port is taken
    """
    parser = argparse.ArgumentParser(
        prog="dev/demo",
        description="Sets up everything, then shows a contact travel from Odoo to a "
        "REST system and to a PostgreSQL table, what happens when the REST system is "
        "down, and how the job gets through in the end. Then it keeps serving until "
        "Ctrl-C. The databases demo and warehouse are made anew.",
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="end by itself; the last line is one JSON object with what was observed, "
        "and the exit status is 0 only if all of it happened",
    )
    parser.add_argument("--port", type=int, help="port for Odoo; default: a free one")
    arguments = parser.parse_args()
    if arguments.port is not None:
        if not 1024 <= arguments.port <= 65535:
            raise Failure(f"--port {arguments.port}: not between 1024 and 65535.")
        if not processes.port_is_free(arguments.port):
            raise Failure(f"--port {arguments.port}: another program listens there.")
    return arguments
