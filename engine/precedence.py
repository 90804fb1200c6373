# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Records that have to wait until others have been delivered.

A job finds out when it starts: editors would have to lock jobs for it. What waits is
handed on to a new job that depends on the others' jobs, in queue_job's own graph; it
looks again when it starts. Dependencies lead from new jobs to older ones only, so that
jobs never wait for each other in a circle.
"""

import random

from odoo.addons.queue_job.job import CANCELLED, FAILED

from . import capture, jobs, store, words

# -- what waits ---------------------------------------------------------------


def blocked(stream, record_ids):
    """Return which of the records have to wait, and for what.

    :param stream: the ``sync.stream``, as superuser
    :return: dict ``{record id: {(stream id, record id): job}}``; the job is empty where
        none could be waited for yet
    """
    ahead = _undelivered_ahead(stream, record_ids)
    if not ahead:
        return {}
    at_rest = store.jobs_at_rest(stream.env, set().union(*ahead.values()))
    none = stream.env["queue.job"]
    found = {}
    for res_id, keys in ahead.items():
        needed = {
            key: job
            for key in keys
            for job in [at_rest.get(key, none)]
            if not _waits_for(job, stream, res_id)
        }
        if needed:
            found[res_id] = needed
    return found


def _undelivered_ahead(stream, record_ids):
    """Return what is not delivered of the records that have to be sent first.

    :return: dict ``{record id: {(stream id, linked record's id)}}``
    """
    wanted = {}
    for record in stream._matching(
        stream.env[stream.model_name].browse(record_ids).exists()
    ):
        for path, stream_ids in stream._links_sent_first():
            for stream_id in stream_ids:
                by_link = wanted.setdefault(stream_id, {})
                for id_ in record.mapped(path).ids:
                    if (stream_id, id_) != (stream.id, record.id):
                        by_link.setdefault(id_, set()).add(record.id)
    found = {}
    for stream_id, by_link in wanted.items():
        for id_ in _undelivered(stream.browse(stream_id), by_link):
            for res_id in by_link[id_]:
                found.setdefault(res_id, set()).add((stream_id, id_))
    return found


def _undelivered(stream, record_ids):
    """Return those of the ids that the system does not hold as they are now.

    There are changes on their way, or they belong there and never were.
    """
    waiting, never_sent = store.undelivered(stream, record_ids)
    records = stream.env[stream.model_name].browse(never_sent).exists()
    return waiting | set(stream._matching(records)._ids)


def _waits_for(job, stream, res_id):
    """Return whether a job waits, however far away, for one that sends a record."""
    seen, ahead = job, job.dependency_ids
    while ahead:
        ahead = ahead.filtered(lambda each: each.state not in store.SETTLED) - seen
        if any(
            each.sync_stream_id == stream and res_id in each.records.ids
            for each in ahead
        ):
            return True
        seen |= ahead
        ahead = ahead.dependency_ids
    return False


def waiting_text(stream, waiting):
    """Return what the records of a job wait for, for its result."""
    keys = {key for needed in waiting.values() for key in needed}
    names = [_name_of(stream.browse(id_), res_id) for id_, res_id in sorted(keys)[:3]]
    return stream.env._(
        "%(system)s: waits for %(names)s, which has to be there first.",
        system=stream.backend_id.name,
        names=", ".join(names) + ("…" if len(keys) > 3 else ""),
    )


def _name_of(stream, res_id):
    record = stream.env[stream.model_name].browse(res_id).exists()
    return jobs.names_of(record).get(res_id) or f"{stream.model_id.name} {res_id}"


# -- letting it wait ----------------------------------------------------------


def put_behind(stream, waiting, record_ids):
    """Hand records on to jobs that wait for others, see :func:`blocked`.

    To be called last in a job: it locks other jobs, which the runner must not wait for
    while something is sent.

    :param record_ids: all records of the job. What it sends itself is delivered, or has
        another job, when it commits.
    """
    env = stream.env
    sent_here = {(stream.id, id_) for id_ in record_ids}
    ahead_of = {key: job for needed in waiting.values() for key, job in needed.items()}
    missing = {key for key, job in ahead_of.items() if not job} - sent_here
    ahead_of |= _queue_first(stream, missing)
    free = store.lock_jobs(env, env["queue.job"].concat(*ahead_of.values()))
    groups = {}
    for res_id, needed in waiting.items():
        ahead = free.browse().concat(*(ahead_of[key] for key in needed)) & free
        busy = not ahead and not sent_here.issuperset(needed)
        groups.setdefault((ahead, busy), []).append(res_id)
    for (ahead, busy), res_ids in groups.items():
        seconds = random.uniform(*jobs.BUSY_SECONDS) if busy else 0
        jobs.hand_on(stream, res_ids, seconds, after=ahead)


def _queue_first(stream, keys):
    """Queue records that others wait for and that no job at rest will send.

    :param keys: set of ``(stream id, record id)``
    :return: dict ``{key: job}``
    """
    by_stream = {}
    for stream_id, id_ in sorted(keys):
        by_stream.setdefault(stream.browse(stream_id), []).append(id_)
    for first, ids in by_stream.items():
        capture.enqueue(
            first,
            first.env[first.model_name].browse(ids),
            priority=min(first.priority, stream.priority),
            bulk=jobs.present_priority(stream) > jobs.BULK,
        )
    return store.jobs_at_rest(stream.env, keys)


# -- letting it go on ---------------------------------------------------------


def release_behind(env, uuids):
    """Let jobs run that wait for failed ones whose changes have been delivered.

    :param uuids: of jobs whose changes another job has just delivered
    """
    failed = (
        env["queue.job"]
        .sudo()
        .search(
            [
                ("uuid", "in", list(uuids)),
                ("state", "=", FAILED),
                ("graph_uuid", "!=", False),
            ]
        )
    )
    if failed.dependent_ids:
        store.release_jobs(env, failed.dependent_ids)


def settle_dependents(cancelled, note):
    """Drop the changes of the jobs that were cancelled with others, and say so.

    :param cancelled: ``queue.job`` records that a person has cancelled
    """
    seen, found = cancelled.sudo(), cancelled.sudo().dependent_ids
    while found:
        found = found.filtered(lambda job: job.state == CANCELLED) - seen
        seen |= found
        found = found.dependent_ids
    dependents = seen - cancelled.sudo()
    if dependents:
        text = words._lt("Cancelled with the job that it waited for: %(note)s")
        jobs.settle(dependents, words.Sentence(text, note=note))


def reason_to_wait(job):
    """Return the names of what a ``queue.job`` waits for, in a sentence."""
    ahead = job.sudo().dependency_ids
    failed = ahead.filtered(lambda each: each.state == FAILED)
    names = ", ".join(
        (failed or ahead.filtered(lambda each: each.state != "done")).mapped(
            lambda each: each.related_name or each.name
        )
    )
    if failed:
        return job.env._("Waits for %s, which failed", names)
    return job.env._("Waits for %s", names) if names else False
