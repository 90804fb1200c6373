# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who is at fault for what records have met: a record, a synchronization or a system.

One refusal tells little: the same status may be about one record's content, a setting,
or a system that does not work. So records are compared. What they have met is in the
log, where each job keeps it before it comes here: ``Delivery._keep_refusals``.

What is found out opens an incident, whose jobs sleep and use no try. Where only a
record can show that it is over, it lets one job through: what that one meets is judged
here too.
"""

import logging
import time
from typing import NamedTuple

from ..exceptions import Blocked, Misconfigured, Rejected, Unreachable
from ..transports.http.tokens import CONNECT
from . import jobs, store, waiting, words
from .store import Alike

_logger = logging.getLogger(__name__)

# Of the last records of a synchronization, how many are refused alike before it is
# held.
REFUSED, OF_THE_LAST = 20, 25
# Seconds until what other workers were confirmed beside a refusal is committed.
COMMITTED_WITHIN = 1
NO_ID = words._lt(
    "The system has confirmed new records, and the answers hold no ID where it is "
    "looked for: the next edit of such a record could not be told from a new one."
)


class Verdict(NamedTuple):
    """That something else than a record is at fault."""

    alike: Alike  # what its failures have in common: they use no try
    # what those jobs wait for; None for the trial that goes again at once
    sleep: waiting.Sleep | None


def judge(stream, chunk, uuid=None):
    """Find out who is at fault for what a chunk has met, and let the jobs wait.

    :param stream: the ``sync.stream``, as superuser
    :param chunk: the :class:`.delivery.Delivery`, committed
    :param str uuid: of the job, if it is the trial of an incident
    :return: a :class:`Verdict`, ``None`` if it is the records' own
    :raises LockNotAvailable: nobody can find out now
    """
    # what is not known of an earlier request is no refusal of this one
    failed = [
        task
        for task in chunk.met
        if task.receipt or not isinstance(task.error, Rejected)
    ]
    found = uuid and _judge_trial(stream, chunk, failed, uuid)
    if found:
        return found
    for task in failed:
        if isinstance(task.error, Misconfigured):
            return _misconfigured(stream, task.error)
    for alike, task in {Alike.of(task): task for task in failed}.items():
        found = None
        if isinstance(task.error, Unreachable):
            found = _outage(stream, Alike(alike.kind), task.error)
        elif isinstance(task.error, Blocked):
            found = _outage(stream, alike, task.error)
        if not found and isinstance(task.error, Rejected):
            found = _refused_alike(stream, alike, task.error)
        if found:
            return found
    if any(map(_lacks_id, chunk.settled)):
        _created_without_id(stream)
    return None


# -- a synchronization ---------------------------------------------------------


def _misconfigured(stream, error):
    alike = Alike(store.kind_of(error))
    return _hold(stream, alike, error, error.setting)


def _refused_alike(stream, alike, error):
    """Hold a stream most of whose last records are refused in the same way."""
    with store.read_committed(stream.env.registry) as cr:
        last = store.latest_refusals(cr, stream.id, alike, OF_THE_LAST)
    refused = [id_ for id_, is_alike in last if is_alike]
    if len(refused) < REFUSED:
        return None
    return _hold(stream, alike, error, "mapping", **_told(alike, refused))


def _hold(stream, alike, error, setting, **values):
    """Hold a stream; return the :class:`Verdict`, ``None`` if it could not be held."""
    incidents = stream.env["sync.incident"]
    known = incidents._fields["setting"].get_values(stream.env)
    hold = incidents._open(
        stream.backend_id,
        "settings",
        error,
        stream_id=stream.id,
        setting=setting if setting in known else "other",
        **values,
    )
    if not hold:
        return None
    return Verdict(alike, waiting.Sleep(waiting.for_stream(stream.id), hold))


def _told(alike, deliveries):
    """Return the values of an incident that is about what records have met alike."""
    return {
        "refusal_kind": alike.kind,
        "refusal_status": alike.status,
        "first_delivery": min(deliveries),
    }


def _lacks_id(task):
    """Return whether a record was created, and nobody knows its id there."""
    message, receipt = task.message, task.receipt
    return bool(
        message
        and receipt
        and message.operation == "upsert"
        and message.external_id is None
        and receipt.external_id is None
        and not receipt.accepted
        and message.route.id_policy == "destination"
    )


def _created_without_id(stream):
    """Hold a stream whose last new records have got no id."""
    with store.read_committed(stream.env.registry) as cr:
        count = store.created_without_id(cr, stream.id, jobs.WITHOUT_ID)
    if count >= jobs.WITHOUT_ID:
        _hold(stream, None, words.Sentence(NO_ID), "id")


# -- a system ------------------------------------------------------------------


def _outage(stream, alike, error):
    """Pause the system if different records have met the same in a row.

    :return: a :class:`Verdict`, ``None`` if it goes on
    """
    backend = stream.backend_id
    if not backend.pause_on_outage:
        return None
    # who has no access need not be asked by several records
    for pause in () if error.reason == CONNECT else (0, COMMITTED_WITHIN):
        # what a worker has got through is committed a moment after what was refused
        time.sleep(pause if alike.status is not None else 0)
        with store.read_committed(stream.env.registry) as cr:
            # as committed by now, what other workers have met among it
            row = store.alike_in_a_row(cr, backend.id, alike)
        if len(row) < backend.outage_threshold:
            return None
    values = {}
    if alike.status is not None:
        # it answers: nothing but a record shows that it takes some again
        first = [id_ for _stream_id, _res_id, id_ in row]
        values = {"by_record": True, **_told(alike, first)}
    hold = stream.env["sync.incident"]._open(backend, "outage", error, **values)
    if not hold:
        return None
    return Verdict(alike, waiting.Sleep(waiting.for_system(backend.id), hold))


# -- trials --------------------------------------------------------------------


def _judge_trial(stream, chunk, failed, uuid):
    """Close the incident whose trial has got through, or go on waiting.

    :return: a :class:`Verdict` if what it has met is not the record's fault, else
        ``None``
    """
    confirmed = [task for task in chunk.settled if task.message]
    task = next(iter(failed), None)
    found = None
    with store.read_committed(stream.env.registry) as cr:
        for incident in _trials(stream, cr, uuid):
            is_over, is_refused = _outcome(incident, confirmed, task)
            if is_over:
                incident._close()
            elif is_refused:
                error = task.error if task else words.Sentence(NO_ID)
                again = incident._trial_refused(
                    error,
                    getattr(error, "setting", None),
                    # it may be the fault of that record alone
                    isinstance(error, Rejected),
                )
                if task:
                    sleep = waiting.Sleep(incident._key, incident._waiting_text())
                    alike = Alike(store.kind_of(error))
                    found = found or Verdict(alike, None if again else sleep)
    return found


def _outcome(incident, confirmed, task):
    """Return whether a trial shows that an incident is over, or that it is not."""
    error = task and task.error
    if incident.stream_id:
        lacks_id = incident.setting == "id" and any(map(_lacks_id, confirmed))
        is_refused = lacks_id or isinstance(error, Misconfigured | Rejected)
        return confirmed and not lacks_id, is_refused
    # who judges a record works
    judges = isinstance(error, Rejected) and not isinstance(error, Blocked)
    return confirmed or judges, isinstance(error, Blocked | Unreachable)


def _trials(stream, cr, uuid):
    """Return the open incidents whose trial a job is, locked, as they are by now."""
    ids = store.lock_trials(cr, uuid)
    return stream.env["sync.incident"].with_env(stream.env(cr=cr)).browse(ids)


def end_trial(stream, uuid, was_tried):
    """Let another job be tried after one that has shown nothing.

    :param bool was_tried: it has sent its record all the same
    """
    with store.read_committed(stream.env.registry) as cr:
        for incident in _trials(stream, cr, uuid):
            incident.trial_uuid = False
            if incident.stream_id and (incident.trials_left > 0 or not was_tried):
                incident._begin_trial(afresh=not was_tried)
