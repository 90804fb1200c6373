# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from itertools import islice

from odoo import fields
from odoo.fields import Domain
from odoo.tools import SQL

# Links of other rows that are looked at in one go.
AT_ONCE = 1000
# Linked records, and records of a name, that a search gives to PostgreSQL one by one.
FEW = 100
FEW_NAMED = 1000


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
        positive = operator in ("any", "any!") and isinstance(value, Domain)
        if positive and field_expr == self.name:
            ids = self._few(model, value, operator == "any!")
            if ids is not None:
                field = model._field_to_sql(alias, field_expr, query)
                return SQL("%s IN %s", field, ids or (None,))
        sql = super().condition_to_sql(field_expr, operator, value, model, alias, query)
        if operator == "any!" and isinstance(value, Domain):
            # what is joined may be no row at all
            _comodel, coalias = self.join(model, alias, query)
            sql = SQL("(%s IS NOT NULL AND %s)", SQL.identifier(coalias, "id"), sql)
        return sql

    def _few(self, model, domain, bypass_access):
        """Return the ids of linked records that match, ``None`` if they are many.

        Of the millions of rows that link to a few synchronizations, PostgreSQL knows
        how many link to which. A join tells it nothing, and is done for each row.
        """
        comodel = model.env[self.comodel_name]
        found = comodel._search(
            domain, active_test=False, bypass_access=bypass_access, limit=FEW + 1
        )
        ids = found.get_result_ids()
        return ids if len(ids) <= FEW else None


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


def records_of(rows):
    """Return what rows are of: ``model_name`` and ``res_id`` of each.

    :return: the ids that exist, and the names of those that the user may read by id,
        both by the name of their model
    """
    there, names = {}, {}
    for model_name, mine in rows.grouped("model_name").items():
        there[model_name], names[model_name] = set(), {}
        if model_name in rows.env:
            records = rows.env[model_name].browse(mine.mapped("res_id")).exists()
            readable = records._filtered_access("read")
            there[model_name] = set(records.ids)
            names[model_name] = {each.id: each.display_name for each in readable}
    return there, names


def domain_of_named(env, operator, value):
    """Return the domain of rows, of any synchronization, whose records have a name.

    :param operator: as a field's ``search`` method gets it, with the ``value``
    """
    if operator in Domain.NEGATIVE_OPERATORS:
        return NotImplemented
    found = []
    streams = env["sync.stream"].with_context(active_test=False).search([])
    for model_name, mine in streams.grouped("model_name").items():
        model = env.get(model_name)
        if model is None or not model.has_access("read"):
            continue
        model = model.with_context(active_test=False)
        named = Domain("display_name", operator, value)
        ids = model.search(named, limit=FEW_NAMED + 1, order="id").ids
        if len(ids) > FEW_NAMED:
            # the newest rows are soon among them
            ids = model._search(named)
        found.append(Domain("stream_id", "in", mine.ids) & Domain("res_id", "in", ids))
    return Domain.OR(found)
