# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A database in which contacts are synchronized; nothing takes what is sent."""

# The environment variable that asks for it,
LIVE = "QUEUE_JOB_SYNC_LIVE"
# and the one that leaves tests out for which pages are made: the scripts and styles of
# a shop take longer than all other tests.
WITHOUT_PAGES = "QUEUE_JOB_SYNC_WITHOUT_PAGES"
# Everything that an edit can be captured by: fields, links, lines.
MAPPING = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "country_id.code": "country",
    "parent_id.name": "company",
    "category_id.name": "tags",
    "child_ids.name": "contacts",
    "bank_ids.acc_number": "accounts",
}


def make(env):
    """Make a live synchronization of contacts.

    :param env: of Odoo's superuser
    """
    backend = env["sync.backend"].create(
        {"name": "Nobody", "transport": "rest", "url": "http://127.0.0.1:9/api"}
    )
    env["sync.stream"].create(
        {
            "name": "Contacts to nobody",
            "backend_id": backend.id,
            "model_id": env["ir.model"]._get_id("res.partner"),
            "endpoint": "contacts",
            "state": "live",
            "mapping_ids": [
                (0, 0, {"field_path": path, "target": target})
                for path, target in MAPPING.items()
            ],
        }
    )
