# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the commands say: one line per step, one line per failure."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import contextmanager

from . import paths

# How long an interrupted child may take to clean up, in seconds.
PATIENCE = 20
# Those that are used within :func:`supervised`.
_children = set()


class Failure(Exception):
    """Something a person has to put right; its text is the whole message."""


class Terminated(KeyboardInterrupt):
    """Somebody ended this command by a signal to it alone, not by Ctrl-C."""


class Step:
    """One long step: says what it does at the start and how long it took at the end.

    :param title: what is done, in a few words
    """

    def __init__(self, title):
        self.title = title
        self.live = sys.stdout.isatty()

    def __enter__(self):
        self.start = time.monotonic()
        print(f"{self.title} ...", end="", flush=True)
        return self

    def update(self, text):
        """Show how far the step is; only on a terminal, where the line is rewritten."""
        if self.live:
            print(f"\r\033[K{self.title} ... {text}", end="", flush=True)

    def __exit__(self, kind, error, traceback):
        if self.live:
            print(f"\r\033[K{self.title} ...", end="")
        seconds = time.monotonic() - self.start
        print(" failed" if kind else f" {seconds:.0f} s", flush=True)


def run(command, *, log, what, env=None, cwd=None, on_line=None):
    """Run a tool quietly, keeping what it prints in a log file.

    :param command: the program and its arguments
    :param log: name of the file in ``.odoo/log``
    :param what: what is being tried, for the message when it fails
    :param on_line: called with each line printed, to show progress
    :raise Failure: when the program is missing or ends with an error
    """
    log_file = paths.LOGS / log
    tail = deque(maxlen=40)
    try:
        with (
            log_file.open("w") as output,
            subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=env,
                cwd=cwd,
            ) as process,
            supervised(process),
        ):
            for line in process.stdout:
                output.write(line)
                tail.append(line.strip())
                if on_line:
                    on_line(line)
    except FileNotFoundError as error:
        raise Failure(f"{what} failed: {command[0]} is not installed") from error
    if process.returncode:
        raise Failure(f"{what} failed: {_reason(tail)} (see {log_file})")


@contextmanager
def supervised(process):
    """Around the use of a child: it does not outlive an interruption.

    :param process: the ``subprocess.Popen``
    """
    _children.add(process)
    try:
        yield process
    except BaseException as error:
        _end(process, error)
        raise
    finally:
        _children.discard(process)


def end_all(error):
    """End the children that are in use, also by other threads.

    :param error: the interruption
    """
    for process in list(_children):
        _end(process, error)


def _end(process, error):
    # Ctrl-C has reached the child by itself; twice would cut its cleaning short.
    if not isinstance(error, KeyboardInterrupt) or isinstance(error, Terminated):
        process.send_signal(signal.SIGINT)
    for end in (process.terminate, process.kill):
        try:
            process.wait(PATIENCE)
            break
        except subprocess.TimeoutExpired:
            end()


def _reason(lines):
    """The most telling of a tool's last lines."""
    lines = [line for line in lines if line]
    for mark in ("No space left", "E: ", "ERROR: ", "error: ", "rror"):
        for line in reversed(lines):
            if mark in line and "Failed to execute" not in line:
                return line
    return lines[-1] if lines else "it printed nothing"


def need_space(folder, gigabytes):
    """Stop before a long download that cannot fit.

    :raise Failure: when less than that is free
    """
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes:
        raise Failure(
            f"The set-up needs {gigabytes:g} GB of disk space in {folder}, "
            f"where {free:.1f} GB is free."
        )


def main(function, *args):
    """Run a command; a failure is one line on stderr and exit status 1."""
    # As Ctrl-C: what was started is stopped, what was locked is let go.
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGHUP, _terminated)
    _keep_compiled()
    try:
        status = function(*args)
    except Failure as failure:
        print(f"Error: {failure}", file=sys.stderr)
        status = 1
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        where = f": {error.filename}" if error.filename else ""
        print(f"Error: {os.strerror(error.errno)}{where}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        status = 130
    sys.exit(status or 0)


def _keep_compiled():
    """Let each Python that is started keep what it has compiled, in our own folder.

    To compile Odoo takes longer than the rest of its start, and it is started often.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(paths.WORK / "pycache"))


def _terminated(_number, _frame):
    raise Terminated
