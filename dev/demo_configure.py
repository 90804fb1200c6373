# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Sets up the demo's Odoo as its administrator would, by the external API."""

from dataclasses import dataclass

from e2e.client import OdooClient, WebSession
from e2e.configure import MAPPING, group_ids, let_mail_out, make_contact_stream

MAIL_DOMAIN = "demo.example.com"
ADMIN = ("admin", "admin")
BO = ("bo", "bo-demo-password")
JO = ("jo", "jo-demo-password")
STREAM = {
    "domain": "[]",
    "max_retries": 3,
    "retry_pattern": "{1: 2}",  # seconds; the default of ten minutes is for real life
}


@dataclass(frozen=True)
class People:
    """The external API as each of the demo's users, and a browser of the manager's."""

    admin: OdooClient
    bo: OdooClient  # edits contacts, knows nothing of jobs
    jo: OdooClient  # job manager
    jo_browser: WebSession

    @property
    def addresses(self):
        """Who is told of failed jobs: the job managers."""
        return [_address(ADMIN), _address(JO)]


def make_people(server, sink):
    """Create the users, and the mail server that reaches them.

    :param server: the running ``OdooServer``
    :param sink: the ``SmtpSink`` that takes Odoo's mail
    :return: :class:`People`
    """
    admin = OdooClient.from_password(server.url, server.database, *ADMIN)
    let_mail_out(admin, server.url, sink, MAIL_DOMAIN)
    contact_editor = group_ids(admin, "base.group_user", "base.group_partner_manager")
    job_manager = group_ids(
        admin, "base.group_user", "queue_job.group_queue_job_manager"
    )
    _make_user(admin, "Bo Office", BO, contact_editor)
    _make_user(admin, "Jo Manager", JO, job_manager)
    return People(
        admin=admin,
        bo=OdooClient.from_password(server.url, server.database, *BO),
        jo=OdooClient.from_password(server.url, server.database, *JO),
        jo_browser=WebSession(server.url, server.database, *JO),
    )


def make_crm_stream(admin, crm):
    """Create the external system "CRM" and what is sent to it.

    :return: id of the stream, what the connection test answered
    """
    backend = {
        "name": "CRM",
        "transport": "rest",
        "url": crm.url,
        "auth": "bearer",
        "auth_secret": crm.token,
    }
    stream = {
        "name": "Contacts to the CRM",
        "endpoint": "contacts",
        "id_policy": "destination",
        "update_method": "put",
        "delete_policy": "delete",
    }
    return _make_stream(admin, backend, stream)


def make_warehouse_stream(admin, warehouse, host, port):
    """Create the external system "Warehouse" and what is sent to it.

    :param host: where Odoo reaches the PostgreSQL server, and on which ``port``
    :return: id of the stream, what the connection test answered
    """
    backend = {
        "name": "Warehouse",
        "transport": "postgresql",
        "db_host": host,
        "db_port": port,
        "db_name": warehouse.name,
        "db_user": warehouse.user,
        "db_password": warehouse.password,
    }
    stream = {
        "name": "Contacts to the warehouse",
        "table": "contacts",
        "key_column": "odoo_id",
        "delete_policy": "mark",
        "mark_key": "deleted",
    }
    return _make_stream(admin, backend, stream)


def _make_stream(admin, backend, stream):
    return make_contact_stream(admin, backend, {**STREAM, **stream}, MAPPING)


def _make_user(admin, name, credentials, groups):
    login, password = credentials
    admin.create(
        "res.users",
        {
            "name": name,
            "login": login,
            "password": password,
            "email": _address(credentials),
            "group_ids": [(6, 0, groups)],
        },
        no_reset_password=True,  # no invitation by mail
    )


def _address(credentials):
    login, _password = credentials
    return f"{login}@{MAIL_DOMAIN}"
