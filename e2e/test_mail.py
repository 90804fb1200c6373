# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Ten thousand failed jobs and a mail server that is down: few mails, none lost."""

import time

import pytest

from support import configure, scratch_odoo
from support.databases import query
from support.destinations.smtp_sink import SmtpSink
from support.processes import wait_until

FAILURES = 10_000
PATIENCE = 60  # seconds to wait at most for a mail
# Each job carries so many characters that nobody needs for a mail.
ARGUMENTS = 20_000
FAIL = """
    INSERT INTO queue_job (uuid, name, state, company_id, model_name, method_name,
                           exc_name, exc_message, exc_info, kwargs)
    SELECT gen_random_uuid(), 'Import ' || n, 'failed', 1, 'res.partner', '_import',
           'odoo.exceptions.UserError', 'Line ' || n || ' is odd', 'Traceback',
           json_build_object('lines', repeat(md5(n::text), %s / 32))
      FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def server():
    """A running Odoo with three workers and cron, in a database of its own."""
    with scratch_odoo.installed("mail") as running:
        yield running


def fail(server, count):
    """Have jobs fail by plain SQL, as queue_job's runner fails dead ones."""
    query(server.database, FAIL, ARGUMENTS, count)


def run_cron(admin, name):
    """Run a scheduled action of the addon now.

    :return: how long it took, in seconds
    """
    domain = [("module", "=", "queue_job_sync"), ("name", "=", name)]
    (data,) = admin.search_read("ir.model.data", domain, ["res_id"])
    start = time.monotonic()
    admin.call("ir.cron", "method_direct_trigger", [data["res_id"]])
    return time.monotonic() - start


def about_failures(admin):
    """Return Odoo's own mails about failed jobs."""
    domain = [("subject", "like", "failed")]
    return admin.search_read("mail.mail", domain, ["state", "failure_reason"])


def test_ten_thousand_failures_and_a_mail_server_that_is_down(server):
    sink = SmtpSink()  # knows its port; nobody listens there yet
    people = configure.make_people(server, sink)
    admin = people.admin

    # The first failure: its mail cannot be sent, and the job does not mind.
    fail(server, 1)
    run_cron(admin, "ir_cron_notify_failures")
    wait_until(
        lambda: [mail["state"] for mail in about_failures(admin)] == ["exception"],
        PATIENCE,
        "a mail that could not be sent",
    )
    (mail,) = about_failures(admin)
    assert "refused" in mail["failure_reason"]
    (job,) = admin.search_read("queue.job", [], ["state", "failure_notified"])
    assert (job["state"], job["failure_notified"]) == ("failed", True)

    # The storm.
    fail(server, FAILURES - 1)
    run_cron(admin, "ir_cron_notify_failures")
    assert len(about_failures(admin)) == 1

    with sink:
        run_cron(admin, "ir_cron_resend")
        expected = sorted(people.addresses)
        wait_until(lambda: len(sink.mails()) == 2, PATIENCE, "the first mail")
        assert sorted(to for m in sink.mails() for to in m.recipients) == expected
        assert {mail.subject for mail in sink.mails()} == {"Job failed: Import 1"}

        # The end of the quiet period.
        query(
            server.database,
            "UPDATE res_company SET job_failure_mailed ="
            " job_failure_mailed - interval '15 minutes'",
        )
        seconds = run_cron(admin, "ir_cron_notify_failures")
        print(f"digest of {FAILURES - 1} failures written in {seconds:.1f} s")
        wait_until(lambda: len(sink.mails()) == 4, PATIENCE, "the digest")
        digests = sink.mails()[2:]
        assert sorted(to for m in digests for to in m.recipients) == expected
        assert digests[0].subject == f"{FAILURES - 1} jobs failed"
        assert len(digests[0].links) == 1 + 20
        for link in digests[0].links[:2]:  # the list, and the first job
            page = people.jo_browser.get(link)
            assert page.status_code == 200 and "/login" not in page.url

        # All have been told about.
        query(server.database, "UPDATE res_company SET job_failure_mailed = NULL")
        for name in ("ir_cron_notify_failures", "ir_cron_resend"):
            run_cron(admin, name)
        time.sleep(3)
        assert len(sink.mails()) == 4
        assert not about_failures(admin)
