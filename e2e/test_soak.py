# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A short soak: nothing goes wrong under fire, it says so, and it leaves nothing."""

import json
import os
import signal
import subprocess
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOAK = ROOT / "e2e" / "soak"
WHOLE_RUN = 600  # seconds; about 90 on a quiet machine with two cores
ZERO = (
    "mismatches",
    "lost",
    "duplicates",
    "stale_overwrites",
    "editor_failures",
    "stuck",
)


@pytest.fixture
def soak():
    """A function that starts a soak; whatever it started must be gone at the end."""
    name, value = "SOAK_RUN", str(uuid.uuid4())
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [SOAK, *arguments],
            env={**os.environ, name: value},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    folders = _run_folders()
    yield start
    for process in started:
        process.terminate()
        process.communicate()
    assert _processes_with(f"{name}={value}") == []
    assert _run_folders() <= folders


def _run_folders():
    return set((ROOT / ".odoo").glob("soak-run-*"))


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


def test_short_soak(soak):
    process = soak(
        *("--seconds", "25", "--seed", "11", "--editors", "4", "--contacts", "20"),
        *("--edits", "160", "--kills", "4", "--outages", "2", "--settle", "240"),
    )
    output, errors = process.communicate(timeout=WHOLE_RUN)
    assert output, errors
    result = json.loads(output.splitlines()[-1])
    assert {kind: result[kind] for kind in ZERO} == dict.fromkeys(ZERO, 0), output
    assert (result["ok"], process.returncode) == (True, 0), output

    # All that was to be shown has been there.
    assert result["edits"] >= 60
    assert result["contacts"] >= 15
    assert result["deliveries"] >= 60
    assert 0 < result["editor_p50_ms"] <= result["editor_p99_ms"]
    faults = result["faults"]
    assert sum(n for kind, n in faults.items() if kind.startswith("killed_")) == 3
    assert sum(n for kind, n in faults.items() if kind.startswith("postgres_")) == 1
    assert (faults["crm_down"], faults["warehouse_down"]) == (1, 1)
    assert faults["killed_odoo"] == faults["killed_runner"] == 1


def test_soak_ends_when_it_is_told_to(soak):
    process = soak("--seconds", "60", "--kills", "0")
    for line in process.stdout:
        if line.startswith("Installing the addon"):
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode != 0


def test_soak_says_what_is_wrong_with_its_arguments(soak):
    process = soak("--editors", "4", "--contacts", "3")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "")
    assert "--contacts" in errors
