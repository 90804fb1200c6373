# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A database of one test's own, and a server for it."""

import subprocess
from contextlib import contextmanager

from support.environment import odoo, paths, postgres, templates
from support.odoo_server import OdooServer

SHELL = 600  # seconds that a script in Odoo's shell may take


@contextmanager
def database(purpose, samples=False, addon=False):
    """Have a database with the addon's dependencies while the body runs.

    :param purpose: a word for its name
    :param samples: with those of the sample addons too
    :param addon: with the addon itself, and no samples
    :return: its name
    """
    variables = postgres.variables()
    if addon:
        template = templates.addon_template(variables)
    else:
        template = templates.template(variables, samples)
    with templates.copy(template, purpose) as name:
        yield name


def environment():
    """Return the environment variables for Odoo's command line."""
    return odoo.environment(postgres.variables())


def shell(name, code, *options):
    """Run Python in Odoo's own shell on a database.

    :param options: more of Odoo's own arguments
    :return: what it prints
    :raises RuntimeError: when it ends with an error, or tells one
    """
    command = odoo.command_line("shell", f"--database={name}", "--no-http", *options)
    process = subprocess.run(
        [*command, "--log-level=error", "--shell-interface=python"],
        input=code,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SHELL,
    )
    if process.returncode or "Traceback" in process.stderr:
        raise RuntimeError(f"Odoo's shell: {process.stderr.strip()[-2000:]}")
    return process.stdout


@contextmanager
def serving(name, log, command=None, keep_log=True, standby=False, **options):
    """Have a server for a database while the body runs, stopped at the end.

    :param log: path of its log file
    :param command: what runs Odoo's command line; the default is the checkout's Odoo
    :param bool keep_log: add to what is in that file already
    :param bool standby: its runner need not hand out jobs, see :class:`OdooServer`
    :param options: further ones of :class:`OdooServer`
    :return: the running ``OdooServer``
    """
    options = {"environment": environment(), **options}
    server = OdooServer(command or odoo.command_line(), name, log, **options)
    try:
        server.start(keep_log=keep_log, standby=standby)
        yield server
    finally:
        server.stop()


@contextmanager
def installed(purpose, variables=None):
    """Have a running server with the addon, in a database of its own.

    It has three workers, cron and queue_job's runner; its log begins when it starts.

    :param purpose: a word for the names of its database and log
    :param variables: its environment, if not the usual one
    :return: the running ``OdooServer``
    """
    options = {"environment": variables or environment()}
    log = paths.LOGS / f"test-{purpose}.log"
    with database(purpose, addon=True) as name:
        with serving(name, log, keep_log=False, **options) as server:
            yield server
