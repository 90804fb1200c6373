# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


def post_init_hook(env):
    """Do not mail about jobs that had failed before the addon was installed."""
    env["queue.job"].search([("state", "=", "failed")]).failure_notified = True
