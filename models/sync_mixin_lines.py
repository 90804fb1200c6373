# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from .sync_change import remember_changes


class SyncMixin(models.AbstractModel):
    """Records with lines: an edit of a line is an edit of the record that sends it.

    It is noticed if the lines inherit ``sync.mixin`` too.
    """

    _inherit = "sync.mixin"

    def _sync_watched_lines(self, stream):
        """Return the fields of lines whose edit has to be sent with their record.

        Those to which the mapping or the filter leads over a link to lines
        (``One2many``), such as ``order_line.name``, and those that such a field, as
        ``amount_total``, is computed from. To be extended with a
        :meth:`_sync_payload` that reads others.

        :param stream: the ``sync.stream``
        :return: dict ``{name of the link: set of field names of the lines}``
        """
        return {
            name: self.env[self._fields[name].comodel_name]._sync_closure(paths)[0]
            for name, paths in self._sync_closure(self._sync_paths(stream))[1].items()
        }

    def _sync_paths(self, stream):
        """Return the paths that the content of a stream, and its filter, look at."""
        return {
            *stream.mapping_ids._watched_paths(),
            *(
                condition.field_expr
                for condition in self._sync_domain(stream).iter_conditions()
            ),
        }

    def _sync_closure(self, paths):
        """Return what paths lead to, with all that this is computed from.

        :param paths: paths of fields, from this model
        :return: set of names of this model's fields; dict of the paths that go on from
            a link to lines, by its name
        """
        own, behind, to_visit = set(), {}, set(paths)
        while to_visit:
            name, _dot, rest = to_visit.pop().partition(".")
            field = self._fields.get(name)
            if field is None:
                continue
            if rest and field.type == "one2many":
                behind.setdefault(name, set()).add(rest)
            if name not in own:
                own.add(name)
                to_visit.update(self.pool.field_depends.get(field, ()))
        return own, behind

    def _sync_remember_cascade(self):
        """Note the records that the database deletes with these.

        It does so without a word to the ORM: their own ``unlink`` is not called.
        """
        for model_name, link in self.env["sync.stream"]._deleted_with(self._name):
            lines = self.env[model_name].sudo().with_context(active_test=False)
            lines = lines.search([(link, "in", self.ids), ("id", "not in", self.ids)])
            if lines:
                remember_changes(lines.with_env(self.env), names=True)
                lines._sync_remember_cascade()
