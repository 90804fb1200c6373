# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The demo shows what it says, tells when it cannot, and leaves nothing running."""

import json
import signal
import time
from pathlib import Path

import pytest

from e2e.leftovers import leaving_nothing
from support.browser import Browser
from support.client import WebSession
from support.environment import browser, paths
from support.processes import wait_until

DEMO = Path(__file__).parents[1] / "dev" / "demo"
SERVICES = "odoo.__WOWL_DEBUG__.root.env.services"
CONNECTED = f"{SERVICES}.bus_service.workerState === 'CONNECTED'"
STEADY = 5  # seconds for which the websocket has to stay
WHOLE_RUN = 400  # seconds; about 50 on a quiet machine with two cores


@pytest.fixture
def demo():
    """A function that starts the demo; whatever it started must be gone at the end."""
    with leaving_nothing(DEMO) as start:
        yield start


def test_demo_shows_everything(demo):
    process = demo("--once")
    output, errors = process.communicate(timeout=WHOLE_RUN)
    assert process.returncode == 0, errors
    observed = json.loads(output.splitlines()[-1])

    crm, warehouse = observed["crm"], observed["warehouse"]
    contact = {"name": "Ada Lovelace", "country": "GB", "tags": ["VIP"]}
    for created in (crm["created"], warehouse["created"]):
        assert contact.items() <= created["content"].items()
        assert 0 <= created["seconds"] < 20
    for updated in (crm["updated"], warehouse["updated"]):
        assert updated["content"]["city"] == "Paris"
    assert crm["created"]["request"] == "POST /api/contacts"
    assert crm["updated"]["request"].startswith("PUT /api/contacts/C-")
    assert crm["archived"]["request"].startswith("DELETE /api/contacts/C-")
    assert warehouse["archived"]["content"]["deleted"] is True
    requests_sent = [v for v in crm.values() if isinstance(v, dict)]
    assert len({sent["idempotency_key"] for sent in requests_sent}) == 5

    retries = [(entry["state"], entry["try"]) for entry in observed["retries"]]
    assert retries == [("pending", "1/3"), ("pending", "2/3"), ("failed", "3/3")]
    mail = observed["failed_mail"]
    assert mail["recipients"] == ["admin@demo.example.com", "jo@demo.example.com"]
    assert "Ada Lovelace" in mail["subject"]
    assert mail["link_status"] == 200
    requeued = observed["requeued"]
    assert (requeued["state"], requeued["same_job"]) == ("done", True)
    phone = warehouse["updated_in_outage"]["content"]["phone"]
    assert crm["delivered_after_outage"]["content"]["phone"] == phone
    left = observed["left"]
    assert (left["contact"], left["state"]) == ("Grace Hopper", "failed")
    assert "422" in left["reason"]
    assert observed["ok"] is True


def test_demo_is_served_as_in_production(demo):
    """By one address, with a websocket, with nothing wrong in the log."""
    process = demo()
    told = {}
    for line in process.stdout:
        name, _space, value = line.strip().partition("  ")
        told[name] = value.strip()
        if name == "to look at":
            break
    assert "Grace Hopper" in told["to look at"], told
    url = told["Odoo"]
    layla = WebSession(url, "demo", *told["Arabic reader"].split(" / "))
    (failed,) = layla.call(
        "res.partner", "search", [("sync_state", "=", "failed")], limit=2
    )
    with Browser(browser.find(), url, layla.session_id) as page:
        # the client of Discuss is what tells of a lost connection
        page.show("/odoo/discuss")
        page.wait_for(".o-mail-Discuss")
        wait_until(lambda: page.evaluate(CONNECTED), 30, "a websocket")
        time.sleep(STEADY)
        assert page.evaluate(CONNECTED)
        assert not page.evaluate("Boolean(document.querySelector('[class*=Alert]'))")
        page.show(f"/odoo/contacts/{failed}")
        page.wait_for("button[name=action_sync_status]")
        assert page.evaluate("document.body.classList.contains('o_rtl')")
        assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    process.send_signal(signal.SIGINT)
    _output, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    log = (paths.LOGS / "demo.log").read_text()
    assert "/websocket?version=" in log
    assert "Traceback" not in log
    assert not [line for line in log.splitlines() if " ERROR " in line]


def test_demo_tells_that_it_was_interrupted(demo):
    process = demo("--once")
    for line in process.stdout:
        if line.startswith("CRM, warehouse"):
            break  # it is installing Odoo now
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    result = json.loads(output.splitlines()[-1])
    assert (result["ok"], result["problem"]) == (False, "ended by SIGTERM")
    assert errors.splitlines()[-1] == "Error: ended by SIGTERM"


def test_demo_refuses_a_taken_port(demo, smtp_sink):
    process = demo("--once", "--port", str(smtp_sink.port))
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert output == ""
    (line,) = errors.splitlines()
    assert str(smtp_sink.port) in line
