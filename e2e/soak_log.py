# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Finds in Odoo's log what editors suffered without being told.

Odoo runs a request again, up to five times, when its transaction lost a race in
PostgreSQL (``odoo.service.model.retrying``), and logs it under the process's number.
The line of the request itself follows when the request is over.
"""

import re

LINE = re.compile(r"^\S+ \S+ (?P<pid>\d+) (?P<level>[A-Z]+) (?P<rest>.*)")
RETRIED = re.compile(r"odoo\.service\.model: (?P<error>.+), \d+ tries left")
REQUEST = re.compile(r'werkzeug: .*"(?:GET|POST) (?P<path>/\S*) HTTP')
EDITS = "/json/2/res.partner/"


def retries_of_editors(lines):
    """Return the error of each time that an editor's request had to run again.

    :param lines: of Odoo's log
    :return: list of texts
    """
    pending, found = {}, []
    for line in lines:
        match = LINE.match(line)
        if not match:
            continue
        pid, rest = match["pid"], match["rest"]
        retried, request = RETRIED.search(rest), REQUEST.search(rest)
        if retried:
            pending.setdefault(pid, []).append(retried["error"])
        elif request:
            errors = pending.pop(pid, [])
            if request["path"].startswith(EDITS):
                found += errors
    return found
