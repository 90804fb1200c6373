# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from ..transport import CardDavTransport


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    transport = fields.Selection(
        selection_add=[("carddav", "CardDAV")], ondelete={"carddav": "cascade"}
    )
    carddav_version = fields.Selection(
        [("3.0", "3.0"), ("4.0", "4.0")],
        "vCard Version",
        required=True,
        default="3.0",
        help="In which form contacts are written. Every server knows 3.0.",
    )

    @api.model
    def _http_transports(self):
        return super()._http_transports() | {"carddav"}

    def _transport_carddav(self):
        return CardDavTransport(self._rest_config(), self.carddav_version)
