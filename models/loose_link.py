# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from itertools import islice

from odoo import fields
from odoo.fields import Domain
from odoo.tools import SQL

# Links of other rows that are looked at in one go.
AT_ONCE = 1000


class LooseMany2one(fields.Many2one):
    """A link without a foreign key, for rows that editors and workers insert.

    With a foreign key PostgreSQL locks the linked row at each insert, and so waits for
    whoever is deleting it, for as long as that takes. A worker that waits so on its
    second connection, while its first one holds what the other waits for, would wait
    for ever: PostgreSQL sees no circle through a process of ours.

    What a foreign key would do when the linked record goes is done by
    ``sync_deletion.py``, or needs not be done. Until then, the link is read as empty:
    whoever reads on from there, as a screen does, must not fail. No condition on what
    is linked holds any more, a company that is not set included: the record rules hide
    what is about to go.
    """

    def update_db_foreign_key(self, model, column):
        """Make none, where :class:`odoo.fields.Many2one` makes one."""

    def __get__(self, records, owner=None):
        found = super().__get__(records, owner)
        return found if records is None else self._there(found)

    def _there(self, linked):
        """Return those of the linked records that exist.

        What is in memory does. The rest is read, whole: whoever follows a link reads
        what is there.
        """
        probe = linked._fields["create_date"]
        known = probe._get_cache(linked.env)
        # without an id that the database knows, nothing can be said
        asked = [id_ for id_ in linked._ids if id_ and id_ not in known]
        if not asked:
            return linked
        more = (id_ for id_ in linked._prefetch_ids if id_ and id_ not in known)
        ids = {*asked, *islice(more, AT_ONCE)}
        linked.browse(ids).sudo()._fetch_field(probe)
        gone = {id_ for id_ in asked if id_ not in known}
        if not gone:
            return linked
        return linked.browse(id_ for id_ in linked._ids if id_ not in gone)

    def condition_to_sql(self, field_expr, operator, value, model, alias, query):
        sql = super().condition_to_sql(field_expr, operator, value, model, alias, query)
        if operator == "any!" and isinstance(value, Domain):
            # what is joined may be no row at all
            _comodel, coalias = self.join(model, alias, query)
            sql = SQL("(%s IS NOT NULL AND %s)", SQL.identifier(coalias, "id"), sql)
        return sql


def stream_link(**options):
    """Return the field of a row that leads to the synchronization it belongs to."""
    return LooseMany2one(
        "sync.stream", "Synchronization", required=True, readonly=True, **options
    )


def record_link(**options):
    """Return the field of a row that leads to the record of ``model_name`` it is of."""
    return fields.Many2oneReference(
        "Record", model_field="model_name", required=True, readonly=True, **options
    )


def groups_there(model, groupby_spec, values):
    """Return the values that records are grouped by, without links to what is gone."""
    field = model._fields.get(groupby_spec)
    if isinstance(field, LooseMany2one):
        return [field._there(value) for value in values]
    return values
