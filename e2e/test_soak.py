# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A short soak: nothing goes wrong under fire, it says so, and it leaves nothing."""

import json
import signal
from pathlib import Path

import pytest

from e2e.leftovers import leaving_nothing

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
    "crossed",
)


@pytest.fixture
def soak():
    """A function that starts a soak; whatever it started must be gone at the end."""
    folders = _run_folders()
    with leaving_nothing(SOAK) as start:
        yield start
    assert _run_folders() <= folders


def _run_folders():
    return set((ROOT / ".odoo").glob("soak-run-*"))


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
    assert faults["connections_lost"] >= 1
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
