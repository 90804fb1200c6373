# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Records that have to wait until others have been delivered.

A job finds out when it runs: editors would have to lock jobs for it. Records that link
to each other do not wait for each other: the last one to ask goes first.
"""

from . import store


def blocked(stream, record_ids):
    """Return which of the records have to wait, and for what.

    :param stream: the ``sync.stream``, as superuser
    :return: dict ``{record id: sorted list of (stream id, record id)}``
    """
    ahead = _undelivered_ahead(stream, record_ids)
    if not ahead:
        return {}
    # who sleeps is seen as it is now
    with store.read_committed(stream.env.registry) as cr:
        found = {
            res_id: sorted(
                key for key in keys if not store.waits_for(cr, key, (stream.id, res_id))
            )
            for res_id, keys in ahead.items()
        }
    return {res_id: keys for res_id, keys in found.items() if keys}


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
        for id_ in undelivered(stream.browse(stream_id), by_link):
            for res_id in by_link[id_]:
                found.setdefault(res_id, set()).add((stream_id, id_))
    return found


def undelivered(stream, record_ids):
    """Return those of the ids that the system does not hold as they are now.

    There are changes on their way, or they belong there and never were.
    """
    waiting, never_sent = store.undelivered(stream, record_ids)
    records = stream.env[stream.model_name].browse(never_sent).exists()
    return waiting | set(stream._matching(records)._ids)
