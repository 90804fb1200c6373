# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Contacts that the CRM has are found, or named by its refusals, and updated."""

import pytest
import requests

from support import configure, scratch_odoo
from support.destinations.crm_process import Crm
from support.processes import wait_until

SETTLE = 90  # seconds in which the CRM has to hold what Odoo has
COUNT = 12  # contacts that the CRM has, and as many that it has not
VERSIONS = {"version_where": "headers.ETag", "version_header": "If-Match"}
FIND = [(0, 0, {"kind": "find", "line": "GET contacts?email={email}"})]
WAYS = {
    "found": (
        None,
        {
            "already_there": "find",
            "found_where": "contacts[*].id",
            "request_ids": FIND,
            **VERSIONS,
        },
    ),
    "text": ("text", {"refusal_before": "Existing ID:", **VERSIONS}),
    # what the refusal names is looked at before
    "shown": (
        "text",
        {
            "refusal_before": "Existing ID:",
            "found_where": "contacts[*].id",
            "request_ids": FIND,
        },
    ),
    "field": ("field", {"refusal_where": "existing.id"}),
    "header": ("header", {"refusal_where": "headers.Location"}),
}


@pytest.fixture
def server():
    """A running Odoo with three workers and the runner, in a database of its own."""
    with scratch_odoo.installed("adoption") as running:
        yield running


def _address(number):
    return f"ada{number}@example.com"


def _fill(crm):
    """Have contacts in the CRM that Odoo knows nothing of; return their ids."""
    headers, ids = {"Authorization": f"Bearer {crm.token}"}, set()
    for number in range(COUNT):
        content = {"name": "Old", "email": _address(number).upper()}
        url = f"{crm.url}/contacts"
        answer = requests.post(url, json=content, headers=headers, timeout=5)
        ids.add(answer.json()["id"])
    return ids


def test_every_way(server, tmp_path):
    admin = configure.log_in(server)
    crms, before, streams = {}, {}, {}
    try:
        for way, (unique, values) in WAYS.items():
            versions = "version_where" in values
            options = {"unique": unique, "versions": versions, "honours_keys": False}
            crm = crms[way] = Crm(tmp_path, name=way, **options)
            crm.start()
            before[way] = _fill(crm)
            values = {"already_there": "refusal", **values}
            backend = {"name": f"CRM {way}", "repeats_are_safe": False}
            streams[way], _answer = configure.make_crm_stream(
                admin, crm, backend, {"name": way, **values}
            )
        contacts = [
            admin.create(
                "res.partner", {"name": f"Ada {number}", "email": _address(number)}
            )
            for number in range(2 * COUNT)
        ]
        _assert_all(admin, crms, before, streams, "Ada")
        # with the version that the answer had
        for number, contact in enumerate(contacts):
            admin.write("res.partner", contact, {"name": f"Grace {number}"})
        _assert_all(admin, crms, before, streams, "Grace")
        for contact in contacts:
            admin.call("res.partner", "unlink", ids=[contact])
        wait_until(
            lambda: not any(crm.contacts() for crm in crms.values()),
            SETTLE,
            "contacts are deleted",
        )
    finally:
        for crm in crms.values():
            crm.stop()


def _assert_all(admin, crms, before, streams, name):
    """Each contact is there once, as Odoo has it, under the id that it had."""
    expected = sorted((f"{name} {n}", _address(n)) for n in range(2 * COUNT))

    def there(crm):
        found = crm.contacts().values()
        return sorted((each["name"], each["email"]) for each in found)

    for way, crm in crms.items():
        wait_until(lambda crm=crm: there(crm) == expected, SETTLE, f"{way}: {name}")
        assert before[way] <= crm.contacts().keys()
        domain = [("stream_id", "=", streams[way])]

        def adopted(domain=domain):
            fields = ["external_id", "adopted", "version_token", "doubt"]
            bindings = admin.search_read("sync.binding", domain, fields)
            return len(bindings) == 2 * COUNT and bindings

        bindings = wait_until(adopted, SETTLE, "bindings")
        assert not [each for each in bindings if each["doubt"]]
        told = {each["external_id"] for each in bindings if each["adopted"]}
        assert told == before[way]
        versions = "version_where" in WAYS[way][1]
        assert {bool(each["version_token"]) for each in bindings} == {versions}
