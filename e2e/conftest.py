# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Real destinations for the tests in this folder."""

import os
from pathlib import Path

import pytest

from e2e.leftovers import leaving_nothing
from support.databases import query
from support.destinations.crm_process import Crm
from support.destinations.smtp_sink import SmtpSink
from support.destinations.warehouse import Warehouse
from support.environment import postgres

ROOT = Path(__file__).parents[1]
WAREHOUSE = "e2e_warehouse_"  # begins its name; the process id follows


@pytest.fixture
def crm(tmp_path):
    """A running, empty CRM."""
    with Crm(tmp_path) as running:
        yield running


@pytest.fixture
def smtp_sink():
    """A listening SMTP server without mails."""
    with SmtpSink() as listening:
        yield listening


@pytest.fixture
def soak():
    """A function that starts a soak; whatever it started must be gone at the end."""
    folders = _run_folders()
    with leaving_nothing(ROOT / "e2e" / "soak") as start:
        yield start
    assert _run_folders() <= folders


def _run_folders():
    return set((ROOT / ".odoo").glob("soak-run-*"))


@pytest.fixture
def warehouse():
    """An empty warehouse database."""
    _drop_orphans()
    created = Warehouse(f"{WAREHOUSE}{os.getpid()}")
    created.create()
    yield created
    created.drop()


def _drop_orphans():
    """Drop the warehouses of runs on this machine that were killed."""
    if postgres.external():
        return
    for (name,) in query(
        "postgres",
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)",
        WAREHOUSE,
    ):
        if not os.path.exists(f"/proc/{name.removeprefix(WAREHOUSE)}"):
            Warehouse(name).drop()
