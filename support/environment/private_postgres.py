# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A database server of one's own, for who wants to crash it.

The programs are those of the embedded server; nothing else is shared with it.
"""

import os
import pwd
import secrets

from . import postgres
from .console import run

PASSWORD = "password"
SETTINGS = {
    **postgres.SETTINGS,
    # Whatever was committed is still there after a crash of the server's processes;
    # a crash of the machine is not what is tried.
    "synchronous_commit": "on",
    "fsync": "off",
}


def make(folder):
    """Make the data folder of a server.

    :param folder: an existing empty folder; the data go into ``data`` in it
    :raise Failure: when that is impossible
    """
    data = folder / "data"
    data.mkdir(0o700)
    password = folder / PASSWORD
    password.touch(0o600)
    password.write_text(secrets.token_urlsafe(24))
    if os.geteuid() == 0:
        user = pwd.getpwnam(postgres.SERVER_USER)
        for path in (folder, data, password):
            os.chown(path, user.pw_uid, user.pw_gid)
    command = [*postgres._program("initdb"), "-D", data, "-U", postgres.ROLE]
    command += ["-E", "UTF8", "--locale=C", "--auth=scram-sha-256"]
    command += [f"--pwfile={password}"]
    what = "Making a private PostgreSQL server"
    run(command, log="private-initdb.log", what=what, env=postgres._env())
    with (data / "postgresql.conf").open("a") as config:
        config.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())


def command_line(folder, port):
    """The command that runs the server in the foreground.

    :param folder: where :func:`make` made it
    :param port: loopback TCP port
    :return: (program and arguments, its environment variables)
    """
    command = [*postgres._program("postgres"), "-D", folder / "data", "-p", port]
    if command[0] == "setpriv":
        # Here, for another user's process forgets what an outer setpriv asked for.
        command[1:1] = ["--pdeathsig", "INT"]
    return list(map(str, command)), postgres._env()


def variables(folder, port):
    """The environment variables by which libpq and Odoo find the server."""
    return {
        "PGHOST": postgres.HOST,
        "PGPORT": str(port),
        "PGUSER": postgres.ROLE,
        "PGPASSWORD": (folder / PASSWORD).read_text(),
    }
