# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""What Odoo's daily cleaning drops, in batches, when it has been settled for long."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

# Days that settled rows are kept, and the parameter that may say otherwise.
KEEP_DAYS = 90
KEEP_PARAMETER = "queue_job_sync.delivery_days"
BATCH = 1000


def kept_since(env):
    """Return the time before which what is settled is dropped."""
    parameters = env["ir.config_parameter"].sudo()
    days = int(parameters.get_param(KEEP_PARAMETER) or KEEP_DAYS)
    return fields.Datetime.now() - timedelta(days=days)


class SyncDelivery(models.Model):
    _inherit = "sync.delivery"

    @api.autovacuum
    def _gc_old_deliveries(self):
        """Drop what the log says of attempts older than the setting.

        :return: how many were dropped, and whether there are more; the cleaning
            commits after each call, and calls again while there are
        """
        old = self.search(
            [("date", "<", kept_since(self.env))], order="date, id", limit=BATCH + 1
        )
        old[:BATCH].unlink()
        return len(old[:BATCH]), len(old) > BATCH


class SyncBinding(models.Model):
    _inherit = "sync.binding"

    @api.autovacuum
    def _gc_gone_on_both_sides(self):
        """Drop bindings of records that were deleted here and there.

        Not those of archived records: when they come back, their deliveries must not
        begin to count anew, since notes of requests tell by it what came before.

        :return: as :meth:`SyncDelivery._gc_old_deliveries`
        """
        dropped = 0
        domain = [("model_name", "in", list(self.env.registry))]
        streams = self.env["sync.stream"].with_context(active_test=False)
        for stream in streams.search(domain):
            rows = self.env.execute_query(
                SQL(
                    """
                    DELETE FROM sync_binding WHERE id IN (
                        SELECT b.id FROM sync_binding b
                         WHERE b.stream_id = %(stream)s AND b.last_success < %(since)s
                           AND b.content_hash IS NULL AND b.external_id IS NULL
                           AND NOT EXISTS (
                               SELECT 1 FROM %(table)s r WHERE r.id = b.res_id)
                           AND NOT EXISTS (
                               SELECT 1 FROM sync_outbox o
                                WHERE o.stream_id = b.stream_id
                                  AND o.res_id = b.res_id)
                         LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
                    RETURNING id
                    """,
                    stream=stream.id,
                    since=kept_since(self.env),
                    table=SQL.identifier(self.env[stream.model_name]._table),
                    limit=BATCH,
                )
            )
            self.browse(id_ for (id_,) in rows).invalidate_recordset(flush=False)
            dropped += len(rows)
        return dropped, dropped >= BATCH
