# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import SQL

# Notes that are looked after in one go; the rest is for the next run.
SWEEP_BATCH = 1000


class SyncAttempt(models.Model):
    """Notes that nobody has looked after."""

    _inherit = "sync.attempt"

    @api.model
    def _send_over_forgotten(self):
        """Have records sent once more where a request may have come late, and commit.

        Jobs see to that themselves, see ``sync.binding._close_notes``. Here it is about
        a worker that had lost its connection, noted its request after the next one had
        looked, and died before it could say so; and about notes that a crash has
        brought back, most of which tell of what is there anyway.
        """
        with self.env.registry.cursor() as cr:
            env = self.env(cr=cr)
            found = env.execute_query(self._forgotten_query())
            in_use = env["sync.stream"]._in_use()
            late = {}
            for _id, stream_id, res_id, is_same in found:
                if not is_same and stream_id in in_use._ids:
                    late.setdefault(stream_id, {})[res_id] = ()
            env["sync.attempt"]._end(
                closed=[id_ for id_, _stream, _record, is_same in found if is_same],
                over=[
                    id_
                    for id_, stream_id, res_id, _same in found
                    if res_id in late.get(stream_id, ())
                ],
            )
            for stream_id, records in late.items():
                stream = in_use.browse(stream_id)
                env["sync.binding"]._send_once_more(stream, records)

    @api.model
    def _forgotten_query(self):
        """Return the query for notes that a confirmation has left, as :class:`SQL`.

        Their requests can no longer arrive, and nothing is on its way for the record.
        Its columns: id, stream id, record id, whether the destination has confirmed the
        same content.
        """
        return SQL(
            """
            SELECT a.id, a.stream_id, a.res_id,
                   a.digest IS NOT DISTINCT FROM b.content_hash
              FROM sync_attempt a
              JOIN sync_binding b ON b.stream_id = a.stream_id AND b.res_id = a.res_id
             WHERE a.late_until < now() AT TIME ZONE 'utc'
               AND a.version < b.version AND NOT b.skipped
               AND NOT EXISTS (
                   SELECT FROM sync_outbox o
                    WHERE o.stream_id = a.stream_id AND o.res_id = a.res_id)
             ORDER BY a.id LIMIT %s
            """,
            SWEEP_BATCH,
        )
