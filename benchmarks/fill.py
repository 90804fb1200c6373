# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Fills our tables as years of use would.

Rows are copies of real ones, which the addon itself has made for a contact, with other
numbers: so they are what the code at hand writes, column by column.
"""

from contextlib import contextmanager

from benchmarks import contacts
from benchmarks.progress import tell

# Ids of records that were sent once and are no longer looked at; no contact has them.
ELSEWHERE = 100_000_000
TABLES = ("queue_job", "sync_outbox", "sync_binding")
RECORD = "%(elsewhere)s + n"
JOB = {
    "uuid": "gen_random_uuid()::text",
    "sync_res_id": RECORD,
    "sync_record_name": "'Contact ' || n",
    "name": "'rest: Contact ' || n",
    # queue_job keeps JSON as a text inside of JSON.
    "records": (
        "to_jsonb(jsonb_set((old.records #>> '{}')::jsonb, '{ids}',"
        f" jsonb_build_array({RECORD}))::text)"
    ),
}
DONE = {
    "date_created": "old.date_created - n * interval '1 second'",
    "date_enqueued": "old.date_enqueued - n * interval '1 second'",
    "date_started": "old.date_started - n * interval '1 second'",
    "date_done": "old.date_done - n * interval '1 second'",
}
WAITING = {"eta": "now() AT TIME ZONE 'UTC' + interval '1 day'"}
BINDING = {"res_id": RECORD, "external_id": "'C-' || (" + RECORD + ")"}
OUTBOX = {
    "res_id": "job.sync_res_id",
    "record_name": "job.sync_record_name",
    "job_uuid": "job.uuid",
}


def fill(peer, destination, sizes):
    """Fill the queue, the outbox and the bindings of a peer that is set up.

    :param peer: the running :class:`~benchmarks.peer.Peer`
    :param destination: the ``Destination`` that its contacts go to
    :param sizes: the run's ``Sizes``
    """
    tell(f"filling {peer.name}: {sizes.done_jobs} done jobs")
    (id_,) = peer.old_ids(1)
    peer.wait_until_idle()
    peer.save(id_, {"street": contacts.text("Road")})
    peer.wait_until_idle()
    count = {"elsewhere": ELSEWHERE}
    done = "queue_job WHERE state = 'done' ORDER BY id DESC LIMIT 1"
    with _unheard(peer):
        _copy(peer, "queue_job", done, {**JOB, **DONE}, {**count, "n": sizes.done_jobs})
    some = "sync_binding ORDER BY id DESC LIMIT 1"
    _copy(peer, "sync_binding", some, BINDING, {**count, "n": sizes.bindings})
    _fill_waiting(peer, id_, {**count, "n": sizes.waiting_jobs})
    for table in TABLES:
        peer.query(f"VACUUM ANALYZE {table}")
    peer.keep_jobs()
    tell(f"{peer.name} is full")


def _fill_waiting(peer, id_, count):
    """Have jobs that wait for their time, with the changes that they will deliver."""
    peer.pause()
    peer.save(id_, {"street": contacts.text("Road")})
    copy_waiting(peer, count, WAITING)
    peer.resume()


def copy_waiting(peer, count, changed=None):
    """Copy the job that was queued last, and its change, for other contacts.

    :param count: how many as ``n``, and the id before their first one as ``elsewhere``
    :param changed: SQL by column of ``queue_job``, besides what says whose job it is
    """
    pending = "queue_job WHERE state = 'pending' ORDER BY id DESC LIMIT 1"
    with _unheard(peer):
        _copy(peer, "queue_job", pending, {**JOB, **(changed or {})}, count)
    columns = _columns(peer, "sync_outbox")
    peer.query(
        f"INSERT INTO sync_outbox ({', '.join(columns)})"
        f" SELECT {', '.join(OUTBOX.get(name, f'old.{name}') for name in columns)}"
        " FROM (SELECT * FROM sync_outbox ORDER BY id DESC LIMIT 1) AS old,"
        " queue_job AS job WHERE job.state = 'pending' AND job.sync_res_id > %s",
        count["elsewhere"],
    )


@contextmanager
def _unheard(peer):
    """Let the runner hear of no job while the body runs.

    The trigger would tell it of each; it reads them when it starts again.
    """
    peer.query("ALTER TABLE queue_job DISABLE TRIGGER USER")
    try:
        yield
    finally:
        peer.query("ALTER TABLE queue_job ENABLE TRIGGER USER")


def _copy(peer, table, source, changed, count):
    """Insert copies of one row.

    :param source: table and conditions that lead to it
    :param changed: SQL by column, of ``n`` (from 1) and ``old``
    :param count: how many as ``n``, and what else the SQL names
    """
    columns = _columns(peer, table)
    values = [changed.get(name, f"old.{name}") for name in columns]
    statement = (
        f"INSERT INTO {table} ({', '.join(columns)})"
        f" SELECT {', '.join(values)} FROM (SELECT * FROM {source}) AS old,"
        " generate_series(1, %(n)s) AS n"
    )
    peer.query(statement, count)


def _columns(peer, table):
    rows = peer.query(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s AND column_name <> 'id'"
        " ORDER BY ordinal_position",
        table,
    )
    return [name for (name,) in rows]
