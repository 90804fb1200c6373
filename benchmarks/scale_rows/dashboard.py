# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The dashboard's figures, which are asked for again and again."""

from benchmarks import web_form
from benchmarks.peers import LARGE
from benchmarks.scale_rows.looks import seconds, worst
from support.figures import Row

VIEW = [("module", "=", "queue_job_sync"), ("name", "=", "view_sync_backend_dashboard")]


def measure(scene):
    """Time what one refresh asks."""
    peer = scene.peers[LARGE]
    (view,) = peer.admin.search_read("ir.model.data", VIEW, ["res_id"])
    asked = web_form.specification(peer.web, "sync.backend", "kanban", view["res_id"])
    took = seconds(
        scene, peer, "sync.backend", "web_search_read", [], specification=asked
    )
    note = f"{scene.sizes.scale_deliveries} deliveries in ten days"
    return worst(scene, {"refresh": took}, note=note)


ROW = Row(
    id="dashboard",
    title="one refresh of the dashboard's cards, seconds",
    goal=1,
    peers=(LARGE,),
    measure=measure,
)
