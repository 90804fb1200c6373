# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The time that all nodes agree on: the database's.

The clocks of several servers differ. One that is ten minutes ahead would decide for all
of them how long an outage lasts. So what other transactions act on is written in the
time of the database, in whole seconds as Odoo's own fields have it.
"""

from datetime import timedelta


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


def epoch(cr):
    """Return the same in seconds since 1970, as finely as the database has it."""
    cr.execute("SELECT extract(epoch FROM clock_timestamp())::float")
    return cr.fetchone()[0]
