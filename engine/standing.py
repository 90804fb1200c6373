# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""How far the systems are with records: what screens, filters and monitoring read.

What is not delivered is found from the changes and the failed jobs, which are few. All
else is in one index of ``sync.binding``: where every record of a model has to be looked
at, each synchronization is joined once, however many records there are.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product

from odoo import fields
from odoo.fields import Domain
from odoo.tools import SQL

from . import capture
from .capture import noted
from .store import (
    DELIVERED,
    HELD,
    LIVE_STATES,
    OPEN_STATES,
    ask,
    hour_of,
    rows_about,
)

_logger = logging.getLogger(__name__)

SYNC_STATES = [
    ("unsent", "Not Sent Yet"),
    ("synced", "Synced"),
    ("deleted", "Deleted There"),
    ("waiting", "Waiting"),
    ("doubt", "To Be Clarified"),
    ("accepted", "Accepted, Not Confirmed"),
    ("skipped", "Skipped"),
    ("failed", "Failed"),
]

# Hours that the delivered records are counted for.
HOURS = 24

# A record that is in several systems shows the state that most wants attention.
BY_URGENCY = (
    "failed",
    "doubt",
    "waiting",
    "skipped",
    "unsent",
    "accepted",
    "synced",
    "deleted",
)

# A person has to say whether the system has the record, or under which ID. Where the
# system has accepted it, nobody has to before its next change: see ASLEEP_IN_DOUBT.
UNCLEAR = SQL("(doubt IS NOT NULL AND accepted IS NOT TRUE)")
# The id of the record in the key of a job that sleeps until somebody has said so.
RES_ID_IN_DOUBT = SQL("NULLIF(split_part(sync_wait_key, ':', 3), '')::int")
# Such jobs, unless somebody has and they are about to be woken. Their keys are a range
# of the index, in whatever order the database has its texts.
ASLEEP_IN_DOUBT = SQL(
    """
    (state = 'pending' AND sync_wait_key > 'doubt' AND sync_wait_key < 'doubu'
     AND starts_with(sync_wait_key, 'doubt:')
     AND EXISTS (SELECT FROM sync_binding
                  WHERE stream_id = sync_stream_id AND res_id = %s
                    AND doubt IS NOT NULL OFFSET 0))
    """,
    RES_ID_IN_DOUBT,
)


@dataclass(frozen=True)
class Situation:
    """How far a system is with a record."""

    state: str  # a key of SYNC_STATES
    since: datetime | None  # UTC, naive


def most_urgent(situations):
    """Return what a record's button says, given how far its systems are.

    :param situations: iterable of :class:`Situation`
    :return: :class:`Situation`, or ``None`` when no system knows the record
    """
    for state in BY_URGENCY:
        found = [each for each in situations if each.state == state]
        if found:
            dates = [each.since for each in found if each.since]
            # how long the oldest change has waited, when the others came about
            choose = min if state in ("waiting", "doubt") else max
            return Situation(state, choose(dates, default=None))
    return None


# -- records that somebody looks at ---------------------------------------------


def situations(records):
    """Return ``{record id: {stream: Situation}}`` for records of one model.

    Asked whenever a form is opened or saved: one query, a second one where changes are
    undelivered, and what the filters of streams read of records that they may send, and
    have not.
    """
    env = records.env
    streams = streams_of(env, records._name)
    found = {id_: {} for id_ in records.ids}
    if not streams or not found:
        return found
    wanted = list(product(streams.ids, found))
    known, undelivered = {}, False
    for stream_id, res_id, is_open, state, since, held in _known(env, wanted):
        stream = streams.browse(stream_id)
        if state:
            found[res_id][stream] = Situation(state, since)
        if held:
            known.setdefault(stream, set()).add(res_id)
        undelivered = undelivered or is_open
    if undelivered:
        # the last word: more than what is there, what is on its way counts
        for stream_id, res_id, state, since in open_changes(env, wanted):
            stream = streams.browse(stream_id)
            if _state_of(found[res_id].get(stream)) == "doubt":
                state = "doubt"
            found[res_id][stream] = Situation(state, since)
    for stream, ids in capture.noted_ids(records, known).items():
        for id_ in ids if stream in streams else ():
            if _state_of(found[id_].get(stream)) not in ("waiting", "doubt"):
                found[id_][stream] = Situation("waiting", env.cr.now())
    for stream, ids in _unsent_ids(records, streams, found).items():
        for id_ in ids:
            found[id_][stream] = Situation("unsent", None)
    return found


def _unsent_ids(records, streams, found):
    """Return the records that streams send, and have not yet.

    :param dict found: what is known of the records, as :func:`situations` returns it
    :return: dict ``{stream: ids}``
    """
    unknown = {
        stream: [id_ for id_, known in found.items() if stream not in known]
        for stream in streams
    }
    unknown = {stream: ids for stream, ids in unknown.items() if ids}
    unsent = {}
    if unknown:
        said = "Whether %s are sent is not known", records
        # the synchronization's own form tells it too
        with capture.tried(records.env, *said, level=logging.WARNING) as trouble:
            for stream, ids in unknown.items():
                unsent[stream] = stream._matching(records.browse(ids))._ids
        if trouble and len(unknown) > 1:
            # one that fails hides nothing of the others
            unsent = {}
            for stream, ids in unknown.items():
                with capture.tried(records.env, *said, level=logging.DEBUG):
                    unsent[stream] = stream._matching(records.browse(ids))._ids
    return unsent


def _state_of(situation):
    return situation and situation.state


def streams_of(env, model_name):
    """Return the streams that the user may be told of: his companies' systems."""
    streams = env["sync.stream"].sudo()
    ids = [id_ for id_, _watched in streams._watchers(model_name)]
    visible = {None, *env.companies.ids}
    return streams.browse(ids).filtered(
        lambda each: each._facts().company_id in visible
    )


def _known(env, pairs):
    """Return what streams have had to do with records.

    :return: rows of stream id, record id, whether that is an undelivered change, the
        state and since when of what is settled, and whether the destination holds the
        record, or soon may
    """
    env["sync.outbox"].flush_model(["stream_id", "res_id"])
    env["sync.binding"].flush_model()
    return ask(
        env.cr,
        """
        SELECT stream_id, res_id, false,
               CASE WHEN %(unclear)s THEN 'doubt'
                    WHEN skipped THEN 'skipped'
                    WHEN accepted THEN 'accepted'
                    WHEN absent IS NULL THEN 'synced'
                    WHEN absent = 'gone' THEN 'deleted' END,
               CASE WHEN %(unclear)s THEN GREATEST(last_success, note_date)
                    WHEN skipped THEN note_date ELSE last_success END,
               %(held)s
          FROM %(bindings)s AS binding
         UNION ALL
        SELECT stream_id, res_id, true, NULL, NULL, true
          FROM %(changes)s AS change
        """,
        unclear=UNCLEAR,
        held=HELD,
        bindings=rows_about("sync_binding", pairs),
        changes=rows_about("sync_outbox", pairs),
    )


def open_changes(env, pairs):
    """Return what has undelivered changes: failed when the jobs of all of them have.

    :param pairs: list of ``(stream id, record id)`` to look at
    :return: rows of stream id, record id, ``waiting``, ``failed`` or ``doubt`` (there
        may be doubt of others, see ``UNCLEAR``), and since when
    """
    env["sync.outbox"].flush_model()
    env["sync.binding"].flush_model(["doubt"])
    env["queue.job"].flush_model(["uuid", "state", "date_started", "sync_wait_key"])
    return ask(
        env.cr,
        """
        SELECT o.stream_id, o.res_id,
               CASE WHEN bool_or(%(doubt)s) THEN 'doubt'
                    WHEN %(waits)s THEN 'waiting' ELSE 'failed' END,
               CASE WHEN %(waits)s THEN min(o.create_date)
                    ELSE COALESCE(max(j.date_started), min(o.create_date)) END
          FROM %(changes)s AS o
          LEFT JOIN queue_job j ON j.uuid = o.job_uuid
         GROUP BY o.stream_id, o.res_id
        """,
        # one whose job has vanished waits, too, since the sweep will queue it again
        waits=SQL("bool_or(j.state IS DISTINCT FROM 'failed')"),
        doubt=SQL("%s AND %s = o.res_id", ASLEEP_IN_DOUBT, RES_ID_IN_DOUBT),
        changes=rows_about("sync_outbox", pairs),
    )


def job_uuids(records):
    """Return the UUIDs of jobs that the changes and deliveries of records name.

    A job of many records names none of them itself.
    """
    env = records.env(su=True)
    streams = env["sync.stream"].with_context(active_test=False)
    about = [
        ("stream_id", "in", streams.search([("model_name", "=", records._name)]).ids),
        ("res_id", "in", records.ids),
        ("job_uuid", "!=", False),
    ]
    changes = env["sync.outbox"]._read_group(about, ["job_uuid"])
    deliveries = env["sync.delivery"]._read_group(about, ["job_uuid"])
    return sorted({uuid for (uuid,) in changes + deliveries})


# -- records searched by their state --------------------------------------------


def state_domain(model, states):
    """Return the domain of a model's records in one of some states.

    A record of which one system failed is failed; else, if there is doubt of one, in
    doubt; and so on, see ``BY_URGENCY``.

    :param model: the model that is searched
    :param states: keys of ``SYNC_STATES``, and ``False`` for records that no
        synchronization concerns
    """

    def to_sql(_model, alias, query):
        return _Search(model, alias, query).is_one_of(set(states))

    return Domain.custom(to_sql=to_sql)


def state_to_sql(model, alias, query):
    """Return the SQL of the state of a model's records, NULL for ``False`` above.

    :param alias: of the model's table in the query, which gets what is to be joined
    """
    return _Search(model, alias, query).state()


class _Search:
    """How far systems are with the records of a table in a query.

    Nothing is asked record by record: by what the tables hold, PostgreSQL goes through
    them side by side, or looks a few records up.

    :param model: of the table, in the environment of the user who asks
    :param str alias: of the table
    :param query: the :class:`odoo.tools.query.Query`
    """

    def __init__(self, model, alias, query):
        self.model, self.alias, self.query = model, alias, query
        self._sent = {}
        self.id = SQL.identifier(alias, "id")
        self.streams = streams_of(model.env, model._name)
        ids = tuple(self.streams.ids) or (0,)
        self.failed = _failed_query(ids)
        self.unclear, self.asleep = _doubt_queries(ids)
        self.doubt = SQL("%s UNION ALL %s", self.unclear, self.asleep)
        self.changes = SQL("SELECT res_id FROM sync_outbox WHERE stream_id IN %s", ids)
        self.bindings = SQL(
            "SELECT res_id FROM sync_binding WHERE stream_id IN %s", ids
        )
        self.skipped = SQL("%s AND skipped", self.bindings)
        model.env["sync.binding"].flush_model()
        model.env["sync.outbox"].flush_model()
        names = ["uuid", "state", "sync_stream_id", "sync_wait_key"]
        model.env["queue.job"].flush_model(names)

    def is_one_of(self, states):
        """Return the SQL that says whether a record is in one of some states."""
        few, fewer = self._few(), self._few_of_sent()
        if len(states) > 1 and not states <= few.keys() | fewer.keys():
            names = tuple(state or "" for state in states)
            return SQL("COALESCE(%s, '') IN %s", self.state(), names)
        conditions = [
            self._is_only(state) for state in states - few.keys() - fewer.keys()
        ]
        found = [few[state] for state in states & few.keys()]
        if found:
            conditions.append(self._is_among(*found))
        found = [fewer[state] for state in states & fewer.keys()]
        if found:
            unsent = (self._is_unsent(stream) for stream in self.streams)
            conditions.append(
                SQL("(%s AND (%s) IS NOT TRUE)", self._is_among(*found), _any(unsent))
            )
        return _any(conditions)

    def state(self):
        """Return the SQL of the state."""
        is_open = self._joined_open()
        return SQL(
            """
            CASE WHEN %(failed)s THEN 'failed'
                 WHEN %(doubt)s THEN 'doubt'
                 WHEN %(failed)s IS NOT NULL THEN 'waiting'
                 %(settled)s END
            """,
            failed=SQL.identifier(is_open, "failed"),
            doubt=SQL.identifier(is_open, "doubt"),
            settled=SQL(" ").join(
                SQL("WHEN %s THEN %s", is_so, state) for state, is_so in self._settled()
            ),
        )

    def _joined_open(self):
        """Join what is open of each record, and return its name."""
        name = self.query.make_alias(self.alias, "sync_open")
        of_any = SQL(
            """
            (SELECT res_id, bool_or(failed) AS failed, bool_or(doubt) AS doubt
               FROM (SELECT res_id, false AS failed, false AS doubt FROM (%s) AS change
                      UNION ALL
                     SELECT res_id, true, false FROM (%s) AS failed
                      UNION ALL
                     SELECT res_id, false, true FROM (%s) AS unclear (res_id)) AS open
              GROUP BY res_id)
            """,
            self.changes,
            self.failed,
            self.doubt,
        )
        of_record = SQL("%s = %s", SQL.identifier(name, "res_id"), self.id)
        self.query.add_join("LEFT JOIN", name, of_any, of_record)
        return name

    def _is_among(self, *queries):
        """Return the SQL that says whether queries give the id of a record.

        PostgreSQL takes what an array gives for a few rows, which are looked up one by
        one where nothing else is asked, and else hashed, however many there are: a
        query that it takes for too many is gone through for each record.
        """
        found = SQL(" UNION ALL ").join(SQL("(%s)", each) for each in queries)
        return SQL("%s IN (SELECT unnest(ARRAY(%s)))", self.id, found)

    def _few(self):
        """Return the queries for the records in states that few are in."""
        return {
            "failed": self.failed,
            "doubt": _less(self.doubt, self.failed),
            "waiting": _less(self.changes, self.failed, self.doubt),
            "skipped": _less(self.skipped, self.changes, self.doubt),
        }

    def _few_of_sent(self):
        """Return such queries that may give records that are not sent yet as well."""
        urgent = self.skipped, self.changes, self.doubt
        accepted = SQL("%s AND accepted", self.bindings)
        gone = SQL("%s AND absent = 'gone'", self.bindings)
        elsewhere = SQL("%s AND absent IS NULL", self.bindings)
        return {
            "accepted": _less(accepted, *urgent),
            "deleted": SQL(
                "SELECT res_id FROM (%s) AS gone WHERE NOT EXISTS ("
                "%s AND sync_binding.res_id = gone.res_id)",
                _less(gone, accepted, *urgent),
                elsewhere,
            ),
        }

    def _is_unsent(self, stream):
        """Return the SQL that says whether a stream has yet to send a record.

        It is looked up: to be asked of few.
        """
        return SQL(
            "(%s AND NOT EXISTS (SELECT FROM sync_binding WHERE stream_id = %s"
            " AND res_id = %s AND absent IS DISTINCT FROM 'never' OFFSET 0))",
            self._is_sent(stream),
            stream.id,
            self.id,
        )

    def _is_only(self, state):
        """Return the SQL that says whether a state is what most wants attention.

        :param state: one that many may be in
        """
        conditions = self._has_nothing_open()
        if state == "unsent":
            # what it takes for a few, see below, it would look up one by one
            conditions = [SQL("NOT %s", self._is_among(self.changes, self.doubt))]
        if not state:
            # what is not sent comes first: most are
            conditions += [
                SQL("%s IS NOT TRUE", self._is_sent(stream)) for stream in self.streams
            ]
            known = SQL("(absent IS DISTINCT FROM 'never' OR skipped)")
            known = SQL("%s AND res_id = %s AND %s", self.bindings, self.id, known)
            conditions.append(SQL("NOT EXISTS (%s)", known))
        for settled, is_so in self._settled() if state else ():
            if settled != state:
                conditions.append(SQL("%s IS NOT TRUE", is_so))
                continue
            if state == "unsent":
                # PostgreSQL takes that for a few, and does not look for them by walking
                # through all records in the order of a list
                is_so = SQL("CASE WHEN %s THEN %s END = %s", is_so, state, state)
            conditions.append(is_so)
            break
        return SQL("(%s)", SQL(" AND ").join(conditions))

    def _has_nothing_open(self):
        """Return the conditions that nothing is open or unclear.

        PostgreSQL goes through records in several processes, which it does not with
        :meth:`_is_among`, nor with the query for the jobs that are asleep.
        """
        asleep = [id_ for (id_,) in self.model.env.execute_query(self.asleep)]
        conditions = [
            SQL("NOT EXISTS (%s AND res_id = %s)", each, self.id)
            for each in (self.changes, self.unclear)
        ]
        return conditions + [SQL("%s != ALL(%s)", self.id, asleep)] * bool(asleep)

    def _settled(self):
        """Return what is so of records of which nothing is open, or unclear.

        Whether there is a binding is asked of a column with few values: so PostgreSQL
        knows that there are few groups, and does not sort all records.

        :return: list of ``(state, SQL)``, each true unless one before it is
        """
        names = {stream: self._joined_binding(stream) for stream in self.streams}

        def of_any(code):
            """:param str code: about the columns of a binding"""
            each = [
                SQL(
                    code,
                    is_sent=self._is_sent(stream) if "is_sent" in code else SQL(),
                    **{
                        column: SQL.identifier(name, column)
                        for column in ("stream_id", "skipped", "accepted", "absent")
                    },
                )
                for stream, name in names.items()
            ]
            return _any(each)

        return [
            ("skipped", of_any("%(skipped)s")),
            (
                "unsent",
                of_any(
                    "(%(stream_id)s IS NULL OR %(absent)s = 'never') AND %(is_sent)s"
                ),
            ),
            ("accepted", of_any("%(accepted)s")),
            ("synced", of_any("(%(stream_id)s IS NOT NULL AND %(absent)s IS NULL)")),
            ("deleted", of_any("%(absent)s = 'gone'")),
        ]

    def _is_sent(self, stream):
        """Return the SQL that says whether a stream sends a record."""
        if stream not in self._sent:
            self._sent[stream] = self._filter_of(stream)
        return self._sent[stream]

    def _filter_of(self, stream):
        said = "What synchronization %s sends is not known", stream.id
        with noted(_logger, *said, level=logging.WARNING):
            model = stream._for_sending(self.model)
            domain = Domain(model._sync_domain(stream)).optimize_full(model)
            return SQL("(%s)", domain._to_sql(model, self.alias, self.query))
        return SQL("false")

    def _joined_binding(self, stream):
        """Join what is known of each record in a stream, and return its name."""
        name = self.query.make_alias(self.alias, f"sync_{stream.id}")
        of_record = SQL(
            "%s = %s AND %s = %s",
            SQL.identifier(name, "stream_id"),
            stream.id,
            SQL.identifier(name, "res_id"),
            self.id,
        )
        self.query.add_join("LEFT JOIN", name, "sync_binding", of_record)
        return name


def _any(conditions):
    """Return the SQL that says whether one of some conditions is true."""
    return SQL("(%s)", SQL(" OR ").join(conditions) or SQL("false"))


def _less(query, *others):
    """Return the query for what others do not give."""
    return SQL(" EXCEPT ").join(SQL("(%s)", each) for each in (query, *others))


def _doubt_queries(streams):
    """Return the queries for the records that a person has to clarify for a system.

    The second one is for those of which a job waits for that.
    """
    return (
        SQL(
            "SELECT res_id FROM sync_binding WHERE stream_id IN %s AND %s",
            streams,
            UNCLEAR,
        ),
        SQL(
            "SELECT %s FROM queue_job WHERE sync_stream_id IN %s AND %s",
            RES_ID_IN_DOUBT,
            streams,
            ASLEEP_IN_DOUBT,
        ),
    )


def _failed_query(streams):
    """Return the query for the records of which a system waits for a decision.

    It starts from the failed jobs: they are few among the changes that wait.
    """
    # OFFSET keeps PostgreSQL from reading all changes to join them, twice
    return SQL(
        """
        SELECT o.res_id
          FROM queue_job j
         CROSS JOIN LATERAL (
               SELECT stream_id, res_id FROM sync_outbox
                WHERE job_uuid = j.uuid OFFSET 0) o
         WHERE j.state = 'failed' AND j.sync_stream_id IN %(streams)s
           AND o.stream_id IN %(streams)s
           AND NOT EXISTS (
               SELECT FROM sync_outbox other
                WHERE other.stream_id = o.stream_id AND other.res_id = o.res_id
                  AND NOT EXISTS (
                      SELECT FROM queue_job
                       WHERE uuid = other.job_uuid AND state = 'failed')
               OFFSET 0)
           AND NOT EXISTS (
               SELECT FROM sync_binding
                WHERE stream_id = o.stream_id AND res_id = o.res_id AND %(unclear)s
               OFFSET 0)
        """,
        streams=streams,
        unclear=UNCLEAR,
    )


def records_of_jobs(env, domain, again=False):
    """Return how many records some jobs are to send, by system.

    :param domain: which ``queue.job`` records, of those that the user may read
    :param bool again: they are requeued: those that owe nothing send all of theirs
    :return: list of ``(system, records)``, the most first; a record counts once in each
        synchronization
    """
    sent = Domain("sync_stream_id", "!=", False) & Domain(
        "sync_backend_id", "!=", False
    )
    chosen = env["queue.job"]._search(Domain(domain) & sent).subselect()
    env["queue.job"].flush_model()
    env["sync.outbox"].flush_model(["job_uuid", "stream_id", "res_id"])
    more = SQL(
        """
         UNION ALL
        SELECT job.sync_backend_id, job.sync_stream_id, record::int
          FROM queue_job AS job
         CROSS JOIN jsonb_array_elements_text(
               (job.records #>> '{}')::jsonb -> 'ids') AS record
         WHERE job.id IN %s
           AND NOT EXISTS (
               SELECT FROM sync_outbox WHERE job_uuid = job.uuid OFFSET 0)
        """,
        chosen,
    )
    rows = ask(
        env.cr,
        """
        SELECT sync_backend_id, count(DISTINCT (stream_id, res_id)) AS records
          FROM (SELECT job.sync_backend_id, change.stream_id, change.res_id
                  FROM queue_job AS job
                  JOIN sync_outbox AS change ON change.job_uuid = job.uuid
                 WHERE job.id IN %s
                %s) AS owed
         GROUP BY sync_backend_id ORDER BY records DESC, sync_backend_id
        """,
        chosen,
        more if again else SQL(),
    )
    systems = env["sync.backend"].sudo()
    return [(systems.browse(id_), records) for id_, records in rows]


# -- the dashboard -------------------------------------------------------------


def first_hour():
    """Return the clock hour (UTC) from which on deliveries are counted by the hour."""
    return hour_of(fields.Datetime.now()) - timedelta(hours=HOURS - 1)


def queue_figures(env, backend_ids):
    """Return how the queue of each of some systems stands.

    The changes that wait are counted in an index; of jobs, and of records that have
    failed or are in doubt, those are read that are not closed, which are few; and what
    was delivered is counted already. So it costs the same with a million done jobs and
    deliveries, and it is the same number of queries for however many systems.

    :return: dict by id of the system, each a dict with ``waiting`` and ``failed``
        (numbers of records, as their own states say; a failed job about none counts
        as well), ``running`` (jobs), ``oldest`` (when the oldest waiting job was made,
        UTC, or ``None``), ``doubt`` (records that people have to clarify, whose jobs do
        not wait for anything else) and ``delivered`` (records delivered in each of the
        last 24 clock hours, the oldest first, the current one last)
    """
    if not backend_ids:
        return {}
    figures = _figures_of_jobs(env, backend_ids)
    env["sync.stream"].flush_model(["backend_id"])
    of_streams = ask(
        env.cr,
        "SELECT id, backend_id FROM sync_stream WHERE backend_id = ANY(%s)",
        list(figures),
    )
    streams = dict(of_streams)
    for id_, waiting, failed, doubt in _figures_of_records(env, list(streams)):
        mine = figures[streams[id_]]
        mine["waiting"] += waiting
        mine["failed"] += failed
        mine["doubt"] += doubt
    start = first_hour()
    for id_, hour, count in delivered_by_hour(env, list(streams), start):
        # a clock that runs behind another server's may see the next hour
        place = min((hour - start) // timedelta(hours=1), HOURS - 1)
        figures[streams[id_]]["delivered"][place] += int(count)
    return figures


def _figures_of_jobs(env, backend_ids):
    """Return the first figures of each system: of its jobs, by one index."""
    names = ["uuid", "sync_backend_id", "state", "date_created", "sync_wait_key"]
    env["queue.job"].flush_model(names)
    env["sync.outbox"].flush_model(["job_uuid"])
    of_jobs = SQL(
        """
        SELECT b.id,
               (SELECT count(*) FROM queue_job
                 WHERE sync_backend_id = b.id AND state = 'started') AS running,
               (SELECT count(*) FROM queue_job job
                 WHERE sync_backend_id = b.id AND state = 'failed'
                   AND NOT EXISTS (SELECT FROM sync_outbox
                                    WHERE job_uuid = job.uuid OFFSET 0)) AS failed,
               (SELECT min(oldest.date_created)
                  FROM unnest(%(waiting)s) AS one (state)
                 CROSS JOIN LATERAL (
                       SELECT date_created FROM queue_job
                        WHERE sync_backend_id = b.id AND state = one.state
                          AND state IN %(open)s AND NOT COALESCE(%(asleep)s, false)
                        ORDER BY date_created LIMIT 1) AS oldest) AS oldest
          FROM sync_backend b
         WHERE b.id = ANY(%(backends)s)
        """,
        asleep=ASLEEP_IN_DOUBT,
        waiting=[each for each in LIVE_STATES if each != "started"],
        open=OPEN_STATES,
        backends=list(backend_ids),
    )
    return {
        row.pop("id"): {**row, "waiting": 0, "doubt": 0, "delivered": [0] * HOURS}
        for row in env.execute_query_dict(of_jobs)
    }


def _figures_of_records(env, stream_ids):
    """Return how many records of streams wait, have failed and are in doubt.

    Each is counted once, by its state as :func:`open_changes` tells it.

    :return: rows of stream id and the three numbers
    """
    env["sync.outbox"].flush_model(["stream_id", "res_id", "job_uuid"])
    env["sync.binding"].flush_model(["stream_id", "res_id", "doubt", "accepted"])
    env["queue.job"].flush_model(["uuid", "state", "sync_stream_id", "sync_wait_key"])
    return ask(
        env.cr,
        """
        WITH doubtful AS MATERIALIZED (
            SELECT DISTINCT stream_id, res_id FROM %(in_doubt)s AS found
             WHERE stream_id = ANY(%(streams)s)
        ), failed AS (
            SELECT DISTINCT change.stream_id, change.res_id
              FROM queue_job job
             -- OFFSET keeps PostgreSQL from reading all changes to join them
             CROSS JOIN LATERAL (
                   SELECT stream_id, res_id FROM sync_outbox
                    WHERE job_uuid = job.uuid OFFSET 0) AS change
             WHERE job.state = 'failed' AND job.sync_stream_id = ANY(%(streams)s)
               AND change.stream_id = ANY(%(streams)s)
               AND NOT EXISTS (
                   SELECT FROM sync_outbox other
                    WHERE other.stream_id = change.stream_id
                      AND other.res_id = change.res_id
                      AND NOT EXISTS (
                          SELECT FROM queue_job
                           WHERE uuid = other.job_uuid AND state = 'failed')
                   OFFSET 0)
               AND NOT EXISTS (
                   SELECT FROM doubtful
                    WHERE stream_id = change.stream_id AND res_id = change.res_id)
        ), counted AS (
            SELECT stream_id, count(*) AS changed, 0 AS failed, 0 AS doubt
              FROM (SELECT stream_id, res_id FROM sync_outbox
                     WHERE stream_id = ANY(%(streams)s)
                     GROUP BY stream_id, res_id) AS record
             GROUP BY stream_id
             UNION ALL
            SELECT stream_id, -count(*), count(*), 0 FROM failed GROUP BY stream_id
             UNION ALL
            SELECT stream_id,
                   -count(*) FILTER (WHERE EXISTS (
                       SELECT FROM sync_outbox change
                        WHERE change.stream_id = doubtful.stream_id
                          AND change.res_id = doubtful.res_id OFFSET 0)),
                   0, count(*)
              FROM doubtful GROUP BY stream_id
        )
        SELECT stream_id, sum(changed)::int, sum(failed)::int, sum(doubt)::int
          FROM counted GROUP BY stream_id
        """,
        streams=list(stream_ids),
        in_doubt=_in_doubt(),
    )


def delivered_by_hour(env, stream_ids, start):
    """Return how many records were delivered, as rows of stream id, hour and number.

    :param datetime start: the first hour (UTC, naive)
    """
    env["sync.counter"].flush_model(["stream_id", "result", "hour", "attempts"])
    return ask(
        env.cr,
        """
        SELECT stream_id, hour, sum(attempts) FROM sync_counter
         WHERE hour >= %s AND result = %s AND stream_id = ANY(%s)
         GROUP BY stream_id, hour
        """,
        start,
        DELIVERED,
        list(stream_ids),
    )


def in_doubt(env):
    """Return the records that people have to clarify, as sets of ids by stream id.

    They are found by indexes that hold little else.
    """
    env["sync.binding"].flush_model(["stream_id", "res_id", "doubt", "accepted"])
    env["queue.job"].flush_model(["sync_stream_id", "state", "sync_wait_key"])
    rows = ask(
        env.cr,
        """
        SELECT stream_id, array_agg(DISTINCT res_id)
          FROM %s AS found
         GROUP BY stream_id
        """,
        _in_doubt(),
    )
    return {stream_id: set(ids) for stream_id, ids in rows}


def _in_doubt():
    return SQL(
        """
        (SELECT stream_id, res_id FROM sync_binding WHERE %s
          UNION ALL
         SELECT sync_stream_id, %s FROM queue_job
          WHERE %s AND sync_stream_id IS NOT NULL)
        """,
        UNCLEAR,
        RES_ID_IN_DOUBT,
        ASLEEP_IN_DOUBT,
    )


# -- monitoring: no query looks at jobs that are done, or at the log ------------


def waiting_changes(env):
    """Return ``{stream id: (changes that wait, age of the oldest in seconds)}``.

    Those of failed jobs, and of records that people have to clarify, do not wait:
    somebody has to decide about them.
    """
    rows = ask(
        env.cr,
        """
        SELECT o.stream_id, count(*),
               EXTRACT(EPOCH FROM clock_timestamp() AT TIME ZONE 'utc'
                                  - min(o.create_date))
          FROM sync_outbox o
         WHERE NOT EXISTS (
               SELECT FROM queue_job j
                WHERE j.uuid = o.job_uuid AND j.state = 'failed'
                  AND j.sync_stream_id IS NOT NULL)
           AND NOT EXISTS (
               SELECT FROM queue_job WHERE uuid = o.job_uuid AND %s)
         GROUP BY o.stream_id
        """,
        ASLEEP_IN_DOUBT,
    )
    return {id_: (count, max(float(age), 0.0)) for id_, count, age in rows}


def failed_jobs(env):
    """Return ``{stream id: jobs that are failed now}``."""
    failed = [("state", "=", "failed"), ("sync_stream_id", "!=", False)]
    rows = env["queue.job"]._read_group(failed, ["sync_stream_id"], ["__count"])
    return {stream.id: count for stream, count in rows}


def attempts(env):
    """Return what has been counted, see ``sync.counter``.

    :return: list of ``(stream id, result, bound, attempts, retried, seconds)``
    """
    kinds = ["stream_id", "result", "bound"]
    sums = ["attempts:sum", "retried:sum", "seconds:sum"]
    rows = env["sync.counter"]._read_group([], kinds, sums)
    return [(stream.id, *counted) for stream, *counted in rows]
