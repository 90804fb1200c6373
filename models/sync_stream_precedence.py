# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from .record_rows import rows_about
from .sync_change import names_of


class SyncStream(models.Model):
    """Which linked records have to be at the system before those of this stream."""

    _inherit = "sync.stream"

    send_first = fields.Char(
        help="Links to records that the system has to hold before it gets this one, "
        "such as partner_id. Commas separate several. A job waits for the jobs that "
        "deliver those records, if another synchronization of the system sends them."
    )

    @api.constrains("send_first", "model_id")
    def _check_send_first(self):
        for stream in self:
            for path in stream._typed_links():
                if not stream._linked_model(path):
                    raise ValidationError(
                        stream.env._(
                            "%(path)s does not lead from %(model)s to other records.",
                            path=path,
                            model=stream.model_id.name,
                        )
                    )

    def _typed_links(self):
        """Return the paths that a person has typed."""
        return [
            path for path in map(str.strip, (self.send_first or "").split(",")) if path
        ]

    def _linked_model(self, path):
        """Return the name of the model that a path of links leads to, or ``None``."""
        name = self.model_name
        for link in path.split("."):
            field = self.env[name]._fields.get(link) if name in self.env else None
            name = (
                field.comodel_name if field is not None and field.relational else None
            )
        return name

    @tools.ormcache("self.id")
    def _links_sent_first(self):
        """Return the links whose records are sent before those of this stream.

        :return: tuple of ``(path, ids of the streams that send what it leads to)``
        """
        stream = self.sudo()
        paths = dict.fromkeys(stream._typed_links())
        paths.update(dict.fromkeys(stream.mapping_ids._paths_to_ids_there()))
        links = []
        for path in paths:
            first = stream._siblings(stream._linked_model(path))
            if first:
                links.append((path, tuple(first.ids)))
        return tuple(links)

    def _siblings(self, model_name):
        """Return the live streams of a model that send to the same system."""
        self.ensure_one()
        return self.with_context(active_test=True).search(
            [
                ("backend_id", "=", self.backend_id.id),
                ("model_name", "=", model_name),
                ("state", "=", "live"),
            ]
        )

    def _names_records_here(self):
        """Return whether the system knows the records by their ids in Odoo."""
        self.ensure_one()
        return self.transport != "rest" or self.id_policy == "odoo"

    def _undelivered(self, record_ids):
        """Return those of the ids that the system does not hold as they are now.

        There are changes on their way, or they belong there and never were. What a
        person has decided not to send is not waited for.

        :return: set of ids
        """
        self.ensure_one()
        found = self.env.execute_query(
            SQL(
                """
                SELECT wanted.id,
                       EXISTS (SELECT 1 FROM sync_outbox
                                WHERE stream_id = %(stream)s AND res_id = wanted.id
                               OFFSET 0)
                  FROM unnest(%(ids)s::int[]) AS wanted (id)
                  LEFT JOIN %(bindings)s AS binding ON binding.res_id = wanted.id
                 WHERE binding.id IS NULL
                    OR (binding.content_hash IS NULL AND binding.external_id IS NULL
                        AND NOT COALESCE(binding.skipped, false))
                    OR EXISTS (SELECT 1 FROM sync_outbox
                                WHERE stream_id = %(stream)s AND res_id = wanted.id
                               OFFSET 0)
                """,
                stream=self.id,
                ids=list(record_ids),
                bindings=rows_about(
                    "sync_binding", [(self.id, id_) for id_ in record_ids]
                ),
            )
        )
        waiting = {id_ for id_, owed in found if owed}
        never_sent = [id_ for id_, owed in found if not owed]
        records = self.env[self.model_name].browse(never_sent).exists()
        return waiting | set(self._matching(records)._ids)

    def _name_of(self, res_id):
        """Return what people call a record of this stream."""
        record = self.env[self.model_name].browse(res_id).exists()
        return names_of(record).get(res_id) or f"{self.model_id.name} {res_id}"
