# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from psycopg2 import errors as pg_errors

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..engine import words
from ..engine.store import AT_REST, SETTLED, ask, ask_column, read_committed

_logger = logging.getLogger(__name__)

# Rows that go before the next commit.
BATCH = 1000
# Seconds after which no process takes a record for a live one any more, out of what it
# keeps in memory.
LINGER = 30
# How long each batch waits for a lock at most: the next run of the cron tries again.
LOCK_WAIT = "1s"
# Jobs that a worker has or is about to have.
AT_WORK = ("enqueued", "started")
# Seconds between batches of jobs: the runner is told of each, and reads all of them
# before it starts another one.
BREATH = 0.2
ALL = SQL("true")


@dataclass(frozen=True)
class Owned:
    """The rows of a table that belong to a record, in the order of an index."""

    table: str
    link: str  # column that leads to the record, the first one of the index
    order: str  # the next one of the index


class SyncDeletion(models.AbstractModel):
    """A record that a million rows may belong to: they go first, and it goes last.

    A person archives it and says that it is to go. The rest is done by a cron, each
    batch in a transaction of its own, which waits for nobody and which nobody has to
    wait for. It begins with what it finds, so it may be ended at any time, and it finds
    too what belongs to a record that is gone already: one that the database has deleted
    together with its model, or rows that an editor committed late.
    """

    _name = "sync.deletion"
    _description = "Deleted in the Background"

    # What goes in batches, and the jobs that lose their link.
    _owned = ()
    _owned_jobs = None

    deleting_since = fields.Datetime(
        "Being Deleted Since",
        readonly=True,
        copy=False,
        help="When somebody decided to delete it; what belongs to it goes first.",
    )

    def write(self, vals):
        if vals.get("active"):
            self._require_staying()
        return super().write(vals)

    def _require_staying(self):
        """Raise ``UserError`` if any of these is being deleted."""
        for record in self.filtered("deleting_since"):
            raise UserError(self.env._("%s is being deleted.", record.display_name))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        for record in self:
            if record._owns_rows():
                raise UserError(record._in_use_text())

    def _in_use_text(self):
        """Return why this cannot be deleted at once, and what to do instead."""
        return self.env._(
            "%s is in use: changes, synchronized records, deliveries or jobs belong "
            "to it. Press Delete at the top of its form: that archives it, cancels "
            "its jobs and deletes all this in the background.",
            self.display_name,
        )

    def action_delete(self):
        """Archive these, cancel their jobs, and delete them in the background.

        :raises AccessError: the user may not delete them
        """
        self.check_access("unlink")
        self._begin_deletion()
        return True

    def _begin_deletion(self):
        """Let the cron delete these records and what belongs to them."""
        self.filtered("active").active = False
        fresh = self.filtered(lambda record: not record.deleting_since)
        # of the database, whose transactions are compared with it
        self.env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'utc'")
        (fresh.deleting_since,) = self.env.cr.fetchone()
        # once more: until the commit, other threads fill it with what was before
        self.env.cr.postcommit.add(self.env.registry.clear_cache)
        self.env.ref("queue_job_sync.ir_cron_deletions").sudo()._trigger()

    @api.model
    def _being_deleted(self):
        """Return those that somebody has decided to delete."""
        everything = self.with_context(active_test=False).sudo()
        return everything.search([("deleting_since", "!=", False)])

    # -- in the background ----------------------------------------------------

    @api.model
    def _cron_delete(self):
        """Go on with all deletions, as far as there is time."""
        progress = self.env["ir.cron"]._commit_progress
        progress(0)
        # systems after what is sent to them
        models_ = [self.env["sync.stream"], self.env["sync.backend"]]
        for model in models_:
            for id_ in model._ids_to_delete():
                for count in model._delete_batches(id_):
                    if not progress(count, remaining=1):
                        return
        if any(model._being_deleted() for model in models_):
            # something has to be waited for
            soon = fields.Datetime.now() + timedelta(minutes=1)
            self.env.ref("queue_job_sync.ir_cron_deletions").sudo()._trigger(soon)
        progress(remaining=0)

    @api.model
    def _ids_to_delete(self):
        """Return the ids of what is being deleted, or is gone and still owns rows."""
        found = set(self._being_deleted()._ids)
        for owned in (*self._owned, self._owned_jobs):
            found.update(self._lost_ids(owned))
        if found:
            # a transaction from before may have filled the memory of its process anew
            self.env.registry.clear_cache()
        return sorted(found)

    @api.model
    def _lost_ids(self, owned):
        """Return the ids that rows of a table lead to where no record is any more.

        One look into the index for each id, however many rows lead to it.
        """
        return ask_column(
            self.env.cr,
            """
            WITH RECURSIVE found (id) AS (
                (SELECT %(link)s FROM %(table)s WHERE %(link)s IS NOT NULL
                  ORDER BY %(link)s LIMIT 1)
                 UNION ALL
                SELECT (SELECT %(link)s FROM %(table)s WHERE %(link)s > found.id
                         ORDER BY %(link)s LIMIT 1)
                  FROM found WHERE found.id IS NOT NULL)
            SELECT id FROM found
             WHERE id IS NOT NULL
               AND NOT EXISTS (SELECT FROM %(own)s WHERE %(own)s.id = found.id)
            """,
            link=SQL.identifier(owned.link),
            table=SQL.identifier(owned.table),
            own=SQL.identifier(self._table),
        )

    @api.model
    def _delete_batches(self, id_):
        """Delete what belongs to a record, and the record last.

        Yields how many rows went, each time that this is committed. The record stays
        where something has to be waited for: another run goes on.

        :param int id_: of the record, which may be gone already
        """
        try:
            yield from self._each_batch(id_)
        except (pg_errors.LockNotAvailable, pg_errors.DeadlockDetected):
            _logger.info("%s %s is deleted later: somebody uses it", self._name, id_)
        except Exception:
            # the others go on; a person looks into this one
            _logger.exception("%s %s could not be deleted", self._name, id_)

    @api.model
    def _each_batch(self, id_):
        jobs = self._owned_jobs
        cancel = SQL(
            "UPDATE queue_job SET state = 'cancelled', date_cancelled = %s,"
            " result = %s, sync_wait_key = NULL, sync_wait_reason = NULL,"
            " sync_due = NULL",
            fields.Datetime.now(),
            words._lt("What it was to send to is being deleted."),
        )
        yield from self._batches(jobs, id_, cancel, SQL("state IN %s", AT_REST))
        with self._own_cursor() as cr:
            at_work = SQL("state IN %s", AT_WORK)
            if self.with_env(self.env(cr=cr))._owns(jobs, id_, at_work):
                return
        for owned in self._owned:
            drop = SQL("DELETE FROM %s", SQL.identifier(owned.table))
            yield from self._batches(owned, id_, drop)
        forget = SQL("UPDATE queue_job SET %s = NULL", SQL.identifier(jobs.link))
        for count in self._batches(jobs, id_, forget, SQL("state IN %s", SETTLED)):
            yield count
            time.sleep(BREATH)
        count = 1
        while count:
            with self._own_cursor() as cr:
                record = self.with_env(self.env(cr=cr, su=True)).browse(id_)
                count = record._delete_last()
            yield count

    def _own_cursor(self):
        """Return a cursor that sees what is committed by now, and waits for nobody."""
        # a batch that a crash brings back goes once more
        settings = "SET LOCAL lock_timeout = %s; SET LOCAL synchronous_commit = off"
        return read_committed(self.env.registry, SQL(settings, LOCK_WAIT))

    @api.model
    def _batches(self, owned, id_, change, where=ALL):
        """Change the rows of a table that belong to a record, batch by batch.

        It goes along the index, on from where the last batch has ended: what is
        deleted stays in an index for as long as somebody might see it, and must not be
        passed over again and again. Rows that somebody holds are left out.

        :param change: :class:`SQL` of the statement, without its condition
        :param where: :class:`SQL` condition on the rows
        """
        link, order = SQL.identifier(owned.link), SQL.identifier(owned.order)
        # not "=", which would let PostgreSQL think of other ways to the same rows
        mine = SQL("%(link)s BETWEEN %(id)s AND %(id)s", link=link, id=id_)
        rest = ALL
        while True:
            with self._own_cursor() as cr:
                ((count, last),) = ask(
                    cr,
                    """
                    WITH gone AS (
                        %(change)s WHERE ctid = ANY(ARRAY(
                            SELECT ctid FROM %(table)s
                             WHERE %(mine)s AND %(rest)s AND %(where)s
                             ORDER BY %(link)s, %(order)s LIMIT %(limit)s
                               FOR UPDATE SKIP LOCKED))
                        RETURNING %(order)s AS place)
                    SELECT count(*), max(place) FROM gone
                    """,
                    change=change,
                    table=SQL.identifier(owned.table),
                    mine=mine,
                    rest=rest,
                    where=where,
                    link=link,
                    order=order,
                    limit=BATCH,
                )
            if not count:
                return
            yield count
            rest = SQL("(%s, %s) >= (%s, %s)", link, order, id_, last)

    def _delete_last(self):
        """Delete this record once nothing belongs to it; return how many rows went."""
        record = self.exists()
        if not record.deleting_since or record._may_be_used() or record._owns_rows():
            return 0
        record.unlink()
        return 1

    def _may_be_used(self):
        """Return whether a transaction is open that may take this for a live record."""
        self.env.cr.execute(
            """
            SELECT clock_timestamp() < before OR EXISTS (
                   SELECT FROM pg_stat_activity
                    WHERE datname = current_database() AND xact_start < before
                      AND backend_type = 'client backend')
              FROM (SELECT %s AT TIME ZONE 'utc' + %s * interval '1 second')
                   AS known (before)
            """,
            (self.deleting_since, LINGER),
        )
        return self.env.cr.fetchone()[0]

    def _owns_rows(self):
        """Return whether changes, bindings, jobs or the like belong to this record."""
        return self._owns(self._owned_jobs, self.id)

    @api.model
    def _owns(self, owned, id_, where=ALL):
        """Return whether rows of a table belong to a record."""
        self.env.flush_all()
        query = SQL(
            "SELECT 1 FROM %(table)s WHERE %(link)s BETWEEN %(id)s AND %(id)s"
            " AND %(where)s ORDER BY %(link)s LIMIT 1",
            table=SQL.identifier(owned.table),
            link=SQL.identifier(owned.link),
            id=id_,
            where=where,
        )
        return bool(self.env.execute_query(query))
