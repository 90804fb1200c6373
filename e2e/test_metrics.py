# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Metrics of a running Odoo as Prometheus reads them, with secrets beside Odoo."""

import re
import subprocess

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from support import configure, scratch_odoo
from support.client import OdooError
from support.configure import set_secret
from support.environment import paths, promtool, setup
from support.processes import wait_until

TOKEN = "s3cr3t-token-for-monitoring"
PATIENCE = 60  # seconds to wait at most for a delivery
ALERTS = paths.ROOT / "docs/prometheus-alerts.yml"
ALERTS_PLAYED = paths.ROOT / "e2e/prometheus_alerts_test.yml"
METRIC = re.compile(r"\bqueue_job_sync_\w+")


@pytest.fixture(scope="session")
def check():
    """A function that runs promtool and returns what it printed."""
    with setup.alone():
        program = promtool.ensure()

    def run(*args, **options):
        done = subprocess.run(
            [program, *map(str, args)], capture_output=True, text=True, **options
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


class Secrets:
    """What the server is told beside the database: its file and its environment."""

    def __init__(self, folder, environment, crm):
        self.file = folder / "odoo.conf"
        with open(environment["ODOO_RC"], encoding="utf-8") as original:
            self._options = original.read()
        self.write(f"metrics = {TOKEN}\n")
        self.environment = {
            **environment,
            "ODOO_RC": str(self.file),
            "E2E_CRM_TOKEN": crm.token,
        }

    def write(self, keys):
        """Change the section of the configuration file."""
        text = f"{self._options}\n[queue_job_sync]\n{keys}"
        self.file.write_text(text, encoding="utf-8")


@pytest.fixture
def scene(tmp_path, crm):
    """A running Odoo, and what it is told beside its database."""
    secrets = Secrets(tmp_path, scratch_odoo.environment(), crm)
    with scratch_odoo.installed("metrics", secrets.environment) as server:
        yield server, secrets


def scrape(server, token=TOKEN):
    """Ask for the metrics as Prometheus does."""
    return requests.get(
        f"{server.url}/queue_job_sync/metrics",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )


def values(text):
    """Return the samples of a page without labels that tell systems apart."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            kind = sample.labels.get("reason") or sample.labels.get("kind") or ""
            found[sample.name.removeprefix("queue_job_sync_") + kind] = sample.value
    return found


def test_alerts_are_what_prometheus_understands(check):
    assert "SUCCESS" in check("check", "rules", ALERTS)
    assert "SUCCESS" in check("test", "rules", ALERTS_PLAYED)


def test_metrics_and_secrets_of_a_running_odoo(scene, crm, check):
    server, secrets = scene
    admin = configure.log_in(server)
    assert scrape(server).status_code == 404
    admin.call(
        "res.config.settings",
        "set_secret",
        name="metrics_token",
        value="config:metrics",
    )
    assert scrape(server, "wrong").status_code == 401

    # the CRM's token is in the server's environment only
    stream_id, _answer = configure.make_crm_stream(admin, crm)
    (stream,) = admin.search_read(
        "sync.stream", [("id", "=", stream_id)], ["backend_id"]
    )
    backend_id = stream["backend_id"][0]
    set_secret(admin, backend_id, "auth_secret", "env:E2E_CRM_TOKEN")
    admin.call("sync.backend", "action_test_connection", [backend_id])
    set_secret(admin, backend_id, "auth_secret", "env:E2E_NOT_THERE")
    with pytest.raises(OdooError, match="env:E2E_NOT_THERE"):
        admin.call("sync.backend", "action_test_connection", [backend_id])
    set_secret(admin, backend_id, "auth_secret", "env:E2E_CRM_TOKEN")

    admin.create("res.partner", {"name": "Ada"})
    wait_until(crm.contacts, PATIENCE, "the contact in the CRM")

    def delivered():
        text = scrape(server).text
        return text if values(text)["delivered_total"] else None

    text = wait_until(delivered, PATIENCE, "the delivery in the metrics")
    found = values(text)
    assert found["waiting_changes"] == found["failed_jobs"] == 0
    assert found["attempt_duration_seconds_count"] == found["delivered_total"]
    assert crm.token not in text and TOKEN not in text
    # promtool warns of names and units that are not as they should be
    assert check("check", "metrics", input=text) == ""
    # every metric of the alerts is one that Odoo has
    families = {family.name for family in text_string_to_metric_families(text)}
    in_alerts = {
        name.removesuffix("_total") for name in METRIC.findall(ALERTS.read_text())
    }
    assert in_alerts and in_alerts <= families

    # another token in the file, without a restart
    secrets.write(f"metrics = new-{TOKEN}\n")
    assert scrape(server).status_code == 401
    assert scrape(server, f"new-{TOKEN}").status_code == 200
    assert crm.token not in server.log.read_text(errors="replace")
