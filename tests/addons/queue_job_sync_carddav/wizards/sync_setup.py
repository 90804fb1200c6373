# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models


class SyncSetup(models.TransientModel):
    _inherit = "sync.setup"

    # with the user's own rights on what they are fields of
    carddav_version = fields.Selection(
        related="backend_id.carddav_version", related_sudo=False, readonly=False
    )
    carddav_book = fields.Char(
        related="stream_id.carddav_book", related_sudo=False, readonly=False
    )

    @api.model
    def _asked_transports(self):
        return super()._asked_transports() | {"carddav"}

    @api.model
    def _place_fields(self):
        return super()._place_fields() | {"carddav_book"}
