# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tools import SQL

from ..engine import store, waiting, words

WHY = "No answer within %(seconds)s s"


def put_in_doubt(stream, res_id, doubt="maybe", uuid=None, **values):
    """Write what a worker does who does not know what a record is in its system.

    :param stream: the ``sync.stream``
    :param uuid: of the job that sleeps until a person has said so
    :param values: other columns of the binding
    """
    env, cr = stream.env, stream.env.cr
    env.flush_all()
    (held,) = store.lock_bindings(stream, [res_id])
    reason = words.kept(words.Sentence(WHY, seconds=30))
    values = {"doubt": doubt, "doubt_reason": reason, **values}
    assignments = [
        SQL("%s = %s", SQL.identifier(name), value) for name, value in values.items()
    ]
    cr.execute(
        SQL(
            "UPDATE sync_binding SET %s WHERE id = %s",
            SQL(", ").join(assignments),
            held.id,
        )
    )
    if uuid:
        key = waiting.for_doubt(stream.id, res_id)
        store.let_sleep(cr, uuid, key, reason, waiting.safety())
    env.invalidate_all()
    return env["sync.binding"].browse(held.id)
