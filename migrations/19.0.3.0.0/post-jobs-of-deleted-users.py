# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api

from odoo.addons.queue_job_sync.engine import job_load, jobs


def migrate(cr, version):
    """Let jobs go on whose user has been deleted: queue_job could not load them.

    The database has emptied the link to the user, who is named in the records still.
    """
    queue = api.Environment(cr, SUPERUSER_ID, {})["queue.job"]
    theirs = queue.search([*jobs.open_own_jobs(), ("user_id", "=", False)])
    job_load.go_on_as_odoobot(theirs)
