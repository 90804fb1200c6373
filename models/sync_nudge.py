# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
import time

from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from .loose_link import LooseMany2one

_logger = logging.getLogger(__name__)

# Seconds in which open dashboards are told at most once about a system. The dashboard
# looks again when they are over, so that what happens meanwhile is seen too.
WINDOW = 3

# When this process has to look again, by database and id of the system: on its
# monotonic clock. Spares nearly all jobs a cursor.
_quiet_until = {}


class SyncNudge(models.Model):
    """When open dashboards were last told that something of a system has changed.

    One row for each system, for all processes of all nodes. Nobody waits for it: who
    finds it locked leaves the telling to the one who holds it.
    """

    _name = "sync.nudge"
    _description = "Last Message to Dashboards"
    _log_access = False
    _rec_name = "backend_id"

    backend_id = LooseMany2one(
        "sync.backend",
        required=True,
        readonly=True,
        help="The system whose figures have changed.",
    )
    sent = fields.Datetime(
        required=True,
        readonly=True,
        help="When open dashboards were last told.",
    )

    _backend_uniq = models.UniqueIndex("(backend_id)")

    @api.model
    def _send_due(self, backend_ids):
        """Tell open dashboards about systems, unless they have just been told.

        For after a commit, by a cursor of its own: no job holds a lock for it, and
        none fails by it.

        :param backend_ids: ids of the systems that something has changed about
        """
        for backend_id in backend_ids:
            key = self.env.cr.dbname, backend_id
            now = time.monotonic()
            if now < _quiet_until.get(key, 0):
                continue
            _quiet_until[key] = now + WINDOW
            try:
                with self.env.registry.cursor() as cr:
                    # nothing has been executed yet
                    cr.connection.set_isolation_level(ISOLATION_LEVEL_READ_COMMITTED)
                    # a message that a crash takes along is missed by nobody
                    cr.execute("SET LOCAL synchronous_commit = off")
                    left = self._claim(cr, backend_id)
                    if left:
                        # as long as the one who has told them is quiet
                        _quiet_until[key] = now + left
                    else:
                        env = api.Environment(cr, SUPERUSER_ID, {})
                        env["sync.backend"].browse(backend_id)._tell_dashboards()
            except Exception:
                # the work is done and committed: only a screen is late
                _logger.exception("No dashboard was told about system %s", backend_id)

    @api.model
    def _claim(self, cr, backend_id):
        """Take the turn to tell dashboards about a system.

        :return: seconds until there is a turn again, 0 if it is ours now
        """
        cr.execute(
            SQL(
                """
                SELECT extract(epoch FROM clock_timestamp() AT TIME ZONE 'utc' - sent)
                  FROM sync_nudge WHERE backend_id = %s
                   FOR NO KEY UPDATE SKIP LOCKED
                """,
                backend_id,
            )
        )
        row = cr.fetchone()
        if row and 0 <= row[0] < WINDOW:
            return WINDOW - float(row[0])
        cr.execute(
            SQL(
                """
                UPDATE sync_nudge SET sent = clock_timestamp() AT TIME ZONE 'utc'
                 WHERE backend_id = %s
                """
                if row
                else """
                INSERT INTO sync_nudge (backend_id, sent)
                SELECT id, clock_timestamp() AT TIME ZONE 'utc'
                  FROM sync_backend WHERE id = %s
                ON CONFLICT (backend_id) DO NOTHING
                """,
                backend_id,
            )
        )
        return 0 if cr.rowcount else WINDOW
