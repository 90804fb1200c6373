# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Uninstalling leaves the database, and queue_job's runner, as if nothing had been."""

from contextlib import contextmanager

import pytest

from e2e import schema, screens
from e2e.screens import EXTENDED
from support import configure, scratch_odoo
from support.client import OdooError, WebSession
from support.databases import connected, query
from support.environment import odoo, paths
from support.odoo_server import install
from support.processes import wait_until

OWN_CHANNEL = "imports"  # of a person, below the addon's
PATIENCE = 60  # seconds to wait at most for a job
LOG = paths.LOGS / "test-uninstall.log"


@pytest.fixture
def database():
    """A database without the addon."""
    with scratch_odoo.database("uninstall") as name:
        yield name


@contextmanager
def somebody_at_work(database):
    """Have a transaction open that has read of the addon, as a long job's has."""
    with connected(database) as connection:
        connection.cursor().execute("SELECT FROM sync_stream")
        yield


def use(admin, crm):
    """Leave a job of every kind: done, failed, waiting for its next try, asleep."""
    stream, _answer = configure.make_crm_stream(admin, crm)
    make = {"name": "Ada Lovelace", "email": "ada@example.com"}
    contact = admin.create("res.partner", make)
    wait_until(crm.contacts, PATIENCE, "a contact in the CRM")
    admin.create("res.partner", {"name": "Bob", "email": "nowhere"})
    domain = [("sync_stream_id", "=", stream)]

    def states():
        found = admin.search_read("queue.job", domain, ["state"])
        return {job["state"] for job in found}

    wait_until(lambda: {"done", "failed"} <= states(), PATIENCE, "a failed job")
    (backend,) = admin.search_read("sync.backend", [], ["id"])
    pause = {"outage_threshold": 1}
    admin.write("sync.backend", backend["id"], pause)
    crm.stop()
    admin.write("res.partner", contact, {"city": "Paris"})
    wait_until(
        lambda: admin.search_read("sync.incident", [], ["id"]), PATIENCE, "an incident"
    )
    admin.write("res.partner", contact, {"city": "London"})
    wait_until(lambda: "pending" in states(), PATIENCE, "a pending job")
    leave_settings(admin)


def leave_settings(admin):
    """Make what a person may make around the addon, none of which Odoo knows as its."""
    key = "queue_job_sync.delivery_days"
    admin.call("ir.config_parameter", "set_param", key=key, value="30")
    favorite = {"name": "Mine", "model_id": "sync.binding", "domain": "[]"}
    admin.create("ir.filters", favorite)
    sync = admin.search_one("queue.job.channel", [("complete_name", "=", "root.sync")])
    admin.create("queue.job.channel", {"name": OWN_CHANNEL, "parent_id": sync})


def uninstall(admin):
    """Uninstall the addon as its button does."""
    module = admin.search_one("ir.module.module", [("name", "=", paths.ADDON)])

    def try_once():
        try:
            admin.call("ir.module.module", "button_immediate_uninstall", [module])
        except OdooError as error:
            # Odoo refuses while one of its scheduled actions runs.
            if "scheduled action" not in str(error):
                raise
            return False
        return True

    wait_until(try_once, PATIENCE, "a moment without scheduled actions", every=0.5)


def run_a_job(server, database):
    """Have queue_job's own test job run, by the runner that was there all the time."""
    browser = WebSession(server.url, database, *configure.ADMIN)
    assert browser.get(f"{server.url}/queue_job/create_test_job").ok
    statement = "SELECT state FROM queue_job"
    wait_until(lambda: query(database, statement) == [("done",)], PATIENCE, "a job")


def test_nothing_is_left(database, crm):
    before = schema.structure(database), schema.records(database)
    content = schema.content(database)
    LOG.unlink(missing_ok=True)
    environment = scratch_odoo.environment()
    install(odoo.command_line(), database, [paths.ADDON], LOG, environment)
    with scratch_odoo.serving(database, LOG) as server:
        admin = configure.log_in(server)
        use(admin, crm)
        with somebody_at_work(database), pytest.raises(OdooError, match="wait until"):
            uninstall(admin)
        state = "SELECT state FROM ir_module_module WHERE name = %s"
        assert query(database, state, paths.ADDON) == [("installed",)]

        # a job asks whether the CRM is back, and those asleep begin to run
        crm.start()
        uninstall(admin)

        structure, records = before
        assert sorted(schema.structure(database) ^ structure) == []
        own = f"queue_job_channel: root.{OWN_CHANNEL}"
        assert sorted(schema.records(database) ^ records) == [own]
        assert sorted(content - schema.content(database)) == []
        assert schema.rows_about(database, "sync.%") == []
        assert query(database, "SELECT name FROM queue_job") == []
        run_a_job(server, database)
        for model in EXTENDED:
            assert "sync" not in screens.opened(admin, model)
    assert "could not be deleted ([])" in LOG.read_text(errors="replace")
