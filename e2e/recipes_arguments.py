# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The command line that judges recipes. Only the standard library: it is read before
the set-up.
"""

import argparse

DESCRIPTION = """\
Sets up each recipe in a database of its own, has contacts created, edited, archived,
refused and found there, by Odoo's own jobs, and asks a judge what it holds then: the
real system where it can be had, else the vendor's own OpenAPI file, else a small double
that is written from the vendor's documents. Prints a table; the last line is one JSON
object, and the exit status is 0 only if nothing failed. A cell without a word was not
judged. Everything runs on the loopback address and ends by itself.
"""


def parse(arguments=None):
    """Read the command line.

    :param arguments: list of texts; the default is what the process was started with
    :return: namespace with ``names``, ``all`` and ``write``
    """
    parser = argparse.ArgumentParser(prog="e2e/recipes", description=DESCRIPTION)
    text = "recipes to judge, as their files are called (default: each)"
    parser.add_argument("names", nargs="*", metavar="NAME", help=text)
    text = "also by what takes minutes to install, and by vendors' OpenAPI files"
    parser.add_argument("--all", action="store_true", help=text)
    text = "put the table into docs/systems.md"
    parser.add_argument("--write", action="store_true", help=text)
    parsed = parser.parse_args(arguments)
    if parsed.write and (parsed.names or not parsed.all):
        parser.error("--write goes with --all, and without names")
    return parsed
