# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the demo says while it runs, and the JSON that it ends with."""

import json
import time

LABELS = {"crm": "CRM", "warehouse": "Warehouse"}


class Report:
    """Lines for a person, and the same observations for a program."""

    def __init__(self):
        self._start = time.monotonic()
        self.observed = {
            "crm": {},
            "warehouse": {},
            "retries": [],
            "failed_mail": {},
            "requeued": None,
            "left": None,
        }

    def title(self, text):
        """Print the title of the next step."""
        print(f"\n{text}", flush=True)

    def line(self, where, text):
        """Print one observation with the seconds since the demo began.

        :param where: where it was observed, in a word; empty goes on with the last
        """
        elapsed = f"{time.monotonic() - self._start:6.1f} s" if where else ""
        print(f"{elapsed:8}  {where:9}  {text}", flush=True)

    def arrival(self, system, what, details):
        """Keep and print that something arrived at a destination.

        :param system: ``crm`` or ``warehouse``
        :param what: the change that arrived, for example ``created``
        :param details: dict with ``request``, ``answer``, ``content`` and ``seconds``,
            the time between the answer to the user's edit and the arrival
        """
        self.observed[system][what] = details
        self.line(
            LABELS[system],
            f"{details['request']} -> {details['answer']}, "
            f"{details['seconds']:.2f} s after the edit",
        )
        content = [
            f"{key} {_plain(value)}" for key, value in details["content"].items()
        ]
        if content:
            self.line("", ", ".join(content))

    def retry(self, state, current, reason):
        """Keep and print one try of a job.

        :param state: the job's state after it
        :param current: current try / max retries, for example ``1/3``
        :param reason: what the job says of it
        """
        self.observed["retries"].append(
            {"state": state, "try": current, "reason": reason}
        )
        self.line("Job", f"current try / max retries {current}, {state}: {reason}")

    def json(self, problem=None):
        """Return what was observed as one line of JSON.

        :param problem: what went wrong, in words; None when everything happened
        """
        result = {**self.observed, "ok": problem is None}
        if problem is not None:
            result["problem"] = problem
        return json.dumps(result, ensure_ascii=False)


def _plain(value):
    if isinstance(value, list):
        return " + ".join(map(str, value)) or "-"
    return "-" if value in (None, False, "") else value
