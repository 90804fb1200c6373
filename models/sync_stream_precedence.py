# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError


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
