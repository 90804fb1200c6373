# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The CRM, the warehouse and the SMTP sink do what the other tests count on."""

import smtplib
import time
from contextlib import closing
from email.message import EmailMessage

import psycopg2
import pytest
import requests

from support import databases
from support.destinations.crm_process import Crm
from support.processes import free_port, port_is_free

ADA = {"name": "Ada", "email": "ada@example.com", "tags": ["vip"]}


@pytest.fixture
def api(crm):
    """A function that sends one request to the CRM and returns the response."""

    def send(method, path="", key=None, token=crm.token, **options):
        headers = {"Authorization": f"Bearer {token}"}
        if key:
            headers["Idempotency-Key"] = key
        return requests.request(
            method, crm.url + path, headers=headers, timeout=5, **options
        )

    return send


def test_crm_keeps_a_contact(api, crm):
    created = api("POST", "/contacts", json=ADA)
    assert created.status_code == 201
    contact = created.json()["id"]
    assert api("GET", f"/contacts/{contact}").json() == {**ADA, "id": contact}

    assert api("PATCH", f"/contacts/{contact}", json={"tags": []}).ok
    assert crm.contacts()[contact] == {**ADA, "tags": [], "id": contact}
    assert api("PUT", f"/contacts/{contact}", json={"name": "Ada L."}).ok
    assert crm.contacts()[contact] == {"name": "Ada L.", "id": contact}

    assert api("DELETE", f"/contacts/{contact}").status_code == 204
    assert api("GET", f"/contacts/{contact}").status_code == 404
    assert api("PUT", f"/contacts/{contact}", json=ADA).status_code == 404
    assert crm.contacts() == {}


def test_crm_never_reuses_an_id(api):
    first = api("POST", "/contacts", json=ADA).json()["id"]
    api("DELETE", f"/contacts/{first}")
    assert api("POST", "/contacts", json=ADA).json()["id"] != first


def test_crm_finds_by_email(api):
    contact = api("POST", "/contacts", json=ADA).json()
    api("POST", "/contacts", json={"name": "Grace"})
    found = api("GET", "/contacts", params={"email": "ADA@example.com"})
    assert found.json() == {"contacts": [contact]}
    assert api("GET", "/contacts", params={"email": "x@y"}).json() == {"contacts": []}
    assert api("GET", "/contacts", params={"mail": "x"}).status_code == 400
    assert len(api("GET", "/contacts").json()["contacts"]) == 2


@pytest.mark.parametrize("where", ["text", "field", "header", "nowhere"])
def test_crm_refuses_a_second_one(tmp_path, where):
    with Crm(tmp_path, unique=where) as crm:
        headers = {"Authorization": f"Bearer {crm.token}"}

        def create(content):
            url = f"{crm.url}/contacts"
            return requests.post(url, json=content, headers=headers, timeout=5)

        first = create(ADA).json()["id"]
        refusal = create({"name": "Ada", "email": "Ada@Example.com"})
        assert refusal.status_code == 409
        body = refusal.json()
        assert "already exists" in body["error"]
        assert (f"Existing ID: {first}" in body["error"]) == (where == "text")
        assert body.get("existing") == ({"id": first} if where == "field" else None)
        address = f"/api/contacts/{first}" if where == "header" else None
        assert refusal.headers.get("Location") == address
        assert create({"name": "Grace"}).status_code == 201
        assert len(crm.contacts()) == 2


def test_crm_has_versions(tmp_path):
    with Crm(tmp_path, versions=True) as crm:

        def send(method, path, match=None, **options):
            headers = {"Authorization": f"Bearer {crm.token}"}
            if match:
                headers["If-Match"] = match
            url = f"{crm.url}{path}"
            return requests.request(method, url, headers=headers, timeout=5, **options)

        created = send("POST", "/contacts", json=ADA)
        path, first = f"/contacts/{created.json()['id']}", created.headers["ETag"]
        assert send("GET", path).headers["ETag"] == first
        assert send("PUT", path, json={"name": "Grace"}).status_code == 428
        changed = send("PUT", path, first, json={"name": "Grace"})
        assert changed.headers["ETag"] != first
        assert send("PATCH", path, first, json={"name": "Ada"}).status_code == 412
        assert send("DELETE", path, first).status_code == 412
        assert send("DELETE", path, changed.headers["ETag"]).status_code == 204


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"json": {"name": " "}}, 422),
        ({"json": {"name": "Ada", "email": "nowhere"}}, 422),
        ({"data": "{"}, 400),
        ({"json": ["Ada"]}, 400),
        ({"json": ADA, "token": "wrong"}, 401),
        ({"data": b"x" * 1_000_001}, 413),
    ],
)
def test_crm_refuses(api, crm, options, status):
    response = api("POST", "/contacts", **options)
    assert response.status_code == status
    assert response.json()["error"]
    assert crm.contacts() == {}
    assert [entry["status"] for entry in crm.journal()] == [status]


def test_crm_replays_its_first_answer(api, crm):
    first = api("POST", "/contacts", key="k1", json=ADA)
    again = api("POST", "/contacts", key="k1", json=ADA)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(crm.contacts()) == 1

    other = api("POST", "/contacts", key="k1", json={"name": "Bob"})
    assert other.status_code == 422
    assert len(crm.contacts()) == 1
    assert [entry["replayed"] for entry in crm.journal()] == [False, True, False]


def test_crm_does_not_replay_a_refusal(api):
    assert api("PUT", "/contacts/C-1", key="k1", json=ADA).status_code == 404
    assert api("POST", "/contacts", key="k1", json=ADA).status_code == 201


def test_crm_journals_what_it_was_sent(api, crm):
    before = time.time()
    contact = api("POST", "/contacts", key="k1", json=ADA).json()["id"]
    (entry,) = crm.journal()
    assert before <= entry.pop("time") <= time.time()
    assert entry == {
        "number": 1,
        "method": "POST",
        "path": "/api/contacts",
        "key": "k1",
        "body": ADA,
        "status": 201,
        "replayed": False,
        "answered": 201,
        "contact": contact,
    }
    assert crm.token not in crm.data.read_bytes().decode("latin-1")


def test_crm_comes_back_with_everything(api, crm):
    created = api("POST", "/contacts", key="k1", json=ADA)
    port = crm.port
    crm.stop()
    with pytest.raises(requests.ConnectionError):
        api("GET")
    crm.start()
    assert crm.port == port
    assert api("GET").json()["contacts"] == 1
    assert api("POST", "/contacts", key="k1", json=ADA).json() == created.json()


def test_warehouse_takes_rows_from_its_role_only(warehouse):
    before = time.time()
    with closing(
        psycopg2.connect(
            dbname=warehouse.name, user=warehouse.user, password=warehouse.password
        )
    ) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(
            "INSERT INTO contacts (odoo_id, name, tags) VALUES (7, 'Ada', %s)",
            (["vip"],),
        )
        cursor.execute("UPDATE contacts SET deleted = true")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("DELETE FROM journal")
    row = warehouse.contacts()[7]
    assert (row["name"], row["tags"], row["deleted"]) == ("Ada", ["vip"], True)
    journal = warehouse.journal()
    assert [(e["operation"], e["content"]["deleted"]) for e in journal] == [
        ("INSERT", False),
        ("UPDATE", True),
    ]
    assert before - 1 <= journal[0]["time"] <= journal[1]["time"] <= time.time() + 1


def test_a_database_of_somebody_else_is_never_dropped(warehouse):
    with closing(psycopg2.connect(dbname="postgres")) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"COMMENT ON DATABASE {warehouse.name} IS 'mine'")
        with pytest.raises(databases.NotOurs):
            warehouse.create()
        assert warehouse.contacts() == {}
        cursor.execute(f"COMMENT ON DATABASE {warehouse.name} IS %s", (databases.MARK,))


def test_smtp_sink_parses_what_it_gets(smtp_sink):
    message = EmailMessage()
    message["Subject"] = "Job failed: Ünïcode"
    message["From"], message["To"] = "odoo@example.com", "jo@example.com"
    message.set_content("plain")
    message.add_alternative(
        '<p><a class="x" href="http://h/odoo?a=1&amp;b=2">Open</a></p>', subtype="html"
    )
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port, timeout=5) as client:
        client.send_message(message, to_addrs=["jo@example.com", "al@example.com"])
    (mail,) = smtp_sink.mails()
    assert mail.subject == "Job failed: Ünïcode"
    assert mail.recipients == ("jo@example.com", "al@example.com")
    assert mail.text.strip() == "plain"
    assert mail.links == ("http://h/odoo?a=1&b=2",)


def test_ports_are_seen_taken(smtp_sink):
    assert not port_is_free(smtp_sink.port)
    assert port_is_free(free_port())
