# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One Odoo of those that are compared: its server, its database, and its clients."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg2

from benchmarks import contacts, web_form
from support import configure, processes
from support.client import OdooClient, WebSession
from support.odoo_server import OdooServer

# The same jobs at once for all, and workers left for people beside them.
CHANNELS = "root:4"
WORKERS = 6
# Odoo's own limits are for people's requests; an import of 10,000 rows takes longer.
OPTIONS = ("--limit-time-cpu=3600", "--limit-time-real=3600")
TIMEOUT = 3600  # seconds


class Peer:
    """A peer, down until :meth:`start`.

    After it there are ``admin`` (the external API), ``web`` (a user's session in the
    web client), ``form`` (what the contact form asks back on saving) and ``countries``
    (ids).

    :param name: the peer's name in the table
    :param database: its database
    :param command: program and arguments that run Odoo's command line
    :param environment: Odoo's environment variables
    :param log: path of the server's log
    :param channels: capacity of the runner's channels
    :param options: more of Odoo's own arguments
    """

    def __init__(
        self,
        name,
        database,
        command,
        environment,
        log,
        channels=CHANNELS,
        options=OPTIONS,
    ):
        self.name = name
        self.database = database
        self.server = OdooServer(
            command,
            database,
            log,
            channels=channels,
            environment=environment,
            workers=WORKERS,
            options=options,
        )
        self._paused = ()
        self._connection = None
        self._before = 0  # id of the last job that was there before any measuring

    def start(self):
        """Start the server and log in."""
        self.server.start()
        self._connection = psycopg2.connect(dbname=self.database)
        self._connection.autocommit = True
        login = (self.server.url, self.database, *configure.ADMIN)
        self.admin = OdooClient.from_password(*login, timeout=TIMEOUT)
        self.web = WebSession(*login, timeout=TIMEOUT)
        self.form = web_form.contact_form(self.web)
        domain = [("code", "in", contacts.COUNTRIES)]
        rows = self.admin.search_read("res.country", domain, ["id"], order="id")
        self.countries = [row["id"] for row in rows]

    def warm_up(self):
        """Have every worker answer a few requests, as those of a busy server have.

        One that has never created contacts takes half a second more for a thousand.
        """
        ids = self.old_ids(2 * WORKERS)

        def edit(id_):
            self.save(id_, {"comment": False})

        with ThreadPoolExecutor(2 * WORKERS) as pool:
            for _burst in range(4):
                list(pool.map(edit, ids))
            for _burst in range(2):
                list(pool.map(self.create, [100] * 2 * WORKERS))

    def stop(self):
        """End the server."""
        self.resume()
        self.server.stop()
        if self._connection:
            self._connection.close()
            self._connection = None

    def restart(self):
        """Stop the server and start it again, so that its runner reads all jobs."""
        self.stop()
        self.start()

    def start_over(self):
        """Remove what the measuring has queued, that which runs too, and restart.

        The new runner has heard of none of it.
        """
        self.resume()
        self.server.stop()
        self.clear_queue(("pending", "enqueued", "started"))
        self.restart()
        with self.paused():
            self.warm_up()

    # -- what users do ---------------------------------------------------------

    def create(self, count):
        """Create contacts in one call of the external API, in one transaction.

        :return: seconds it took
        """
        rows = [contacts.values(self.countries) for _number in range(count)]
        start = time.perf_counter()
        self.admin.call("res.partner", "create", vals_list=rows)
        return time.perf_counter() - start

    def create_one(self):
        """Create one contact.

        :return: its id and its mail address
        """
        row = contacts.values(self.countries)
        (id_,) = self.admin.call("res.partner", "create", vals_list=[row])
        return id_, row["email"]

    def save(self, id_, values):
        """Save a contact as the web client's form does.

        :return: seconds it took
        """
        start = time.perf_counter()
        self.web.call("res.partner", "web_save", [id_], values, specification=self.form)
        return time.perf_counter() - start

    def touch(self, ids, each=1_000):
        """Change contacts, so many in one transaction."""
        for start in range(0, len(ids), each):
            values = {"city": contacts.text("Town")}
            chunk = ids[start : start + each]
            self.admin.call("res.partner", "write", chunk, vals=values)

    # -- the database ----------------------------------------------------------

    def query(self, statement, *values):
        """Return the rows of a statement on the peer's database, as tuples.

        :param values: of its parameters; one dict where they have names
        """
        if len(values) == 1 and isinstance(values[0], dict):
            (values,) = values
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def old_ids(self, count):
        """Return ids of contacts that were there from the start.

        :raises ValueError: when there are fewer
        """
        rows = self.query(
            "SELECT id FROM res_partner WHERE email LIKE 'old-%%' ORDER BY id LIMIT %s",
            count,
        )
        if len(rows) < count:
            raise ValueError(f"{self.name} has {len(rows)} contacts, not {count}")
        return [id_ for (id_,) in rows]

    def email(self, id_):
        """Return the mail address of a contact."""
        ((email,),) = self.query("SELECT email FROM res_partner WHERE id = %s", id_)
        return email

    def open_jobs(self):
        """Return how many of the measuring's jobs have not ended."""
        ((count,),) = self.query(
            "SELECT count(*) FROM queue_job"
            " WHERE id > %s AND state IN ('pending', 'enqueued', 'started')",
            self._before,
        )
        return count

    def keep_jobs(self):
        """Count the jobs that are there as none of the measuring's from now on."""
        ((self._before,),) = self.query("SELECT COALESCE(max(id), 0) FROM queue_job")

    def wait_until_idle(self, seconds=600):
        """Wait until no job is due.

        :raises NotInTime: when it takes longer than ``seconds``
        """
        what = f"{self.name}'s queue empty"
        processes.wait_until(lambda: not self.open_jobs(), seconds, what, 0.2)

    # -- the queue -------------------------------------------------------------

    def pause(self):
        """Hold queue_job's runner, so that what is queued stays queued.

        :raises RuntimeError: there is none
        """
        self._paused = self.server.workers("WorkerJobRunner")
        if not self._paused:
            raise RuntimeError(f"{self.name} has no job runner that could be held")
        for pid in self._paused:
            os.kill(pid, signal.SIGSTOP)

    def resume(self):
        """Let the runner go on.

        :return: when, in seconds of the monotonic clock
        """
        moment = time.monotonic()
        for pid in self._paused:
            os.kill(pid, signal.SIGCONT)
        self._paused = ()
        return moment

    @contextmanager
    def paused(self):
        """Around what is timed without its own jobs running: they go when it ends."""
        self.pause()
        try:
            yield
        finally:
            self.clear_queue()
            self.resume()

    def clear_queue(self, states=("pending", "enqueued")):
        """Remove what the measuring has queued.

        :param states: of the jobs that go
        """
        self.query(
            "DELETE FROM queue_job WHERE id > %s AND state IN %s", self._before, states
        )
        if self._has_addon():
            self.query(
                "DELETE FROM sync_outbox o WHERE NOT EXISTS"
                " (SELECT FROM queue_job j WHERE j.uuid = o.job_uuid)"
            )

    def forget_deliveries(self, ids):
        """Have contacts as if they had never been sent."""
        if self._has_addon():
            self.query("DELETE FROM sync_binding WHERE res_id = ANY(%s)", ids)

    def _has_addon(self):
        ((table,),) = self.query("SELECT to_regclass('sync_binding')")
        return bool(table)
