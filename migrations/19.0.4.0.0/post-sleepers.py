# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tools.sql import column_exists


def migrate(cr, version):
    """Let jobs that wait in the old way sleep in the new one; the cron wakes them.

    Those of a system that is, or was, down or paused had the time of its incident as
    their eta. When they were due before is not known: as soon as they were made. Those
    behind other jobs of synchronizations depended on them; they find out anew.
    """
    if column_exists(cr, "sync_incident", "wait_until"):
        cr.execute(
            """
            UPDATE queue_job AS job
               SET sync_wait_key = 'system:' || job.sync_backend_id,
                   sync_wait_reason = job.result, sync_due = job.date_created
              FROM sync_incident AS incident
             WHERE job.state = 'pending' AND job.sync_wait_key IS NULL
               AND job.sync_backend_id = incident.backend_id
               AND job.eta BETWEEN incident.wait_until - interval '1 minute'
                               AND incident.wait_until + interval '1 minute'
            """
        )
    cr.execute(
        """
        UPDATE queue_job
           SET state = COALESCE(NULLIF(state, 'wait_dependencies'), 'pending'),
               graph_uuid = NULL, dependencies = NULL
         WHERE sync_stream_id IS NOT NULL AND graph_uuid IS NOT NULL
           AND state IN ('wait_dependencies', 'pending', 'enqueued', 'failed')
        """
    )
