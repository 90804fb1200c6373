# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The list of contacts by their state in the systems, grouped by something else."""

from benchmarks.peers import LARGE
from benchmarks.progress import tell
from benchmarks.scale_rows.looks import seconds, worst
from support.figures import Row

FIELD = "sync_state"
LIST = {"display_name": {}, FIELD: {}}
GROUPED = {"groupby": ["country_id"], "aggregates": ["__count"]}
PAGE = 80  # records, as the web client asks for


def measure(scene):
    """Time the first page, and the groups, of each state; the worst one counts."""
    peer = scene.peers[LARGE]
    fields = peer.web.call("res.partner", "fields_get", [FIELD], ["selection"])
    states = [state for state, _label in fields[FIELD]["selection"]]
    times, bare = {}, {}
    unfiltered = _looks(scene, peer, [])
    for state in (*states, False):
        tell(f"filters: {state or 'not set'}")
        for look, took in _looks(scene, peer, [(FIELD, "=", state)]).items():
            times[f"{state or 'not set'}, {look}"] = took
            bare[f"{state or 'not set'}, {look}"] = unfiltered[look]
    by_state = {**GROUPED, "groupby": [FIELD]}
    times["by state"] = _groups(scene, peer, [], by_state)
    bare["by state"] = unfiltered["groups"]
    note = f"{scene.sizes.scale} contacts; bare: without the filter"
    return worst(scene, times, bare, note)


def _looks(scene, peer, domain):
    page = {"domain": domain, "specification": LIST, "limit": PAGE}
    return {
        "page": seconds(scene, peer, "res.partner", "web_search_read", **page),
        "groups": _groups(scene, peer, domain, GROUPED),
    }


def _groups(scene, peer, domain, grouped):
    asked = {"domain": domain, **grouped}
    return seconds(scene, peer, "res.partner", "formatted_read_group", **asked)


ROW = Row(
    id="filters",
    title="contacts by state: seconds, or part of 1.3 times the bare list",
    goal=1,
    peers=(LARGE,),
    measure=measure,
)
