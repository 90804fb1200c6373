# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from .sync_backend_nudge import CHANNEL


class IrWebsocket(models.AbstractModel):
    """A dashboard hears of the systems that its user may see, and of no others."""

    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        if CHANNEL in channels:
            channels = [channel for channel in channels if channel != CHANNEL]
            channels += self.env["sync.backend"]._nudge_channels()
        return super()._build_bus_channel_list(channels)
