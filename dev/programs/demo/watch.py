# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the demo sees, read where it happened.

The destinations' own journals, the queue's jobs as a job manager reads them, the
mailbox. What does not show in time ends the demo.
"""

import re
import time

from support.configure import MAPPING
from support.processes import wait_until

ARRIVAL = 20  # seconds to wait at most for an edit at a destination
FAILURE = 40  # for three tries, two seconds apart
MAIL = 30
DONE = 20
READ_BY_MANAGERS = (
    "queue.job",
    "sync.backend",
    "sync.binding",
    "sync.delivery",
    "sync.stream",
)
WAITING_OR_FAILED = ("pending", "failed")


class Edit:
    """A call that changes something in Odoo, and the moment it was answered.

    Only what a destination journals afterwards counts as its effect.
    """

    def __init__(self, watch, function, *args):
        self.crm_mark = _last_number(watch.crm.journal())
        self.warehouse_mark = _last_number(watch.warehouse.journal())
        start = time.time()
        self.answer = function(*args)
        self.saved = time.time()
        self.duration = self.saved - start  # seconds


class Watch:
    """Waits for what should happen and tells the report about it.

    :param report: :class:`report.Report`
    :param scene: the open :class:`scene.Scene`
    """

    def __init__(self, report, scene):
        self.report = report
        self.people = scene.people
        self.crm = scene.crm
        self.warehouse = scene.warehouse
        self.sink = scene.sink
        self.server = scene.server
        self.crm_stream = scene.crm_stream

    def in_crm(self, what, edit, method, expected, contact=None):
        """Wait for a request that the CRM accepted.

        :param what: name of the observation in the report
        :param edit: the :class:`Edit` that should cause it
        :param method: HTTP method
        :param expected: values that the body must have
        :param contact: id of the contact in the CRM, unless it is new
        :return: that id
        :raises NotInTime: when there is none
        """

        def arrived():
            for entry in self.crm.journal():
                if (
                    entry["number"] > edit.crm_mark
                    and entry["method"] == method
                    and entry["status"] < 300
                    and contact in (None, entry["contact"])
                    and _has(entry["body"], expected)
                ):
                    return entry
            return None

        entry = wait_until(arrived, ARRIVAL, f"{method} with {expected} at the CRM")
        details = {
            "request": f"{entry['method']} {entry['path']}",
            "answer": f"{entry['status']}, contact {entry['contact']}",
            "idempotency_key": entry["key"],
            "content": entry["body"] or {},
            "seconds": _seconds_after(edit, entry),
        }
        self.report.arrival("crm", what, details)
        return entry["contact"]

    def in_warehouse(self, what, edit, operation, partner, expected):
        """Wait for a change of a row in the warehouse's table.

        :param what: name of the observation in the report
        :param edit: the :class:`Edit` that should cause it
        :param operation: INSERT or UPDATE
        :param partner: id of the contact in Odoo
        :param expected: values that the row must have
        :raises NotInTime: when there is none
        """

        def arrived():
            for entry in self.warehouse.journal():
                if (
                    entry["number"] > edit.warehouse_mark
                    and entry["operation"] == operation
                    and entry["odoo_id"] == partner
                    and _has(entry["content"], expected)
                ):
                    return entry
            return None

        entry = wait_until(
            arrived, ARRIVAL, f"{operation} of {expected} in the warehouse"
        )
        row = entry["content"]
        details = {
            "request": f"{operation} contacts",
            "answer": f"row {entry['odoo_id']}",
            "content": {key: row[key] for key in (*MAPPING.values(), "deleted")},
            "seconds": _seconds_after(edit, entry),
        }
        self.report.arrival("warehouse", what, details)

    def retries(self, partner):
        """Tell each try of the contact's job to the CRM, until the job has failed.

        :return: the failed job, as a dict
        :raises NotInTime: when it does not fail
        """
        seen = []

        def tried():
            job = self.job(partner)
            state = (job["state"], tries(job))
            if job["retry"] and job["state"] in WAITING_OR_FAILED and state not in seen:
                seen.append(state)
                self.report.retry(job["state"], tries(job), _reason(job))
            return job["state"] == "failed" and job

        return wait_until(tried, FAILURE, "a job that has failed after three tries")

    def done(self, partner):
        """Wait until the contact's job to the CRM is done, and return it."""
        return self._ended(partner, "done")

    def failed(self, partner):
        """Wait until the contact's job to the CRM has failed, and return it."""
        return self._ended(partner, "failed")

    def _ended(self, partner, state):
        def ended():
            job = self.job(partner)
            return job["state"] == state and job

        return wait_until(ended, DONE, f"the job {state}")

    def job(self, partner):
        """Return the newest job that sends a contact to the CRM, as a dict."""
        domain = [
            ("sync_stream_id", "=", self.crm_stream),
            ("sync_res_id", "=", partner),
        ]
        fields = ["uuid", "state", "retry", "max_retries", "result", "exc_message"]
        (job,) = self.people.jo.search_read(
            "queue.job", domain, fields, order="id desc", limit=1
        )
        return job

    def mail(self, job):
        """Wait until everybody who should got a mail about a job.

        :return: one of the mails, and its link to the job
        :raises NotInTime: when somebody got none
        """
        expected = sorted(self.people.addresses)
        wait_until(
            lambda: self.recipients(job) == expected,
            MAIL,
            f"a mail about the failed job to {' and '.join(expected)}",
        )
        return self._mails(job)[0]

    def recipients(self, job):
        """Return who got a mail about the job: one address for each mail."""
        return sorted(
            address for mail, _link in self._mails(job) for address in mail.recipients
        )

    def places_of_secrets(self):
        """Return where a secret of a destination can be read: log, mails or models."""
        places = {
            "Odoo's log": self.server.log.read_text(errors="replace"),
            "the mails": str(self.sink.mails()),
        }
        for model in READ_BY_MANAGERS:
            places[model] = str(self.people.jo.search_read(model, [], []))
        secrets = (self.crm.token, self.warehouse.password)
        return [
            place
            for place, text in places.items()
            if any(secret in text for secret in secrets)
        ]

    def _mails(self, job):
        """Return the mails with a link to the job, each with that link."""
        names = {str(job["id"]), job["uuid"]}
        return [
            (mail, link)
            for mail in self.sink.mails()
            for link in mail.links
            if link.startswith(self.people.jo_browser.url)
            and names & set(re.split(r"[^\w-]+", link))
        ]


def tries(job):
    """Return a job's current try / max retries, for example ``1/3``."""
    return f"{job['retry']}/{job['max_retries']}"


def _reason(job):
    return job["exc_message"] or job["result"] or ""


def _last_number(journal):
    return journal[-1]["number"] if journal else 0


def _seconds_after(edit, entry):
    # A job may run before its user has read the answer to the edit.
    return round(max(entry["time"] - edit.saved, 0), 2)


def _has(content, expected):
    return not expected or all(
        content.get(key) == value for key, value in expected.items()
    )
