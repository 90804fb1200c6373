# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One record of each kind, in each state; runs within Odoo's shell.

What jobs write is written by hand here: nothing listens, and no job runs.
"""

from datetime import timedelta

from odoo import Command, fields

from odoo.addons.queue_job.job import STATES
from odoo.addons.queue_job_sync.engine import words

NOW = fields.Datetime.now()
PASSWORD = "screens-password"
ROLES = {
    "clerk": ("base.group_user", "base.group_partner_manager"),
    "manager": (
        "base.group_user",
        "base.group_partner_manager",
        "queue_job.group_queue_job_manager",
    ),
    "system": (
        "base.group_user",
        "base.group_partner_manager",
        "base.group_system",
        "queue_job.group_queue_job_manager",
    ),
}
REFUSED = "POST http://127.0.0.1:9/api/contacts answered 422: email: is none"
SQL = 'UPDATE "contacts" or INSERT INTO "contacts" ("odoo_id", "name") VALUES (%s, %s)'

PLAIN_LIST = """
<list>
    <field name="name" widget="badge" decoration-info="1" />
    <field name="login" widget="badge" decoration-success="1" />
    <field name="create_uid" widget="many2one_avatar_user" />
    <field name="companies_count" widget="progressbar" />
    <field name="email" optional="show" />
</list>
"""
PLAIN_FORM = """
<form>
    <p class="text-muted">Of less interest</p>
    <field name="tz" />
    <field name="company_id" />
    <notebook><page string="Page"><field name="login" /></page></notebook>
</form>
"""
PLAIN_DIALOG = f"""
<form>
    {"<p>A line</p>" * 60}
    <footer><button special="cancel" string="Close" /></footer>
</form>
"""


def prepare(env):
    """Make everything, and commit it.

    :param env: the environment of ``odoo shell``
    """
    make_users(env)
    crm, warehouse, others = make_systems(env)
    make_records(env, crm, warehouse)
    make_jobs(env, crm)
    make_deliveries(env, crm, warehouse)
    make_incidents(env, [crm, *others])
    make_backfills(env, crm, warehouse)
    make_wizards(env)
    make_gone(env, others)
    make_plain_screens(env)
    # nobody is to miss the runner
    later = NOW + timedelta(days=1)
    node = {"name": "odoo:8069", "workers": 4, "loaded": True, "capacity": 2}
    env["sync.node"].create({**node, "noted": later, "since": later})
    env["sync.health"].create(
        {
            "kind": "no_place",
            "seen": NOW,
            "reason": words.Sentence("Jobs can take all workers."),
        }
    )
    env.cr.commit()
    print("prepared")


def make_users(env):
    for role, groups in ROLES.items():
        env["res.users"].with_context(no_reset_password=True).create(
            {
                "name": f"Sam {role.title()}",
                "login": role,
                "password": PASSWORD,
                "email": f"{role}@example.com",
                "tz": "UTC",
                "odoobot_state": "disabled",
                "group_ids": [Command.set([env.ref(group).id for group in groups])],
            }
        )
    env.cr.commit()


def make_systems(env):
    """Make systems, and synchronizations of contacts with a tag.

    :return: the synchronizations of the REST system and of the database, and more
    """

    def system(name, **values):
        values = {"transport": "rest", "url": "http://127.0.0.1:9/api", **values}
        return env["sync.backend"].create({"name": name, **values})

    def stream(backend, name, **values):
        fields_sent = (("name", "name"), ("email", "email"), ("phone", "phone"))
        return env["sync.stream"].create(
            {
                "name": name,
                "backend_id": backend.id,
                "model_id": env["ir.model"]._get_id("res.partner"),
                "domain": "[('category_id.name', '=', 'Sent')]",
                "state": "live",
                "mapping_ids": [
                    Command.create({"field_path": path, "target": target})
                    for path, target in fields_sent
                ],
                **values,
            }
        )

    table = {
        "transport": "postgresql",
        "url": False,
        "db_host": "127.0.0.1",
        "db_port": 9,
        "db_name": "warehouse",
        "db_user": "writer",
    }
    crm = system("CRM", auth="bearer")
    crm.set_secret("auth_secret", "t0ken")
    crm_stream = stream(crm, "Contacts to the CRM", endpoint="contacts")
    held = {"table": "contacts", "delete_policy": "mark", "mark_key": "deleted"}
    database = system("Warehouse", **table)
    warehouse = stream(database, "Contacts to the warehouse", **held)
    paused = stream(
        system("Paused"),
        "Contacts to what is paused",
        endpoint="contacts",
        delay_policy="window",
        window_start=1,
        window_end=2,
    )
    down = stream(system("Down"), "Contacts to what is down", endpoint="contacts")
    copy = stream(system("Copied"), "Contacts to a copy", endpoint="contacts")
    gone = stream(
        system("Uninstalled"), "Records of a model that is gone", endpoint="orders"
    )
    stream(crm, "A draft", endpoint="drafts", state="draft")
    stream(crm, "An archived one", endpoint="archived", active=False)
    system("Without synchronizations")
    system("Archived", active=False)
    env.cr.commit()
    return crm_stream, warehouse, [paused, down, copy, gone]


def make_records(env, crm, warehouse):
    """Make contacts in each state, by their names."""
    sent = env["res.partner.category"].create({"name": "Sent"})
    names = (
        ("Synced", "Waiting", "Failed", "Doubt", "Unknown ID", "Accepted", "Skipped")
        + ("Not Sent", "Archived", "Deleted")
        # one job of each state, see make_jobs
        + tuple(f"Job {state}" for state, _label in STATES)
    )
    contacts = env["res.partner"]
    for name in names:
        contacts += contacts.create(
            {"name": name, "category_id": [Command.link(sent.id)], "phone": "+44 20 7"}
        )
        env.cr.commit()  # makes its jobs: many at once would share one
    by_name = {contact.name: contact for contact in contacts}
    doubt = {"doubt_reason": words.Sentence("The CRM did not answer.")}
    states = {
        "Synced": {},
        "Waiting": {},
        "Failed": {
            "last_error": words.Sentence(REFUSED),
            "last_error_date": NOW,
        },
        "Doubt": {**doubt, "doubt": "maybe", "last_success": False},
        "Unknown ID": {**doubt, "doubt": "unknown_id"},
        "Accepted": {"accepted": True},
        "Skipped": {
            "skipped": True,
            "note": words.Sentence("Cancelled by Sam"),
            "note_date": NOW,
        },
        "Not Sent": {"last_success": False, "content_hash": False, "absent": "never"},
        "Archived": {"external_id": False, "content_hash": False, "absent": "gone"},
        "Deleted": {},
    }
    for stream in (crm, warehouse):
        env["sync.binding"].create(
            [
                {
                    "stream_id": stream.id,
                    "res_id": by_name[name].id,
                    "external_id": f"C-{by_name[name].id}",
                    "content_hash": "hash",
                    "version": 2,
                    "last_success": NOW,
                    **values,
                }
                for name, values in states.items()
            ]
        )
    pending = ("Waiting", "Failed", *names[10:])
    settled = contacts.filtered(lambda each: each.name not in pending)
    env["sync.outbox"].search([("res_id", "in", settled.ids)]).unlink()
    jobs = env["queue.job"].search([("sync_res_id", "in", settled.ids)])
    jobs.unlink()
    by_name["Archived"].active = False
    env.cr.commit()
    env["sync.outbox"].search([("res_id", "=", by_name["Archived"].id)]).unlink()
    by_name["Deleted"].unlink()
    env.cr.commit()


def make_jobs(env, crm):
    """Let there be a job of each state: of contacts, and of another task."""
    env["res.partner"].with_delay(description="Another task")._compute_display_name()
    env.cr.commit()
    jobs = env["queue.job"]
    for state, _label in STATES:
        contact = env["res.partner"].search([("name", "=", f"Job {state}")])
        mine, *others = jobs.search([("sync_res_id", "=", contact.id)], order="id")
        set_state(env, mine, state)
        # one of each is enough
        jobs.union(*others).unlink()
    contact = env["res.partner"].search([("name", "=", "Failed")])
    for job in jobs.search([("sync_res_id", "=", contact.id)]):
        set_state(env, job, "failed")
    waiting = env["res.partner"].search([("name", "=", "Waiting")])
    env.cr.execute(
        """
        UPDATE queue_job
           SET sync_wait_key = 'system:' || sync_backend_id, sync_due = now(),
               eta = now() + interval '1 day'
         WHERE sync_res_id = %s
        """,
        (waiting.id,),
    )
    env.cr.commit()


def set_state(env, job, state):
    dates = {
        "enqueued": {"date_enqueued": NOW},
        "started": {"date_enqueued": NOW, "date_started": NOW},
        "done": {"date_done": NOW, "exec_time": 0.2, "result": "CRM: delivered."},
        "cancelled": {"date_cancelled": NOW},
        "failed": {
            "exc_name": "odoo.addons.queue_job.exception.FailedJobError",
            "exc_message": REFUSED,
            "exc_info": f"Traceback (most recent call last):\n{REFUSED}",
            "retry": 3,
        },
    }
    values = {"state": state, **dates.get(state, {})}
    columns = ", ".join(f"{name} = %s" for name in values)
    env.cr.execute(
        f"UPDATE queue_job SET {columns} WHERE id = %s", (*values.values(), job.id)
    )
    env.invalidate_all()


def make_deliveries(env, crm, warehouse):
    synced = env["res.partner"].search([("name", "=", "Synced")])
    failed = env["res.partner"].search([("name", "=", "Failed")])
    job = env["queue.job"].search([("sync_res_id", "=", failed.id)], limit=1)
    common = {"date": NOW, "duration": 0.125, "request_body": '{"name": "Synced"}'}
    success = {**common, "state": "success", "status": "200", "res_id": synced.id}
    kinds = env["sync.delivery"]._fields["error_kind"].get_values(env)
    env["sync.delivery"].create(
        [
            *(
                {
                    **success,
                    "stream_id": crm.id,
                    "operation": operation,
                    "request": "PUT http://127.0.0.1:9/api/contacts/C-1",
                    "response": '{"id": "C-1"}',
                }
                for operation in ("upsert", "delete", "mark")
            ),
            {
                **success,
                "stream_id": crm.id,
                "operation": "upsert",
                "request": "POST http://127.0.0.1:9/api/contacts",
                "warning": words.Sentence("The answer has no ID."),
            },
            {
                **success,
                "stream_id": warehouse.id,
                "operation": "upsert",
                "request": SQL,
                "status": "00000",
            },
            *(
                {
                    **common,
                    "stream_id": crm.id,
                    "res_id": failed.id,
                    "operation": "upsert",
                    "state": "failed",
                    "status": "422",
                    "job_uuid": job.uuid,
                    "request": "POST http://127.0.0.1:9/api/contacts",
                    "response": '{"error": "email: is none"}',
                    "error": words.Sentence(REFUSED),
                    "error_kind": kind,
                }
                for kind in kinds
            ),
        ]
    )
    env.cr.commit()


def make_incidents(env, streams):
    """Let there be an incident of each kind, open and over."""
    crm, paused, down, copy, gone = streams
    kinds = {
        "manual": paused,
        "outage": down,
        "copy": copy,
        "settings": gone,
    }
    for kind, stream in kinds.items():
        values = {
            "backend_id": stream.backend_id.id,
            "kind": kind,
            "opened": NOW - timedelta(hours=1),
            "reason": words.Sentence("Connection refused."),
        }
        if kind == "settings":
            values.update(stream_id=stream.id, setting="address")
        if kind == "manual":
            values["opened_uid"] = env.ref("base.user_admin").id
        env["sync.incident"].create(values)
        over = {"backend_id": crm.backend_id.id, "stream_id": False, "closed": NOW}
        env["sync.incident"].create({**values, **over})
    env.cr.commit()


def make_backfills(env, *streams):
    states = env["sync.backfill"]._fields["state"].get_values(env)
    for number, state in enumerate(states):
        # a synchronization has one that is open at most
        stream = streams[number % len(streams)]
        env["sync.backfill"].create(
            {
                "stream_id": stream.id,
                "state": state,
                "total": 40,
                "queued": 10 * number,
                "scope": "domain" if state == "stopped" else "all",
                "domain": "[('name', '!=', False)]",
                "ended": NOW if state in ("done", "cancelled") else False,
                "user_id": env.ref("base.user_admin").id,
            }
        )
    env.cr.commit()


def make_wizards(env):
    """Let the wizard that connects a system stand at each of its steps."""
    user = env["res.users"].search([("login", "=", "system")])
    setups = env["sync.setup"].with_user(user)
    for steps in range(len(setups._steps())):
        wizard = setups.create({"name": f"Shop {steps}", "transport": "rest"})
        for _step in range(steps):
            wizard.action_next()
            if wizard.step == "address":
                wizard.url = "http://127.0.0.1:9/api"
    setups.create({}).action_choose("queue_job_sync/webhook")
    env["sync.connection.test"].with_user(user).sudo().create(
        {
            "backend_id": env["sync.backend"].search([], limit=1).id,
            "answer": "GET / answered 404 Not Found",
            "findings": [
                ("Contacts", outcome, "GET /contacts answered 200 OK")
                for outcome in ("fails", "untold", "works")
            ],
        }
    )
    env.cr.commit()


def make_gone(env, streams):
    """Let a model be uninstalled of which something is waiting, or was delivered."""
    gone = streams[-1]
    contact = env["res.partner"].search([("name", "=", "Synced")])
    of_record = {"stream_id": gone.id, "res_id": contact.id}
    env["sync.binding"].create({**of_record, "external_id": "7", "last_success": NOW})
    env["sync.outbox"].create({**of_record, "operation": "upsert"})
    env["sync.delivery"].create(
        {**of_record, "operation": "upsert", "state": "success", "date": NOW}
    )
    env.flush_all()
    env.cr.execute(
        "UPDATE sync_stream SET model_id = NULL, model_name = 'sale.order'"
        " WHERE id = %s",
        (gone.id,),
    )
    env.invalidate_all()
    env.registry.clear_cache()
    env.cr.commit()


def make_plain_screens(env):
    """Make screens of Odoo's own fields and styles, with nothing of the addon's."""
    make_plain(env, "plain", PLAIN_LIST, PLAIN_FORM)
    make_plain(env, "plain_dialog", PLAIN_DIALOG, target="new")
    env.cr.commit()


def make_plain(env, name, *archs, **values):
    views = env["ir.ui.view"].create(
        [{"name": name, "model": "res.users", "arch": arch} for arch in archs]
    )
    action = env["ir.actions.act_window"].create(
        {
            "name": name,
            "res_model": "res.users",
            "view_ids": [
                Command.create({"view_mode": view.type, "view_id": view.id})
                for view in views
            ],
            **values,
        }
    )
    env["ir.model.data"].create(
        {
            "module": "queue_job_sync_screens",
            "name": name,
            "model": action._name,
            "res_id": action.id,
        }
    )
