# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Secrets beside addons that note what happens to records: none has one to note."""

import pytest

from e2e import schema
from support import configure, scratch_odoo
from support.client import WebSession
from support.environment import odoo, paths
from support.odoo_server import install
from support.processes import wait_until

PATIENCE = 60  # seconds to wait at most for a delivery
LOG = paths.LOGS / "test-audit.log"
WATCHERS = ("auditlog", "tracking_manager", "server_environment")
# All that Odoo has to say.
TALKATIVE = ("--log-level=debug", "--log-handler=odoo.sql_db:DEBUG")
AUDITED = ("sync.backend", "sync.setup", "sync.stream", "res.config.settings")
AUDITED += ("ir.config_parameter",)
# Letters and digits only: they are the same however a text is written.
MARK = "s3nt1nel"
SIGNING = [f"whsec_{(MARK + number) * 4}" for number in ("Cur0", "New0")]
METRICS = f"{MARK}TokenForMetrics"
PASSWORD = f"{MARK}Password"
BESIDE = f"{MARK}BesideTheDatabase"
KEPT = {"sync_secret_value.value"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A running Odoo with the addons that watch, and with a secret in its file."""
    environment = scratch_odoo.environment()
    with open(environment["ODOO_RC"], encoding="utf-8") as original:
        options = original.read()
    file = tmp_path_factory.mktemp("audit") / "odoo.conf"
    # named as docs/operations.md advises
    file.write_text(f"{options}\n[queue_job_sync]\ncrm_token = {BESIDE}\n")
    environment = {**environment, "ODOO_RC": str(file)}
    with scratch_odoo.database("audit", addon=True) as name:
        install(odoo.command_line(), name, WATCHERS, LOG, environment)
        with scratch_odoo.serving(
            name, LOG, environment=environment, options=TALKATIVE
        ) as running:
            yield running


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_nobody_notes_a_secret(server, crm, mode):
    admin = configure.log_in(server)
    web = WebSession(server.url, server.database, *configure.ADMIN)
    watch(admin, mode)
    crm_id = use_in_every_way(admin, web, crm, f"Noted{mode}")

    # or this would prove nothing
    noted = admin.search_read(
        "auditlog.log", [("log_type", "=", mode)], ["method", "model_model"]
    )
    methods = {log["method"] for log in noted if log["model_model"] == "sync.backend"}
    assert methods == {"create", "read", "write", "unlink", "export_data"}
    assert {
        "mail_tracking_value.new_value_char",
        "auditlog_log_line.new_value_text",
    } <= schema.columns_with(server.database, f"Noted{mode}")
    admin.create("res.partner", {"name": "Ada"})
    wait_until(crm.contacts, PATIENCE, "the contact in the CRM")

    for secret in (MARK, crm.token):
        assert schema.columns_with(server.database, secret) <= KEPT
        assert secret not in LOG.read_text(errors="replace")
    assert schema.columns_with(server.database, crm.token) == KEPT
    nothing_in_fields(admin, crm_id)
    screen_of_the_configuration(admin)


def watch(admin, mode):
    """Have all that can be noted be noted.

    :param mode: of ``auditlog``
    """
    former = admin.call("auditlog.rule", "search", domain=[])
    admin.call("auditlog.rule", "unlink", former)
    for model in AUDITED:
        rule = {
            "name": model,
            "model_id": admin.search_one("ir.model", [("model", "=", model)]),
            "log_type": mode,
            "log_read": True,
            "capture_record": True,
        }
        rule_id = admin.create("auditlog.rule", rule)
        admin.call("auditlog.rule", "set_to_confirmed", [rule_id])
    model = admin.search_one("ir.model", [("model", "=", "sync.backend")])
    tracking = {"active_custom_tracking": True, "automatic_custom_tracking": True}
    admin.write("ir.model", model, tracking)
    admin.call("ir.model", "update_custom_tracking", [model])


def use_in_every_way(admin, web, crm, word):
    """Set secrets by each way there is, and do all else that can be noted.

    :param word: written to a field, to be found where it is noted
    :return: id of the system to which contacts are sent
    """
    stream_id, _answer = configure.make_crm_stream(admin, crm)
    (stream,) = admin.search_read(
        "sync.stream", [("id", "=", stream_id)], ["backend_id"]
    )
    crm_id = stream["backend_id"][0]
    values = {"name": "Shop", "transport": "rest", "url": "http://127.0.0.1:9"}
    shop_id = configure.make_system(admin, {**values, "auth_secret": PASSWORD})
    configure.set_secret(admin, shop_id, "db_password", PASSWORD)
    # as the dialog does
    system = "sync.backend"
    web.call(system, "set_secret", [shop_id], "signing_secret", SIGNING[0])
    web.call(system, "rotate_signing_secret", [shop_id], SIGNING[1])
    web.call("res.config.settings", "set_secret", "metrics_token", METRICS)
    wizard = web.call("sync.setup", "create", [{"name": "Guided"}])
    web.call("sync.setup", "action_choose", wizard, False)
    web.call("sync.setup", "action_next", wizard)
    web.call("sync.setup", "set_secret", wizard, "auth_secret", PASSWORD)
    settings = web.call("res.config.settings", "create", [{}])
    web.call("res.config.settings", "execute", settings)

    web.call(system, "web_save", [shop_id], {"auth_username": word}, {"name": {}})
    web.call(system, "read", [shop_id])
    web.call(system, "export_data", [shop_id], ["name", "auth_secret_origin"])
    copy = web.call(system, "copy", [shop_id])
    web.call(system, "unlink", copy)
    beside = configure.make_system(admin, {**values, "name": "Beside"})
    configure.set_secret(admin, beside, "auth_secret", "config:crm_token")
    return crm_id


def nothing_in_fields(admin, crm_id):
    """Read and export every field of a system that has a secret."""
    (values,) = admin.call("sync.backend", "read", [crm_id])
    assert values["auth_secret_origin"].startswith("Stored in the database")
    rows = admin.call(
        "sync.backend", "export_data", [crm_id], fields_to_export=list(values)
    )
    assert MARK not in str((values, rows))


def screen_of_the_configuration(admin):
    """See what ``server_environment`` shows of the server's file."""
    (group,) = configure.group_ids(
        admin, "server_environment.has_server_configuration_access"
    )
    user = admin.search_one("res.users", [("login", "=", "admin")])
    admin.write("res.users", user, {"group_ids": [(4, group)]})
    fields = list(admin.call("server.config", "fields_get"))
    (name,) = [each for each in fields if each.endswith("_I_crm_token")]
    shown = admin.call("server.config", "default_get", fields_list=fields)
    assert shown[name] == "**********"
    assert MARK not in str(shown)
