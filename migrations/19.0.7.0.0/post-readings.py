# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import re

from odoo.addons.queue_job_sync.exceptions import Misconfigured
from odoo.addons.queue_job_sync.transports.rest.readings import HEADERS, Reading

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def migrate(cr, version):
    """Have ids read where they have been read.

    A path of names is read as JMESPath where its names have signs, and ``headers.x``
    as a header.
    """
    cr.execute(
        "SELECT id, external_id_key FROM sync_stream"
        " WHERE COALESCE(external_id_key, '') != ''"
    )
    for stream_id, path in cr.fetchall():
        if (reading := as_before(path)) != path:
            cr.execute(
                "UPDATE sync_stream SET external_id_key = %s WHERE id = %s",
                (reading, stream_id),
            )


def as_before(path):
    """Return the reading of what is at a path of names with dots."""
    names = path.split(".")
    try:
        reading = Reading.parse(path)
    except Misconfigured:
        reading = None  # of a header that is not read, or no JMESPath
    if reading and reading.path and not reading.header:
        return path
    within = ["@"] if len(names) == 2 and names[0] == HEADERS else []
    return ".".join([*within, *map(quoted, names)])


def quoted(name):
    """Return a name as JMESPath takes it."""
    return name if PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)
