# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the administrators of all scenes set up, by the external API."""

from dataclasses import dataclass

from support.client import OdooClient, WebSession

ADMIN = ("admin", "admin")
BO = ("bo", "bo-demo-password")
JO = ("jo", "jo-demo-password")
LAYLA = ("layla", "layla-demo-password")
ARABIC = "ar_001"
MAIL_DOMAIN = "demo.example.com"
# Field in Odoo: key in the CRM and column in the warehouse.
MAPPING = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "city": "city",
    "country_id.code": "country",
    "category_id.name": "tags",
}

STREAM = {
    "domain": "[]",
    "max_retries": 3,
    "retry_pattern": "{1: 2}",  # seconds; the default of ten minutes is for real life
}
# What is set by a method of the system's, and not among its values.
SECRETS = ("auth_secret", "db_password", "signing_secret", "signing_secret_previous")


def log_in(server):
    """Return the administrator's ``OdooClient`` of an ``OdooServer``."""
    return OdooClient.from_password(server.url, server.database, *ADMIN)


def let_mail_out(admin, url, sink, domain):
    """Let Odoo's mail reach a sink.

    :param admin: the administrator's ``OdooClient``
    :param url: with which the links in a mail begin
    :param sink: the ``SmtpSink``
    :param domain: of the addresses
    """
    # freeze keeps the address as it is
    for key, value in (("web.base.url", url), ("web.base.url.freeze", "True")):
        admin.call("ir.config_parameter", "set_param", key=key, value=value)
    admin.create("mail.alias.domain", {"name": domain})
    admin.create(
        "ir.mail_server",
        {
            "name": "Sink",
            "smtp_host": sink.host,
            "smtp_port": sink.port,
            "smtp_encryption": "none",
        },
    )
    user = admin.search_one("res.users", [("login", "=", "admin")])
    admin.write("res.users", user, {"email": f"admin@{domain}"})


def group_ids(admin, *external_ids):
    """Return the ids of groups."""
    ids = []
    for external_id in external_ids:
        module, name = external_id.split(".")
        domain = [("module", "=", module), ("name", "=", name)]
        (data,) = admin.search_read("ir.model.data", domain, ["res_id"])
        ids.append(data["res_id"])
    return ids


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
    admin = log_in(server)
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


def make_arabic_reader(admin):
    """Create a user who edits contacts and reads the screens from right to left.

    Arabic is among the languages of everybody's preferences then.
    """
    (language,) = admin.call(
        "res.lang",
        "search",
        domain=[("code", "=", ARABIC)],
        context={"active_test": False},
    )
    wizard = admin.create("base.language.install", {"lang_ids": [(6, 0, [language])]})
    admin.call("base.language.install", "lang_install", [wizard])
    groups = group_ids(admin, "base.group_user", "base.group_partner_manager")
    _make_user(admin, "Layla Reader", LAYLA, groups, lang=ARABIC)


def make_system(admin, values):
    """Create an external system, of whose values some may be secrets.

    :return: its id
    """
    plain = {name: value for name, value in values.items() if name not in SECRETS}
    backend_id = admin.create("sync.backend", plain)
    for name in SECRETS:
        if name in values:
            set_secret(admin, backend_id, name, values[name])
    return backend_id


def set_secret(admin, backend_id, name, value):
    """Set a secret of an external system."""
    admin.call("sync.backend", "set_secret", [backend_id], name=name, value=value)


def make_contact_stream(admin, backend, stream, mapping):
    """Create an external system, and what is sent to it of contacts.

    :param dict backend: values of the system, secrets among them
    :param dict stream: values of the synchronization
    :param dict mapping: field in Odoo to name there
    :return: id of the stream, what the connection test answered
    """
    backend_id = make_system(admin, backend)
    answer = admin.call("sync.backend", "action_test_connection", [backend_id])
    lines = [
        (0, 0, {"sequence": sequence, "field_path": path, "target": target})
        for sequence, (path, target) in enumerate(mapping.items())
    ]
    stream_id = admin.create(
        "sync.stream",
        {
            **stream,
            "backend_id": backend_id,
            "state": "live",
            "model_id": admin.search_one("ir.model", [("model", "=", "res.partner")]),
            "mapping_ids": lines,
        },
    )
    return stream_id, answer["params"]["message"]


def make_crm_stream(admin, crm, backend=(), stream=(), mapping=MAPPING):
    """Create the external system "CRM" and what is sent to it.

    It honours idempotency keys.

    :param backend: further values of the system, or others than here
    :param stream: the same of the synchronization
    :return: id of the stream, what the connection test answered
    """
    system = {
        "name": "CRM",
        "transport": "rest",
        "url": crm.url,
        "auth": "bearer",
        "auth_secret": crm.token,
        "repeats_are_safe": True,
    }
    synchronization = {
        "name": "Contacts to the CRM",
        "endpoint": "contacts",
        "id_policy": "destination",
        "update_method": "put",
        "delete_policy": "delete",
    }
    return make_contact_stream(
        admin,
        {**system, **dict(backend)},
        {**STREAM, **synchronization, **dict(stream)},
        mapping,
    )


def make_warehouse_stream(
    admin, warehouse, host, port, backend=(), stream=(), mapping=MAPPING
):
    """Create the external system "Warehouse" and what is sent to it.

    :param host: where Odoo reaches the PostgreSQL server, and on which ``port``
    :param backend: further values of the system, or others than here
    :param stream: the same of the synchronization
    :return: id of the stream, what the connection test answered
    """
    system = {
        "name": "Warehouse",
        "transport": "postgresql",
        "db_host": host,
        "db_port": port,
        "db_name": warehouse.name,
        "db_user": warehouse.user,
        "db_password": warehouse.password,
    }
    synchronization = {
        "name": "Contacts to the warehouse",
        "table": "contacts",
        "key_column": "odoo_id",
        "delete_policy": "mark",
        "mark_key": "deleted",
    }
    return make_contact_stream(
        admin,
        {**system, **dict(backend)},
        {**STREAM, **synchronization, **dict(stream)},
        mapping,
    )


def _make_user(admin, name, credentials, groups, **values):
    login, password = credentials
    admin.create(
        "res.users",
        {
            "name": name,
            "login": login,
            "password": password,
            "email": _address(credentials),
            "group_ids": [(6, 0, groups)],
            **values,
        },
        no_reset_password=True,  # no invitation by mail
    )


def _address(credentials):
    login, _password = credentials
    return f"{login}@{MAIL_DOMAIN}"
