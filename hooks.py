# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from .uninstall import remove_traces, shut_others_out


def post_init_hook(env):
    """Do not mail about jobs that had failed before the addon was installed."""
    failed = env["queue.job"].search([("state", "=", "failed")])
    # tracking would read every column of every job
    failed.with_context(tracking_disable=True).failure_notified = True


def uninstall_hook(env):
    """Leave the database as it was before, also while people and jobs are at work.

    :raises UserError: when it is so busy that this cannot be promised
    """
    shut_others_out(env)
    remove_traces(env)
