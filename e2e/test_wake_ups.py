# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Workers die at work; whoever waits for what they have held is woken all the same.

What is waited for is that everything settles: that nothing is pending, asleep or owed
any more. Who looks at the end alone does not see who has slept until the cron came.
"""

import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from threading import Event

import pytest
import requests

from support import configure, databases, scratch_odoo
from support.client import OdooError
from support.environment import paths
from support.processes import wait_until

WORKERS, CHANNELS = 5, "root:3"
EDITORS = 3
EDIT_EVERY = 0.1  # seconds
COMPANIES = 4
HANG = 4  # seconds that it takes for one of them
SLOW = 0.5  # seconds that the CRM takes for an answer
KILLS, KILL_EVERY = 6, 2.5  # seconds
CALM = 60  # seconds in which a job in work has to be met
# Seconds until all is over: the runner looks for dead jobs, handed out more than ten
# seconds ago, and the cron comes each minute.
SETTLE = 240
# How often the runner is made to look, which it does each minute when it hears nothing.
POKE = 5
QUIET = 3  # seconds in which nobody wakes who was to be woken
AWAKE = """
SELECT uuid, state, name, eta::text, result FROM queue_job
 WHERE state IN ('enqueued', 'started', 'wait_dependencies')
    OR (state = 'pending' AND sync_wait_key IS NULL)
"""
ASLEEP = """
SELECT sync_wait_key, name FROM queue_job
 WHERE state = 'pending' AND sync_wait_key IS NOT NULL
"""
FAILED = "SELECT name, exc_message FROM queue_job WHERE state = 'failed'"
OWED = "SELECT res_id, job_uuid FROM sync_outbox"


class Scene:
    """A running server with a CRM, and contacts of companies that have to be first.

    :param server: the ``OdooServer``
    :param crm: the running ``Crm``
    """

    def __init__(self, server, crm):
        self.server = server
        self.crm = crm
        self.admin = configure.log_in(server)
        # no kill fails a job: each is one of the tries of who was killed
        stream = {"send_first": "parent_id", "max_retries": 0, "batch_size": 3}
        configure.make_crm_stream(self.admin, crm, stream=stream)
        self.contacts = []
        self._poked = 0.0

    def query(self, statement, *values):
        """Return the rows of a query on Odoo's database, as tuples."""
        return databases.query(self.server.database, statement, *values)

    def make(self):
        """Have companies with people."""
        for number in range(COMPANIES):
            company = self.create(f"Company {number}")
            people = [self.create(f"Person {number}", parent_id=company)]
            self.contacts += [company, *people]

    def create(self, name, **values):
        """Create a contact, and return its id."""
        return self.admin.create("res.partner", {"name": name, **values})

    def edit(self, number, over):
        """Edit contacts until it is over, the first of them as often as all others."""
        admin = configure.log_in(self.server)
        for edit in count():
            if over.wait(EDIT_EVERY):
                break
            hot = edit % 2
            contact = self.contacts[0 if hot else edit % len(self.contacts)]
            values = {"city": f"City {number}-{edit}"}
            # the worker that answers may be the one that is killed
            with suppress(requests.RequestException, OdooError):
                admin.write("res.partner", contact, values)

    def at_work(self):
        """Return the process ids of the workers that run a job."""
        started = "SELECT worker_pid FROM queue_job WHERE state = 'started'"
        workers = self.server.workers("WorkerHTTP")
        return [pid for (pid,) in self.query(started) if pid in workers]

    def is_calm(self):
        """Tell whether no job runs or is about to."""
        if time.monotonic() > self._poked + POKE:
            # the runner finds no job of this name
            self.query("NOTIFY queue_job, 'nothing'")
            self._poked = time.monotonic()
        return not self.query(AWAKE)

    def is_settled(self):
        """Tell whether, beside that, none is asleep or owes anything."""
        return self.is_calm() and not self.query(ASLEEP) and not self.query(OWED)

    def cities(self):
        """Return the cities of the CRM's contacts."""
        return [row.get("city") for row in self.crm.contacts().values()]

    def differing(self):
        """Return the names and cities that differ in the CRM and here."""
        there = Counter(
            (row["name"], row.get("city") or "") for row in self.crm.contacts().values()
        )
        here = Counter(
            (row["name"], row["city"] or "")
            for row in self.admin.search_read(
                "res.partner", [("id", "in", self.contacts)], ["name", "city"]
            )
        )
        return (there - here) + (here - there)


@pytest.fixture
def scene(crm, request):
    """A :class:`Scene`; the parameter says how many crons its server runs."""
    log = paths.LOGS / "test-wake-ups.log"
    with scratch_odoo.database("wakeups", addon=True) as name:
        options = {"workers": WORKERS, "channels": CHANNELS, "keep_log": False}
        crons = (f"--max-cron-threads={request.param}",)
        with scratch_odoo.serving(name, log, options=crons, **options) as server:
            yield Scene(server, crm)


def rest(scene):
    """Wait until nothing is awake, and nobody is about to be woken either."""
    calm = [None]

    def is_at_rest():
        if not scene.is_calm():
            calm[0] = None
        elif calm[0] is None:
            calm[0] = time.monotonic()
        return calm[0] and time.monotonic() > calm[0] + QUIET

    wait_until(is_at_rest, SETTLE, "nothing awake", 0.25)


def play(scene):
    """Let contacts be edited, and workers be killed at work meanwhile."""
    scene.crm.misbehave("hang", 3600, seconds=SLOW)
    scene.make()
    # until then there is work, and the runner hears of it: when it hears nothing, it
    # looks for who has died each minute
    over = Event()
    with ThreadPoolExecutor(EDITORS) as pool:
        editing = [pool.submit(scene.edit, number, over) for number in range(EDITORS)]
        try:
            for _number in range(KILLS):
                time.sleep(KILL_EVERY)
                pid = wait_until(scene.at_work, CALM, "a worker at work", 0.02)[-1]
                os.kill(pid, signal.SIGKILL)
        finally:
            over.set()
        for each in editing:
            each.result()


@pytest.mark.parametrize("scene", [1], indirect=True)
def test_all_settles(scene):
    play(scene)
    wait_until(scene.is_settled, SETTLE, "nothing awake, asleep or owed", 0.5)
    assert scene.query(FAILED) == []
    assert scene.differing() == {}


@pytest.mark.parametrize("scene", [0], indirect=True)
def test_nothing_is_left_to_the_cron(scene):
    play(scene)
    rest(scene)
    assert scene.query(ASLEEP) == []
    assert scene.query(OWED) == []
    assert scene.query(FAILED) == []
    assert scene.differing() == {}


@pytest.mark.parametrize("scene", [0], indirect=True)
def test_who_dies_before_waking_others_does_so_when_found_dead(scene):
    """The worker dies when what was answered is committed, and nobody is woken yet."""
    contact = scene.create("Ada")
    wait_until(scene.is_settled, SETTLE, "the first delivery")
    scene.crm.misbehave("hang", 60, seconds=HANG)
    scene.admin.write("res.partner", contact, {"city": "Paris"})
    (pid,) = wait_until(scene.at_work, CALM, "a worker at work", 0.02)
    scene.admin.write("res.partner", contact, {"city": "Rome"})
    wait_until(lambda: scene.query(ASLEEP), HANG, "the next job asleep", 0.02)
    scene.crm.behave()
    with databases.connected(scene.server.database) as connection:
        # nobody can be woken, or told of
        connection.cursor().execute("LOCK TABLE queue_job IN SHARE MODE")
        wait_until(lambda: len(scene.query(OWED)) == 1, CALM, "the first confirmed")
        os.kill(pid, signal.SIGKILL)
    rest(scene)
    assert scene.query(ASLEEP) == []
    assert scene.query(OWED) == []
    assert scene.cities() == ["Rome"]
