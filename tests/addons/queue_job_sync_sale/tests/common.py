# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random
import threading

from odoo import fields
from odoo.tests import tagged

from odoo.addons.queue_job_sync.engine import waiting
from odoo.addons.queue_job_sync.tests.common import DeliveryCase, drop
from odoo.addons.queue_job_sync.tests.servers import Answer, HttpDestination

LINES = (
    ("order_line.name", "lines[].text"),
    ("order_line.product_id.default_code", "lines[].sku"),
    ("order_line.product_uom_qty", "lines[].quantity"),
)
ORDER = (("name", "number"), ("partner_id", "customer"), *LINES)


def mapping_values(mapping):
    """Lines of a mapping; partner_id is sent as the system's own id."""
    return [
        fields.Command.create(
            {"field_path": path, "target": target, "id_there": path == "partner_id"}
        )
        for path, target in mapping
    ]


class ParticularDestination(HttpDestination):
    """A REST API that refuses some names, and can be made to take its time."""

    def __init__(self):
        super().__init__()
        self.refused = set()
        self.asked = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def reply(self, request):
        self.asked.set()
        self.go_on.wait(30)
        if request.body and request.json.get("name") in self.refused:
            return Answer(422, {"message": "no such name, please"})
        return super().reply(request)


@tagged("post_install", "-at_install")
class SaleCase(DeliveryCase):
    """Contacts, and orders that point at them, to one system."""

    destination_class = ParticularDestination
    order_options = {}

    def setUp(self):
        super().setUp()
        self.order_stream_id = self.new_stream(
            "sale.order", ORDER, endpoint="orders", **self.order_options
        )
        with self.transaction() as env:
            product = env["product.product"].create(
                {"name": "Chair", "default_code": "C-1"}
            )
            self.product_id = product.id

    def new_stream(self, model, mapping, backend_id=None, **values):
        """Commit another synchronization, and return its id."""
        with self.transaction() as env:
            return (
                env["sync.stream"]
                .create(
                    {
                        "state": "live",
                        "name": f"{model} to CRM",
                        "backend_id": backend_id or self.backend_id,
                        "model_id": env["ir.model"]._get(model).id,
                        "mapping_ids": mapping_values(mapping),
                        **values,
                    }
                )
                .id
            )

    def _delete_everything(self):
        self.destination.go_on.set()
        with self.transaction() as env:
            streams = env["sync.stream"].search([])
            env["queue.job"].search([]).unlink()
            drop(streams.filtered(lambda each: each.id != self.stream_id))
        with self.transaction() as env:
            env["sale.order"].search([]).unlink()
            env["product.product"].browse(self.product_id).product_tmpl_id.unlink()
        return super()._delete_everything()

    def new_order(self, partner_id, quantities=(2,), env=None, **values):
        """Commit a new order of chairs, and return its id."""
        if env is None:
            with self.transaction() as env:
                return self.new_order(partner_id, quantities, env, **values)
        order = env["sale.order"].create(
            {
                "partner_id": partner_id,
                "order_line": [
                    fields.Command.create(
                        {"product_id": self.product_id, "product_uom_qty": quantity}
                    )
                    for quantity in quantities
                ],
                **values,
            }
        )
        return order.id

    def job_uuids(self, *states, model=None):
        domain = [("sync_stream_id", "!=", False)]
        if states:
            domain.append(("state", "in", states))
        if model:
            domain.append(("model_name", "=", model))
        jobs = self.read("queue.job", domain, ["uuid"], order="id")
        return [job["uuid"] for job in jobs]

    def asleep(self):
        domain = [("state", "=", "pending"), ("sync_wait_key", "!=", False)]
        found = self.read("queue.job", domain, ["uuid"], order="id")
        return [job["uuid"] for job in found]

    def run_all(self, seed=None):
        """Run jobs, chosen at random if there is a seed, until none is awake."""
        chance = random.Random(seed)
        for _turn in range(200):
            uuids = self.awake()
            if not uuids:
                return
            self.run_job(uuids[0] if seed is None else chance.choice(uuids))
        self.fail("the jobs do not come to an end")

    def look_everywhere(self):
        """Wake who was forgotten, as a scheduled action does each minute."""
        with self.transaction() as env:
            waiting.look_everywhere(env)

    def order_outbox(self):
        return self.read(
            "sync.outbox", [("stream_id", "=", self.order_stream_id)], ["job_uuid"]
        )

    def told_of(self, order_id):
        """Return the state of an order, and what the dialog tells of it."""
        with self.transaction() as env:
            order = env["sale.order"].browse(order_id)
            dialog = env["sync.status"].browse(order.action_sync_status()["res_id"])
            return order.sync_state, str(dialog.content)

    def sent_to(self, path):
        """Return the contents that have arrived below a path, in their order."""
        return [
            request.json
            for request in self.destination.requests
            if request.path.startswith(f"/{path}") and request.body
        ]

    def order_there(self, order_id):
        """Return what the system holds of an order."""
        (binding,) = self.read(
            "sync.binding",
            [("stream_id", "=", self.order_stream_id), ("res_id", "=", order_id)],
            ["external_id"],
        )
        return self.destination.records.get(f"/orders/{binding['external_id']}")

    def assertContactsFirst(self):
        """Check that each order named a contact that the system held already."""
        known = set()
        for request in self.destination.requests:
            if request.method == "POST" and request.path == "/contacts":
                if request.json["name"] not in self.destination.refused:
                    known.add(request.json["name"])
            elif request.path.startswith("/orders") and request.body:
                customer = request.json["customer"]
                self.assertTrue(customer, "an order arrived before its contact")
                contact = self.destination.records[f"/contacts/{customer}"]
                self.assertIn(contact["name"], known)

    def assertAllDelivered(self):
        states = self.read("queue.job", [("sync_stream_id", "!=", False)], ["state"])
        self.assertEqual({job["state"] for job in states}, {"done"})
        self.assertFalse(self.read("sync.outbox", [], ["id"]))
