# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The peers: which modules each has, and how it is set up by its administrator."""

from benchmarks import contacts
from support.configure import make_system

OURS, BARE, NAIVE, WEBHOOK = "ours", "bare", "naive", "webhook"
FULL = "full"  # ours, with a million done jobs and many waiting ones
MANY = "many"  # ours, with the contacts of a large company
SMALL = "small"  # ours, on a small server: root:3, and Odoo's own time limits
LARGE = "large"  # ours, with a million contacts that are synchronized
SCREENS = "screens"  # ours, with many systems that share the contacts
QUEUE = "queue"  # bare, with as many jobs as those have
BEFORE = "before"  # the addon as it was at another commit
MODULES = {
    OURS: ("queue_job_sync",),
    BARE: (),
    NAIVE: ("queue_job_naive",),
    WEBHOOK: ("base_automation",),
    FULL: ("queue_job_sync",),
    MANY: ("queue_job_sync",),
    SMALL: ("queue_job_sync",),
    LARGE: ("queue_job_sync",),
    SCREENS: ("queue_job_sync",),
    QUEUE: (),
    BEFORE: ("queue_job_sync",),
}
SMALL_CHANNELS = "root:3"
# As README.rst has a server set up; to drain a queue as fast as it goes is for others.
SCREENS_CHANNELS = "root:2,root.sync:2"
REST, SQL, IDLE, SECOND = "rest", "sql", "idle", "second"
ENDPOINT = "contacts"
# Of the destination's, which knows no mark: what is gone stays there.
TABLE = {"table": "contacts", "key_column": "odoo_id"}
URL_PARAMETER, DSN_PARAMETER = "queue_job_naive.url", "queue_job_naive.dsn"


def configure(peer, destination, warehouse=None, idle=None):
    """Have a peer send contacts to the REST destination.

    :param peer: a running :class:`~benchmarks.peer.Peer`
    :param destination: the ``Destination``
    :param warehouse: the ``Warehouse`` that :func:`send_to` may name
    :param idle: the ``Destination`` that the small one's new contacts go to as well
    """
    ours = dict.fromkeys((OURS, FULL, MANY, SMALL, LARGE, BEFORE), _ours)
    setup = {**ours, NAIVE: _naive, WEBHOOK: _webhook}.get(peer.name)
    if setup:
        setup(peer, destination, warehouse)
    if peer.name == SMALL:
        new = repr([("email", "=like", contacts.NEW.replace("%s", "%"))])
        system = {"transport": "rest", "url": idle.url}
        make_stream(peer.admin, IDLE, system, {"endpoint": ENDPOINT, "domain": new})


def send_to(peer, kind, destination, warehouse):
    """Have a peer send contacts to one destination and not to the other.

    :param kind: ``REST``, ``SQL``, or None for neither
    """
    if peer.name == NAIVE:
        url = f"{destination.url}/{ENDPOINT}" if kind == REST else False
        dsn = warehouse.dsn if kind == SQL else False
        _parameter(peer.admin, URL_PARAMETER, url)
        _parameter(peer.admin, DSN_PARAMETER, dsn)
        return
    for name in (REST, SQL):
        domain = [("name", "=", name)]
        stream = peer.admin.search_read(
            "sync.stream", domain, ["active"], context={"active_test": False}
        )
        if stream and stream[0]["active"] != (name == kind):
            peer.admin.write("sync.stream", stream[0]["id"], {"active": name == kind})


def change_stream(peer, name, values):
    """Change the settings of one of our synchronizations."""
    peer.admin.write(
        "sync.stream",
        peer.admin.search_one("sync.stream", [("name", "=", name)]),
        values,
    )


def _ours(peer, destination, warehouse):
    rest = {"transport": "rest", "url": destination.url}
    make_stream(peer.admin, REST, rest, {"endpoint": ENDPOINT})
    if warehouse:
        make_stream(peer.admin, SQL, in_sql(warehouse), {**TABLE, "active": False})


def in_sql(warehouse):
    """Return the values of a system that is a ``Warehouse``."""
    return {
        "transport": "postgresql",
        "db_host": warehouse.host,
        "db_port": warehouse.port,
        "db_name": warehouse.name,
        "db_user": warehouse.user,
        "db_password": warehouse.password,
    }


def make_stream(admin, name, backend, stream):
    """Create a system and its synchronization, with the defaults for all the rest.

    :param backend: values of the system, secrets among them
    :param stream: values of the synchronization
    :return: id of the synchronization
    """
    lines = [
        (0, 0, {"sequence": sequence, "field_path": path, "target": target})
        for sequence, (path, target) in enumerate(contacts.MAPPING.items())
    ]
    values = {
        "name": name,
        "backend_id": make_system(admin, {"name": name, **backend}),
        "model_id": admin.search_one("ir.model", [("model", "=", "res.partner")]),
        "mapping_ids": lines,
        "state": "live",
    }
    return admin.create("sync.stream", {**values, **stream})


def _naive(peer, destination, _warehouse):
    _parameter(peer.admin, URL_PARAMETER, f"{destination.url}/{ENDPOINT}")


def _parameter(admin, key, value):
    admin.call("ir.config_parameter", "set_param", key=key, value=value)


def _webhook(peer, destination, _warehouse):
    names = [path.partition(".")[0] for path in contacts.MAPPING]
    domain = [("model", "=", "res.partner"), ("name", "in", names)]
    rows = peer.admin.search_read("ir.model.fields", domain, ["id"])
    fields = [(6, 0, [row["id"] for row in rows])]
    model = peer.admin.search_one("ir.model", [("model", "=", "res.partner")])
    action = {
        "name": "Send contacts",
        "model_id": model,
        "state": "webhook",
        "webhook_url": f"{destination.url}/{ENDPOINT}",
        "webhook_field_ids": fields,
    }
    rule = {
        "name": "Send contacts",
        "model_id": model,
        "trigger": "on_create_or_write",
        "trigger_field_ids": fields,
        "action_server_ids": [(0, 0, {**action, "usage": "base_automation"})],
    }
    peer.admin.create("base.automation", rule)
