# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Waits until everything that was edited has arrived, or has had its time."""

import time
from contextlib import suppress

import psycopg2

from support.processes import NotInTime, wait_until

LIVE = "('wait_dependencies', 'pending', 'enqueued', 'started')"
JOBS = """
SELECT uuid, state, name, retry, COALESCE(sync_wait_key, eta::text),
       COALESCE(exc_message, result, '')
  FROM queue_job WHERE state IN {} ORDER BY id
"""
DOUBTS = """
SELECT held.res_id, stream.name, held.doubt, held.doubt_reason
  FROM sync_binding held JOIN sync_stream stream ON stream.id = held.stream_id
 WHERE held.doubt IS NOT NULL
"""
INCIDENTS = "SELECT kind, reason FROM sync_incident WHERE closed IS NULL"
OUTBOX = """
SELECT o.id, o.res_id, COALESCE(j.state, 'no job'),
       COALESCE(j.exc_message, j.result, '')
  FROM sync_outbox o LEFT JOIN queue_job j ON j.uuid = o.job_uuid ORDER BY o.id
"""


def settle(scene, seconds):
    """Wait until no job is live, have failed jobs requeued once, and wait again.

    Somebody clarifies meanwhile what is in doubt.

    :param scene: the open :class:`soak_scene.Scene`, all of whose faults are over
    :param seconds: how long all that may take
    :return: (what is stuck, as sentences; which jobs had failed, as sentences)
    """
    deadline = time.monotonic() + seconds
    _wait(scene, deadline)
    failed = scene.query(JOBS.format("('failed')"))
    uuids = [uuid for uuid, *_rest in failed]
    if uuids:
        jobs = scene.admin.call("queue.job", "search", domain=[("uuid", "in", uuids)])
        scene.admin.call("queue.job", "requeue", jobs)
        _wait(scene, deadline)
    told = [f"job {_sentence(job)}" for job in failed]
    return stuck(scene), told


def stuck(scene):
    """Return what has not come to its end, as sentences."""
    jobs = scene.query(JOBS.format(LIVE[:-1] + ", 'failed')"))
    rows = scene.query(OUTBOX)
    return [
        *(f"job {_sentence(job)}" for job in jobs),
        *(
            f"change {id_} of contact {contact} waits; its job: {state} {reason}"
            for id_, contact, state, reason in rows
        ),
        *(
            f"contact {contact} is in doubt ({doubt}), {stream}: {reason}"
            for contact, stream, doubt, reason in scene.query(DOUBTS)
        ),
        *(f"incident ({kind}): {reason}" for kind, reason in scene.query(INCIDENTS)),
    ]


def _wait(scene, deadline):
    """Wait until nothing is on its way, or until the time is over."""
    last = []

    def is_quiet():
        try:
            jobs = scene.query(JOBS.format(LIVE))
            rows = scene.query(OUTBOX)
            open_ends = scene.query(DOUBTS) + scene.query(INCIDENTS)
        except psycopg2.OperationalError:  # still recovering
            return False
        waiting = [state for _id, _contact, state, _ in rows if state != "failed"]
        last[:] = jobs or last
        promised = scene.crm.promised() + scene.shop.promised()
        return not (jobs or waiting or open_ends or promised)

    left = max(deadline - time.monotonic(), 1)
    with suppress(NotInTime):
        wait_until(is_quiet, left, "nothing on its way", 0.5)
    if last:
        print(f" (the last: {_sentence(last[-1])[:200]})", end="", flush=True)


def _sentence(job):
    uuid, state, name, retry, wait, reason = job
    until = f" until {wait}" if wait and state == "pending" else ""
    return f"{uuid} ({name}) is {state}{until} after {retry} tries: {reason}"
