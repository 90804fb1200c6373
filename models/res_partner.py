# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from . import sync_mixin  # noqa: F401  # it is inherited


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "sync.mixin"]
