# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class QueueJobChannel(models.Model):
    _inherit = "queue.job.channel"

    def write(self, vals):
        res = super().write(vals)
        # edits know the channels of streams by heart, see ``sync.stream._facts``
        self.env.registry.clear_cache()
        return res
