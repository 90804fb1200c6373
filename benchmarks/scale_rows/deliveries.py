# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The screens of the log of all deliveries."""

from datetime import UTC, datetime, timedelta

from benchmarks import web_form
from benchmarks.peers import LARGE
from benchmarks.progress import tell
from benchmarks.scale_rows.looks import seconds, worst
from support.figures import Row

MODEL = "sync.delivery"
PAGE = 80  # records, as the web client asks for
COUNT_LIMIT = 10_001  # it counts no further
COUNT = ["__count"]


def measure(scene):
    """Time list, graph, pivot and search as they open; the worst one counts."""
    peer = scene.peers[LARGE]
    shown = web_form.specification(peer.web, MODEL, "list")
    since = (datetime.now(UTC) - timedelta(days=6)).strftime("%Y-%m-%d 00:00:00")
    recent = [("date", ">=", since)]
    failed = ("state", "=", "failed")
    named = ("record_name", "ilike", f"Contact {scene.sizes.scale // 7}")
    refused = ("error", "ilike", "is not valid")
    pages = {
        "list": recent,
        "list of all": [],
        "failed": [*recent, failed],
        "all failed": [failed],
        "all with a warning": [("warning", "!=", False)],
        "by record": [*recent, named],
        "all by record": [named],
        "by reason": [*recent, failed, refused],
    }
    times = {}
    for name, domain in pages.items():
        tell(f"deliveries: {name}")
        page = {"specification": shown, "limit": PAGE, "count_limit": COUNT_LIMIT}
        times[name] = seconds(scene, peer, MODEL, "web_search_read", domain, **page)
    for name, groupby in {
        "graph": ["date:day", "state"],
        "groups by day": ["date:day"],
        "groups by state": ["state"],
        "groups by synchronization": ["stream_id"],
    }.items():
        tell(f"deliveries: {name}")
        asked = {"groupby": groupby, "aggregates": COUNT}
        times[name] = seconds(
            scene, peer, MODEL, "formatted_read_group", recent, **asked
        )
    tell("deliveries: pivot")
    sets = [[], ["stream_id"], ["state"], ["stream_id", "state"]]
    times["pivot"] = seconds(
        scene,
        peer,
        MODEL,
        "formatted_read_grouping_sets",
        recent,
        grouping_sets=sets,
        aggregates=COUNT,
    )
    note = f"{scene.sizes.scale_deliveries} deliveries in ten days; the last seven days"
    return worst(scene, times, note=note)


ROW = Row(
    id="deliveries",
    title="the slowest of the log's screens, seconds",
    goal=1,
    peers=(LARGE,),
    measure=measure,
)
