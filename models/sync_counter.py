# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from bisect import bisect_left
from collections import Counter
from math import inf

from odoo import api, fields, models
from odoo.tools import SQL

from .loose_link import LooseMany2one

# Upper bounds of the classes of duration, in seconds; a read timeout is 30 by default.
BOUNDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, inf)
# In place of a bound: nothing was sent, so nothing was timed.
NOT_TIMED = 0.0
DELIVERED = "delivered"


class SyncCounter(models.Model):
    """How many attempts there have been, since the addon was installed.

    Whoever logs attempts adds rows here, in the same transaction, and nobody changes
    a row: workers never wait for one another, an attempt that is rolled back is not
    counted, and one that commits late is counted late, but once. A cron sums rows of
    a kind up into one; that is a single statement, so a sum over all rows is always
    right. The log may be purged at any time: it is not what is counted.
    """

    _name = "sync.counter"
    _description = "Attempts Counted"
    _log_access = False
    _rec_name = "result"

    # -- fields ---------------------------------------------------------------

    stream_id = LooseMany2one(
        "sync.stream",
        required=True,
        readonly=True,
        index=True,
        help="What was sent.",
    )
    result = fields.Char(
        required=True, readonly=True, help="delivered, or the kind of failure."
    )
    bound = fields.Float(
        required=True,
        readonly=True,
        help="Seconds that they took at most; 0 if nothing was sent.",
    )
    # floats: an integer column would be full at two billion
    attempts = fields.Float(
        required=True,
        readonly=True,
        help="How often that was the result.",
    )
    retried = fields.Float(
        required=True,
        readonly=True,
        help="Those among them before which the last attempt at the record had failed.",
    )
    seconds = fields.Float(required=True, readonly=True, help="They took together.")

    # -- counting -------------------------------------------------------------

    @api.model
    def _count(self, stream, receipts):
        """Count attempts that are about to be logged.

        :param stream: the ``sync.stream`` that was served
        :param receipts: the transport's answers
        """
        retried = self._failed_before(
            stream.id, [receipt.message.key for receipt in receipts]
        )
        attempts, repeats, seconds = Counter(), Counter(), Counter()
        for receipt in receipts:
            kind = (self._result_of(receipt), self._bound_of(receipt))
            attempts[kind] += 1
            repeats[kind] += receipt.message.key in retried
            seconds[kind] += receipt.duration
        if not attempts:
            return
        rows = [
            SQL(
                "(%s, %s, %s, %s, %s, %s)",
                stream.id,
                *kind,
                count,
                repeats[kind],
                seconds[kind],
            )
            for kind, count in attempts.items()
        ]
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO sync_counter
                       (stream_id, result, bound, attempts, retried, seconds)
                VALUES %s
                """,
                SQL(", ").join(rows),
            )
        )

    @api.model
    def _result_of(self, receipt):
        if receipt.ok:
            return DELIVERED
        return self.env["sync.delivery"]._kind_of(receipt.error) or "other"

    @api.model
    def _bound_of(self, receipt):
        if not receipt.request:
            return NOT_TIMED
        return BOUNDS[bisect_left(BOUNDS, receipt.duration)]

    @api.model
    def _failed_before(self, stream_id, record_ids):
        """Return those of the records whose last logged attempt failed."""
        deliveries = self.env["sync.delivery"]
        deliveries.flush_model(["state"])
        last_ids = deliveries._last_about([(stream_id, id_) for id_ in record_ids], 1)
        rows = self.env.execute_query(
            SQL(
                "SELECT res_id FROM sync_delivery"
                " WHERE id = ANY(%s) AND state = 'failed'",
                last_ids,
            )
        )
        return {id_ for (id_,) in rows}

    # -- cron -----------------------------------------------------------------

    @api.model
    def _cron_sum_up(self):
        """Replace rows of the same kind by their sum."""
        self.env.cr.execute(
            """
            WITH gone AS (
                DELETE FROM sync_counter
                 WHERE (stream_id, result, bound) IN (
                       SELECT stream_id, result, bound FROM sync_counter
                        GROUP BY stream_id, result, bound HAVING count(*) > 1)
             RETURNING *
            )
            INSERT INTO sync_counter
                   (stream_id, result, bound, attempts, retried, seconds)
            SELECT stream_id, result, bound,
                   sum(attempts), sum(retried), sum(seconds)
              FROM gone
             GROUP BY stream_id, result, bound
            """
        )
        self.invalidate_model(flush=False)
