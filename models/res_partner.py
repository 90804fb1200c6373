# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models

from . import sync_mixin  # noqa: F401  # it is inherited


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "sync.mixin"]

    # For systems that ask for both. Of a company, and of a name of one word, all of it
    # is the last name.

    @api.depends("name", "is_company")
    def _sync_value_first_name(self, mapping):
        """Return what stands before the last word of a person's name."""
        return self._sync_names()[0]

    @api.depends("name", "is_company")
    def _sync_value_last_name(self, mapping):
        """Return the last word of a person's name, or the name of a company."""
        return self._sync_names()[1]

    def _sync_names(self):
        name = " ".join((self.name or "").split())
        if self.is_company:
            return None, name or None
        first, _blank, last = name.rpartition(" ")
        return first or None, last or None
