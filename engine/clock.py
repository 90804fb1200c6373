# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The time that all nodes agree on: the database's.

The clocks of several servers differ. One that is ten minutes ahead would decide for all
of them how long an outage lasts. So what other transactions act on is written in the
time of the database, in whole seconds as Odoo's own fields have it.
"""

from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

from odoo.addons.queue_job.exception import RetryableJobError


def now(cr):
    """Return when the transaction began, by the database's clock (UTC, naive).

    :param cr: cursor; it asks once in a transaction
    """
    return cr.now().replace(microsecond=0)


def after(cr, seconds):
    """Return the time so many seconds later than :func:`now`."""
    return now(cr) + timedelta(seconds=seconds)


def current(cr):
    """Return what the database's clock shows, however long the transaction lasts."""
    cr.execute("SELECT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC')")
    return cr.fetchone()[0]


@contextmanager
def keeping_etas(cr):
    """Let a job that asks to be run again come back by the database's clock.

    queue_job adds the seconds of a ``RetryableJobError`` to the time of the node that
    ran the job. They are corrected by what that node is ahead or behind. The node of
    the runner compares with its own clock: nothing can be done about that one.

    :param cr: of the job, whose transaction has just begun
    """
    here = datetime.now(timezone.utc).replace(tzinfo=None)
    ahead = (here - cr.now()).total_seconds()
    # what the transaction has lasted until now counts as well, and does not matter
    try:
        yield
    except RetryableJobError as error:
        if abs(ahead) > 1 and error.seconds:
            error.seconds = _shifted(error.seconds, -ahead)
        raise


def _shifted(seconds, by):
    """Return seconds, or a range of them, so much longer or shorter.

    Never 0, for which queue_job would take its own pattern.
    """
    if isinstance(seconds, list | tuple):
        return type(seconds)(_shifted(each, by) for each in seconds)
    return round(seconds + by) or 1
