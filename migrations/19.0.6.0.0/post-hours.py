# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.addons.queue_job_sync.engine import standing
from odoo.addons.queue_job_sync.engine.store import DELIVERED, NOT_TIMED


def migrate(cr, version):
    """Count the deliveries of the last day by the hour: the dashboard reads no log.

    What monitoring reads is the sum over all hours. It stays as it is: those that had
    a token have been counted, and for the others that begins now.
    """
    cr.execute(
        """
        WITH hourly AS (
            SELECT stream_id, date_trunc('hour', date) AS hour, count(*) AS number
              FROM sync_delivery
             WHERE date >= %(start)s AND state = 'success' AND stream_id IS NOT NULL
             GROUP BY stream_id, date_trunc('hour', date)
        )
        INSERT INTO sync_counter
               (stream_id, result, bound, hour, attempts, retried, seconds)
        SELECT stream_id, %(result)s, %(bound)s, hour, number, 0, 0
          FROM hourly
         UNION ALL
        SELECT stream_id, %(result)s, %(bound)s, NULL, -sum(number), 0, 0
          FROM hourly GROUP BY stream_id
        """,
        {
            "start": standing.first_hour(),
            "result": DELIVERED,
            "bound": NOT_TIMED,
        },
    )
