# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Makes what the pictures show; runs within ``odoo shell``.

The CRM and the warehouse are real, and so are the jobs, the answers and the failures.
Only their addresses are examples: names end at the loopback address in this process.
"""

import os
import socket
import tempfile
from contextlib import contextmanager
from datetime import timedelta

from odoo import SUPERUSER_ID, Command, fields

from odoo.addons.queue_job.controllers.main import RunJobController

from dev.programs.pictures.wizards import (
    half_a_backfill,
    preview,
    set_up_rest,
    set_up_table,
    wizard_records,
)
from support.databases import query
from support.destinations.crm_process import Crm
from support.destinations.warehouse import Warehouse
from support.processes import LOOPBACK, free_port

DOMAIN = "example.com"
CRM_HOST = f"crm.{DOMAIN}"
SHOP_HOST = f"shop.{DOMAIN}"
WAREHOUSE_HOST = f"warehouse.{DOMAIN}"
MAPPING = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "city": "address.city",
    "country_id.code": "address.country",
    "category_id.name": "tags",
}
CONTACTS = (
    ("Ada Lovelace", "ada", "London", "uk", "VIP"),
    ("Blaise Pascal", "blaise", "Clermont-Ferrand", "fr", "Reseller"),
    ("Caroline Herschel", "caroline", "Hannover", "de", "Reseller"),
    ("Emmy Noether", "emmy", "Erlangen", "de", "VIP"),
    ("Grace Hopper", "grace", "New York", "us", "VIP"),
    ("Maria Agnesi", "maria", "Milano", "it", "Reseller"),
    ("Sofia Kovalevskaya", "sofia", "Stockholm", "se", "Reseller"),
)


def prepare(env):
    """Make the data once and print the ids of what pictures are taken of.

    :param env: the environment of ``odoo shell``
    """
    crm = env["sync.backend"].search([("name", "=", "CRM")])
    if not crm:
        editor_env = make_people(env)
        with tempfile.TemporaryDirectory() as folder:
            tell(editor_env, Crm(folder), Warehouse("screenshots_warehouse"))
        crm = env["sync.backend"].search([("name", "=", "CRM")])
    # the pictures are taken without a runner, which nobody is to miss
    tomorrow = fields.Datetime.now() + timedelta(days=1)
    server = {"name": "odoo:8069", "workers": 4, "loaded": True, "capacity": 2}
    if not env["sync.node"].search([("name", "=", server["name"])]):
        env["sync.node"].create({**server, "noted": tomorrow, "since": tomorrow})
    job = env["queue.job"].search([("state", "=", "failed")], limit=1)
    print("\nrecord crm", crm.id)
    print("record crm_stream", crm.stream_ids.id)
    print("record failed_job", job.id)
    print("record failed_contact", job.sync_res_id)
    for name, value in wizard_records(env).items():
        print("record", name, value)


def make_people(env):
    """Name the company, and create the user who edits contacts.

    :return: the environment of that user
    """
    env.company.write({"name": "Example Company", "email": "info@example.com"})
    manager = env.ref("queue_job.group_queue_job_manager")
    admin = env.ref("base.user_admin")
    admin.write(
        {
            "name": "Robin Admin",
            "email": "robin@example.com",
            "tz": "UTC",
            "group_ids": [Command.link(manager.id)],
        }
    )
    if "odoobot_state" in admin._fields:
        admin.odoobot_state = "disabled"  # no greeting in the corner
    editor = (
        env["res.users"]
        .with_context(no_reset_password=True)
        .create(
            {
                "name": "Sam Office",
                "login": "sam",
                "email": "sam@example.com",
                "tz": "UTC",
                "group_ids": [
                    Command.link(env.ref("base.group_user").id),
                    Command.link(env.ref("base.group_partner_manager").id),
                ],
            }
        )
    )
    env.cr.commit()
    return env(user=editor)


def tell(env, crm, warehouse):
    """Create contacts, deliver them, and let things go wrong.

    :param env: the environment of the user who edits contacts
    :param crm: the :class:`Crm`, not yet running
    :param warehouse: the :class:`Warehouse`, not yet created
    """
    admin_env = env(user=env.ref("base.user_admin"))
    make_table(warehouse)
    with crm, example_names(crm.port):
        crm_system = make_crm(admin_env, crm)
        warehouse_system = make_warehouse(admin_env, warehouse)
        contacts = env["res.partner"].create(list(map(contact_values(env), CONTACTS)))
        run_jobs(env)
        _ada, blaise, caroline, emmy, grace, maria, _sofia = contacts
        maria.phone = "+39 02 5550 0143, after six o'clock"
        grace.city = "Arlington"
        preview(admin_env, crm_system.stream_ids, grace)
        set_up_rest(admin_env, SHOP_HOST, crm.token)
        set_up_table(
            admin_env, WAREHOUSE_HOST, table_login(warehouse), warehouse.password
        )
        run_jobs(env)
    # the CRM has stopped; the address is one of https from now on
    crm_system.with_context(tracking_disable=True).url = f"https://{CRM_HOST}/api"
    with example_names(free_port()):
        emmy.city = "Göttingen"
        run_jobs(env)
        # Maria's telephone number is too long: the administrators get a mail
        env(user=SUPERUSER_ID)["queue.job"]._cron_notify_failures()
        run_jobs(env)
        run_jobs(env)
        caroline.city = "Bath"
        run_jobs(env)
    half_a_backfill(warehouse_system.stream_ids, run_jobs)
    warehouse_system.stream_ids.write({"delay_policy": "delay", "delay_minutes": 30})
    (grace | blaise).phone = "+1 202 555 0143"
    warehouse_system.with_context(tracking_disable=True).write(
        {
            "db_host": WAREHOUSE_HOST,
            "db_port": 5432,
            "db_name": "warehouse",
            "db_sslmode": "verify-full",
        }
    )
    env.cr.commit()
    warehouse.drop()


def make_table(warehouse):
    """Create the warehouse, whose telephone numbers are short."""
    warehouse.create()
    query(warehouse.name, "ALTER TABLE contacts ALTER phone TYPE varchar(20)")


def contact_values(env):
    """Return a function that turns a line of ``CONTACTS`` into field values."""
    tags = {
        name: env(su=True)["res.partner.category"].create(
            {"name": name, "color": color}
        )
        for color, name in enumerate(("VIP", "Reseller"), start=3)
    }

    def values(line):
        name, mailbox, city, country, tag = line
        return {
            "name": name,
            "email": f"{mailbox}@example.com",
            "city": city,
            "country_id": env.ref(f"base.{country}").id,
            "category_id": [Command.link(tags[tag].id)],
        }

    return values


def make_crm(env, crm):
    """Create the REST system.

    :return: the ``sync.backend``
    """
    system = env["sync.backend"].create(
        {
            "name": "CRM",
            "transport": "rest",
            "url": f"http://{CRM_HOST}/api",
            "auth": "bearer",
        }
    )
    system.set_secret("auth_secret", crm.token)
    make_stream(env, system, "Contacts to the CRM", MAPPING, endpoint="contacts")
    return system


def make_warehouse(env, warehouse):
    """Create the PostgreSQL system.

    :return: the ``sync.backend``
    """
    system = env["sync.backend"].create(
        {
            "name": "Warehouse",
            "transport": "postgresql",
            **table_login(warehouse),
        }
    )
    system.set_secret("db_password", warehouse.password)
    columns = {path: name.rpartition(".")[2] for path, name in MAPPING.items()}
    make_stream(
        env,
        system,
        "Contacts to the warehouse",
        columns,
        table="public.contacts",
        delete_policy="mark",
    )
    return system


def table_login(warehouse):
    """Return how a system of Odoo reaches the warehouse, as field values."""
    return {
        "db_host": os.environ["PGHOST"],
        "db_port": int(os.environ.get("PGPORT") or 5432),
        "db_name": warehouse.name,
        "db_user": warehouse.user,
    }


def make_stream(env, system, name, mapping, **values):
    """Create a synchronization of all contacts with a tag: not of users."""
    env["sync.stream"].create(
        {
            "name": name,
            "backend_id": system.id,
            "model_id": env["ir.model"]._get("res.partner").id,
            "domain": "[('category_id', '!=', False)]",
            "state": "live",
            "mapping_ids": [
                Command.create(
                    {"sequence": sequence, "field_path": path, "target": target}
                )
                for sequence, (path, target) in enumerate(mapping.items())
            ],
            **values,
        }
    )


def run_jobs(env, domain=(), limit=None):
    """Commit, and do what the runner does, now: one try of each pending job.

    :param domain: which jobs; default: all
    :param int limit: of how many jobs; default: of all
    """
    env.cr.commit()
    jobs = env(user=SUPERUSER_ID)["queue.job"]
    pending = jobs.search([("state", "=", "pending"), *domain], order="id", limit=limit)
    for uuid in pending.mapped("uuid"):
        jobs.search([("uuid", "=", uuid)]).write(
            {"state": "enqueued", "date_enqueued": env.cr.now()}
        )
        env.cr.commit()
        job = RunJobController._acquire_job(jobs.env, uuid)
        try:
            RunJobController._runjob(jobs.env, job)
        except Exception:
            env.cr.rollback()  # the job keeps the reason
        env.cr.commit()


@contextmanager
def example_names(port):
    """Lead the example names to a port of the loopback address."""
    original = socket.getaddrinfo

    def getaddrinfo(host, asked_port, *args, **kwargs):
        if str(host).endswith(f".{DOMAIN}"):
            host, asked_port = LOOPBACK, port
        return original(host, asked_port, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo
    try:
        yield
    finally:
        socket.getaddrinfo = original
