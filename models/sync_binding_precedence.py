# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random

from psycopg2 import errors as pg_errors

from odoo import models
from odoo.tools import SQL

from .record_rows import rows_about
from .sync_binding_lock import BUSY_SECONDS

# Jobs that can be waited for: no worker has them, or will before this one commits.
AT_REST = ("pending", "wait_dependencies", "failed")
SETTLED = ("done", "cancelled")


class SyncBinding(models.Model):
    """Records that have to wait until others have been delivered.

    A job finds out when it starts: editors would have to lock jobs for it. What waits
    is handed on to a new job that depends on the others' jobs, in queue_job's own
    graph; it looks again when it starts. Dependencies lead from new jobs to older ones
    only, so that jobs never wait for each other in a circle.
    """

    _inherit = "sync.binding"

    def _precedence(self, stream, record_ids):
        """Return which of the records have to wait, and for what.

        :return: dict ``{record id: {(stream id, record id): job}}``; the job is empty
            where none could be waited for yet
        """
        blockers = self._blockers(stream, record_ids)
        if not blockers:
            return {}
        jobs = self._jobs_at_rest(set().union(*blockers.values()))
        none = self.env["queue.job"]
        found = {}
        for res_id, keys in blockers.items():
            needed = {
                key: job
                for key in keys
                for job in [jobs.get(key, none)]
                if not self._waits_for(job, stream, res_id)
            }
            if needed:
                found[res_id] = needed
        return found

    def _blockers(self, stream, record_ids):
        """Return what is not delivered of the records that have to be sent first.

        :return: dict ``{record id: {(stream id, linked record's id)}}``
        """
        links = stream._links_sent_first()
        if not links:
            return {}
        wanted = {}
        for record in stream._matching(
            self.env[stream.model_name].browse(record_ids).exists()
        ):
            for path, stream_ids in links:
                for stream_id in stream_ids:
                    by_link = wanted.setdefault(stream_id, {})
                    for id_ in record.mapped(path).ids:
                        if (stream_id, id_) != (stream.id, record.id):
                            by_link.setdefault(id_, set()).add(record.id)
        blockers = {}
        for stream_id, by_link in wanted.items():
            for id_ in stream.browse(stream_id)._undelivered(by_link):
                for res_id in by_link[id_]:
                    blockers.setdefault(res_id, set()).add((stream_id, id_))
        return blockers

    def _jobs_at_rest(self, keys):
        """Return a job to wait for, for each record that has one.

        :param keys: set of ``(stream id, record id)``
        :return: dict ``{key: job}``; the next one to run, a failed one if no other
        """
        if not keys:
            return {}
        self.env["sync.outbox"].flush_model()
        self.env["queue.job"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (o.stream_id, o.res_id) o.stream_id, o.res_id, j.id
                  FROM %s AS o JOIN queue_job j ON j.uuid = o.job_uuid
                 WHERE j.state IN %s
                 ORDER BY o.stream_id, o.res_id, j.state = 'failed',
                          j.state = 'wait_dependencies', j.id
                """,
                rows_about("sync_outbox", keys),
                AT_REST,
            )
        )
        jobs = self.env["queue.job"].sudo()
        return {
            (stream_id, id_): jobs.browse(job_id) for stream_id, id_, job_id in rows
        }

    def _waits_for(self, job, stream, res_id):
        """Return whether a job waits, however far away, for one that sends a record."""
        seen, ahead = job, job.dependency_ids
        while ahead:
            ahead = ahead.filtered(lambda each: each.state not in SETTLED) - seen
            if any(
                each.sync_stream_id == stream and res_id in each.records.ids
                for each in ahead
            ):
                return True
            seen |= ahead
            ahead = ahead.dependency_ids
        return False

    def _put_behind(self, stream, precedence, record_ids):
        """Hand records on to jobs that wait for others, see :meth:`_precedence`.

        To be called last in a job: it locks other jobs, which the runner must not wait
        for while something is sent.

        :param record_ids: all records of the job. What it sends itself is delivered,
            or has another job, when it commits.
        """
        sent_here = {(stream.id, id_) for id_ in record_ids}
        jobs = {
            key: job for needed in precedence.values() for key, job in needed.items()
        }
        missing = {key for key, job in jobs.items() if not job} - sent_here
        jobs |= self._queue_first(stream, missing)
        free = self._lock_jobs(self.env["queue.job"].concat(*jobs.values()))
        groups = {}
        for res_id, needed in precedence.items():
            ahead = free.browse().concat(*(jobs[key] for key in needed)) & free
            busy = not ahead and not sent_here.issuperset(needed)
            groups.setdefault((ahead, busy), []).append(res_id)
        for (ahead, busy), res_ids in groups.items():
            seconds = random.uniform(*BUSY_SECONDS) if busy else 0
            self._hand_on(stream, res_ids, seconds, after=ahead)

    def _queue_first(self, stream, keys):
        """Queue records that others wait for and that no job at rest will send.

        :param keys: set of ``(stream id, record id)``
        :return: dict ``{key: job}``
        """
        by_stream = {}
        for stream_id, id_ in sorted(keys):
            by_stream.setdefault(stream.browse(stream_id), []).append(id_)
        for first, ids in by_stream.items():
            self.env["sync.outbox"]._enqueue(
                first,
                self.env[first.model_name].browse(ids),
                priority=min(first.priority, stream.priority),
            )
        return self._jobs_at_rest(keys)

    def _lock_jobs(self, jobs):
        """Return those of the jobs that will wait until this transaction is over."""
        try:
            with self.env.cr.savepoint():
                rows = self.env.execute_query(
                    SQL(
                        "SELECT id FROM queue_job WHERE id = ANY(%s) AND state IN %s"
                        " ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
                        jobs.ids,
                        AT_REST,
                    )
                )
        except pg_errors.SerializationFailure:
            # one of them has changed since this job's snapshot: to be looked at again
            return jobs.browse()
        return jobs.browse(id_ for (id_,) in rows)

    # -- what people see ------------------------------------------------------

    def _waiting_text(self, stream, precedence):
        """Return what the records of a job wait for, for its result."""
        keys = {key for needed in precedence.values() for key in needed}
        names = [
            stream.browse(stream_id)._name_of(id_)
            for stream_id, id_ in sorted(keys)[:3]
        ]
        return self.env._(
            "%(system)s: waits for %(names)s, which has to be there first.",
            system=stream.backend_id.name,
            names=", ".join(names) + ("…" if len(keys) > 3 else ""),
        )
