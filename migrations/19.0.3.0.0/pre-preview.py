# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


def migrate(cr, version):
    # the HTML that it held could be written by whoever saw it, with scripts
    cr.execute("ALTER TABLE sync_preview DROP COLUMN IF EXISTS comparison")
