# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random

from psycopg2 import errors as pg_errors

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.queue_job.exception import RetryableJobError

from .record_rows import rows_about
from .sync_binding_task import Held

# Seconds after which a job looks again at a record that another job is sending.
BUSY_SECONDS = (1, 3)


class SyncBinding(models.Model):
    """The binding as a lock, and what is written on it outside of a delivery."""

    _inherit = "sync.binding"

    def _busy_error(self):
        return RetryableJobError(
            self.env._("Another job is sending this record."),
            seconds=random.uniform(*BUSY_SECONDS),
            ignore_retry=True,
        )

    @api.model
    def _lock(self, stream, record_ids):
        """Lock the bindings of the records that nobody else is sending.

        Missing ones are inserted. The lock lasts as long as the transaction, and lets
        other rows refer to the binding.

        :return: list of :class:`Held`
        :raises RetryableJobError: another job has sent one of them after this
            transaction took its snapshot, so that this job cannot know what was sent
        """
        cr = self.env.cr
        pairs = [(stream.id, id_) for id_ in sorted(record_ids)]
        try:
            with cr.savepoint(flush=False):
                cr.execute(
                    SQL(
                        "SELECT res_id FROM %s AS binding",
                        rows_about("sync_binding", pairs),
                    ),
                    log_exceptions=False,
                )
                missing = set(record_ids) - {res_id for (res_id,) in cr.fetchall()}
                if missing:
                    self._insert_missing(stream, missing)
                # SKIP LOCKED does not skip a row changed since the snapshot was
                # taken: that is a serialization failure
                lock = SQL("FOR NO KEY UPDATE SKIP LOCKED")
                cr.execute(
                    SQL(
                        "SELECT id, res_id, external_id, content_hash, version, note"
                        "  FROM %s AS binding",
                        rows_about("sync_binding", pairs, lock),
                    ),
                    log_exceptions=False,
                )
                return [Held(*row) for row in cr.fetchall()]
        except (
            pg_errors.SerializationFailure,
            pg_errors.LockNotAvailable,
            pg_errors.DeadlockDetected,
        ):
            raise self._busy_error() from None

    def _insert_missing(self, stream, record_ids):
        """Insert bindings, without waiting for a job that inserts the same ones."""
        cr = self.env.cr
        cr.execute("SELECT current_setting('lock_timeout')")
        (previous,) = cr.fetchone()
        cr.execute("SELECT set_config('lock_timeout', '100ms', true)")
        cr.execute(
            "INSERT INTO sync_binding (stream_id, res_id, version, skipped)"
            " SELECT %s, unnest(%s::int[]), 0, false"
            " ON CONFLICT (stream_id, res_id) DO NOTHING",
            (stream.id, sorted(record_ids)),
            log_exceptions=False,
        )
        cr.execute("SELECT set_config('lock_timeout', %s, true)", (previous,))

    # -- failures and people --------------------------------------------------

    @api.model
    def _record_failure(self, job):
        """Keep on the bindings why a job failed.

        Called where queue_job stores the failure, after the job's own changes were
        rolled back. A record that another job is sending already is left to it.
        """
        rows = self.env["sync.outbox"].search([("job_uuid", "=", job.uuid)])
        for stream, stream_rows in rows.grouped("stream_id").items():
            try:
                bindings = self._lock(stream, set(stream_rows.mapped("res_id")))
            except RetryableJobError:
                continue
            self.browse(held.id for held in bindings).write(
                {
                    "last_error": job.exc_message or job.exc_name,
                    "last_error_date": fields.Datetime.now(),
                }
            )

    @api.model
    def _note(self, rows, note, skipped=False):
        """Tell on the bindings what a person decided about outbox rows, and when.

        :param str note: what was decided, and by whom
        :param bool skipped: the changes will not be delivered
        :return: the rows of which nobody else is sending the record. The others are
            settled by the job that sends it, which must not find them gone after
            it has sent them.
        """
        free = rows.browse()
        for stream, stream_rows in rows.grouped("stream_id").items():
            try:
                bindings = self._lock(stream, set(stream_rows.mapped("res_id")))
            except RetryableJobError:
                continue
            self.browse(held.id for held in bindings).write(
                {
                    "note": note,
                    "note_date": fields.Datetime.now(),
                    "skipped": skipped,
                }
            )
            locked = {held.res_id for held in bindings}
            free |= stream_rows.filtered(lambda row, ids=locked: row.res_id in ids)
        return free
