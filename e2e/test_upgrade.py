# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A database of the previous version, upgraded: nothing is lost and nothing is left."""

import ast
import re
from collections import Counter

import pytest

from e2e import previous_version, schema, screens
from e2e.screens import EXTENDED
from support import configure, scratch_odoo
from support.databases import connected
from support.environment import odoo, paths
from support.odoo_server import upgrade
from support.processes import wait_until

# Seconds to wait at most: the CRM is asked whether it is back ever more seldom.
PATIENCE = 180
KEPT = (
    "sync_backend",
    "sync_stream",
    "sync_mapping",
    "sync_binding",
    "sync_delivery",
    "sync_attempt",
    "sync_incident",
    "queue_job",
)
# As in engine/words.py.
SEPARATOR = "\x1f"
# Where secrets are kept now, and what an older version may have left of them.
KEPT_SECRETS = {"sync_secret_value.value"}
METRICS_TOKEN = "an-older-token-for-metrics"
LEFT_OF_SECRETS = """
    INSERT INTO ir_config_parameter (key, value)
    VALUES ('queue_job_sync.metrics_token', %(metrics)s);
    INSERT INTO ir_filters (name, model_id, domain, context, sort, active)
    VALUES ('By secret', 'sync.backend', '[]', '{"group_by": ["auth_secret"]}',
            '[]', true);
    INSERT INTO mail_message (model, res_id, message_type, body)
    SELECT 'sync.backend', id, 'comment', '<p>The token is ' || %(token)s || '!</p>'
      FROM sync_backend WHERE name = 'CRM';
    INSERT INTO mail_tracking_value (mail_message_id, field_id, new_value_char)
    SELECT m.id, f.id, %(token)s FROM mail_message m, ir_model_fields f
     WHERE m.body LIKE '%%The token is%%'
       AND f.model = 'sync.backend' AND f.name = 'auth_secret'
"""
# A backfill of what has failed, a scope that is gone.
STOPPED_BACKFILL = """
    INSERT INTO sync_backfill (stream_id, scope, state, priority, user_id, last_id)
    SELECT stream_id, 'failed', 'stopped', 10, 2, 0 FROM sync_outbox LIMIT 1
"""
# What the upgraded database has of its own: what was done in it.
OWN_RECORDS = ("ir_config_parameter: ", "queue_job_function: ")
# A field that the module sms gives every model with a chatter: when sms is loaded
# already, as it is in an upgrade, Odoo names the field after the upgraded module too.
OF_SMS = "__message_has_sms_error"
COMPLAINT = re.compile(r"^.* (WARNING|ERROR|CRITICAL) .*$", re.MULTILINE)


@pytest.fixture(scope="module")
def fresh():
    """A database in which the present version was installed at once."""
    with scratch_odoo.database("fresh", addon=True) as name:
        yield name


def rows(database, table):
    """Return a table's rows as dicts, by id."""
    with connected(database) as connection:
        cursor = connection.cursor()
        cursor.execute(f"SELECT to_jsonb({table}) FROM {table}")
        return {row["id"]: row for (row,) in cursor.fetchall()}


def owed(database):
    """Return which records are owed to which stream."""
    changes = rows(database, "sync_outbox").values()
    return {(change["stream_id"], change["res_id"]) for change in changes}


def changed(old, new):
    """Return what differs of the rows that were there, in the columns that are left."""
    found = []
    for key, row in old.items():
        now = new.get(key)
        if now is None:
            found.append(f"row {key} is gone")
            continue
        found += [
            f"row {key}: {column} was {value!r}, is {now[column]!r}"
            for column, value in row.items()
            if column in now and sentence_in(now[column]) != value
        ]
    return found


def sentence_in(value):
    """Return what was stored before a sentence was followed by what it is made of."""
    return value.partition(SEPARATOR)[0] if isinstance(value, str) else value


def test_an_upgrade_keeps_everything_and_goes_on(fresh, tmp_path, crm, warehouse):
    log = paths.LOGS / "test-upgrade.log"
    manifest = ast.literal_eval((paths.ROOT / "__manifest__.py").read_text())
    # Odoo runs no migration otherwise.
    assert previous_version.version() < manifest["version"]
    with scratch_odoo.database("upgrade") as database:
        previous_version.make(database, tmp_path, crm, warehouse, log)
        leave_secrets_around(database, crm)
        leave_a_backfill(database)
        before = {table: rows(database, table) for table in KEPT}
        owed_before = owed(database)
        # three to both, Ada, Cleo and Hugo to the CRM
        assert len(owed_before) == 9
        assert_jobs_wait_as_they_did(before)
        command, environment = odoo.command_line(), scratch_odoo.environment()
        upgrade(command, database, [paths.ADDON], log, environment)
        complaints = [match[0] for match in COMPLAINT.finditer(log.read_text())]
        assert complaints == []

        now = {table: rows(database, table) for table in KEPT}
        assert_jobs_sleep(now, before)
        before["queue_job"] = {
            key: as_it_waits_now(job) for key, job in before["queue_job"].items()
        }
        for table, old in before.items():
            assert changed(old, now[table]) == [], table
        assert owed(database) == owed_before
        (backfill,) = rows(database, "sync_backfill").values()
        assert (backfill["state"], backfill["scope"]) == ("cancelled", "unconfirmed")
        assert_same_as(fresh, database)
        for secret in (crm.token, warehouse.password, METRICS_TOKEN):
            assert schema.columns_with(database, secret) == KEPT_SECRETS
        assert schema.columns_with(database, "The token is ***!")

        crm.start()
        with scratch_odoo.serving(database, log) as server:
            admin = configure.log_in(server)
            for model in (*own_models(admin), *EXTENDED):
                screens.opened(admin, model)
            assert_reasons_are_told(admin, before)
            assert_all_is_delivered(admin, crm, warehouse)
        # the request that the CRM has not answered was repeated as the same one
        (note,) = before["sync_attempt"].values()
        assert note["idempotency_key"] in {entry["key"] for entry in crm.journal()}
        assert rows(database, "sync_attempt") == {}


def assert_jobs_wait_as_they_did(before):
    """See one that depends on another, and those that the incident has put off."""
    jobs = before["queue_job"]
    states = Counter(job["state"] for job in jobs.values())
    assert states["wait_dependencies"] == 1
    names = sorted(jobs[id_]["sync_record_name"] for id_ in put_off(before))
    assert names == ["3 records (Contact)", "Ada"]


def put_off(before):
    """Return the ids of the jobs that deliver to the system that is down, later."""
    (incident,) = before["sync_incident"].values()
    return {
        key
        for key, job in before["queue_job"].items()
        if job["state"] == "pending"
        and job["sync_stream_id"]
        and job["sync_backend_id"] == incident["backend_id"]
    }


def as_it_waits_now(job):
    """Return a job of the previous version as it is after the upgrade."""
    if not job["graph_uuid"]:
        return job
    state = job["state"].replace("wait_dependencies", "pending")
    return {**job, "state": state, "graph_uuid": None, "dependencies": None}


def assert_jobs_sleep(now, before):
    """See those asleep that were put off, for their system, and nobody else."""
    (incident,) = before["sync_incident"].values()
    key = f"system:{incident['backend_id']}"
    asleep = {
        id_: job["sync_wait_key"]
        for id_, job in now["queue_job"].items()
        if job["sync_wait_key"]
    }
    assert asleep == dict.fromkeys(put_off(before), key)


def assert_reasons_are_told(admin, before):
    """Tell whether old reasons are read as they were, and know what they consist of."""
    old = {id_: row["last_error"] for id_, row in before["sync_binding"].items()}
    old = {id_: reason for id_, reason in old.items() if reason}
    found = admin.search_read("sync.binding", [("id", "in", list(old))], ["last_error"])
    assert {each["id"]: each["last_error"] for each in found} == old
    assert any(" answered 422 " in reason for reason in old.values())
    jobs = admin.search_read("queue.job", [("state", "=", "failed")], ["sync_error"])
    assert " answered 422 " in "".join(job["sync_error"] or "" for job in jobs)


def leave_secrets_around(database, crm):
    """Leave what people and other addons may have kept of secrets."""
    with connected(database) as connection:
        values = {"metrics": METRICS_TOKEN, "token": crm.token}
        connection.cursor().execute(LEFT_OF_SECRETS, values)
    found = schema.columns_with(database, crm.token)
    assert {"sync_backend.auth_secret", "mail_tracking_value.new_value_char"} <= found


def leave_a_backfill(database):
    with connected(database) as connection:
        connection.cursor().execute(STOPPED_BACKFILL)


def own_models(admin):
    """Return the names of the addon's models that have records to show."""
    domain = [("model", "=like", "sync.%"), ("transient", "=", False)]
    domain += [("abstract", "=", False)]
    found = admin.search_read("ir.model", domain, ["model"])
    assert len(found) > 5
    return [model["model"] for model in found]


def assert_same_as(fresh, database):
    """Tell what an installation makes and the upgrade does not, or the reverse."""
    assert sorted(schema.structure(database) ^ schema.structure(fresh)) == []
    differing = schema.records(database) ^ schema.records(fresh)
    unexplained = [
        record
        for record in sorted(differing)
        if not record.startswith(OWN_RECORDS) and not record.endswith(OF_SMS)
    ]
    assert unexplained == []


def assert_all_is_delivered(admin, crm, warehouse):
    """See what was owed arrive, the refused contact too once it is corrected."""
    (cleo,) = admin.call("res.partner", "search", domain=[("name", "=", "Cleo")])
    corrected = previous_version.CORRECTED
    admin.write("res.partner", cleo, corrected)
    expected = {**previous_version.OWED, "Cleo": corrected["city"]}

    def cities(contacts):
        return {one["name"]: one["city"] for one in contacts if not one.get("deleted")}

    wait_until(
        lambda: cities(crm.contacts().values()) == expected, PATIENCE, "all in the CRM"
    )
    wait_until(
        lambda: cities(warehouse.contacts().values()) == expected,
        PATIENCE,
        "all in the warehouse",
    )
    wait_until(
        lambda: not admin.search_read("sync.outbox", [], ["id"]), PATIENCE, "no change"
    )
    live = [("sync_stream_id", "!=", False), ("state", "!=", "done")]
    wait_until(
        lambda: not admin.search_read("queue.job", live, ["id"]), PATIENCE, "all done"
    )
