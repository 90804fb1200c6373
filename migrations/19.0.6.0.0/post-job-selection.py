# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

TABLE = "queue_job_sync_reschedule_rel"


def migrate(cr, version):
    """Drop the table of the jobs that were to be rescheduled: they are a domain now."""
    cr.execute("DELETE FROM ir_model_relation WHERE name = %s", (TABLE,))
    cr.execute("DELETE FROM ir_model_constraint WHERE starts_with(name, %s)", (TABLE,))
    cr.execute("DROP TABLE IF EXISTS queue_job_sync_reschedule_rel")
