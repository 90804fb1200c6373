# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A database of one test's own, and a server for it."""

from contextlib import contextmanager

from devenv import databases, odoo, postgres
from e2e.odoo_server import OdooServer


@contextmanager
def database(purpose, samples=False):
    """Have a database with the addon's dependencies while the body runs.

    :param purpose: a word for its name
    :param samples: with those of the sample addons too
    :return: its name
    """
    template = databases.template(postgres.variables(), samples)
    with databases.copy(template, purpose) as name:
        yield name


def environment():
    """Return the environment variables for Odoo's command line."""
    return odoo.environment(postgres.variables())


@contextmanager
def serving(name, log, command=None, **options):
    """Have a server for a database while the body runs, stopped at the end.

    :param log: path of its log file, which is added to
    :param command: what runs Odoo's command line; the default is the checkout's Odoo
    :param options: further ones of :class:`OdooServer`
    :return: the running ``OdooServer``
    """
    options = {"environment": environment(), **options}
    server = OdooServer(command or odoo.command_line(), name, log, **options)
    try:
        server.start(keep_log=True)
        yield server
    finally:
        server.stop()
