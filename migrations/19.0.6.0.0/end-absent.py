# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

from odoo import SUPERUSER_ID, api

from odoo.addons.queue_job_sync.engine.task import Held, Owed, TaskBuilder

_logger = logging.getLogger(__name__)


def migrate(cr, version):
    """Note of which records a system has confirmed nothing yet, or that they are gone.

    One that was marked as deleted there has the fingerprint that all of them have. It
    is made when the addons are there that models and transports are of.
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
    marking = [("delete_policy", "=", "mark"), ("mark_key", "!=", False)]
    for stream in streams.search(marking):
        if stream.model_name not in env:
            continue
        try:
            gone = TaskBuilder(stream).build(Held(None, 0), Owed([], False), None)
        except Exception:
            # they go on saying that they are there
            _logger.warning("Who is gone in %s is not known", stream, exc_info=True)
            continue
        cr.execute(
            "UPDATE sync_binding SET absent = 'gone'"
            " WHERE stream_id = %s AND content_hash = %s",
            (stream.id, gone.digest),
        )
