# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL


class SyncBinding(models.Model):
    """Records searched by their state.

    What is not delivered is found from the changes and the failed jobs, which are few.
    The other states are conditions on one record that look it up in indexes: a list
    shows 80 records, so it is over long before a million bindings are read.
    """

    _inherit = "sync.binding"

    _skipped_index = models.Index("(stream_id, res_id) WHERE skipped")

    @api.model
    def _state_domain(self, model, state):
        """Return the domain of a model's records in a state.

        A record of which one system failed is failed; else, if any waits, waiting.

        :param model: the model that is searched
        :param state: a key of ``SYNC_STATES``, or ``False`` for records that nothing
            is known of
        """
        streams = tuple(self._streams_of(model._name).ids) or (0,)

        def to_sql(model, alias, _query):
            self.flush_model()
            self.env["sync.outbox"].flush_model()
            self.env["queue.job"].flush_model(["uuid", "state", "sync_stream_id"])
            return self._state_condition(state, streams, SQL.identifier(alias, "id"))

        return Domain.custom(to_sql=to_sql)

    @api.model
    def _state_condition(self, state, streams, res_id):
        """Return the SQL condition for a record in a state."""
        if state == "failed":
            return SQL("%s IN (%s)", res_id, self._failed_query(streams))
        if state == "waiting":
            return SQL(
                "(%(id)s IN (SELECT res_id FROM sync_outbox WHERE stream_id IN %(of)s)"
                " AND %(id)s NOT IN (%(failed)s))",
                id=res_id,
                of=streams,
                failed=self._failed_query(streams),
            )
        open_changes = SQL(
            "EXISTS (SELECT FROM sync_outbox o"
            " WHERE o.stream_id IN %s AND o.res_id = %s)",
            streams,
            res_id,
        )
        skipped = self._has_binding(SQL("skipped"), streams, res_id)
        if state == "skipped":
            return SQL("(%s AND NOT %s)", skipped, open_changes)
        delivered = self._has_binding(SQL("last_success IS NOT NULL"), streams, res_id)
        if state == "synced":
            return SQL("(%s AND NOT %s AND NOT %s)", delivered, skipped, open_changes)
        return SQL("(NOT %s AND NOT %s AND NOT %s)", delivered, skipped, open_changes)

    @api.model
    def _failed_query(self, streams):
        """Return the query for the records of which a system waits for a decision.

        It starts from the failed jobs: they are few among the changes that wait.
        """
        # OFFSET keeps PostgreSQL from reading all changes to join them, twice
        return SQL(
            """
            SELECT o.res_id
              FROM queue_job j
             CROSS JOIN LATERAL (
                   SELECT stream_id, res_id FROM sync_outbox
                    WHERE job_uuid = j.uuid OFFSET 0) o
             WHERE j.state = 'failed' AND j.sync_stream_id IN %(streams)s
               AND o.stream_id IN %(streams)s
               AND NOT EXISTS (
                   SELECT FROM sync_outbox other
                    WHERE other.stream_id = o.stream_id AND other.res_id = o.res_id
                      AND NOT EXISTS (
                          SELECT FROM queue_job
                           WHERE uuid = other.job_uuid AND state = 'failed')
                   OFFSET 0)
            """,
            streams=streams,
        )

    @api.model
    def _has_binding(self, condition, streams, res_id):
        return SQL(
            "EXISTS (SELECT FROM sync_binding"
            " WHERE stream_id IN %s AND res_id = %s AND %s)",
            streams,
            res_id,
            condition,
        )
