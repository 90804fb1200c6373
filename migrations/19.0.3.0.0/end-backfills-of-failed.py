# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api, fields

from odoo.addons.queue_job_sync.engine.jobs import requeue_many


def migrate(cr, version):
    """End the backfills of what has failed: *Requeue failed…* does it now, at once.

    One that runs queues its failed jobs again here; one that was stopped is cancelled,
    and its failed jobs wait for somebody's decision, as others do. All modules are
    loaded by now: jobs may be about records of any.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    cr.execute(
        "SELECT id FROM sync_backfill"
        " WHERE scope = 'failed' AND state IN ('running', 'stopped')"
    )
    for backfill in env["sync.backfill"].browse(id_ for (id_,) in cr.fetchall()):
        running = backfill.state == "running"
        if running:
            jobs = env["queue.job"].search(_left(backfill))
            requeue_many(jobs)
        backfill.write(
            {
                "state": "done" if running else "cancelled",
                "ended": fields.Datetime.now(),
            }
        )
    env.flush_all()
    # what had failed is not confirmed
    cr.execute("UPDATE sync_backfill SET scope = 'unconfirmed' WHERE scope = 'failed'")
    cr.execute("DELETE FROM sync_backfill_start WHERE scope = 'failed'")
    env.invalidate_all()


def _left(backfill):
    """Return the domain of the failed jobs that it has still to queue."""
    domain = [
        ("sync_stream_id", "=", backfill.stream_id.id),
        ("state", "=", "failed"),
        # it went on by the ids of jobs
        ("id", ">", backfill.last_id),
    ]
    if backfill.started:
        domain.append(("id", "<=", backfill.end_id))
    return domain
