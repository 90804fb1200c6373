# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The model of a synchronization is uninstalled: nothing goes with it unseen."""

import json

from support import scratch_odoo
from support.environment import odoo, paths
from support.odoo_server import install

LOG = paths.LOGS / "test-uninstalled-model.log"
MODULES = ("sale", "queue_job_sync_sale")

MAKE = """
backend = env["sync.backend"].create(
    {"name": "ERP", "transport": "rest", "url": "http://127.0.0.1:9/api"}
)
stream = env["sync.stream"].create({
    "name": "Orders", "backend_id": backend.id, "endpoint": "orders", "state": "live",
    "model_id": env["ir.model"]._get_id("sale.order"),
    "mapping_ids": [(0, 0, {"field_path": "name", "target": "name"})],
})
partner = env["res.partner"].create({"name": "Ada"})
env["sale.order"].create({"partner_id": partner.id})
env.cr.commit()
"""
UNINSTALL = """
module = env["ir.module.module"].search([("name", "=", "sale")])
module.button_immediate_uninstall()
"""
TELL = """
import json
stream = env["sync.stream"].search([])
stream.read()
stream.get_views([(False, "form"), (False, "list")])
print("told " + json.dumps({
    "streams": stream.mapped("name"),
    "state": stream.state,
    "model": stream.model_id.model,
    "model_name": stream.model_name,
    "problem": stream.problem,
    "problems": stream.backend_id.problems,
    "waiting": env["sync.outbox"].search_count([]),
    "functions": env["queue.job.function"].search_count(
        [("name", "=like", "<sale.order>%")]
    ),
}))
env["sync.outbox"]._cron_queue_orphans()
env["res.partner"].create({"name": "Edits go on"})
env.cr.commit()
"""


def told(database):
    """Return what is known of the synchronization."""
    said = scratch_odoo.shell(database, TELL).splitlines()
    (line,) = [line for line in said if line.startswith("told ")]
    return json.loads(line.removeprefix("told "))


def test_it_is_shown_and_goes_on_when_the_model_is_back():
    environment = scratch_odoo.environment()
    command = odoo.command_line()
    with scratch_odoo.database("uninstalled_model", samples=True) as database:
        install(command, database, [paths.ADDON, *MODULES], LOG, environment)
        scratch_odoo.shell(database, MAKE)
        before = told(database)
        assert not before["problem"]
        assert before["waiting"] == 1

        scratch_odoo.shell(database, UNINSTALL)
        gone = told(database)
        assert gone["streams"] == ["Orders"]
        assert gone["state"] == "live"
        assert not gone["model"]
        assert gone["model_name"] == "sale.order"
        assert "sale.order is gone" in gone["problem"]
        assert [each["name"] for each in gone["problems"]] == ["Orders"]
        assert gone["waiting"] == 1

        install(command, database, MODULES, LOG, environment)
        back = told(database)
        assert back["model"] == "sale.order"
        assert back["functions"] == before["functions"]
        assert not back["problem"], back["problem"]
        assert back["waiting"] == 1
