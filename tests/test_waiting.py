# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""No order of sleeping and waking lets a job sleep that could go."""

import json
import random
import runpy
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Semaphore, Thread, current_thread
from unittest.mock import patch

from odoo.tests import tagged

from ..engine import run, store, waiting
from ..exceptions import SyncError
from .common import drop
from .incident_case import IncidentCase
from .race_case import PATIENCE
from .test_exactness import every_order, have_order

MIGRATION = Path(__file__).parents[1] / "migrations/19.0.4.0.0/post-sleepers.py"
# Games at random, their steps, and workers at a time.
GAMES, STEPS, WORKERS = 5, 60, 3


class Death(BaseException):
    """A worker, or whoever else works, is killed here."""


class Actor:
    """Who is moved on from one of its stops to the next, in a thread.

    :param case: the test
    :param work: function without arguments
    :param stops: names of where it stops, the first time that it comes by
    """

    def __init__(self, case, work, *stops):
        self.case, self.stops, self.at = case, set(stops), ""
        self._reached, self._go_on, self._raised = Semaphore(0), Semaphore(0), []
        self._dies = False
        self._thread = Thread(target=self._run, args=(work,), daemon=True)
        case.actors[self._thread] = self
        case.addCleanup(self._end)

    def _run(self, work):
        try:
            work()
        except Death:
            self.at = "dead"
        except BaseException as error:
            self._raised.append(error)
        self.stops.clear()
        self._reached.release()

    def stop(self, name):
        """Wait here, in the thread, to be moved on."""
        if self._dies:
            raise Death
        if name in self.stops:
            self.stops.remove(name)
            self.at = name
            self._reached.release()
            self._go_on.acquire(timeout=PATIENCE)
            self.at = ""
            if self._dies:
                raise Death

    def go_on(self):
        """Let it work until its next stop, or until it is over."""
        if not self._thread.ident:
            self._thread.start()
        elif not self._thread.is_alive() or not self.at:
            return
        else:
            self._go_on.release()
        self.case.assertTrue(self._reached.acquire(timeout=PATIENCE), "it hangs")
        if self._raised:
            raise self._raised.pop()

    def go_on_to(self, name):
        """Let it work until a stop, over those before."""
        while self.at != name and (not self._thread.ident or self._thread.is_alive()):
            self.go_on()
            if not self.at:
                return

    def die(self):
        """Kill it where it has stopped."""
        self._dies = True
        self.go_on()

    def _end(self):
        self.stops.clear()
        self._go_on.release(9)
        if self._thread.ident:
            self._thread.join(PATIENCE)


class WaitingCase(IncidentCase):
    """Jobs in workers, and people, that are moved on step by step.

    A job stops: at ``chunk``, when it has sent and has not committed; at ``let_go``,
    when what it has sent is committed and others may have it, before it looks who
    waits for that; at ``end``, when it knows what becomes of it and nobody else does;
    at ``look``, when that is committed and it has given back what it held, before it
    looks who waits for that. People stop at ``looking``, before they look.
    """

    def setUp(self):
        super().setUp()
        self.actors, self.runs = {}, []
        self.change_backend(jobs_at_once=2)
        for owner, name, stop in (
            (waiting, "let_go", "let_go"),
            (waiting, "after_run", "look"),
            (waiting, "look", "looking"),
            (waiting, "_look_after_birth", "looking"),
            (store, "put_to_sleep", "put"),
        ):
            self.enterContext(
                patch.object(owner, name, self._stopping(owner, name, stop))
            )
        go, deliver = run.Run.go, store.delivering

        def counted(one):
            self.runs.append(one.job_uuid)
            try:
                return go(one)
            finally:
                self.stop("end")

        @contextmanager
        def delivering(registry):
            with deliver(registry) as cr:
                yield cr
                self.stop("chunk")

        self.enterContext(patch.object(run.Run, "go", counted))
        self.enterContext(patch.object(store, "delivering", delivering))
        if not self.takes_along:
            self.enterContext(patch.object(store, "due_changes", lambda *_args: []))

    def _stopping(self, owner, name, stop):
        original = getattr(owner, name)

        def stopping(*args, **kwargs):
            self.stop(stop)
            return original(*args, **kwargs)

        return stopping

    def stop(self, name):
        actor = self.actors.get(current_thread())
        if actor:
            actor.stop(name)

    def holder(self, uuid):
        """A job that has sent its record already."""
        actor = Actor(self, self._job(uuid), "chunk", "let_go", "end", "look")
        actor.go_on()
        self.assertEqual(actor.at, "chunk")
        return actor

    def _job(self, uuid):
        def work():
            # the HTTP layer has it, whose failure is committed already
            with suppress(SyncError):
                self._work(uuid)

        return work

    # what they do step by step, by the letters that the steps have in orders

    def sleeping(self, uuid):
        """A job starts: it finds out that it has to wait, falls asleep, looks."""
        actor = Actor(self, self._job(uuid), "end", "look")
        return self._steps(actor, K="end", T="look", W="over")

    def holding(self, holder):
        """One that has sent: it lets its record go, looks, ends, looks."""
        return self._steps(holder, C="let_go", L="end", J="look", A="over")

    def deciding(self, do):
        """Somebody decides something, and looks."""
        return self._steps(Actor(self, do, "looking"), C="looking", L="over")

    def _steps(self, actor, **names):
        """The steps of an actor, and ``X``: it dies where it is."""
        moves = {
            letter: partial(actor.go_on_to, name) for letter, name in names.items()
        }
        return {"X": actor.die, **moves}

    def job_of(self, partner_id):
        """Return the UUID of the last job about a contact."""
        mine = ("sync_stream_id", "=", self.stream_id), ("sync_res_id", "=", partner_id)
        return self.read("queue.job", [*mine], ["uuid"], order="id desc")[0]["uuid"]

    def run_now(self, uuid):
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", uuid)]).action_run_now()

    def play(self, order, steps, is_over, looks, uuid):
        """Move the actors on in an order; after each step tell who is awake.

        The job has to be awake as soon as somebody has looked who saw both that it
        sleeps and that what it waits for is over, and not before.

        :param dict steps: functions by letter; ``K``: the job finds out that it has to
            wait, ``T``: it has fallen asleep, ``W``: it has looked
        :param str is_over: the step after which it would not have to wait
        :param str looks: the steps of those who wake it then
        :param uuid: of the job
        :return: whether the job has slept
        """
        slept, done = False, ""
        for step in order:
            steps[step]()
            done += step
            slept = slept or self.asleep() == [uuid]
            if "T" in done and have_order(order, f"K{is_over}"):
                seen = any(
                    look in done and have_order(order, f"T{look}") for look in looks
                ) or (
                    is_over in done and have_order(order, f"{is_over}W") and "W" in done
                )
                self.assertEqual(self.asleep(), [] if seen else [uuid], (order, done))
                self.assertEqual(self.ready(), [uuid] if seen else [], (order, done))
        return slept

    def bury(self):
        """Put the jobs back whose workers are dead, as the runner does."""
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET state = 'pending'"
                " WHERE state = 'started' AND sync_stream_id = %s",
                (self.stream_id,),
            )

    def play_all(self, order, steps):
        for step in order:
            steps[step]()

    def drain(self, later=False):
        """Run who is awake until nobody is; nobody may be left asleep.

        :param bool later: those too that wait for their time, and for nothing else
        """
        ready = partial(self._pending, ("sync_wait_key", "=", False))
        while uuids := self.ready() or (later and ready()):
            self.outlast_requests()
            self.run_job(uuids[0])
            self.assertLess(len(self.runs), 99, "in a circle")
        self.assertFalse(self.asleep())
        self.assertFalse(self.job_uuids("pending"))
        self.assertFalse(self.outbox())

    @contextmanager
    def each(self, order):
        """One of the orders that are played."""
        self.runs.clear()
        with self.subTest(order):
            yield


@tagged("post_install", "-at_install")
class TestWaiting(WaitingCase):
    """One who waits, and one who holds, or decides, what it waits for."""

    def play_and_drain(self, order, steps, is_over, looks, uuid, others=1):
        """Play an order; each job runs once, and once more if it has slept.

        :param int others: how many other jobs run
        """
        slept = self.play(order, steps, is_over, looks, uuid)
        self.assertEqual(slept, have_order(order, f"K{is_over}"))
        self.drain()
        self.assertEqual(self.runs.count(uuid), 1 + slept)
        self.assertEqual(len(self.runs), others + 1 + slept)

    def test_record_that_is_being_sent(self):
        partner_id = self.new_partner()
        self.drain()
        for order in every_order("CL", "KTW"):
            with self.each(order):
                self.edit(partner_id, name=f"{order} first")
                holder = self.holder(self.job_of(partner_id))
                self.edit(partner_id, name=order)
                uuid = self.job_of(partner_id)
                steps = self.sleeping(uuid) | self.holding(holder)
                self.play_and_drain(f"{order}A", steps, "C", "L", uuid)
                self.assertEqual(self.names_sent()[-1], order)

    def test_place_of_a_system(self):
        self.change_backend(jobs_at_once=1)
        for order in every_order("JA", "KTW"):
            with self.each(order):
                first, uuid = self.new_job(), self.new_job()
                holder = self.holder(first)
                holder.go_on_to("end")
                steps = self.sleeping(uuid) | self.holding(holder)
                self.play_and_drain(order, steps, "J", "A", uuid)

    def test_one_awake_in_a_full_channel_calls_nobody_of_another_one(self):
        with self.transaction() as env:
            root = env.ref("queue_job.channel_root")
            channel = env["queue.job.channel"].create(
                {"name": "full", "parent_id": root.id}
            )
            stream = env["sync.stream"].browse(self.stream_id)
            other = stream.copy({"name": "Other", "state": "live"})
            other.channel_id = channel
            other_id = other.id
        self.addCleanup(self._delete_channel, channel.id, other_id)
        self.pause()
        for _each in range(3):
            self.new_partner()
        self.resume()
        key = waiting.for_system(self.backend_id)

        def awake(stream_id):
            mine = [("sync_stream_id", "=", stream_id), ("state", "=", "pending")]
            awake = [*mine, ("sync_wait_key", "=", False)]
            return len(self.read("queue.job", awake, [])), len(
                self.read("queue.job", mine, [])
            )

        # one of each channel: neither can call the other's
        waiting.look(self.registry, key)
        waiting.look(self.registry, key)
        self.assertEqual(awake(self.stream_id), (1, 3))
        self.assertEqual(awake(other_id), (1, 3))

    def _delete_channel(self, channel_id, stream_id):
        with self.transaction() as env:
            stream = env["sync.stream"].browse(stream_id)
            env["queue.job"].search([("sync_stream_id", "=", stream_id)]).unlink()
            drop(stream)
            env["queue.job.channel"].browse(channel_id).unlink()

    def test_paused_system(self):
        for order in every_order("CL", "KTW"):
            with self.each(order):
                uuid = self.new_job()
                self.pause()
                # the runner has it already, or a person has pressed Run Now
                self.run_now(uuid)
                steps = self.sleeping(uuid) | self.deciding(self.resume)
                self.play_and_drain(order, steps, "C", "L", uuid, others=0)

    def test_synchronization_that_is_archived(self):
        for order in every_order("CL", "KTW"):
            with self.each(order):
                uuid = self.new_job()
                self.change_stream(active=False)
                unarchive = partial(self.change_stream, active=True)
                steps = self.sleeping(uuid) | self.deciding(unarchive)
                self.play_and_drain(order, steps, "C", "L", uuid, others=0)

    def test_record_that_has_to_be_there_first(self):
        self.change_stream(send_first="parent_id")
        for order in every_order("CLA", "KTW"):
            with self.each(order):
                parent_id = self.new_partner(name="Parent")
                holder = self.holder(self.job_of(parent_id))
                child_id = self.new_partner(name="Child", parent_id=parent_id)
                uuid = self.job_of(child_id)
                steps = self.sleeping(uuid) | self.holding(holder)
                self.play_and_drain(order, steps, "C", "L", uuid)
                self.assertEqual(self.names_sent()[-2:], ["Parent", "Child"])

    def test_record_whose_delivery_fails(self):
        partner_id = self.new_partner()
        self.drain()
        for order in every_order("CL", "KTW"):
            with self.each(order):
                self.edit(partner_id, name=f"{order} first")
                self.destination.answer(422)
                holder = self.holder(self.job_of(partner_id))
                self.edit(partner_id, name=order)
                uuid = self.job_of(partner_id)
                steps = self.sleeping(uuid) | self.holding(holder)
                self.play_and_drain(f"{order}A", steps, "C", "L", uuid)
                self.assertEqual(self.names_sent()[-1], order)

    def test_records_that_wait_for_each_other(self):
        self.change_stream(send_first="parent_id,child_ids")
        for order in every_order("KTW", "ktw"):
            with self.each(order):
                parent_id = self.new_partner(name="Parent")
                child_id = self.new_partner(name="Child", parent_id=parent_id)
                jobs = self.job_of(parent_id), self.job_of(child_id)
                first, second = map(self.sleeping, jobs)
                steps = first | {name.lower(): move for name, move in second.items()}
                self.play_all(order, steps)
                self.drain()
                self.assertLessEqual(len(self.runs), 4)
                self.assertEqual({*self.names_sent()[-2:]}, {"Parent", "Child"})

    def test_paused_again_while_a_job_falls_asleep(self):
        """It sleeps until the last pause is over, whoever has looked in between."""
        orders = "COLP", "COPL"
        for order in (each for one in orders for each in every_order(one, "TW")):
            with self.each(order):
                uuid = self.new_job()
                self.pause()
                self.run_now(uuid)
                sleeping = self.sleeping(uuid)
                sleeping["K"]()
                outage = Actor(self, self.open_outage, "put")
                steps = sleeping | self.deciding(self.resume)
                steps |= self._steps(outage, O="put", P="over")
                self.play_all(order, steps)
                self.assertEqual((self.ready(), self.asleep()), ([], [uuid]))
                self.assertAsleep(uuid)
                self.close_outage()
                self.assertAwake(uuid)
                self.drain()
                self.assertEqual(self.runs, [uuid] * 2)
                # or the next outage is the same
                self._delete_probes()


@tagged("post_install", "-at_install")
class TestWaitingBirths(WaitingCase):
    """Jobs that are made asleep, by editors who began before that was over."""

    def editing_asleep(self):
        """An editor who has begun: commits a change, looks."""

        def edit():
            with self.transaction() as env:
                env.cr.execute("SELECT count(*) FROM queue_job")
                self.stop("begun")
                partner = env["res.partner"].create({"name": "Born asleep"})
                self.partner_ids.append(partner.id)

        actor = Actor(self, edit, "begun", "looking")
        actor.go_on_to("begun")
        return self._steps(actor, M="looking", N="over")

    def test_pause_that_is_over(self):
        for order in every_order("CL", "MN"):
            with self.each(order):
                self.pause()
                steps = self.editing_asleep() | self.deciding(self.resume)
                done = ""
                for step in order:
                    steps[step]()
                    done += step
                    if "M" in done:
                        self.assertBorn(order, done, "C", "L")
                self.drain()
                self.assertEqual(len(self.runs), 1)

    def assertBorn(self, order, done, over, look):
        """Assert that the new job is awake if somebody could see that it may."""
        seen = look in done and have_order(order, f"M{look}")
        seen |= "N" in done and over in done and have_order(order, f"{over}N")
        new = self.job_uuids("pending")
        self.assertEqual(self.ready(), new if seen else [], (order, done))
        self.assertEqual(self.asleep(), [] if seen else new, (order, done))

    def test_backlog_that_is_gone(self):
        self.change_backend(jobs_at_once=1)
        for order in every_order("JAZ", "MN"):
            with self.each(order):
                first, second = self.new_job(), self.new_job()
                holder = self.holder(first)
                self.run_job(second)
                self.assertEqual(self.asleep(), [second])
                holder.go_on_to("end")
                steps = self.editing_asleep() | self.holding(holder)
                steps["Z"] = partial(self.run_job, second)
                self.play_all(order, steps)
                self.assertEqual(len(self.ready()), 1)
                self.assertEqual(self.asleep(), [])
                self.drain()
                self.assertEqual(len(self.runs), 4)

    def test_more_urgent_than_the_backlog(self):
        """It need not wait behind what is less urgent."""
        self.change_backend(jobs_at_once=1)
        first, second = self.new_job(), self.new_job()
        holder = self.holder(first)
        self.run_job(second)
        self.change_stream(priority=1)
        urgent = self.new_job()
        self.assertEqual((self.ready(), self.asleep()), ([urgent], [second]))
        self.run_job(urgent)
        self.assertEqual((self.ready(), self.asleep()), ([], [second, urgent]))
        holder.go_on_to("over")
        self.assertEqual((self.ready(), self.asleep()), ([urgent], [second]))
        self.drain()


@tagged("post_install", "-at_install")
class TestWaitingDeaths(WaitingCase):
    """A worker that dies before it looks; then, and only then, the cron is needed."""

    def test_worker_that_held_a_place(self):
        self.change_backend(jobs_at_once=1)
        for order in every_order("JX", "KTW"):
            with self.each(order):
                first, uuid = self.new_job(), self.new_job()
                holder = self.holder(first)
                holder.go_on_to("end")
                self.play_all(order, self.sleeping(uuid) | self.holding(holder))
                self.assertNeedsCron(uuid, have_order(order, "KWJ"))

    def test_worker_that_was_sending_the_record(self):
        partner_id = self.new_partner()
        self.drain()
        for order in every_order("CX", "KTW"):
            with self.each(order):
                self.edit(partner_id, name=f"{order} first")
                holder = self.holder(self.job_of(partner_id))
                self.edit(partner_id, name=order)
                uuid = self.job_of(partner_id)
                self.play_all(order, self.sleeping(uuid) | self.holding(holder))
                self.assertNeedsCron(uuid, have_order(order, "KWC"))

    def test_worker_that_has_fallen_asleep(self):
        for order in every_order("CL", "KTX"):
            with self.each(order):
                uuid = self.new_job()
                self.pause()
                self.run_now(uuid)
                self.play_all(order, self.deciding(self.resume) | self.sleeping(uuid))
                slept = have_order(order, "KC")
                self.assertNeedsCron(uuid, slept and have_order(order, "LT"))

    def assertNeedsCron(self, uuid, needed):
        """Assert that a job sleeps on until the cron comes, or is over or awake."""
        if needed:
            self.assertEqual((self.ready(), self.asleep()), ([], [uuid]))
            self.watch()
            self.assertEqual((self.ready(), self.asleep()), ([uuid], []))
        else:
            self.assertEqual(self.asleep(), [])
        self.bury()
        self.drain()
        self.assertLessEqual(len(self.runs), 4)


@tagged("post_install", "-at_install")
class TestWaitingTogether(WaitingCase):
    """Many steps at random: jobs that take each other along, people, deaths."""

    takes_along = True

    def setUp(self):
        super().setUp()
        self.change_stream(send_first="parent_id", batch_size=2)

    def play_at_random(self, seed, deaths):
        """Play steps at random; then all settles, and no job runs again and again.

        :param bool deaths: workers die as well, and the cron comes at the end
        """
        dice = random.Random(seed)
        self.runs.clear()
        parent_id = self.new_partner(name="Parent")
        ids = [self.new_partner(name="Child", parent_id=parent_id) for _each in "ab"]
        ids.append(parent_id)
        at_work, edits, decisions, killed = [], 3, 0, 0
        paused = archived = False
        for number in range(STEPS):
            awake = self.ready() if len(at_work) < WORKERS else []
            kind = dice.choice(["move"] * 8 + ["start"] * 4 + ["edit", "pause", "rest"])
            if kind == "start" and awake:
                uuid = dice.choice(awake)
                stops = "chunk", "let_go", "end", "look"
                at_work.append(Actor(self, self._job(uuid), *stops))
                kind = "move"
            if kind == "move" and at_work:
                actor = dice.choice(at_work)
                if deaths and actor.at and not dice.randrange(8):
                    actor.die()
                    killed += 1
                else:
                    actor.go_on()
                at_work = [each for each in at_work if each.at not in ("", "dead")]
            elif kind == "edit" and not archived:
                self.edit(dice.choice(ids), name=f"Edit {number}")
                edits += 1
            elif kind == "pause":
                self.resume() if paused else self.pause()
                paused, decisions = not paused, decisions + 1
            elif kind == "rest" and not dice.randrange(2):
                self.change_stream(active=archived)
                archived, decisions = not archived, decisions + 1
        if paused:
            self.resume()
        if archived:
            self.change_stream(active=True)
        for actor in at_work:
            actor.go_on_to("over")
        if killed:
            self.bury()
            self.watch()
        self.drain(later=True)
        self.assertLessEqual(len(self.runs), 2 * edits + 2 * decisions + killed)
        for id_ in ids:
            path = f"/contacts/{self.binding(id_)['external_id']}"
            there = self.destination.records[path]["name"]
            self.assertEqual([there], self.names_here(id_))

    def test_without_deaths_and_without_the_cron(self):
        for seed in range(GAMES):
            with self.subTest(seed):
                self.play_at_random(seed, deaths=False)

    def test_with_deaths_and_the_cron(self):
        for seed in range(GAMES):
            with self.subTest(seed):
                self.play_at_random(seed, deaths=True)


@tagged("post_install", "-at_install")
class TestWaitingUpgrade(IncidentCase):
    """Jobs that wait in the way of the version before go on."""

    def sql(self, statement, *values):
        with self.registry.cursor() as cr:
            cr.execute(statement, values)

    def migrate(self):
        with self.registry.cursor() as cr:
            runpy.run_path(MIGRATION)["migrate"](cr, "19.0.3.0.0")

    def old_incidents(self):
        """Let incidents have the time that jobs wait for, as they had."""
        self.sql("ALTER TABLE sync_incident ADD COLUMN wait_until timestamp")
        drop = "ALTER TABLE sync_incident DROP COLUMN wait_until"
        self.addCleanup(self.sql, drop)

    def test_jobs_that_were_put_off_and_jobs_behind_others(self):
        self.old_incidents()
        put_off, behind, later, failed = (self.new_job() for _each in range(4))
        other = self.new_system()
        self.new_partner()
        with self.transaction() as env:
            task = env["queue.job"].with_delay()._test_job().uuid
            theirs = [("sync_stream_id", "=", other.stream_id)]
            theirs = env["queue.job"].search(theirs).uuid
        self.addCleanup(self.sql, "DELETE FROM queue_job WHERE uuid = %s", task)
        mine = self.job_uuids()[-1]
        self.pause()
        self.sql("UPDATE sync_incident SET wait_until = opened + interval '1 day'")
        until = "(SELECT max(wait_until) FROM sync_incident)"
        self.sql(
            "UPDATE queue_job SET sync_wait_key = NULL, sync_wait_reason = NULL,"
            f" sync_due = NULL, result = 'CRM is paused.', eta = {until}"
            " WHERE sync_stream_id = %s",
            self.stream_id,
        )
        graph = "graph_uuid = 'graph', dependencies = %s"
        depends = json.dumps({"depends_on": [put_off], "reverse_depends_on": []})
        for uuid, state in (
            (behind, "wait_dependencies"),
            (failed, "failed"),
            (task, "wait_dependencies"),
        ):
            values = f"state = '{state}', eta = NULL, result = NULL, {graph}"
            self.sql(f"UPDATE queue_job SET {values} WHERE uuid = %s", depends, uuid)
        eta = f"eta = {until} + interval '2 days'"
        self.sql(f"UPDATE queue_job SET {eta} WHERE uuid = %s", later)
        self.sql(f"UPDATE queue_job SET eta = {until} WHERE uuid = %s", theirs)

        names = "state", "sync_wait_key", "graph_uuid", "dependencies", "eta"
        left_alone = {uuid: self.job(uuid, *names) for uuid in (later, task, theirs)}
        for _each in range(2):
            # whatever is begun twice
            self.migrate()
            for uuid in (put_off, mine):
                self.assertAsleep(uuid)
                job = self.job(uuid, "sync_due", "date_created", "state_reason")
                self.assertEqual(job["sync_due"], job["date_created"])
                self.assertRegex(job["state_reason"], "^Paused by .* resumes CRM.$")
            for uuid, state in ((behind, "pending"), (failed, "failed")):
                job = self.job(uuid, *names)
                del job["id"]
                self.assertEqual(tuple(job.values()), (state, False, False, {}, False))
            for uuid, values in left_alone.items():
                self.assertEqual(self.job(uuid, *names), values)

        self.assertEqual(self.run_job(behind), "pending")
        self.assertAsleep(behind)
        self.resume()
        ran = []
        while self.ready():
            (uuid,) = self.ready()
            self.assertEqual(self.run_job(uuid), "done")
            ran.append(uuid)
        self.assertEqual(ran, [put_off, behind, mine])

    def test_versions_before_had_no_such_time(self):
        uuid = self.new_job()
        self.migrate()
        self.assertAwake(uuid)
