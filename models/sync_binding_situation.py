# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import dataclass
from datetime import datetime
from itertools import product

from odoo import api, models
from odoo.tools import SQL

from .record_rows import rows_about

# A record that is in several systems shows the state that most wants attention.
BY_URGENCY = ("failed", "waiting", "skipped", "synced")


@dataclass(frozen=True)
class Situation:
    """How far a system is with a record."""

    state: str  # a key of SYNC_STATES
    since: datetime | None  # UTC, naive


def most_urgent(situations):
    """Return what a record's button says, given how far its systems are.

    :param situations: iterable of :class:`Situation`
    :return: :class:`Situation`, or ``None`` when no system knows the record
    """
    for state in BY_URGENCY:
        found = [each for each in situations if each.state == state]
        if found:
            dates = [each.since for each in found if each.since]
            # how long the oldest change has waited, when the others came about
            choose = min if state == "waiting" else max
            return Situation(state, choose(dates, default=None))
    return None


class SyncBinding(models.Model):
    """How far the systems are with records, for those who look at them."""

    _inherit = "sync.binding"

    @api.model
    def _situations(self, records):
        """Return ``{record id: {stream: Situation}}`` for records of one model.

        Asked whenever a form is opened or saved: one query, and a second one where
        changes are undelivered.
        """
        streams = self._streams_of(records._name)
        found = {id_: {} for id_ in records.ids}
        if not streams or not found:
            return found
        wanted = list(product(streams.ids, found))
        known, undelivered = {}, False
        for stream_id, res_id, is_open, state, since, held in self.env.execute_query(
            self._known_query(wanted)
        ):
            stream = streams.browse(stream_id)
            if state:
                found[res_id][stream] = Situation(state, since)
            if held:
                known.setdefault(stream, set()).add(res_id)
            undelivered = undelivered or is_open
        if undelivered:
            # the last word: more than what is there, what is on its way counts
            for stream_id, res_id, state, since in self.env.execute_query(
                self._open_query(wanted)
            ):
                found[res_id][streams.browse(stream_id)] = Situation(state, since)
        for stream, ids in self.env["sync.outbox"]._noted_ids(records, known).items():
            for id_ in ids if stream in streams else ():
                situation = found[id_].get(stream)
                if not situation or situation.state != "waiting":
                    found[id_][stream] = Situation("waiting", self.env.cr.now())
        return found

    @api.model
    def _known_query(self, pairs):
        """Return the query for what streams have had to do with records.

        Its columns: stream id, record id, whether that is an undelivered change, the
        state and since when of what is settled, and whether the destination holds the
        record, or soon may.

        :param pairs: list of ``(stream id, record id)``
        """
        self.env["sync.outbox"].flush_model(["stream_id", "res_id"])
        self.flush_model()
        return SQL(
            """
            SELECT stream_id, res_id, false,
                   CASE WHEN skipped THEN 'skipped'
                        WHEN last_success IS NOT NULL THEN 'synced' END,
                   CASE WHEN skipped THEN note_date ELSE last_success END,
                   content_hash IS NOT NULL OR external_id IS NOT NULL
              FROM %(bindings)s AS binding
             UNION ALL
            SELECT stream_id, res_id, true, NULL, NULL, true
              FROM %(changes)s AS change
            """,
            bindings=rows_about("sync_binding", pairs),
            changes=rows_about("sync_outbox", pairs),
        )

    @api.model
    def _streams_of(self, model_name):
        """Return the streams that the user may be told of: his companies' systems."""
        streams = self.env["sync.stream"].sudo()
        ids = [id_ for id_, _watched in streams._watchers(model_name)]
        visible = {None, *self.env.companies.ids}
        return streams.browse(ids).filtered(
            lambda each: each._facts().company_id in visible
        )
