# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Recipes before their judges, what docs/systems.md says of it, and the judges."""

import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import requests

from e2e import (
    recipes_arguments,
    recipes_cases,
    recipes_judges,
    recipes_scene,
    recipes_table,
)
from e2e.leftovers import leaving_nothing
from support.environment import specs
from support.judges.crm import HubSpot, Salesforce
from support.judges.helpdesk import Slack
from support.judges.judge import CASES, DOUBLE, SPECIFICATION, Odd
from support.judges.stores import PostgRest

ROOT = Path(__file__).parents[1]
RECIPES_COMMAND = ROOT / "e2e" / "recipes"
SPECS_COMMAND = ROOT / "dev" / "specs"
WHOLE_RUN = 400  # seconds; about 60 on a quiet machine with two cores


def test_recipes_do_what_the_page_says():
    with leaving_nothing(RECIPES_COMMAND) as recipes:
        process = recipes()
        output, errors = process.communicate(timeout=WHOLE_RUN)
    result = json.loads(output.splitlines()[-1])
    said = {(row["name"], row["judge"]): row for row in recipes_table.read()}
    assert result["recipes"]
    for row in result["recipes"]:
        assert list(row) == ["name", "judge", *CASES, "ok"]
        assert said.get((row["name"], row["judge"])) == row, output
    ok = all(row["ok"] for row in result["recipes"])
    assert (result["ok"], process.returncode) == (ok, 0 if ok else 1), errors


def test_every_recipe_has_a_judge_and_a_row():
    files = recipes_scene.names()
    assert files == recipes_judges.JUDGES.keys() - recipes_judges.without_recipe()
    titles = {recipes_scene.recipe(each)["name"] for each in files}
    assert titles <= {row["name"] for row in recipes_table.read()}


def reached():
    """Return the rows of what can be reached: system, before, now, why and read."""
    lines = recipes_table.PAGE.read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in rows if len(row) == 5][2:]


def test_the_page_says_what_was_read_for_each_recipe():
    found = {row[0]: row[4] for row in reached()}
    for name in recipes_scene.names():
        recipe = recipes_scene.recipe(name)
        assert found[recipe["name"]] == recipe["specification"]["read"], name


def test_the_page_counts_what_can_be_reached():
    rows = reached()
    before, now = (Counter(row[column] for row in rows) for column in (1, 2))
    text = " ".join(recipes_table.PAGE.read_text().split())
    (sentences,) = re.findall(r"Of these \d+ systems .*? \d+ are not reached\.", text)
    without_removal, without_change = "without removal", "without a changed address"
    counted = [before["yes"], before[without_removal]]
    counted += [now["yes"], now[without_change], now["no"]]
    assert [*map(int, re.findall(r"\d+", sentences))] == [len(rows), *counted]
    assert before.keys() <= {"yes", "no", without_removal}
    assert now.keys() <= {"yes", "no", without_change}
    assert len({row[0] for row in rows}) == len(rows) >= 46
    assert now["yes"] >= 40
    assert {row[4] for row in rows} == {"whole", "part"}


def test_the_table_tells_what_is_a_double():
    double, file = HubSpot(), recipes_judges.chosen(["hubspot"], True)
    row = recipes_table.row_of("HubSpot", double, {"create": "passed"})
    assert row["judge"] == "double: HubSpot"
    assert (row["create"], row["many"], row["ok"]) == ("passed", None, True)
    failed = recipes_table.row_of("HubSpot", double, {"create": "failed"})
    nothing = recipes_table.row_of("HubSpot", double, {})
    assert (failed["ok"], nothing["ok"]) == (False, False)
    text = recipes_table.as_text([row, failed])
    assert text.splitlines()[0].split()[:4] == ["recipe", "create", "update", "no-op"]
    pairs, left_out = file
    kinds = {judge.kind for _name, judge in pairs}
    assert kinds == {DOUBLE} | ({SPECIFICATION} if not left_out else set())


def test_the_page_takes_the_table(tmp_path, monkeypatch):
    page = tmp_path / "systems.md"
    page.write_text(recipes_table.PAGE.read_text())
    monkeypatch.setattr(recipes_table, "PAGE", page)
    row = recipes_table.row_of("HubSpot", HubSpot(), {"create": "passed"})
    rows = [row, {**row, "update": "failed", "ok": False}]
    recipes_table.write(rows)
    assert recipes_table.read() == rows
    before = recipes_table.PAGE.read_text()
    recipes_table.write(rows)
    assert recipes_table.PAGE.read_text() == before


def test_only_a_whole_run_is_written_down():
    for arguments in (["--write"], ["--write", "--all", "hubspot"]):
        with pytest.raises(SystemExit):
            recipes_arguments.parse(arguments)


# -- the judges --------------------------------------------------------------------


class Asking:
    """Sends requests to a judge as its users do."""

    def __init__(self, judge, **headers):
        self.judge, self._headers = judge, headers

    def __call__(self, method, path, **options):
        headers = {**self._headers, **options.pop("headers", {})}
        url = self.judge.url + path
        return requests.request(method, url, headers=headers, timeout=5, **options)


@pytest.fixture
def hubspot():
    """A function that asks a double of HubSpot."""
    with HubSpot() as judge:
        yield Asking(judge, Authorization=f"Bearer {judge.secret}")


CONTACTS = "/crm/v3/objects/contacts"


def test_a_double_keeps_and_tells(hubspot):
    ada = {"properties": {"email": "ada@example.com", "lastname": "Ada"}}
    made = hubspot("POST", CONTACTS, json=ada)
    assert made.status_code == 201
    record_id = made.json()["id"]
    assert list(hubspot.judge.held("ada@example.com")) == [record_id]
    again = hubspot("POST", CONTACTS, json=ada)
    assert again.status_code == 409
    assert again.json()["message"].endswith(f"Existing ID: {record_id}")
    assert hubspot("DELETE", f"{CONTACTS}/{record_id}").status_code == 204
    assert hubspot.judge.held("ada@example.com") == {}
    assert [entry.status for entry in hubspot.judge.journal] == [201, 409, 204]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"email": "ada@example.com"}, {}, 201),  # an envelope that is missing
        ({"properties": {"email": "nobody"}}, {}, 400),
        ({"properties": {"e_mail": "ada@example.com"}}, {}, 400),
        ({"properties": {"lastname": None}}, {}, 400),
        ({"properties": {}}, {"Authorization": "Bearer wrong"}, 401),
    ],
)
def test_a_double_refuses(hubspot, body, headers, status):
    answer = hubspot("POST", CONTACTS, json=body, headers=headers)
    assert answer.status_code == status
    # without its envelope nothing of it is there
    assert hubspot.judge.held("ada@example.com") == {}


def test_a_double_gives_tokens_once():
    with Salesforce() as judge:
        ask = Asking(judge)
        form = {"grant_type": "refresh_token", "refresh_token": judge.refresh_token}
        client = {"client_id": judge.client, "client_secret": judge.secret}
        first = ask("POST", judge.token_path, data={**form, **client})
        assert first.json()["refresh_token"] == judge.refresh_token
        again = ask("POST", judge.token_path, data={**form, **client})
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        wrong = ask("POST", judge.token_path, data={**form, "client_id": "x"})
        assert wrong.status_code == 401
        path = "/services/data/v67.0/sobjects/Contact/1"
        assert ask("GET", path).status_code == 401
        token = first.json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert ask("GET", path, headers=headers).status_code == 404


def test_a_double_says_no_as_its_vendor_does():
    with Slack() as judge:
        ask = Asking(judge, Authorization=f"Bearer {judge.secret}")
        answer = ask("POST", "/api/chat.postMessage", json={"channel": "elsewhere"})
        assert answer.status_code == 200
        assert answer.json() == {"ok": False, "error": "channel_not_found"}
    with PostgRest() as judge:
        ask = Asking(judge, Authorization=f"Bearer {judge.secret}")
        prefer = {"Prefer": "return=representation"}
        path = f"{judge.base}?id=eq.7"
        answer = ask("PATCH", path, json={"name": "Ada"}, headers=prefer)
        assert (answer.status_code, answer.json()) == (200, [])


# -- a trial can fail --------------------------------------------------------------


class Doing:
    """A scene in which nothing is delivered, or all that a function says is."""

    def __init__(self, judge, deliver):
        self._judge, self._deliver = judge, deliver
        self.contacts = {}

    def create(self, values):
        made = []
        for each in values:
            made.append(len(self.contacts) + 1)
            self.contacts[made[-1]] = dict(each)
            self._deliver(self._judge, self.contacts[made[-1]])
        return made

    def write(self, contacts, values):
        for contact in contacts:
            self.contacts[contact].update(values)
            self._deliver(self._judge, self.contacts[contact])

    def open_states(self, _connected, _contacts):
        return set()

    def reason(self, _connected, _contact):
        return ""

    def look_for_nothing(self, _connected):
        """It looks for nothing anyway."""

    def known_id(self, _connected, contact):
        return self.contacts[contact].get("known")

    def state(self, _connected):
        return "free"


class Says:
    """What a trial has to know of a synchronization."""

    word = "r01x"
    recipe_says = {"domain": "[]", "already_there": "find", "many_size": 10}


def _lose(_judge, _contact):
    """Deliver nothing, and say that all is well."""


def _always_anew(judge, contact):
    """Make a new record each time."""
    contact["known"] = judge.plant(contact["email"], contact["name"])


def _by_the_book(judge, contact):
    """Do what is right, but for several at once."""
    wrong = judge.odd and judge.odd.values.items() <= contact.items()
    held = {} if wrong else judge.held(contact["email"])
    for record_id in held:
        judge.records[record_id] = judge.planted(contact["email"], contact["name"])
        contact["known"] = record_id
    if contact.get("active") is False:
        judge.journal.append("removed")
        judge.records.pop(contact["known"])
    elif not held and not wrong:
        _always_anew(judge, contact)


@pytest.mark.parametrize(
    ("deliver", "passed"),
    [
        (_lose, {"noop"} - {"noop"}),
        (_always_anew, {"create"}),
        (_by_the_book, {"create", "update", "noop", "remove", "adopt"}),
    ],
)
def test_a_trial_tells_what_is_wrong(deliver, passed):
    judge = HubSpot()
    judge.odd = Odd({"email": "nobody"}, "is invalid")
    trial = recipes_cases.Trial(Doing(judge, deliver), Says(), judge)
    results = trial.run()
    found = {case for case, result in results.items() if result == "passed"}
    assert found - {"noop"} == passed - {"noop"}, trial.reasons
    assert results["refuse"] == results["many"] == "failed"
    assert set(trial.reasons) == set(results) - found


# -- vendors' own files -------------------------------------------------------------


def test_vendors_files_are_fetched(tmp_path, monkeypatch):
    """From repositories that are like theirs; the network is not asked."""
    monkeypatch.setattr(specs, "FETCHED", tmp_path / "specs")
    for spec in specs.SPECS:
        file = tmp_path / "hub" / spec.repository / spec.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(spec.name)
    for repository in {spec.repository for spec in specs.SPECS}:
        for command in (
            ["init", "--quiet"],
            ["add", "."],
            ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"],
        ):
            folder = tmp_path / "hub" / repository
            subprocess.run(["git", "-C", folder, *command], check=True)
    specs.main(["--from", f"file://{tmp_path / 'hub'}"])
    for spec in specs.SPECS:
        assert (tmp_path / "specs" / spec.name).read_text() == spec.name


def test_where_the_files_are_is_told():
    environment = {**os.environ, specs.VARIABLE: "/nowhere"}
    command = [SPECS_COMMAND, "--help"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert specs.VARIABLE in done.stdout
