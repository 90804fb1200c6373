# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How soon after its commit an edit is confirmed, where nothing else is to be done."""

import select
import time
from contextlib import closing
from statistics import median
from threading import Thread

import psycopg2

from benchmarks import contacts
from benchmarks.peers import BEFORE, OURS
from support.figures import Result, Row, compared, in_turns, medians

CONFIRMED = "bench_confirmed"
# PostgreSQL tells of both by a notification when their transaction commits: of an
# edit's job by queue_job's own trigger, of what was confirmed by this one.
TELL = f"""
CREATE OR REPLACE FUNCTION {CONFIRMED}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('{CONFIRMED}', NEW.res_id::text);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER {CONFIRMED} AFTER UPDATE OF version ON sync_binding
FOR EACH ROW WHEN (NEW.version > OLD.version) EXECUTE FUNCTION {CONFIRMED}()
"""
NO_TELLING = f"DROP TRIGGER IF EXISTS {CONFIRMED} ON sync_binding"
PATIENCE = 30  # seconds
PAUSE = 0.1  # seconds between the end of a job and the next edit


def measure(scene):
    """Time edits of the addon as it is, and as it was where a commit is given."""
    names = [name for name in ROW.peers if name in scene.peers]
    actions = {
        name: lambda peer=scene.peers[name]: median(_edits(scene, peer))
        for name in names
    }
    for name in names:
        # The destination knows the contacts, each time.
        peer = scene.peers[name]
        peer.touch(peer.old_ids(scene.sizes.pickups))
    samples = in_turns(scene.sizes.rounds, actions)
    note = f"median of {scene.sizes.pickups} edits"
    if BEFORE in scene.peers:
        return compared(samples, OURS, BEFORE, "ms", note)
    note += "; a ratio needs --before COMMIT"
    return Result(None, medians(samples), len(samples[OURS]), "ms", note)


def _edits(scene, peer):
    """Yield the milliseconds of each edit."""
    peer.query(TELL)
    try:
        with closing(psycopg2.connect(dbname=peer.database)) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"LISTEN queue_job; LISTEN {CONFIRMED}")
            for id_ in peer.old_ids(scene.sizes.pickups):
                peer.wait_until_idle()
                time.sleep(PAUSE)
                connection.poll()
                connection.notifies.clear()
                yield 1000 * _edit(peer, id_, connection)
    finally:
        peer.query(NO_TELLING)


def _edit(peer, id_, connection):
    """Return the seconds from an edit's commit to that of its confirmation."""
    editor = Thread(target=peer.save, args=(id_, {"street": contacts.text("Road")}))
    editor.start()
    try:
        committed = None
        for moment, notification in _notifications(connection):
            if notification.channel == CONFIRMED:
                if committed and notification.payload == str(id_):
                    return moment - committed
            elif not committed:
                committed = moment
        raise RuntimeError("the edit was not confirmed")
    finally:
        editor.join()


def _notifications(connection):
    """Yield what PostgreSQL tells, and when, until it says nothing for long."""
    while select.select([connection], [], [], PATIENCE)[0]:
        moment = time.monotonic()
        connection.poll()
        while connection.notifies:
            yield moment, connection.notifies.pop(0)


ROW = Row(
    id="lone_edit",
    title="commit to confirmed, one edit at an idle system, ours / before",
    goal=1.1,
    peers=(OURS, BEFORE),
    measure=measure,
)
