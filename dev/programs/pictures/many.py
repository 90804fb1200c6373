# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Makes a company with 49 systems; runs within ``odoo shell``.

As in data.py, the answers are real: one CRM stands for all that are added here.
"""

import tempfile

from odoo import Command, fields

from odoo.addons.queue_job_sync.engine import words

from dev.programs.pictures import data
from support.destinations.crm_process import Crm

SYSTEMS = 49
KINDS = ("Shop", "Newsletter", "Accounting", "Helpdesk")
PLACES = (
    "Amsterdam",
    "Berlin",
    "Copenhagen",
    "Dublin",
    "Edinburgh",
    "Florence",
    "Geneva",
    "Helsinki",
    "Istanbul",
    "Jakarta",
    "Kyoto",
    "Lisbon",
)
# What becomes of the systems with these numbers; all others are up.
DOWN, PAUSED, REFUSED, WAITING = (4, 17), (9, 30), (2, 11, 26, 40), (6, 21)


def prepare(env):
    """Make what is missing, once."""
    missing = SYSTEMS - env["sync.backend"].search_count([])
    names = [f"{kind} {place}" for kind in KINDS for place in PLACES][:missing]
    if not names:
        return
    editor = env["res.users"].search([("login", "=", "sam")])
    admin_env = env(user=env.ref("base.user_admin"))
    with tempfile.TemporaryDirectory() as folder, Crm(folder) as crm:
        with data.example_names(crm.port):
            systems = [
                make_system(admin_env, name, crm.token, refused=number in REFUSED)
                for number, name in enumerate(names)
            ]
            sent_to = admin_env["sync.backend"].union(*systems)
            edit(env(user=editor), "Bristol")
            data.run_jobs(env, [("sync_backend_id", "in", sent_to.ids)])
            typo = {"name": "Hedy Lamarr", "email": "hedy(at)example.com"}
            tag = env["res.partner.category"].create({"name": "Mistyped"})
            env(user=editor)["res.partner"].create(
                {**typo, "category_id": [Command.link(tag.id)]}
            )
            data.run_jobs(env, [("sync_backend_id", "in", sent_to.ids)])
            edit(env(user=editor), "Bath")
            waiting = admin_env["sync.backend"].union(*(systems[n] for n in WAITING))
            others = sent_to - waiting
            data.run_jobs(env, [("sync_backend_id", "in", others.ids)])
    for number in PAUSED:
        systems[number].action_pause()
    for number in DOWN:
        env["sync.incident"].create(
            {
                "backend_id": systems[number].id,
                "kind": "outage",
                "opened": fields.Datetime.now(),
                "reason": words.Sentence("Connection refused by 192.0.2.1:443"),
            }
        )
    env.cr.commit()


def make_system(env, name, token, refused):
    """Create a system that is sent the contacts with a tag.

    :param bool refused: also one whose address is none
    :return: the ``sync.backend``
    """
    host = name.lower().replace(" ", "-")
    system = env["sync.backend"].create(
        {
            "name": name,
            "transport": "rest",
            "url": f"http://{host}.{data.DOMAIN}/api",
            "auth": "bearer",
        }
    )
    system.set_secret("auth_secret", token)
    data.make_stream(
        env, system, f"Contacts to {name}", data.MAPPING, endpoint="contacts"
    )
    tags = ["VIP", "Mistyped"] if refused else ["VIP"]
    system.stream_ids.domain = f"[('category_id.name', 'in', {tags})]"
    return system


def edit(env, city):
    """Edit all very important contacts, as one user does."""
    env["res.partner"].search([("category_id.name", "=", "VIP")]).city = city
    env.cr.commit()
