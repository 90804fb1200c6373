# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Cursors that see what others commit meanwhile."""

from contextlib import contextmanager


@contextmanager
def cursor(registry):
    """Yield a cursor of its own, committed on leaving, that is READ COMMITTED.

    Odoo's are REPEATABLE READ: to write a row that another transaction has changed
    since the first statement is an error there, and the whole work begins again. Here
    each statement sees what is committed by then, and waits for who is about to.

    :param registry: of the database
    """
    with registry.cursor() as cr:
        # nothing has been executed yet
        cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        yield cr
