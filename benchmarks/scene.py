# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Everything that a run has: databases, servers, destinations."""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from benchmarks import contacts, fill, peers
from benchmarks.peer import Peer
from benchmarks.progress import tell
from benchmarks.warehouse import Warehouse
from support import scratch_odoo
from support.databases import connected
from support.destinations.lean_process import Destination
from support.environment import (
    addon,
    build,
    odoo,
    paths,
    postgres,
    source,
    templates,
)
from support.environment.python import site_packages
from support.odoo_server import install

INSIDE = Path(__file__).with_name("inside")
# Contacts that one script edits: Odoo's shell may not take for ever.
AT_ONCE = 5_000


class Scene:
    """Nothing runs before :meth:`open` and after :meth:`close`.

    After :meth:`open` it has ``destination``, ``idle`` (another destination, which has
    nothing to do), ``warehouse`` and ``peers`` (a :class:`~benchmarks.peer.Peer` by
    name).

    :param names: the peers to have
    :param sizes: the run's ``Sizes``
    :param keep: leave databases and logs when all is over
    :param before: the commit that the peer of this name has the addon of
    """

    def __init__(self, names, sizes, keep=False, before=None):
        self._names = sorted(names if before else names - {peers.BEFORE})
        self.sizes = sizes
        self._keep = keep
        self._before = before
        self._measured = {}
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
        self.destination = self._destination()
        self.idle = self._destination()
        self.warehouse = Warehouse(f"{templates.PREFIX}bench_warehouse_{os.getpid()}")
        self._stack.callback(self.warehouse.drop)
        self.warehouse.create()
        # Kept open: what a thread has started is told to end when the thread does.
        pool = self._stack.enter_context(ThreadPoolExecutor(len(self._names)))
        self._ours = {peers.BEFORE: self._earlier()} if self._before else {}
        made = self._make_databases(template)
        tell("starting the servers")
        for peer in pool.map(self._start, made, made.values()):
            self.peers[peer.name] = peer

    def close(self):
        """Stop everything and drop the databases."""
        self._stack.close()

    def once(self, name, measure):
        """Measure what several rows are about only once in a run.

        :param name: of what is measured
        :param measure: function that returns it
        """
        if name not in self._measured:
            self._measured[name] = measure()
        return self._measured[name]

    def _destination(self):
        destination = Destination()
        self._stack.callback(destination.stop)
        destination.start()
        return destination

    def _earlier(self):
        """Write the addon as it was to a folder of addons, and return that."""
        scratch = tempfile.TemporaryDirectory(prefix="bench-", dir=paths.WORK)
        folder = Path(self._stack.enter_context(scratch))
        root = build.checkout(self._before, folder / "commit")
        addon.copy_to(folder / "addons" / paths.ADDON, root)
        return folder / "addons"

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
                self._command(name),
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

    def edit_singly(self, peer, ids):
        """Change contacts of a peer, each in a transaction of its own."""
        script = (INSIDE / "edit_singly.py").read_text()
        for start in range(0, len(ids), AT_ONCE):
            settings = {
                "ids": ids[start : start + AT_ONCE],
                "values": {"city": contacts.text("Town")},
            }
            self.shell(peer.database, f"SETTINGS = {settings!r}\n{script}")

    def _command(self, name):
        """Odoo's command line for a peer, with the naive addon beside ours."""
        return [*odoo.command_line(), *self._options(name)]

    def _options(self, name=None):
        ours = self._ours.get(name) or addon.refresh()
        addons = [*source.addons_paths(), site_packages() / "odoo/addons"]
        addons += [ours, paths.ROOT / "benchmarks/addons"]
        joined = ",".join(map(str, addons))
        return [f"--addons-path={joined}"]

    def _start(self, name, database):
        log = paths.LOGS / f"bench-{name}.log"
        command = self._command(name)
        settings = {}
        if name == peers.SMALL:
            limit = f"--limit-time-real={self.sizes.time_limit}"
            settings = {"channels": peers.SMALL_CHANNELS, "options": (limit,)}
        elif name == peers.SCREENS:
            settings = {"channels": peers.SCREENS_CHANNELS}
        peer = Peer(name, database, command, self._environment, log, **settings)
        self._stack.callback(peer.stop)
        peer.start()
        peers.configure(peer, self.destination, self.warehouse, self.idle)
        if name == peers.FULL:
            fill.fill(peer, self.destination, self.sizes)
            peer.restart()
        elif name == peers.LARGE:
            fill.fill_large(peer, self.destination, self.sizes)
            peer.restart()
        elif name == peers.MANY:
            with connected(database) as connection:
                contacts.fill(connection.cursor(), self.sizes.backfill)
        elif name == peers.SMALL:
            with connected(database) as connection:
                contacts.fill(connection.cursor(), self.sizes.fair_many)
        with peer.paused():
            peer.warm_up()
        return peer


def _rename(name, kept):
    """Take a database out of the reach of what would drop it."""
    kept = f"{templates.PREFIX}kept_{kept}"
    postgres.sql(f'ALTER DATABASE "{name}" RENAME TO "{kept}"')
    (templates.FILESTORE / name).rename(templates.FILESTORE / kept)
    tell(f"left in place: database {kept}")
