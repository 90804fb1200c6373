# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


def migrate(cr, version):
    """Let open notes and their keys go on; each request has its own from now on."""
    cr.execute("DROP INDEX IF EXISTS sync_attempt__key_uniq")
    # those that a crash had left: until now, a confirmation answered all before it
    cr.execute(
        """
        DELETE FROM sync_attempt a
         USING sync_binding b
         WHERE b.stream_id = a.stream_id AND b.res_id = a.res_id
           AND a.version < b.version
        """
    )
    cr.execute(
        """
        UPDATE sync_attempt a
           SET creates = a.operation = 'upsert' AND a.content <> ''
                     AND NOT EXISTS (
                         SELECT FROM sync_binding b
                          WHERE b.stream_id = a.stream_id AND b.res_id = a.res_id
                            AND b.external_id IS NOT NULL)
        """
    )
