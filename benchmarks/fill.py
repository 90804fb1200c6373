# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Fills our tables as years of use would.

Rows are copies of real ones, which the addon itself has made for a contact, with other
numbers: so they are what the code at hand writes, column by column.
"""

from contextlib import contextmanager

from benchmarks import contacts, peers
from benchmarks.progress import tell
from support.databases import connected

# Ids of records that were sent once and are no longer looked at; no contact has them.
ELSEWHERE = 100_000_000
PAGE_COST = 1.1
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
# A large company: its contacts are in two systems, but for one in a hundred, which was
# never sent; a person has closed the job of one in a thousand.
CONTACT = "%(first)s + (n - 1) %% %(contacts)s"
SENT = {
    "stream_id": "%(stream)s",
    "res_id": CONTACT,
    "external_id": f"'C-' || ({CONTACT})",
    "skipped": "n %% 1000 = 1",
}
NEVER_SENT = "n %% 100 <> 0"
# Its log of ten days, at an even pace; one delivery in fifty was refused.
REFUSED = "n %% 50 = 0"
LOGGED = {
    "res_id": CONTACT,
    "job_uuid": "gen_random_uuid()::text",
    "date": "now() AT TIME ZONE 'UTC' - (%(n)s - n) * (interval '10 days' / %(n)s)",
    "state": f"CASE WHEN {REFUSED} THEN 'failed' ELSE 'success' END",
    "error_kind": f"CASE WHEN {REFUSED} THEN 'rejected' END",
    "status": f"CASE WHEN {REFUSED} THEN '422' ELSE '200' END",
}
FAILED = {**DONE, "state": "'failed'", "failure_notified": "true"}
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


def fill_large(peer, destination, sizes):
    """Fill a peer as if a million contacts had been sent to two systems for years.

    :param peer: the running :class:`~benchmarks.peer.Peer`, set up for one system
    :param destination: the ``Destination`` of both
    :param sizes: the run's ``Sizes``
    """
    tell(f"filling {peer.name}: {sizes.scale} contacts in two systems")
    # As docs/operations.md has it: PostgreSQL's own value is that of rotating disks.
    peer.query(f"ALTER DATABASE {peer.database} SET random_page_cost = {PAGE_COST}")
    ((before,),) = peer.query("SELECT max(id) FROM res_partner")
    with connected(peer.database) as connection:
        contacts.fill(connection.cursor(), sizes.scale)
    peer.query("VACUUM ANALYZE res_partner")
    id_ = before + 1
    peer.save(id_, {"street": contacts.text("Road")})
    peer.wait_until_idle()
    second = {"transport": "rest", "url": destination.url}
    streams = [
        peer.admin.search_one("sync.stream", [("name", "=", peers.REST)]),
        peers.make_stream(
            peer.admin, peers.SECOND, second, {"endpoint": peers.ENDPOINT}
        ),
    ]
    of_contacts = {"first": id_, "contacts": sizes.scale, "n": sizes.scale}
    known = "sync_binding ORDER BY id DESC LIMIT 1"
    for stream in streams:
        values = {**of_contacts, "stream": stream}
        _copy(peer, "sync_binding", known, SENT, values, f"{NEVER_SENT} AND n > 1")
    tell(f"{sizes.scale_deliveries} deliveries")
    logged = {**of_contacts, "n": sizes.scale_deliveries}
    last = "sync_delivery ORDER BY id DESC LIMIT 1"
    _copy(peer, "sync_delivery", last, LOGGED, logged)
    done = "queue_job WHERE state = 'done' ORDER BY id DESC LIMIT 1"
    count = {"elsewhere": id_ + sizes.scale // 2}
    with _unheard(peer):
        failed = {**count, "n": sizes.scale_failed}
        _copy(peer, "queue_job", done, {**JOB, **FAILED}, failed)
    _give_changes(peer, "failed", count["elsewhere"])
    _fill_waiting(peer, id_, {"elsewhere": id_, "n": sizes.scale_waiting})
    for table in (*TABLES, "sync_delivery"):
        tell(f"vacuuming {table}")
        peer.query(f"VACUUM ANALYZE {table}")
    peer.keep_jobs()
    tell(f"{peer.name} is full")


def _fill_waiting(peer, id_, count):
    """Have jobs that wait for their time, with the changes that they will deliver."""
    peer.pause()
    peer.save(id_, {"street": contacts.text("Road")})
    copy_waiting(peer, count, WAITING)
    peer.resume()


def copy_jobs(peer, count):
    """Copy the job that waits, of a peer without the addon, for other contacts."""
    pending = "queue_job WHERE state = 'pending' ORDER BY id DESC LIMIT 1"
    with _unheard(peer):
        _copy(peer, "queue_job", pending, JOB, {"elsewhere": 0, "n": count})


def copy_waiting(peer, count, changed=None):
    """Copy the job that was queued last, and its change, for other contacts.

    :param count: how many as ``n``, and the id before their first one as ``elsewhere``
    :param changed: SQL by column of ``queue_job``, besides what says whose job it is
    """
    pending = "queue_job WHERE state = 'pending' ORDER BY id DESC LIMIT 1"
    with _unheard(peer):
        _copy(peer, "queue_job", pending, {**JOB, **(changed or {})}, count)
    _give_changes(peer, "pending", count["elsewhere"])


def _give_changes(peer, state, elsewhere):
    """Give jobs in a state the changes that they are about.

    :param elsewhere: the id before that of their first contact
    """
    values = {
        "stream_id": "job.sync_stream_id",
        "operation": "'upsert'",
        "create_uid": "job.user_id",
        "create_date": "job.date_created",
        **OUTBOX,
    }
    columns = [name for name in _columns(peer, "sync_outbox") if name in values]
    peer.query(
        f"INSERT INTO sync_outbox ({', '.join(columns)})"
        f" SELECT {', '.join(values[name] for name in columns)}"
        " FROM queue_job AS job WHERE job.state = %s AND job.sync_res_id > %s",
        state,
        elsewhere,
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


def _copy(peer, table, source, changed, count, where="true"):
    """Insert copies of one row.

    :param source: table and conditions that lead to it
    :param changed: SQL by column, of ``n`` (from 1) and ``old``
    :param count: how many as ``n``, and what else the SQL names
    :param where: SQL of ``n``: which of them
    """
    columns = _columns(peer, table)
    values = [changed.get(name, f"old.{name}") for name in columns]
    statement = (
        f"INSERT INTO {table} ({', '.join(columns)})"
        f" SELECT {', '.join(values)} FROM (SELECT * FROM {source}) AS old,"
        f" generate_series(1, %(n)s) AS n WHERE {where}"
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
