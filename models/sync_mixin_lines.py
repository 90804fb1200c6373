# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from .sync_mixin import closure


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
        _own, behind = closure(self, self._sync_paths(stream))
        return {
            name: closure(self.env[self._fields[name].comodel_name], paths)[0]
            for name, paths in behind.items()
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
