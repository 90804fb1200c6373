# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Run in Odoo's shell: makes many systems that share the contacts.

``SETTINGS`` (``count``, ``url``, ``mapping``) is put before this text.
"""

# ruff: noqa: F821 - Odoo's shell gives env
model = env["ir.model"]._get("res.partner")
mapping = [
    (0, 0, {"sequence": sequence, "field_path": path, "target": target})
    for sequence, (path, target) in enumerate(SETTINGS["mapping"].items())
]
for number in range(SETTINGS["count"]):
    values = {"name": f"System {number:02}", "transport": "rest"}
    backend = env["sync.backend"].create({**values, "url": SETTINGS["url"]})
    env["sync.stream"].create(
        {
            "name": f"Contacts to {backend.name}",
            "backend_id": backend.id,
            "model_id": model.id,
            "endpoint": "contacts",
            "domain": repr([("ref", "=", f"share {number}")]),
            "mapping_ids": mapping,
            "state": "live",
        }
    )
env.cr.commit()
