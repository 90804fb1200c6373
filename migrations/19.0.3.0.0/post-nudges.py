# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


def migrate(cr, version):
    """Drop the table of a model that is gone; Odoo forgets the rest of it by itself."""
    cr.execute("DROP TABLE IF EXISTS sync_nudge")
