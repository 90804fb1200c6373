# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

from odoo import api, models

from .sync_change import PENDING_KEY

_logger = logging.getLogger(__name__)


class SyncOutbox(models.Model):
    """From an edit to outbox rows: which streams have to hear of it."""

    _inherit = "sync.outbox"

    def _flush_changes(self):
        """Turn the noted edits into outbox rows and jobs, just before the commit."""
        pending = self.env.cr.precommit.data.pop(PENDING_KEY, {})
        for model_name, changes in pending.items():
            for stream, ids in self._concerned(model_name, changes):
                self._capture(stream, model_name, {id_: changes[id_] for id_ in ids})

    @api.model
    def _noted_ids(self, records, known):
        """Return which records the current transaction has yet to queue.

        Who saves a form reads the record back before the commit that queues its job.

        :param known: ids of the records that the destination of a stream holds, or
            soon may, by stream: neither here nor at the commit is that asked again
        :return: dict ``{stream: ids}``, the streams as superuser
        """
        pending = self.env.cr.precommit.data.get(PENDING_KEY, {})
        changes = pending.get(records._name, {})
        changes = {id_: changes[id_] for id_ in records._ids if id_ in changes}
        for stream, ids in known.items():
            for id_ in ids & changes.keys():
                changes[id_].known.add(stream.id)
        return dict(self._concerned(records._name, changes)) if changes else {}

    @api.model
    def _concerned(self, model_name, changes):
        """Yield each stream that has to hear of changes, with the ids of those.

        :param changes: :class:`Change` by id
        """
        for stream_id, watched in self.env["sync.stream"]._watchers(model_name):
            touched = {
                id_: change
                for id_, change in changes.items()
                if change.fields is None or change.fields & watched
            }
            stream = self.env["sync.stream"].sudo().browse(stream_id)
            ids = self._ids_to_send(stream, model_name, touched)
            if ids:
                yield stream, ids

    @api.model
    def _ids_to_send(self, stream, model_name, changes):
        """Return the records that a stream sends, or has sent before.

        What it has sent before is asked first: that spares most edits the filter.

        :param changes: :class:`Change` by id
        """
        known = {id_ for id_, change in changes.items() if stream.id in change.known}
        edited = {id_ for id_, change in changes.items() if change.fields is not None}
        known |= stream._known_ids(edited - known)
        others = [id_ for id_ in changes if id_ not in known]
        if others:
            matching = self._matching_ids(stream, model_name, others)
            known |= matching | stream._known_ids({*others} - edited - matching)
        return [id_ for id_ in changes if id_ in known]

    @api.model
    def _matching_ids(self, stream, model_name, record_ids):
        """Return which of the records a stream sends."""
        records = self.env[model_name].sudo().browse(record_ids).exists()
        try:
            with self.env.cr.savepoint(flush=False):
                return set(stream._matching(records)._ids)
        except Exception:
            # The editor must not pay for a filter that does not work. The job will
            # meet the same error, and tell it to those who can mend it.
            _logger.exception("The filter of synchronization %s failed", stream.id)
            return set(records._ids)

    def _capture(self, stream, model_name, changes):
        """Record the changes that matter to one stream.

        :param stream: the ``sync.stream``, as superuser
        :param changes: :class:`Change` by id
        """
        doubtful = [id_ for id_, change in changes.items() if change.fields is None]
        present = self.env[model_name].sudo().browse(doubtful).exists()
        absent = {*doubtful}.difference(present._ids)
        by_env = {}
        for id_, change in changes.items():
            by_env.setdefault(change.env, []).append(id_)
        for env, ids in by_env.items():
            self._enqueue(
                stream,
                env[model_name].browse(ids),
                gone={id_: changes[id_].name for id_ in ids if id_ in absent},
            )
