# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Programs that have to leave nothing running, however they end."""

import os
import subprocess
import uuid
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def leaving_nothing(program):
    """Yield a function that starts a program with arguments, and returns the process.

    Whatever it has started must be gone at the end.

    :param program: path of the program
    """
    name, value = "E2E_RUN", str(uuid.uuid4())
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [program, *arguments],
            env={**os.environ, name: value},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate()
    assert _processes_with(f"{name}={value}") == []


def _processes_with(marker):
    """Return the command lines of the processes that inherited this variable."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" "))
        except OSError:  # ended meanwhile, or another user's
            continue
    return found
