# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields


class LooseMany2one(fields.Many2one):
    """A link without a foreign key, for rows that editors and workers insert.

    With a foreign key PostgreSQL locks the linked row at each insert, and so waits for
    whoever is deleting it, for as long as that takes. A worker that waits so on its
    second connection, while its first one holds what the other waits for, would wait
    for ever: PostgreSQL sees no circle through a process of ours.

    What a foreign key would do when the linked record goes is done by
    ``sync_deletion.py``, or needs not be done.
    """

    def update_db_foreign_key(self, model, column):
        """Make none, where :class:`odoo.fields.Many2one` makes one."""
