# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who waits for what, and who wakes whom.

A job that cannot go now gives its slot back and sleeps: it stays pending, its eta is
far away, and columns of its own say what it waits for, why, and when it was due. What
it waits for wakes it. The eta only saves it from sleeping for ever.

No wake-up is lost. Who goes to sleep commits, then looks whether what it waits for is
free, and wakes itself. Who held that commits, lets go, then looks for sleepers. Whoever
is second sees the other. A worker that dies between the two wakes nobody, so that a
cron looks as well.

One job takes along whatever is due beside it, see :mod:`.run`. So it takes one that is
awake for each place that a system has, not one for each change: whoever finds a place
wakes the next for the next place, and whoever gives his back wakes one for it.
"""

import logging
import random
import time
from functools import partial
from typing import NamedTuple

from odoo import SUPERUSER_ID, api

from odoo.addons.queue_job.exception import RetryableJobError

from . import places, precedence, store, words

_logger = logging.getLogger(__name__)

# Seconds that a job sleeps if nobody wakes it, and by what part they are stretched:
# what fell asleep together does not wake together.
SAFETY, STRETCH = 24 * 3600, 0.5
# Jobs that are moved in one transaction: the runner reads each of them anew before it
# starts another one.
BATCH = 500
# How many such transactions one job does, with a pause between them in seconds.
BATCHES, PAUSE = 20, 0.2
# Keys of a kind that the cron looks at each minute.
LOOKS = 200


class Sleep(NamedTuple):
    """What a job waits for."""

    key: str
    reason: object  # a :class:`..wording.Sentence`, for people


# -- what there is to wait for -------------------------------------------------


def for_system(backend_id):
    """Return the key of a system that takes nothing more now: it is down or paused, has
    asked for patience, or its share of the slots is used."""
    return f"system:{backend_id}"


def for_stream(stream_id):
    """Return the key of a synchronization that does not send: archived, a draft, or
    held until its settings are mended."""
    return f"stream:{stream_id}"


def for_record(stream_id, res_id):
    """Return the key of a record that another job is sending."""
    return f"record:{stream_id}:{res_id}"


def for_ahead(stream_id, res_id):
    """Return the key of a record that has to be there first."""
    return f"ahead:{stream_id}:{res_id}"


def for_doubt(stream_id, res_id):
    """Return the key of a record of which a person has to say whether it is there, or
    under which ID."""
    return f"doubt:{stream_id}:{res_id}"


def for_backfill(backfill_id):
    """Return the key of a backfill that has queued as much as there is room for, or
    everything."""
    return f"backfill:{backfill_id}"


def for_backfills_of(rows):
    """Return the keys of the backfills that have asked for changes, as a set."""
    return set(map(for_backfill, rows.backfill_id.ids))


# -- to sleep ------------------------------------------------------------------


def asleep(key, reason):
    """Return the exception that lets a job sleep, which uses no try.

    :param str key: of what it waits for
    :param reason: a sentence for people
    """
    reason = words.Sentence(reason)
    found = RetryableJobError(reason, seconds=safety(), ignore_retry=True)
    found.sync_sleep = Sleep(key, reason)
    return found


def safety():
    """Return the seconds after which a job wakes by itself."""
    return round(SAFETY * random.uniform(1, 1 + STRETCH))


def at_birth(stream, priority):
    """Return how a job that is made now sleeps, ``None`` if it does not.

    A plain read, for editors. A system that takes nothing now, or has a backlog that is
    no less urgent, need not have each new job started in vain.

    :param int priority: of the job
    :return: a :class:`Sleep`, or ``None``
    """
    backend_id = stream._facts().backend_id
    system, held = for_system(backend_id), for_stream(stream.id)
    what = store.what_holds(stream.env, backend_id, stream.id, system, priority)
    if not what:
        return None
    key = held if what == "stream" else system
    postcommit, registry = stream.env.cr.postcommit, stream.env.registry
    looks = postcommit.data.setdefault("queue_job_sync.looks", set())
    if key not in looks:
        looks.add(key)
        wake = partial(_look_after_birth, registry, key, backend_id)
        postcommit.add(_at_leisure(wake))
    if key == held:
        return Sleep(key, words._lt("Its synchronization is held."))
    return Sleep(key, words._lt("Waits for its turn."))


def put_to_sleep(registry, backend_id, reason, stream_id=None):
    """Let the next jobs of a system sleep that are due, and commit.

    They need not start in vain; those that are left out find out then.

    :param reason: a sentence for people
    :param int stream_id: of this stream only, which is held
    """
    key = for_stream(stream_id) if stream_id else for_system(backend_id)

    def put():
        with store.read_committed(registry) as cr:
            _put_to_sleep(cr, backend_id, key, words.kept(reason), stream_id)
        # unless it is over already
        look(registry, key)

    _at_leisure(put)()


def _put_to_sleep(cr, backend_id, key, reason, stream_id=None):
    seconds = SAFETY, SAFETY * STRETCH
    store.put_to_sleep(cr, backend_id, key, reason, *seconds, BATCH, stream_id)


def _look_after_birth(registry, key, backend_id):
    """Wake who sleeps under a key, if all that might have done so are over by now."""
    if key != for_system(backend_id):
        look(registry, key)
        return
    with store.read_committed(registry) as cr:
        is_at_work = store.is_at_work(cr, backend_id)
    if not is_at_work:
        look(registry, key)


# -- to wake -------------------------------------------------------------------


def look(registry, *keys):
    """Wake who sleeps under keys if what they wait for is over, and commit.

    The first one: it takes the others along, or wakes the next. Those behind a record,
    or of a synchronization that has rested, wait for their systems from then on.
    """
    for key in keys:
        kind, *ids = key.split(":")
        with store.read_committed(registry) as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            with cr.savepoint(flush=False) as trial:
                is_over = IS_OVER[kind](env, *map(int, ids))
                # what was tried must not be in the way of who looks at the same time
                trial.rollback()
            if kind == "system":
                for stream_ids in is_over:
                    store.wake(cr, key, stream_ids)
            elif is_over and kind not in MOVED:
                store.wake(cr, key)
            backfills = ()
            if kind == "doubt" and not is_over:
                # for a backfill it is settled
                backfills = store.backfills_of(cr, *map(int, ids))
        if is_over and kind in MOVED:
            _move(registry, [key])
        look(registry, *map(for_backfill, backfills))


def _move(registry, keys):
    """Let sleepers wait for their systems, and wake the first ones.

    The runner reads each anew: they are moved a few at a time, and if they are very
    many, the rest by the cron.
    """
    for _batch in range(BATCHES):
        with store.read_committed(registry) as cr:
            systems = store.move_sleepers(cr, keys, BATCH)
        look(registry, *map(for_system, set(systems)))
        if len(systems) < BATCH:
            break
        time.sleep(PAUSE)


def look_soon(registry, *keys):
    """Do as :func:`look`, or leave it to the cron."""
    _at_leisure(partial(_look_at_awaited, registry, keys))()


def _look_at_awaited(registry, keys):
    """Do as :func:`look`; of many keys, under most of which nobody sleeps."""
    if len(keys) > 1:
        with store.read_committed(registry) as cr:
            awaited = store.awaited(cr, list(keys))
        keys = [key for key in keys if key in awaited]
    look(registry, *keys)


def look_later(env, *keys):
    """Do as :func:`look` once this is committed, or leave it to the cron."""
    env.cr.postcommit.add(partial(look_soon, env.registry, *keys))


def go_on_later(env, keys):
    """Let those who sleep under keys of a kind in ``MOVED`` go on, as it is over.

    Once this is committed; if they are very many, the rest by the cron.
    """
    move = partial(_move, env.registry, list(keys))
    env.cr.postcommit.add(_at_leisure(move))


def ask_again_later(env, stream_ids):
    """Let records in doubt of streams be looked at again, once this is committed.

    What keeps them from being sent may be another setting by now.
    """

    def ask():
        with store.read_committed(env.registry) as cr:
            keys = [
                key
                for stream_id in stream_ids
                for key in store.waited_for(cr, f"doubt:{stream_id}:")
            ]
        if keys:
            _move(env.registry, keys)

    env.cr.postcommit.add(_at_leisure(ask))


def let_go_later(env, stream_id, record_ids):
    """Do as :func:`let_go` once this is committed, or leave it to the cron."""
    env.cr.postcommit.add(partial(let_go, env.registry, stream_id, record_ids, ()))


def _at_leisure(wake):
    """Return what does something that must not fail: what it is about is committed."""

    def wake_if_possible():
        try:
            wake()
        except Exception:
            _logger.exception("Some jobs sleep on for a minute")

    return wake_if_possible


def after_run(registry, uuid, closed=False):
    """Wake who waits for what a job has held, and look after the job itself.

    :param bool closed: it has met the off-peak hours of its synchronization
    """
    _at_leisure(partial(_after_run, registry, uuid, closed))()


def _after_run(registry, uuid, closed):
    with store.read_committed(registry) as cr:
        backend_id, stream_id, key, reason, is_awaited = store.sleep_of(cr, uuid)
        # those like it need not start in vain
        if key and key == for_system(backend_id):
            _put_to_sleep(cr, backend_id, key, reason)
        elif key == for_stream(stream_id) or closed:
            store.follow(cr, uuid, for_system(backend_id), BATCH)
    keys = {key, for_system(backend_id) if is_awaited else None}
    look(registry, *keys - {None})


def let_go(registry, stream_id, record_ids, settled, backfill_ids=()):
    """Wake who waits for records that have just been sent, or leave it to the cron.

    :param record_ids: ids of all that were sent, whatever became of them
    :param settled: ids of those that are there now
    :param backfill_ids: of the backfills that have asked for them
    """
    records = stream_id, record_ids, settled
    _at_leisure(partial(_let_go, registry, *records, backfill_ids))()


def _let_go(registry, stream_id, record_ids, settled, backfill_ids):
    keys = [for_record(stream_id, id_) for id_ in record_ids]
    ahead = [for_ahead(stream_id, id_) for id_ in settled]
    steps = list(map(for_backfill, backfill_ids))
    with store.read_committed(registry) as cr:
        found = store.awaited(cr, keys + ahead + steps)
        for key in found.intersection(keys):
            store.wake(cr, key)
    behind = found.intersection(ahead)
    if behind:
        _move(registry, list(behind))
    look(registry, *found.intersection(steps))


def look_everywhere(env):
    """Wake whoever has been forgotten, for the cron; it commits by itself.

    And let those sleep on that would soon wake by themselves.
    """
    progress = env["ir.cron"]._commit_progress
    while True:
        with store.read_committed(env.registry) as cr:
            count = store.sleep_on(cr, safety(), BATCH)
        if count < BATCH or not progress():
            break
    for kind in IS_OVER:
        keys = store.waited_for(env.cr, f"{kind}:")
        # of very many, others each time
        for key in random.sample(keys, min(len(keys), LOOKS)):
            look_soon(env.registry, key)
            if not progress():
                return


def _system_takes(env, backend_id):
    """Return of which streams one more job may go, as a list of ids for each job.

    ``None`` instead of the ids where all of them count.
    """
    # who is awake finds a place by himself, and wakes the next one for the next place
    backend = env["sync.backend"].browse(backend_id).exists()
    if store.has_no_caller(env.cr, backend_id):
        found = [None]
    else:
        # unless his channel is full: he may be waiting for a slot of it for long
        channels = backend._streams_by_channel() if backend else ()
        found = [
            ids
            for ids in channels
            if len(channels) > 1 and store.has_no_caller(env.cr, backend_id, ids)
        ]
    # that of a system that is gone finds out so
    return found if found and (not backend or places.is_free(backend)) else []


def _stream_sends(env, stream_id):
    stream = env["sync.stream"].browse(stream_id).exists()
    return not (stream and (stream._resting_text() or stream._held_text()))


def _record_is_free(env, stream_id, res_id):
    return store.is_free(env.cr, stream_id, res_id)


def _is_there(env, stream_id, res_id):
    stream = env["sync.stream"].browse(stream_id).exists()
    if not stream or stream._resting_text():
        return True
    waiting = store.streams_behind(env.cr, for_ahead(stream_id, res_id))
    needed = {
        first
        for each in env["sync.stream"].browse(waiting).exists()
        for _path, stream_ids in each._links_sent_first()
        for first in stream_ids
    }
    return (
        stream_id not in needed
        or not precedence.undelivered(stream, [res_id])
        # who waits for each other would wait for ever
        or store.waits_for(env.cr, (stream_id, res_id), (stream_id, res_id))
    )


def _doubt_is_over(env, stream_id, res_id):
    return not store.is_in_doubt(env.cr, stream_id, res_id)


def _backfill_goes_on(env, backfill_id):
    backfill = env["sync.backfill"].browse(backfill_id).exists()
    return not (backfill and backfill._obstacle())


IS_OVER = {
    "system": _system_takes,
    "stream": _stream_sends,
    "record": _record_is_free,
    "ahead": _is_there,
    "doubt": _doubt_is_over,
    "backfill": _backfill_goes_on,
}
# The kinds of which all go on to wait for their systems.
MOVED = ("stream", "ahead", "doubt")
