# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The demo shows what it says, tells when it cannot, and leaves nothing running."""

import json
import signal
from pathlib import Path

import pytest

from e2e.leftovers import leaving_nothing

DEMO = Path(__file__).parents[1] / "dev" / "demo"
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
    assert observed["ok"] is True


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
