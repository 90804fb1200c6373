# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class ResBank(models.Model):
    _name = "res.bank"
    _inherit = ["res.bank", "sync.mixin"]

    # it changes with its country, whose edits nobody notices
    country_code_here = fields.Char(related="country.code", store=True)
