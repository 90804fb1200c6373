# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from .conformance import ModelCase


class TestConformancePartner(ModelCase):
    model_name = "res.partner"
    mapping = (
        ("name", "name"),
        ("email", "email"),
        ("country_id.name", "address.country"),
        ("category_id.name", "tags"),
    )
    edited = {"name": "Grace", "email": "grace@example.com"}
    unnoticed = {
        "country_id.name": "A country keeps its name.",
        "category_id.name": "Tags that are renamed go with the next edit.",
    }

    def values(self, env, number):
        return {
            "name": f"Ada {number}",
            "country_id": env.ref("base.be").id,
            "category_id": [(6, 0, env["res.partner.category"].search([]).ids[:2])],
        }
