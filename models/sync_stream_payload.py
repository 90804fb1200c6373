# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models, tools

from .sync_mapping_lines import list_of


class SyncStream(models.Model):
    """What the content of a record is made of."""

    _inherit = "sync.stream"

    @tools.ormcache("self.id")
    def _payload_plan(self):
        """Return how the content is built, worked out once for all records.

        :return: tuple of ``(names of the objects around it, name, function of a record
            that returns the value)``, one for each line of the mapping; and the places
            of the lists of objects in it, see :func:`fold_lists`
        """
        stream = self.sudo()
        steps = tuple(
            (*stream._place(mapping.target), mapping._reader())
            for mapping in stream.mapping_ids
        )
        lists = (list_of(parents) for parents, _key, _read in steps)
        return steps, tuple(dict.fromkeys(filter(None, lists)))

    def _place(self, target):
        """Return where a name of the destination is: objects around it, and its own."""
        if self.transport == "postgresql":
            return (), target
        *parents, key = target.split(".")
        return tuple(parents), key

    def _with_mark(self, payload, gone):
        """Return a content that says whether the record is gone.

        :param payload: the rest of the content; it is not changed
        :param bool gone: whether it is
        """
        parents, key = self._place(self.mark_key)
        payload = node = dict(payload)
        for parent in parents:
            node[parent] = dict(node.get(parent, {}))
            node = node[parent]
        node[key] = gone
        return payload
