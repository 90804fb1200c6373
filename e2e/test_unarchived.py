# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Contacts that are archived and unarchived in bulk are there again within a minute."""

import time

import pytest

from support import configure, scratch_odoo
from support.processes import wait_until

CONTACTS = 1000
MINUTE = 60  # seconds
SETTLE = 300  # seconds that the first delivery may take on a busy machine


@pytest.fixture
def server():
    """A running Odoo with three workers and the runner, in a database of its own."""
    with scratch_odoo.installed("unarchived") as running:
        yield running


def test_unarchived_in_bulk(server, crm, smtp_sink, capsys):
    people = configure.make_people(server, smtp_sink)
    configure.make_crm_stream(people.admin, crm)
    names = {f"Contact {number}" for number in range(CONTACTS)}
    values = [{"name": name} for name in names]
    ids = people.bo.call("res.partner", "create", vals_list=values)

    def there():
        return {content["name"] for content in crm.contacts().values()}

    wait_until(lambda: there() == names, SETTLE, "all of them to be there")
    people.bo.call("res.partner", "write", ids, vals={"active": False})
    wait_until(lambda: len(there()) < CONTACTS, SETTLE, "the first to be gone")
    # while the others are being deleted there
    begun = time.monotonic()
    people.bo.call("res.partner", "write", ids, vals={"active": True})
    wait_until(lambda: there() == names, MINUTE, "all of them to be there again")
    took = time.monotonic() - begun

    def is_at_rest():
        return not people.admin.search_read("sync.outbox", [], ["id"])

    wait_until(is_at_rest, SETTLE, "nothing to be owed")
    assert there() == names
    assert len(crm.contacts()) == CONTACTS
    with capsys.disabled():
        print(f"\n  {CONTACTS} contacts were there again after {took:.0f} s")
