# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models
from odoo.fields import Domain

from .queue_job_load import OPEN_OWN_JOBS


class ResUsers(models.Model):
    _inherit = "res.users"

    def unlink(self):
        """Let what their edits still have to send go on without these users."""
        theirs = OPEN_OWN_JOBS & Domain("user_id", "in", self.ids)
        self.env["queue.job"].sudo().search(theirs)._go_on_as_odoobot()
        return super().unlink()
