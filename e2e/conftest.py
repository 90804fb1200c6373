# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Real destinations for the tests in this folder."""

import os

import pytest

from support.databases import query
from support.destinations.crm_process import Crm
from support.destinations.smtp_sink import SmtpSink
from support.destinations.warehouse import Warehouse
from support.environment import postgres

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
