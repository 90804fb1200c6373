# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whoever edits a contact does not notice that the CRM hangs on that same contact."""

import time
from statistics import median

import pytest

from support import configure, scratch_odoo
from support.processes import wait_until

HANG = 30  # seconds
PATIENCE = 60  # seconds that the worker gives the CRM
EDITS = 20
PAUSE = 0.3  # seconds between two edits
FAR_BELOW = 10  # seconds that an edit may take on a busy machine, while it hangs
SETTLE = 60  # seconds in which the CRM has to hold the last state
# In Odoo's log, what an editor or a job suffered in the database.
TROUBLE = ("could not serialize", "lock timeout", "deadlock detected", "tries left")


@pytest.fixture
def server():
    """A running Odoo with three workers and the runner, in a database of its own."""
    with scratch_odoo.installed("hang") as running:
        yield running


class Editor:
    """A plain user who edits one contact again and again.

    :param client: the user's ``OdooClient``
    :param contact: id of the contact
    """

    def __init__(self, client, contact):
        self._client = client
        self._contact = contact
        self.edits = 0

    def edit(self):
        """Change the contact's city.

        :return: how long that took, in seconds
        """
        self.edits += 1
        start = time.monotonic()
        self._client.write("res.partner", self._contact, {"city": self.city})
        return time.monotonic() - start

    @property
    def city(self):
        """What the contact's city is now."""
        return f"City {self.edits}"

    def edit_many(self):
        """Edit ``EDITS`` times, and return how long each took."""
        times = []
        for _number in range(EDITS):
            times.append(self.edit())
            time.sleep(PAUSE)
        return times


def percentiles(times):
    """Return the median and the 99th percentile in milliseconds, by nearest rank."""
    times = sorted(times)
    worst = times[-(-99 * len(times) // 100) - 1]
    return f"p50 {median(times) * 1000:.0f} ms, p99 {worst * 1000:.0f} ms"


def test_no_edit_waits_while_the_crm_hangs_on_the_same_contact(
    server, crm, smtp_sink, capsys
):
    people = configure.make_people(server, smtp_sink)
    stream, _answer = configure.make_crm_stream(people.admin, crm)
    (backend,) = people.admin.search_read("sync.backend", [], [])
    people.admin.write("sync.backend", backend["id"], {"read_timeout": PATIENCE})
    contact = people.bo.create("res.partner", {"name": "Ada Lovelace"})
    editor = Editor(people.bo, contact)

    def city_there():
        return [content["city"] for content in crm.contacts().values()]

    def settle():
        wait_until(lambda: city_there() == [editor.city], SETTLE, editor.city)

    editor.edit()
    settle()
    usual = editor.edit_many()
    settle()

    crm.misbehave("hang", HANG, seconds=HANG)
    editor.edit()
    wait_until(lambda: crm.faults()["crm_hang"], SETTLE, "a request that hangs")
    hung_since = time.monotonic()
    crm.behave()  # to all but that one
    requests_before = len(crm.journal())
    meanwhile = editor.edit_many()
    assert time.monotonic() - hung_since < HANG, "the edits took longer than the hang"
    # the CRM is still at it, and was sent nothing else about the contact
    assert len(crm.journal()) == requests_before
    domain = [("sync_stream_id", "=", stream)]
    states = people.jo.search_read("queue.job", domain, ["state"])
    assert [job["state"] for job in states].count("started") == 1

    wait_until(lambda: len(crm.journal()) > requests_before, HANG, "end of the hang")
    settle()
    with capsys.disabled():
        print(f"\n  {EDITS} edits of one contact, usually: {percentiles(usual)}")
        print(f"  while the CRM hangs on it: {percentiles(meanwhile)}")
    assert max(meanwhile) < FAR_BELOW

    def jobs_done():
        jobs = people.jo.search_read("queue.job", domain, ["state"])
        return {job["state"] for job in jobs} == {"done"} and jobs

    jobs = wait_until(jobs_done, SETTLE, "all jobs done")
    # the one that created it, and one for each edit
    assert len(jobs) == editor.edits + 1
    assert people.admin.search_read("sync.outbox", [], []) == []
    assert city_there() == [editor.city]
    statuses = {entry["status"] for entry in crm.journal()}
    assert statuses <= {200, 201}
    log = server.log.read_text(errors="replace")
    assert [line for line in log.splitlines() if _tells_trouble(line)] == []


def _tells_trouble(line):
    return any(word in line for word in TROUBLE)
