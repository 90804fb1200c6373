# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.addons.queue_job_sync.transports.names import EACH, name_of, steps_of

NAMES = (
    """
    SELECT m.id, m.target FROM sync_mapping m
      JOIN sync_stream s ON s.id = m.stream_id
      JOIN sync_backend b ON b.id = s.backend_id
     WHERE b.transport != 'postgresql' AND m.target IS NOT NULL
    """,
    "UPDATE sync_mapping SET target = %s WHERE id = %s",
)
MARKS = (
    """
    SELECT s.id, s.mark_key FROM sync_stream s
      JOIN sync_backend b ON b.id = s.backend_id
     WHERE b.transport != 'postgresql' AND s.mark_key IS NOT NULL
    """,
    "UPDATE sync_stream SET mark_key = %s WHERE id = %s",
)


def migrate(cr, version):
    """Quote the names that would mean something else now: what is sent stays the same.

    Only dots and [] had a meaning: x[0] was a name, and is an entry of a list now.
    """
    for select, update in (NAMES, MARKS):
        cr.execute(select)
        for id_, name in cr.fetchall():
            if steps_of(name) != (steps := steps_before(name)):
                cr.execute(update, (name_of(steps), id_))


def steps_before(name):
    """Return what a name meant, as :func:`..names.steps_of` tells it."""
    steps = []
    for part in name.split("."):
        steps += [part[:-2], EACH] if part[2:] and part.endswith("[]") else [part]
    return tuple(steps)
