# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from odoo.addons.queue_job_sync.transports.base import Route


class SyncStream(models.Model):
    _inherit = "sync.stream"

    carddav_book = fields.Char(
        "Address Book", help="Its path below the address of the system."
    )

    @api.constrains("carddav_book")
    def _check_carddav_book(self):
        self._check_live()

    def _route_problems(self):
        if self.transport == "carddav" and not (self.carddav_book or "").strip("/"):
            yield self.env._("%s needs an address book.", self.name)
        else:
            yield from super()._route_problems()

    def _route_carddav(self):
        return Route(
            target=(self.carddav_book or "").strip("/"),
            id_policy="odoo",
            # a record may take a question, and be sent twice
            version="headers.ETag",
            version_header="If-Match",
        )
