# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

import psycopg2

from odoo import fields, models
from odoo.tools import SQL

from ..engine.store import read_committed
from ..exceptions import RateLimited
from ..transports.pace import Slots, slots_within
from .loose_link import LooseMany2one

_logger = logging.getLogger(__name__)

# Seconds to wait for another worker that is reserving, and after a failure to.
PATIENCE = 5


class SyncRate(models.Model):
    """The next turn to send to a system, for the workers of all nodes together.

    One row for each system with a limit. Its time is that of the database: the
    clocks of several nodes differ.
    """

    _name = "sync.rate"
    _description = "Next Turn to Send"
    _log_access = False
    _rec_name = "backend_id"

    backend_id = LooseMany2one(
        "sync.backend",
        required=True,
        readonly=True,
        help="The system whose limit this is about.",
    )
    rate = fields.Float(
        readonly=True, help="Requests per second that the turns were reserved at."
    )
    next_turn = fields.Float(
        readonly=True, help="Seconds since 1970 of the first turn that is free."
    )

    _backend_uniq = models.UniqueIndex("(backend_id)")


def reserve(registry, backend_id, count, span, patience):
    """Reserve turns to send, and commit; any thread may do so.

    Not a method: the threads that send must not touch an environment. The cursor is
    READ COMMITTED, so that a worker waits for another one instead of failing, and so
    that a limit that was changed meanwhile holds at once.

    :param registry: of the database
    :param int count: turns that are of use, at most
    :param float span: seconds' worth of turns to reserve, at most
    :param float patience: seconds that the first may be away, at most
    :rtype: Slots
    :raises RateLimited: the turn could not be reserved
    """
    try:
        with read_committed(registry) as cr:
            return _reserve(cr, backend_id, count, span, patience)
    except psycopg2.Error:
        # what was sent before it has receipts that must not be lost
        _logger.exception("No turn to send to system %s could be reserved", backend_id)
        raise RateLimited(
            "The limit on requests could not be read.", PATIENCE
        ) from None


def _reserve(cr, backend_id, count, span, patience):
    cr.execute(SQL("SET LOCAL lock_timeout = %s", f"{PATIENCE}s"))
    cr.execute(
        SQL(
            """
            INSERT INTO sync_rate (backend_id, rate, next_turn) VALUES (%s, 0, 0)
            ON CONFLICT (backend_id)
            -- takes the lock, also when there is nothing to change
            DO UPDATE SET rate = sync_rate.rate
            RETURNING rate, next_turn
            """,
            backend_id,
        )
    )
    ((old_rate, next_turn),) = cr.fetchall()
    # a statement of its own: while the other one waited, time went by
    cr.execute(
        SQL(
            """
            SELECT rate_limit, extract(epoch FROM clock_timestamp())::float8
              FROM sync_backend WHERE id = %s
            """,
            backend_id,
        )
    )
    ((rate, now),) = cr.fetchall()
    if not rate or rate <= 0:
        return Slots(0, 0, 0)
    # turns that were reserved at another rate do not count any more
    first = max(next_turn, now) if old_rate == rate else now
    delay = first - now
    if delay > patience:
        return Slots(delay, 0, rate)
    number = slots_within(rate, count, span)
    cr.execute(
        SQL(
            "UPDATE sync_rate SET rate = %s, next_turn = %s WHERE backend_id = %s",
            rate,
            first + number / rate,
            backend_id,
        )
    )
    return Slots(delay, number, rate)
