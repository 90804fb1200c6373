# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from .loose_link import LooseMany2one


class SyncCounter(models.Model):
    """How many attempts there have been while there was a token for monitoring.

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
    # floats: an integer column would be full at two billion
    attempts = fields.Float(
        required=True, readonly=True, help="How often that was the result."
    )
    retried = fields.Float(
        required=True,
        readonly=True,
        help="Those among them before which the last attempt at the record had failed.",
    )
    seconds = fields.Float(required=True, readonly=True, help="They took together.")

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
