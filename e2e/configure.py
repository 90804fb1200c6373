# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the administrators of all scenes set up, by the external API."""

# Field in Odoo: key in the CRM and column in the warehouse.
MAPPING = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "city": "city",
    "country_id.code": "country",
    "category_id.name": "tags",
}

# What is set by a method of the system's, and not among its values.
SECRETS = ("auth_secret", "db_password", "signing_secret", "signing_secret_previous")


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
