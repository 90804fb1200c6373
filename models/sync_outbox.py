# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import logging

from odoo import api, fields, models

from .loose_link import LooseMany2one, groups_there
from .sync_change import names_of
from .sync_guard import noted, storable, undone

_logger = logging.getLogger(__name__)

LEFT = "Changes of %s wait for the sweep to queue them, in synchronization %s"


class SyncOutbox(models.Model):
    """A change that the destination has not confirmed yet.

    Rows are inserted in the transaction of the edit (the transactional outbox
    pattern), so that they exist exactly if the edit does. They are never updated or
    locked by an editor; only workers delete them, by id.

    Which edits make rows is in ``sync_outbox_capture.py``.
    """

    _name = "sync.outbox"
    _description = "Undelivered Change"
    _order = "id"
    _rec_name = "record_name"

    create_uid = LooseMany2one(
        "res.users",
        "Created by",
        readonly=True,
        help="Whose edit it was.",
    )
    write_uid = LooseMany2one(
        "res.users",
        "Last Updated by",
        readonly=True,
        help="Who last gave it another job.",
    )
    stream_id = LooseMany2one(
        "sync.stream",
        "Synchronization",
        required=True,
        readonly=True,
        help="What has to send the change.",
    )
    backend_id = fields.Many2one(
        related="stream_id.backend_id",
        string="System",
        help="The system that does not know of it yet.",
    )
    model_name = fields.Char(related="stream_id.model_name")
    res_id = fields.Many2oneReference(
        "Record",
        model_field="model_name",
        required=True,
        readonly=True,
        help="The record that was changed.",
    )
    record_name = fields.Char(
        "Name",
        readonly=True,
        help="What people called the record when it was changed.",
    )
    operation = fields.Selection(
        [("upsert", "Created or Edited"), ("delete", "Deleted")],
        required=True,
        readonly=True,
        help="Whether the record was written or deleted.",
    )
    force = fields.Boolean(
        readonly=True,
        help="Asked for by a person: sent at once and even if nothing has changed.",
    )
    job_uuid = fields.Char(
        "Job UUID",
        index=True,
        readonly=True,
        help="Of the job that is to deliver it.",
    )
    problem = fields.Char(
        readonly=True,
        help="What went wrong when the change was recorded. It is sent all the same, "
        "as soon as that works.",
    )

    _record_index = models.Index("(stream_id, res_id)")
    _problem_index = models.Index("(stream_id, id) WHERE problem IS NOT NULL")

    # -- jobs ----------------------------------------------------------------

    @api.model
    def _enqueue(self, stream, records, **options):
        """Insert outbox rows for records, and the jobs that will deliver them.

        Where that raises, the rows are left for the sweep, with the reason.

        :param stream: the ``sync.stream``, as superuser
        :param records: recordset in the environment of the user who owns the jobs
        :param options: see :meth:`_queue`
        """
        with (
            noted(_logger, LEFT, records, stream.id, level=logging.WARNING) as trouble,
            undone(self.env, forget=True),
        ):
            self._queue(stream, records, **options)
        if trouble:
            self._queue_in_doubt(stream, records, trouble.reason, **options)

    @api.model
    def _queue(
        self,
        stream,
        records,
        gone=None,
        force=False,
        priority=None,
        backfill=None,
        eta=None,
    ):
        """Insert outbox rows for records, and the jobs that will deliver them.

        One job for each batch of records; one statement for all rows.

        :param stream: the ``sync.stream``, as superuser
        :param records: recordset in the environment of the user who owns the jobs
        :param dict gone: names of deleted records, by id, of others as well
        :param bool force: asked for by a person: now, and even if unchanged
        :param int priority: of the jobs, if not the stream's
        :param backfill: the ``sync.backfill`` that asks, at a time to send
        :param eta: when the jobs may run, if not when the stream says (UTC, naive)
        """
        if not records:
            return
        if not (eta or force or backfill):
            eta = stream._eta()
        names, gone = self._names(records, gone or {})
        chunks = self._delay_chunks(stream, records, names, priority, eta)
        rows = self._storable_rows(chunks, names, gone, force)
        self._insert(stream, records.env.uid, rows, backfill)

    @api.model
    def _queue_in_doubt(
        self,
        stream,
        records,
        reason,
        gone=None,
        force=False,
        priority=None,
        backfill=None,
        eta=None,
    ):
        """Do as :meth:`_queue` as far as it goes; only the rows are indispensable.

        Without a job they are queued by the sweep, once that works.

        :param str reason: what has raised
        """
        if not records:
            return
        names = gone = dict(gone or {})
        chunks = [(records, None)]
        with noted(_logger, "Names of %s are not known", records), undone(self.env):
            names, gone = self._names(records, gone)
        with (
            noted(_logger, LEFT, records, stream.id),
            undone(self.env, forget=True),
        ):
            if not (eta or force or backfill):
                eta = stream._eta()
            chunks = self._delay_chunks(stream, records, names, priority, eta)
        rows = self._storable_rows(chunks, names, gone, force, reason)
        self._insert(stream, records.env.uid, rows, backfill)

    @api.model
    def _names(self, records, gone):
        """Return the names of records by id, and those of the deleted ones alone.

        :param dict gone: what is known of the latter
        """
        names = names_of(records.browse(id_ for id_ in records._ids if id_ not in gone))
        # deleted by plain SQL, say
        unnamed = [id_ for id_ in records._ids if id_ not in names and id_ not in gone]
        gone = {**gone, **dict.fromkeys(unnamed)}
        return {**names, **gone}, gone

    @api.model
    def _delay_chunks(self, stream, records, names, priority, eta):
        """Queue jobs for records, and return ``(records, UUID)`` for each."""
        size = stream._facts().batch_size
        chunks = [
            records[start : start + size] for start in range(0, len(records), size)
        ]
        return [
            (chunk, self._delay(stream, chunk, names, eta, priority))
            for chunk in chunks
        ]

    @api.model
    def _storable_rows(self, chunks, names, gone, force, problem=None):
        """Return rows for :meth:`_insert`.

        :param chunks: list of ``(records, UUID of their job)``
        :param dict names: what is known of the records' names, by id
        :param gone: ids of the deleted ones
        :param problem: what has raised
        """
        return [
            (
                id_,
                storable(names.get(id_) or "") or None,
                "delete" if id_ in gone else "upsert",
                force,
                uuid,
                problem,
            )
            for chunk, uuid in chunks
            for id_ in chunk._ids
        ]

    @api.model
    def _insert(self, stream, uid, rows, backfill=None):
        """Insert rows of a stream by one statement, created by a user.

        :param rows: non-empty list of ``(record id, name, operation, force, job
            UUID, problem)``
        :param backfill: the ``sync.backfill`` that they belong to
        """
        # one parameter for all rows: psycopg2 takes longer for arrays than for JSON
        self.env.cr.execute(
            """
            INSERT INTO sync_outbox
                   (stream_id, res_id, record_name, operation, force, job_uuid,
                    problem, backfill_id, create_uid, create_date)
            SELECT %s, (change ->> 0)::int, change ->> 1, change ->> 2,
                   (change ->> 3)::bool, change ->> 4, change ->> 5, %s, %s, %s
              FROM jsonb_array_elements(%s) AS change
            """,
            (
                stream.id,
                backfill and backfill.id,
                uid,
                self.env.cr.now(),
                json.dumps(rows),
            ),
        )

    @api.model
    def _delay(self, stream, records, names, eta=None, priority=None, after=None):
        """Queue the job that delivers records, and return its UUID.

        It belongs to the user of the records' environment.

        :param dict names: what people call the records, by id
        :param int priority: if not the stream's
        :param after: ``queue.job`` records that have to be done before
        """
        user_env = records.env(
            su=False, context=records._job_prepare_context_before_enqueue()
        )
        label = (
            names.get(records.id) or str(records.id)
            if len(records) == 1
            else self.env._(
                "%(count)s records (%(model)s)",
                count=len(records),
                model=stream.model_id.name,
            )
        )
        facts = stream._facts()
        # there is nothing to track on a new job
        context = {"sync_record_name": label, "tracking_disable": True}
        if facts.company_id:
            # the job is seen by those who see the system; queue_job reads this key
            context["company_id"] = facts.company_id
        job = (
            records.with_env(user_env)
            .with_context(**context)
            .with_delay(
                priority=facts.priority if priority is None else priority,
                eta=eta,
                max_retries=facts.max_retries,
                description=f"{facts.backend_name}: {label}",
                channel=facts.channel,
            )
            ._sync_deliver(stream.with_env(user_env))
        )
        if after:
            after._run_before(job)
        # run at once by queue_job's own test switch, there is no job
        return getattr(job, "uuid", None)

    @api.model
    def _enqueue_by_hand(self, records, streams, priority=None, eta=None):
        """Queue existing records for those of the streams that send them.

        :param records: recordset in the environment of the user who asks
        :param streams: ``sync.stream`` records of the model, as superuser
        :param int priority: of the jobs, if not the streams'
        :param eta: when the jobs may run (UTC, naive), ``None`` for now
        :return: number of deliveries, one for each record in each stream
        """
        count = 0
        for stream in streams:
            matching = records.browse(stream._matching(records)._ids)
            self._enqueue(stream, matching, force=True, priority=priority, eta=eta)
            count += len(matching)
        return count

    def _read_group_postprocess_groupby(self, groupby_spec, raw_values):
        values = super()._read_group_postprocess_groupby(groupby_spec, raw_values)
        return groups_there(self, groupby_spec, values)

    def action_open_record(self):
        """Open the record that waits."""
        self.ensure_one()
        return self.stream_id._action_open_record(self.res_id)
