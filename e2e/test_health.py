# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Servers whose jobs take every worker, or do not run, as people are told of them."""

import os
import signal
from contextlib import contextmanager

import requests

from support import configure, scratch_odoo
from support.databases import query
from support.environment import odoo, paths
from support.odoo_server import OdooServer, install
from support.processes import free_port, wait_until

TOKEN = "t0ken-of-whoever-monitors"
PATIENCE = 120  # seconds: the cron comes every minute


@contextmanager
def server(name, standby=False, **options):
    """Have a server for a database while the body runs.

    :param bool standby: no runner is waited for
    """
    running = OdooServer(
        odoo.command_line(),
        name,
        paths.LOGS / f"test-{name}.log",
        environment=scratch_odoo.environment(),
        **options,
    )
    try:
        running.start(keep_log=True, standby=standby)
        yield running
    finally:
        running.stop()


def kinds(client):
    """Return what a person is told of the servers, as kinds."""
    return [each["kind"] for each in client.call("sync.health", "banner")]


def measured(running):
    """Return the problems that a monitoring system is told of."""
    page = requests.get(
        f"{running.url}/queue_job_sync/metrics",
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=30,
    )
    return {
        kind
        for kind in ("no_place", "no_runner", "stuck")
        if f'queue_job_sync_problem{{kind="{kind}"}} 1.0' in page.text
    }


def titles(sink):
    """Return the subjects of the mails about the servers, to one of their readers."""
    return [
        mail.subject
        for mail in sink.mails()
        if mail.subject.startswith("Job Queue: ") and "jo@" in mail.recipients[0]
    ]


def test_jobs_that_take_every_worker_and_a_runner_that_hangs(crm, smtp_sink):
    with scratch_odoo.database("health", addon=True) as name:
        port = free_port()  # a server goes by its host and port
        with server(name, port=port, workers=2, channels="root:2") as running:
            people = configure.make_people(running, smtp_sink)
            people.admin.call(
                "res.config.settings", "set_secret", name="metrics_token", value=TOKEN
            )
            (told,) = people.jo.call("sync.health", "banner")
            assert (told["kind"], told["lines"]) == ("no_place", "")
            (told,) = people.admin.call("sync.health", "banner")
            assert told["lines"].splitlines()[1] == "workers = 2"
            assert told["lines"].endswith("ODOO_QUEUE_JOB_CHANNELS=root:1")
            assert measured(running) == {"no_place"}
            wait_until(lambda: titles(smtp_sink), PATIENCE, "a mail")
            assert titles(smtp_sink) == ["Job Queue: Jobs can take every worker"]
            configure.make_crm_stream(people.admin, crm)

        with server(name, port=port, workers=2, channels="root:1") as running:
            admin = configure.log_in(running)
            # as soon as it has started
            assert kinds(admin) == []
            assert measured(running) == set()
            admin.create("res.partner", {"name": "Ada"})
            wait_until(lambda: len(crm.contacts()) == 1, PATIENCE, "a delivery")
            ((asked,),) = query(name, "SELECT asked IS NOT NULL FROM sync_node")
            assert asked

            (runner,) = running.workers("WorkerJobRunner")
            os.kill(runner, signal.SIGSTOP)
            try:
                admin.create("res.partner", {"name": "Grace"})
                assert kinds(admin) == []
                let_time_pass(name, 6)
                assert kinds(admin) == ["stuck"]
                assert measured(running) == {"stuck"}
                wait_until(
                    lambda: (
                        "Job Queue: Jobs are due, and none starts" in titles(smtp_sink)
                    ),
                    PATIENCE,
                    "a mail by the cron",
                )
            finally:
                os.kill(runner, signal.SIGCONT)
            wait_until(lambda: len(crm.contacts()) == 2, PATIENCE, "the other delivery")
            assert kinds(admin) == []
            assert len(titles(smtp_sink)) == 2


def let_time_pass(name, minutes):
    """Let all that jobs and servers have done be longer ago."""
    for table, columns in (
        ("queue_job", ("date_created", "date_started", "date_done", "eta")),
        ("sync_node", ("asked", "since")),
    ):
        changes = ", ".join(
            f"{each} = {each} - interval '{minutes} minutes'" for each in columns
        )
        query(name, f"UPDATE {table} SET {changes}")


def test_a_server_without_a_runner_and_one_with_a_scheduled_action(crm, smtp_sink):
    without = {"standby": True, "options": ("--load=base,rpc,web",)}
    with scratch_odoo.database("cron_runner", addon=True) as name:
        with server(name, **without) as running:
            people = configure.make_people(running, smtp_sink)
            (told,) = people.admin.call("sync.health", "banner")
            assert told["kind"] == "no_runner"
            assert (
                "server_wide_modules = base,rpc,web,queue_job"
                in told["lines"].splitlines()
            )
            configure.make_crm_stream(people.admin, crm)
            wait_until(lambda: titles(smtp_sink), PATIENCE, "a mail")
            assert titles(smtp_sink) == ["Job Queue: No job runs"]

        install(
            odoo.command_line(),
            name,
            ["queue_job_cron_jobrunner"],
            paths.LOGS / "test-cron-runner-install.log",
            scratch_odoo.environment(),
        )
        with server(name, **without) as running:
            admin = configure.log_in(running)
            assert kinds(admin) == []
            admin.create("res.partner", {"name": "Ada"})
            wait_until(lambda: len(crm.contacts()) == 1, PATIENCE, "a delivery")
            partner = admin.search_one("res.partner", [("name", "=", "Ada")])
            admin.write("res.partner", partner, {"name": "Ada L."})
            wait_until(
                lambda: (
                    [each["name"] for each in crm.contacts().values()] == ["Ada L."]
                ),
                PATIENCE,
                "another delivery",
            )
            assert kinds(admin) == []
        assert len(titles(smtp_sink)) == 1
