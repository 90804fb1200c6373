# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Everything that a run has: databases, servers, destinations."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from benchmarks import contacts, fill, peers
from benchmarks.peer import Peer
from benchmarks.progress import tell
from benchmarks.warehouse import Warehouse
from support import scratch_odoo
from support.databases import connected
from support.destinations.lean_process import Destination
from support.environment import addon, odoo, paths, postgres, source, templates
from support.environment.python import site_packages
from support.odoo_server import install


class Scene:
    """Nothing runs before :meth:`open` and after :meth:`close`.

    After :meth:`open` it has ``destination``, ``warehouse`` and ``peers`` (a
    :class:`~benchmarks.peer.Peer` by name).

    :param names: the peers to have
    :param sizes: the run's ``Sizes``
    :param keep: leave databases and logs when all is over
    """

    def __init__(self, names, sizes, keep=False):
        self._names = sorted(names)
        self.sizes = sizes
        self._keep = keep
        self._stack = ExitStack()
        self.peers = {}

    def open(self):
        """Make the databases, start and configure the servers.

        :raises Failure: when something cannot be started, in one line
        """
        variables = self._stack.enter_context(postgres.running())
        # From here on everything that asks libpq's variables means this server.
        os.environ.update(variables)
        self._environment = odoo.environment(variables)
        template = templates.template(variables)
        self.destination = Destination()
        self._stack.callback(self.destination.stop)
        self.destination.start()
        self.warehouse = Warehouse(f"{templates.PREFIX}bench_warehouse_{os.getpid()}")
        self._stack.callback(self.warehouse.drop)
        self.warehouse.create()
        # Kept open: what a thread has started is told to end when the thread does.
        pool = self._stack.enter_context(ThreadPoolExecutor(len(self._names)))
        made = self._make_databases(template)
        tell("starting the servers")
        for peer in pool.map(self._start, made, made.values()):
            self.peers[peer.name] = peer

    def close(self):
        """Stop everything and drop the databases."""
        self._stack.close()

    def _make_databases(self, template):
        """Make each peer's database from one template.

        :return: database by name of the peer
        """
        tell("one database for each peer")
        base = self._copy(template, "base")
        with connected(base) as connection:
            contacts.fill(connection.cursor(), self.sizes.contacts)
        made = {name: self._copy(base, name) for name in self._names}
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._install, made.items()))
        return made

    def _copy(self, template, purpose):
        name = self._stack.enter_context(templates.copy(template, f"bench_{purpose}"))
        if self._keep:
            self._stack.callback(_rename, name, f"{purpose}_{os.getpid()}")
        return name

    def _install(self, name_and_database):
        name, database = name_and_database
        if peers.MODULES[name]:
            start = time.monotonic()
            install(
                self._command(),
                database,
                peers.MODULES[name],
                paths.LOGS / f"bench-install-{name}.log",
                self._environment,
            )
            tell(f"{name} installed in {time.monotonic() - start:.0f} s")

    def shell(self, database, code):
        """Run Python in Odoo's own shell on a peer's database.

        :return: what it prints
        """
        return scratch_odoo.shell(database, code, *self._options())

    def _command(self):
        """Odoo's command line, with the naive addon beside ours."""
        return [*odoo.command_line(), *self._options()]

    def _options(self):
        addons = [*source.addons_paths(), site_packages() / "odoo/addons"]
        addons += [addon.refresh(), paths.ROOT / "benchmarks/addons"]
        joined = ",".join(map(str, addons))
        return [f"--addons-path={joined}"]

    def _start(self, name, database):
        log = paths.LOGS / f"bench-{name}.log"
        peer = Peer(name, database, self._command(), self._environment, log)
        self._stack.callback(peer.stop)
        peer.start()
        peers.configure(peer, self.destination, self.warehouse)
        if name == peers.FULL:
            fill.fill(peer, self.destination, self.sizes)
            peer.restart()
        elif name == peers.MANY:
            with connected(database) as connection:
                contacts.fill(connection.cursor(), self.sizes.backfill)
        with peer.paused():
            peer.warm_up()
        return peer


def _rename(name, kept):
    """Take a database out of the reach of what would drop it."""
    kept = f"{templates.PREFIX}kept_{kept}"
    postgres.sql(f'ALTER DATABASE "{name}" RENAME TO "{kept}"')
    (templates.FILESTORE / name).rename(templates.FILESTORE / kept)
    tell(f"left in place: database {kept}")
