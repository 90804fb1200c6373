# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A database that holds the previous version of the addon, left in the middle of work.

The version is the wheel in ``fixtures``; ``dev/build --commit COMMIT e2e/fixtures``
makes it. What is written here speaks to that version, and so changes only with it.
"""

import subprocess
import zipfile
from pathlib import Path

from support import configure, scratch_odoo
from support.environment import odoo, paths, source
from support.environment.python import site_packages
from support.odoo_server import install
from support.processes import wait_until

PATIENCE = 60  # seconds to wait at most for what jobs do
FIELDS = ("name", "email", "city")
STREAM = {
    "domain": "[('email', '!=', False)]",
    "retry_pattern": "{1: 2}",
    "state": "live",
}
# While no runner is there: one contact is edited, one made and one deleted.
LAST_WORDS = """
partners = env["res.partner"].with_user(env.ref("base.user_admin"))
partners.search([("name", "=", "Bob")]).city = "Rome"
partners.create({"name": "Dora", "email": "dora@example.com", "city": "Oslo"})
partners.search([("name", "=", "Eve")]).unlink()
env.cr.commit()
"""
# What the destinations are to hold when all that is owed is delivered.
OWED = {"Ada": "Paris", "Bob": "Rome", "Dora": "Oslo", "Hugo": "Bern"}
# Whom the CRM has refused, and once a person has corrected it; Hugo works there.
CORRECTED = {"email": "cleo@example.com", "city": "Bern"}


def wheel():
    """Return the path of the previous version."""
    (found,) = Path(__file__).with_name("fixtures").glob("*.whl")
    return found


def version():
    """Return the number of the previous version."""
    return wheel().name.split("-")[1]


def make(database, folder, crm, warehouse, log):
    """Install the previous version and have it work; then stop it.

    Afterwards two contacts are in both destinations, two in the warehouse alone: the
    CRM has refused one, and the other's job depends on that one's. The CRM is down,
    which an incident tells, and changes are owed.

    :param database: name of a database with the addon's dependencies
    :param folder: where the version is unpacked
    :param crm: the running ``Crm``; it is stopped
    :param log: path of Odoo's log file; it is overwritten
    """
    command = _command(folder)
    install(command, database, [paths.ADDON], log, scratch_odoo.environment())
    with scratch_odoo.serving(database, log, command) as server:
        admin = configure.log_in(server)
        _configure(admin, crm, warehouse)
        contacts = {
            name: admin.create("res.partner", {"name": name, "email": email})
            for name, email in (
                ("Ada", "ada@example.com"),
                ("Bob", "bob@example.com"),
                ("Eve", "eve@example.com"),
                ("Cleo", "nowhere"),
            )
        }

        def settled():
            jobs = admin.search_read("queue.job", [], ["state"])
            states = sorted(job["state"] for job in jobs)
            return states == ["done"] * 7 + ["failed"]

        wait_until(settled, PATIENCE, "seven deliveries and a refusal")
        employee = {"name": "Hugo", "email": "hugo@example.com"}
        admin.create("res.partner", {**employee, "parent_id": contacts["Cleo"]})
        dependent = [("state", "=", "wait_dependencies")]
        wait_until(
            lambda: admin.search_read("queue.job", dependent, ["name"]),
            PATIENCE,
            "a job that depends on another",
        )
        crm.stop()
        admin.write("res.partner", contacts["Ada"], {"city": "Paris"})
        wait_until(
            lambda: admin.search_read("sync.incident", [], ["id"]),
            PATIENCE,
            "an incident",
        )
        wait_until(
            lambda: [c["city"] for c in warehouse.contacts().values()].count("Paris"),
            PATIENCE,
            "the edit in the warehouse",
        )
    _say_last_words(command, database, log)


def _command(folder):
    """Unpack the version; return what runs Odoo's command line with it."""
    with zipfile.ZipFile(wheel()) as opened:
        opened.extractall(folder)
    addons = (
        *source.addons_paths(),
        site_packages() / "odoo" / "addons",
        folder / "odoo" / "addons",
    )
    return [*odoo.command_line(), f"--addons-path={','.join(map(str, addons))}"]


def _configure(admin, crm, warehouse):
    """Set up both systems; one failure is an outage of the CRM."""
    rest = {"name": "CRM", "transport": "rest", "url": crm.url, "outage_threshold": 1}
    rest |= {"auth": "bearer", "auth_secret": crm.token}
    stream = {"endpoint": "contacts", "delete_policy": "delete"}
    stream["send_first"] = "parent_id"
    _make_stream(admin, rest, stream)
    variables = scratch_odoo.environment()
    table = {"name": "Warehouse", "transport": "postgresql"}
    table |= {"db_host": variables["PGHOST"], "db_port": int(variables["PGPORT"])}
    table |= {"db_name": warehouse.name, "db_user": warehouse.user}
    table |= {"db_password": warehouse.password}
    stream = {"table": "contacts", "delete_policy": "mark", "mark_key": "deleted"}
    _make_stream(admin, table, {**stream, "key_column": "odoo_id"})


def _make_stream(admin, backend, stream):
    values = {**STREAM, **stream, "name": f"Contacts to {backend['name']}"}
    values["backend_id"] = admin.create("sync.backend", backend)
    values["mapping_ids"] = [
        (0, 0, {"field_path": name, "target": name}) for name in FIELDS
    ]
    admin.create("sync.stream", values)


def _say_last_words(command, database, log):
    command = [*command[:2], "shell", *command[2:], f"--database={database}"]
    with log.open("a") as output:
        subprocess.run(
            [*command, "--no-http", "--max-cron-threads=0"],
            input=LAST_WORDS,
            env=scratch_odoo.environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
