# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Carries out the plan of a soak: kills, cuts off, brings back."""

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress

import psutil

from e2e.soak_hasty import HASTY, KIND
from e2e.soak_postgres import FAST, IMMEDIATE
from e2e.soak_waverer import WAVERER
from support.destinations.crm_faults import name_of

# Seconds after a restart of PostgreSQL in which a worker may still meet a connection
# that died with it.
AFTERMATH = 5.0
# What the warehouse's transport sends when it changes something.
CHANGES = (b"INSERT INTO", b"UPDATE ", b"DELETE FROM")
# While jobs are to lose their connections to Odoo's database, so that some wait for an
# answer: the CRM has done what it was asked before it answers late, but is late to
# begin with what is about wavering contacts, whose older contents may overtake newer
# ones then. The newest is asked first.
SLOW = (
    {"kind": "late", "seconds": 2.0},
    {"kind": "hang", "seconds": 2.0, "match": WAVERER},
)
# The CRM answers each request within the time that Odoo waits, but only just.
DRAGGING = {"kind": "hang", "seconds": 2.0}
# While a worker is to be killed within a chunk: the CRM has answered some of it.
UNEVEN = {"kind": "hang", "seconds": 2.0, "share": 0.5}
RENEW = 1.0  # seconds after which the CRM is told again to be slow
LOOK = 20.0  # seconds to wait at most for what is to be met
# queue_job holds a lock in this table for as long as a job runs.
END_CONNECTIONS = """
SELECT pg_terminate_backend(a.pid)
  FROM pg_stat_activity a
 WHERE a.datname = current_database() AND a.state = 'idle in transaction'
   AND EXISTS (
       SELECT FROM pg_locks l
        WHERE l.pid = a.pid AND l.relation = 'queue_job_lock'::regclass AND l.granted)
"""
# That what has worked is gone is found out by comparing what records have met.
ROUTE_IS_LOST = """
SELECT id FROM sync_incident
 WHERE kind = 'outage' AND by_record AND refusal_status = '404' AND closed IS NULL
"""
# Who has been answered, by keys of requests, and has not committed it, by the port that
# its connection comes from: the note of what was sent is there, and a claim on its
# record, which the worker's job holds.
WITHIN_CHUNK = """
SELECT DISTINCT worker.client_port
  FROM sync_attempt note
  JOIN pg_locks claim ON claim.locktype = 'advisory' AND claim.granted
   AND (claim.classid, claim.objid, claim.objsubid) = (note.stream_id, note.res_id, 2)
  JOIN pg_stat_activity worker ON worker.pid = claim.pid
 WHERE note.idempotency_key = ANY(%s)
"""


def _ports_of(pid):
    """Return the local ports of a process's connections; none if it is gone."""
    with suppress(psutil.NoSuchProcess):
        return {each.laddr.port for each in psutil.Process(pid).net_connections("tcp")}
    return set()


class Faults:
    """What can go wrong; every action of the plan is a method.

    Used from the main thread only, which starts processes: the kernel ends a child
    whose starting thread ends.

    :param scene: the open :class:`soak_scene.Scene`
    :param ledger: the editors' :class:`soak_ledger.Ledger`
    :param seed: what the choices follow from
    """

    def __init__(self, scene, ledger, seed):
        self._scene = scene
        self._ledger = ledger
        self._random = random.Random(seed)
        self._done = Counter()
        self._blocked, self._since = 0.0, None  # what has ended, and what goes on
        self._is_hot = False
        self._is_looking = False
        self._database_down = []  # (start, end) as of time.monotonic()
        # (start, end), in seconds since the epoch, of what may have kept a job from
        # committing what it was answered
        self.crashes = []

    def carry_out(self, events, over):
        """Do what is planned, each event at its time.

        :param events: list of :class:`soak_plan.Event`
        :param over: a function that tells that the editors have ended
        """
        start = time.monotonic()
        for event in events:
            while time.monotonic() < start + event.at + self.blocked and not over():
                time.sleep(0.05)
            if over():
                return
            self._since = time.monotonic()
            getattr(self, event.action)(**event.options)
            self._blocked, self._since = self.blocked, None

    @property
    def blocked(self):
        """Seconds that events have taken, one that goes on included.

        The plan is behind by so much.
        """
        since = self._since
        return self._blocked + (time.monotonic() - since if since else 0)

    def end(self):
        """Bring everything back that is down."""
        self._scene.crm.behave()
        self._scene.shop.behave()
        self.warehouse_keep()
        self.crm_up()
        self.shop_up()
        self.warehouse_up()

    def counts(self):
        """Return how often each kind of fault has happened, as a dict."""
        counts = self._done + self._scene.crm.faults() + self._scene.shop.faults()
        counts["warehouse_answer_dropped"] = self._scene.proxy.dropped
        return dict(sorted((+counts).items()))

    def excuse(self, start, end):
        """Tell whether PostgreSQL was down between two times (``time.monotonic()``)."""
        return any(
            start < up + AFTERMATH and end > down
            for down, up in list(self._database_down)
        )

    def is_looking(self):
        """Tell whether it takes edits to find what is looked for."""
        return self._is_looking

    def is_hot(self):
        """Tell whether one contact is to be edited again and again."""
        return self._is_hot

    # -- Odoo -----------------------------------------------------------------

    def kill_worker(self):
        """Kill a worker, one that is sending if there is any."""
        workers = self._processes("WorkerHTTP")
        sending = sorted(set(workers) & set(self._scene.sending_workers()))
        self._kill(sending or workers, "worker_mid_send" if sending else "worker")

    def kill_chunk(self):
        """Kill a worker that has answers of the CRM and waits for others.

        It has committed none of them: what it was answered is known to nobody then. A
        CRM that is down is brought back for it.
        """
        self.crm_up()
        within = self._look(self._within_chunk, UNEVEN)
        self._kill(within, "worker_in_chunk")

    def _within_chunk(self):
        answered = [
            entry["key"] for entry in self._scene.crm.journal() if entry["status"] < 300
        ]
        ports = {port for (port,) in self._scene.query(WITHIN_CHUNK, answered)}
        workers = self._scene.server.workers("WorkerHTTP") if ports else ()
        return [pid for pid in workers if ports & _ports_of(pid)]

    def _look(self, find, *slow, store=None):
        """Return what is found while the CRM misbehaves; nothing after some time.

        There may be nothing to be found unless somebody edits meanwhile.

        :param find: function that returns what it finds
        :param slow: how it misbehaves, as :meth:`Crm.misbehave` takes it
        :param store: who does, if it is not the CRM
        """
        store = store or self._scene.crm
        found, renew, deadline = [], 0, time.monotonic() + LOOK
        self._is_looking = bool(slow)
        while not found and time.monotonic() < deadline:
            if time.monotonic() > renew:
                renew = time.monotonic() + RENEW
                for options in slow:
                    store.misbehave(duration=2 * RENEW, **options)
            found = find()
            if not found:
                time.sleep(0.05)
        self._is_looking = False
        return found

    def kill_runner(self):
        """Kill the process that starts the jobs."""
        self._kill(self._processes("WorkerJobRunner"), "runner")

    def _processes(self, kind):
        # a server that has just started again may have none yet
        return self._look(lambda: self._scene.server.workers(kind))

    def _kill(self, pids, name):
        # one may have ended by itself meanwhile, as after its time limit
        for pid in self._random.sample(pids, len(pids)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self._note_crash(time.time())
                self._done[f"killed_{name}"] += 1
                return

    def kill_odoo(self):
        """Kill every process of Odoo, and start it again."""
        start = time.time()
        self._scene.server.kill()
        self._note_crash(start)
        self._done["killed_odoo"] += 1
        self._scene.server.start(120, keep_log=True)

    def kill_postgres(self, crash):
        """Restart PostgreSQL under everybody's feet.

        :param crash: without a goodbye to anybody
        """
        down, start = time.monotonic(), time.time()
        # Excused from now on, until it is known when it is back.
        self._database_down.append((down, float("inf")))
        self._scene.postgres.stop(IMMEDIATE if crash else FAST)
        self._scene.postgres.start()
        self._database_down[-1] = (down, time.monotonic())
        self._note_crash(start)
        self._done["postgres_crashed" if crash else "postgres_restarted"] += 1

    def lose_connections(self):
        """End the database connections of jobs that wait for an answer.

        The CRM is slow until there is such a job. Connections of editors, who have no
        such lock, are left alone.
        """
        ended = self._look(lambda: self._scene.query(END_CONNECTIONS), *SLOW)
        if ended:
            self._note_crash(time.time())
        self._done["connections_lost"] += len(ended)

    def _note_crash(self, start):
        self.crashes.append((start, time.time()))

    # -- destinations ---------------------------------------------------------

    def crm_fault(self, kind, duration, **options):
        """Let the CRM misbehave for some seconds, see ``crm_faults.py``."""
        self._scene.crm.misbehave(kind, duration, **options)

    def crm_meets(self, **fault):
        """Let the CRM misbehave until a request has met it, and a moment longer."""
        self._meet(self._scene.crm, fault)

    def shop_meets(self, **fault):
        """Do the same in the shop."""
        self._meet(self._scene.shop, fault)

    def _meet(self, store, fault):
        name = f"{store.name}_{name_of(fault)}"
        before = store.faults()[name]
        self._look(lambda: store.faults()[name] > before, fault, store=store)

    def shop_fault(self, kind, duration, **options):
        """Let the shop misbehave for some seconds."""
        self._scene.shop.misbehave(kind, duration, **options)

    def crm_slow(self, duration):
        """Let the CRM take seconds for each answer."""
        self._scene.crm.misbehave(duration=duration, **DRAGGING)
        self._done["crm_slow"] += 1

    def lose_route(self):
        """Let a proxy answer 404 for all of the CRM's contacts until that is an outage.

        A CRM that is down is brought back for it.
        """
        self.crm_up()
        lost = {"kind": "lost_route"}
        found = self._look(lambda: self._scene.query(ROUTE_IS_LOST), lost)
        self._done["route_lost"] += bool(found)

    def hot_contact(self, edits):
        """Have one contact edited so often while its delivery hangs."""
        enough = self._ledger.kinds[KIND] + edits
        self._is_hot = True
        self._look(
            lambda: self._ledger.kinds[KIND] >= enough, {**DRAGGING, "match": HASTY}
        )
        self._is_hot = False
        self._done["hot_contact"] += 1

    def crm_down(self):
        """Stop the CRM."""
        self._scene.crm.stop()
        self._done["crm_down"] += 1

    def crm_up(self):
        """Start the CRM, unless it runs."""
        if not self._scene.crm.is_running():
            self._scene.crm.start()

    def shop_down(self):
        """Stop the shop."""
        self._scene.shop.stop()
        self._done["shop_down"] += 1

    def shop_up(self):
        """Start the shop, unless it runs."""
        if not self._scene.shop.is_running():
            self._scene.shop.start()

    def warehouse_down(self):
        """Cut the network to the warehouse."""
        self._scene.proxy.stop()
        self._done["warehouse_down"] += 1

    def warehouse_up(self):
        """Connect the warehouse, unless it is."""
        if not self._scene.proxy.is_running():
            self._scene.proxy.start()

    def warehouse_drop(self, duration):
        """Lose the warehouse's answers to changes, until :meth:`warehouse_keep`."""
        self._scene.proxy.drop_answers(*CHANGES)

    def warehouse_keep(self):
        """Lose no more answers."""
        self._scene.proxy.drop_answers()
