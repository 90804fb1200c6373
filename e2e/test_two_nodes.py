# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Two Odoo servers on one database: each edit arrives once, whichever node dies."""

import importlib
import sys
import threading
import time
import types
from collections import Counter
from contextlib import ExitStack, contextmanager

import pytest

from support import configure, databases, scratch_odoo
from support.client import OdooClient
from support.environment import odoo, paths
from support.odoo_server import OdooServer
from support.processes import wait_until

CONTACTS = 60
SLOW = 0.3  # seconds that the CRM takes for an answer, so that a drain lasts
BEFORE_THE_KILL = 10  # contacts that the CRM holds when the leader dies
SETTLE = 120  # seconds
# The standby asks for the lock every 5 seconds (queue_job's ERROR_RECOVERY_DELAY).
TAKE_OVER = 30  # seconds that it may take on a busy machine
# Interrupted jobs keep their places until they are found dead: they must have been
# handed out more than 10 seconds ago, and a runner with nothing else to do looks once
# a minute (queue_job's SELECT_TIMEOUT).
RESUME = 120  # seconds
ACCESS = 2  # seconds that access by OAuth 2 lasts


class Nodes:
    """Two servers on one database, and what is asked of both.

    :param servers: two running ``OdooServer``
    """

    def __init__(self, servers):
        self.servers = servers
        self.database = servers[0].database
        self.people = None
        self.editors = []

    def configure(self, crm, smtp_sink):
        """Set the CRM up through one node, and have an editor on each."""
        self.people = configure.make_people(self.servers[0], smtp_sink)
        self.stream, _answer = configure.make_crm_stream(self.people.admin, crm)
        self.editors = [
            OdooClient.from_password(server.url, self.database, *configure.BO)
            for server in self.servers
        ]

    @property
    def leader(self):
        """The server whose runner hands out the jobs."""
        (leading,) = [server for server in self.servers if server.leads()]
        return leading

    @property
    def standby(self):
        """The other one."""
        return next(server for server in self.servers if server is not self.leader)

    def query(self, statement, *values):
        """Return the rows of a query on Odoo's database, as tuples."""
        return databases.query(self.database, statement, *values)

    def states(self):
        """Return how many jobs of the stream are in each state."""
        return Counter(
            state
            for (state,) in self.query(
                "SELECT state FROM queue_job WHERE sync_stream_id = %s", self.stream
            )
        )

    def settled(self):
        """Tell whether every job is done and no change is left."""
        return self.states().keys() == {"done"} and self.query(
            "SELECT count(*) FROM sync_outbox"
        ) == [(0,)]

    def edit_on_both(self, contacts, city):
        """Edit contacts on one node and the other in turn."""
        for number, contact in enumerate(contacts):
            editor = self.editors[number % 2]
            editor.write("res.partner", contact, {"city": city})

    def create_on_both(self, count):
        """Create contacts on one node and the other in turn, and return their ids."""
        return [
            self.editors[number % 2].create(
                "res.partner", {"name": f"Contact {number}", "city": "First"}
            )
            for number in range(count)
        ]


@pytest.fixture
def nodes(crm, smtp_sink):
    """Two running Odoo on one database, the first of them with the lock."""
    environment = scratch_odoo.environment()
    with scratch_odoo.database("nodes", addon=True) as database, ExitStack() as stack:
        servers = []
        for name in ("first", "second"):
            server = OdooServer(
                odoo.command_line(),
                database,
                paths.LOGS / f"test-nodes-{name}.log",
                environment=environment,
            )
            stack.callback(server.stop)
            server.start(standby=bool(servers))
            servers.append(server)
        pair = Nodes(servers)
        pair.configure(crm, smtp_sink)
        yield pair


def held(crm, city):
    """Return how many contacts the CRM holds with this city, and how many in all."""
    contacts = crm.contacts().values()
    return sum(each.get("city") == city for each in contacts), len(contacts)


def carried_out(crm, method):
    """Return how often each contact was written by requests of this method."""
    return Counter(
        entry["contact"]
        for entry in crm.journal()
        if entry["method"] == method and entry["status"] < 300 and not entry["replayed"]
    )


def test_edits_on_both_nodes_arrive_once(nodes, crm):
    first, second = nodes.servers
    assert (first.leads(), second.leads()) == (True, False)
    contacts = nodes.create_on_both(10)
    wait_until(nodes.settled, SETTLE, "first deliveries")
    nodes.edit_on_both(contacts, "Second")
    wait_until(nodes.settled, SETTLE, "second deliveries")
    assert held(crm, "Second") == (10, 10)
    assert set(carried_out(crm, "POST").values()) == {1}
    assert set(carried_out(crm, "PUT").values()) == {1}
    # each runner sends jobs to the address it was told, here its own node's
    pids = {pid for (pid,) in nodes.query("SELECT worker_pid FROM queue_job") if pid}
    assert pids <= set(first.workers("WorkerHTTP"))
    assert pids


def test_the_other_node_takes_over_in_the_middle_of_a_drain(nodes, crm, capsys):
    (backend,) = nodes.people.admin.search_read("sync.backend", [], [])
    nodes.people.admin.call("sync.backend", "action_pause", [backend["id"]])
    nodes.create_on_both(CONTACTS)
    assert nodes.states() == {"pending": CONTACTS}
    assert crm.contacts() == {}
    leader, standby = nodes.leader, nodes.standby
    crm.misbehave("late", 2 * SETTLE, seconds=SLOW)
    nodes.people.admin.call("sync.backend", "action_resume", [backend["id"]])
    wait_until(lambda: len(crm.contacts()) >= BEFORE_THE_KILL, SETTLE, "some contacts")

    # asked before: it may take over at once
    assert not standby.leads()
    leader.kill()
    killed = time.monotonic()
    delivered = len(crm.contacts())
    assert delivered < CONTACTS
    interrupted = nodes.states()["started"]
    wait_until(standby.leads, TAKE_OVER, "the other runner")
    taken_over = time.monotonic() - killed
    wait_until(lambda: len(crm.contacts()) > delivered, RESUME, "the next contact")
    resumed = time.monotonic() - killed
    wait_until(nodes.settled, SETTLE, "all delivered")
    finished = time.monotonic() - killed

    assert held(crm, "First") == (CONTACTS, CONTACTS)
    created = carried_out(crm, "POST")
    assert len(created) == CONTACTS
    assert set(created.values()) == {1}
    names = Counter(content["name"] for content in crm.contacts().values())
    assert set(names.values()) == {1}
    with capsys.disabled():
        print(f"\n  {delivered} of {CONTACTS} delivered at the kill,", end=" ")
        print(f"{interrupted} jobs interrupted")
        print(f"  the other runner leads after {taken_over:.1f} s,", end=" ")
        print(f"delivers after {resumed:.1f} s, is done after {finished:.1f} s")


def token_destination():
    """Return the file of a destination of the addon's own tests: they import Odoo."""
    package = types.ModuleType("addon_tests")
    package.__path__ = [str(paths.ROOT / "tests")]
    sys.modules[package.__name__] = package
    return importlib.import_module("addon_tests.token_server")


@pytest.fixture
def lets_in(nodes):
    """A destination that lets in who has a token, instead of the CRM."""
    served = token_destination()
    admin = nodes.people.admin
    (backend,) = admin.search_read("sync.backend", [], [])
    with served.TokenDestination() as server:
        server.life = ACCESS
        server.backend = backend["id"]
        admin.write(
            "sync.backend",
            server.backend,
            {
                "url": f"{server.url}/api",
                "auth": "oauth_code",
                "oauth_token_url": f"{server.url}/token",
                "oauth_client_id": served.CLIENT_ID,
            },
        )
        for name, value in (
            ("oauth_client_secret", served.CLIENT_SECRET),
            ("oauth_refresh_token", server.begin()),
        ):
            admin.call(
                "sync.backend", "set_secret", [server.backend], name=name, value=value
            )
        yield server


@contextmanager
def asking_both(nodes, backend):
    """Have both nodes ask the system for a sign of life, one time after the other."""
    over, answers = threading.Event(), []

    def ask(server):
        admin = configure.log_in(server)
        while not over.is_set():
            answers.append(
                admin.call("sync.backend", "action_test_connection", [backend])
            )

    threads = [
        threading.Thread(target=ask, args=(server,), daemon=True)
        for server in nodes.servers
    ]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join(SETTLE)


def test_access_is_renewed_by_one_node_for_both(nodes, lets_in):
    """Never two renewals with one token, also when the one that has it is killed."""
    with asking_both(nodes, lets_in.backend) as answers:
        contacts = nodes.create_on_both(10)
        wait_until(nodes.settled, SETTLE, "first deliveries")
        time.sleep(2 * ACCESS)
        nodes.edit_on_both(contacts, "Second")
        wait_until(nodes.settled, SETTLE, "second deliveries")
    assert answers
    assert len(lets_in.renewals) > 2
    assert len(set(lets_in.renewals)) == len(lets_in.renewals) == len(lets_in.given)

    # between renewal and use: the access that it was about to send with is of use
    leader, standby = nodes.leader, nodes.standby
    time.sleep(ACCESS)
    lets_in.life = 2 * RESUME
    killed = []

    def kill():
        lets_in.on_request = lambda: None
        killed.append(lets_in.access)
        leader.kill()

    lets_in.on_request = kill
    nodes.editors = [nodes.editors[nodes.servers.index(standby)]] * 2
    nodes.edit_on_both(contacts, "Third")
    wait_until(lambda: killed, SETTLE, "the first request")
    wait_until(nodes.settled, SETTLE + RESUME, "deliveries by the other node")
    assert killed == [lets_in.access]
    assert len(set(lets_in.renewals)) == len(lets_in.renewals) == len(lets_in.given)
    assert Counter(each["city"] for each in lets_in.records.values()) == {"Third": 10}
