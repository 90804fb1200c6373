# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A copy of the database, or a restored backup, sends nothing by itself."""

import time

import pytest

from support import configure, scratch_odoo
from support.environment import paths, postgres, templates
from support.processes import wait_until

PATIENCE = 90  # seconds to wait at most; the cron comes by every minute
SILENCE = 10  # seconds for which nothing may arrive


@pytest.fixture
def log():
    path = paths.LOGS / "test-copy.log"
    path.unlink(missing_ok=True)
    return path


def edit(admin, city):
    """Let somebody edit the only contact of the CRM, and return its id."""
    contact = admin.search_one("res.partner", [("name", "=", "Ada")])
    admin.write("res.partner", contact, {"city": city})
    return contact


def cities(crm):
    return [contact.get("city") for contact in crm.contacts().values()]


def assert_held(admin, crm, reason):
    """See an edit wait, and nothing arrive."""
    before = crm.contacts()
    edit(admin, "Rome")
    wait_until(lambda: open_incidents(admin), PATIENCE, "an incident")
    (incident,) = open_incidents(admin)
    assert incident["kind"] == "copy"
    assert reason in incident["reason"]
    time.sleep(SILENCE)
    assert crm.contacts() == before
    assert admin.search_read("sync.outbox", [], ["id"])


def open_incidents(admin):
    domain = [("closed", "=", False)]
    return admin.search_read("sync.incident", domain, ["kind", "reason"])


def resume(admin):
    (backend,) = admin.search_read("sync.backend", [], ["id"])
    admin.call("sync.backend", "action_resume", [backend["id"]])


def deliver_from(name, log, crm):
    """Let a new database send a contact, and remember where it has sent from."""
    with scratch_odoo.serving(name, log) as server:
        admin = configure.log_in(server)
        configure.make_crm_stream(admin, crm)
        admin.create("res.partner", {"name": "Ada", "email": "ada@example.com"})
        edit(admin, "Paris")
        wait_until(lambda: cities(crm) == ["Paris"], PATIENCE, "the contact there")
        place = [("key", "=", "queue_job_sync.origin")]
        wait_until(
            lambda: admin.search_read("ir.config_parameter", place, ["value"]),
            PATIENCE,
            "the place that it sends from",
        )


def test_a_copy_and_a_restored_backup_are_held_until_a_person_resumes(crm, log):
    with scratch_odoo.database("copied", addon=True) as name:
        deliver_from(name, log, crm)
        with templates.copy(name, "copy") as copy:
            with scratch_odoo.serving(copy, log) as server:
                assert_held(configure.log_in(server), crm, name)
            # the backup is restored: a new database under the old name
            templates.drop(name)
            postgres.sql(f'ALTER DATABASE "{copy}" RENAME TO "{name}"')
            postgres.sql(
                "UPDATE sync_incident SET closed = now() AT TIME ZONE 'UTC'", name
            )
            with scratch_odoo.serving(name, log) as server:
                admin = configure.log_in(server)
                assert_held(admin, crm, "made anew")
                resume(admin)
                wait_until(lambda: cities(crm) == ["Rome"], PATIENCE, "the edit there")
                edit(admin, "Oslo")
                wait_until(lambda: cities(crm) == ["Oslo"], PATIENCE, "the next one")
                assert not open_incidents(admin)
