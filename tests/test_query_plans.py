# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from contextlib import closing, contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.sql_db import Cursor
from odoo.tests import tagged
from odoo.tools import SQL

from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import Job

from ..engine import (
    capture,
    gate,
    health,
    jobs,
    precedence,
    secrets,
    standing,
    store,
    waiting,
    words,
)
from ..engine.delivery import SWEEP_BATCH, Delivery
from ..engine.store import Alike
from ..engine.task import Given
from ..transports.base import Message, Receipt, Route
from .common import SyncCase, backend_values, stream_values
from .health_case import be_server

TABLES = {"queue_job", "sync_outbox", "sync_binding", "sync_delivery", "sync_attempt"}
PLANNED = ("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")
MANY = 60_000  # done jobs, bindings and deliveries
WAITING = 4_000  # waiting jobs, each with its change
FAILED = 400
NOT_CLOSED = ("wait_dependencies", "pending", "enqueued", "started", "failed")

FILL_JOBS = """
    INSERT INTO queue_job (
        uuid, user_id, company_id, name, model_name, method_name, func_string, state,
        priority, retry, max_retries, channel, records, args, kwargs, dependencies,
        date_created, date_done, eta, exc_message, exc_info,
        sync_backend_id, sync_stream_id, sync_res_id, sync_record_name,
        failure_notified)
    SELECT gen_random_uuid(), 1, 1, 'CRM: Partner ' || n, 'res.partner',
           '_sync_deliver', 'res.partner(' || n || ',)._sync_deliver()', %(state)s,
           5, 1, 3, 'root.sync',
           to_jsonb('{"_type": "odoo_recordset", "model": "res.partner", "ids": ['
                    || n || '], "uid": 1, "su": true, "context": {}}'),
           to_jsonb('[{"_type": "odoo_recordset", "model": "sync.stream", "ids": ['
                    || stream_id || '], "uid": 1, "su": true, "context": {}}]'),
           to_jsonb('{}'::text), '{"depends_on": [], "reverse_depends_on": []}',
           at, CASE WHEN %(state)s = 'done' THEN at END,
           CASE WHEN %(state)s = 'pending' THEN at + interval '90 days' END,
           CASE WHEN %(state)s = 'failed' THEN 'email is taken' END,
           CASE WHEN %(state)s = 'failed' THEN repeat('Traceback ', 99) END,
           backend_id, stream_id, n, 'Partner ' || n, n %% 20 > 0
      FROM (SELECT n, (%(streams)s::int[])[1 + (n %% 10 = 0)::int] AS stream_id,
                   (%(backends)s::int[])[1 + (n %% 10 = 0)::int] AS backend_id,
                   now() AT TIME ZONE 'utc' - n * interval '20 seconds' AS at
              FROM generate_series(%(first)s, %(first)s + %(count)s - 1) n) AS numbers
"""
FILL_OUTBOX = """
    INSERT INTO sync_outbox (stream_id, res_id, record_name, operation, job_uuid,
                             create_uid, create_date)
    SELECT sync_stream_id, sync_res_id, sync_record_name, 'upsert', uuid, 1,
           date_created
      FROM queue_job WHERE state IN ('pending', 'failed')
       AND sync_stream_id = ANY(%(streams)s)
"""
# Of five jobs that are to be run, two sleep for their system or for a record that is
# being sent, one is due, one waits for another record, and one is not due yet.
FILL_SLEEP = """
    UPDATE queue_job
       SET eta = CASE WHEN sync_res_id %% 5 < 3
                      THEN now() AT TIME ZONE 'utc' + interval '30 hours' END,
           sync_due = CASE WHEN sync_res_id %% 5 < 3 THEN date_created END,
           -- a hundred for each record
           sync_wait_key = CASE sync_res_id %% 5
               WHEN 0 THEN 'system:' || sync_backend_id
               WHEN 1 THEN 'record:' || sync_stream_id || ':' || sync_res_id / 500
               WHEN 2 THEN 'ahead:' || sync_stream_id || ':' || sync_res_id / 500 END
     WHERE state = 'pending' AND sync_res_id %% 5 < 4
       AND sync_stream_id = ANY(%(streams)s)
"""
FILL_BINDINGS = """
    INSERT INTO sync_binding (stream_id, res_id, external_id, content_hash, version,
                              last_success, skipped, accepted, doubt, absent)
    SELECT (%(streams)s::int[])[1 + (n %% 10 = 0)::int], n, 'C-' || n,
           md5(n::text) || md5((-n)::text), 1, now() AT TIME ZONE 'utc',
           n %% 1000 = 0, n %% 1000 = 1,
           CASE WHEN n > 30000 AND n %% 1000 = 2 THEN 'maybe' END,
           CASE n %% 1000 WHEN 3 THEN 'never' WHEN 4 THEN 'gone' END
      FROM generate_series(1, %(count)s) n
"""
FILL_DELIVERIES = """
    INSERT INTO sync_delivery (date, stream_id, res_id, job_uuid, operation, state,
                               request, request_body, status, error_kind, duration)
    SELECT now() AT TIME ZONE 'utc' - (%(count)s - n) * interval '60 seconds',
           (%(streams)s::int[])[1 + (n %% 10 = 0)::int], n, gen_random_uuid(),
           'upsert', CASE WHEN n %% 50 = 0 THEN 'failed' ELSE 'success' END,
           'PUT /contacts/C-' || n, '{"name": "Partner ' || n || '"}', '200',
           CASE WHEN n %% 50 = 0 THEN 'rejected' END, 0.1
      FROM generate_series(1, %(count)s) n
"""
FILL_PARTNERS = """
    INSERT INTO res_partner (name, complete_name, active, type, lang, create_uid,
                             write_uid)
    SELECT 'Partner ' || n, 'Partner ' || n, true, 'contact', 'en_US', 1, 1
      FROM generate_series(1, 20000) n
"""


@tagged("post_install", "-at_install")
class TestQueryPlans(SyncCase):
    """What people and workers wait for does not slow down with what is done."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # a small system beside the big one, and one that has never sent anything
        others = cls.env["sync.backend"].create(
            [backend_values(name="Small"), backend_values(name="Silent")]
        )
        cls.small, cls.silent = others
        cls.small_stream, _silent = cls.env["sync.stream"].create(
            [stream_values(other) for other in others]
        )
        cls.before_commit(cls)
        cls._fill()
        cls.job = cls.env["queue.job"].search(
            [("state", "=", "pending"), ("sync_stream_id", "=", cls.stream.id)], limit=1
        )
        cls.partner = cls.env["res.partner"].search([], limit=1, order="id desc")

    @classmethod
    def _fill(cls):
        cr = cls.env.cr
        values = {
            "streams": [cls.stream.id, cls.small_stream.id],
            "backends": [cls.backend.id, cls.small.id],
        }
        # nobody listens for these jobs
        cr.execute("ALTER TABLE queue_job DISABLE TRIGGER queue_job_notify")
        cr.execute(FILL_PARTNERS)
        cr.execute("SELECT min(id) FROM res_partner WHERE name = 'Partner 1'")
        ((contact,),) = cr.fetchall()
        for state, first, count in (
            ("done", contact, MANY),
            ("pending", contact, WAITING),
            ("failed", contact + WAITING, FAILED),
        ):
            values.update(state=state, first=first, count=count)
            cr.execute(FILL_JOBS, values)
        for fill in (FILL_SLEEP, FILL_OUTBOX, FILL_BINDINGS, FILL_DELIVERIES):
            cr.execute(fill, {**values, "count": MANY})
        cr.execute(
            "INSERT INTO sync_attempt (stream_id, res_id, version, operation,"
            " idempotency_key, digest, content, late_until)"
            " SELECT %s, n, 1, 'upsert', n, n, '{}',"
            " CASE WHEN n %% 9 > 0 THEN now() AT TIME ZONE 'utc' END"
            " FROM generate_series(1, 5000) n",
            (cls.stream.id,),
        )
        for table in (*TABLES, "res_partner", "sync_stream", "queue_job_lock"):
            cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))
        cls.env.invalidate_all()

    @contextmanager
    def plans(self, *allowed, reads=True):
        """Fail if a query of the body reads a whole table of ``TABLES``.

        Each query is planned just before it is executed.

        :param allowed: tables that may be read whole
        :param bool reads: the body has to query at least one of the tables
        """
        execute = Cursor.execute
        planned = []

        def explain(cursor, query, params=None, log_exceptions=True):
            if isinstance(query, SQL):
                text, values = query.code, query.params
            else:
                text, values = query, params
            if text.lstrip(" (\n").startswith(PLANNED):
                execute(cursor, f"EXPLAIN (FORMAT JSON) {text}", values)
                ((plan,),) = cursor.fetchall()
                plan = plan if isinstance(plan, list) else json.loads(plan)
                planned.extend(self.nodes(plan[0]["Plan"], text))
            return execute(cursor, query, params, log_exceptions)

        self.env.flush_all()
        self.env.invalidate_all()
        with patch("odoo.sql_db.Cursor.execute", explain):
            yield
            self.env.flush_all()
        self.assertTrue(
            not reads or any(table in TABLES for _type, table, _text in planned)
        )
        for node_type, table, text in planned:
            if node_type == "Seq Scan" and table in TABLES - set(allowed):
                self.fail(f"{table} is read whole by: {text}")

    def nodes(self, plan, text):
        """Yield the type and the table of each node of a plan, with the query."""
        yield plan["Node Type"], plan.get("Relation Name"), text
        for inner in plan.get("Plans", ()):
            # the table is full of such rows: over as soon as there are enough
            is_short = plan["Node Type"] == "Limit" and (
                inner["Plan Rows"] > 2 * plan["Plan Rows"]
            )
            if not (is_short and inner["Node Type"] == "Seq Scan"):
                yield from self.nodes(inner, text)

    def listed(self, model, domain, **specification):
        """Read a list as the web client does, with its count."""
        return self.env[model].web_search_read(
            domain, specification or {"display_name": {}}, limit=80, count_limit=10001
        )

    def test_the_check_can_fail(self):
        with self.assertRaisesRegex(AssertionError, "queue_job is read whole"):
            with self.plans():
                self.env["queue.job"].search_count([("result", "=", "nothing")])

    def test_edit(self):
        with self.plans():
            store.known_ids(self.stream, set(range(1, 81)))
            self.stream._eta()
        with self.plans():
            self.partner.name = "Edited"
            self.before_commit()
        with self.plans():
            self.partner.active = False
            self.before_commit()

    def test_job(self):
        given = {self.job.sync_res_id: Given(self.job.uuid)}
        sending = Delivery(self.stream, given, None, 0)
        with self.plans():
            job = Job.load(self.env, self.job.uuid)
            job.add_lock_record()
            job.lock()
        now = fields.Datetime.now().hour
        self.stream.write(
            {
                "delay_policy": "window",
                "window_start": (now + 12) % 24,
                "window_end": (now + 13) % 24,
                "window_tz": "UTC",
            }
        )
        with self.plans():
            sending.owed = store.owed_changes(self.stream, sending.given)
        with self.plans(reads=False), self.assertRaises(RetryableJobError):
            gate.pass_through(self.stream)
        with self.plans():
            sending._prepare(sending._lock())
        with self.plans():
            (task,) = sending.tasks
            known = {task.binding.res_id: [1, 2]}
            store.close_notes(self.env.registry, self.stream, [1, 2, 3], known)
            store.end_notes(self.env.cr, [4], [5])
        for backend in (self.backend, self.small, self.silent):
            for alike in (Alike("unreachable"), Alike("blocked", "403")):
                with self.subTest(f"{backend.name} {alike}"), self.plans():
                    row = store.alike_in_a_row(self.env.cr, backend.id, alike)
                    self.assertFalse(row)
        refused = Alike("rejected", "422")
        with self.plans():
            store.latest_refusals(self.env.cr, self.stream.id, refused, 25)
        with self.plans():
            store.created_without_id(self.env.cr, self.stream.id, 3)
        with self.plans():
            jobs.record_failure(self.job)
        with self.plans():
            self.job.button_done()
        with self.plans():
            self.job.requeue()

    def test_contacts(self):
        shown = {"name": {}, "sync_state": {}}
        with self.plans():
            self.listed("res.partner", [], **shown)
        # those that wait are as many as the changes: these are read, nothing else whole
        with self.plans("sync_outbox"):
            found = self.listed(
                "res.partner", [("sync_state", "=", "waiting")], **shown
            )
        self.assertEqual(found["length"], WAITING)
        # and those that failed are found from the failed jobs
        with self.plans():
            found = self.listed("res.partner", [("sync_state", "=", "failed")], **shown)
        self.assertEqual(found["length"], FAILED)
        # their count goes through the bindings until it has counted enough
        for state in ("synced", "skipped", "accepted", "deleted"):
            with self.subTest(state), self.plans("sync_outbox"):
                self.env["res.partner"].search([("sync_state", "=", state)], limit=80)
        with self.plans():
            self.partner.read(["sync_state", "sync_date"])
        with self.plans():
            action = self.partner.action_sync_status()
            self.assertTrue(self.env["sync.status"].browse(action["res_id"]).content)
        with self.plans():
            self.listed("queue.job", self.partner.action_sync_jobs()["domain"])

    def test_contacts_by_state(self):
        """All contacts are looked at, and no table is asked contact by contact."""
        contacts = self.env["res.partner"]
        for state in (False, "unsent", "synced"):
            with self.subTest(state), self.asked_at_once():
                contacts.search_count([("sync_state", "=", state)])
        for domain in ([], [("sync_state", "!=", "synced")]):
            with self.subTest(domain), self.asked_at_once():
                contacts.formatted_read_group(domain, ["sync_state"], ["__count"])
        for states in (["failed", "waiting"], ["skipped", "deleted"]):
            with self.subTest(states), self.plans("sync_outbox"):
                contacts.search([("sync_state", "in", states)], limit=80)

    @contextmanager
    def asked_at_once(self):
        """Fail if a query about contacts looks into ``TABLES`` once for each of them.

        Each is executed twice: the first time for its figures.
        """
        execute = Cursor.execute
        looked = []

        def analyze(cursor, query, params=None, log_exceptions=True):
            if isinstance(query, SQL) and '"res_partner"' in query.code:
                text = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query.code}"
                execute(cursor, text, query.params)
                ((plan,),) = cursor.fetchall()
                plan = plan if isinstance(plan, list) else json.loads(plan)
                looked.extend(self.looked(plan[0]["Plan"], query.code))
            return execute(cursor, query, params, log_exceptions)

        self.env.flush_all()
        with patch("odoo.sql_db.Cursor.execute", analyze):
            yield
        self.assertTrue(looked)
        for table, loops, text in looked:
            if loops > FAILED:
                self.fail(f"{table} is looked into {loops} times by: {text}")

    def looked(self, plan, text):
        """Yield the tables that a plan looks into, with how many times."""
        if plan.get("Relation Name") in TABLES:
            yield plan["Relation Name"], plan["Actual Loops"], text
        for inner in plan.get("Plans", ()):
            yield from self.looked(inner, text)

    def test_doubt(self):
        self.env.cr.execute(
            """
            UPDATE queue_job SET sync_wait_key = 'doubt:' || sync_stream_id || ':'
                                                 || sync_res_id
             WHERE state = 'pending' AND sync_res_id %% 100 = 0
               AND sync_stream_id = %s
            RETURNING sync_res_id
            """,
            (self.small_stream.id,),
        )
        ids = [id_ for (id_,) in self.env.cr.fetchall()]
        self.env.cr.execute(
            "UPDATE sync_binding SET doubt = 'unknown_id', accepted = true"
            " WHERE stream_id = %s AND res_id = ANY(%s)",
            (self.small_stream.id, ids),
        )
        with self.plans():
            found = standing.in_doubt(self.env)
        self.assertEqual(found[self.small_stream.id], set(ids))
        self.assertEqual(len(found[self.stream.id]), 30)
        with self.plans():
            found = self.listed("res.partner", [("sync_state", "=", "doubt")])
        self.assertEqual(found["length"], len(ids))
        with self.plans("sync_outbox"):
            count = standing.waiting_changes(self.env)[self.small_stream.id][0]
        self.assertEqual(count, WAITING / 10 - len(ids))
        with self.plans():
            (pair,) = self.env["res.partner"].browse(ids[:1])
            self.assertEqual(pair.sync_state, "doubt")
        with self.plans():
            self.assertTrue(self.small.doubt_count)
        with self.plans():
            self.assertTrue(
                store.is_in_doubt(self.env.cr, self.small_stream.id, ids[0])
            )
            store.drop_creations(self.env.cr, self.stream.id, [1, 2, 3])
        with self.plans():
            self.env["sync.binding"]._using(
                self.stream, {self.env["sync.binding"].search([], limit=1): "C-7"}
            )

    def test_lists_of_jobs(self):
        not_closed = [("state", "in", NOT_CLOSED)]
        for domain in (
            not_closed,
            [("state", "=", "failed")],
            [("sync_backend_id", "=", self.backend.id)],
            [("sync_backend_id", "=", self.small.id)],
            [("sync_stream_id", "=", self.small_stream.id)],
        ):
            with self.subTest(domain), self.plans():
                self.listed("queue.job", domain, name={}, state={}, exec_time={})
        for field in ("sync_backend_id", "sync_stream_id"):
            with self.subTest(field), self.plans():
                self.env["queue.job"].formatted_read_group(
                    not_closed, [field], ["__count"]
                )
        with self.plans():
            self.job._compute_sync_delivery_ids()

    def test_lists_of_the_addon(self):
        for model, domain in (
            ("sync.outbox", []),
            ("sync.binding", [("last_error", "!=", False)]),
            ("sync.delivery", [("state", "=", "failed")]),
            ("sync.delivery", [("stream_id", "=", self.small_stream.id)]),
            ("sync.delivery", [("res_id", "=", 5), ("stream_id", "=", self.stream.id)]),
            ("sync.delivery", [("backend_id", "ilike", self.small.name)]),
            ("sync.delivery", [("record_name", "=", "Partner 1")]),
            ("sync.delivery", [("warning", "!=", False)]),
            (
                "sync.delivery",
                [
                    ("state", "=", "failed"),
                    ("error", "ilike", "nothing"),
                    ("date", ">=", "today -6d"),
                ],
            ),
            ("sync.binding", [("backend_id", "ilike", self.small.name)]),
            ("sync.binding", [("record_name", "=", "Partner 1")]),
            ("sync.binding", [("external_id", "=", "nothing")]),
        ):
            # no more rows than the count shows are counted
            with self.subTest(model=model, domain=domain), self.plans("sync_outbox"):
                self.listed(model, domain)

    def test_days_of_the_log_are_counted_without_sorting_it(self):
        self.env.cr.execute(
            "EXPLAIN SELECT date_trunc('day', date), state, count(*)"
            " FROM sync_delivery GROUP BY 1, 2"
        )
        plan = "\n".join(line for (line,) in self.env.cr.fetchall())
        self.assertIn("HashAggregate", plan)

    def test_failed_jobs_are_told(self):
        jobs = self.env["queue.job"]
        with self.plans():
            jobs._read_group(jobs._untold_domain(), ["company_id"])
            jobs.search(jobs._untold_domain(self.env.company), order="id")
            self.env.company._job_failure_digest()

    def test_incident(self):
        self.env["sync.incident"].create(
            {
                "backend_id": self.small.id,
                "kind": "outage",
                "opened": fields.Datetime.now(),
            }
        )
        key = waiting.for_system(self.small.id)
        reason = words.kept(words._lt("Waits for its turn."))
        with self.plans():
            store.put_to_sleep(self.env.cr, self.small.id, key, reason, 9, 9, 500)
        with self.plans():
            rest = reason, 9, 9, 500, self.stream.id
            store.put_to_sleep(self.env.cr, self.backend.id, key, *rest)
        with self.plans():
            store.wake_trial(self.env.cr, key, ["none"])
        with self.plans():
            refused = Alike("rejected", "422")
            rest = refused, 10**9, key, reason, 9
            store.take_back(self.env.cr, self.stream.ids, *rest)
        with self.plans():
            self.env["sync.incident"]._queue_lost_probes()

    def test_jobs_that_wait(self):
        system = waiting.for_system(self.backend.id)
        with self.plans():
            store.what_holds(self.env, self.backend.id, self.stream.id, system, 5)
        for function, *args in asked_about_waiting(self.stream, self.job):
            with self.subTest(f"{function.__name__}{args}"), self.plans():
                function(self.env.cr, *args)

    def test_sweep(self):
        with self.plans("sync_outbox"):
            self.assertFalse(store.orphan_ids(self.env, 0, capture.SWEEP_BATCH))
        # the open notes are gone through, and looked up elsewhere
        with self.plans("sync_attempt"):
            store.forgotten_notes(self.env, SWEEP_BATCH)

    def test_cleaning(self):
        self.env["ir.config_parameter"].set_param("queue_job_sync.delivery_days", 20)
        with self.plans():
            dropped, more = self.env["sync.delivery"]._gc_old_deliveries()
        self.assertEqual((dropped, more), (1000, True))

    def test_figures(self):
        # the changes that wait are counted
        with self.plans("sync_outbox"):
            self.env["sync.backend"].search([])._queue_figures()

    def test_health(self):
        # none has started lately: those that wait are looked at
        with self.plans():
            found = health.problems(self.env)
        self.assertNotIn("stuck", [each.kind for each in found])
        self.env.cr.execute("UPDATE queue_job SET eta = NULL WHERE state = 'pending'")
        be_server(self)
        long_ago = self.env.cr.now() - timedelta(hours=1)
        other = {"name": "other:8069", "workers": 4, "capacity": 2}
        self.env["sync.node"].create(
            {**other, "noted": self.env.cr.now(), "since": long_ago}
        )
        with self.plans():
            (problem,) = health.problems(self.env)
        self.assertEqual(problem.kind, "stuck")


def asked_about_waiting(stream, job):
    """Return what jobs ask, and those who wake them: functions and their arguments.

    :param job: a ``queue.job`` of the stream that is to be run
    """
    stream_id, backend_id, uuid = stream.id, stream.backend_id.id, job.uuid
    system = waiting.for_system(backend_id)
    record = waiting.for_record(stream_id, job.sync_res_id // 500)
    nothing = waiting.for_record(0, 0)
    ahead = [waiting.for_ahead(stream_id, job.sync_res_id // 500)]
    key = stream_id, job.sync_res_id
    return [
        (store.due_changes, stream_id, uuid, 100),
        (store.is_overtaken, stream_id, uuid, None, [job.sync_res_id], [uuid]),
        (store.channels_that_wait, backend_id, uuid, None, False),
        (store.channels_that_wait, backend_id, uuid, None, True),
        (store.sleeps_urgently, system, stream_id, uuid, None),
        (store.is_at_work, backend_id),
        (store.has_no_caller, backend_id),
        (store.has_no_caller, backend_id, [stream_id]),
        (store.waits_for, key, key),
        (store.waited_for, "record:"),
        (store.awaited, [nothing, record]),
        (store.streams_behind, *ahead),
        (store.others_wait, backend_id),
        (store.others_wait, 0),
        (store.sleeps_any, system),
        (store.sleeps_any, nothing),
        (store.sleep_of, uuid),
        (store.is_in_doubt, *key),
        (store.wake, system),
        (store.wake, system, [stream_id]),
        (store.wake, record),
        (store.wake, nothing),
        (store.move_sleepers, ahead, waiting.BATCH),
        (store.end_sleep, uuid),
        (store.covered_jobs, 100),
        (store.is_free, *key),
        (store.sleep_on, 9, waiting.BATCH),
        (store.settle_jobs, [(uuid, "Delivered.", None, 0.1)]),
        (store.lock_pending, uuid),
    ]


NEW = 30_000  # records of a stream that the statistics know nothing of
# Rows that a statement about a hundred records may touch in a table.
FEW = 1_500


@tagged("post_install", "-at_install")
class TestNewStream(SyncCase):
    """A stream that has just begun, beside the large log of another one.

    Statistics are of before it began: its rows are as many as they are, and PostgreSQL
    takes them for none.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # one before the stream with the log, and one after it
        cls.before = cls.stream
        backends = cls.env["sync.backend"].create(
            [backend_values(name="Old"), backend_values(name="New")]
        )
        cls.old, cls.after = cls.env["sync.stream"].create(
            [stream_values(backend) for backend in backends]
        )
        cls.before_commit(cls)
        cls.partners = cls.env["res.partner"].search([], limit=100, order="id")
        cls.ids = cls.partners.ids
        cr = cls.env.cr
        cr.execute("ALTER TABLE queue_job DISABLE TRIGGER queue_job_notify")
        for table in TABLES:
            cr.execute(
                SQL(
                    "ALTER TABLE %s SET (autovacuum_enabled = false)",
                    SQL.identifier(table),
                )
            )
        cls._fill(cls.old, MANY, 0)
        for table in TABLES:
            cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))
        for stream in (cls.before, cls.after):
            cls._fill(stream, NEW, min(cls.ids))
        cls.env.invalidate_all()

    @classmethod
    def _fill(cls, stream, count, first):
        """Deliveries and copies of a stream; half of the records are owed."""
        cr = cls.env.cr
        values = {
            "stream": stream.id,
            "streams": [stream.id] * 2,
            "backends": [stream.backend_id.id] * 2,
            "first": first,
            "count": count,
            "last": first + count - 1,
        }
        for state, share in (("pending", count // 2), ("failed", FAILED)):
            cr.execute(FILL_JOBS, {**values, "state": state, "count": share})
        cr.execute(FILL_SLEEP, values)
        cr.execute(FILL_OUTBOX, values)
        cr.execute(
            """
            INSERT INTO sync_binding (stream_id, res_id, external_id, content_hash,
                                      version, last_success, skipped)
            SELECT %(stream)s, n, 'C-' || n, md5(n::text), 1,
                   now() AT TIME ZONE 'utc', false
              FROM generate_series(%(first)s, %(last)s) n
            """,
            values,
        )
        # each of them twice
        cr.execute(
            """
            INSERT INTO sync_delivery (date, stream_id, res_id, operation, state,
                                       error_kind, duration)
            SELECT now() AT TIME ZONE 'utc' - (%(last)s - n) * interval '1 second',
                   %(stream)s, n, 'upsert',
                   CASE WHEN n %% 2 = 0 THEN 'success' ELSE 'failed' END,
                   CASE WHEN n %% 2 = 0 THEN NULL ELSE 'unreachable' END, 0.1
              FROM generate_series(1, 2) AS twice,
                   generate_series(%(first)s, %(last)s) n
            """,
            values,
        )
        cr.execute(
            """
            INSERT INTO sync_attempt (stream_id, res_id, version, operation,
                                      idempotency_key, digest, content)
            SELECT %(stream)s, n, 1, 'upsert', n, n, '{}'
              FROM generate_series(%(first)s, %(first)s + 99) n
            """,
            values,
        )

    @contextmanager
    def touching_few(self, *allowed):
        """Fail if a query of the body touches more than a few rows of a table.

        Each is executed twice: the first time for its figures, and undone.

        :param allowed: tables of which more may be touched
        """
        execute = Cursor.execute
        touched = []

        def analyze(cursor, query, params=None, log_exceptions=True):
            if isinstance(query, SQL):
                text, values = query.code, query.params
            else:
                text, values = query, params
            if text.lstrip(" (\n").startswith(PLANNED):
                execute(cursor, "SAVEPOINT analyzed")
                execute(
                    cursor,
                    f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {text}",
                    values,
                )
                ((plan,),) = cursor.fetchall()
                execute(cursor, "ROLLBACK TO SAVEPOINT analyzed")
                plan = plan if isinstance(plan, list) else json.loads(plan)
                touched.extend(self.touched(plan[0]["Plan"], text))
            return execute(cursor, query, params, log_exceptions)

        self.env.flush_all()
        self.env.invalidate_all()
        with patch("odoo.sql_db.Cursor.execute", analyze):
            yield
            self.env.flush_all()
        self.assertTrue(touched)
        for table, rows, text in touched:
            if rows > FEW and table not in allowed:
                self.fail(f"{rows} rows of {table} are touched by: {text}")

    def touched(self, plan, text, table=None):
        """Yield each table that a plan has read, with how many rows, and how.

        :param table: that the node above reads: the scan of an index for a bitmap
            does not name it
        """
        table = plan.get("Relation Name", table)
        if table in TABLES and "Scan" in plan["Node Type"]:
            rows = sum(
                plan.get(key, 0)
                for key in (
                    "Actual Rows",
                    "Rows Removed by Filter",
                    "Rows Removed by Index Recheck",
                )
            )
            how = f"{plan['Node Type']} {plan.get('Index Name', '')}"
            yield table, rows * plan["Actual Loops"], f"{how}: {text}"
        for inner in plan.get("Plans", ()):
            yield from self.touched(inner, text, table)

    def test_the_check_can_fail(self):
        with self.assertRaisesRegex(AssertionError, "rows of sync_binding are touched"):
            with self.touching_few():
                self.env["sync.binding"].search_count(
                    [("stream_id", "=", self.after.id), ("note", "=", "nothing")]
                )

    def test_edit(self):
        for stream in (self.before, self.after):
            with self.touching_few():
                self.assertEqual(
                    len(store.known_ids(stream, set(self.ids))), len(self.ids)
                )
        with self.touching_few():
            self.partners[0].name = "Edited"
            self.before_commit()

    def test_job(self):
        for stream in (self.before, self.after):
            sending = Delivery(stream, dict.fromkeys(self.ids, Given(None)), None, 0)
            with self.touching_few():
                sending.owed = store.owed_changes(stream, self.ids)
                self.assertEqual(len(sending.owed), len(self.ids))
                held = sending._lock()
                self.assertEqual(len(held), len(self.ids))
                sending._prepare(held)
            with self.touching_few():
                down = Alike("unreachable")
                store.alike_in_a_row(self.env.cr, stream.backend_id.id, down)
            with self.touching_few():
                refused = Alike("rejected", "422")
                store.latest_refusals(self.env.cr, stream.id, refused, 25)
            with self.touching_few():
                store.created_without_id(self.env.cr, stream.id, 3)
            with self.touching_few():
                self.assertEqual(
                    precedence.undelivered(stream, self.ids), set(self.ids)
                )
            job = self.jobs(stream)[:1]
            with self.touching_few():
                in_job = stream.with_context(job_uuid=job.uuid)
                jobs.hand_on(in_job, job.uuid, [job.sync_res_id])
            with self.touching_few():
                jobs.record_failure(job)

    def test_jobs_that_wait(self):
        for stream in (self.before, self.after):
            system = waiting.for_system(stream.backend_id.id)
            with self.touching_few():
                ids = stream.backend_id.id, stream.id
                self.assertEqual(store.what_holds(self.env, *ids, system, 5), "system")
            for function, *args in asked_about_waiting(stream, self.jobs(stream)[:1]):
                with (
                    self.subTest(f"{stream.name}: {function.__name__}{args}"),
                    closing(self.env.cr.savepoint(flush=False)),
                    self.touching_few(),
                ):
                    function(self.env.cr, *args)

    def test_what_is_counted(self):
        self.env["res.config.settings"].set_secret(
            secrets.METRICS_TOKEN, "t0ken-for-monitoring"
        )
        for stream in (self.before, self.after):
            sent = [
                ("{}", Receipt(Message("upsert", id_, {}, Route("contacts"))), None)
                for id_ in self.ids
            ]
            with self.touching_few():
                store.log_receipts(stream, sent)
            mine = [("stream_id", "=", stream.id)]
            counted = self.env["sync.counter"].search(mine)
            failed_before = len([id_ for id_ in self.ids if id_ % 2])
            self.assertEqual(counted.attempts, len(self.ids))
            self.assertEqual(counted.retried, failed_before)

    def test_last_deliveries(self):
        for stream in (self.before, self.after):
            mine = [("stream_id", "=", stream.id), ("res_id", "in", self.ids)]
            bindings = self.env["sync.binding"].search(mine)
            with self.touching_few():
                self.assertEqual(len(bindings.delivery_ids), 2 * len(self.ids))
            for binding in bindings[:3]:
                self.assertEqual(
                    set(binding.delivery_ids.mapped("res_id")), {binding.res_id}
                )
                self.assertEqual(binding.delivery_ids.stream_id, stream)
                ids = binding.delivery_ids.ids
                self.assertEqual(ids, sorted(ids, reverse=True))
            with self.touching_few():
                states = set(bindings.mapped("state"))
            self.assertLessEqual(states, {"waiting", "failed"})

    def test_contacts(self):
        with self.touching_few():
            self.partners.read(["sync_state", "sync_date"])
        with self.touching_few():
            action = self.partners[0].action_sync_status()
            self.assertTrue(self.env["sync.status"].browse(action["res_id"]).content)

    def test_backfills(self):
        for stream in (self.before, self.after):
            with self.touching_few():
                self.env["sync.backfill"]._start(stream, scope="unconfirmed")
                backfill = stream._open_backfills()
                query = backfill._records_query(order="id", limit=100)
                query.get_result_ids()

    def test_failed_jobs_of_a_synchronization_are_queued_again(self):
        for stream in (self.before, self.after):
            wizard = self.env["sync.recover"].create(
                {"stream_id": stream.id, "since": False}
            )
            with self.touching_few():
                self.assertEqual(wizard.job_count, FAILED)
            with self.touching_few():
                wizard.action_recover()

    def test_deletion(self):
        deletion = self.env["sync.stream"]
        for stream in (self.before, self.after):
            for owned in deletion._owned:
                if owned.table not in TABLES:
                    continue
                with self.touching_few():
                    self.assertFalse(deletion._lost_ids(owned))
            with self.touching_few():
                self.assertTrue(stream._owns_rows())
