# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Child processes, ports and bounded waits, for servers that tests start and stop."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress

LOOPBACK = "127.0.0.1"


class NotInTime(Exception):
    """Something that was waited for did not happen."""


def wait_until(probe, seconds, what, every=0.1):
    """Call ``probe`` until it answers something true.

    :param probe: callable without arguments
    :param seconds: how long to wait at most, in seconds
    :param what: what is waited for, in words, for the error
    :param every: pause between two calls, in seconds
    :return: the first true answer of ``probe``
    :raises NotInTime: when ``seconds`` have passed without one
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise NotInTime(f"not within {seconds:g} s: {what}")
        time.sleep(every)


def free_port():
    """Return the number of a loopback TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def port_is_free(port):
    """Tell whether a server could listen on loopback TCP ``port`` now."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def start(command, **options):
    """Start a child in a process group of its own.

    A Ctrl-C in the terminal does not reach it: the parent decides when it ends. When
    the parent is killed outright, the child is told to end (``setpriv``, of
    util-linux; where it is missing that one safety net is missing too).

    :param command: list of program and arguments
    :param options: passed on to ``subprocess.Popen``
    :return: the ``subprocess.Popen``
    """
    setpriv = shutil.which("setpriv")
    if setpriv:
        command = [setpriv, "--pdeathsig", "TERM", *command]
    return subprocess.Popen(command, start_new_session=True, **options)


def stop(process, seconds=15.0):
    """End a child started by :func:`start` and everything left in its group.

    :param process: the ``subprocess.Popen``, running or not
    :param seconds: time it has to end by itself before it is killed, in seconds
    :raises NotInTime: when something of the group is still there after a kill
    """
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    if _group_exists(process.pid):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(
        lambda: not _group_exists(process.pid), 5, f"end of process group {process.pid}"
    )


def _group_exists(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
