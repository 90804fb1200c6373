# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.addons.queue_job_sync.tests.conformance import ModelCase


class TestConformanceBank(ModelCase):
    model_name = "res.bank"
    mapping = (("name", "name"), ("bic", "bic"), ("country.name", "country"))
    edited = {"bic": "BNBEBEBB"}
    unnoticed = {"country.name": "A country keeps its name."}
    editor_groups = "base.group_user,base.group_partner_manager"

    def values(self, env, number):
        return {"name": f"Bank {number}", "country": env.ref("base.be").id}
