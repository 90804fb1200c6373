# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The destinations go wrong in the ways that the soak counts on."""

import json
import os
import socket
from contextlib import closing

import psycopg2
import pytest
import requests

from support.destinations.crm_faults import NOES
from support.destinations.crm_process import Crm
from support.destinations.tcp_proxy import TcpProxy
from support.processes import wait_until

ADA = {"name": "Ada"}


@pytest.fixture
def post(crm):
    """A function that sends a contact to the CRM and returns the response."""

    def send(key="k1", timeout=5):
        headers = {"Authorization": f"Bearer {crm.token}", "Idempotency-Key": key}
        url = f"{crm.url}/contacts"
        return requests.post(url, json=ADA, headers=headers, timeout=timeout)

    return send


def test_crm_refuses_for_a_while(post, crm):
    crm.misbehave("status", 60, status=429, retry_after=2)
    crm.stop()
    crm.start()  # it is no better for that
    response = post()
    assert (response.status_code, response.headers["Retry-After"]) == (429, "2")
    assert crm.contacts() == {}
    assert [entry["status"] for entry in crm.journal()] == [429]
    crm.behave()
    assert post().status_code == 201
    assert crm.faults() == {"crm_status_429": 1}


def test_crm_fault_ends_by_itself(post, crm):
    crm.misbehave("status", -1, status=500)
    assert post().status_code == 201
    assert crm.faults() == {}


def test_crm_loses_an_answer_and_refuses_what_asks_again(crm):
    headers = {"Authorization": f"Bearer {crm.token}"}

    def post(contact):
        body = {**ADA, "odoo_id": contact}
        key = {"Idempotency-Key": f"k{contact}"}
        url = f"{crm.url}/contacts"
        return requests.post(url, json=body, headers={**headers, **key}, timeout=5)

    crm.misbehave("renege", 60, status=422, match='"odoo_id": 7')
    assert post(8).status_code == 201
    with pytest.raises(requests.ConnectionError):
        post(7)
    assert len(crm.contacts()) == 2
    assert post(8).headers["Idempotent-Replayed"] == "true"
    assert post(7).status_code == 422
    crm.behave()
    assert post(7).headers["Idempotent-Replayed"] == "true"
    assert crm.faults() == {"crm_renege_422": 1, "crm_status_422": 1}


def test_crm_drops_an_answer_and_knows_the_key_afterwards(post, crm):
    crm.misbehave("drop", 60)
    with pytest.raises(requests.ConnectionError):
        post()
    assert len(crm.contacts()) == 1
    crm.behave()
    crm.stop()
    crm.start()
    again = post()
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert len(crm.contacts()) == 1


def test_crm_does_what_it_says_it_could_not(post, crm):
    crm.misbehave("lie", 60, status=500)
    assert post().status_code == 500
    assert len(crm.contacts()) == 1
    assert [entry["status"] for entry in crm.journal()] == [201]


def test_crm_answers_too_late(post, crm):
    crm.misbehave("late", 60, seconds=1)
    with pytest.raises(requests.ReadTimeout):
        post(timeout=0.3)
    assert len(crm.contacts()) == 1


def test_crm_does_not_carry_out_what_nobody_waits_for(post, crm):
    crm.misbehave("hang", 60, seconds=0.6)
    with pytest.raises(requests.ReadTimeout):
        post(timeout=0.2)
    (entry,) = wait_until(crm.journal, 5, "the request in the journal")
    assert entry["status"] == 499
    assert crm.contacts() == {}
    assert post().status_code == 201  # who waits is served


def said(crm):
    """What became of each request, and what the client was told."""
    return [(entry["status"], entry["answered"]) for entry in crm.journal()]


def test_crm_closes_the_connection_and_carries_nothing_out(post, crm):
    crm.misbehave("cut", 60)
    with pytest.raises(requests.ConnectionError):
        post()
    assert (crm.contacts(), said(crm)) == ({}, [(499, None)])


def test_crm_says_no_with_a_200(post, crm):
    crm.misbehave("error_in_200", 60)
    answers = [post() for _time in range(40)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == len(NOES)
    assert (crm.contacts(), {*said(crm)}) == ({}, {(422, 200)})
    crm.behave()
    assert post().status_code == 201  # its key has not been answered


def test_crm_is_behind_a_proxy_that_has_lost_the_way(post, crm):
    contact = post().json()["id"]
    crm.misbehave("lost_route", 60)
    headers = {"Authorization": f"Bearer {crm.token}"}
    url = f"{crm.url}/contacts/{contact}"
    known = requests.get(url, headers=headers, timeout=5)
    new = post("k2")
    assert (known.status_code, new.status_code) == (404, 404)
    assert known.text == new.text and "<html>" in new.text
    assert requests.get(crm.url, headers=headers, timeout=5).status_code == 200
    assert [*crm.contacts()] == [contact]


def test_crm_is_behind_a_firewall(post, crm):
    crm.misbehave("forbidden", 60, match="Ada")
    assert post().status_code == 403
    crm.behave()
    crm.misbehave("forbidden", 60, match="Eve")
    assert post().status_code == 201


@pytest.mark.parametrize("carried_out", [False, True])
def test_crm_is_still_at_work(post, crm, carried_out):
    crm.misbehave("in_progress", 60, carried_out=carried_out)
    assert post().status_code == 409
    assert len(crm.contacts()) == carried_out
    assert said(crm) == [(201 if carried_out else 409, 409)]
    crm.behave()
    assert post().status_code == 201
    assert len(crm.contacts()) == 1


def test_crm_accepts_and_carries_out_a_moment_later(post, crm):
    crm.misbehave("accepted", 60, seconds=0.3)
    response = post()
    assert (response.status_code, "id" in response.json()) == (202, False)
    assert (crm.contacts(), crm.promised()) == ({}, 1)
    wait_until(crm.contacts, 5, "the contact")
    assert (crm.promised(), said(crm)) == (0, [(202, 202), (201, 202)])
    crm.behave()
    again = post()
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert len(crm.contacts()) == 1


def test_crm_keeps_its_word_in_order(post, crm):
    contact = post().json()["id"]
    crm.misbehave("accepted", 60, seconds=60)
    headers = {"Authorization": f"Bearer {crm.token}"}
    url = f"{crm.url}/contacts/{contact}"
    gone = f"{crm.url}/contacts/C-0"
    assert requests.put(gone, json=ADA, headers=headers, timeout=5).status_code == 404
    for name in ("Eve", "Zoe"):
        done = requests.put(url, json={"name": name}, headers=headers, timeout=5)
        assert done.status_code == 202
    assert crm.contacts()[contact]["name"] == "Eve"
    crm.stop()
    crm.start()
    crm.behave()
    assert requests.delete(url, headers=headers, timeout=5).status_code == 204
    assert (crm.contacts(), crm.promised()) == ({}, 0)
    done = [entry["body"]["name"] for entry in crm.journal() if entry["status"] == 200]
    assert done == ["Eve", "Zoe"]


def test_shop_ignores_keys(tmp_path):
    with Crm(tmp_path, name="shop", honours_keys=False) as shop:
        headers = {"Authorization": f"Bearer {shop.token}", "Idempotency-Key": "k1"}
        shop.misbehave("drop", 60, share=0)
        for _time in range(2):
            url = f"{shop.url}/contacts"
            done = requests.post(url, json=ADA, headers=headers, timeout=5)
            assert done.status_code == 201
        assert len(shop.contacts()) == 2


def raw_answers(crm, count):
    """All that the CRM answers to a contact and to a question after it, as text."""
    head = f"Host: x\r\nAuthorization: Bearer {crm.token}\r\n"
    body = json.dumps(ADA)
    asked = f"POST /api/contacts HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n"
    asked += f"\r\n{body}GET /api HTTP/1.1\r\n{head}Connection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", crm.port), 5) as connection:
        connection.sendall(asked.encode())
        with connection.makefile("r", newline="") as answers:
            text = answers.read()
    assert text.count("HTTP/1.1 ") == count
    return text


def test_crm_sends_interim_answers(crm):
    crm.misbehave("interim", 60)
    lines = raw_answers(crm, 6).splitlines()
    first = [line for line in lines if line.startswith("HTTP/1.1")][:3]
    assert [line.split()[1] for line in first] == ["100", "103", "201"]
    assert crm.faults() == {"crm_interim": 2}


def test_crm_answers_twice(crm):
    crm.misbehave("twice", 60)
    assert raw_answers(crm, 4).count('"name": "Ada"') == 2
    assert len(crm.contacts()) == 1


def test_crm_answers_with_what_cannot_be_stored(post, crm):
    crm.misbehave("nul", 60)
    response = post()
    assert response.status_code == 201
    assert "\0" in response.json()["note"]
    assert r"\ud83d" in response.text
    crm.misbehave("nul", 60, status=500)
    response = post("k2")
    assert response.status_code == 500
    assert "\0" in response.json()["error"]
    assert len(crm.contacts()) == 1


def test_proxy_cuts_and_loses_answers(warehouse):
    host, port = os.environ["PGHOST"], int(os.environ.get("PGPORT") or 5432)

    def connect(proxy):
        login = {"user": warehouse.user, "password": warehouse.password}
        where = {"host": proxy.host, "port": proxy.port, "dbname": warehouse.name}
        connection = psycopg2.connect(**where, **login, connect_timeout=5)
        connection.autocommit = True
        return closing(connection)

    insert = "INSERT INTO contacts (odoo_id, name) VALUES (%s, 'Ada')"
    with TcpProxy(host, port) as proxy:
        with connect(proxy) as connection:
            connection.cursor().execute(insert, (1,))
            proxy.drop_answers(b"INSERT INTO")
            connection.cursor().execute("SELECT 1")
            with pytest.raises(psycopg2.OperationalError):
                connection.cursor().execute(insert, (2,))
        assert set(warehouse.contacts()) == {1, 2}
        assert proxy.dropped == 1
        proxy.drop_answers()
        with connect(proxy) as connection:
            proxy.stop()
            with pytest.raises(psycopg2.OperationalError):
                connection.cursor().execute(insert, (3,))
        with pytest.raises(psycopg2.OperationalError):
            connect(proxy)
        proxy.start()
        with connect(proxy) as connection:
            connection.cursor().execute(insert, (4,))
    assert set(warehouse.contacts()) == {1, 2, 4}
