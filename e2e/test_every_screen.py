# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Each screen opens, for whoever may see it, whatever the records are like.

In a browser: what fails in the web client's own code is seen by nothing else. Odoo's
clickbot goes through the menus, views and filters; a walk of ours opens each record,
page and dialog, applies each filter by itself, and lets axe-core look at all of it.
"""

import json
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import scratch_odoo
from support.browser import Browser
from support.client import OdooError, WebSession
from support.environment import axe, browser, paths

HERE = Path(__file__).parent
PASSWORD = "screens-password"
LOG = paths.LOGS / "test-every-screen.log"
ADDON = "queue_job_sync"
# Buttons that open something, and change nothing.
OPENING = (
    "action_backfill",
    "action_clarify",
    "action_delivery",
    "action_go_live",
    "action_jobs",
    "action_open_backfills",
    "action_open_doubts",
    "action_open_problems",
    "action_open_record",
    "action_open_streams",
    "action_open_undelivered",
    "action_options",
    "action_preview",
    "action_sync_status",
)
# Those of dialogs.
LEADING = ("action_options", "action_clarify", "action_jobs")
# And what else does.
CLICKS = (".o_sync_secret_set",)
# On a screen of ours, what is Odoo's as a whole; and on one of Odoo's, what is ours.
OTHERS = (".o_searchview", ".o-mail-Form-chatter")
PARTS = '[name*="sync"], [data-key="queue_job_sync"].app_settings_block'
SERVER = ("--load=base,web", "--max-cron-threads=0")
# What Odoo's own web client does wrong: the rule, where, why, and a screen of Odoo's
# on which it is found as well. Rule and place are looked for there too.
KNOWN = (
    ("aria-dialog-name", ".modal", "a dialog has a title, which it does not refer to"),
    ("aria-required-parent", ".o_notebook_headers .nav-link", "the tabs of a form"),
    ("scrollable-region-focusable", ".modal-body", "a long dialog of text alone"),
    ("label", ".o_list_record_selector input", "the box that selects a row"),
    ("button-name", ".o_optional_columns_dropdown button", "the choice of columns"),
    ("autocomplete-valid", ".o_select_menu_input", "a selection"),
    ("aria-allowed-attr", ".o-dropdown", "a selection"),
    ("aria-allowed-attr", ".o-autocomplete--input", "a link"),
    ("aria-allowed-attr", ".o_progress", "a bar of progress"),
    ("image-alt", ".o_m2o_avatar img", "a link with a picture"),
    # Odoo's colours, which it changes with its theme
    ("color-contrast", ".text-muted, .text-muted *", "what is of less interest"),
    ("color-contrast", ".text-bg-info, .text-bg-info *", "a badge"),
    ("color-contrast", ".text-bg-success, .text-bg-success *", "a badge"),
)
# Screens of Odoo's own, and one of Odoo's fields and styles alone.
ODOO = (
    "base.action_res_users",
    "base_setup.action_general_configuration",
    "queue_job_sync_screens.plain",
    "queue_job_sync_screens.plain_dialog",
)
# Fields whose every value must be among the records that are opened.
STATES = {
    "queue.job": "state",
    "sync.backfill": "state",
    "sync.binding": "state",
    "sync.delivery": "error_kind",
    "sync.incident": "kind",
    "sync.setup": "step",
    "sync.stream": "state",
}


@pytest.fixture(scope="module")
def server():
    """Odoo with a record of each kind; no job runs, so all stays as it is."""
    with scratch_odoo.database("every_screen", addon=True) as name:
        program = (HERE / "screen_data.py").read_text()
        scratch_odoo.shell(name, f"{program}\nprepare(env)\n")
        options = {"workers": 0, "options": SERVER, "standby": True}
        with scratch_odoo.serving(name, LOG, keep_log=False, **options) as running:
            yield running


class Walk:
    """One person's walk through the screens."""

    def __init__(self, server, login):
        self.session = WebSession(server.url, server.database, login, PASSWORD)
        self.server = server
        self.problems = []
        self.findings = {}
        self.known = set()
        self.counts = Counter()
        self.where = ""

    @contextmanager
    def browser(self, axe_too=True, everything=False):
        """Have a browser of this person's, with what walks in it.

        :param everything: what is not the addon's is looked at as well
        """
        session = self.session.session_id
        with Browser(browser.find(), self.server.url, session) as page:
            self.page = page
            page.listen("Runtime", "Log")
            page.show("/odoo")
            page.wait_for(".o_action_manager > *")
            page.evaluate(f"{axe.ensure().read_text()}; 0")
            page.evaluate((HERE / "screen_walk.js").read_text())
            options = {
                "axe": axe_too,
                "always": ("action_open_record", "action_sync_status"),
                "clicks": CLICKS,
                "all": everything,
                "known": [known[:2] for known in KNOWN],
                "leading": LEADING,
                "opening": OPENING,
                "others": () if everything else OTHERS,
                "parts": PARTS,
            }
            page.evaluate(f"window.walker = makeWalk({json.dumps(options)}); 0")
            yield self
            self.listen()

    def walk(self, name, request, context=()):
        """Walk through the screens of an action.

        :param request: what the web client's ``doAction`` takes
        """
        began = time.monotonic()
        asked = ", ".join(map(json.dumps, (name, request, dict(context))))
        result = self.page.evaluate(f"walker.walk({asked})", wait=True)
        self.problems += result["problems"]
        for finding in result["findings"]:
            key = finding["rule"], finding["html"]
            self.findings.setdefault(key, finding)
        self.known.update(result["known"])
        for kind in ("rows", "filters", "looks"):
            self.counts[kind] += result[kind]
        self.listen()
        self.tell(name, began)

    def tell(self, what, began):
        """Say how long something took."""
        print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)

    def click_everywhere(self, app):
        """Let Odoo's own clickbot go through the menus of an app."""
        began = time.monotonic()
        start = (
            "new Promise((done) => {"
            "  const log = console.log, error = console.error;"
            "  console.log = (...told) => { log(...told);"
            "    if (told[0] === 'clickbot test succeeded') done('') };"
            "  console.error = (...told) => { error(...told); done(String(told)) };"
            "  odoo.loader.modules.get('@web/webclient/clickbot/clickbot_loader')"
            f"    .startClickEverywhere({json.dumps(app)});"
            "})"
        )
        told = self.page.evaluate(start, wait=True)
        if told:
            self.problems.append(f"clickbot in {app}: {told}")
        self.listen()
        self.tell(f"clickbot in {app}", began)

    def listen(self):
        """Keep what the browser had to complain of."""
        for event in self.page.events():
            method, told = event["method"], event["params"]
            if method == "Runtime.consoleAPICalled":
                said = [str(a.get("value", a.get("description"))) for a in told["args"]]
                text = " ".join(said)
                if text.startswith(("walk: ", "Clicking on: ")):
                    self.where = text
                if told["type"] == "error":
                    self.problems.append(f"{self.where}: console: {text[:800]}")
            elif method == "Runtime.exceptionThrown":
                details = told["exceptionDetails"]
                said = details.get("exception", {}).get("description", details["text"])
                self.problems.append(f"{self.where}: exception: {said[:800]}")
            elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
                entry = told["entry"]
                self.problems.append(
                    f"{self.where}: {entry['text']} {entry.get('url', '')}"
                )

    def actions(self):
        """Return the window actions of the addon and of the queue.

        :return: dicts by full id, of what each is about
        """
        admin = WebSession(self.server.url, self.server.database, "system", PASSWORD)
        data = admin.call(
            "ir.model.data",
            "search_read",
            [
                ("module", "in", (ADDON, "queue_job")),
                ("model", "=", "ir.actions.act_window"),
            ],
            ["complete_name", "res_id"],
        )
        names = {each["res_id"]: each["complete_name"] for each in data}
        fields = ["res_model", "binding_model_id"]
        actions = admin.call("ir.actions.act_window", "read", list(names), fields)
        return {names[action["id"]]: action for action in actions}

    def may_open(self, model):
        try:
            return self.session.call(model, "has_access", [], "read")
        except OdooError:
            return False

    def records(self, model, domain=()):
        """Return the ids of the records of a domain."""
        return self.session.call(model, "search", list(domain), order="id")

    def context(self, name, action):
        """Return on what an action acts, as a button or a menu would say it."""
        model = None
        if action["binding_model_id"]:
            model = "queue.job"
        elif name.endswith("_of_backend") or name.endswith("sync_recover"):
            model = "sync.backend"
        elif name.endswith(("_of_stream", "_stream", "_live", "_start", "_preview")):
            model = "sync.stream"
        if not model:
            return {}
        ids = self.records(model)[:2]
        return {
            "active_model": model,
            "active_id": ids[0],
            "active_ids": ids,
            f"default_{model.removeprefix('sync.')}_id": ids[0],
        }

    def walk_contacts(self):
        """Walk through the contacts, and send some again."""
        self.walk("contacts", "contacts.action_contacts")
        ids = self.records("res.partner", [("category_id.name", "=", "Sent")])
        some = {"active_model": "res.partner", "active_id": ids[0], "active_ids": ids}
        self.walk("synchronize now", f"{ADDON}.action_sync_now", some)

    def unseen(self, seen):
        """Return the names of the addon's views that are not among those seen.

        :param seen: ids of views that were loaded
        """
        data = self.session.call(
            "ir.model.data",
            "search_read",
            [("module", "=", ADDON), ("model", "=", "ir.ui.view")],
            ["name", "res_id"],
        )
        names = {each["res_id"]: each["name"] for each in data}
        fields = ["type", "inherit_id", "mode", "arch_db"]
        views = self.session.call("ir.ui.view", "read", list(names), fields)
        # the server puts into a form what its lists refer to
        within = "".join(view["arch_db"] for view in views)
        return sorted(
            names[view["id"]]
            for view in views
            if view["type"] != "qweb"
            and _root(view) not in seen
            and f"_view_ref': '{ADDON}.{names[view['id']]}'" not in within
        )

    def report(self):
        """Fail if anything was wrong."""
        found = [
            f"axe {each['rule']} at {each['where']}: {each['html']}\n{each['why']}"
            for each in self.findings.values()
        ]
        assert self.counts["rows"], self.problems
        assert not self.problems + found, "\n".join(self.problems + found)


def test_the_records_are_in_every_state(server):
    session = WebSession(server.url, server.database, "system", PASSWORD)
    for model, name in STATES.items():
        field = session.call(model, "fields_get", [name], ["selection"])[name]
        domain = [("active", "in", (True, False))] if model == "sync.stream" else []
        found = session.call(model, "search_read", domain, [name])
        missing = {key for key, _label in field["selection"]} - {
            record[name] for record in found
        }
        assert not missing, (model, name)


@pytest.mark.parametrize("role", ["system", "manager"])
def test_who_manages_jobs_opens_every_screen(server, role):
    walk = Walk(server, role)
    with walk.browser(axe_too=role == "system"):
        walk.click_everywhere("queue_job.menu_queue_job_root")
        for name, action in walk.actions().items():
            if walk.may_open(action["res_model"]):
                walk.walk(name, name, walk.context(name, action))
        for each in walk.records("sync.setup") if role == "system" else ():
            walk.walk(f"set-up {each}", record_action("sync.setup", each))
        for each in walk.records("sync.connection.test") if role == "system" else ():
            walk.walk("test", record_action("sync.connection.test", each, "new"))
        walk.walk_contacts()
        walk.walk("companies", "base.action_res_company_form")
        seen = walk.page.evaluate("walker.views()")
    print(role, walk.counts)
    walk.report()
    if role == "system":
        assert walk.unseen(seen) == []


def test_back_office_opens_every_screen(server):
    walk = Walk(server, "clerk")
    with walk.browser():
        walk.click_everywhere("contacts.menu_contacts")
        walk.walk_contacts()
    walk.report()


def test_what_is_not_ours_is_so_on_screens_of_odoo(server):
    walk = Walk(server, "system")
    with walk.browser(everything=True):
        for name in ODOO:
            walk.walk(name, name)
    assert {" ".join(known[:2]) for known in KNOWN} - walk.known == set()


def test_nothing_of_it_is_an_error_of_the_server(server):
    text = server.log.read_text()
    assert "Traceback" not in text
    lines = [line for line in text.splitlines() if " ERROR " in line]
    assert lines == []


def _root(view):
    """Return the id of the view that a view is, or is a part of."""
    extends = view["mode"] == "extension"
    return view["inherit_id"][0] if extends else view["id"]


def record_action(model, record_id, target="current"):
    """Return what opens one record."""
    return {
        "type": "ir.actions.act_window",
        "res_model": model,
        "res_id": record_id,
        "views": [[False, "form"]],
        "target": target,
    }
