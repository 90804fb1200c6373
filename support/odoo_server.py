# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A real Odoo server: workers, a cron worker and queue_job's runner."""

import os
import re
import signal
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import requests

from support import processes
from support.reverse_proxy import ReverseProxy

RUNNER_READY = "queue job runner ready for db"
# queue_job's runner belongs to the server, so its module is loaded server-wide.
SERVER_WIDE = "base,web,queue_job"
WORKER_ALIVE = re.compile(r"Worker (\w+) \((\d+)\) alive")


def install(command, database, modules, log, environment=None, on_line=None):
    """Install modules, and Odoo itself in an empty database.

    :param command: program and arguments that run Odoo's command line
    :param modules: names of the modules
    :param log: path of the log file; it is overwritten
    :param environment: environment variables; the default is this process's own
    :param on_line: called with each line of the log
    :raises RuntimeError: when it fails
    """
    _load(command, database, "--init", modules, log, environment, on_line)


def upgrade(command, database, modules, log, environment=None):
    """Bring installed modules to the version of their files.

    The parameters and the error are those of :func:`install`.
    """
    _load(command, database, "--update", modules, log, environment)


def _load(command, database, option, modules, log, environment, on_line=None):
    """Run Odoo with one of its options that change modules, until it ends."""
    process = processes.start(
        [
            *map(str, command),
            *(f"--database={database}", f"{option}={','.join(modules)}"),
            *("--stop-after-init", "--no-http", "--max-cron-threads=0"),
        ],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    reason = ""
    try:
        with Path(log).open("w") as output:
            for line in process.stdout:
                output.write(line)
                reason = line.strip() or reason  # a traceback's last line says why
                if on_line:
                    on_line(line)
        if process.wait():
            raise RuntimeError(f"Odoo {option} failed: {reason} (see {log})")
    finally:
        processes.stop(process)
        process.stdout.close()


class OdooServer:
    """A prefork server for one database, stopped until :meth:`start`.

    :param command: program and arguments that run Odoo's command line
    :param database: name of a database with queue_job installed
    :param log: path of the log file; it is overwritten
    :param port: loopback TCP port; None takes a free one
    :param channels: capacity of the runner's channels
    :param environment: environment variables; the default is this process's own
    :param workers: number of processes that answer requests and run jobs
    :param proxy: nginx's program, to serve behind it at ``port``; without it the
        websocket of a browser gets no answer there
    :param options: more of Odoo's own arguments
    """

    def __init__(
        self,
        command,
        database,
        log,
        port=None,
        channels="root:2",
        environment=None,
        workers=3,
        proxy=None,
        options=(),
    ):
        self.database = database
        self.log = Path(log)
        self.port = port or processes.free_port()
        self.url = f"http://{processes.LOOPBACK}:{self.port}"
        http_port = processes.free_port() if proxy else self.port
        websocket_port = processes.free_port()
        self._proxy = None
        if proxy:
            proxy_log = self.log.with_suffix(".nginx.log")
            ports = (self.port, http_port, websocket_port)
            self._proxy = ReverseProxy(proxy, *ports, proxy_log)
            options = ("--proxy-mode", *options)
        self._command = [
            *map(str, command),
            *(f"--database={database}", "--no-database-list"),
            *(f"--workers={workers}", "--max-cron-threads=1", f"--load={SERVER_WIDE}"),
            *(f"--http-interface={processes.LOOPBACK}", f"--http-port={http_port}"),
            f"--gevent-port={websocket_port}",
            *options,
        ]
        self._environment = {
            **(os.environ if environment is None else environment),
            "ODOO_QUEUE_JOB_CHANNELS": channels,
            "ODOO_QUEUE_JOB_HOST": processes.LOOPBACK,
            "ODOO_QUEUE_JOB_PORT": str(http_port),
        }
        self._process = None
        self._running = ExitStack()
        self._log_start = 0  # where the log of the running server begins, in bytes

    def start(self, seconds=60, keep_log=False, standby=False):
        """Start the server and wait until it answers and runs jobs.

        :param seconds: how long that may take, in seconds
        :param keep_log: add to the log file instead of overwriting it
        :param standby: another server's runner leads, so do not wait for this one's
        :raises RuntimeError: when the server ends instead
        :raises NotInTime: when it takes longer
        """
        if self._proxy:
            self._running.enter_context(self._proxy)
        with self.log.open("ab" if keep_log else "wb") as log:
            self._log_start = log.tell()
            self._process = processes.start(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        processes.wait_until(
            lambda: self._is_ready(standby), seconds, f"Odoo ready at {self.url}", 0.2
        )

    def stop(self):
        """End the server and all its workers."""
        if self._process:
            processes.stop(self._process, 20)
            self._process = None
        self._running.close()

    def kill(self):
        """Let the server and all its workers die at once, as in a crash (SIGKILL)."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.stop()

    def workers(self, kind):
        """Return the process ids of the running workers of a kind.

        :param kind: ``WorkerHTTP``, ``WorkerCron`` or ``WorkerJobRunner``
        """
        alive = WORKER_ALIVE.findall(self._read_log())
        of_kind = {int(pid) for name, pid in alive if name == kind}
        return [pid for pid in sorted(of_kind) if self._is_worker(pid)]

    def _is_worker(self, pid):
        """Tell whether a process is still the server's child."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            zombie = process.status() == psutil.STATUS_ZOMBIE
            return process.ppid() == self._process.pid and not zombie
        return False

    def _read_log(self):
        """Return what the running server has logged."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", "replace")

    def is_running(self):
        """Tell whether the server's main process is there."""
        return self._process is not None and self._process.poll() is None

    def leads(self):
        """Tell whether the server's runner has come to hand out the jobs."""
        return f"{RUNNER_READY} {self.database}" in self._read_log()

    def _is_ready(self, standby):
        if self._process.poll() is not None:
            raise RuntimeError(f"Odoo ended with status {self._process.returncode}")
        return (standby or self.leads()) and self._answers()

    def _answers(self):
        try:
            return requests.get(f"{self.url}/web/health", timeout=5).ok
        except requests.RequestException:
            return False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()
