# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..transports.urls import record_url, record_url_problem


class SyncStream(models.Model):
    """The pages of the system that show the records of a stream."""

    _inherit = "sync.stream"

    record_url = fields.Char(
        "Page of a Record",
        tracking=True,
        help="Address at which people see one record in the system, such as "
        "https://crm.example.com/contacts/{external_id}. {external_id} stands for the "
        "id there, {id} for Odoo's.",
    )

    @api.constrains("record_url")
    def _check_record_url(self):
        for stream in self.filtered("record_url"):
            problem = record_url_problem(stream.record_url)
            if problem:
                raise ValidationError(problem)

    def _record_page(self, res_id, external_id):
        """Return the address of a record's page in the system, or ``None``."""
        self.ensure_one()
        return self.record_url and record_url(
            self.record_url, res_id, external_id or None
        )
