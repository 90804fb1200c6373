# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Importing contacts from a file, as the web client's import does it."""

import csv
import io
import time
from contextlib import ExitStack

from benchmarks import contacts
from benchmarks.peers import BARE, OURS
from support.figures import Row, compared, in_turns

FIELDS = ("name", "email", "phone", "street", "city", "zip", "country_id")
# As the web client has them when a person changes nothing.
OPTIONS = {
    "import_skip_records": [],
    "import_set_empty_fields": [],
    "fallback_values": {},
    "name_create_enabled_fields": {},
    "encoding": "utf-8",
    "separator": ",",
    "quoting": '"',
    "date_format": "",
    "datetime_format": "",
    "float_thousand_separator": ",",
    "float_decimal_separator": ".",
    "has_headers": True,
    "keep_matches": False,
    "skip": 0,
}


def measure(scene):
    """Time ``execute_import`` of a whole file in one call."""
    actions = {
        name: lambda peer=scene.peers[name]: _import(peer, scene.sizes.imported)
        for name in ROW.peers
    }
    with ExitStack() as stack:
        for name in ROW.peers:
            stack.enter_context(scene.peers[name].paused())
        samples = in_turns(scene.sizes.import_rounds, actions)
    return compared(samples, OURS, BARE, "s", f"{scene.sizes.imported} rows")


def _import(peer, count):
    """Import new contacts.

    :return: seconds it took
    """
    model = "base_import.import"
    file = {"res_model": "res.partner", "file": _file(count), "file_type": "text/csv"}
    (import_id,) = peer.web.call(model, "create", [{**file, "file_name": "all.csv"}])
    start = time.perf_counter()
    answer = peer.web.call(
        model,
        "execute_import",
        [import_id],
        list(FIELDS),
        list(FIELDS),
        {**OPTIONS, "limit": count},
        dryrun=False,
        context={"tracking_disable": True},
    )
    seconds = time.perf_counter() - start
    if len(answer.get("ids") or ()) != count:
        raise RuntimeError(f"the import failed: {answer.get('messages')}")
    peer.clear_queue()
    return seconds


def _file(count):
    """Return the text of a file of new contacts."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS)
    writer.writeheader()
    for _number in range(count):
        writer.writerow(contacts.values(["France", "Belgium", "Germany", "Portugal"]))
    return text.getvalue()


ROW = Row(
    id="import_csv",
    title="import 10,000 contacts from CSV, ours / bare",
    goal=1.05,
    peers=(OURS, BARE),
    measure=measure,
)
