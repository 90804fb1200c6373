# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api

from odoo.addons.queue_job_sync.engine.task import Held, Owed, TaskBuilder


def migrate(cr, version):
    """Note of which records a system has confirmed nothing yet, or that they are gone.

    One that was marked as deleted there has the fingerprint that all of them have.
    """
    cr.execute(
        """
        UPDATE sync_binding
           SET absent = CASE WHEN last_success IS NULL THEN 'never' ELSE 'gone' END
         WHERE last_success IS NULL
            OR (content_hash IS NULL AND external_id IS NULL AND doubt IS NULL)
        """
    )
    env = api.Environment(cr, SUPERUSER_ID, {})
    streams = env["sync.stream"].with_context(active_test=False)
    for stream in streams.search([("delete_policy", "=", "mark")]):
        if stream.model_name in env:
            gone = TaskBuilder(stream).build(Held(None, 0), Owed([], False), None)
            cr.execute(
                "UPDATE sync_binding SET absent = 'gone'"
                " WHERE stream_id = %s AND content_hash = %s",
                (stream.id, gone.digest),
            )
