# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models
from odoo.fields import Domain

from ..engine import job_load, jobs


class ResUsers(models.Model):
    _inherit = "res.users"

    def unlink(self):
        """Let what their edits still have to send go on without these users."""
        theirs = jobs.open_own_jobs() & Domain("user_id", "in", self.ids)
        job_load.go_on_as_odoobot(self.env["queue.job"].sudo().search(theirs))
        return super().unlink()
