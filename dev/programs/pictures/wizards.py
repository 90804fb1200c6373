# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Goes through the dialogs that the pictures show; runs within ``odoo shell``.

What they show is what the systems answered. Only then are the addresses made examples.
"""

from odoo import Command

from support.environment import paths

SHOP, TABLE = "Web Shop", "Data Warehouse"
# Contacts of whom nothing is told: they make a backfill that takes some jobs.
MORE = 180
MAIL = paths.LOGS / "screenshots-mail.html"


def wizard_records(env):
    """Return the ids of what :func:`preview` and the others have made, by name."""
    setups = env["sync.setup"]
    steps = (("kind", SHOP), ("address", SHOP), ("check", SHOP), ("fields", TABLE))
    found = {
        f"setup_{step}": setups.search(
            [("step", "=", step), ("name", "=", name)], limit=1
        ).id
        for step, name in steps
    }
    return {
        **found,
        "preview": env["sync.preview"].search([], order="id", limit=1).id,
        "backfill": env["sync.backfill"].search([], limit=1).id,
        "mail": keep_mail(env),
    }


def preview(env, stream, contact):
    """Look what a job would send of a contact."""
    wizard = env["sync.preview"].create({"stream_id": stream.id, "res_id": contact.id})
    wizard.action_preview()
    _say_https(wizard, "request")


def set_up_rest(env, host, token):
    """Begin to connect a shop: to its kind, to its address and to the last step."""
    env["sync.setup"].create({"name": SHOP}).action_choose(False)
    values = {"url": f"http://{host}/api", "auth": "bearer"}
    for steps in (0, 3):
        wizard = _begin(env, SHOP, "rest", values, auth_secret=token)
        for _step in range(steps):
            wizard.action_next()
        wizard.backend_id.with_context(
            tracking_disable=True
        ).url = f"https://{host}/api"
        _say_https(wizard, "test_answer")
        _say_https(wizard.preview_id, "request")


def set_up_table(env, host, login, password):
    """Begin to connect a database, as far as its columns."""
    wizard = _begin(env, TABLE, "postgresql", login, db_password=password)
    wizard.action_next()
    wizard.write({"table": "public.contacts", "delete_policy": "mark"})
    wizard.action_next()
    wizard.backend_id.with_context(tracking_disable=True).db_host = host


def half_a_backfill(stream, run_jobs):
    """Send all contacts to a system, and stop looking half way.

    :param run_jobs: does the pending jobs of a domain, up to a limit
    """
    tag = stream.env["res.partner.category"].search([("name", "=", "Reseller")])
    stream.batch_size = 10
    stream.env["res.partner"].create(
        [
            {"name": f"Customer {number:03}", "category_id": [Command.link(tag.id)]}
            for number in range(1, MORE + 1)
        ]
    )
    domain = [("sync_backend_id", "=", stream.backend_id.id)]
    run_jobs(stream.env, domain)
    stream.env["sync.backfill"]._start(stream, resend=True)
    run_jobs(stream.env, domain)
    run_jobs(stream.env, domain, limit=9)


def keep_mail(env):
    """Keep the mail about the failed job as a page, and return its address."""
    # mails are dropped once they are sent; their message stays
    message = env["mail.message"].search(
        [("model", "=", "queue.job"), ("message_type", "=", "email_outgoing")],
        limit=1,
    )
    MAIL.write_text(f"<meta charset=utf-8>{message.body}")
    return MAIL.as_uri()


def _say_https(record, name):
    record[name] = (record[name] or "").replace("http://", "https://")


def _begin(env, name, transport, values, **secrets):
    """Return a set-up at the step of the address, which has been tested."""
    wizard = env["sync.setup"].create({"name": name, "transport": transport})
    wizard.action_choose(False)
    wizard.action_next()
    wizard.write(values)
    for secret, value in secrets.items():
        wizard.set_secret(secret, value)
    wizard.action_test()
    return wizard
