# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
from dataclasses import dataclass

from odoo import api, models, tools
from odoo.tools import SQL

from ..engine.guard import noted, undone
from ..mapping.columns import special_columns
from ..transports.base import Route

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Facts:
    """What an edit has to know of a stream: kept in memory, so that it reads none."""

    backend_id: int
    backend_name: str
    company_id: int | None
    lang: str | None
    domain: str
    priority: int
    max_retries: int
    channel: str
    batch_size: int
    at_once: bool  # neither delay nor off-peak hours


def _link_back(model, name):
    """Return the field of lines that leads back to the records that have them.

    :param name: of the link to the lines
    :return: the field; ``None`` where there is none, as with a list that is computed
    """
    field = model._fields.get(name)
    if field is None or field.type != "one2many" or not field.inverse_name:
        return None
    back = model.env[field.comodel_name]._fields.get(field.inverse_name)
    return back if back is not None and back.type == "many2one" else None


class SyncStream(models.Model):
    """What edits and jobs ask of a stream."""

    _inherit = "sync.stream"

    @tools.ormcache("self.id")
    def _facts(self):
        """Return the :class:`Facts` of this stream."""
        stream = self.sudo()
        return Facts(
            backend_id=stream.backend_id.id,
            backend_name=stream.backend_id.name,
            company_id=stream.company_id.id or None,
            lang=stream.lang or None,
            domain=stream.domain or "[]",
            priority=stream.priority,
            max_retries=stream.max_retries,
            channel=stream.channel_id.complete_name,
            batch_size=stream.batch_size,
            at_once=stream.delay_policy == "none",
        )

    @api.model
    @tools.ormcache("model_name")
    def _watchers(self, model_name):
        """Return what edits of a model are recorded for.

        :return: tuple of ``(stream id, frozenset of field names)``
        """
        with undone(self.env):
            return self._find_watchers(model_name)

    @api.model
    def _find_watchers(self, model_name):
        streams = self.sudo().search(
            [
                ("model_name", "=", model_name),
                # said here, because an editor's context may turn active_test off
                ("active", "=", True),
                ("backend_id.active", "=", True),
                ("state", "=", "live"),
            ]
        )
        return tuple(
            (stream.id, stream._watched_fields(self.env[model_name].sudo()))
            for stream in streams
        )

    @api.model
    def _watchers_for_sure(self, model_name):
        """Return what :meth:`_watchers` does; where that raises, every field.

        By plain SQL then: whatever somebody has made of fields and methods is left
        alone.
        """
        with noted(_logger, "Every edit of %s is heard of", model_name):
            return self._watchers(model_name)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT s.id FROM sync_stream s JOIN sync_backend b
                    ON b.id = s.backend_id
                 WHERE s.model_name = %s AND s.state = 'live' AND s.active AND b.active
                 ORDER BY s.id
                """,
                model_name,
            )
        )
        every = frozenset(self.env[model_name]._fields)
        return tuple((id_, every) for (id_,) in rows)

    @api.model
    @tools.ormcache("model_name")
    def _line_watchers(self, model_name):
        """Return what edits of a model's records, as lines of others, are recorded for.

        :return: tuple of ``(link of the others to them, link back to those, frozenset
            of field names)``
        """
        with undone(self.env):
            return self._find_line_watchers(model_name)

    @api.model
    def _find_line_watchers(self, model_name):
        watchers = {}
        for stream in self._in_use():
            model = self.env[stream.model_name].sudo()
            for name, watched in stream._watched_lines(model).items():
                back = _link_back(model, name)
                if back is not None and back.model_name == model_name:
                    found = watchers.setdefault((name, back.name), {back.name})
                    found.update(watched)
        return tuple((*links, frozenset(found)) for links, found in watchers.items())

    @api.model
    @tools.ormcache("model_name")
    def _deleted_with(self, model_name):
        """Return which records are sent, and deleted by the database with others.

        :param model_name: the model of those others
        :return: tuple of ``(model, name of its link to them)``
        """
        with undone(self.env):
            in_use = self._in_use().mapped("model_name")
            return self._cascading_links(model_name, in_use)

    @api.model
    def _cascading_links(self, model_name, names):
        """Return the links over which the database deletes records with others.

        :param model_name: the model of those others
        :param names: of the models that are looked at
        :return: tuple of ``(model, name of its link to them)``
        """
        return tuple(
            (name, field.name)
            for name in sorted(set(names))
            for field in self.env[name]._fields.values()
            if field.type == "many2one"
            and field.store
            and field.comodel_name == model_name
            and field.ondelete == "cascade"
        )

    def _in_use(self):
        """Return the streams that edits have to be recorded for."""
        streams = self.sudo().search(
            [
                ("active", "=", True),
                ("state", "=", "live"),
                ("backend_id.active", "=", True),
            ]
        )
        # while modules are loaded, those of later ones are not known yet
        return streams.filtered(lambda stream: stream.model_name in self.env)

    def _is_watched(self, model_name):
        """Return whether a live synchronization sends records of a model."""
        with noted(_logger, "Views of %s are shown as if it were sent", model_name):
            return bool(self._watchers(model_name))
        return True

    def _watched_fields(self, model):
        """Return the names of the fields whose edit this stream has to send.

        All of them where that cannot be told: every edit is recorded then, and
        ``problem`` says why.
        """
        self.ensure_one()
        with (
            noted(_logger, "Synchronization %s watches every field", self.id),
            undone(self.env),
        ):
            watched = model._sync_watched_fields(self)
            return frozenset({*watched, *self._watched_lines(model)})
        return frozenset(model._fields)

    def _watched_lines(self, model):
        """Return the fields of lines whose edit this stream has to send, by link.

        Those of all lines where that cannot be told.
        """
        self.ensure_one()
        with (
            noted(
                _logger,
                "Synchronization %s watches all lines",
                self.id,
                level=logging.WARNING,  # _watched_fields tells the same
            ),
            undone(self.env),
        ):
            return model._sync_watched_lines(self)
        return {
            name: set(self.env[field.comodel_name]._fields)
            for name, field in model._fields.items()
            if field.type == "one2many"
        }

    def _ensure_job_functions(self):
        """Give each model the job function that names its channel.

        ``queue.job.function`` needs a concrete model, so the mixin cannot bring one.
        """
        functions = self.env["queue.job.function"].sudo()
        for model in self.model_id:
            name = functions.job_function_name(model.model, "_sync_deliver")
            if not functions.search_count([("name", "=", name)], limit=1):
                functions.create(
                    {
                        "model_id": model.id,
                        "method": "_sync_deliver",
                        "channel_id": self.env.ref("queue_job_sync.channel_sync").id,
                    }
                )

    def _route(self):
        """Return where the messages of this stream go within its system.

        An addon that adds a transport defines ``_route_<name>()``, beside
        ``_transport_<name>()`` on ``sync.backend``.
        """
        self.ensure_one()
        return getattr(self, f"_route_{self.transport}")()

    def _route_rest(self):
        return Route(
            target=self.endpoint or "",
            batch_target=self.batch_endpoint or "",
            id_policy=self.id_policy,
            external_id_key=self.external_id_key or "id",
            update_method=self.update_method,
        )

    def _route_postgresql(self):
        return Route(
            target=self.table or "",
            id_policy="odoo",
            key_column=self.key_column or "",
            **self._special_columns(),
        )

    @tools.ormcache("self.id")
    def _special_columns(self):
        """Return what a ``Route`` tells of some columns of the table."""
        return special_columns(self.sudo().mapping_ids)

    def _for_sending(self, records):
        """Return the records as they are sent: whoever edited them, one result.

        Language, timezone, company and rights are the stream's, not the editor's.
        """
        self.ensure_one()
        facts = self._facts()
        company_id = facts.company_id or self._main_company_id()
        # nothing of the editor's context may stay
        context = {
            "lang": facts.lang,
            "tz": "UTC",
            "active_test": False,
            "allowed_company_ids": [company_id],
        }
        return records.with_env(records.env(su=True, context=context)).with_prefetch()

    @api.model
    def _main_company_id(self):
        # kept in memory, where env.ref() would ask each time whether it still exists
        return self.env["ir.model.data"]._xmlid_to_res_id("base.main_company")

    def _matching(self, records):
        """Return those of the existing ``records`` that this stream sends."""
        self.ensure_one()
        records = self._for_sending(records)
        return records.filtered_domain(records._sync_domain(self))
