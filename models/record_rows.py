# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tools import SQL


def rows_about(table, pairs, lock=None):
    """Return the rows of a table about some records of some streams, for a ``FROM``.

    They are looked up one by one in the index on ``(stream_id, res_id)``, whatever
    PostgreSQL takes the table for. Left to itself it goes by its statistics: these know
    nothing of a stream that has just begun, so it would read all of the stream's rows
    rather than look a hundred of them up.

    :param str table: with that index
    :param pairs: iterable of ``(stream id, record id)``; rows come in that order
    :param lock: :class:`SQL` of a locking clause
    """
    pairs = list(pairs)
    return SQL(
        # OFFSET keeps PostgreSQL from joining the two in another way
        """
        (SELECT found.*
           FROM unnest(%s::int[], %s::int[]) AS wanted (stream_id, res_id)
          CROSS JOIN LATERAL (
                SELECT * FROM %s AS one
                 WHERE one.stream_id = wanted.stream_id AND one.res_id = wanted.res_id
                OFFSET 0 %s) AS found)
        """,
        [stream_id for stream_id, _res_id in pairs],
        [res_id for _stream_id, res_id in pairs],
        SQL.identifier(table),
        lock or SQL(),
    )
