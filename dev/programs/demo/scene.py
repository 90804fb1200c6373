# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Everything that the demo runs: servers, databases, Odoo and who uses it."""

import fcntl
import os
import re
import tempfile
import time
from contextlib import ExitStack, suppress

import requests

from support import configure, databases
from support.client import OdooError
from support.destinations.crm_process import Crm
from support.destinations.smtp_sink import SmtpSink
from support.destinations.warehouse import Warehouse
from support.environment import console, nginx, node, odoo, paths, postgres, templates
from support.odoo_server import OdooServer, install

DATABASE = "demo"
LOADED = re.compile(r"Loading module \S+ \((\d+/\d+)\)")


class Scene:
    """The demo's servers; nothing runs before :meth:`open` and after :meth:`close`.

    After :meth:`open` it has ``crm``, ``warehouse``, ``sink``, ``server``, ``people``
    (:class:`configure.People`) and ``crm_stream``, the id of the stream that goes
    to the CRM. ``log`` is the log file of what ran last.

    :param report: the :class:`report.Report` that is told what is ready
    :param port: TCP port for Odoo; None takes a free one
    """

    def __init__(self, report, port):
        self._report = report
        self._port = port
        self._stack = ExitStack()
        self.log = paths.LOGS / "demo-install.log"
        self.people = None

    def open(self):
        """Start and configure everything.

        :raises Failure: when something cannot be started, in one line
        """
        self._report.title("Setting the scene.")
        self._alone()
        with console.Step("PostgreSQL"):
            os.environ.update(self._stack.enter_context(postgres.running()))
        with console.Step("CRM, warehouse and mail server"):
            self._open_destinations()
        template = templates.template(os.environ)
        with console.Step(f"Installing the addon in the database {DATABASE}") as step:
            databases.copy_template(template, DATABASE)
            self._install(step)
        proxy = nginx.ensure()
        self._arabic = self._ensure_arabic()
        with console.Step("Starting Odoo: three workers, cron, job runner, nginx"):
            self._start_server(proxy)
        with console.Step("Users, external systems and synchronizations"):
            self._configure()

    def serve(self):
        """Say how to look around, and wait until Odoo ends or a signal comes."""
        self._report.title("Everything keeps running until Ctrl-C. Have a look:")
        for what, where in (
            ("Odoo", self.server.url),
            ("administrator", " / ".join(configure.ADMIN)),
            ("job manager", " / ".join(configure.JO)),
            ("plain user", " / ".join(configure.BO)),
            *([("Arabic reader", " / ".join(configure.LAYLA))] * self._arabic),
            ("CRM", f"curl -H 'Authorization: Bearer {self.crm.token}' {self._all}"),
            ("warehouse", f"psql {self._warehouse_uri} -c 'TABLE contacts'"),
            ("log of Odoo", self.server.log),
            ("to look at", "Grace Hopper, whom the CRM has refused"),
        ):
            print(f"  {what:14} {where}", flush=True)
        while self.server.is_running():
            time.sleep(0.5)
        raise console.Failure("Odoo has ended by itself.")

    def close(self):
        """Stop everything."""
        self._stack.close()

    def explanation(self):
        """Return what may tell why a step did not work: jobs, and the log's end."""
        lines = []
        with suppress(requests.RequestException, OdooError):  # Odoo may be the reason
            lines += self._jobs()
        if self.log.is_file():
            lines.append(f"The end of {self.log}:")
            lines += self.log.read_text(errors="replace").splitlines()[-40:]
        return "\n".join(lines)

    def _jobs(self):
        if not self.people:
            return
        fields = ["name", "state", "retry", "max_retries", "result", "exc_message"]
        for job in self.people.jo.search_read("queue.job", [], fields, order="id"):
            said = job["exc_message"] or job["result"] or ""
            tries = f"{job['retry']}/{job['max_retries']}"
            yield f"Job {job['name']}: {job['state']}, {tries}: {said}"

    @property
    def _all(self):
        return f"{self.crm.url}/contacts"

    @property
    def _warehouse_uri(self):
        login = f"{self.warehouse.user}:{self.warehouse.password}"
        return f"postgresql://{login}@{self._host}:{self._host_port}/warehouse"

    def _alone(self):
        """Two demos would take each other's databases away."""
        lock = self._stack.enter_context((paths.WORK / "demo.lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise console.Failure("Another demo of this checkout is running.") from None

    def _open_destinations(self):
        self._host = os.environ["PGHOST"]
        self._host_port = int(os.environ.get("PGPORT") or 5432)
        try:
            self.warehouse = Warehouse()
            self.warehouse.create()
            databases.drop_database(DATABASE)
        except databases.NotOurs as error:
            raise console.Failure(str(error)) from None
        folder = tempfile.TemporaryDirectory(prefix="demo-crm-", dir=paths.WORK)
        self._stack.enter_context(folder)
        self.crm = Crm(folder.name)
        self._stack.callback(self.crm.stop)
        self.crm.start()
        self.sink = self._stack.enter_context(SmtpSink())

    def _install(self, step):
        def progress(line):
            found = LOADED.search(line)
            if found:
                step.update(found[1])

        try:
            install(
                odoo.command_line(),
                DATABASE,
                [paths.ADDON],
                self.log,
                odoo.environment(os.environ),
                progress,
            )
        except RuntimeError as error:
            raise console.Failure(str(error)) from None

    def _ensure_arabic(self):
        """Return whether there is what Odoo needs to show it from right to left."""
        try:
            node.ensure()
        except console.Failure as failure:
            self._report.line("", f"Without Arabic: {failure}")
            return False
        return True

    def _start_server(self, proxy):
        self.server = OdooServer(
            odoo.command_line(),
            DATABASE,
            paths.LOGS / "demo.log",
            self._port,
            environment=odoo.environment(os.environ),
            proxy=proxy,
        )
        self.log = self.server.log
        self._stack.callback(self.server.stop)
        self.server.start()

    def _configure(self):
        self.people = configure.make_people(self.server, self.sink)
        admin = self.people.admin
        if self._arabic:
            configure.make_arabic_reader(admin)
        self.crm_stream, crm_answer = configure.make_crm_stream(admin, self.crm)
        _stream, warehouse_answer = configure.make_warehouse_stream(
            admin, self.warehouse, self._host, self._host_port
        )
        self._report.observed["crm"]["test_connection"] = crm_answer
        self._report.observed["warehouse"]["test_connection"] = warehouse_answer
