# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Everything that a soak runs: servers of its own in a folder of its own."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from e2e import soak_configure
from e2e.soak_postgres import PostgresServer
from support import databases
from support.destinations.crm_process import Crm
from support.destinations.smtp_sink import SmtpSink
from support.destinations.tcp_proxy import TcpProxy
from support.destinations.warehouse import Warehouse
from support.environment import (
    addon,
    console,
    odoo,
    paths,
    private_postgres,
    source,
    stamps,
)
from support.environment.python import site_packages
from support.environment.templates import DEPENDENCIES
from support.odoo_server import OdooServer, install

DATABASE = "soak"
WORKERS = 6
# Fewer jobs at once than workers, so that a destination that hangs leaves some.
CHANNELS = "root:4"
# Seconds after which Odoo kills a worker: a run is a quarter of it.
TIME_LIMIT = 20
LOG = paths.LOGS / "soak.log"  # Odoo's log of the run that ended last
RUN = "soak-run-"  # begins the name of a run's folder; the process id follows


class Scene:
    """The soak's servers; nothing runs before :meth:`open` and after :meth:`close`.

    After :meth:`open` it has ``postgres``, ``crm``, ``shop`` (which is as the CRM, and
    ignores keys), ``warehouse``, ``proxy`` (the way to the warehouse), ``sink``,
    ``server``, ``admin``, ``clerk`` and ``editors`` (clients), and ``values``, which
    gives editors values for the links of a contact.

    :param editors: number of users who will edit
    :param keep: leave the folder when all is over
    """

    def __init__(self, editors, keep=False):
        self._count = editors
        self._keep = keep
        self._stack = ExitStack()
        self._folder = None

    def open(self):
        """Start and configure everything.

        :raises Failure: when something cannot be started, in one line
        """
        base = _base()
        with console.Step("Starting PostgreSQL, CRM, shop, warehouse, mail server"):
            self._open_servers(base)
        with console.Step("Installing the addon"):
            _install(self._folder, (paths.ADDON,), self.postgres)
        with console.Step(f"Starting Odoo: {WORKERS} workers, cron, job runner"):
            self._start_odoo()
        with console.Step("Users, external systems and synchronizations"):
            self._configure()

    def close(self):
        """Stop everything and remove the folder."""
        self._stack.close()

    def query(self, statement, *values):
        """Return the rows of a query on Odoo's database, as tuples."""
        return databases.query(DATABASE, statement, *values)

    def sending_workers(self):
        """Return the process ids of the workers that are delivering something."""
        rows = self.query("SELECT worker_pid FROM queue_job WHERE state = 'started'")
        return [pid for (pid,) in rows if pid]

    def _open_servers(self, base):
        _remove_orphans()
        prefix = f"{RUN}{os.getpid()}-"
        self._folder = Path(tempfile.mkdtemp(prefix=prefix, dir=paths.WORK))
        self._stack.callback(self._remove_folder)
        # With the owners: PostgreSQL's is another one where root runs all this.
        _copy(f"{base}/.", self._folder)
        # Odoo is started again in the middle; the checkout may have changed by then.
        (self._folder / "addons" / paths.ADDON).mkdir(parents=True)
        _copy(*addon.items(), self._folder / "addons" / paths.ADDON)
        self.postgres = PostgresServer(self._folder / "postgres")
        self._stack.callback(self.postgres.stop)
        self.postgres.start()
        # From here on everything that asks libpq's variables means this server.
        os.environ.update(self.postgres.variables)
        self.warehouse = Warehouse()
        self.warehouse.create()
        self.warehouse.add_column("ref")
        host, port = self.postgres.variables["PGHOST"], self.postgres.port
        self.proxy = self._stack.enter_context(TcpProxy(host, port))
        self.crm = Crm(self._folder)
        self.shop = Crm(self._folder, name="shop", honours_keys=False)
        for store in (self.crm, self.shop):
            self._stack.callback(store.stop)
            store.start()
        self.sink = self._stack.enter_context(SmtpSink())

    def _start_odoo(self):
        self.server = OdooServer(
            _command(self._folder),
            DATABASE,
            self._folder / "odoo.log",
            channels=CHANNELS,
            environment=odoo.environment(self.postgres.variables),
            workers=WORKERS,
            options=(
                f"--limit-time-real={TIME_LIMIT}",
                "--limit-time-real-cron=120",
            ),
        )
        self._stack.callback(self._keep_log)
        self._stack.callback(self.server.stop)
        self.server.start()

    def _configure(self):
        self.admin = soak_configure.make_admin(self.server, self.sink)
        self.values = soak_configure.make_values(self.admin)
        soak_configure.make_streams(
            self.admin, self.crm, self.shop, self.warehouse, self.proxy
        )
        self.clerk = soak_configure.make_clerk(self.admin, self.server)
        self.editors = soak_configure.make_editors(self.admin, self.server, self._count)

    def _keep_log(self):
        shutil.copyfile(self.server.log, LOG)

    def _remove_folder(self):
        if self._keep:
            kept = self._folder.with_name(f"soak-kept-{self._folder.name[len(RUN) :]}")
            print(f"Left in place: {self._folder.rename(kept)}")
        else:
            shutil.rmtree(self._folder, ignore_errors=True)


def _remove_orphans():
    """Remove the folders of runs that were killed."""
    for folder in paths.WORK.glob(f"{RUN}*"):
        pid = folder.name.removeprefix(RUN).partition("-")[0]
        if not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _base():
    """Have a server's data with the dependencies installed, made once per version.

    :return: the folder, of a server that is stopped
    """
    key = stamps.key(
        source.version(), paths.REQUIREMENTS, Path(private_postgres.__file__)
    )
    folder = paths.WORK / f"soak-base-{key[:8]}"
    with (paths.WORK / "soak-base.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder
        for old in paths.WORK.glob("soak-base-*"):
            if old.is_dir():
                shutil.rmtree(old)
        partial = folder.with_name("soak-base-partial")
        with console.Step("Installing Odoo and the dependencies for soaks"):
            (partial / "postgres").mkdir(parents=True)
            private_postgres.make(partial / "postgres")
            server = PostgresServer(partial / "postgres")
            try:
                server.start()
                _install(partial, DEPENDENCIES, server)
            finally:
                server.stop()
        partial.rename(folder)
    return folder


def _install(folder, modules, postgres):
    environment = odoo.environment(postgres.variables)
    log = paths.LOGS / "soak-install.log"
    try:
        install(_command(folder), DATABASE, modules, log, environment)
    except RuntimeError as error:
        raise console.Failure(str(error)) from None


def _command(folder):
    """Odoo's command line, for the files and the addon in a folder."""
    addons = [*source.addons_paths(), site_packages() / "odoo/addons"]
    if (folder / "addons").is_dir():
        addons.append(folder / "addons")
    joined = ",".join(map(str, addons))
    data = folder / "data"
    return [*odoo.command_line(), f"--data-dir={data}", f"--addons-path={joined}"]


def _copy(*paths_and_target):
    subprocess.run(["cp", "-a", *map(str, paths_and_target)], check=True)
