# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The Odoo in which recipes are judged: one database, a system for each judge."""

import json
import re
import threading
from ast import literal_eval
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from support import configure, scratch_odoo
from support.client import OdooClient, WebSession
from support.databases import query
from support.environment import paths
from support.judges.judge import SPECIFICATION

RECIPES = paths.ROOT / "recipes"
ADDRESSES = ("url", "oauth_token_url", "oauth_authorize_url")
READ = [*ADDRESSES, "auth", "oauth_scheme"]
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
        self._mine = threading.local()
        self._server = self._name = self._key = None

    def __enter__(self):
        name = self._open.enter_context(scratch_odoo.database("recipes", addon=True))
        log = paths.LOGS / "recipes.log"
        self._server = self._open.enter_context(
            scratch_odoo.serving(
                name, log, keep_log=False, channels=CHANNELS, workers=WORKERS
            )
        )
        self._name = name
        session = WebSession(self._server.url, name, *configure.ADMIN)
        self._key = session.make_api_key()
        return self

    def __exit__(self, *_exception):
        self._open.close()

    @property
    def _admin(self):
        """The administrator's ``OdooClient`` of this thread."""
        if not hasattr(self._mine, "admin"):
            self._mine.admin = OdooClient(self._server.url, self._name, self._key)
        return self._mine.admin

    # -- setting up ---------------------------------------------------------------

    def connect(self, name, judge, number):
        """Set up a recipe at the address of its judge, for contacts of its own.

        :param name: of the recipe's file, if it has one
        :param number: tells it from the others
        :return: :class:`Connected`
        """
        word = f"r{number:02}x"
        if judge.form:
            return self._connect_plainly(judge, word)
        backend_id, stream_id = self._copy(name, judge)
        says = self._said(stream_id, name)
        values = {"state": "live", "max_retries": 2, "retry_pattern": "{1: 1}"}
        domain = [*literal_eval(says["domain"]), ("ref", "=", word)]
        if judge.kind == SPECIFICATION:
            # it keeps nothing that could be found there
            values["already_there"] = False
        self._admin.write("sync.stream", stream_id, {**values, "domain": repr(domain)})
        return Connected(backend_id, stream_id, word, says)

    def _copy(self, name, judge):
        """Go through the guided set-up, and move the system to the judge's address.

        :return: ids of system and synchronization
        """
        answers, secrets = answered(name, judge)
        admin = self._admin
        wizard = admin.create("sync.setup", {})
        admin.call("sync.setup", "action_choose", [wizard], key=f"{paths.ADDON}/{name}")
        values = {"name": f"{judge.name} {judge.kind}", "recipe_answers": answers}
        admin.write("sync.setup", wizard, values)
        for secret, value in secrets.items():
            admin.call("sync.setup", "set_secret", [wizard], name=secret, value=value)
        admin.call("sync.setup", "action_next", [wizard])
        (made,) = admin.search_read(
            "sync.setup", [("id", "=", wizard)], ["backend_id", "stream_id"]
        )
        backend_id, stream_id = made["backend_id"][0], made["stream_id"][0]
        domain = [("id", "=", backend_id), ("active", "in", [True, False])]
        (system,) = admin.search_read("sync.backend", domain, READ)
        moved = {
            field: judge.url + urlsplit(system[field]).path.rstrip("/")
            for field in ADDRESSES
            if system[field]
        }
        # a judge bears more requests than its vendor does
        values = {**moved, "active": True, "rate_limit": 0}
        if judge.kind == SPECIFICATION and system["auth"].startswith("oauth"):
            # no tokens are given out there
            values |= {"auth": "bearer", "auth_scheme": system["oauth_scheme"]}
            configure.set_secret(admin, backend_id, "auth_secret", judge.secret)
        admin.write("sync.backend", backend_id, values)
        return backend_id, stream_id

    def _said(self, stream_id, name):
        fields = ["domain", "id_policy", "already_there", "many_size"]
        domain = [("id", "=", stream_id)]
        (said,) = self._admin.search_read("sync.stream", domain, fields)
        part = recipe(name)["synchronizations"][0]
        find = json.dumps(part["requests"].get("find", {}))
        return {
            **said,
            "many_update": "many_update" in part["requests"],
            "found_by_name": bool(
                re.search(r"\{(display|customer_?)name\b", find, re.I)
            ),
        }

    def _connect_plainly(self, judge, word):
        """Make a system without a recipe, by the fields of its form."""
        system, stream = judge.form
        if "auth" in system:
            system = {**system, "auth_secret": judge.secret}
        stream_id, _answer = configure.make_contact_stream(
            self._admin,
            {"name": judge.name, "transport": "rest", "url": judge.url, **system},
            {
                "name": "Contacts",
                "id_policy": "destination",
                "delete_policy": "delete",
                "domain": repr([("ref", "=", word)]),
                **stream,
            },
            {"name": "name", "email": "email", "phone": "phone", "city": "city"},
        )
        domain = [("id", "=", stream_id)]
        (made,) = self._admin.search_read("sync.stream", domain, ["backend_id"])
        says = {"domain": "[]", "already_there": stream.get("already_there")}
        return Connected(made["backend_id"][0], stream_id, word, says)

    def look_for_nothing(self, connected):
        """Let records be created without a search for what is there already."""
        self._admin.write("sync.stream", connected.stream_id, {"already_there": False})

    def disconnect(self, connected):
        """Send nothing more: each edit asks every synchronization that is live."""
        self._admin.write("sync.stream", connected.stream_id, {"state": "draft"})

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


def names():
    """Return the names of the files of the addon's recipes, as a set."""
    return {
        path.stem for path in RECIPES.glob("*.json") if ".schema" not in path.suffixes
    }


def recipe(name):
    """Return a recipe of the addon.

    :param name: of its file
    """
    return json.loads((RECIPES / f"{name}.json").read_text())


def answered(name, judge):
    """Return what is answered to a recipe's questions.

    :return: dict of answers, and of secrets, by name
    """
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
    return answers, secrets
