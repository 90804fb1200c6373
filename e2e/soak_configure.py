# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Sets up a soak's Odoo as its administrator would, by the external API."""

import secrets

from e2e.soak_ledger import STAMP
from support import configure
from support.client import OdooClient

MAIL_DOMAIN = "soak.example.com"
MAPPING = {**configure.MAPPING, "ref": "ref"}
TAGS = ("VIP", "Press", "Partner")
COUNTRIES = ("FR", "BE", "DE", "PT")
CRM, SHOP = "CRM", "Shop"  # what Odoo calls these systems
STREAM = {
    "domain": f"[('ref', '=like', '{STAMP}%')]",
    # However bad the day, nothing is given up.
    "max_retries": 0,
    "retry_pattern": "{1: (1, 2)}",
    # Less than a bulk edit changes, so that batches are sent too.
    "batch_size": 3,
}
TIMEOUTS = {"connect_timeout": 2, "read_timeout": 3}


def make_admin(server, sink):
    """Return the administrator's client, and let Odoo's mail reach the sink.

    :param server: the running ``OdooServer``
    :param sink: the ``SmtpSink`` that takes Odoo's mail
    """
    admin = configure.log_in(server)
    configure.let_mail_out(admin, server.url, sink, MAIL_DOMAIN)
    # What repairs things every ten minutes in real life does so every minute here.
    modules = [("module", "=", "queue_job_sync"), ("model", "=", "ir.cron")]
    for data in admin.search_read("ir.model.data", modules, ["res_id"]):
        interval = {"interval_number": 1, "interval_type": "minutes"}
        admin.write("ir.cron", data["res_id"], interval)
    return admin


def make_editors(admin, server, count):
    """Create users who may edit contacts.

    :return: list of ``OdooClient``
    """
    groups = "base.group_user", "base.group_partner_manager"
    logins = [f"editor{number}" for number in range(count)]
    return [_make_user(admin, server, login, groups) for login in logins]


def make_clerk(admin, server):
    """Create a user who looks after jobs.

    :return: the ``OdooClient``
    """
    groups = "base.group_user", "queue_job.group_queue_job_manager"
    return _make_user(admin, server, "clerk", groups)


def _make_user(admin, server, login, groups):
    password, ids = secrets.token_urlsafe(12), configure.group_ids(admin, *groups)
    values = {"name": login, "login": login, "password": password}
    values["group_ids"] = [(6, 0, ids)]
    admin.create("res.users", values, no_reset_password=True)
    return OdooClient.from_password(server.url, server.database, login, password)


def make_values(admin):
    """Have tags and countries.

    :return: a function that takes a ``random.Random`` and returns the values of a
        contact for them
    """
    domain = [("code", "in", COUNTRIES)]
    countries = [row["id"] for row in admin.search_read("res.country", domain, [])]
    tags = [admin.create("res.partner.category", {"name": name}) for name in TAGS]

    def values(rng):
        chosen = rng.sample(tags, rng.randrange(len(tags) + 1))
        return {
            "country_id": rng.choice([*countries, False]),
            "category_id": [(6, 0, chosen)],
        }

    return values


def make_streams(admin, crm, shop, warehouse, proxy):
    """Create the external systems and what is sent to them.

    :param shop: as the CRM, and ignores keys
    :param proxy: the way to the warehouse
    """
    # CRM and shop have ids of their own: this tells which contact of Odoo's they hold.
    mapping = {**MAPPING, "id": "odoo_id"}
    configure.make_crm_stream(admin, crm, TIMEOUTS, STREAM, mapping)
    system = {**TIMEOUTS, "name": SHOP, "repeats_are_safe": False}
    stream = {**STREAM, "name": "Contacts to the shop"}
    configure.make_crm_stream(admin, shop, system, stream, mapping)
    configure.make_warehouse_stream(
        admin, warehouse, proxy.host, proxy.port, TIMEOUTS, STREAM, MAPPING
    )
