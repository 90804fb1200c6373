# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import psycopg2
import requests

from odoo import api, models

WATCHED = {"name", "email", "phone", "street", "city", "zip", "country_id"}
# Parameters that say where to; without any, nothing is queued.
REST = "queue_job_naive.url"
SQL = "queue_job_naive.dsn"


class ResPartner(models.Model):
    _inherit = "res.partner"

    @api.model_create_multi
    def create(self, vals_list):
        partners = super().create(vals_list)
        partners._naive_queue()
        return partners

    def write(self, vals):
        res = super().write(vals)
        if WATCHED & vals.keys():
            self._naive_queue()
        return res

    def _naive_queue(self):
        parameters = self.env["ir.config_parameter"].sudo()
        for partner in self:
            if parameters.get_param(REST):
                partner.with_delay()._naive_send()
            if parameters.get_param(SQL):
                partner.with_delay()._naive_insert()

    def _naive_payload(self):
        return {
            "name": self.name,
            "email": self.email or None,
            "phone": self.phone or None,
            "street": self.street or None,
            "city": self.city or None,
            "zip": self.zip or None,
            "country": self.country_id.code or None,
        }

    def _naive_send(self):
        url = self.env["ir.config_parameter"].sudo().get_param(REST)
        requests.post(url, json=self._naive_payload(), timeout=30).raise_for_status()

    def _naive_insert(self):
        dsn = self.env["ir.config_parameter"].sudo().get_param(SQL)
        connection = psycopg2.connect(dsn)
        try:
            with connection:
                connection.cursor().execute(
                    "INSERT INTO contacts"
                    " (odoo_id, name, email, phone, street, city, zip, country)"
                    " VALUES (%(id)s, %(name)s, %(email)s, %(phone)s, %(street)s,"
                    " %(city)s, %(zip)s, %(country)s)"
                    " ON CONFLICT (odoo_id) DO UPDATE SET (name, email, phone, street,"
                    " city, zip, country) = (EXCLUDED.name, EXCLUDED.email,"
                    " EXCLUDED.phone, EXCLUDED.street, EXCLUDED.city, EXCLUDED.zip,"
                    " EXCLUDED.country)",
                    {"id": self.id, **self._naive_payload()},
                )
        finally:
            connection.close()
