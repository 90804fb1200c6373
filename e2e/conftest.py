# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Real destinations for the tests in this folder."""

import pytest

from support.destinations.crm_process import Crm
from support.destinations.smtp_sink import SmtpSink
from support.destinations.warehouse import Warehouse


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
    created = Warehouse("e2e_warehouse")
    created.create()
    yield created
    created.drop()
