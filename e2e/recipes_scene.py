# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The Odoo in which recipes are judged: one database, a system for each judge."""

import json
from ast import literal_eval
from contextlib import ExitStack
from dataclasses import dataclass, field

from e2e.recipes_judges import PLAIN
from support import configure, scratch_odoo
from support.databases import query
from support.environment import paths
from support.judges.judge import SPECIFICATION

RECIPES = paths.ROOT / "recipes"
ADDON = paths.ADDON
CHANNELS = "root:4"
WORKERS = 5
OPEN = """
    SELECT j.state FROM sync_outbox o LEFT JOIN queue_job j ON j.uuid = o.job_uuid
     WHERE o.stream_id = %s AND o.res_id = ANY(%s)
"""
REASON = """
    SELECT j.exc_message FROM sync_outbox o JOIN queue_job j ON j.uuid = o.job_uuid
     WHERE o.stream_id = %s AND o.res_id = %s ORDER BY o.id DESC LIMIT 1
"""
KNOWN = "SELECT external_id FROM sync_binding WHERE stream_id = %s AND res_id = %s"
STATE = """
    SELECT reason FROM sync_incident WHERE closed IS NULL AND backend_id = %s
"""
# Copies recipes as the guided set-up does, in Odoo's own shell: what a recipe asks for
# is answered, and its system then moved to the judge's address.
COPY = '''
import json
from urllib.parse import urlsplit

def moved(url, origin):
    """The same path at another host."""
    return origin + urlsplit(url).path.rstrip("/")

made = []
for each in json.loads({wanted!r}):
    system = env["sync.backend"].create({{"name": each["title"], "transport": "rest"}})
    for name, value in each["secrets"].items():
        system.set_secret(name, value)
    streams, _left_out = env["sync.recipe"]._copy_to(
        system, each["key"], each["answers"]
    )
    values = {{"url": moved(system.url, each["origin"])}}
    for name in ("oauth_token_url", "oauth_authorize_url"):
        if system[name]:
            values[name] = moved(system[name], each["origin"])
    system.write(values)
    made.append([system.id, streams[0].id])
env.cr.commit()
print(json.dumps(made))
'''


@dataclass
class Connected:
    """A synchronization of the scene.

    :param word: in each of its contacts, and only there
    :param recipe_says: settings that the trial has to know
    """

    backend_id: int
    stream_id: int
    word: str
    recipe_says: dict = field(default_factory=dict)


class Scene:
    """A running Odoo with the addon; use it as a context manager."""

    def __init__(self):
        self._open = ExitStack()
        self.server = None
        self._admin = None

    def __enter__(self):
        name = self._open.enter_context(scratch_odoo.database("recipes", addon=True))
        self._name = name
        return self

    def __exit__(self, *_exception):
        self._open.close()

    def serve(self):
        """Start the server, when everything is set up."""
        log = paths.LOGS / "recipes.log"
        self.server = self._open.enter_context(
            scratch_odoo.serving(
                self._name, log, keep_log=False, channels=CHANNELS, workers=WORKERS
            )
        )
        self._admin = configure.log_in(self.server)

    def copy(self, pairs):
        """Make a system of each recipe, at the address of its judge.

        :param pairs: of a recipe's file and a running judge
        :return: ids of system and synchronization, in the order of the pairs
        """
        wanted = [_wanted(name, judge) for name, judge in pairs]
        code = COPY.format(wanted=json.dumps(wanted))
        printed = scratch_odoo.shell(self._name, code)
        return json.loads(printed.strip().splitlines()[-1])

    def connect(self, ids, name, judge, number):
        """Let a synchronization that was copied go live, for contacts of its own.

        :param ids: of system and synchronization
        :param number: tells it from the others
        :return: :class:`Connected`
        """
        backend_id, stream_id = ids
        word = f"r{number:02}x"
        values = {"state": "live", "max_retries": 2, "retry_pattern": "{1: 1}"}
        if name == PLAIN:
            says = {"domain": "[]"}
        else:
            says = self._said(stream_id, name)
        if judge.kind == SPECIFICATION:
            # it keeps nothing that could be found there
            values["already_there"] = False
        domain = [*literal_eval(says["domain"]), ("ref", "=", word)]
        self._admin.write("sync.stream", stream_id, {**values, "domain": repr(domain)})
        return Connected(backend_id, stream_id, word, says)

    def _said(self, stream_id, name):
        fields = ["domain", "id_policy", "already_there", "many_size"]
        (said,) = self._admin.search_read("sync.stream", [("id", "=", stream_id)], fields)
        part = recipe(name)["synchronizations"][0]
        find = json.dumps(part["requests"].get("find", {}))
        return {
            **said,
            "many_update": "many_update" in part["requests"],
            "found_by_name": "mail" not in find.replace("mail_", ""),
        }

    def connect_plainly(self, judge):
        """Make a system without a recipe, by the fields of its form.

        :return: ids of system and synchronization
        """
        stream_id, _answer = configure.make_contact_stream(
            self._admin,
            {"name": judge.name, "transport": "rest", "url": judge.url},
            {
                "name": "Contacts",
                "endpoint": "contacts",
                "id_policy": "destination",
                "update_method": "put",
                "delete_policy": "delete",
                "domain": "[('ref', '=', 'nobody')]",
            },
            {"name": "name", "email": "email", "phone": "phone", "city": "city"},
        )
        domain = [("id", "=", stream_id)]
        (stream,) = self._admin.search_read("sync.stream", domain, ["backend_id"])
        return stream["backend_id"][0], stream_id

    # -- contacts -----------------------------------------------------------------

    def create(self, values):
        """Create contacts in one transaction.

        :return: their ids
        """
        return self._admin.call("res.partner", "create", vals_list=values)

    def write(self, contacts, values):
        """Change contacts in one transaction."""
        self._admin.call("res.partner", "write", contacts, vals=values)

    # -- what Odoo tells ----------------------------------------------------------

    def open_states(self, connected, contacts):
        """Return the states of the jobs of what is not delivered yet."""
        rows = query(self._name, OPEN, connected.stream_id, contacts)
        return {state for (state,) in rows}

    def reason(self, connected, contact):
        """Return why a contact was not delivered."""
        rows = query(self._name, REASON, connected.stream_id, contact)
        return rows[0][0] or "" if rows else ""

    def known_id(self, connected, contact):
        """Return the id that Odoo knows of a contact, None without one."""
        rows = query(self._name, KNOWN, connected.stream_id, contact)
        return rows[0][0] if rows else None

    def state(self, connected):
        """Return what holds a system up, or "free"."""
        rows = query(self._name, STATE, connected.backend_id)
        return "; ".join(str(reason) for (reason,) in rows) or "free"


def recipe(name):
    """Return a recipe of the addon.

    :param name: of its file
    """
    return json.loads((RECIPES / f"{name}.json").read_text())


def _wanted(name, judge):
    """Return what is answered to a recipe's questions."""
    answers, secrets = {}, {}
    for ask in recipe(name)["ask"]:
        if ask["kind"] == "secret":
            secrets[ask.get("secret", "auth_secret")] = judge.secret
        elif ask["name"] in judge.answers:
            answers[ask["name"]] = judge.answers[ask["name"]]
        elif ask["kind"] == "host" and ask.get("ends_with"):
            answers[ask["name"]] = f"judge.{ask['ends_with'][0]}"
        else:
            answers[ask["name"]] = ask.get("example") or "judge.example.com"
    refresh = getattr(judge, "refresh_token", None)
    if refresh and recipe(name)["system"]["auth"] == "oauth_code":
        # as if somebody had connected it
        secrets["oauth_refresh_token"] = refresh
    return {
        "title": judge.name,
        "key": f"{ADDON}/{name}",
        "origin": judge.url,
        "answers": answers,
        "secrets": secrets,
    }
