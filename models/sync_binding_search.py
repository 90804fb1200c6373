# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from .sync_binding import LIVE_STATES


class SyncBinding(models.Model):
    """Records searched by their state.

    Each state is a condition on one record that looks it up in indexes. A list shows
    80 records, so it is over long before a million bindings are read.
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
            self.env["queue.job"].flush_model(["uuid", "state"])
            return self._state_condition(state, streams, SQL.identifier(alias, "id"))

        return Domain.custom(to_sql=to_sql)

    @api.model
    def _state_condition(self, state, streams, res_id):
        """Return the SQL condition for a record in a state."""
        open_changes = SQL(
            "EXISTS (SELECT FROM sync_outbox o"
            " WHERE o.stream_id IN %s AND o.res_id = %s)",
            streams,
            res_id,
        )
        live = "EXISTS (SELECT FROM queue_job j WHERE j.uuid = %s AND j.state IN %s)"
        # a system of which no change is left to a live job
        failed = SQL(
            """EXISTS (
            SELECT FROM sync_outbox o
             WHERE o.stream_id IN %s AND o.res_id = %s
               AND o.job_uuid IS NOT NULL AND NOT %s
               AND NOT EXISTS (
                   SELECT FROM sync_outbox other
                    WHERE other.stream_id = o.stream_id AND other.res_id = o.res_id
                      AND (other.job_uuid IS NULL OR %s)))""",
            streams,
            res_id,
            SQL(live, SQL("o.job_uuid"), LIVE_STATES),
            SQL(live, SQL("other.job_uuid"), LIVE_STATES),
        )
        if state == "failed":
            return failed
        if state == "waiting":
            return SQL("(%s AND NOT %s)", open_changes, failed)
        skipped = self._has_binding(SQL("skipped"), streams, res_id)
        if state == "skipped":
            return SQL("(%s AND NOT %s)", skipped, open_changes)
        delivered = self._has_binding(SQL("last_success IS NOT NULL"), streams, res_id)
        if state == "synced":
            return SQL("(%s AND NOT %s AND NOT %s)", delivered, skipped, open_changes)
        return SQL("(NOT %s AND NOT %s AND NOT %s)", delivered, skipped, open_changes)

    @api.model
    def _has_binding(self, condition, streams, res_id):
        return SQL(
            "EXISTS (SELECT FROM sync_binding"
            " WHERE stream_id IN %s AND res_id = %s AND %s)",
            streams,
            res_id,
            condition,
        )
