# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import threading
import time
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.modules.registry import DummyRLock, Registry
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine import jobs, run, store
from .common import DeliveryCase
from .servers import Answer, HttpDestination

PATIENCE = 10  # seconds for what ends at once


class WatchedDestination(HttpDestination):
    """A destination that takes its time, and tells of each request as it comes."""

    seconds = 0.0
    refused = None  # whose request is answered with 422

    def __init__(self, **options):
        super().__init__(**options)
        self.hears = lambda name: None
        self.under_way = self.most = 0
        self.count_lock = threading.Lock()

    def reply(self, request):
        with self.count_lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        self.hears(request.json and request.json.get("name"))
        time.sleep(self.seconds)
        with self.count_lock:
            self.under_way -= 1
        if request.json and request.json.get("name") == self.refused:
            with self._lock:
                self.requests.append(request)
            return Answer(422, {"message": "no"})
        return super().reply(request)


class WorkerDied(BaseException):
    """What a killed worker looks like from inside: nothing after it runs."""


class RunCase(DeliveryCase):
    """Jobs that take along what else is due."""

    takes_along = True
    destination_class = WatchedDestination

    def setUp(self):
        super().setUp()
        # the runner of the tests holds it, and would keep every other thread out
        self.enterContext(patch.object(Registry, "_lock", DummyRLock()))

    def new_partners(self, *names):
        """Commit new contacts in one transaction, and return their ids."""
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": name} for name in names])
            self.partner_ids += partners.ids
        return partners.ids

    def jobs(self, *field_names):
        """Return what is committed of this test's jobs, oldest first."""
        domain = [("sync_stream_id", "=", self.stream_id)]
        return self.read("queue.job", domain, list(field_names), order="id")

    def states(self):
        return [job["state"] for job in self.jobs("state")]

    def names_sent(self):
        return [each.json["name"] for each in self.destination.requests if each.body]


@tagged("post_install", "-at_install")
class TestTogether(RunCase):
    """What a job does for the jobs of others."""

    def test_single_edits_are_sent_by_one_job_at_once(self):
        self.destination.seconds = 0.2
        for number in range(6):
            self.new_partner(name=f"P{number}")
        first, *others = self.job_uuids()
        self.assertEqual(self.run_job(first), "done")
        self.assertEqual(self.states(), ["done"] * 6)
        self.assertEqual(len(self.destination.requests), 6)
        self.assertGreater(self.destination.most, 3)
        self.assertFalse(self.outbox())
        own = self.job(first, "result")["result"]
        self.assertRegex(own, r"^CRM: delivered as \d\.$")
        for uuid in others:
            job = self.job(uuid, "result", "exec_time", "date_started", "date_done")
            self.assertRegex(
                job["result"], r"^CRM: delivered as \d\. Together with other changes\.$"
            )
            # of its own request
            self.assertGreater(job["exec_time"], 0.19)
            self.assertLess(job["exec_time"], 1)
            self.assertLessEqual(job["date_started"], job["date_done"])

    def test_job_shows_the_delivery_that_others_have_made_for_it(self):
        partner_id = self.new_partner()
        self.run_pending()
        for number in range(3):
            self.edit(partner_id, name=f"Ada {number}")
        self.new_partner(name="Bob")
        uuids = self.job_uuids("pending")
        self.assertEqual(self.run_job(uuids[-1]), "done")
        self.assertEqual(set(self.states()), {"done"})
        # the last two at once
        self.assertEqual(sorted(self.names_sent()), ["Ada", "Ada 2", "Bob"])
        for uuid in uuids:
            ids = self.job(uuid, "sync_delivery_ids")["sync_delivery_ids"]
            (delivery,) = self.read("sync.delivery", [("id", "in", ids)], ["res_id"])
            is_ada = uuid != uuids[-1]
            self.assertEqual(delivery["res_id"] == partner_id, is_ada)
            with self.transaction() as env:
                job = env["queue.job"].search([("uuid", "=", uuid)])
                # the others have one of their own
                self.assertEqual(bool(job.sync_carrier_uuid), uuid in uuids[1:3])
                if job.sync_carrier_uuid:
                    action = job.action_delivery()
                    self.assertEqual(action["res_model"], "sync.delivery")
                    self.assertEqual(action["res_id"], delivery["id"])

    def test_job_of_several_shows_what_others_have_sent_of_it(self):
        ids = self.new_partners("A", "B")
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET priority = 15 WHERE uuid = ANY(%s)",
                (self.job_uuids(),),
            )
        for id_ in ids:
            self.edit(id_, name="Edited")
        self.new_partner(name="C")
        several, *_alone, last = self.job_uuids()
        self.assertEqual(self.run_job(last), "done")
        self.assertEqual(set(self.states()), {"done"})
        found = self.job(several, "sync_delivery_ids")["sync_delivery_ids"]
        deliveries = self.read("sync.delivery", [("id", "in", found)], ["res_id"])
        self.assertTrue(deliveries)
        self.assertLessEqual({each["res_id"] for each in deliveries}, {*ids})

    def test_job_of_several_shows_what_each_other_job_has_sent_of_it(self):
        self.takes_along = False
        ids = self.new_partners("A", "B", "C")
        (several,) = self.job_uuids()
        for id_ in ids[:2]:
            self.edit(id_, name="Edited")
        for uuid in self.job_uuids()[1:]:
            self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.run_job(several), "done")
        with self.transaction() as env:
            job = env["queue.job"].search([("uuid", "=", several)])
            self.assertEqual(sorted(job.sync_delivery_ids.mapped("res_id")), ids)
            self.assertEqual(job.sync_along_count, 2)
            found = env["sync.delivery"].search(job.action_delivery()["domain"])
            self.assertEqual(sorted(found.mapped("res_id")), ids[:2])
            # those of one record have theirs
            alone = env["queue.job"].search([("uuid", "in", self.job_uuids()[1:])])
            self.assertEqual(alone.mapped("sync_along_count"), [0, 0])

    def test_records_of_a_job_go_in_their_order(self):
        self.takes_along = False
        self.change_backend(concurrency=1)
        self.change_stream(batch_size=3)
        # so many that sets of their ids would be in another order
        names = [f"P{number:02}" for number in range(24)]
        self.new_partners(*names)
        self.assertEqual(self.run_pending(), ["done"] * 8)
        self.assertEqual(self.names_sent(), names)

    def test_what_failed_settles_itself_once_a_later_change_is_delivered(self):
        partner_id = self.new_partner()
        self.destination.answer(422)
        (failed,) = self.job_uuids()
        self.assertEqual(self.run_job(failed), "failed")
        self.edit(partner_id, name="Ada L")
        self.assertEqual(self.run_job(self.job_uuids()[-1]), "done")
        job = self.job(failed, "state", "exc_info", "sync_error", "result")
        self.assertEqual(job["state"], "done")
        self.assertFalse(job["exc_info"] or job["sync_error"])
        self.assertIn("delivered", job["result"])

    def test_what_is_covered_is_settled_though_nobody_lived_to_say_so(self):
        partner_id = self.new_partner()
        self.destination.answer(422)
        (failed,) = self.job_uuids()
        self.assertEqual(self.run_job(failed), "failed")
        self.edit(partner_id, name="Ada L")
        with patch.object(jobs, "tell"):
            self.assertEqual(self.run_job(self.job_uuids()[-1]), "done")
        self.assertEqual(self.job(failed, "state")["state"], "failed")
        with self.transaction() as env:
            env["sync.outbox"]._cron_queue_orphans()
        job = self.job(failed, "state", "result")
        self.assertEqual(
            (job["state"], job["result"]),
            ("done", "Delivered together with other changes."),
        )

    def test_failure_in_company_counts_as_a_try_of_its_own_job(self):
        self.change_backend(concurrency=1)
        self.change_stream(max_retries=2, retry_pattern="{1: 60}")
        self.new_partner(name="A")
        self.new_partner(name="B")
        first, second = self.job_uuids()
        for tried in (1, 2):
            self.edit(self.partner_ids[0], name=f"A{tried}")
            self.destination.answer(201, {"id": 1})
            self.destination.answer(500)
            last = self.job_uuids()[-1]
            with self.registry.cursor() as cr:
                cr.execute("UPDATE queue_job SET eta = NULL WHERE uuid = %s", (second,))
            self.assertEqual(self.run_job(first if tried == 1 else last), "done")
            job = self.job(second, "state", "retry", "eta", "failure_reason")
            self.assertEqual(job["retry"], tried)
            self.assertEqual(job["state"], "pending" if tried == 1 else "failed")
            if tried == 1:
                wait = job["eta"] - fields.Datetime.now()
                self.assertAlmostEqual(wait.total_seconds(), 63, delta=6)
        self.assertIn("500", job["failure_reason"])
        self.assertEqual(
            self.read(
                "sync.delivery",
                [("job_uuid", "=", second)],
                ["state"],
            ),
            [{"id": each["id"], "state": "failed"} for each in self.deliveries(second)],
        )
        self.assertEqual(len(self.deliveries(second)), 2)
        self.assertTrue(self.binding(self.partner_ids[1])["last_error"])

    def deliveries(self, uuid):
        return self.read("sync.delivery", [("job_uuid", "=", uuid)], ["state"])

    def test_refusal_in_company_fails_its_own_job_alone(self):
        self.change_backend(concurrency=1)
        for name in "ABC":
            self.new_partner(name=name)
        first, second, _third = self.job_uuids()
        self.destination.answer(201, {"id": 901})  # no other contact's
        self.destination.answer(422, {"message": "no such name"})
        self.assertEqual(self.run_job(first), "done")
        self.assertEqual(self.states(), ["done", "failed", "done"])
        self.assertIn(
            "no such name", self.job(second, "failure_reason")["failure_reason"]
        )
        self.assertEqual(self.job(second, "retry")["retry"], 1)

    def test_what_is_not_due_or_belongs_to_others_is_left(self):
        for name in "ABCD":
            self.new_partner(name=name)
        first, later, in_graph, failed = self.job_uuids()
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET eta = now() + interval '1 hour' WHERE uuid = %s",
                (later,),
            )
            cr.execute(
                "UPDATE queue_job SET graph_uuid = 'x' WHERE uuid = %s", (in_graph,)
            )
            cr.execute(
                "UPDATE queue_job SET state = 'failed' WHERE uuid = %s", (failed,)
            )
        self.assertEqual(self.run_job(first), "done")
        self.assertEqual(self.names_sent(), ["A"])
        self.assertEqual(self.states(), ["done", "pending", "pending", "failed"])

    def close_for_hours(self):
        """Have the off-peak hours of the synchronization begin in some hours."""
        opens = fields.Datetime.now() + timedelta(hours=3)
        self.change_stream(
            delay_policy="window",
            window_start=opens.hour,
            window_end=(opens.hour + 1) % 24,
            window_tz="UTC",
        )

    def test_closed_off_peak_hours_are_kept_by_what_goes_along(self):
        ids = [self.new_partner(name=name) for name in "AB"]
        self.close_for_hours()
        with self.transaction() as env:
            env["res.partner"].browse(ids[0]).action_sync_now()
        self.assertEqual(self.run_job(self.job_uuids()[-1]), "done")
        self.assertEqual(self.names_sent(), ["A"])
        self.assertTrue(self.outbox(ids[1]))

    def test_closed_off_peak_hours_hold_back_others_but_not_what_is_insisted_on(self):
        ids = [self.new_partner(name=name) for name in "ABC"]
        self.close_for_hours()
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id).action_pause()
            env["res.partner"].browse(ids[2]).action_sync_now()
        first, _second, third, insisted = self.job_uuids()
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id).action_resume()
        self.assertEqual(self.run_job(first), "pending")
        # the second has a place of its own by then; the third need not find out
        etas = {uuid: self.job(uuid, "eta")["eta"] for uuid in (first, third)}
        self.assertEqual(etas[first], etas[third])
        self.assertGreater(etas[first], fields.Datetime.now() + timedelta(hours=1))
        self.assertEqual(self.run_job(insisted), "done")
        self.assertEqual(self.names_sent(), ["C"])

    def test_batches_are_as_large_as_the_batch_size(self):
        self.change_stream(batch_size=3, batch_endpoint="batch")
        for number in range(7):
            self.new_partner(name=f"P{number}")
        sizes = []

        def reply(request):
            # one that is left over goes alone
            items = request.json.get("items", [{"key": 1}])
            sizes.append(len(items))
            if "items" not in request.json:
                return Answer(201, {"id": 1})
            answers = [{"key": i["key"], "status": 201, "id": i["key"]} for i in items]
            return Answer(200, {"items": answers})

        with patch.object(self.destination, "reply", reply):
            self.run_job(self.job_uuids()[0])
        self.assertEqual(sum(sizes), 7)
        self.assertLessEqual(max(sizes), 3)
        self.assertEqual(set(self.states()), {"done"})


@tagged("post_install", "-at_install")
class TestBounded(RunCase):
    """A run starts no more requests once its time is over."""

    def setUp(self):
        super().setUp()
        self.change_backend(concurrency=2)
        self.destination.seconds = 0.3

    def test_job_comes_back_for_the_rest_and_sends_nothing_twice(self):
        self.new_partners(*(f"P{number}" for number in range(10)))
        (uuid,) = self.job_uuids()
        left = [10]
        with patch.object(run, "BUDGET", 0.5):
            while self.run_job(uuid) == "pending":
                job = self.job(uuid, "retry", "result", "eta")
                self.assertEqual(
                    (job["retry"], job["result"]), (0, "CRM: goes on with the rest.")
                )
                wait = job["eta"] - fields.Datetime.now()
                self.assertLess(wait.total_seconds(), 3)
                # two were begun at once, and two once more while there was time
                left.append(len(self.outbox()))
                self.assertIn(left[-2] - left[-1], (2, 4))
        self.assertGreaterEqual(len(left), 3)
        self.assertEqual(len(self.destination.requests), 10)
        self.assertEqual(len(self.destination.records), 10)
        self.assertFalse(self.read("sync.attempt", [], []))

    def test_the_first_requests_always_leave(self):
        self.new_partners("A", "B", "C")
        (uuid,) = self.job_uuids()
        with patch.object(run, "BUDGET", 0):
            self.assertEqual(self.run_job(uuid), "pending")
            self.assertEqual(len(self.outbox()), 1)
            self.assertEqual(self.run_job(uuid), "done")

    def test_only_what_is_under_way_is_noted(self):
        counts = []

        def hears(_name):
            with self.registry.cursor() as cr:
                cr.execute(
                    "SELECT count(*) FROM sync_attempt WHERE stream_id = %s",
                    (self.stream_id,),
                )
                counts.append((cr.fetchone()[0], len(self.destination.records)))

        self.destination.hears = hears
        self.new_partners(*(f"P{number}" for number in range(8)))
        self.assertEqual(self.run_job(*self.job_uuids()), "done")
        self.assertEqual(len(counts), 8)
        for noted, arrived in counts:
            # those that were answered are closed when the chunk is committed
            self.assertLessEqual(noted - arrived, 2)

    def test_death_loses_the_answers_of_one_chunk_at_most(self):
        self.new_partners(*(f"P{number}" for number in range(8)))
        (uuid,) = self.job_uuids()

        confirm = run.Delivery._confirm

        def confirm_unless_dead(chunk, sent):
            if any(task.receipt and task.payload["name"] == "P5" for task in sent):
                raise WorkerDied
            return confirm(chunk, sent)

        with (
            patch.object(run, "CHUNK_SECONDS", 0.1),
            patch.object(run.Delivery, "_confirm", confirm_unless_dead),
            mute_logger("odoo.addons.queue_job.controllers.main"),
            self.assertRaises(WorkerDied),
        ):
            self.run_job(uuid)
        # two were sent in each chunk
        self.assertEqual(len(self.outbox()), 4)
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET state = 'pending' WHERE uuid = %s", (uuid,)
            )
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(len(self.destination.records), 8)
        # those of one chunk were asked again, with the same key
        self.assertLessEqual(len(self.destination.requests), 10)

    def want_table(self, table="queue_job"):
        """Have somebody wait for a table, to change it.

        :return: the thread that does. Whoever uses the table from now on waits for it
        """
        pids = []

        def lock():
            with self.registry.cursor() as cr:
                pids.append(cr.connection.get_backend_pid())
                cr.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")

        waiting = "SELECT FROM pg_locks WHERE pid = %s AND NOT granted"
        thread = threading.Thread(target=lock, daemon=True)
        thread.start()
        with self.registry.cursor() as cr:
            while not (pids and (cr.execute(waiting, pids) or cr.rowcount)):
                time.sleep(0.01)
        return thread

    def run_while_table_is_wanted(self, before=lambda uuid: None):
        """Run a job that comes upon somebody who wants the table of the jobs.

        PostgreSQL sees no circle where a job waits for itself.

        :param before: is told the job's UUID just before that
        :return: how many requests it had made when it ended
        """
        wanting = []

        def hears(name):
            if name == "P3" and not wanting:
                before(uuid)
                wanting.append(self.want_table())

        ids = self.new_partners(*(f"P{number}" for number in range(10)))
        self.edit(ids[0], name="P0 again")
        self.new_partner(name="Another")
        uuid, covered, _other = self.job_uuids()
        self.destination.hears = hears
        with (
            patch.object(store, "PATIENCE", 0.3),
            mute_logger("odoo.sql_db", "odoo.addons.queue_job_sync"),
        ):
            self.assertEqual(self.run_job(uuid), "pending")
        wanting[0].join(PATIENCE)
        self.assertFalse(wanting[0].is_alive())
        made = len(self.destination.requests)
        job = self.job(uuid, "retry", "result")
        self.assertEqual((job["retry"], job["result"]), (0, jobs.LOCKED))
        # what was answered is settled, though not all who wait for that could be told
        self.assertEqual(len(self.outbox()), 11 - made)
        self.assertFalse(self.read("sync.attempt", [], []))
        self.assertEqual(self.job(covered, "state")["state"], "pending")
        self.assertEqual(set(self.run_pending()), {"done"})
        self.assertEqual(len(self.destination.requests), 11)
        self.assertFalse(self.outbox())
        return made

    def test_run_ends_for_who_changes_the_table_of_jobs_within_a_chunk(self):
        with patch.object(run, "LOOK_EVERY", 0):
            self.assertEqual(self.run_while_table_is_wanted(), 4)

    def test_run_ends_for_who_changes_the_table_of_jobs_between_chunks(self):
        with patch.object(run, "CHUNK_SECONDS", 0.8):
            self.assertLess(self.run_while_table_is_wanted(), 9)

    def test_run_ends_for_who_changes_the_table_of_jobs_and_has_changed_the_job(self):
        """What it sees of itself is too old to be written to."""

        def change_priority(uuid):
            with self.registry.cursor() as cr:
                cr.execute("UPDATE queue_job SET priority = 4 WHERE uuid = %s", (uuid,))

        with patch.object(run, "LOOK_EVERY", 0):
            self.assertEqual(self.run_while_table_is_wanted(change_priority), 4)

    def test_what_was_answered_is_kept_whoever_changes_a_table(self):
        self.destination.refused = "P1"
        names = [f"P{number}" for number in range(6)]
        for table in (
            "sync_binding",
            "sync_counter",
            "sync_delivery",
            "sync_outbox",
            "queue_job",
        ):
            with self.subTest(table=table):
                self.keep_for_who_wants(table, names)

    def keep_for_who_wants(self, table, names):
        wanting, start = [], len(self.destination.requests)

        def hears(name):
            if name == "P3" and not wanting:
                wanting.append(self.want_table(table))

        self.new_partners(*names)
        (uuid,) = self.job_uuids("pending")
        self.destination.hears = hears
        with (
            patch.object(store, "PATIENCE", 0.3),
            mute_logger("odoo.sql_db", "odoo.addons.queue_job_sync"),
        ):
            self.run_job(uuid)
        wanting[0].join(PATIENCE)
        self.assertFalse(wanting[0].is_alive())
        while self.job_uuids("pending"):
            self.run_pending()
        sent = self.names_sent()[start:]
        # what is refused in a batch is sent once more where its job cannot be told
        again = [self.destination.refused] * (len(sent) > len(names))
        self.assertEqual(sorted(sent), sorted([*names, *again]))
        job = self.job(uuid, "state", "retry")
        self.assertEqual((job["state"], job["retry"]), ("done", 1))
        self.assertFalse(self.read("sync.attempt", [], []))

    def test_edit_overtakes_a_long_batch_under_way(self):
        ids = self.new_partners(*(f"P{number}" for number in range(20)))
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET priority = 15 WHERE uuid = ANY(%s)",
                (self.job_uuids(),),
            )

        def hears(name):
            if name == "P3":
                self.edit(ids[19], name="Edited")

        self.destination.hears = hears
        with patch.object(run, "LOOK_EVERY", 0):
            self.assertEqual(self.run_job(self.job_uuids()[0]), "done")
        sent = self.names_sent()
        self.assertLess(sent.index("Edited"), 8)
        self.assertEqual(sorted(sent), sorted({*sent}))
        self.assertEqual(len(sent), 20)
        self.assertEqual(set(self.states()), {"done"})
