# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.fields import Domain

from ..engine import clock
from ..engine.capture import (
    remember_changes,
    remember_deleted_with,
    remember_parents,
)
from ..engine.delivery import Delivery


def closure(model, paths):
    """Return what paths lead to, with all that this is computed from.

    A field that is gone leads nowhere: nobody can edit it. That the synchronization
    does not work without it is told by ``problem``.

    :param model: where they begin; it need not inherit ``sync.mixin``
    :param paths: paths of fields
    :return: set of names of the model's fields; dict of the paths that go on from a
        link to lines, by its name
    """
    own, behind, to_visit = set(), {}, set(paths)
    while to_visit:
        name, _dot, rest = to_visit.pop().partition(".")
        field = model._fields.get(name)
        if field is None:
            continue
        if rest and field.type == "one2many":
            behind.setdefault(name, set()).add(rest)
        if name not in own:
            own.add(name)
            to_visit.update(model.pool.field_depends.get(field, ()))
    return own, behind


class SyncMixin(models.AbstractModel):
    """A record that external systems are kept in step with.

    A model takes part by inheriting this mixin; nothing else is needed before a
    synchronization (``sync.stream``) can be set up for it. It may override
    :meth:`_sync_domain`, :meth:`_sync_watched_fields`, :meth:`_sync_watched_lines` and
    :meth:`_sync_payload`.

    What people see of it is in ``sync_mixin_status.py``, and how that comes into the
    views of each model in ``sync_mixin_views.py``.
    """

    _name = "sync.mixin"
    _description = "Synchronized Record"

    # -- the contract ---------------------------------------------------------

    def _sync_domain(self, stream):
        """Return which records of this model a stream sends.

        Active ones unless the stream's own filter speaks of ``active``, and those of
        the system's company or of none.

        :param stream: the ``sync.stream``
        :return: :class:`odoo.fields.Domain`
        """
        domain = Domain(stream._parsed_domain())
        named = {condition.field_expr for condition in domain.iter_conditions()}
        if self._active_name and self._active_name not in named:
            domain &= Domain(self._active_name, "=", True)
        company_id = stream._facts().company_id
        if company_id and "company_id" in self._fields:
            domain &= Domain("company_id", "in", [False, company_id])
        return domain

    def _sync_watched_fields(self, stream):
        """Return the fields whose edit has to be sent.

        The mapped fields, those that mapped methods and the filter look at, with every
        field of the same model that they are computed from. An edit behind a link, such
        as another name for the country, is not watched; one of lines is, see
        :meth:`_sync_watched_lines`.

        :param stream: the ``sync.stream``
        :return: set of field names
        """
        return closure(self, self._sync_paths(stream))[0]

    def _sync_payload(self, stream):
        """Return the content that is sent for one record.

        :param stream: the ``sync.stream``
        :return: dict that JSON can hold; for SQL, values by column
        """
        self.ensure_one()
        return stream._payload_plan().content_of(self)

    def _sync_payloads(self, stream):
        """Return the content that is sent for each of these records.

        They share what has to be read for it: the number of queries does not depend on
        the number of records.

        :param stream: the ``sync.stream``
        :return: dict of what :meth:`_sync_payload` returns, by record id
        """
        return {record.id: record._sync_payload(stream) for record in self}

    # -- change capture -------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        remember_changes(records)
        return records

    def write(self, vals):
        remember_parents(self, vals.keys(), moving=True)
        res = super().write(vals)
        remember_changes(self, vals.keys())
        return res

    def unlink(self):
        remember_changes(self, names=True)
        remember_deleted_with(self)
        return super().unlink()

    # -- the job --------------------------------------------------------------

    def _sync_deliver(self, stream):
        """Deliver records as they are now

        This is the job: it runs as the user whose edit made it, whose rights and
        language do not change what is sent.

        :param stream: the ``sync.stream`` to serve
        :return: what was done, in a sentence
        :raises RetryableJobError: to be tried again
        :raises SyncError: this record will not get through as it is
        """
        with clock.keeping_etas(self.env.cr):
            # in the environment of the job, which names it
            stream = stream.with_env(self.env(su=True))
            return Delivery(stream, self.ids).run()

    @api.model
    def _job_store_values(self, job):
        """Link the job to what it sends, so that it can be searched by it.

        (queue_job documents a hook per method, but this general one, which it calls
        after it, replaces what that returned.)
        """
        values = super()._job_store_values(job)
        if job.method_name != "_sync_deliver" or job.retry or job.date_enqueued:
            # another task, or one that was linked when it was made
            return values
        (stream,) = job.args
        values = {
            **values,
            "sync_stream_id": stream.id,
            "sync_backend_id": stream._facts().backend_id,
            "sync_res_id": self.id if len(self) == 1 else False,
        }
        name = self.env.context.get("sync_record_name")
        if name:  # not when a person requeues the job, or closes it before it ran
            values["sync_record_name"] = name
        return values
