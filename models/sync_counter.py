# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from ..engine import standing
from .loose_link import LooseMany2one


class SyncCounter(models.Model):
    """How many attempts there have been, by the hour for those of the last day.

    Whoever logs attempts adds rows here, in the same transaction, and nobody changes
    a row: workers never wait for one another, an attempt that is rolled back is not
    counted, and one that commits late is counted late, but once. A cron sums rows of
    a kind up into one, and forgets the hours that the dashboard shows no more; that is
    a single statement, so a sum over all rows is always right, and never goes down. The
    log may be purged at any time: it is not what is counted.
    """

    _name = "sync.counter"
    _description = "Attempts Counted"
    _log_access = False
    _rec_name = "result"

    stream_id = LooseMany2one(
        "sync.stream", required=True, readonly=True, index=True, help="What was sent."
    )
    result = fields.Char(
        required=True, readonly=True, help="delivered, or the kind of failure."
    )
    bound = fields.Float(
        required=True,
        readonly=True,
        help="Seconds that they took at most; 0 if nothing was sent.",
    )
    hour = fields.Datetime(
        readonly=True,
        help="The clock hour in which they were made; empty for those of earlier days.",
    )
    # floats: an integer column would be full at two billion
    attempts = fields.Float(
        required=True, readonly=True, help="How often that was the result."
    )
    retried = fields.Float(
        required=True,
        readonly=True,
        help="Those among them before which the last attempt at the record had failed, "
        "while there was a token for monitoring.",
    )
    seconds = fields.Float(required=True, readonly=True, help="They took together.")

    # Used by standing.delivered_by_hour
    _hour_index = models.Index("(hour) WHERE hour IS NOT NULL")

    @api.model
    def _cron_sum_up(self):
        """Replace rows of the same kind by their sum."""
        self.env.cr.execute(
            """
            WITH counted AS (
                SELECT id, stream_id, result, bound, hour,
                       CASE WHEN hour >= %s THEN hour END AS kept
                  FROM sync_counter
            ), gone AS (
                DELETE FROM sync_counter
                 WHERE id = ANY(ARRAY(
                       SELECT unnest(array_agg(id)) FROM counted
                        GROUP BY stream_id, result, bound, kept
                       HAVING count(*) > 1 OR bool_or(hour IS DISTINCT FROM kept)))
             RETURNING *
            )
            INSERT INTO sync_counter
                   (stream_id, result, bound, hour, attempts, retried, seconds)
            SELECT stream_id, result, bound, CASE WHEN hour >= %s THEN hour END AS kept,
                   sum(attempts), sum(retried), sum(seconds)
              FROM gone
             GROUP BY stream_id, result, bound, kept
            """,
            [standing.first_hour()] * 2,
        )
        self.invalidate_model(flush=False)
