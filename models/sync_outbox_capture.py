# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

from odoo import api, models

from .sync_change import PENDING_KEY
from .sync_guard import noted, undone

_logger = logging.getLogger(__name__)


class SyncOutbox(models.Model):
    """From an edit to outbox rows: which streams have to hear of it.

    The ordinary way is one savepoint. Where anything raises on it, it is gone again
    step by step: what a step cannot tell is taken to be so, the rows are inserted, and
    they say why. Only what Odoo retries, and rows that cannot be inserted, reach the
    editor.
    """

    _inherit = "sync.outbox"

    def _flush_changes(self):
        """Turn the noted edits into outbox rows and jobs, just before the commit."""
        pending = self.env.cr.precommit.data.pop(PENDING_KEY, {})
        for model_name, changes in pending.items():
            for stream, touched in self._concerned(model_name, changes):
                with (
                    noted(
                        _logger,
                        "Edits of %s are recorded step by step, in synchronization %s",
                        model_name,
                        stream.id,
                        level=logging.WARNING,
                    ) as trouble,
                    undone(self.env, forget=True),
                ):
                    self._capture(stream, model_name, touched)
                if trouble:
                    self._capture_in_doubt(stream, model_name, touched, trouble.reason)

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
        if not changes:
            return {}
        return {
            stream: self._noted_ids_of(stream, records._name, touched)
            for stream, touched in self._concerned(records._name, changes)
        }

    @api.model
    def _noted_ids_of(self, stream, model_name, changes):
        """Return the ids of changes that a stream is to send, or may be."""
        if all(stream.id in change.known for change in changes.values()):
            return list(changes)
        with (
            noted(_logger, "Edits of %s are shown as waiting", model_name),
            undone(self.env),
        ):
            return self._ids_to_send(stream, model_name, changes)
        return list(changes)

    @api.model
    def _concerned(self, model_name, changes):
        """Yield each stream that watches what changes touch, with those.

        :param changes: :class:`Change` by id
        """
        streams = self.env["sync.stream"].sudo()
        for stream_id, watched in streams._watchers_for_sure(model_name):
            touched = {
                id_: change
                for id_, change in changes.items()
                if change.fields is None or change.fields & watched
            }
            if touched:
                yield streams.browse(stream_id), touched

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
            records = self.env[model_name].sudo().browse(others).exists()
            matching = set(stream._matching(records)._ids)
            known |= matching | stream._known_ids({*others} - edited - matching)
        return [id_ for id_ in changes if id_ in known]

    def _capture(self, stream, model_name, changes):
        """Record the changes that matter to one stream.

        :param stream: the ``sync.stream``, as superuser
        :param changes: :class:`Change` by id
        """
        ids = self._ids_to_send(stream, model_name, changes)
        gone = self._gone(model_name, ids, changes)
        for records in self._by_user(model_name, ids, changes):
            self._queue(stream, records, gone=gone)

    def _capture_in_doubt(self, stream, model_name, changes, reason):
        """Record changes that may matter to one stream, as far as it can be told.

        :param str reason: what has raised
        """
        ids, gone = list(changes), {}
        with (
            noted(_logger, "Whether %s %s are sent is not known", model_name, ids),
            undone(self.env),
        ):
            ids = self._ids_to_send(stream, model_name, changes)
        with (
            noted(_logger, "Whether %s %s exist is not known", model_name, ids),
            undone(self.env),
        ):
            gone = self._gone(model_name, ids, changes)
        for records in self._by_user(model_name, ids, changes):
            self._queue_in_doubt(stream, records, reason, gone=gone)

    @api.model
    def _gone(self, model_name, ids, changes):
        """Return the names of those that have been deleted, by id."""
        doubtful = [id_ for id_ in ids if changes[id_].fields is None]
        present = self.env[model_name].sudo().browse(doubtful).exists()
        absent = {*doubtful}.difference(present._ids)
        return {id_: changes[id_].name for id_ in ids if id_ in absent}

    @api.model
    def _by_user(self, model_name, ids, changes):
        """Yield what each user has changed, as records in an environment of his.

        Its context is that of his last edit: no content depends on it.
        """
        by_user = {}
        for id_ in ids:
            by_user.setdefault(changes[id_].uid, []).append(id_)
        for uid, mine in by_user.items():
            env = self.env(user=uid, su=False, context=changes[mine[-1]].context)
            yield env[model_name].browse(mine)
