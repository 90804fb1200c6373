# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

NAMES = {
    "Synchronized Copy: multi-company": "Synchronized Record: multi-company",
    "Recover: own": "Requeue failed: own",
    "Recover: multi-company": "Requeue failed: multi-company",
}


def migrate(cr, version):
    """Rename rules, which are not updated with the addon: people may change them."""
    for old, new in NAMES.items():
        cr.execute("UPDATE ir_rule SET name = %s WHERE name = %s", (new, old))
