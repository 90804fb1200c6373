# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo's command line in the working environment."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from . import addon, paths, source
from .python import site_packages

HELP = """\
Usage: dev/odoo [COMMAND] [OPTIONS]

Runs Odoo's own command line with the addon, queue_job and a database server:

  dev/odoo -d mine -i queue_job_sync --stop-after-init   install into a database
  dev/odoo -d mine                                       serve it (Ctrl-C ends)
  dev/odoo shell -d mine                                 a Python shell on it
  dev/odoo i18n export -d mine queue_job_sync            translations

The embedded PostgreSQL runs as long as some command needs it. To keep it between
commands: dev/setup --start-postgres, and dev/setup --stop-postgres.
PGHOST, PGPORT, PGUSER and PGPASSWORD name another server to use instead;
ODOO_SOURCE another Odoo 19 source tree. What follows is Odoo's own help.
"""


def command_line(*args):
    """The command that runs Odoo.

    :param args: Odoo's own arguments, its sub-command first if any
    """
    _library, script = source.locate()
    return [str(paths.PYTHON), str(script), *args]


def environment(variables):
    """The environment variables under which Odoo finds everything.

    :param variables: those of the database server
    """
    addons = (
        *source.addons_paths(),
        site_packages() / "odoo/addons",
        addon.refresh(),
        *filter(Path.is_dir, [paths.TEST_ADDONS]),
    )
    config = paths.WORK / "odoo.conf"
    text = (
        "[options]\n"
        f"addons_path = {','.join(map(str, addons))}\n"
        f"data_dir = {paths.DATA_DIR}\n"
    )
    if not config.is_file() or config.read_text() != text:
        config.write_text(text)
    # Odoo runs rtlcss for the languages that are read from right to left
    path = os.pathsep.join((str(paths.NODE_COMMANDS), os.environ.get("PATH", "")))
    return {**os.environ, **variables, "ODOO_RC": str(config), "PATH": path}


def run(args, variables):
    """Run Odoo in the foreground and pass signals on to it.

    :param args: Odoo's own arguments
    :param variables: those of the database server
    :return: Odoo's exit status
    """
    process = subprocess.Popen(command_line(*args), env=environment(variables))

    def forward(number, _frame):
        process.send_signal(number)

    # Ctrl-C reaches Odoo by itself, as it does the whole terminal's group.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    terminate = signal.signal(signal.SIGTERM, forward)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, terminate)


def main(args):
    """What ``dev/odoo`` does."""
    from . import postgres, setup

    if args[:1] in (["--help"], ["-h"]):
        print(HELP, flush=True)
    setup.ensure()
    with postgres.running() as variables:
        status = run(args, variables)
    sys.stdout.flush()
    return status if status >= 0 else 128 - status
